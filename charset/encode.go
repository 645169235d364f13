package charset

import (
	"slices"
	"strconv"
	"unicode/utf8"
	"unsafe"
)

// An Encoder turns text into the bytes of one direction of one conversation.
// It is not for concurrent use.
type Encoder struct {
	e      *Encoding
	c      codec // nil before the first text
	state  state
	policy Policy
	begun  bool // the byte order mark is written
	nheld  uint8
	held   [8]byte // a character of text that is not whole, and room to complete it
	off    int64   // of the first held byte, from the start of the stream
}

// NewEncoder returns an encoder at the start of a stream. Auto's encodes
// UTF-8: to answer a peer in its encoding, make an encoder of what the
// Decoder's Encoding returns.
func (e *Encoding) NewEncoder(p Policy) *Encoder {
	if e.isAuto {
		e = UTF8
	}
	return &Encoder{e: e, policy: p}
}

// Encode appends the bytes of text to dst and returns the extended slice. It
// keeps neither. The text is UTF-8, or WTF-8 with the lone surrogates that
// SurrogateEscape decodes to; a character split over two calls is put
// together. final says that text ends a message: modes end with it. The
// encodings that begin with a byte order mark write it once, at the start of
// the stream.
//
// The error is an *EncodeError. dst then has the bytes before it, what stands
// behind it in text is lost, and the encoder must be Reset.
func (e *Encoder) Encode(dst, text []byte, final bool) ([]byte, error) {
	if len(text) == 0 && !final {
		return dst, nil
	}
	if e.nheld == 0 && (e.e == UTF8 && utf8.Valid(text) ||
		e.c == nil && e.e.asciiAlone() && asciiLen(text) == len(text)) {
		e.off += int64(len(text))
		return append(dst, text...), nil
	}
	if !e.begun {
		e.c, e.begun = e.e.codec(), true
		dst = append(dst, e.e.bom...)
	}
	var n int
	var err error
	for e.nheld > 0 {
		t := append(e.held[:e.nheld], text[:min(len(text), len(e.held)-int(e.nheld))]...)
		all := len(t)-int(e.nheld) == len(text)
		if dst, n, err = e.run(dst, t, final && all); err != nil {
			return dst, err
		}
		if n >= int(e.nheld) {
			text = text[n-int(e.nheld):]
			e.nheld = 0
			break
		}
		if n == 0 {
			e.nheld = uint8(len(t))
			return dst, nil
		}
		e.nheld = uint8(copy(e.held[:], e.held[n:e.nheld]))
	}
	if dst, n, err = e.run(dst, text, final); err != nil {
		return dst, err
	}
	e.nheld += uint8(copy(e.held[e.nheld:], text[n:]))
	if f, ok := e.c.(finisher); ok && final {
		dst = f.finish(dst, &e.state)
	}
	return dst, nil
}

// EncodeString is Encode for a string.
func (e *Encoder) EncodeString(dst []byte, text string, final bool) ([]byte, error) {
	// Encode neither writes to its text nor keeps it.
	return e.Encode(dst, unsafe.Slice(unsafe.StringData(text), len(text)), final)
}

// run encodes text up to a character that is not whole and returns how much
// of it that was.
func (e *Encoder) run(dst, text []byte, final bool) (_ []byte, n int, err error) {
	for n < len(text) {
		var k int
		dst, k = e.c.encode(dst, text[n:], &e.state)
		n += k
		e.off += int64(k)
		rest := text[n:]
		if len(rest) == 0 {
			break
		}
		h, half := e.c.(halver)
		half = half && h.half(rest)
		if half && len(rest) == 1 && !final {
			break
		}
		r, k, reason := rune(-1), 0, "the encoding does not have it"
		if s, ok := surrogate(rest); ok {
			r, k, reason = s, 3, "a lone surrogate"
		} else if !final && (utf8Tail(rest) == len(rest) || len(rest) == 2 && rest[0] == 0xED && rest[1] >= 0xA0 && rest[1] <= 0xBF) {
			break
		} else if r, k = utf8.DecodeRune(rest); k == 1 && r == utf8.RuneError {
			r, reason = -1, "the text is not UTF-8"
		} else if half {
			reason = "half a byte"
		}
		if dst, err = e.treat(dst, r, rest[:k], reason); err != nil {
			return dst, n, err
		}
		n += k
		e.off += int64(k)
	}
	return dst, n, nil
}

