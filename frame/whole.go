package frame

import (
	"strconv"
	"time"

	"sockeye.dev/charset"
)

// Raw has no messages of its own: what has arrived is one, and whatever is
// sent arrives somehow.
type Raw struct{}

// Datagram keeps the connection's own boundaries: each datagram, or each
// message of a connection that has messages, is one. See [Reader.Flush].
type Datagram struct{}

// Fixed cuts after every N bytes, which are never too many for a [Reader].
type Fixed struct {
	N int
}

// Quiet ends a message when nothing has come for Gap, or where Inner ends it
// if that is not nil. It is the Reader's owner who waits: see [Reader.Quiet].
// What is sent is framed by Inner.
type Quiet struct {
	Gap   time.Duration
	Inner Framer
}

var (
	_ Searcher = Raw{}
	_ Searcher = Datagram{}
	_ Framer   = Fixed{}
	_ Framer   = Quiet{}
)

// Split implements [Framer].
func (Raw) Split(data []byte, _ bool) (int, []byte, error) { return wholeOf(data) }

// SplitFrom implements [Searcher].
func (Raw) SplitFrom(data []byte, _ int, _ bool) (int, []byte, int, error) {
	advance, message, err := wholeOf(data)
	return advance, message, advance, err
}

// Append appends payload as it is.
func (Raw) Append(dst, payload []byte) ([]byte, error) { return append(dst, payload...), nil }

// String returns "raw".
func (Raw) String() string { return "raw" }

// Split implements [Framer]. The end of the data is the boundary.
func (Datagram) Split(data []byte, atEOF bool) (int, []byte, error) {
	if !atEOF {
		return 0, nil, nil
	}
	return wholeOf(data)
}

// SplitFrom implements [Searcher].
func (f Datagram) SplitFrom(data []byte, _ int, atEOF bool) (int, []byte, int, error) {
	advance, message, err := f.Split(data, atEOF)
	return advance, message, len(data), err
}

// Append appends payload as it is.
func (Datagram) Append(dst, payload []byte) ([]byte, error) { return append(dst, payload...), nil }

// String returns "datagram".
func (Datagram) String() string { return "datagram" }

// Split implements [Framer]. At the end the rest may be shorter.
func (f Fixed) Split(data []byte, atEOF bool) (int, []byte, error) {
	if f.N <= 0 {
		return 0, nil, fail(f, "a message of %d bytes cannot be", f.N)
	}
	if len(data) >= f.N {
		return f.N, data[:f.N], nil
	}
	if !atEOF {
		return 0, nil, nil
	}
	return wholeOf(data)
}

// Append appends payload, which must be N bytes long.
func (f Fixed) Append(dst, payload []byte) ([]byte, error) {
	if len(payload) != f.N {
		return dst, fail(f, "the message is %d bytes long, not %d", len(payload), f.N)
	}
	return append(dst, payload...), nil
}

// String returns "fixed:N".
func (f Fixed) String() string { return "fixed:" + strconv.Itoa(f.N) }

// Split implements [Framer]. The end of the data is a silence.
func (f Quiet) Split(data []byte, atEOF bool) (int, []byte, error) {
	return f.inner().Split(data, atEOF)
}

// Append frames payload as Inner does, or appends it as it is.
func (f Quiet) Append(dst, payload []byte) ([]byte, error) { return f.inner().Append(dst, payload) }

// In returns f with Inner fitted to e.
func (f Quiet) In(e *charset.Encoding) Framer {
	if f.Inner != nil {
		f.Inner = In(f.Inner, e)
	}
	return f
}

// String returns "quiet:GAP" or "INNER+quiet:GAP".
func (f Quiet) String() string {
	s := "quiet:" + f.Gap.String()
	if f.Inner != nil {
		s = name(f.Inner) + "+" + s
	}
	return s
}

func (f Quiet) inner() Framer {
	if f.Inner != nil {
		return f.Inner
	}
	return Datagram{}
}

func wholeOf(data []byte) (int, []byte, error) {
	if len(data) == 0 {
		return 0, nil, nil
	}
	return len(data), data, nil
}
