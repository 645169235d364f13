package charset

import "unicode/utf8"

// utf8Codec is UTF-8, which is also what text is: good runs are copied.
type utf8Codec struct{ sig bool }

const utf8BOM = "\xef\xbb\xbf"

func (c utf8Codec) decode(dst, src []byte, st *state) ([]byte, int, int) {
	skip := 0
	if c.sig && *st == 0 {
		n := min(len(src), len(utf8BOM))
		switch {
		case string(src[:n]) != utf8BOM[:n]:
			*st = 1
		case n < len(utf8BOM):
			return dst, 0, 0
		default:
			*st, skip = 1, n
			src = src[n:]
		}
	}
	n, bad := utf8Prefix(src)
	return append(dst, src[:n]...), skip + n, bad
}

func (utf8Codec) encode(dst, text []byte, _ *state) ([]byte, int) {
	n, _ := utf8Prefix(text)
	return append(dst, text[:n]...), n
}

func (utf8Codec) size(src []byte, st state) (int, bool, state) {
	if src[0] < utf8.RuneSelf {
		return 1, true, st
	}
	n, ok := utf8Size(src)
	return n, ok, st
}

// utf8Prefix returns the length of the valid UTF-8 that p begins with, and
// how many bytes behind it belong to one error: the maximal subpart that
// Unicode (section 3.9) and CPython count as one. 0 is none, or a character
// that is not whole.
func utf8Prefix(p []byte) (n, bad int) {
	whole := len(p) - utf8Tail(p)
	if utf8.Valid(p[:whole]) {
		return whole, 0
	}
	// There is an error, and utf8.Valid went no further than to it, so that
	// going there again keeps the whole linear.
	for n < len(p) {
		if p[n] < utf8.RuneSelf {
			n += asciiLen(p[n:])
			continue
		}
		size, ok := utf8Size(p[n:])
		if !ok {
			return n, size
		}
		n += size
	}
	return n, 0
}

// utf8Tail returns how many bytes at the end of p begin a character that is
// not whole: at most 3.
func utf8Tail(p []byte) int {
	for k := 1; k <= 3 && k <= len(p); k++ {
		if c := p[len(p)-k]; utf8.RuneStart(c) {
			if c < utf8.RuneSelf {
				return 0
			}
			if n, ok := utf8Size(p[len(p)-k:]); n == 0 && !ok {
				return k
			}
			return 0
		}
	}
	return 0
}

// utf8Size returns the length of the character or, with ok false, of the
// error that p begins with; 0 when more bytes could complete it. p[0] is not
// ASCII.
func utf8Size(p []byte) (n int, ok bool) {
	lo, hi, want := byte(0x80), byte(0xBF), 0
	switch c := p[0]; {
	case c < 0xC2:
		return 1, false
	case c < 0xE0:
		want = 2
	case c < 0xF0:
		want = 3
		if c == 0xE0 {
			lo = 0xA0
		} else if c == 0xED {
			hi = 0x9F
		}
	case c < 0xF5:
		want = 4
		if c == 0xF0 {
			lo = 0x90
		} else if c == 0xF4 {
			hi = 0x8F
		}
	default:
		return 1, false
	}
	for i := 1; i < want; i++ {
		if i == len(p) {
			return 0, false
		}
		if p[i] < lo || p[i] > hi {
			return i, false
		}
		lo, hi = 0x80, 0xBF
	}
	return want, true
}

// surrogate returns the lone surrogate that p begins with in WTF-8.
func surrogate(p []byte) (rune, bool) {
	if len(p) >= 3 && p[0] == 0xED && p[1] >= 0xA0 && p[1] <= 0xBF && p[2] >= 0x80 && p[2] <= 0xBF {
		return 0xD000 | rune(p[1]&0x3F)<<6 | rune(p[2]&0x3F), true
	}
	return 0, false
}

// appendSurrogate appends a lone surrogate as WTF-8.
func appendSurrogate(dst []byte, r rune) []byte {
	return append(dst, 0xED, 0x80|byte(r>>6)&0x3F, 0x80|byte(r)&0x3F)
}
