package frame

import "sync"

// bufferSizes are the sizes of pooled buffers. The last holds a message of the
// default Max with room to read on.
var bufferSizes = [...]int{4 << 10, 16 << 10, 64 << 10, 256 << 10, 1<<20 + 2*undecided}

// widest is the size that reads alone, without a long message, can reach.
const widest = 2

// buffers holds *[N]byte: a pointer goes into a pool without an allocation,
// a slice does not.
var buffers [len(bufferSizes)]sync.Pool

func borrow(size int) []byte {
	for i, n := range bufferSizes {
		if size > n {
			continue
		}
		switch b := buffers[i].Get().(type) {
		case *[4 << 10]byte:
			return b[:]
		case *[16 << 10]byte:
			return b[:]
		case *[64 << 10]byte:
			return b[:]
		case *[256 << 10]byte:
			return b[:]
		case *[1<<20 + 2*undecided]byte:
			return b[:]
		}
		return make([]byte, n)
	}
	return make([]byte, size)
}

func giveBack(b []byte) {
	switch len(b) {
	case 4 << 10:
		buffers[0].Put((*[4 << 10]byte)(b))
	case 16 << 10:
		buffers[1].Put((*[16 << 10]byte)(b))
	case 64 << 10:
		buffers[2].Put((*[64 << 10]byte)(b))
	case 256 << 10:
		buffers[3].Put((*[256 << 10]byte)(b))
	case 1<<20 + 2*undecided:
		buffers[4].Put((*[1<<20 + 2*undecided]byte)(b))
	}
}

// Space returns room to read into, never none. It is borrowed from a pool, 4
// KiB at first, up to 64 KiB while reads fill it, and more for a longer message
// that is pending. Messages handed out before become invalid. Call Next until
// it has no more before: complete messages that wait here take room.
func (r *Reader) Space() []byte {
	if r.start == r.end {
		r.start, r.end = 0, 0
	}
	pending := r.end - r.start
	// Half again as much as is pending, so that copying a long message from
	// buffer to buffer stays linear, but no more than could become of it.
	room := max(pending/2, 2<<10)
	f := r.framer()
	limit := r.limit(f)
	if most := limit + 2*undecided; pending+room > most {
		room = max(most-pending, 2<<10)
	}
	if max(pending+room, bufferSizes[r.size]) > len(r.buf) {
		r.move(max(pending+room, bufferSizes[r.size]))
	} else if len(r.buf)-r.end < room {
		copy(r.buf, r.buf[r.start:r.end])
		r.start, r.end = 0, pending
	}
	space := r.buf[r.end:]
	if _, raw := f.(Raw); raw && len(space) > limit {
		space = space[:limit] // there is no message to be too long
	}
	return space
}

// Filled says that n bytes were read into Space.
func (r *Reader) Filled(n int) {
	if n < 0 || n > len(r.buf)-r.end {
		panic("frame: Filled with more than Space")
	}
	switch free := len(r.buf) - r.end; {
	case n == free && r.size < widest:
		r.size++
	case n < free/8 && r.size > 0:
		r.size--
	}
	r.end += n
}

// Feed adds p, a whole datagram, and keeps a copy. Let [Reader.Flush] follow
// where its end is the end of a message. An empty one is an empty message.
func (r *Reader) Feed(p []byte) {
	if len(p) == 0 {
		r.empty = r.start == r.end
		return
	}
	if r.start == r.end {
		r.start, r.end = 0, 0
	}
	if r.end+len(p) > len(r.buf) {
		r.move(r.end - r.start + len(p))
	}
	r.end += copy(r.buf[r.end:], p)
}

// move takes what is pending to the front of another buffer of that size.
func (r *Reader) move(size int) {
	buf := borrow(size)
	n := copy(buf, r.buf[r.start:r.end])
	giveBack(r.buf)
	r.buf, r.start, r.end = buf, 0, n
}

// Release gives the buffer back if nothing is pending, and takes a smaller one
// if the last reads would have fitted in it. Messages handed out before become
// invalid.
func (r *Reader) Release() {
	if r.buf == nil {
		return
	}
	pending := r.end - r.start
	if pending == 0 {
		giveBack(r.buf)
		r.buf, r.start, r.end = nil, 0, 0
		return
	}
	if enough := max(2*pending, bufferSizes[r.size]); enough <= len(r.buf)/4 {
		r.move(enough)
	}
}

// Latest returns the last n bytes that were fed, for whoever watches what
// arrives. Like a message it is valid until the next call.
func (r *Reader) Latest(n int) []byte { return r.buf[r.end-n : r.end] }

// Buffered returns how many bytes are pending.
func (r *Reader) Buffered() int { return r.end - r.start }

// Rest returns the bytes that no message took, for handing the connection over
// to somebody else. They are valid until the next call, and stay pending.
func (r *Reader) Rest() []byte { return r.buf[r.start:r.end] }
