package charset

import (
	"bytes"
	"errors"
	"io/fs"
	"strings"
	"testing"
	"unsafe"
)

func TestLookup(t *testing.T) {
	for label, want := range map[string]string{
		"UTF-8": "utf-8", "utf8": "utf-8", "U8": "utf-8", "utf_8_sig": "utf-8-sig", "UTF 16 LE": "utf-16le", "utf_16_be": "utf-16be",
		"utf-16": "utf-16", "utf-32": "utf-32", "unicode": "utf-16le", "GBK": "gbk", "cp936": "gbk", "gb2312": "gbk", "GB18030": "gb18030",
		"cp950": "big5", "Big5-HKSCS": "big5", "ms932": "shift_jis", "cp932": "shift_jis", "SJIS": "shift_jis", "cp949": "euc-kr", "euc_jp": "euc-jp",
		"latin1": "latin-1", "ISO-8859-1": "latin-1", "ascii": "ascii", "us-ascii": "ascii", "windows-1252": "windows-1252",
		"ISO_8859-2:1987": "iso-8859-2", "latin9": "iso-8859-15", "koi8_r": "koi8-r", "hz-gb-2312": "hz", "cp437": "cp437", "iso8859-9": "windows-1254", "Hex": "hex",
	} {
		if e, err := Lookup(label); err != nil || e.Name() != want {
			t.Errorf("%s: %v, %v; want %s", label, e, err, want)
		}
	}
	for label, nearest := range map[string]string{"gbk2": "gbk", "utf-9": "utf-8", "windws-1252": "windows-1252", "replacement": "", "": "", "qqqqqqqq": ""} {
		_, err := Lookup(label)
		var unknown *UnknownError
		if !errors.As(err, &unknown) || unknown.Nearest != nearest {
			t.Errorf("%q: %v; want nearest %q", label, err, nearest)
		}
	}
}

// TestLabels: no label means two encodings, and each name is found.
func TestLabels(t *testing.T) {
	seen := map[string]*Encoding{}
	for _, e := range All() {
		for _, l := range append(e.Labels(), e.Name()) {
			if other := seen[fold(l)]; other != nil && other != e {
				t.Errorf("%s is %s and %s", l, other, e)
			} else if other != nil {
				t.Errorf("%s: %s is listed twice", e, l)
			}
			seen[fold(l)] = e
			if got, err := Lookup(l); got != e {
				t.Errorf("%s: %v, %v", l, got, err)
			}
		}
	}
}

func TestLegacyFor(t *testing.T) {
	for locale, want := range map[string]string{
		"zh_CN.UTF-8": "gb18030", "zh_TW": "big5", "zh-Hant-HK": "big5", "zh_HK.utf8": "big5", "zh": "gb18030", "zh_Hans_HK": "gb18030",
		"ja_JP.UTF-8": "shift_jis", "ko_KR": "euc-kr", "ru_RU.KOI8-R": "windows-1251", "de_DE@euro": "windows-1252", "en_US.UTF-8": "windows-1252",
		"pl_PL": "windows-1250", "el_GR": "windows-1253", "sr_RS@latin": "windows-1250", "th_TH": "windows-874",
	} {
		if e := LegacyFor(locale); e == nil || e.Name() != want {
			t.Errorf("%s: %v, want %s", locale, e, want)
		}
	}
	for _, locale := range []string{"", "C", "C.UTF-8", "POSIX", "eo", "_"} {
		if e := LegacyFor(locale); e != nil {
			t.Errorf("%q: %s", locale, e)
		}
	}
}

func TestPolicies(t *testing.T) {
	for p := Strict; p <= SurrogateEscape; p++ {
		if got, err := ParsePolicy(p.String()); got != p || err != nil {
			t.Errorf("%s: %v, %v", p, got, err)
		}
	}
	if _, err := ParsePolicy("lenient"); err == nil {
		t.Error("lenient is a policy")
	}
	if _, err := UTF8.DecodeString([]byte("a"), XMLCharRefReplace); err == nil {
		t.Error("decoding with xmlcharrefreplace is not refused")
	}
}

// TestErrors: offsets are counted from the start of the stream.
func TestErrors(t *testing.T) {
	d := must(t, "gbk").NewDecoder(Strict)
	text, err := d.Decode(nil, []byte("ab\xc4"), false)
	if string(text) != "ab" || err != nil {
		t.Fatalf("%q, %v", text, err)
	}
	text, err = d.Decode(text, []byte("\xe3c\xff\xff"), true)
	var bad *DecodeError
	if !errors.As(err, &bad) || bad.Offset != 5 || string(bad.Bytes) != "\xff" || string(text) != "ab你c" {
		t.Errorf("%q, %v", text, err)
	}
	if want := "gbk: cannot decode ff at byte 5: invalid sequence"; err.Error() != want {
		t.Errorf("%q, want %q", err, want)
	}
	e := must(t, "big5").NewEncoder(Strict)
	if _, err = e.Encode(nil, []byte("a\xf0\x9f"), false); err != nil {
		t.Fatal(err)
	}
	_, err = e.Encode(nil, []byte("\x98\x80"), false)
	if want := "big5: cannot encode U+1F600 '😀' at byte 1: the encoding does not have it"; err == nil || err.Error() != want {
		t.Errorf("%v, want %s", err, want)
	}
	if errors.Is(err, fs.ErrInvalid) {
		t.Error("an unrelated error matches")
	}
}

