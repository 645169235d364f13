package charset

import (
	"bytes"
	"encoding/binary"
	"sync"
	"unicode/utf8"

	"golang.org/x/text/encoding"
	"golang.org/x/text/encoding/japanese"
)

// doubleByte is an encoding of ASCII, single bytes from 0x80 and pairs of a
// lead and a trail byte, and what goes beyond that in two of them: three bytes
// behind 0x8F in EUC-JP, four bytes in GB18030. One loop decodes them all.
//
// The tables are filled from x/text by decoding every code there is, in about
// a millisecond. How many bytes an error covers is CPython's doing: one,
// whatever follows the lead byte, so that a quote or a newline behind it
// survives; all that is left where the text ends inside a character.
type doubleByte struct {
	lead  [256]packed       // a single-byte character, or one of the kinds below
	two   [128 * 192]packed // lead 0x80-0xFF, trail 0x40-0xFF
	wide  []string          // characters that do not fit in packed
	three *[94 * 94]packed  // EUC-JP behind 0x8F
	long  bool              // GB18030: four-byte codes

	// What encoding needs, and the four-byte codes, is derived from the
	// above when it is first needed.
	x    encoding.Encoding
	once sync.Once
	enc  pages
	four *fourByte
}

// What a byte that is not a character by itself begins. No packed character
// is that small.
const (
	leadBad   packed = 0
	leadTwo   packed = 1
	leadThree packed = 2
)

// isWide marks a packed value that is an index into wide.
const isWide packed = 5 << 24

// newDoubleByte takes over the tables of an encoding of x/text.
func newDoubleByte(x encoding.Encoding) *doubleByte {
	c := &doubleByte{x: x}
	c.fill(x)
	return c
}

// newShiftJIS adds the user-defined area, which is missing in x/text and
// which the WHATWG standard and Microsoft's code page 932 have.
func newShiftJIS() *doubleByte {
	c := newDoubleByte(japanese.ShiftJIS)
	r := rune(0xE000)
	for l := 0xF0; l <= 0xF9; l++ {
		c.lead[l] = leadTwo
		for t := 0x40; t <= 0xFC; t++ {
			if t != 0x7F {
				c.two[pair(byte(l), byte(t))] = pack(r)
				r++
			}
		}
	}
	return c
}

// newEUCJP adds JIS X 0212, three bytes to a character.
func newEUCJP() *doubleByte {
	c := newDoubleByte(japanese.EUCJP)
	c.lead[0x8F] = leadThree
	c.three = new([94 * 94]packed)
	src := make([]byte, 0, 94*94*4)
	for a := 0xA1; a <= 0xFE; a++ {
		for b := 0xA1; b <= 0xFE; b++ {
			src = append(src, 0x8F, byte(a), byte(b), '\n')
		}
	}
	i := 0
	eachLine(japanese.EUCJP, src, func(text []byte) {
		if r, n := utf8.DecodeRune(text); n == len(text) && r != utf8.RuneError {
			c.three[i] = pack(r)
		}
		i++
	})
	return c
}

// fill reads all one- and two-byte codes of x.
func (c *doubleByte) fill(x encoding.Encoding) {
	src := make([]byte, 0, len(c.two)*3)
	for b := 0x80; b <= 0xFF; b++ {
		src = append(src, byte(b), '\n')
	}
	b := 0x80
	eachLine(x, src, func(text []byte) {
		if r, n := utf8.DecodeRune(text); n == len(text) && r != utf8.RuneError {
			c.lead[b] = pack(r)
		}
		b++
	})
	src = src[:0]
	for l := 0x80; l <= 0xFF; l++ {
		for t := 0x40; t <= 0xFF; t++ {
			src = append(src, byte(l), byte(t), '\n')
		}
	}
	i := 0
	eachLine(x, src, func(text []byte) {
		l := 0x80 + i/192
		if c.lead[l] <= leadThree { // else: a single byte and a character of its own
			if p := c.packText(text); p != 0 {
				c.two[i] = p
				c.lead[l] = leadTwo
			}
		}
		i++
	})
}

