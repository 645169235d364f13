package charset

import (
	"encoding/binary"
	"unicode/utf16"
	"unicode/utf8"
)

// utf16Codec and utf32Codec are UTF-16 and UTF-32. Without a byte order of
// their own (mark) a byte order mark decides when decoding, and without one
// it is little-endian, as CPython does on a little-endian machine.
type (
	utf16Codec struct{ big, mark bool }
	utf32Codec struct{ big, mark bool }
)

// The states of the codecs that look for a mark.
const (
	orderUnknown state = iota
	orderLittle
	orderBig
)

// u16 reads a code unit.
func u16(p []byte, big bool) uint16 {
	if big {
		return binary.BigEndian.Uint16(p)
	}
	return binary.LittleEndian.Uint16(p)
}

func (c utf16Codec) order(src []byte, st *state) (big bool, skip int) {
	if !c.mark {
		return c.big, 0
	}
	if *st == orderUnknown {
		*st = orderLittle
		switch u16(src, true) {
		case 0xFEFF:
			*st, skip = orderBig, 2
		case 0xFFFE:
			skip = 2
		}
	}
	return *st == orderBig, skip
}

func (c utf16Codec) decode(dst, src []byte, st *state) ([]byte, int, int) {
	if len(src) < 2 {
		return dst, 0, 0
	}
	big, i := c.order(src, st)
	// Four code units read at once as a little-endian number: which bits are
	// not ASCII's, and where the first character stands.
	mask, shift := uint64(0xFF80FF80FF80FF80), 0
	if big {
		mask, shift = 0x80FF80FF80FF80FF, 8
	}
	out, o := dst[:cap(dst)], len(dst)
	for len(src)-i >= 2 {
		out = roomFor(out, o, len(src)-i)
		if len(src)-i >= 8 {
			if x := binary.LittleEndian.Uint64(src[i:]); x&mask == 0 {
				x >>= shift
				out[o], out[o+1], out[o+2], out[o+3] = byte(x), byte(x>>16), byte(x>>32), byte(x>>48)
				i, o = i+8, o+4
				continue
			}
		}
		u := u16(src[i:], big)
		switch {
		case u < 0x80:
			out[o] = byte(u)
			o++
		case u < 0x800:
			out[o], out[o+1] = 0xC0|byte(u>>6), 0x80|byte(u)&0x3F
			o += 2
		case u < 0xD800 || u >= 0xE000:
			out[o], out[o+1], out[o+2] = 0xE0|byte(u>>12), 0x80|byte(u>>6)&0x3F, 0x80|byte(u)&0x3F
			o += 3
		case u >= 0xDC00:
			return out[:o], i, 2
		case len(src)-i < 4:
			return out[:o], i, 0
		default:
			r := utf16.DecodeRune(rune(u), rune(u16(src[i+2:], big)))
			if r == utf8.RuneError {
				return out[:o], i, 2
			}
			o += utf8.EncodeRune(out[o:], r)
			i += 2
		}
		i += 2
	}
	return out[:o], i, 0
}

func (c utf16Codec) encode(dst, text []byte, _ *state) ([]byte, int) {
	i := 0
	for i < len(text) {
		r, n := rune(text[i]), 1
		if r >= utf8.RuneSelf {
			if r, n = utf8.DecodeRune(text[i:]); n == 1 {
				break
			}
		}
		i += n
		if r < 0x10000 {
			if c.big {
				dst = append(dst, byte(r>>8), byte(r))
			} else {
				dst = append(dst, byte(r), byte(r>>8))
			}
			continue
		}
		h, l := utf16.EncodeRune(r)
		if c.big {
			dst = append(dst, byte(h>>8), byte(h), byte(l>>8), byte(l))
		} else {
			dst = append(dst, byte(h), byte(h>>8), byte(l), byte(l>>8))
		}
	}
	return dst, i
}

func (c utf16Codec) size(src []byte, st state) (int, bool, state) {
	if len(src) < 2 {
		return 0, false, st
	}
	if c.mark && st == orderUnknown {
		if _, skip := c.order(src, &st); skip > 0 {
			return skip, true, st
		}
	}
	big := c.big || st == orderBig
	switch u := u16(src, big); {
	case u < 0xD800 || u >= 0xE000:
		return 2, true, st
	case u >= 0xDC00:
		return 2, false, st
	case len(src) < 4:
		return 0, false, st
	default:
		if v := u16(src[2:], big); v < 0xDC00 || v >= 0xE000 {
			return 2, false, st
		}
		return 4, true, st
	}
}

// u32 reads a code unit.
func u32(p []byte, big bool) uint32 {
	if big {
		return binary.BigEndian.Uint32(p)
	}
	return binary.LittleEndian.Uint32(p)
}

func (c utf32Codec) order(src []byte, st *state) (big bool, skip int) {
	if !c.mark {
		return c.big, 0
	}
	if *st == orderUnknown {
		*st = orderLittle
		switch u32(src, true) {
		case 0x0000FEFF:
			*st, skip = orderBig, 4
		case 0xFFFE0000:
			skip = 4
		}
	}
	return *st == orderBig, skip
}

func (c utf32Codec) decode(dst, src []byte, st *state) ([]byte, int, int) {
	if len(src) < 4 {
		return dst, 0, 0
	}
	big, i := c.order(src, st)
	for ; len(src)-i >= 4; i += 4 {
		u := u32(src[i:], big)
		if !validScalar(u) {
			return dst, i, 4
		}
		dst = utf8.AppendRune(dst, rune(u))
	}
	return dst, i, 0
}

func (c utf32Codec) encode(dst, text []byte, _ *state) ([]byte, int) {
	i := 0
	for i < len(text) {
		r, n := utf8.DecodeRune(text[i:])
		if r == utf8.RuneError && n == 1 {
			break
		}
		i += n
		if c.big {
			dst = binary.BigEndian.AppendUint32(dst, uint32(r))
		} else {
			dst = binary.LittleEndian.AppendUint32(dst, uint32(r))
		}
	}
	return dst, i
}

func (c utf32Codec) size(src []byte, st state) (int, bool, state) {
	if len(src) < 4 {
		return 0, false, st
	}
	if c.mark && st == orderUnknown {
		if _, skip := c.order(src, &st); skip > 0 {
			return skip, true, st
		}
	}
	return 4, validScalar(u32(src, c.big || st == orderBig)), st
}

func validScalar(u uint32) bool { return u < 0xD800 || u >= 0xE000 && u <= utf8.MaxRune }
