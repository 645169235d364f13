package frame_test

import (
	"bytes"
	"errors"
	"slices"
	"strings"
	"testing"

	"sockeye.dev/frame"
)

var lengthSpecs = []string{
	"len8", "len16", "len16le", "len32", "len32le", "len8:self", "len16:at=2,self", "len16:at=4", "len32:at=1,plus=-4",
	"len8:plus=2", "len8:at=1,plus=1", "len16le:at=3,self", "len8+quiet:1s",
}

// checkFrames checks that messages of in are the same however it arrives, that
// Split finds what a Reader finds, and that an echo of a message that is not
// bare is understood.
func checkFrames(t *testing.T, f frame.Framer, in []byte, limit int) {
	t.Helper()
	read := func(max int, parts ...string) ([]message, string) {
		r := frame.Reader{Framer: f, Max: max}
		m, err := readAll(t, &r, parts...)
		if err != nil {
			return m, err.Error()
		}
		return m, ""
	}
	for _, limit := range []int{0, limit} {
		once, failed := read(limit, string(in))
		for cut, parts := range map[string][]string{
			"bytewise": bytewise(string(in)),
			"in two":   {string(in[:len(in)/2]), string(in[len(in)/2:])},
		} {
			if m, err := read(limit, parts...); !slices.Equal(m, once) || err != failed {
				t.Errorf("%v, max %d: %s %+v, %s; at once %+v, %s", f, limit, cut, m, err, once, failed)
			}
		}
		for _, m := range once {
			if m.more || limit > 0 && len(m.data) > limit && !m.bare {
				t.Errorf("%v, max %d: %+v", f, limit, m)
			}
		}
	}
	skip := func(parts ...string) (m []message, failed bool) {
		r := frame.Reader{Framer: f, Max: limit, Oversize: frame.Skip}
		m, err := readAll(t, &r, parts...)
		return m, err != nil
	}
	passed, broken := skip(string(in))
	if m, failed := skip(bytewise(string(in))...); !slices.Equal(m, passed) || failed != broken {
		t.Errorf("%v of %q, max %d: skipping %+v, %v; at once %+v, %v", f, in, limit, m, failed, passed, broken)
	}
	once, failed := read(0, string(in))
	data := bytes.Clone(in)
	for _, want := range once {
		advance, m, err := 0, []byte(nil), error(nil)
		for m == nil && err == nil {
			before := string(data)
			if advance, m, err = f.Split(data, false); advance == 0 && err == nil {
				advance, m, err = f.Split(data, true)
			}
			if string(data[advance:]) != before[advance:] {
				t.Errorf("%v of %q: Split changed what follows", f, before)
			}
			data = data[advance:]
		}
		if string(m) != want.data || err != nil {
			t.Errorf("%v of %q: Split finds %q, %v, a Reader %q", f, in, m, err, want.data)
		}
		if want.bare {
			continue
		}
		echo, err := f.Append(nil, []byte(want.data))
		if err != nil {
			t.Errorf("%v: an echo of %q: %v", f, want.data, err)
		}
		if again, err := read(0, string(echo)); len(again) != 1 || again[0] != want || err != "" {
			t.Errorf("%v: an echo of %q is %q, and that is %+v, %s", f, want.data, echo, again, err)
		}
	}
	switch f.(type) { // empty frames are nothing
	case frame.SLIP:
		data = bytes.ReplaceAll(data, []byte{0xc0}, nil)
	case frame.COBS:
		data = bytes.ReplaceAll(data, []byte{0}, nil)
	}
	if failed == "" && len(data) > 0 {
		t.Errorf("%v of %q: %q is lost", f, in, data)
	}
}

// checkRoundTrip checks that what Append takes comes back, alone and between
// two others. same says what the message may have become.
func checkRoundTrip(t *testing.T, f frame.Framer, payload []byte, same func(got, payload string) bool) {
	t.Helper()
	kept := bytes.Clone(payload)
	framed, err := f.Append([]byte("<"), payload)
	if !bytes.Equal(payload, kept) {
		t.Fatalf("%v: Append changed %q to %q", f, kept, payload)
	}
	var e *frame.Error
	if err != nil {
		if string(framed) != "<" || !errors.As(err, &e) {
			t.Errorf("%v: %v, and %q", f, err, framed)
		}
		return
	}
	framed = framed[1:]
	r := frame.Reader{Framer: f}
	got, err := readAll(t, &r, strings.Repeat(string(framed), 3))
	if err != nil || len(got) != 3 {
		t.Fatalf("%v of %q thrice: %+v, %v", f, payload, got, err)
	}
	for _, m := range got {
		if m.bare || m.more || !same(m.data, string(payload)) {
			t.Errorf("%v of %q: %+v", f, payload, m)
		}
	}
}

func equal(a, b string) bool { return a == b }

func FuzzLength(f *testing.F) {
	for i := range lengthSpecs {
		for _, s := range []string{"\x02ab\x00\x01", "\x00\x03abc\x00\x00\x00", "\x03\x00abc", "\x00\x00\x00\x08abcdefgh", "Q\x00\x00\x00\x05a", "\xff\xff\xff\xff"} {
			f.Add(byte(i), byte(3), []byte(s))
		}
	}
	f.Fuzz(func(t *testing.T, spec, limit byte, in []byte) {
		fr := parse(t, lengthSpecs[int(spec)%len(lengthSpecs)], "")
		checkFrames(t, fr, in, int(limit)+1)
		l, _ := fr.(frame.Length)
		checkRoundTrip(t, fr, in, func(got, payload string) bool {
			if l.At == 0 || len(payload) < l.At+l.Size {
				return got == payload
			}
			zeros := strings.Trim(payload[l.At:][:l.Size], "\x00") == ""
			return got[:l.At] == payload[:l.At] && got[l.At+l.Size:] == payload[l.At+l.Size:] &&
				(zeros || got == payload)
		})
	})
}

func FuzzSLIP(f *testing.F) {
	for _, s := range []string{"", "a\xc0b", "\xc0\xdb\xdc\xdb\xdd\xc0\xc0", "\xdba\xc0\xdb\xc0\xdb", "\xdb\xdc\xdb", "\xdc\xdd"} {
		f.Add(byte(3), []byte(s))
	}
	f.Fuzz(func(t *testing.T, limit byte, in []byte) {
		checkFrames(t, frame.SLIP{}, in, int(limit)+1)
		checkRoundTrip(t, frame.SLIP{}, in, equal)
	})
}

func FuzzCOBS(f *testing.F) {
	for _, s := range []string{"", "\x00", "\x01\x00", "\x03a\x00", "\x03ab\x00\x01\x01\x00\x05", "\xff" + strings.Repeat("a", 254) + "\x01\x00", strings.Repeat("a", 600)} {
		f.Add(byte(3), []byte(s))
	}
	f.Fuzz(func(t *testing.T, limit byte, in []byte) {
		checkFrames(t, frame.COBS{}, in, int(limit)+1)
		checkRoundTrip(t, frame.COBS{}, in, equal)
	})
}
