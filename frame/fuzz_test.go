package frame_test

import (
	"bytes"
	"slices"
	"strings"
	"testing"

	"sockeye.dev/charset"
	"sockeye.dev/frame"
)

var fuzzSpecs = []string{
	"line", "crlf", "nul", "delim:|", "delim:||", "delim:。", "delim:hex:0d0a", "delim:hex:ff",
	"fixed:3", "datagram", "quiet:1s", "line+quiet:1s",
}

var fuzzEncodings = []string{"", "utf-8", "gbk", "shift_jis", "big5", "gb18030", "utf-16le", "utf-16be", "utf-32le", "iso-2022-jp", "windows-1252", "auto"}

func fuzzFramer(t *testing.T, spec, enc byte) (frame.Framer, *charset.Encoding) {
	label := fuzzEncodings[int(enc)%len(fuzzEncodings)]
	e := encoding(t, label)
	f := parse(t, fuzzSpecs[int(spec)%len(fuzzSpecs)], label)
	if _, err := f.Append(nil, []byte("abc")); err != nil && strings.Contains(err.Error(), " has no ") {
		t.Skip(err) // windows-1252 and the Chinese full stop
	}
	return f, e
}

func addSeeds(f *testing.F) {
	for i := range fuzzSpecs {
		for j := range fuzzEncodings {
			f.Add(byte(i), byte(j), byte(4), []byte("ab|c\r\nde||\x83\x7c|\x00\xff\r\r\nfgh\x1b$B$\"|\n\x1b(B\n"))
		}
	}
}

// FuzzSlicing checks that messages and pieces are the same however their bytes
// arrive, and that they hold all there is to hold.
func FuzzSlicing(f *testing.F) {
	addSeeds(f)
	f.Fuzz(func(t *testing.T, spec, enc, limit byte, in []byte) {
		fr, e := fuzzFramer(t, spec, enc)
		read := func(limit int, parts ...string) []message {
			r := frame.Reader{Framer: fr, Encoding: e, Max: limit}
			m, err := readAll(t, &r, parts...)
			if err != nil {
				t.Fatal(err)
			}
			return m
		}
		whole := read(0, string(in))
		if e != nil && e.IsAuto() && strings.HasPrefix(frameName(fr), "delim:") {
			return // what has come decides which characters there are
		}
		for _, limit := range []int{0, int(limit) + 1} {
			if e != nil && e.Name() == "iso-2022-jp" && limit > 0 {
				continue // a piece may end in one of its modes
			}
			once := read(limit, string(in))
			for name, parts := range map[string][]string{
				"bytewise": bytewise(string(in)),
				"in two":   {string(in[:len(in)/2]), string(in[len(in)/2:])},
			} {
				if m := read(limit, parts...); !slices.Equal(m, once) {
					t.Errorf("%v, max %d: %s %+v, at once %+v", fr, limit, name, m, once)
				}
			}
			var joined []message
			var begun strings.Builder
			for _, m := range once {
				if len(m.data) > max(limit, 3) && limit > 0 {
					t.Errorf("%v: %q is longer than %d", fr, m.data, limit)
				}
				begun.WriteString(m.data)
				if !m.more {
					joined = append(joined, message{begun.String(), m.bare, false})
					begun.Reset()
				}
			}
			if !slices.Equal(joined, whole) || begun.Len() > 0 {
				t.Errorf("%v, max %d: pieces make %+v, want %+v", fr, limit, joined, whole)
			}
		}
	})
}

func frameName(f frame.Framer) string { return f.(interface{ String() string }).String() }

// FuzzRoundTrip checks that what Append takes comes back, alone and between
// two others.
func FuzzRoundTrip(f *testing.F) {
	addSeeds(f)
	f.Fuzz(func(t *testing.T, spec, enc, _ byte, payload []byte) {
		fr, e := fuzzFramer(t, spec, enc)
		framed, err := fr.Append(nil, payload)
		if err != nil {
			if framed != nil {
				t.Errorf("%v: %v, and %q", fr, err, framed)
			}
			return
		}
		if len(framed) == 0 {
			return // nothing stands for nothing, but in a datagram
		}
		r := frame.Reader{Framer: fr, Encoding: e}
		got, err := readAll(t, &r, string(framed))
		if err != nil || len(got) != 1 || got[0].data != string(payload) {
			t.Fatalf("%v of %q: %+v, %v", fr, payload, got, err)
		}
		if got[0].bare {
			return // there is nothing between two messages
		}
		advance, message, err := fr.Split(bytes.Repeat(framed, 3), false)
		if advance != len(framed) || !bytes.Equal(message, payload) || err != nil {
			t.Errorf("%v of %q thrice: %d, %q, %v", fr, payload, advance, message, err)
		}
	})
}

// FuzzParse checks that a framing's name parses back to it.
func FuzzParse(f *testing.F) {
	for _, s := range append([]string{`delim:\x2bquiet:1s`, `delim:\x68ex:`, `delim:\0\u3002\U0001f600`, "quiet:1e300", "line+quiet", "fixed:0"}, fuzzSpecs...) {
		f.Add(s)
	}
	for _, s := range append([]string{"len16:self,plus=-1", "len8:plus=-0,at=+3", "len32le:at=1,at=1"}, lengthSpecs...) {
		f.Add(s + "+quiet:1s")
	}
	f.Fuzz(func(t *testing.T, spec string) {
		fr, err := frame.Parse(spec)
		if err != nil {
			return
		}
		again, err := frame.Parse(frameName(fr))
		if err != nil || again != fr {
			t.Errorf("Parse(%q) = %v, and that is %v, %v", spec, fr, again, err)
		}
		if _, _, err := fr.Split(nil, true); err != nil {
			t.Errorf("Parse(%q) = %v, and that cannot split: %v", spec, fr, err)
		}
	})
}
