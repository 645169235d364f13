package charset

import "slices"

// Hex is the encoding "hex", for devices that speak bytes and no text: two
// lower-case hexadecimal digits for each byte, and a space between two of one
// message. The encoder takes upper case as well, and any spaces, line ends and
// colons, or nothing, between bytes; all else is text that it does not have,
// and so is a digit that has no second one. There is no character to write
// instead, so that Replace is as strict as Strict.
var Hex = &registry[len(registry)-1]

// hexCodec is Hex. Its state when decoding: whether a byte went before.
type hexCodec struct{}

var _ halver = hexCodec{}

const hexBegun state = 1

func (hexCodec) decode(dst, src []byte, st *state) ([]byte, int, int) {
	dst = slices.Grow(dst, 3*len(src))
	for _, b := range src {
		if *st == hexBegun {
			dst = append(dst, ' ')
		}
		dst = appendHex(dst, uint32(b), 2)
		*st = hexBegun
	}
	return dst, len(src), 0
}

func (hexCodec) encode(dst, text []byte, _ *state) ([]byte, int) {
	n := 0
	for n < len(text) {
		switch text[n] {
		case ' ', '\t', '\r', '\n', ':':
			n++
			continue
		}
		if n+1 == len(text) {
			break
		}
		high, ok := hexDigit(text[n])
		low, also := hexDigit(text[n+1])
		if !ok || !also {
			break
		}
		dst = append(dst, high<<4|low)
		n += 2
	}
	return dst, n
}

func (hexCodec) size(_ []byte, st state) (int, bool, state) { return 1, true, st }

func (hexCodec) half(text []byte) bool {
	_, ok := hexDigit(text[0])
	return ok
}

func hexDigit(c byte) (byte, bool) {
	switch {
	case '0' <= c && c <= '9':
		return c - '0', true
	case 'a' <= c && c <= 'f':
		return c - 'a' + 10, true
	case 'A' <= c && c <= 'F':
		return c - 'A' + 10, true
	}
	return 0, false
}
