package frame

import "bytes"

// cobsFull is the longest block of COBS, with the byte that says so.
const cobsFull = 0xff

// COBS ends each message with a zero and writes the zeros in it as something
// else, at the cost of a byte for every 254 that are begun (Cheshire and Baker,
// "Consistent Overhead Byte Stuffing", IEEE/ACM Transactions on Networking,
// April 1999). A message is written as blocks, each a byte n and n-1 bytes that
// are not zero; a zero follows them in the message unless n is FF or the block
// is the last. An empty message is 01 00; a 00 after a 00 is nothing.
//
// The paper's own program writes a block 01 behind a last one of FF; here as in
// later ones it is read and not written. A frame that ends inside a block is broken. Lest one
// such end a conversation over a noisy line, or a byte be lost, it is a message
// as it came, with its zero: see [Message].Bare. Max of a [Reader] is for
// messages as they are on the wire.
type COBS struct{}

var _ decoder = COBS{}

// Split implements [Framer].
func (f COBS) Split(data []byte, atEOF bool) (int, []byte, error) {
	return splitBinary(f, data, atEOF)
}

func (COBS) find(data []byte, from int) (int, []byte, int, error) { return findEnd(data, from, 0) }

func (COBS) decode(wire []byte) ([]byte, bool) {
	end := 0
	for end < len(wire) {
		end += int(wire[end])
	}
	if end > len(wire) {
		return wire, false
	}
	n := 0
	for i := 0; i < end; {
		size := int(wire[i])
		n += copy(wire[n:], wire[i+1:i+size])
		if i += size; size < cobsFull && i < end {
			wire[n] = 0
			n++
		}
	}
	return wire[:n], true
}

// Append appends payload in blocks and a zero. It never fails.
func (COBS) Append(dst, payload []byte) ([]byte, error) {
	for {
		block := payload[:min(len(payload), cobsFull-1)]
		zero := bytes.IndexByte(block, 0)
		if zero >= 0 {
			block = block[:zero]
		}
		dst = append(append(dst, byte(len(block)+1)), block...)
		payload = payload[len(block):]
		switch {
		case zero >= 0:
			payload = payload[1:] // a block follows, if only an empty one
		case len(payload) == 0:
			return append(dst, 0), nil
		}
	}
}

// String returns "cobs".
func (COBS) String() string { return "cobs" }
