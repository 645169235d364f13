package charset

import (
	"bytes"
	"slices"
)

// Index returns where sep first stands in data, at or after from, as
// characters: never across two of them, as the '|' that is the second byte of
// a character in Shift-JIS, GBK and Big5 would, and never across the code
// units of UTF-16. data[from:] must begin with a character, in the encoding's
// initial mode.
//
// i is -1 when sep is not there (yet). resume is then where to go on when data
// has grown, so that the searches together look at each byte about once.
// (Escape sequences that switch modes are the exception: with a printable
// separator, hz and iso-2022-jp go on from the last return to ASCII.)
func (e *Encoding) Index(data, sep []byte, from int) (i, resume int) {
	if from > len(data) || len(sep) == 0 {
		return -1, from
	}
	switch {
	case e.SelfSynchronizing(sep):
		return indexBytes(data, sep, from)
	case e.isAuto:
		return e.indexAuto(data, sep, from)
	case e.Unit() > 1:
		return indexUnits(data, sep, from, e.Unit())
	}
	return indexChars(e.codec(), data, sep, from)
}

// SelfSynchronizing reports whether the bytes of sep, wherever they stand in
// text, are the characters they seem to be, so that bytes.Index finds what
// Index does.
func (e *Encoding) SelfSynchronizing(sep []byte) bool {
	return e.Unit() == 1 && (e.trail == 0 || len(sep) > 0 && sep[0] < e.trail)
}

// indexBytes is for what cannot be part of another character.
func indexBytes(data, sep []byte, from int) (i, resume int) {
	if i := bytes.Index(data[from:], sep); i >= 0 {
		return from + i, from + i
	}
	return -1, max(from, len(data)-len(sep)+1)
}

func indexUnits(data, sep []byte, from, unit int) (i, resume int) {
	for at := from; ; {
		i := bytes.Index(data[at:], sep)
		if i < 0 {
			break
		}
		if at += i; (at-from)%unit == 0 {
			return at, at
		}
		at++
	}
	// The last code unit that sep may begin with, as far as there is one.
	seen := max(0, len(data)-len(sep)+1-from)
	return -1, from + min((seen+unit-1)/unit, (len(data)-from)/unit)*unit
}

// indexChars walks from character to character.
func indexChars(c codec, data, sep []byte, from int) (i, resume int) {
	var st state
	resume = from
	for at := from; at < len(data); {
		rest := data[at:]
		if st == 0 {
			resume = at
			if bytes.HasPrefix(rest, sep) {
				return at, at
			}
			if len(rest) < len(sep) && bytes.HasPrefix(sep, rest) {
				return -1, at
			}
		}
		n, _, after := c.size(rest, st)
		if n == 0 {
			return -1, resume
		}
		st = after
		if at += n; st == 0 {
			resume = at
		}
	}
	return -1, resume
}

// surely is how far indexAuto looks back for a place that begins a character
// whatever the encoding is.
const surely = 64

// indexAuto takes data for UTF-8 as long as it is that, else for the legacy
// encoding.
func (e *Encoding) indexAuto(data, sep []byte, from int) (i, resume int) {
	l := e.legacy
	if n, bad := utf8Prefix(data[from:]); bad == 0 {
		i, resume = indexBytes(data[:from+n], sep, from)
		resume = min(resume, from+n)
		for resume > from && resume < len(data) && data[resume]&0xC0 == 0x80 {
			resume--
		}
	} else {
		i, resume = indexChars(l.codec(), data, sep, from)
	}
	if i >= 0 {
		return i, resume
	}
	// The next bytes may tell that it is the other one, with its characters
	// beginning elsewhere: go back to where both have one, if that is near.
	for k := resume; k > max(from, resume-surely); k-- {
		if data[k-1] < min(l.trail, 0x30) {
			return -1, k
		}
	}
	return -1, resume
}

// Incomplete returns how many bytes at the end of data begin a character that
// is not whole. data begins with a character. It is for deciding whether a
// pause may be the end of a message. sure is false, and the number a guess,
// when Auto has two candidates and only one says so, or when data has other
// bytes that are not text. Data with control characters that no text has is
// taken for binary: 0, not sure.
func (e *Encoding) Incomplete(data []byte) (n int, sure bool) {
	if e == Hex {
		return 0, true
	}
	if e.Unit() == 1 && hasControls(data) {
		return 0, false
	}
	if !e.isAuto {
		return e.walk(data)
	}
	u, isU := UTF8.walk(data)
	if e.legacy == nil {
		return u, isU
	}
	l, isL := e.legacy.walk(data)
	switch {
	case isU && isL:
		return max(u, l), (u > 0) == (l > 0)
	case isU:
		return u, true
	case isL:
		return l, true
	}
	return max(u, l), false
}

// hasControls reports whether data has control characters that no text in
// single bytes has.
func hasControls(data []byte) bool {
	return slices.ContainsFunc(data, func(b byte) bool {
		return b < ' ' && b != '\t' && b != '\n' && b != '\r' && b != '\b' && b != '\f' && b != esc
	})
}

// walk returns how many bytes at the end of data are not whole, and whether
// all before them is text.
func (e *Encoding) walk(data []byte) (n int, clean bool) {
	c := e.codec()
	var st state
	clean = true
	for len(data) > 0 {
		k, ok := 0, true
		if e.Unit() == 1 && !e.modes {
			k = asciiLen(data)
		}
		if k == 0 {
			if k, ok, st = c.size(data, st); k == 0 {
				break
			}
		}
		clean = clean && ok
		data = data[k:]
	}
	return len(data), clean
}
