package charset

import "unicode/utf8"

// VisibleOptions say what AppendVisible leaves alone.
type VisibleOptions struct {
	// SingleLine escapes newlines as well, so that one message stays one
	// line. Default: they stay.
	SingleLine bool
}

// AppendVisible appends text to dst so that a terminal only shows it. Control
// characters (of C0 all but newline and tab, DEL, and C1), marks, overrides
// and isolates that turn the direction of writing, separators of lines and
// paragraphs, other characters that are nothing but invisible, lone
// surrogates, and bytes that are not UTF-8 come out as \x1b, \u202e, \U000e0041
// or \udc80. "\r\n" becomes a newline. The joiners and variation selectors of
// scripts and emoji stay. A backslash in text stays one: the result is for
// reading, not for converting back.
//
// Text with nothing to escape is copied without an allocation when dst has
// room. dst is at most six times as long as text.
func AppendVisible(dst, text []byte, o VisibleOptions) []byte {
	start := 0 // of what is not copied yet
	for i := 0; i < len(text); {
		b := text[i]
		if b >= ' ' && b < 0x7F || b == '\t' || b == '\n' && !o.SingleLine {
			i++
			continue
		}
		r, n := rune(b), 1
		if b >= utf8.RuneSelf {
			r, n = utf8.DecodeRune(text[i:])
			if n > 1 && !invisible(r) {
				i += n
				continue
			}
		}
		dst = append(dst, text[start:i]...)
		switch s, lone := surrogate(text[i:]); {
		case lone:
			dst = appendBackslash(dst, s, nil)
			n = 3
		case n == 1 && r == utf8.RuneError:
			dst = appendBackslash(dst, -1, text[i:])
		case r == '\n':
			dst = append(dst, `\n`...)
		case r == '\r' && i+1 < len(text) && text[i+1] == '\n' && !o.SingleLine:
			// The newline behind it is enough.
		case r == '\r':
			dst = append(dst, `\r`...)
		default:
			dst = appendBackslash(dst, r, nil)
		}
		i += n
		start = i
	}
	return append(dst, text[start:]...)
}

// invisible reports whether a character beyond ASCII shows nothing by itself
// and does something, or could hide something. Joiners (U+200C, U+200D) and
// variation selectors are part of how scripts and emoji are written.
func invisible(r rune) bool {
	switch {
	case r < 0xA0: // C1
		return true
	case r < 0x61C:
		return r == 0xAD // soft hyphen
	case r < 0x2000:
		return r == 0x61C || r == 0x180E // Arabic letter mark, Mongolian separator
	case r < 0x2070:
		return r == 0x200B || r == 0x200E || r == 0x200F || // zero width space, marks
			r >= 0x2028 && r <= 0x202E || // separators, embeddings, overrides
			r >= 0x2060 // word joiner, invisible operators, isolates, deprecated
	case r < 0x10000:
		return r == 0xFEFF || r >= 0xFFF9 && r <= 0xFFFB // byte order mark, annotations
	case r < 0xE0000:
		return r >= 0x1BCA0 && r <= 0x1BCA3 || r >= 0x1D173 && r <= 0x1D17A // of shorthand, of music
	}
	return r < 0xE0100 || r > 0xE01EF && r < 0xF0000 // tags
}