// packText packs what one code decoded to: a character, or two in Big5-HKSCS;
// 0 for an error.
func (c *doubleByte) packText(text []byte) packed {
	r, n := utf8.DecodeRune(text)
	if r == utf8.RuneError || n == 0 {
		return 0
	}
	if n == len(text) && n < 4 {
		return pack(r)
	}
	if n != len(text) && text[n] < utf8.RuneSelf {
		return 0
	}
	c.wide = append(c.wide, string(text))
	return isWide | packed(len(c.wide)-1)
}

// eachLine decodes src, whose codes are apart by newlines, and calls f with
// the text of each.
func eachLine(x encoding.Encoding, src []byte, f func(text []byte)) {
	text, err := x.NewDecoder().Bytes(src)
	if err != nil {
		panic("charset: x/text cannot decode: " + err.Error()) // its decoders have no errors
	}
	for line := range bytes.Lines(text) {
		f(line[:len(line)-1])
	}
}

// inverse returns the codes of characters.
func (c *doubleByte) inverse() *pages {
	c.once.Do(func() {
		c.invert()
		if c.long {
			c.four = newFourByte(&c.enc)
		}
	})
	return &c.enc
}

// fourByte returns the four-byte codes of GB18030.
func (c *doubleByte) fourByte() *fourByte {
	c.inverse()
	return c.four
}

// invert fills enc from the decoding tables. Of several codes for one
// character it takes the one x/text writes.
func (c *doubleByte) invert() {
	e := c.x.NewEncoder()
	var src, dst [4]byte
	set := func(p packed, code uint16) {
		text := p.string()
		if p >= isWide {
			text = c.wide[p&^isWide]
		}
		r, n := utf8.DecodeRuneInString(text)
		if n != len(text) {
			return // two characters: written as two
		}
		if c.enc.get(r) == 0 {
			c.enc.set(r, code)
			return
		}
		copy(src[:], text)
		if n, _, err := e.Transform(dst[:], src[:len(text)], true); err == nil {
			switch n {
			case 1:
				c.enc.set(r, uint16(dst[0]))
			case 2:
				c.enc.set(r, binary.BigEndian.Uint16(dst[:]))
			}
		}
	}
	for l := 0x80; l <= 0xFF; l++ {
		if p := c.lead[l]; p > leadThree {
			set(p, uint16(l))
		}
	}
	for i, p := range c.two {
		if p != 0 {
			set(p, uint16(0x80+i/192)<<8|uint16(0x40+i%192))
		}
	}
	if c.three != nil {
		for i, p := range c.three {
			// The second byte below 0x80 says that 0x8F goes before.
			if p != 0 && c.enc.get(p.rune()) == 0 {
				c.enc.set(p.rune(), uint16(0xA1+i/94)<<8|uint16(0x21+i%94))
			}
		}
	}
}

// pair returns the place of a two-byte code in the table. t is at least 0x40.
func pair(l, t byte) int { return int(l&0x7F)*192 + int(t) - 0x40 }

func (c *doubleByte) decode(dst, src []byte, _ *state) ([]byte, int, int) {
	out, o := dst[:cap(dst)], len(dst)
	i := 0
	for i < len(src) {
		out = roomFor(out, o, len(src)-i)
		b := src[i]
		if b < utf8.RuneSelf {
			if len(src)-i >= 8 {
				if x := binary.LittleEndian.Uint64(src[i:]); x&highBits == 0 {
					binary.LittleEndian.PutUint64(out[o:], x)
					i, o = i+8, o+8
					continue
				}
			}
			out[o] = b
			i, o = i+1, o+1
			continue
		}
		p, n := c.lead[b], 1
		if p == leadTwo {
			if len(src)-i < 2 {
				break
			}
			if t := src[i+1]; t >= 0x40 {
				p, n = c.two[pair(b, t)], 2
			} else if c.long && t >= 0x30 && t <= 0x39 {
				if len(src)-i < 4 {
					break
				}
				r := c.fourByte().decode(src[i:])
				if r < 0 {
					return out[:o], i, 1
				}
				o += utf8.EncodeRune(out[o:], r)
				i += 4
				continue
			} else {
				p = 0
			}
		} else if p == leadThree {
			if len(src)-i < 3 {
				break
			}
			p, n = c.decodeThree(src[i:]), 3
		}
		if p == 0 {
			return out[:o], i, 1
		}
		if p >= isWide {
			o += copy(out[o:], c.wide[p&^isWide])
		} else {
			binary.LittleEndian.PutUint32(out[o:], uint32(p))
			o += p.len()
		}
		i += n
	}
	return out[:o], i, 0
}

