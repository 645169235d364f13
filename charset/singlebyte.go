package charset

import (
	"encoding/binary"
	"unicode/utf8"

	"golang.org/x/text/encoding/charmap"
)

// singleByte is an encoding of one byte per character.
type singleByte struct {
	dec [256]packed
	enc pages // code+1, so that byte 0 is not "none"
	// plain: the lower half is ASCII.
	plain bool
}

// newSingleByte takes over a table. Where two bytes are one character, the
// encoder writes the one x/text writes.
func newSingleByte(m *charmap.Charmap) *singleByte {
	return singleByteOf(m.DecodeByte, func(r rune) byte { b, _ := m.EncodeRune(r); return b })
}

// newISO8859 is newSingleByte with the C1 controls, which are part of the
// ISO 8859 encodings and which x/text leaves out.
func newISO8859(m *charmap.Charmap) *singleByte {
	c := newSingleByte(m)
	for r := rune(0x80); r < 0xA0; r++ {
		c.dec[r] = pack(r)
		c.enc.set(r, uint16(r)+1)
	}
	return c
}

// newOneToOne is the first n code points of Unicode: ASCII and true ISO-8859-1.
func newOneToOne(n int) *singleByte {
	return singleByteOf(func(b byte) rune {
		if int(b) < n {
			return rune(b)
		}
		return utf8.RuneError
	}, func(r rune) byte { return byte(r) })
}

func singleByteOf(decode func(byte) rune, encode func(rune) byte) *singleByte {
	c := &singleByte{plain: true}
	for i := range 256 {
		r := decode(byte(i))
		if i < utf8.RuneSelf && r != rune(i) {
			c.plain = false
		}
		if r != utf8.RuneError {
			c.dec[i] = pack(r)
			c.enc.set(r, uint16(encode(r))+1)
		}
	}
	return c
}

func (c *singleByte) decode(dst, src []byte, _ *state) ([]byte, int, int) {
	i := 0
	if c.plain {
		i = asciiLen(src)
		dst = append(dst, src[:i]...)
	}
	out, o := dst[:cap(dst)], len(dst)
	for i < len(src) {
		out = roomFor(out, o, len(src)-i)
		p := c.dec[src[i]]
		if p == 0 {
			return out[:o], i, 1
		}
		binary.LittleEndian.PutUint32(out[o:], uint32(p))
		o += p.len()
		i++
	}
	return out[:o], i, 0
}

func (c *singleByte) encode(dst, text []byte, _ *state) ([]byte, int) {
	out, o := dst[:cap(dst)], len(dst)
	i := 0
	for i < len(text) {
		out = roomFor(out, o, len(text)-i)
		if c.plain && len(text)-i >= 8 {
			if x := binary.LittleEndian.Uint64(text[i:]); x&highBits == 0 {
				binary.LittleEndian.PutUint64(out[o:], x)
				i, o = i+8, o+8
				continue
			}
		}
		r, n := rune(text[i]), 1
		if r >= utf8.RuneSelf {
			if r, n = utf8.DecodeRune(text[i:]); r == utf8.RuneError {
				break
			}
		}
		code := c.enc.get(r)
		if code == 0 {
			break
		}
		out[o] = byte(code - 1)
		i, o = i+n, o+1
	}
	return out[:o], i
}

func (c *singleByte) size(src []byte, st state) (int, bool, state) {
	return 1, c.dec[src[0]] != 0, st
}
