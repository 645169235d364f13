package frame

import "bytes"

// finder is a Framer whose frames are bytes and no text: none can be cut in
// pieces, and a pause that ends one cuts no character. The Reader asks it in
// another way, and not again about what it has looked at.
type finder interface {
	Framer

	// find is Split for data in which nothing ends before from, and changes
	// nothing in it. resume is how long the message is, or at least is going to
	// be, and what from may be next time.
	find(data []byte, from int) (advance int, message []byte, resume int, err error)
}

// decoder is a finder whose messages have another form on the wire. What it
// finds has that form.
type decoder interface {
	finder

	// decode writes the message that wire stands for over wire. If it stands
	// for none, ok is false and wire is as it was.
	decode(wire []byte) (message []byte, ok bool)
}

// nextFrame is Next for frames of bytes.
//
//go:noinline
func (r *Reader) nextFrame(f finder) (Message, bool, error) {
	limit := r.limit(f)
	for r.start < r.end {
		data := r.buf[r.start:r.end]
		if r.skip != 0 {
			if r.pass(f, data) {
				return Message{Data: []byte{}}, true, nil
			}
			continue
		}
		advance, message, resume, err := f.find(data, r.from)
		switch {
		case err != nil:
			return Message{}, false, err
		case resume > limit && r.skips(f, resume, limit):
			switch {
			case len(data) >= limit:
				return r.begin(f, data[:limit:limit], resume), true, nil
			case r.silent || r.ended:
				r.consume(len(data))
				return asItCame(data), true, nil
			}
			return Message{}, false, nil
		case resume > limit:
			e := &TooLongError{Framing: name(f), Max: limit}
			if _, announced := f.(Length); announced {
				e.Size = resume
			}
			return Message{}, false, e
		case advance == 0 && (r.silent || r.ended):
			r.consume(len(data))
			return asItCame(data), true, nil
		case advance == 0:
			r.from = resume
			return Message{}, false, nil
		}
		r.from = 0
		r.consume(advance)
		if message != nil {
			return decoded(f, message, data[:advance]), true, nil
		}
	}
	return r.drained()
}

// skips reports whether a frame whose message is longer than limit is skipped.
func (r *Reader) skips(f finder, size, limit int) bool {
	_, announced := f.(Length)
	return r.Oversize == Skip && (!announced || int64(size) <= skippable*int64(limit))
}

// begin returns the first piece of a frame that is skipped.
func (r *Reader) begin(f finder, piece []byte, size int) Message {
	r.skip = -1
	if l, announced := f.(Length); announced {
		if r.skip = size - len(piece); l.At == 0 {
			r.skip += l.Size // which is not of the message
		}
	}
	r.consume(len(piece))
	r.from = 0
	return Message{Data: piece, Bare: true, More: true}
}

// pass passes over data, as far as it belongs to the frame that is skipped, and
// reports whether that is over.
func (r *Reader) pass(f finder, data []byte) (over bool) {
	if r.skip > 0 {
		n := min(r.skip, len(data))
		r.consume(n)
		r.skip -= n
		return r.skip == 0
	}
	advance, _, _, err := f.find(data, 0)
	if advance == 0 || err != nil {
		r.consume(len(data))
		return false
	}
	r.consume(advance)
	r.skip = 0
	return true
}

// decoded is what f found in frame.
func decoded(f finder, wire, frame []byte) Message {
	if d, ok := f.(decoder); ok {
		if wire, ok = d.decode(wire); !ok {
			return asItCame(frame)
		}
	}
	return Message{Data: wire[:len(wire):len(wire)]}
}

func asItCame(data []byte) Message { return Message{Data: data[:len(data):len(data)], Bare: true} }

// splitBinary is Split for frames of bytes.
func splitBinary(f finder, data []byte, atEOF bool) (int, []byte, error) {
	advance, message, _, err := f.find(data, 0)
	switch {
	case err == nil && advance == 0 && atEOF:
		return wholeOf(data)
	case err == nil && message != nil:
		message = decoded(f, message, data[:advance]).Data
	}
	return advance, message, err
}

// findEnd finds the first frame that ends with the byte end, which is nowhere
// else. Empty frames are passed over.
func findEnd(data []byte, from int, end byte) (advance int, wire []byte, resume int, err error) {
	for advance < len(data) && data[advance] == end {
		advance++
	}
	if advance > 0 {
		return advance, nil, 0, nil
	}
	i := bytes.IndexByte(data[from:], end)
	if i < 0 {
		return 0, nil, len(data), nil
	}
	i += from
	return i + 1, data[:i], i, nil
}
