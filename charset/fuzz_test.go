package charset

import (
	"bytes"
	"errors"
	"strings"
	"testing"
	"unicode/utf8"
)

var decodePolicies = [...]Policy{Strict, Ignore, Replace, BackslashReplace, SurrogateEscape}

// seeds are characters, cut characters and errors of every family.
var seeds = [...]string{
	"", "abc\r\n", "é中文😀", "\xc4\xbf\xc2\xbc", "\xc4\xe3\xba\xc3|", "\x81\x30\x81\x30\x81\x30\x0a", "\xff0000", "\x84\x31\xa4\x37",
	"\x82\xa0\x83|\xa0\xfd\xf0\x40", "\x8f\xa2\xaf\x8e\xb1\x8f\xa2", "\x88\x62\x88\xa3", "\x1b$B0!\x1b(Ba\x1b[0m\x1b$Xzz", "~{VPND~}~~~\n~{~",
	"\xff\xfea\x00\x3d\xd8\x00\xde\x3d", "\xfe\xff\x00a\xd8\x3d", "\xff\xfe\x00\x00a\x00\x00\x00\x00\xd8\x00\x00", "\xef\xbb\xbfa\xef\xbb",
	"\xf0\x90\x80\xed\xa0\x80\xe4\xbd", "\x80\x81\x8d\xa5\xff",
}

// FuzzSlicing: one byte at a time, and in two pieces, is decoded as all at once.
func FuzzSlicing(f *testing.F) {
	for _, s := range seeds {
		f.Add([]byte(s), uint8(len(s)/2))
	}
	f.Fuzz(func(t *testing.T, data []byte, cut uint8) {
		for _, e := range All() {
			for _, p := range decodePolicies {
				d := e.NewDecoder(p)
				want, wantErr := d.Decode(nil, data, true)
				bad := d.Bad()

				one := e.NewDecoder(p)
				got, err := decodeBytewise(one, data)
				checkSame(t, e, p, data, want, wantErr, got, err)
				if err == nil && (one.Bad() != bad || one.Pending() != 0) {
					t.Fatalf("%s, %s, % x: %d bad, %d pending; all at once %d, 0", e, p, data, one.Bad(), one.Pending(), bad)
				}

				two := e.NewDecoder(p)
				at := min(int(cut), len(data))
				if got, err = two.Decode(nil, data[:at], false); err == nil {
					got, err = two.Decode(got, data[at:], true)
				}
				checkSame(t, e, p, data, want, wantErr, got, err)

				if max := 8 + 8*len(data); len(want) > max {
					t.Fatalf("%s, %s: %d bytes out of %d", e, p, len(want), len(data))
				}
			}
		}
	})
}

func decodeBytewise(d *Decoder, data []byte) (text []byte, err error) {
	for i := range data {
		if text, err = d.Decode(text, data[i:i+1], false); err != nil {
			return text, err
		}
	}
	return d.Decode(text, nil, true)
}

func checkSame(t *testing.T, e *Encoding, p Policy, data, want []byte, wantErr error, got []byte, err error) {
	t.Helper()
	if !bytes.Equal(got, want) || (err == nil) != (wantErr == nil) {
		t.Fatalf("%s, %s, % x:\nin pieces   %+q, %v\nall at once %+q, %v", e, p, data, got, err, want, wantErr)
	}
	var a, b *DecodeError
	if errors.As(err, &a) && errors.As(wantErr, &b) && (a.Offset != b.Offset || !bytes.Equal(a.Bytes, b.Bytes)) {
		t.Fatalf("%s, %s, % x: in pieces %v, all at once %v", e, p, data, err, wantErr)
	}
}

