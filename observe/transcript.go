package observe

import (
	"strconv"
	"time"

	"sockeye.dev/charset"
)

// Transcript is a [Formatter] for people. An event is a line with its time,
// its conversation, what happened and, of data, the direction and the size;
// the data follows as text, indented, or as a hexdump:
//
//	2026-03-01T12:00:00.000Z #1 open tcp 127.0.0.1:7788 <> 127.0.0.1:50123
//	2026-03-01T12:00:00.012Z #1 < 6 bytes
//	  hello
//	2026-03-01T12:00:00.013Z #1 > 12 bytes
//	  thank you !
//	2026-03-01T12:00:00.020Z #1 < eof
//	2026-03-01T12:00:00.021Z #1 close
//
// "<" is what the peer sent, ">" what we sent. Whatever a peer sends can
// neither reach the terminal as a control character nor pass for a line of the
// transcript. A character that arrives in two events is shown with the second.
//
// The zero value is ready. The fields must not change once it is used.
type Transcript struct {
	// Encoding is what text is read in. Default: automatic, without a legacy
	// encoding.
	Encoding *charset.Encoding
	// Hex shows data as xxd does, numbered from the start of the stream.
	Hex bool
	// Relative shows times as seconds since the first event.
	Relative bool

	first time.Time
	text  []byte
	dec   decoders
}

var _ Formatter = (*Transcript)(nil)

// AppendEvent implements [Formatter].
func (t *Transcript) AppendEvent(dst []byte, e *Event) []byte {
	dst = t.appendTime(dst, e.Time)
	if e.Conv != 0 {
		dst = append(dst, " #"...)
		dst = strconv.AppendUint(dst, e.Conv, 10)
	}
	switch e.Kind {
	case Data:
		dst = appendArrow(dst, e.Dir)
		dst = strconv.AppendInt(append(dst, ' '), int64(len(e.Data)), 10)
		dst = append(dst, " bytes"...)
		if len(e.Data) == 1 {
			dst = dst[:len(dst)-1]
		}
	case EOF:
		dst = append(appendArrow(dst, e.Dir), " eof"...)
	case Open:
		dst = append(dst, " open"...)
		dst = t.appendPeers(dst, e)
	case Note:
		dst = append(dst, " note"...)
	case Lost:
		dst = append(dst, " lost "...)
		dst = strconv.AppendInt(dst, e.N, 10)
	default:
		dst = append(append(dst, ' '), e.Kind.String()...)
	}
	if e.Text != "" {
		dst = t.appendSafe(append(dst, ": "...), e.Text)
	}
	if e.Err != nil {
		dst = t.appendSafe(append(dst, ": "...), e.Err.Error())
	}
	dst = append(dst, '\n')
	switch {
	case e.Kind == Data && t.Hex:
		return AppendHexdump(dst, e.Data, e.Offset)
	case e.Kind == Data:
		t.text, _ = t.dec.decode(t.text[:0], t.Encoding, e)
		return appendIndented(dst, t.text)
	case (e.Kind == EOF || e.Kind == Close) && !t.Hex:
		t.text = t.dec.rest(t.text[:0], e)
		return appendIndented(dst, t.text)
	}
	return dst
}

func appendArrow(dst []byte, d Direction) []byte {
	if d == Out {
		return append(dst, " >"...)
	}
	return append(dst, " <"...)
}

func (t *Transcript) appendTime(dst []byte, at time.Time) []byte {
	if !t.Relative {
		return at.AppendFormat(dst, "2006-01-02T15:04:05.000Z07:00")
	}
	if t.first.IsZero() {
		t.first = at
	}
	return strconv.AppendFloat(dst, at.Sub(t.first).Seconds(), 'f', 3, 64)
}

func (t *Transcript) appendPeers(dst []byte, e *Event) []byte {
	if e.Network != "" {
		dst = t.appendSafe(append(dst, ' '), e.Network)
	}
	if e.Local != nil {
		t.text = appendAddr(t.text[:0], e.Local)
		dst = charset.AppendVisible(append(dst, ' '), t.text, singleLine)
	}
	if e.Remote != nil {
		t.text = appendAddr(t.text[:0], e.Remote)
		dst = charset.AppendVisible(append(dst, " <> "...), t.text, singleLine)
	}
	if e.Link != 0 {
		dst = strconv.AppendUint(append(dst, ", linked to #"...), e.Link, 10)
	}
	return dst
}

var singleLine = charset.VisibleOptions{SingleLine: true}

func (t *Transcript) appendSafe(dst []byte, s string) []byte {
	t.text = append(t.text[:0], s...)
	return charset.AppendVisible(dst, t.text, singleLine)
}

// appendIndented appends each line of text, made harmless, behind two spaces.
func appendIndented(dst, text []byte) []byte {
	for len(text) > 0 {
		line := text
		for i, b := range text {
			if b == '\n' {
				line = text[:i]
				break
			}
		}
		text = text[min(len(line)+1, len(text)):]
		dst = append(dst, "  "...)
		dst = charset.AppendVisible(dst, line, singleLine)
		dst = append(dst, '\n')
	}
	return dst
}
