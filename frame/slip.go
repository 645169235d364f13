package frame

import "bytes"

// The bytes of RFC 1055.
const (
	slipEnd    = 0xc0
	slipEsc    = 0xdb
	slipEscEnd = 0xdc // after slipEsc, for slipEnd
	slipEscEsc = 0xdd // after slipEsc, for slipEsc
)

// SLIP ends each message with C0; a C0 in it is written DB DC and a DB is
// written DB DD (RFC 1055, "A nonstandard for transmission of IP datagrams over
// serial lines"). It is sent with a C0 in front too, as the RFC advises, so
// that noise on the line does not become a part of it. Nothing between two C0
// is nothing, and so there are no empty messages.
//
// A frame in which DB stands before anything else is broken. Lest one such end
// a conversation over a noisy line, or a byte be lost, it is a message as it
// came, with its C0: see [Message].Bare. (The RFC's own program passes on what
// follows the DB.) Max of a [Reader] is for messages as they are on the wire.
type SLIP struct{}

var _ decoder = SLIP{}

// Split implements [Framer].
func (f SLIP) Split(data []byte, atEOF bool) (int, []byte, error) {
	return splitBinary(f, data, atEOF)
}

func (SLIP) find(data []byte, from int) (int, []byte, int, error) {
	return findEnd(data, from, slipEnd)
}

func (SLIP) decode(wire []byte) ([]byte, bool) {
	first := bytes.IndexByte(wire, slipEsc)
	if first < 0 {
		return wire, true
	}
	for i := first; i < len(wire); i++ {
		if wire[i] != slipEsc {
			continue
		}
		if i++; i == len(wire) || wire[i] != slipEscEnd && wire[i] != slipEscEsc {
			return wire, false
		}
	}
	n := first
	for i := first; i < len(wire); i++ {
		c := wire[i]
		if c == slipEsc {
			i++
			if c = slipEnd; wire[i] == slipEscEsc {
				c = slipEsc
			}
		}
		wire[n] = c
		n++
	}
	return wire[:n], true
}

// Append appends payload, which must not be empty, between two C0.
func (f SLIP) Append(dst, payload []byte) ([]byte, error) {
	if len(payload) == 0 {
		return dst, fail(f, "an empty message cannot be")
	}
	dst = append(dst, slipEnd)
	plain := 0 // where what needs no escape begins
	for i, c := range payload {
		if c != slipEnd && c != slipEsc {
			continue
		}
		escaped := byte(slipEscEnd)
		if c == slipEsc {
			escaped = slipEscEsc
		}
		dst = append(append(dst, payload[plain:i]...), slipEsc, escaped)
		plain = i + 1
	}
	return append(append(dst, payload[plain:]...), slipEnd), nil
}

// String returns "slip".
func (SLIP) String() string { return "slip" }