// FuzzRoundTrip: what decodes strictly encodes to something that decodes to
// the same, and surrogateescape gives every byte back.
func FuzzRoundTrip(f *testing.F) {
	for _, s := range seeds {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		for _, e := range All() {
			text, err := e.DecodeString(data, Strict)
			// Four codes of Big5-HKSCS are two characters; nothing encodes them.
			if err == nil && !(e.Name() == "big5" && strings.ContainsAny(text, "\u0304\u030c")) {
				again, err := e.EncodeString(text, Strict)
				if err != nil {
					t.Fatalf("%s: % x is %+q, which is not encoded: %v", e, data, text, err)
				}
				if back, err := e.DecodeString(again, Strict); err != nil || back != text {
					t.Fatalf("%s: % x is %+q, encoded % x, which is %+q, %v", e, data, text, again, back, err)
				}
			}
			if e == UTF8 || e.Name() == "gb18030" || e.Name() == "euc-kr" || e.Name() == "ascii" {
				if text, err = e.DecodeString(data, SurrogateEscape); err != nil {
					t.Fatalf("%s: %v", e, err)
				}
				if again, err := e.EncodeString(text, SurrogateEscape); err != nil || !bytes.Equal(again, data) {
					t.Fatalf("%s: % x came back as % x, %v", e, data, again, err)
				}
			}
		}
	})
}

// FuzzEncode: any text, in any pieces, is encoded as all at once.
func FuzzEncode(f *testing.F) {
	for _, s := range seeds {
		f.Add([]byte(s))
	}
	f.Add([]byte("\xed\xa0\xbd\xed\xb2\x80\xed\xa0"))
	f.Fuzz(func(t *testing.T, text []byte) {
		for _, e := range All() {
			for p := Strict; p <= SurrogateEscape; p++ {
				want, wantErr := e.NewEncoder(p).Encode(nil, text, true)
				one := e.NewEncoder(p)
				var got []byte
				var err error
				for i := 0; i < len(text) && err == nil; i++ {
					got, err = one.Encode(got, text[i:i+1], false)
				}
				if err == nil {
					got, err = one.Encode(got, nil, true)
				}
				if !bytes.Equal(got, want) || (err == nil) != (wantErr == nil) {
					t.Fatalf("%s, %s, %+q: in pieces % x, %v; all at once % x, %v", e, p, text, got, err, want, wantErr)
				}
			}
		}
	})
}

// FuzzAuto: whatever the pieces, every byte ends as text, held, or counted.
func FuzzAuto(f *testing.F) {
	for _, s := range seeds {
		f.Add([]byte(s), uint8(1))
		f.Add([]byte(s+"\n"+s), uint8(3))
	}
	f.Fuzz(func(t *testing.T, data []byte, size uint8) {
		for _, label := range []string{"", "gb18030", "big5", "shift_jis", "euc-kr", "euc-jp", "windows-1252", "iso-2022-jp", "utf-16le"} {
			var legacy *Encoding
			if label != "" {
				legacy = must(t, label)
			}
			d := Auto(legacy).NewDecoder(BackslashReplace)
			var text []byte
			for rest := data; len(rest) > 0; {
				n := min(int(size)%17+1, len(rest))
				before := text
				var err error
				if text, err = d.Decode(text, rest[:n], n == len(rest)); err != nil {
					t.Fatal(err)
				}
				rest = rest[n:]
				if !bytes.HasPrefix(text, before) || d.Pending() > len(d.held) {
					t.Fatalf("text taken back, or %d pending", d.Pending())
				}
			}
			if d.off != int64(len(data)) || d.Pending() != 0 {
				t.Fatalf("auto with %q, % x in %d: %d of %d bytes accounted for, %d pending", label, data, size, d.off, len(data), d.Pending())
			}
			if !utf8.Valid(text) {
				t.Fatalf("auto with %q: % x is %q", label, data, text)
			}
		}
	})
}

// FuzzVisible: nothing a terminal acts on is left.
func FuzzVisible(f *testing.F) {
	for _, s := range seeds {
		f.Add([]byte(s))
	}
	f.Add([]byte("a\x1b[31m\u0085\u202e\u2066x\u200f\r\r\n\u2028\U000e0041\xed\xb2\x80👨\u200d👩"))
	f.Fuzz(func(t *testing.T, text []byte) {
		for _, o := range []VisibleOptions{{}, {SingleLine: true}} {
			out := AppendVisible(nil, text, o)
			if !utf8.Valid(out) || len(out) > 6*len(text) {
				t.Fatalf("%+q: %+q", text, out)
			}
			for _, r := range string(out) {
				if r < ' ' && r != '\t' && (r != '\n' || o.SingleLine) || r >= 0x7F && r < 0xA0 ||
					r >= 0x202A && r <= 0x202E || r >= 0x2066 && r <= 0x2069 || r == 0x2028 || r == 0x2029 {
					t.Fatalf("%+q: %U is left", text, r)
				}
			}
			if again := AppendVisible(nil, out, o); !bytes.Equal(again, out) {
				t.Fatalf("%+q: a second time %+q", out, again)
			}
		}
	})
}