// decodeThree returns the character behind 0x8F; p has three bytes.
func (c *doubleByte) decodeThree(p []byte) packed {
	if p[1] < 0xA1 || p[1] == 0xFF || p[2] < 0xA1 || p[2] == 0xFF {
		return 0
	}
	return c.three[int(p[1]-0xA1)*94+int(p[2]-0xA1)]
}

func (c *doubleByte) encode(dst, text []byte, _ *state) ([]byte, int) {
	enc := c.inverse()
	out, o := dst[:cap(dst)], len(dst)
	i := 0
	for i < len(text) {
		out = roomFor(out, o, len(text)-i)
		b := text[i]
		if b < utf8.RuneSelf {
			if len(text)-i >= 8 {
				if x := binary.LittleEndian.Uint64(text[i:]); x&highBits == 0 {
					binary.LittleEndian.PutUint64(out[o:], x)
					i, o = i+8, o+8
					continue
				}
			}
			out[o] = b
			i, o = i+1, o+1
			continue
		}
		// Nearly all there is are three bytes that become two.
		if b&0xF0 == 0xE0 && len(text)-i >= 3 && text[i+1]&0xC0 == 0x80 && text[i+2]&0xC0 == 0x80 {
			r := uint16(b)<<12 | uint16(text[i+1]&0x3F)<<6 | uint16(text[i+2]&0x3F)
			if page := enc[r>>8]; page != nil && r >= 0x800 {
				if code := page[r&0xFF]; code >= 0x8000 && (code&0x80 != 0 || c.three == nil) {
					out[o], out[o+1] = byte(code>>8), byte(code)
					i, o = i+3, o+2
					continue
				}
			}
		}
		r, n := utf8.DecodeRune(text[i:])
		if r == utf8.RuneError && n == 1 {
			break
		}
		code := enc.get(r)
		switch {
		case code >= 0x100 && (c.three == nil || code&0x80 != 0):
			o += copy(out[o:], []byte{byte(code >> 8), byte(code)})
		case code >= 0x100:
			o += copy(out[o:], []byte{0x8F, byte(code >> 8), byte(code) | 0x80})
		case code > 0:
			out[o] = byte(code)
			o++
		case c.long:
			o = len(c.four.append(out[:o], r))
		default:
			return out[:o], i
		}
		i += n
	}
	return out[:o], i
}

func (c *doubleByte) size(src []byte, st state) (int, bool, state) {
	n, ok := c.sizeOf(src)
	return n, ok, st
}

// begunFour reports whether src, which begins with the first two bytes of a
// four-byte code, needs more to be one. Where the third byte is none of such a
// code nothing does: a delimiter there does not wait. (Decoding does wait for
// the fourth, as CPython's, which takes all three for one error at the end.)
func begunFour(src []byte) bool {
	return len(src) < 3 || len(src) == 3 && src[2] >= 0x81 && src[2] <= 0xFE
}

// sizeOf is size: these encodings have no state.
func (c *doubleByte) sizeOf(src []byte) (int, bool) {
	b := src[0]
	if b < utf8.RuneSelf {
		return 1, true
	}
	switch p := c.lead[b]; p {
	case leadBad:
		return 1, false
	case leadTwo:
		if len(src) < 2 {
			return 0, false
		}
		t := src[1]
		if t >= 0x40 && c.two[pair(b, t)] != 0 {
			return 2, true
		}
		if c.long && t >= 0x30 && t <= 0x39 {
			if begunFour(src) {
				return 0, false
			}
			if len(src) >= 4 && c.fourByte().decode(src) >= 0 {
				return 4, true
			}
		}
		return 1, false
	case leadThree:
		if len(src) < 3 {
			return 0, false
		}
		if c.decodeThree(src) != 0 {
			return 3, true
		}
		return 1, false
	}
	return 1, true
}
