package handler

import (
	"fmt"
	"strconv"
	"strings"
	"unicode/utf8"
)

// Unescape replaces backslash escapes as Go and Python write them: \a \b \e \f
// \n \r \t \v \0 \\ \' \" \xNN \uNNNN \UNNNNNNNN and a backslash before the end
// of the line (nothing). \xNN is that byte, whatever the encoding: above 0x7f it
// stands in the text as a lone surrogate, which charset.SurrogateEscape turns
// back into the byte.
func Unescape(s string) (string, error) {
	if !strings.Contains(s, `\`) {
		return s, nil
	}
	var b strings.Builder
	for i := 0; i < len(s); {
		if s[i] != '\\' {
			b.WriteByte(s[i])
			i++
			continue
		}
		if i+1 == len(s) {
			return "", fmt.Errorf("read %q: a backslash at the end escapes nothing (write \\\\ for one)", s)
		}
		c := s[i+1]
		i += 2
		if to, ok := simpleEscapes[c]; ok {
			b.WriteByte(to)
			continue
		}
		digits, ok := map[byte]int{'x': 2, 'u': 4, 'U': 8}[c]
		if !ok {
			return "", fmt.Errorf("read %q: \\%c is no escape (write \\\\ for a backslash)", s, c)
		}
		if i+digits > len(s) {
			return "", fmt.Errorf("read %q: \\%c needs %d hexadecimal digits", s, c, digits)
		}
		n, err := strconv.ParseUint(s[i:i+digits], 16, 32)
		if err != nil {
			return "", fmt.Errorf("read %q: \\%c needs %d hexadecimal digits, not %q", s, c, digits, s[i:i+digits])
		}
		i += digits
		switch {
		case c == 'x' && n >= 0x80:
			b.Write([]byte{0xed, 0xb0 | byte(n>>6), 0x80 | byte(n)&0x3f})
		case c == 'x':
			b.WriteByte(byte(n))
		case !utf8.ValidRune(rune(n)):
			return "", fmt.Errorf("read %q: \\%c%s is no character", s, c, s[i-digits:i])
		default:
			b.WriteRune(rune(n))
		}
	}
	return b.String(), nil
}

var simpleEscapes = map[byte]byte{
	'a': '\a', 'b': '\b', 'e': 0x1b, 'f': '\f', 'n': '\n', 'r': '\r', 't': '\t', 'v': '\v',
	'0': 0, '\\': '\\', '\'': '\'', '"': '"',
}
