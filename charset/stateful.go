package charset

import (
	"unicode/utf8"

	"golang.org/x/text/encoding/japanese"
	"golang.org/x/text/encoding/simplifiedchinese"
)

// Two encodings of seven-bit bytes switch between tables with escape
// sequences: HZ and ISO-2022-JP. Their state is the mode.

// hz is HZ (RFC 1843): "~{" begins GB 2312 in pairs, "~}" ends it.
type hz struct{ gb *doubleByte }

const hzChinese state = 1

func newHZ() hz { return hz{newDoubleByte(simplifiedchinese.GBK)} }

// gbPair returns the GB 2312 character of two seven-bit bytes.
func (c hz) gbPair(a, b byte) packed {
	if a < 0x21 || a > 0x77 || b < 0x21 || b > 0x7E {
		return 0
	}
	return c.gb.two[pair(a|0x80, b|0x80)]
}

func (c hz) decode(dst, src []byte, st *state) ([]byte, int, int) {
	i := 0
	for i < len(src) {
		p, n, ok := c.next(src[i:], st)
		if n == 0 {
			break
		}
		if !ok {
			return dst, i, n
		}
		dst = append(dst, p.string()...)
		i += n
	}
	return dst, i, 0
}

// next returns the next character, 0 for an escape sequence, and its length
// or the error's.
func (c hz) next(src []byte, st *state) (p packed, n int, ok bool) {
	b := src[0]
	switch {
	case b >= utf8.RuneSelf:
		return 0, 1, false
	case b == '~':
		if len(src) < 2 {
			return 0, 0, false
		}
		switch e := src[1]; {
		case e == '~' && *st == 0:
			return pack('~'), 2, true
		case e == '{' && *st == 0:
			*st = hzChinese
		case e == '\n' && *st == 0: // a line that goes on
		case e == '}' && *st == hzChinese:
			*st = 0
		default:
			return 0, 1, false
		}
		return 0, 2, true
	case *st == 0:
		return pack(rune(b)), 1, true
	case len(src) < 2:
		return 0, 0, false
	}
	if p := c.gbPair(b, src[1]); p != 0 {
		return p, 2, true
	}
	return 0, 1, false
}

func (c hz) size(src []byte, st state) (int, bool, state) {
	_, n, ok := c.next(src, &st)
	return n, ok, st
}

func (c hz) encode(dst, text []byte, st *state) ([]byte, int) {
	i := 0
	for i < len(text) {
		r, n := utf8.DecodeRune(text[i:])
		if r < utf8.RuneSelf {
			dst = c.finish(dst, st)
			if dst = append(dst, byte(r)); r == '~' {
				dst = append(dst, '~')
			}
			i += n
			continue
		}
		code := c.gb.inverse().get(r)
		a, b := byte(code>>8)&0x7F, byte(code)&0x7F
		if code&0x8080 != 0x8080 || r == utf8.RuneError || c.gbPair(a, b) == 0 {
			break
		}
		if *st == 0 {
			*st = hzChinese
			dst = append(dst, "~{"...)
		}
		dst = append(dst, a, b)
		i += n
	}
	return dst, i
}

func (hz) finish(dst []byte, st *state) []byte {
	if *st != 0 {
		*st = 0
		dst = append(dst, "~}"...)
	}
	return dst
}

// iso2022JP is ISO-2022-JP (RFC 1468): ASCII, JIS X 0201 and JIS X 0208.
type iso2022JP struct{ jis *doubleByte }

// The state is the table in use and whether an escape sequence that means
// nothing to the encoding is being passed on.
const (
	jisASCII state = iota
	jisRoman
	jisKatakana
	jisKanji
	jisForeign state = 0x10
)

func newISO2022JP() iso2022JP {
	return iso2022JP{newDoubleByte(japanese.EUCJP)}
}

const esc = 0x1B

// longestEscape is where an escape sequence without an end is an error.
const longestEscape = 16

