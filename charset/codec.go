package charset

import (
	"encoding/binary"
	"math/bits"
	"unicode/utf8"
)

// A codec converts runs of good text as fast as it can and stops where a
// policy must decide. One value serves every Decoder and Encoder of its
// encoding; what a conversation must remember is in *state.
type codec interface {
	// decode appends the text of src[:n] to dst. Behind it stand bad bytes
	// that are not text, or, when bad is 0, the beginning of a character
	// (nothing when n is len(src)).
	decode(dst, src []byte, st *state) (out []byte, n, bad int)
	// encode appends the bytes of text[:n] to dst. Behind it stands a
	// character the encoding does not have, or bytes that are not UTF-8.
	encode(dst, text []byte, st *state) (out []byte, n int)
	// size returns the length of the first character of src or, with ok
	// false, of the error there, and the state behind it; 0 when the
	// character is not whole. src is not empty. (A pointer to the state would
	// make every caller's one an allocation.)
	size(src []byte, st state) (n int, ok bool, after state)
}

// A finisher has a sequence that takes the stream back to its initial state.
type finisher interface {
	finish(dst []byte, st *state) []byte
}

// A halver writes two characters of ASCII as one byte.
type halver interface {
	// half reports whether text, at which encode stopped, begins with one of
	// two.
	half(text []byte) bool
}

// state is what a codec remembers between calls: a byte order, a mode. Its
// zero value is the start of a stream.
type state uint32

const highBits = 0x8080808080808080

// asciiLen returns how many of the first bytes are ASCII.
func asciiLen(p []byte) int {
	n := 0
	for len(p)-n >= 8 {
		if x := binary.LittleEndian.Uint64(p[n:]) & highBits; x != 0 {
			return n + bits.TrailingZeros64(x)/8
		}
		n += 8
	}
	for n < len(p) && p[n] < utf8.RuneSelf {
		n++
	}
	return n
}

// packed is a character as its UTF-8 bytes, the first one lowest, and their
// number in the top byte, so that it is written with one store. Only
// characters of up to three bytes fit; 0 is none.
type packed uint32

func pack(r rune) packed {
	var b [4]byte
	n := utf8.EncodeRune(b[:], r)
	return packed(uint32(b[0]) | uint32(b[1])<<8 | uint32(b[2])<<16 | uint32(n)<<24)
}

func (p packed) len() int { return int(p >> 24) }

func (p packed) string() string {
	b := [3]byte{byte(p), byte(p >> 8), byte(p >> 16)}
	return string(b[:min(p.len(), 3)])
}

// rune returns the character that p is.
func (p packed) rune() rune {
	r, _ := utf8.DecodeRuneInString(p.string())
	return r
}

// room is how many bytes a decoding loop may write before it asks again.
const room = 16

// roomFor returns the space of dst for writing by index, at least room bytes
// behind o.
func roomFor(out []byte, o, rest int) []byte {
	if len(out)-o >= room {
		return out
	}
	// What is left will need about as many bytes again, up to half more.
	grown := append(out[:o], make([]byte, room+rest+rest/2)...)
	return grown[:cap(grown)]
}

// pages maps characters to codes, 256 to a page; 0 is none.
type pages [0x300]*[256]uint16

func (p *pages) get(r rune) uint16 {
	if i := int(r >> 8); i < len(p) && p[i] != nil {
		return p[i][r&0xFF]
	}
	return 0
}

func (p *pages) set(r rune, code uint16) {
	i := r >> 8
	if p[i] == nil {
		p[i] = new([256]uint16)
	}
	p[i][r&0xFF] = code
}