// FuzzLookup: no label panics, case and punctuation never matter.
func FuzzLookup(f *testing.F) {
	for _, s := range []string{"", "UTF-8", "cp936", "latin_1", "gbk2", "ISO_8859-2:1987", "\xff", strings.Repeat("x", 1000)} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, label string) {
		e, err := Lookup(label)
		var unknown *UnknownError
		if (e == nil) != (err != nil) || err != nil && !errors.As(err, &unknown) {
			t.Fatalf("%q: %v, %v", label, e, err)
		}
		if other, _ := Lookup(" " + strings.ReplaceAll(label, "-", "_") + "-"); e != nil && other != e {
			t.Fatalf("%q: %v, spelled otherwise %v", label, e, other)
		}
		_ = LegacyFor(label)
		_ = Detect([]byte(label))
	})
}

// FuzzIndex: the first match is the one that walking finds, at once and while
// the data grows.
func FuzzIndex(f *testing.F) {
	f.Add([]byte("\x83|\x83\x7c|a"), []byte("|"), uint8(1))
	f.Add([]byte("a\x00\x00|\x00b|\x00"), []byte("|\x00"), uint8(1))
	f.Add([]byte("\x81\x30\x81\x30\xa1\xa3"), []byte("0"), uint8(2))
	f.Add([]byte("\xc4\xbf|中文|"), []byte("|"), uint8(2))
	f.Fuzz(func(t *testing.T, data, sep []byte, step uint8) {
		if len(sep) == 0 {
			return
		}
		for _, e := range All() {
			want := naiveIndex(e, data, sep)
			if got, _ := e.Index(data, sep, 0); got != want {
				t.Fatalf("%s: % x in % x: %d, walking %d", e, sep, data, got, want)
			}
			got, resume := -1, 0
			for n := 0; n <= len(data) && got < 0; n++ {
				if n%(int(step)%5+1) != 0 && n != len(data) {
					continue
				}
				before := resume
				got, resume = e.Index(data[:n], sep, resume)
				if resume < before || resume > n {
					t.Fatalf("%s: resumes at %d, then %d of %d", e, before, resume, n)
				}
			}
			if got != want {
				t.Fatalf("%s: % x in growing % x: %d, walking %d", e, sep, data, got, want)
			}
		}
		a := Auto(must(t, "gb18030"))
		if i, _ := a.Index(data, sep, 0); i >= 0 && !bytes.HasPrefix(data[i:], sep) {
			t.Fatalf("auto: nothing at %d", i)
		}
	})
}

// naiveIndex is Index by its definition.
func naiveIndex(e *Encoding, data, sep []byte) int {
	c := e.codec()
	if e.Unit() > 1 {
		for i := 0; i < len(data); i += e.Unit() {
			if bytes.HasPrefix(data[i:], sep) {
				return i
			}
		}
		return -1
	}
	if e.trail == 0 || sep[0] < e.trail {
		return bytes.Index(data, sep)
	}
	var st state
	for i := 0; i < len(data); {
		if st == 0 && bytes.HasPrefix(data[i:], sep) {
			return i
		}
		n, _, after := c.size(data[i:], st)
		if n == 0 {
			return -1
		}
		i, st = i+n, after
	}
	return -1
}

// FuzzIncomplete: what it says is missing is what the decoder holds.
func FuzzIncomplete(f *testing.F) {
	for _, s := range seeds {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		for _, e := range append(All(), Auto(nil), Auto(must(t, "gb18030"))) {
			n, sure := e.Incomplete(data)
			if n < 0 || n > len(data) || n > longestEscape {
				t.Fatalf("%s: %d of %d bytes", e, n, len(data))
			}
			if d := e.NewDecoder(Ignore); sure && !e.isAuto {
				if _, err := d.Decode(nil, data, false); err != nil || d.Pending() != n {
					t.Fatalf("%s, % x: %d, the decoder holds %d, %v", e, data, n, d.Pending(), err)
				}
			}
		}
	})
}
