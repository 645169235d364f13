package lab

import (
	"bytes"
	"encoding/binary"
)

// What flows carry is numbered: a stream in blocks of eight bytes, datagrams
// each as one unit. So who receives can say of every unit whether it is the one
// that was next, and count.

// A Receipt is what one receiver of a flow has been given, in units: blocks of
// eight bytes of a stream, or datagrams.
type Receipt struct {
	Host       int
	Sent       int // units that the sender's application handed to its stack
	InOrder    int // as sent, and next
	OutOfOrder int // as sent, but one sent later came before
	Repeated   int // as sent, and received before
	Damaged    int // not as sent
	Bytes      int // of payload, all in all
}

// Received is how many different units came undamaged.
func (r Receipt) Received() int { return r.InOrder + r.OutOfOrder }

// Missing is how many units did not come undamaged.
func (r Receipt) Missing() int { return max(r.Sent-r.Received(), 0) }

const blockSize = 8

// mix is a bijection of 64-bit numbers that leaves no pattern (splitmix64).
func mix(x uint64) uint64 {
	x += 0x9e3779b97f4a7c15
	x = (x ^ x>>30) * 0xbf58476d1ce4e5b9
	x = (x ^ x>>27) * 0x94d049bb133111eb
	return x ^ x>>31
}

// A text is what one sender of one flow says.
type text struct{ key uint64 }

func newText(seed uint64, flow int, reply bool) text {
	k := mix(seed) ^ uint64(flow)<<1
	if reply {
		k ^= 1
	}
	return text{mix(k)}
}

// block is the nth block of a stream: its number and its proof.
func (t text) block(n uint32) (b [blockSize]byte) {
	binary.BigEndian.PutUint32(b[:], n)
	binary.BigEndian.PutUint32(b[4:], uint32(mix(t.key^uint64(n))))
	return b
}

// fill fills p with the stream from off on.
func (t text) fill(p []byte, off int) {
	for len(p) > 0 {
		b := t.block(uint32(off / blockSize))
		n := copy(p, b[off%blockSize:])
		p, off = p[n:], off+n
	}
}

// A streamCheck reads one stream and counts. What is left at the end and is no
// whole block counts as one.
type streamCheck struct {
	text text
	r    Receipt
	next uint32          // the block after the highest received
	seen map[uint32]bool // those received below next, once anything was wrong
	part []byte
}

func (c *streamCheck) write(p []byte) {
	c.r.Bytes += len(p)
	if len(c.part) > 0 {
		n := min(blockSize-len(c.part), len(p))
		c.part = append(c.part, p[:n]...)
		if p = p[n:]; len(c.part) < blockSize {
			return
		}
		c.block(c.part)
		c.part = c.part[:0]
	}
	for ; len(p) >= blockSize; p = p[blockSize:] {
		c.block(p[:blockSize])
	}
	c.part = append(c.part, p...)
}

// end counts a last block that is not whole.
func (c *streamCheck) end() {
	if len(c.part) == 0 {
		return
	}
	want := c.text.block(c.next)
	if bytes.Equal(c.part, want[:len(c.part)]) {
		c.r.InOrder++
	} else {
		c.r.Damaged++
	}
	c.part = nil
}

func (c *streamCheck) block(b []byte) {
	n := binary.BigEndian.Uint32(b)
	want := c.text.block(n)
	if !bytes.Equal(b, want[:]) {
		c.r.Damaged++
		c.next++ // it stood for one
		return
	}
	c.count(n)
}

// count counts the unit n, undamaged.
func (c *streamCheck) count(n uint32) {
	switch {
	case n == c.next && c.seen == nil:
		c.r.InOrder++
		c.next++
		return
	case c.seen == nil: // from here on each is remembered: there was one not in order
		c.seen = make(map[uint32]bool)
		for i := range c.next {
			c.seen[i] = true
		}
	}
	switch {
	case c.seen[n]:
		c.r.Repeated++
	case n < c.next:
		c.r.OutOfOrder++
	default:
		c.r.InOrder++
		c.next = n + 1
	}
	c.seen[n] = true
}

// minDatagram is the room for a datagram's number and proof.
const minDatagram = 16

// datagram is the nth datagram of a flow: its number, then what follows from it.
func (t text) datagram(n uint32, size int) []byte {
	p := make([]byte, size)
	binary.BigEndian.PutUint32(p, n)
	binary.BigEndian.PutUint32(p[4:], uint32(size))
	x := mix(t.key ^ uint64(n)<<32)
	for off := 8; off < size; off += 8 {
		x = mix(x)
		var b [8]byte
		binary.BigEndian.PutUint64(b[:], x)
		copy(p[off:], b[:])
	}
	return p
}

// datagramNumber is the number that a datagram carries, if it is as sent.
func (t text) datagramNumber(p []byte) (n uint32, whole bool) {
	if len(p) < minDatagram {
		return 0, false
	}
	n = binary.BigEndian.Uint32(p)
	return n, bytes.Equal(p, t.datagram(n, len(p)))
}

func (c *streamCheck) datagram(p []byte) {
	c.r.Bytes += len(p)
	n, whole := c.text.datagramNumber(p)
	if !whole {
		c.r.Damaged++
		return
	}
	c.count(n)
}
