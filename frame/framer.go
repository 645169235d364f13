package frame

import (
	"fmt"

	"sockeye.dev/charset"
)

// Framer is one framing discipline. Framers are small comparable values
// without state, so that equal ones can share what was framed once; any number
// of goroutines may use one. Those of this package have a String method whose
// result [Parse] takes back.
type Framer interface {
	// Split finds the first message of data, in the manner of
	// [bufio.SplitFunc]. An advance of 0 asks for more data. An advance with a
	// nil message passes over bytes that are in no message; an empty message is
	// empty and not nil. message is part of data[:advance]; if the wire has it
	// in another form, Split writes it over that, and otherwise changes nothing.
	// With atEOF no more will come, and what is left is a message, as it came.
	// After an error nothing more can be found.
	Split(data []byte, atEOF bool) (advance int, message []byte, err error)

	// Append appends payload to dst as it goes over the wire. It fails with
	// *[Error], and returns dst as it was, if the other side could not get
	// payload back: it holds its own delimiter, or is of the wrong size.
	Append(dst, payload []byte) ([]byte, error)
}

// Searcher is a Framer that can go on where it stopped, so that a long message
// arriving in small parts is searched once and not once for each part.
//
// By implementing it a Framer also promises that its messages may be cut: if
// bytes are taken away in front, up to resume, then the rest splits where it
// would have. A [Reader] cuts messages that are too long only then.
type Searcher interface {
	Framer

	// SplitFrom is Split for data in which nothing ends before from. resume is
	// what from may be next time: no message ends, and no delimiter and no
	// character is under way, before it. If a message was found, resume is its
	// end without the delimiter.
	SplitFrom(data []byte, from int, atEOF bool) (advance int, message []byte, resume int, err error)
}

// In returns f for text in e: with e's bytes for newlines and delimiters,
// found only where a character of e begins. Framings that have nothing to do
// with text stay as they are. A nil e means bytes. Framers of other packages
// take part by a method In(*charset.Encoding) Framer.
func In(f Framer, e *charset.Encoding) Framer {
	if f, ok := f.(interface {
		In(e *charset.Encoding) Framer
	}); ok {
		return f.In(e)
	}
	return f
}

// Error says why a payload cannot be framed.
type Error struct {
	Framing string // as Parse takes it
	Reason  string
}

func (e *Error) Error() string { return "framing " + e.Framing + ": " + e.Reason }

func fail(f Framer, format string, args ...any) error {
	return &Error{Framing: name(f), Reason: fmt.Sprintf(format, args...)}
}

// name is f as Parse would take it, if f can say so.
func name(f Framer) string {
	if s, ok := f.(fmt.Stringer); ok {
		return s.String()
	}
	return fmt.Sprintf("%T", f)
}
