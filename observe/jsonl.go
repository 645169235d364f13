package observe

import (
	"encoding/base64"
	"strconv"
	"time"
	"unicode/utf8"

	"sockeye.dev/charset"
)

// JSONL is a [Formatter] for programs: each event is one JSON object on a line
// of its own. Its names do not change, and what does not apply is left out:
//
//	time     when, in UTC, as RFC 3339 with nanoseconds
//	conv     the number of the conversation
//	link     the number of the other half of a relay
//	event    "open", "data", "eof", "close", "error", "note" or "lost"
//	dir      of data and eof: "in" or "out"
//	network  "tcp", "udp", "unix" and so on
//	local    our address
//	remote   the peer's address
//	offset   of data and eof: how many bytes went before, in this direction
//	size     of data: how many bytes
//	text     of data: what it says, if it is text
//	base64   of data: the bytes, unless they are exactly text in UTF-8
//	lost     of lost: how much
//	note     the remark, or the reason
//	error    the error
//
// The bytes are always there: those of base64, else those of text. A character
// that arrives in two events is in the text of the second.
//
// The zero value is ready. Encoding must not change once it is used.
type JSONL struct {
	// Encoding is what text is read in. Default: automatic, without a legacy
	// encoding.
	Encoding *charset.Encoding

	text []byte
	dec  decoders
}

var _ Formatter = (*JSONL)(nil)

// AppendEvent implements [Formatter].
func (j *JSONL) AppendEvent(dst []byte, e *Event) []byte {
	dst = append(dst, '{')
	if !e.Time.IsZero() {
		dst = append(dst, `"time":"`...)
		dst = e.Time.UTC().AppendFormat(dst, time.RFC3339Nano)
		dst = append(dst, `",`...)
	}
	if e.Conv != 0 {
		dst = strconv.AppendUint(append(dst, `"conv":`...), e.Conv, 10)
		dst = append(dst, ',')
	}
	if e.Link != 0 {
		dst = strconv.AppendUint(append(dst, `"link":`...), e.Link, 10)
		dst = append(dst, ',')
	}
	dst = append(dst, `"event":"`...)
	dst = append(append(dst, e.Kind.String()...), '"')
	if e.Kind == Data || e.Kind == EOF {
		dst = append(dst, `,"dir":"`...)
		dst = append(append(dst, e.Dir.String()...), '"')
	}
	if e.Network != "" {
		dst = appendString(append(dst, `,"network":`...), e.Network)
	}
	if e.Local != nil {
		j.text = appendAddr(j.text[:0], e.Local)
		dst = appendString(append(dst, `,"local":`...), j.text)
	}
	if e.Remote != nil {
		j.text = appendAddr(j.text[:0], e.Remote)
		dst = appendString(append(dst, `,"remote":`...), j.text)
	}
	if e.Kind == Data || e.Kind == EOF {
		dst = strconv.AppendInt(append(dst, `,"offset":`...), e.Offset, 10)
	}
	switch e.Kind {
	case Data:
		dst = j.appendData(dst, e)
	case Lost:
		dst = strconv.AppendInt(append(dst, `,"lost":`...), e.N, 10)
	case Close:
		j.text = j.dec.rest(j.text[:0], e)
	}
	if e.Text != "" {
		dst = appendString(append(dst, `,"note":`...), e.Text)
	}
	if e.Err != nil {
		dst = appendString(append(dst, `,"error":`...), e.Err.Error())
	}
	return append(dst, "}\n"...)
}

func (j *JSONL) appendData(dst []byte, e *Event) []byte {
	dst = strconv.AppendInt(append(dst, `,"size":`...), int64(len(e.Data)), 10)
	text, ok := j.dec.decode(j.text[:0], j.Encoding, e)
	j.text = text
	exact := ok && utf8.Valid(e.Data) && string(text) == string(e.Data)
	if ok && (exact || len(text) > 0) {
		dst = appendString(append(dst, `,"text":`...), text)
	}
	if !exact {
		dst = append(dst, `,"base64":"`...)
		dst = base64.StdEncoding.AppendEncode(dst, e.Data)
		dst = append(dst, '"')
	}
	return dst
}

// appendString appends s in JSON. What is not UTF-8 becomes U+FFFD.
func appendString[S string | []byte](dst []byte, s S) []byte {
	dst = append(dst, '"')
	plain := 0
	for i := 0; i < len(s); {
		b := s[i]
		if b >= ' ' && b < utf8.RuneSelf && b != '"' && b != '\\' && b != 0x7f {
			i++
			continue
		}
		if b >= utf8.RuneSelf {
			r, n := utf8.DecodeRuneInString(string(s[i:min(i+utf8.UTFMax, len(s))]))
			// Some readers end a line at these separators; terminals obey C1.
			if (r != utf8.RuneError || n > 1) && r != '\u2028' && r != '\u2029' && r >= 0xa0 {
				i += n
				continue
			}
			dst = append(dst, s[plain:i]...)
			dst = appendEscape(dst, r)
			i += n
		} else {
			dst = append(dst, s[plain:i]...)
			switch b {
			case '"', '\\':
				dst = append(dst, '\\', b)
			case '\n':
				dst = append(dst, `\n`...)
			case '\r':
				dst = append(dst, `\r`...)
			case '\t':
				dst = append(dst, `\t`...)
			default:
				dst = appendEscape(dst, rune(b))
			}
			i++
		}
		plain = i
	}
	dst = append(dst, s[plain:]...)
	return append(dst, '"')
}

func appendEscape(dst []byte, r rune) []byte {
	return append(dst, '\\', 'u', hexDigits[r>>12&15], hexDigits[r>>8&15], hexDigits[r>>4&15], hexDigits[r&15])
}
