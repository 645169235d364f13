package charset

import (
	"slices"
	"sort"

	"golang.org/x/text/encoding/simplifiedchinese"
)

// GB18030 maps all of Unicode, one to one. x/text does not: 2,067 two-byte
// codes decode to U+FFFD, A3A0 decodes to a second U+3000, and U+E000 encodes
// as U+F014 (golang/go#81126). The two-byte table is therefore x/text's with
// the private-use areas patched in, and the four-byte codes are what the
// standard says they are: the characters of the BMP that have no two-byte
// code, in order, and then the other planes. The result is GB 18030-2000, to
// the last code what CPython (to 3.13) has.

// gbUser is the standard's three user-defined areas.
var gbUser = [...]struct{ leadFirst, leadLast, trailFirst, trailLast byte }{
	{0xAA, 0xAF, 0xA1, 0xFE}, // from U+E000
	{0xF8, 0xFE, 0xA1, 0xFE}, // from U+E234
	{0xA1, 0xA7, 0x40, 0xA0}, // from U+E4C6 to U+E765
}

// gbGaps is the places the 2000 edition left to private-use characters: a
// code, the character, and how many follow in order.
var gbGaps = [...]struct{ code, char, n uint16 }{
	{0xA2AB, 0xE766, 6}, {0xA2E4, 0xE76D, 1}, {0xA2EF, 0xE76E, 2}, {0xA2FD, 0xE770, 2},
	{0xA4F4, 0xE772, 11}, {0xA5F7, 0xE77D, 8}, {0xA6B9, 0xE785, 8}, {0xA6D9, 0xE78D, 7},
	{0xA6EC, 0xE794, 2}, {0xA6F3, 0xE796, 1}, {0xA6F6, 0xE797, 9}, {0xA7C2, 0xE7A0, 15},
	{0xA7F2, 0xE7AF, 13}, {0xA896, 0xE7BC, 11}, {0xA8BC, 0xE7C7, 1}, {0xA8C1, 0xE7C9, 4},
	{0xA8EA, 0xE7CD, 21}, {0xA958, 0xE7E2, 1}, {0xA95B, 0xE7E3, 1}, {0xA95D, 0xE7E4, 3},
	{0xA997, 0xE7F4, 13}, {0xA9F0, 0xE801, 15}, {0xD7FA, 0xE810, 5}, {0xFE51, 0xE816, 3},
	{0xFE59, 0xE81E, 1}, {0xFE61, 0xE826, 1}, {0xFE66, 0xE82B, 2}, {0xFE6C, 0xE831, 2},
	{0xFE76, 0xE83B, 1}, {0xFE7E, 0xE843, 1}, {0xFE90, 0xE854, 2}, {0xFEA0, 0xE864, 1},
}

func newGB18030() *doubleByte {
	c := newDoubleByte(simplifiedchinese.GB18030)
	c.long = true
	// 0x80 is the euro sign of code page 936, which gbk has; GB18030 writes
	// it A2E3. Both 0x80 and 0xFF wait for what follows, as in CPython.
	c.lead[0x80], c.lead[0xFF] = leadTwo, leadTwo
	r := rune(0xE000)
	for _, a := range gbUser {
		for l := int(a.leadFirst); l <= int(a.leadLast); l++ {
			for t := int(a.trailFirst); t <= int(a.trailLast); t++ {
				if t != 0x7F {
					c.two[pair(byte(l), byte(t))] = pack(r)
					r++
				}
			}
		}
	}
	for _, g := range gbGaps {
		for i := range g.n {
			c.two[pair(byte(g.code>>8), byte(g.code+i))] = pack(rune(g.char + i))
		}
	}
	return c
}

// fourByte is the four-byte codes of the BMP, as runs of consecutive
// characters, ascending in both. Code number 0 is 81 30 81 30.
type fourByte struct {
	runs []struct{ number, char uint16 }
}

// Code numbers: the BMP has those below bmpCodes, the other planes those from
// planeOne.
const (
	bmpCodes = 39420
	planeOne = 189000
)

func newFourByte(two *pages) *fourByte {
	f := new(fourByte)
	n, last := uint16(0), rune(0)
	for r := rune(0x80); r < 0x10000; r++ {
		if isSurrogate(r) || two.get(r) != 0 {
			continue
		}
		if r != last+1 {
			f.runs = append(f.runs, struct{ number, char uint16 }{n, uint16(r)})
		}
		n, last = n+1, r
	}
	f.runs = slices.Clip(f.runs)
	return f
}

// decode returns the character of the four bytes p begins with, or -1.
func (f *fourByte) decode(p []byte) rune {
	a, b, c, d := p[0], p[1], p[2], p[3]
	if a < 0x81 || a == 0xFF || b < 0x30 || b > 0x39 || c < 0x81 || c == 0xFF || d < 0x30 || d > 0x39 {
		return -1
	}
	n := ((int(a-0x81)*10+int(b-0x30))*126+int(c-0x81))*10 + int(d-0x30)
	switch {
	case n < bmpCodes:
		run := f.runs[sort.Search(len(f.runs), func(i int) bool { return int(f.runs[i].number) > n })-1]
		return rune(int(run.char) + n - int(run.number))
	case n >= planeOne && n < planeOne+0x100000:
		return rune(n - planeOne + 0x10000)
	}
	return -1
}

// append appends the four bytes of a character that has no shorter code.
func (f *fourByte) append(dst []byte, r rune) []byte {
	n := int(r) - 0x10000 + planeOne
	if r < 0x10000 {
		run := f.runs[sort.Search(len(f.runs), func(i int) bool { return rune(f.runs[i].char) > r })-1]
		n = int(run.number) + int(r) - int(run.char)
	}
	return append(dst, byte(0x81+n/12600), byte(0x30+n/1260%10), byte(0x81+n/10%126), byte(0x30+n%10))
}
