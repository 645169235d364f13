package frame

import (
	"bytes"

	"sockeye.dev/charset"
)

// Line ends each message with a newline. A carriage return before the newline
// is dropped when reading; none is written, except after a message that ends
// in one itself, which the reader would lose.
type Line struct {
	Encoding *charset.Encoding // nil: bytes
}

// CRLF ends each message with a carriage return and a newline, both ways.
type CRLF struct {
	Encoding *charset.Encoding // nil: bytes
}

// NUL ends each message with a zero character.
type NUL struct {
	Encoding *charset.Encoding // nil: bytes
}

// Delim ends each message with a delimiter: characters of Encoding in Text or,
// if Text is empty, bytes written in hexadecimal in Hex. Bytes match wherever
// they stand; characters only where a character begins, so that "|" is not
// found in the second byte of a Shift-JIS or GBK character. With neither, or
// with a delimiter that cannot be, every Split and Append fails.
type Delim struct {
	Text     string
	Hex      string
	Encoding *charset.Encoding // of Text; nil: UTF-8 bytes
}

var (
	_ Searcher = Line{}
	_ Searcher = CRLF{}
	_ Searcher = NUL{}
	_ Searcher = Delim{}
)

// Split implements [Framer].
func (f Line) Split(data []byte, atEOF bool) (int, []byte, error) {
	return splitOnly(f.SplitFrom(data, 0, atEOF))
}

// SplitFrom implements [Searcher].
func (f Line) SplitFrom(data []byte, from int, atEOF bool) (int, []byte, int, error) {
	crlf, lf, err := lineBytes(f.Encoding)
	if err != nil {
		return 0, nil, 0, err
	}
	cr := crlf[:lf]
	advance, message, resume, err := splitAt(data, f.Encoding, crlf[lf:], from, atEOF)
	if err != nil || !bytes.HasSuffix(data[from:resume], cr) {
		return advance, message, resume, err
	}
	// What looks like the end of the text so far is the first half of its
	// delimiter, or may turn out to be.
	if advance > resume {
		message = data[:resume-len(cr)]
	}
	return advance, message, resume - len(cr), nil
}

// Append implements [Framer].
func (f Line) Append(dst, payload []byte) ([]byte, error) {
	crlf, lf, err := lineBytes(f.Encoding)
	if err != nil {
		return dst, err
	}
	if bytes.HasSuffix(payload, crlf[:lf]) {
		return appendWith(f, dst, payload, f.Encoding, crlf, lf)
	}
	return appendWith(f, dst, payload, f.Encoding, crlf[lf:], 0)
}

// In returns Line{e}.
func (f Line) In(e *charset.Encoding) Framer { return Line{e} }

// String returns "line".
func (f Line) String() string { return "line" }

// Split implements [Framer].
func (f CRLF) Split(data []byte, atEOF bool) (int, []byte, error) {
	return splitOnly(f.SplitFrom(data, 0, atEOF))
}

// SplitFrom implements [Searcher].
func (f CRLF) SplitFrom(data []byte, from int, atEOF bool) (int, []byte, int, error) {
	return splitText(data, f.Encoding, "\r\n", from, atEOF)
}

// Append implements [Framer].
func (f CRLF) Append(dst, payload []byte) ([]byte, error) {
	return appendText(f, dst, payload, f.Encoding, "\r\n")
}

// In returns CRLF{e}.
func (f CRLF) In(e *charset.Encoding) Framer { return CRLF{e} }

// String returns "crlf".
func (f CRLF) String() string { return "crlf" }

// Split implements [Framer].
func (f NUL) Split(data []byte, atEOF bool) (int, []byte, error) {
	return splitOnly(f.SplitFrom(data, 0, atEOF))
}

// SplitFrom implements [Searcher].
func (f NUL) SplitFrom(data []byte, from int, atEOF bool) (int, []byte, int, error) {
	return splitText(data, f.Encoding, "\x00", from, atEOF)
}

// Append implements [Framer].
func (f NUL) Append(dst, payload []byte) ([]byte, error) {
	return appendText(f, dst, payload, f.Encoding, "\x00")
}

// In returns NUL{e}.
func (f NUL) In(e *charset.Encoding) Framer { return NUL{e} }

// String returns "nul".
func (f NUL) String() string { return "nul" }

// Split implements [Framer].
func (f Delim) Split(data []byte, atEOF bool) (int, []byte, error) {
	return splitOnly(f.SplitFrom(data, 0, atEOF))
}

// SplitFrom implements [Searcher].
func (f Delim) SplitFrom(data []byte, from int, atEOF bool) (int, []byte, int, error) {
	sep, e, err := f.separator()
	if err != nil {
		return 0, nil, 0, err
	}
	return splitAt(data, e, sep, from, atEOF)
}

// Append implements [Framer].
func (f Delim) Append(dst, payload []byte) ([]byte, error) {
	sep, e, err := f.separator()
	if err != nil {
		return dst, err
	}
	return appendWith(f, dst, payload, e, sep, 0)
}

// In returns the same delimiter in e. A delimiter in Hex is bytes in any.
func (f Delim) In(e *charset.Encoding) Framer {
	if f.Text != "" {
		f.Encoding = e
	}
	return f
}

// separator returns the delimiter's bytes, and the encoding whose characters
// it must not be found across.
func (f Delim) separator() ([]byte, *charset.Encoding, error) {
	if f.Text == "" {
		sep, err := hexBytes(f.Hex)
		return sep, nil, err
	}
	sep, err := sepBytes(f.Encoding, f.Text)
	return sep, f.Encoding, err
}
