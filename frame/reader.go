package frame

import (
	"fmt"
	"io"
	"time"

	"sockeye.dev/charset"
)

// Reader cuts what arrives on one connection into messages. It does no I/O and
// starts no timer: its owner reads into [Reader.Space], says so with
// [Reader.Filled] and calls [Reader.Next] until that has no more, so that a
// connection that waits for bytes need not hold a buffer ([Reader.Release])
// and a pause is a read deadline ([Reader.Quiet]).
//
// The zero value is ready and reads raw. A Reader is for one goroutine at a
// time, and must not be copied once it is used. The exported fields may change
// at any time: bytes already received and not yet handed out are then read in
// the new way.
type Reader struct {
	// Framer says where messages end. Default: Raw.
	Framer Framer
	// Encoding is what text comes in, if that is known: no piece and no pause
	// then ends a message between the bytes of one character, unless Framer is
	// one of bytes only (Length, SLIP, COBS). It does not change how Framer
	// reads; see [In]. Default: bytes.
	Encoding *charset.Encoding
	// Max is the longest message in bytes. Default: 1 MiB.
	Max int
	// Oversize says what becomes of longer ones. Default: Pieces.
	Oversize Oversize

	silent bool // what is pending is over: Flush
	ended  bool // and nothing follows: End
	empty  bool // an empty datagram is pending
	size   int8 // what to borrow next: an index of bufferSizes

	buf        []byte // borrowed, as long as it can be; nil if nothing is pending
	start, end int    // of what is pending, in buf
	from       int    // where Framer goes on searching, counted from start
	whole      int    // where some character begins, counted from start; see incomplete
	as         Framer // what from was found with
	skip       int    // what is left of a frame that is passed over; less than 0: up to its end
}

// Oversize says what becomes of a message that is longer than [Reader].Max.
type Oversize uint8

const (
	// Pieces hands it out in parts of at most Max bytes; all but the last have
	// Message.More set. Under a Framer that is no [Searcher] it is Fail. In an
	// encoding with modes (iso-2022-jp, hz) the search starts anew in ASCII
	// where a piece had to end inside another mode.
	Pieces Oversize = iota
	// Fail makes Next fail with *[TooLongError].
	Fail
	// Skip is Pieces, and passes over what cannot be cut but has an end (Length,
	// SLIP, COBS): its first Max bytes are a piece, as they came, and where it
	// ends is a message of no bytes. A length of more than 16 times Max is no
	// message's, and fails.
	Skip
)

// skippable is how many times Max a frame may be long and still be skipped.
const skippable = 16

// TooLongError says that a message is longer than [Reader].Max.
type TooLongError struct {
	Framing string // as Parse takes it
	Max     int    // in bytes
	Size    int    // of the message, if it came with its length; else 0
}

func (e *TooLongError) Error() string {
	if e.Size > 0 {
		return fmt.Sprintf("framing %s: a message of %d bytes is longer than %d", e.Framing, e.Size, e.Max)
	}
	return fmt.Sprintf("framing %s: a message is longer than %d bytes", e.Framing, e.Max)
}

// Message is one message, or a piece of one, without its delimiter.
type Message struct {
	// Data is valid until the next call of a method of the Reader.
	Data []byte
	// Bare says that Data is as it came, with nothing taken off: what ended it
	// was silence, the end of the stream or of a datagram, and not its framing,
	// or its framing was broken (see [SLIP] and [COBS]).
	Bare bool
	// More says that this is a piece of a message longer than Max, and not the
	// last.
	More bool
}

// undecided bounds how much is held back behind Max bytes while it is not
// clear whether they are followed by a delimiter.
const undecided = 4 << 10

// Next returns the next message. With false and no error it needs more bytes;
// after End it returns what is left and then io.EOF. An error of the framing
// comes again at every call.
func (r *Reader) Next() (Message, bool, error) {
	if r.as != r.Framer {
		r.as, r.from, r.skip = r.Framer, 0, 0
	}
	f := r.framer()
	if f, ok := f.(finder); ok {
		return r.nextFrame(f)
	}
	for r.start < r.end {
		data := r.buf[r.start:r.end]
		limit := r.limit(f)
		advance, message, resume, err := split(f, data, r.from, false)
		bare := advance == 0 && (r.silent || r.ended)
		if err == nil && bare {
			advance, message, _, err = split(f, data, r.from, true)
			if advance == 0 {
				advance, message = len(data), data
			}
		}
		switch {
		case err != nil:
			return Message{}, false, err
		case advance < 0 || advance > len(data):
			return Message{}, false, misbehaves(f, len(data), advance)
		case len(message) > limit, advance == 0 && (resume > limit || len(data) > limit+undecided):
			return r.piece(f, limit, resume)
		case advance == 0:
			r.from = resume
			return Message{}, false, nil
		}
		r.from = 0
		r.consume(advance)
		if message != nil {
			return Message{Data: message[:len(message):len(message)], Bare: bare}, true, nil
		}
	}
	return r.drained()
}

