package frame_test

import (
	"bytes"
	"errors"
	"testing"

	"github.com/google/go-cmp/cmp"
	"sockeye.dev/frame"
)

var allow = cmp.AllowUnexported(message{})

func TestMessagesOfAFraming(t *testing.T) {
	full := func(s string) message { return message{data: s} }
	bare := func(s string) message { return message{data: s, bare: true} }
	tests := []struct {
		spec, encoding string
		in             string // bytes
		want           []message
	}{
		{"line", "", "", nil},
		{"line", "", "a\nb\n", []message{full("a"), full("b")}},
		{"line", "", "a\r\nb", []message{full("a"), bare("b")}},
		{"line", "", "\n\r\n\r\r\n", []message{full(""), full(""), full("\r")}},
		{"line", "", "a\rb\r", []message{bare("a\rb\r")}},
		{"line", "utf-8", "你好\n", []message{full("你好")}},
		{"line", "utf-16le", "a\x00\r\x00\n\x00\x0a\x0a\n\x00", []message{full("a\x00"), full("\x0a\x0a")}},
		{"line", "utf-16be", "\x00a\x00\n\x0a\x00\x00\r\x00\n\x0d", []message{full("\x00a"), full("\x0a\x00"), bare("\x0d")}},
		{"line", "utf-32le", "\n\x00\x00\x00\x00\n\x00\x00\r\x00\x00\x00\n\x00\x00\x00", []message{full(""), full("\x00\n\x00\x00")}},
		{"line", "gbk", "\xc4\xe3\xba\xc3\r\n\xc4", []message{full("\xc4\xe3\xba\xc3"), bare("\xc4")}},
		{"crlf", "", "a\nb\r\n\r\nc\r", []message{full("a\nb"), full(""), bare("c\r")}},
		{"crlf", "utf-16le", "a\x00\r\x00\n\x00\x00\r\x00\n\r\x00\n\x00", []message{full("a\x00"), full("\x00\r\x00\n")}},
		{"nul", "", "a\x00\x00b", []message{full("a"), full(""), bare("b")}},
		{"nul", "utf-16be", "\x01\x00\x00\x00", []message{full("\x01\x00")}},
		{"delim:|", "", "a|b||c", []message{full("a"), full("b"), full(""), bare("c")}},
		// ポ is 83 7C, its second byte a '|'; so is that of 億 in GBK, 83 7C.
		{"delim:|", "shift_jis", "\x83\x7c|a|", []message{full("\x83\x7c"), full("a")}},
		{"delim:|", "gbk", "\x83\x7c|a|", []message{full("\x83\x7c"), full("a")}},
		{"delim:|", "", "\x83\x7c|a|", []message{full("\x83"), full(""), full("a")}},
		{"delim:|", "utf-16le", "\x00\x7c|\x00\x7c\x7c|\x00", []message{full("\x00\x7c"), full("\x7c\x7c")}},
		{"delim:。", "gbk", encode(t, "gbk", "你好。再见。"), []message{full(encode(t, "gbk", "你好")), full(encode(t, "gbk", "再见"))}},
		{"delim:hex:7c", "shift_jis", "\x83\x7c|", []message{full("\x83"), full("")}},
		{"delim:hex:0D0A", "utf-16le", "a\r\nb", []message{full("a"), bare("b")}},
		{`delim:\r\n\r\n`, "", "a\r\n\r\r\n\r\nb", []message{full("a\r\n\r"), bare("b")}},
		{"fixed:3", "", "abcdefg", []message{full("abc"), full("def"), bare("g")}},
		{"datagram", "", "a\nb", []message{bare("a\nb")}},
		{"quiet:1s", "", "a\nb", []message{bare("a\nb")}},
		{"line+quiet:1s", "", "a\nb", []message{full("a"), bare("b")}},
	}
	for _, tt := range tests {
		for cut, parts := range map[string][]string{"at once": {tt.in}, "bytewise": bytewise(tt.in)} {
			r := &frame.Reader{Framer: parse(t, tt.spec, tt.encoding), Encoding: encoding(t, tt.encoding)}
			got, err := readAll(t, r, parts...)
			if diff := cmp.Diff(tt.want, got, allow); diff != "" || err != nil {
				t.Errorf("%s in %q of %q, %s: %v\n%s", tt.spec, tt.encoding, tt.in, cut, err, diff)
			}
		}
	}
}