// treat does what the policy says with one character the encoding does not
// have. r is -1 for a byte that is not UTF-8: it counts as if it had been
// decoded with SurrogateEscape.
func (e *Encoder) treat(dst []byte, r rune, text []byte, reason string) ([]byte, error) {
	refused := func() ([]byte, error) {
		return dst, &EncodeError{Encoding: e.e, Offset: e.off, Rune: r, Bytes: slices.Clone(text), Reason: reason}
	}
	var instead []byte
	switch e.policy {
	case Ignore:
		return dst, nil
	case Replace:
		instead = []byte("?")
	case BackslashReplace:
		instead = appendBackslash(nil, r, text)
	case XMLCharRefReplace:
		if r < 0 {
			r = 0xDC00 + rune(text[0])
		}
		instead = strconv.AppendInt([]byte("&#"), int64(r), 10)
		instead = append(instead, ';')
	case SurrogateEscape:
		// One byte is no code unit of UTF-16 or UTF-32.
		if e.e.Unit() > 1 {
			return refused()
		}
		if r < 0 {
			return append(dst, text...), nil
		}
		if r >= 0xDC80 && r <= 0xDCFF {
			return append(dst, byte(r)), nil
		}
		return refused()
	default:
		return refused()
	}
	out, n := e.c.encode(dst, instead, &e.state)
	if n < len(instead) { // an encoding without a question mark
		return refused()
	}
	return out, nil
}

// appendBackslash appends the shortest of \xNN, \uNNNN and \UNNNNNNNN.
func appendBackslash(dst []byte, r rune, text []byte) []byte {
	switch {
	case r < 0:
		return appendHex(append(dst, `\x`...), uint32(text[0]), 2)
	case r < 0x100:
		return appendHex(append(dst, `\x`...), uint32(r), 2)
	case r < 0x10000:
		return appendHex(append(dst, `\u`...), uint32(r), 4)
	}
	return appendHex(append(dst, `\U`...), uint32(r), 8)
}

// Encoding returns the encoding the encoder writes: UTF8 for Auto.
func (e *Encoder) Encoding() *Encoding { return e.e }

// Reset takes the encoder back to the start of a stream.
func (e *Encoder) Reset() { *e = Encoder{e: e.e, policy: e.policy} }

// Continue puts the encoder into the middle of a stream, where no byte order
// mark is due. utf-16 and utf-32 are little-endian then.
func (e *Encoder) Continue() {
	if len(e.e.bom) > 0 {
		e.c, e.begun = e.e.codec(), true
	}
}

// EncodeString encodes a whole text, with the byte order mark of the
// encodings that have one.
func (e *Encoding) EncodeString(text string, p Policy) ([]byte, error) {
	return e.NewEncoder(p).EncodeString(nil, text, true)
}

// Bytes returns text as it stands in the middle of a stream: encoded strictly
// and without a byte order mark. Delimiters are made with it. For utf-16 and
// utf-32 it is little-endian. For hex it is what it is for utf-8: who speaks
// bytes ends what it says with a newline all the same.
func (e *Encoding) Bytes(text string) ([]byte, error) {
	if e == Hex {
		e = UTF8
	}
	enc := e.NewEncoder(Strict)
	enc.Continue()
	b, err := enc.EncodeString(nil, text, true)
	if err != nil {
		return nil, err
	}
	return b, nil
}