// drained is what Next returns when nothing is pending.
func (r *Reader) drained() (Message, bool, error) {
	if r.empty {
		r.empty = false
		return Message{Data: []byte{}, Bare: true}, true, nil
	}
	silent := r.silent
	r.silent = false
	if silent && r.skip != 0 {
		r.skip = 0
		return Message{Data: []byte{}}, true, nil
	}
	if r.ended {
		return Message{}, false, io.EOF
	}
	return Message{}, false, nil
}

// piece returns what of a message that is too long goes first. (What Next need
// not do each time others do for it: conversations that waste no stack are
// many.)
//
//go:noinline
func (r *Reader) piece(f Framer, limit, resume int) (Message, bool, error) {
	s, cuts := f.(Searcher)
	if r.Oversize == Fail || !cuts {
		return Message{}, false, &TooLongError{Framing: name(f), Max: limit}
	}
	data := r.buf[r.start:r.end]
	piece := data[:r.cut(s, data[:limit])]
	r.from = resume
	r.consume(len(piece))
	return Message{Data: piece[:len(piece):len(piece)], More: true}, true, nil
}

//go:noinline
func misbehaves(f Framer, size, advance int) error {
	return fail(f, "it splits %d bytes after %d", size, advance)
}

// framer is Framer without its pause, which is not for Next to know.
func (r *Reader) framer() Framer {
	switch f := r.Framer.(type) {
	case nil:
		return Raw{}
	case Quiet:
		return f.inner()
	default:
		return f
	}
}

// limit is Max, unless the size of messages is known and we asked for it.
func (r *Reader) limit(f Framer) int {
	limit := r.Max
	if limit <= 0 {
		limit = 1 << 20
	}
	if f, ok := f.(Fixed); ok {
		limit = max(limit, f.N)
	}
	return limit
}

func split(f Framer, data []byte, from int, atEOF bool) (int, []byte, int, error) {
	if s, ok := f.(Searcher); ok {
		return s.SplitFrom(data, from, atEOF)
	}
	advance, message, err := f.Split(data, atEOF)
	return advance, message, 0, err
}

// cut returns how much of data, which is as long as a message may be and not
// the whole of one, to hand out: up to what may be the beginning of a
// delimiter, and up to the end of a character. Both depend only on data, so
// that the pieces are the same however it arrived.
func (r *Reader) cut(s Searcher, data []byte) int {
	advance, _, resume, _ := s.SplitFrom(data, 0, false)
	if advance > 0 {
		resume = advance
	}
	for _, n := range [...]int{resume, len(data)} {
		if r.Encoding != nil && n > 0 {
			half, _ := r.Encoding.Incomplete(data[:n])
			n -= half
		}
		if n > 0 {
			return n
		}
	}
	return len(data)
}

func (r *Reader) consume(n int) {
	r.start += n
	r.from = max(r.from-n, 0)
	r.whole = max(r.whole-n, 0)
}

// Quiet says how long a silence makes a message of what is pending: then call
// [Reader.Flush]. ok is false when nothing is pending, the framing knows no
// silence, or the pending bytes end inside a character, which no pause may cut.
// If they only may do so, the silence is 20 times as long.
func (r *Reader) Quiet() (gap time.Duration, ok bool) {
	q, ok := r.Framer.(Quiet)
	if !ok || q.Gap <= 0 || r.start == r.end && r.skip == 0 {
		return 0, false
	}
	if _, bytes := q.Inner.(finder); bytes {
		return q.Gap, true
	}
	switch half, sure := r.incomplete(); {
	case half == 0:
		return q.Gap, true
	case sure:
		return 0, false
	}
	return 20 * q.Gap, true
}

// incomplete returns how much of what is pending is no whole character yet. It
// looks back some thousand bytes, enough to tell one encoding from another,
// and not at all of a long message each time a part of it arrives.
func (r *Reader) incomplete() (n int, sure bool) {
	if r.Encoding == nil {
		return 0, true
	}
	const enough = 4 << 10
	data := r.buf[r.start:r.end]
	for len(data)-r.whole > 2*enough {
		half, _ := r.Encoding.Incomplete(data[r.whole : r.whole+enough])
		r.whole += enough - half
	}
	return r.Encoding.Incomplete(data[r.whole:])
}

// Flush says that what is pending is a message: the line has been quiet, or a
// datagram is over. Call Next until it has no more before feeding again.
func (r *Reader) Flush() { r.silent = r.start < r.end || r.skip != 0 }

// End says that nothing follows.
func (r *Reader) End() { r.ended = true }
