package charset

import (
	"errors"
	"testing"
)

// Bytes are two digits each, with a space between two of one message, in
// however many pieces it comes.
func TestHexDecode(t *testing.T) {
	data := []byte("\x01\x03\x04\xd2\xc5\x3f\xa0\xb1\x0a")
	d := Hex.NewDecoder(Strict)
	for size := 1; size <= len(data); size++ {
		var text []byte
		for rest := data; len(rest) > 0; rest = rest[min(size, len(rest)):] {
			var err error
			if text, err = d.Decode(text, rest[:min(size, len(rest))], size >= len(rest)); err != nil {
				t.Fatal(err)
			}
		}
		if string(text) != "01 03 04 d2 c5 3f a0 b1 0a" || d.Pending() != 0 {
			t.Errorf("%d bytes at a time: %q, %d pending", size, text, d.Pending())
		}
	}
	if n, sure := Hex.Incomplete(data); n != 0 || !sure {
		t.Errorf("%d bytes are no whole character, %v", n, sure)
	}
}

// What is no hexadecimal is no text of it.
func TestHexEncode(t *testing.T) {
	for text, want := range map[string]string{
		"01 03": "\x01\x03", "0103": "\x01\x03", "01:03": "\x01\x03", "D2c5 3F": "\xd2\xc5\x3f", " 0a\t0d\r\n": "\x0a\x0d", "": "",
	} {
		if got, err := Hex.EncodeString(text, Strict); string(got) != want || err != nil {
			t.Errorf("%q: % x, %v", text, got, err)
		}
	}
	for text, want := range map[string]string{
		"01 0g": "hex: cannot encode U+0030 '0' at byte 3: half a byte", "01 g0": "hex: cannot encode U+0067 'g' at byte 3: the encoding does not have it",
		"010": "hex: cannot encode U+0030 '0' at byte 2: half a byte", "0 1": "hex: cannot encode U+0030 '0' at byte 0: half a byte",
		"01,03": "hex: cannot encode U+002C ',' at byte 2: the encoding does not have it", "你": "hex: cannot encode U+4F60 '你' at byte 0: the encoding does not have it",
	} {
		for _, p := range []Policy{Strict, Replace, BackslashReplace, XMLCharRefReplace} {
			_, err := Hex.EncodeString(text, p)
			var bad *EncodeError
			if !errors.As(err, &bad) || err.Error() != want {
				t.Errorf("%s, %q: %v, want %s", p, text, err, want)
			}
		}
	}
	if got, err := Hex.EncodeString("01, 0g 02", Ignore); string(got) != "\x01\x02" || err != nil {
		t.Errorf("ignoring what is none: % x, %v", got, err)
	}
	e := Hex.NewEncoder(Strict)
	got, err := e.EncodeString(nil, "01 0", false)
	if err == nil {
		got, err = e.EncodeString(got, "3", true)
	}
	if string(got) != "\x01\x03" || err != nil {
		t.Errorf("a byte in two pieces: % x, %v", got, err)
	}
}

// A delimiter is the bytes that it is to others.
func TestHexBytes(t *testing.T) {
	for _, text := range []string{"\r\n", "\x00", "|"} {
		if b, err := Hex.Bytes(text); string(b) != text || err != nil {
			t.Errorf("%q: % x, %v", text, b, err)
		}
	}
}