func (c iso2022JP) decode(dst, src []byte, st *state) ([]byte, int, int) {
	i := 0
	for i < len(src) {
		p, n, ok := c.next(src[i:], st)
		if n == 0 {
			break
		}
		if !ok {
			return dst, i, n
		}
		dst = append(dst, p.string()...)
		i += n
	}
	return dst, i, 0
}

func escapeEnd(b byte) bool { return b >= '@' && b <= 'Z' }

// next is as hz's.
func (c iso2022JP) next(src []byte, st *state) (p packed, n int, ok bool) {
	b := src[0]
	switch {
	case *st&jisForeign != 0:
		if escapeEnd(b) {
			*st &^= jisForeign
		}
		if b < utf8.RuneSelf {
			return pack(rune(b)), 1, true
		}
		return 0, 1, false
	case b == esc:
		return c.escape(src, st)
	case b >= utf8.RuneSelf:
		return 0, 1, false
	case b < ' ':
		return pack(rune(b)), 1, true
	}
	switch *st {
	case jisRoman:
		switch b {
		case '\\':
			return pack('¥'), 1, true
		case '~':
			return pack('‾'), 1, true
		}
	case jisKatakana:
		if b < 0x21 || b > 0x5F {
			return 0, 1, false
		}
		return pack(0xFF61 + rune(b) - 0x21), 1, true
	case jisKanji:
		if len(src) < 2 {
			return 0, 0, false
		}
		if b > 0x20 && b < 0x7F && src[1] > 0x20 && src[1] < 0x7F {
			p = c.jis.two[pair(b|0x80, src[1]|0x80)]
		}
		return p, 2, p != 0
	}
	return pack(rune(b)), 1, true
}

// escape reads the sequence src begins with.
func (c iso2022JP) escape(src []byte, st *state) (packed, int, bool) {
	if len(src) < 2 {
		return 0, 0, false
	}
	switch src[1] {
	case '(', ')', '$', '.', '&':
	default: // a terminal's, say
		*st |= jisForeign
		return pack(esc), 1, true
	}
	for i := 1; i < longestEscape; i++ {
		if i >= len(src) {
			return 0, 0, false
		}
		if !escapeEnd(src[i]) {
			continue
		}
		n := i + 1
		switch string(src[1:n]) {
		case "(B":
			*st = jisASCII
		case "(J":
			*st = jisRoman
		case "(I":
			*st = jisKatakana
		case "$B", "$@", "$(B", "$(@":
			*st = jisKanji
		case ")B", ")J", "$)B", "$)@": // G1, which nothing can shift in
		default:
			return 0, n, false
		}
		return 0, n, true
	}
	return 0, 1, false
}

func (c iso2022JP) size(src []byte, st state) (int, bool, state) {
	_, n, ok := c.next(src, &st)
	return n, ok, st
}

func (c iso2022JP) encode(dst, text []byte, st *state) ([]byte, int) {
	i := 0
	for i < len(text) {
		r, n := utf8.DecodeRune(text[i:])
		code := c.jis.inverse().get(r)
		switch {
		case r < utf8.RuneSelf:
			dst = append(c.finish(dst, st), byte(r))
		case r == '¥':
			dst = append(c.enter(dst, st, jisRoman, "\x1b(J"), '\\')
		case r == '‾':
			dst = append(c.enter(dst, st, jisRoman, "\x1b(J"), '~')
		case code >= 0xA100 && code&0x80 != 0:
			dst = append(c.enter(dst, st, jisKanji, "\x1b$B"), byte(code>>8)&0x7F, byte(code)&0x7F)
		default:
			return dst, i
		}
		i += n
	}
	return dst, i
}

func (iso2022JP) enter(dst []byte, st *state, mode state, sequence string) []byte {
	if *st != mode {
		*st = mode
		dst = append(dst, sequence...)
	}
	return dst
}

func (c iso2022JP) finish(dst []byte, st *state) []byte {
	return c.enter(dst, st, jisASCII, "\x1b(B")
}
