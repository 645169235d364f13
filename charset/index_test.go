package charset

import (
	"bytes"
	"testing"
)

func TestIndex(t *testing.T) {
	for _, c := range []struct {
		label, data, sep string
		i, resume        int
	}{
		{"shift_jis", "\x83|\x83|a|", "|", 5, 5}, // 83 7C is ポ
		{"gbk", "\x81|\x81|", "|", -1, 4},
		{"big5", "\xa5|", "|", -1, 2},
		{"gb18030", "\x81\x30\x81\x30a0", "0", 5, 5},
		{"gbk", "\xc4\xe3\xa1\xa3", "\xa1\xa3", 2, 2},
		{"gbk", "\xa1\xa1\xa3\xa1\xa1\xa3", "\xa1\xa3", 4, 4}, // not at 1, nor 2
		{"gbk", "\x81\n", "\n", 1, 1},
		{"gbk", "abc\x81", "|", -1, 3},
		{"gbk", "ab|", "|-", -1, 2},
		{"utf-16le", "\x0a\x0aa\x00\x0a\x00", "\n\x00", 4, 4},
		{"utf-16le", "a\x00\n", "\n\x00", -1, 2},
		{"utf-16be", "\x01\x00\x0a\x00\x00\x0a", "\x00\n", 4, 4},
		{"utf-32le", "\n\x00\x00\x00", "\n\x00\x00\x00", 0, 0},
		{"utf-8", "中|", "|", 3, 3},
		{"iso-2022-jp", "\x1b$B!|!|\x1b(B|", "|", 10, 10}, // within JIS X 0208 it is half of ◯
		{"hz", "~{V|~}|", "|", 6, 6},
	} {
		i, resume := must(t, c.label).Index([]byte(c.data), []byte(c.sep), 0)
		if i != c.i || resume != c.resume {
			t.Errorf("%s: % x in % x: %d, %d; want %d, %d", c.label, c.sep, c.data, i, resume, c.i, c.resume)
		}
	}
}

func TestIndexAuto(t *testing.T) {
	a := Auto(must(t, "gb18030"))
	for _, c := range []struct {
		data string
		i    int
	}{
		{"中文|", 6}, {"\xd6\xd0\x81|\xce\xc4|", 6}, {"\xd6\xd0|", 2}, {"ab|", 2}, {"\xe4\xbd", -1},
	} {
		if i, _ := a.Index([]byte(c.data), []byte("|"), 0); i != c.i {
			t.Errorf("% x: %d, want %d", c.data, i, c.i)
		}
	}
}

// TestIndexIsLinear counts what is walked over, not time: the places where
// the search resumes never lag more than a character or a look back behind.
func TestIndexIsLinear(t *testing.T) {
	for _, e := range append(All(), Auto(must(t, "gbk"))) {
		for _, unit := range []string{"\x81", "\x81\x30", "\x81|", "中", "|", "\xff"} {
			data := bytes.Repeat([]byte(unit), 200)
			resume := 0
			for n := range len(data) + 1 {
				_, resume = e.Index(data[:n], []byte("|-|"), resume)
				if lag := n - resume; lag > surely+longestEscape {
					t.Fatalf("%s, % x: at %d resumes at %d", e, unit, n, resume)
				}
			}
		}
	}
}

func TestIncomplete(t *testing.T) {
	auto := Auto(must(t, "gb18030"))
	for _, c := range []struct {
		e    *Encoding
		data string
		n    int
		sure bool
	}{
		{UTF8, "abc", 0, true}, {UTF8, "中\xe4\xbd", 2, true}, {UTF8, "\xff\xe4", 1, false},
		{must(t, "gbk"), "\xc4\xe3\xba", 1, true}, {must(t, "gb18030"), "\x81\x30\x81", 3, true},
		{must(t, "utf-16le"), "a\x00\x3d\xd8", 2, true}, {must(t, "utf-16le"), "a\x00b", 1, true}, {must(t, "utf-32be"), "\x00\x00", 2, true},
		{must(t, "windows-1252"), "\xe4", 0, true},
		{must(t, "iso-2022-jp"), "\x1b$B0", 1, true}, {must(t, "hz"), "~{V", 1, true},
		{auto, "abc", 0, true},
		{auto, "\xe4", 1, true},         // both say so
		{auto, "\xe4\xbd", 2, false},    // UTF-8 says so, GB18030 has 浣
		{auto, "\xc4\xe3\xba", 1, true}, // only GB18030 is left
		{auto, "中\xe6\x96", 2, true},    // GB18030: the second half of the third character is missing
		{auto, "\x01\x02\xe4", 0, false}, {must(t, "gbk"), "\x00\x81", 0, false},
		{auto, "\x1b[1m\xe4", 1, true},
	} {
		if n, sure := c.e.Incomplete([]byte(c.data)); n != c.n || sure != c.sure {
			t.Errorf("%s: % x: %d, %v; want %d, %v", c.e, c.data, n, sure, c.n, c.sure)
		}
	}
}