func TestRawIsWhatArrives(t *testing.T) {
	var r frame.Reader
	for _, s := range []string{"a", "b\n", "\x00"} {
		read(t, &r, s)
		if got, err := drain(t, &r); err != nil || len(got) != 1 || got[0] != (message{data: s}) {
			t.Errorf("%q: %v, %v", s, got, err)
		}
	}
	small := frame.Reader{Max: 3, Oversize: frame.Fail}
	if n := len(small.Space()); n != 3 {
		t.Errorf("raw reads of at most 3 bytes have room for %d", n)
	}
}

func TestAppend(t *testing.T) {
	tests := []struct {
		spec, encoding, payload string
		want, reason            string
	}{
		{"raw", "", "a\n", "a\n", ""},
		{"datagram", "", "", "", ""},
		{"line", "", "a", "a\n", ""},
		{"line", "", "", "\n", ""},
		{"line", "", "a\r", "a\r\r\n", ""}, // a reader drops one
		{"line", "", "a\nb", "", "the message holds the delimiter, at byte 1"},
		{"line", "utf-16le", "\x0a\x0a", "\x0a\x0a\n\x00", ""},
		{"line", "utf-16be", "a", "", "the message ends inside a character of utf-16be"},
		{"crlf", "", "a\nb", "a\nb\r\n", ""},
		{"crlf", "", "a\r", "a\r\r\n", ""},
		{"crlf", "", "a\r\nb", "", "the message holds the delimiter, at byte 1"},
		{"nul", "", "a\x00", "", "the message holds the delimiter, at byte 1"},
		{"delim:|", "shift_jis", "\x83\x7c", "\x83\x7c|", ""},
		{"delim:|", "shift_jis", "\x83", "", "the message ends inside a character of shift_jis"},
		{"delim:||", "", "a|", "", "the message ends in a part of the delimiter"},
		{"delim:hex:ff00", "", "a", "a\xff\x00", ""},
		{"delim:你", "windows-1252", "a", "", `windows-1252 has no "你"`},
		{"fixed:3", "", "abc", "abc", ""},
		{"fixed:3", "", "ab", "", "the message is 2 bytes long, not 3"},
		{"quiet:1s", "", "a", "a", ""},
		{"line+quiet:1s", "", "a", "a\n", ""},
	}
	for _, tt := range tests {
		f := parse(t, tt.spec, tt.encoding)
		got, err := f.Append([]byte("<"), []byte(tt.payload))
		if string(got) != "<"+tt.want {
			t.Errorf("%s in %q: Append(%q) = %q, want %q", tt.spec, tt.encoding, tt.payload, got, "<"+tt.want)
		}
		var e *frame.Error
		if errors.As(err, &e); (tt.reason == "") != (err == nil) || e != nil && e.Reason != tt.reason {
			t.Errorf("%s in %q: Append(%q): %v, want %q", tt.spec, tt.encoding, tt.payload, err, tt.reason)
		}
	}
}

func TestDelimitersThatCannotBe(t *testing.T) {
	long := string(bytes.Repeat([]byte("x"), 257))
	for _, f := range []frame.Framer{
		frame.Delim{}, frame.Delim{Hex: "x"}, frame.Delim{Text: long}, frame.Fixed{}, frame.Fixed{N: -1},
		frame.Delim{Text: "你", Encoding: encoding(t, "windows-1252")},
	} {
		var e *frame.Error
		if _, _, err := f.Split([]byte("a"), false); !errors.As(err, &e) {
			t.Errorf("%v: Split: %v", f, err)
		}
		r := frame.Reader{Framer: f}
		read(t, &r, "a")
		if _, ok, err := r.Next(); ok || !errors.As(err, &e) {
			t.Errorf("%v: Next: %v, %v", f, ok, err)
		}
	}
}

func TestInIsComparable(t *testing.T) {
	gbk := encoding(t, "gbk")
	for _, spec := range []string{"raw", "line", "crlf", "nul", "delim:|", "delim:hex:0a", "fixed:3", "line+quiet:1s", "datagram"} {
		a, b := parse(t, spec, "gbk"), frame.In(frame.In(parse(t, spec, "utf-8"), nil), gbk)
		if a != b {
			t.Errorf("%s: %#v != %#v", spec, a, b)
		}
	}
	if f := frame.In(frame.Delim{Hex: "0a"}, gbk); f != (frame.Delim{Hex: "0a"}) {
		t.Errorf("a hexadecimal delimiter in GBK is %#v", f)
	}
}
