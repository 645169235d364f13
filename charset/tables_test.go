package charset

import (
	"testing"
	"unicode/utf8"

	"golang.org/x/text/encoding"
	"golang.org/x/text/encoding/htmlindex"
	"golang.org/x/text/encoding/japanese"
	"golang.org/x/text/encoding/korean"
	"golang.org/x/text/encoding/simplifiedchinese"
	"golang.org/x/text/encoding/traditionalchinese"
)

// TestGB18030IsOneToOne encodes all of Unicode and decodes it again.
func TestGB18030IsOneToOne(t *testing.T) {
	c := must(t, "gb18030").codec()
	var text, data, back []byte
	seen := make(map[string]rune, utf8.MaxRune)
	for r := rune(0); r <= utf8.MaxRune; r++ {
		if isSurrogate(r) {
			continue
		}
		text = utf8.AppendRune(text[:0], r)
		var n, bad int
		data, n = c.encode(data[:0], text, nil)
		if n != len(text) {
			t.Fatalf("%U: not encoded", r)
		}
		if other, ok := seen[string(data)]; ok {
			t.Fatalf("%U and %U are both % x", other, r, data)
		}
		seen[string(data)] = r
		if back, n, bad = c.decode(back[:0], data, nil); n != len(data) || bad > 0 || string(back) != string(text) {
			t.Fatalf("%U: % x decodes to %q", r, data, back)
		}
	}
}

// TestGB18030Edition pins what golang/go#81126 gets wrong and what tells the
// editions of the standard apart.
func TestGB18030Edition(t *testing.T) {
	e := must(t, "gb18030")
	for data, want := range map[string]string{
		"\xaa\xa1": "\uE000", "\xa1\x40": "\uE4C6", "\xa3\xa0": "\uE5E5", "\xa1\xa1": "\u3000",
		"\x84\x31\xa4\x37": "\uFFFD", "\xa2\xe3": "€",
		"\xa8\xbc": "\uE7C7", "\x81\x35\xf4\x37": "\u1E3F", // 2000; from 2005 the other way round
		"\xa6\xd9": "\uE78D", "\x84\x31\x82\x36": "\uFE10", // 2000 and 2005; 2022 has U+FE10 at A6D9
		"\x90\x30\x81\x30": "\U00010000", "\xe3\x32\x9a\x35": "\U0010FFFF",
	} {
		if got, err := e.DecodeString([]byte(data), Strict); got != want || err != nil {
			t.Errorf("% x: %+q, %v; want %+q", data, got, err, want)
		}
		if got, err := e.EncodeString(want, Strict); string(got) != data || err != nil {
			t.Errorf("%+q: % x, %v; want % x", want, got, err, data)
		}
	}
}

// TestXText compares the tables taken over with their source.
func TestXText(t *testing.T) {
	for _, c := range []struct {
		label   string
		x       encoding.Encoding
		differs func(rune) bool
	}{
		{"gbk", simplifiedchinese.GBK, nil},
		{"big5", traditionalchinese.Big5, nil},
		{"euc-kr", korean.EUCKR, nil},
		{"euc-jp", japanese.EUCJP, func(r rune) bool { return r == '¥' || r == '‾' }},
		// One way only, so that U+00A5 would come back as a backslash.
		{"shift_jis", japanese.ShiftJIS, func(r rune) bool { return r == '¥' || r == '‾' }},
	} {
		e := must(t, c.label)
		for r := rune(0x80); r < 0x30000; r++ {
			if isSurrogate(r) || r == utf8.RuneError || c.differs != nil && c.differs(r) {
				continue
			}
			want, err := c.x.NewEncoder().Bytes([]byte(string(r)))
			if err != nil {
				continue
			}
			if got, err := e.EncodeString(string(r), Strict); string(got) != string(want) || err != nil {
				t.Errorf("%s: %U: % x, %v; x/text: % x", c.label, r, got, err, want)
			}
		}
	}
}

// TestWHATWGLabels asks the standard's index, as x/text has it, what each of
// our labels is.
func TestWHATWGLabels(t *testing.T) {
	python := map[string]bool{"latin-1": true, "ascii": true, "utf-16": true, "hz": true}
	found := 0
	for _, e := range All() {
		for _, label := range append(e.Labels(), e.Name()) {
			x, err := htmlindex.Get(label)
			if err != nil {
				continue
			}
			found++
			name, _ := htmlindex.Name(x)
			if name != e.Name() && !python[e.Name()] {
				t.Errorf("%s is %s, not %s", label, name, e.Name())
			}
		}
	}
	if found < 150 {
		t.Errorf("only %d labels are in the index", found)
	}
}