// TestMarks: only the first text of a stream carries a byte order mark, and
// what it says holds for all messages.
func TestMarks(t *testing.T) {
	utf16 := must(t, "utf-16")
	d := utf16.NewDecoder(Strict)
	for i, step := range []struct{ in, out string }{{"\xfe\xff\x00a", "a"}, {"\x00b", "b"}, {"\xfe\xff\x00c", "\uFEFFc"}} {
		if got, err := d.Decode(nil, []byte(step.in), true); string(got) != step.out || err != nil {
			t.Errorf("message %d: %q, %v; want %q", i, got, err, step.out)
		}
	}
	e := utf16.NewEncoder(Strict)
	for i, want := range []string{"\xff\xfea\x00", "a\x00"} {
		if got, err := e.EncodeString(nil, "a", true); string(got) != want || err != nil {
			t.Errorf("message %d: % x, %v; want % x", i, got, err, want)
		}
	}
	if got, err := utf16.Bytes("\n"); string(got) != "\n\x00" || err != nil {
		t.Errorf("a newline is % x, %v", got, err)
	}
	if got, err := must(t, "utf-16be").Bytes("\n"); string(got) != "\x00\n" || err != nil {
		t.Errorf("a newline is % x, %v", got, err)
	}
	if _, err := must(t, "ascii").Bytes("。"); err == nil {
		t.Error("ASCII has an ideographic full stop")
	}
}

func TestVisible(t *testing.T) {
	for in, want := range map[string]string{
		"plain\ttext\n": "plain\ttext\n", "a\r\nb\rc": "a\nb\\rc", "\x1b[31m": `\x1b[31m`, "\x00\x07\x7f": `\x00\x07\x7f`,
		"\u0085\u009b": `\x85\x9b`, "a\u202eb\u2066\u200f\u061c": `a\u202eb\u2066\u200f\u061c`, "\u2028\ufeff\u200b": `\u2028\ufeff\u200b`,
		"\xed\xb2\x80": `\udc80`, "\xff\xe4\xbd": `\xff\xe4\xbd`, "👨\u200d👩 ❤\ufe0f می\u200cخواهم": "👨\u200d👩 ❤\ufe0f می\u200cخواهم",
		"\U000e0041\U000e0100": `\U000e0041` + "\U000e0100", "\uFFFD": "\uFFFD",
	} {
		if got := AppendVisible(nil, []byte(in), VisibleOptions{}); string(got) != want {
			t.Errorf("%+q: %q, want %q", in, got, want)
		}
	}
	if got := AppendVisible(nil, []byte("a\r\nb\n\t"), VisibleOptions{SingleLine: true}); string(got) != "a\\r\\nb\\n\t" {
		t.Errorf("one line: %q", got)
	}
}

// TestNothingAllocated: clean text into a buffer with room.
func TestNothingAllocated(t *testing.T) {
	text := strings.Repeat("hello, world; 你好，世界\n", 20)
	dst := make([]byte, 0, 4*len(text))
	check := func(name string, f func()) {
		t.Helper()
		if n := testing.AllocsPerRun(50, f); n != 0 {
			t.Errorf("%s: %v allocations", name, n)
		}
	}
	check("AppendVisible", func() { AppendVisible(dst, []byte(text)[:0:0], VisibleOptions{}) })
	b := []byte(text)
	check("AppendVisible", func() { AppendVisible(dst, b, VisibleOptions{}) })
	for _, e := range append(All(), Auto(nil), Auto(must(t, "gbk"))) {
		data, _ := e.EncodeString(text, Ignore)
		if e == Hex { // which has none of it
			data = b
		}
		d := e.NewDecoder(Strict)
		enc := e.NewEncoder(Ignore)
		check(e.Name()+" decode", func() {
			if _, err := d.Decode(dst, data, true); err != nil {
				t.Fatal(err)
			}
		})
		check(e.Name()+" decode split", func() {
			out, _ := d.Decode(dst, data[:101], false)
			if _, err := d.Decode(out, data[101:], true); err != nil && !errors.As(err, new(*DecodeError)) {
				t.Fatal(err)
			}
			d.Reset()
		})
		ascii := bytes.TrimRight(bytes.Repeat([]byte("x"), 100), "\x00")
		check(e.Name()+" encode", func() { _, _ = enc.Encode(dst, ascii, true) })
	}
	if n := unsafe.Sizeof(Decoder{}) + unsafe.Sizeof(Encoder{}); n > 200 {
		t.Errorf("a decoder and an encoder take %d bytes", n)
	}
}
