package frame_test

import (
	"bytes"
	"errors"
	"math"
	"strings"
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
		{"len8", "", "\x02ab\x00\x03cd", []message{full("ab"), full(""), bare("\x03cd")}},
		{"len16", "utf-16le", "\x00\x02ab\x00", []message{full("ab"), bare("\x00")}},
		{"len16le", "", "\x02\x00ab\x02\x00", []message{full("ab"), bare("\x02\x00")}},
		{"len32", "", "\x00\x00\x00\x02ab", []message{full("ab")}},
		{"len32le", "", "\x02\x00\x00\x00ab", []message{full("ab")}},
		{"len16:self", "", "\x00\x04ab\x00\x02", []message{full("ab"), full("")}},
		{"len8:plus=2", "", "\x01acc\x00cc", []message{full("acc"), full("cc")}},
		{"len8:at=1,plus=2", "", "!\x01acc!\x00c", []message{full("!\x01acc"), bare("!\x00c")}},
		{"slip", "", "ab\xc0\xc0cd\xc0\xc0\xc0e", []message{full("ab"), full("cd"), bare("e")}},
		{"slip", "", "\xc0\xdb\xdcab\xdb\xdd\xdb\xdd\xdb\xdc\xc0", []message{full("\xc0ab\xdb\xdb\xc0")}},
		{"slip", "", "\xdb\xdc\xc0\xdb\xdc", []message{full("\xc0"), bare("\xdb\xdc")}},
		// Broken: DB before something else, at the end, and after what is right.
		{"slip", "", "a\xdbb\xc0c\xdb\xc0\xdb\xdc\xdba\xc0d\xc0", []message{bare("a\xdbb\xc0"), bare("c\xdb\xc0"), bare("\xdb\xdc\xdba\xc0"), full("d")}},
		{"cobs", "", "\x03ab\x00\x00\x01\x00\x01\x01\x00\x02a", []message{full("ab"), full(""), full("\x00"), bare("\x02a")}},
		// Broken: a block is longer than what there is of it.
		{"cobs", "", "\x03a\x00\x02a\x05b\x00\x02c\x00", []message{bare("\x03a\x00"), bare("\x02a\x05b\x00"), full("c")}},
		{"cobs+quiet:1s", "", "\x02a\x00\x02", []message{full("a"), bare("\x02")}},
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
	long := strings.Repeat("x", 256)
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
		{"len8", "utf-16le", "a", "\x01a", ""},
		{"len8", "", "", "\x00", ""},
		{"len8", "", long[:255], "\xff" + long[:255], ""},
		{"len8", "", long, "", "the message is 256 bytes long, more than 255"},
		{"len8:self", "", long[:254], "\xff" + long[:254], ""},
		{"len8:self", "", long[:255], "", "the message is 255 bytes long, more than 254"},
		{"len8:plus=2", "", "acc", "\x01acc", ""},
		{"len8:plus=2", "", "a", "", "the message is 1 bytes long, less than 2"},
		{"len16", "", long, "\x01\x00" + long, ""},
		{"len16le", "", long, "\x00\x01" + long, ""},
		{"len16:self", "", "ab", "\x00\x04ab", ""},
		{"len32", "", "ab", "\x00\x00\x00\x02ab", ""},
		{"len32le", "", "ab", "\x02\x00\x00\x00ab", ""},
		{"len16:at=1", "", "!\x00\x02ab", "!\x00\x02ab", ""},
		{"len16:at=1", "", "!\x00\x00ab", "!\x00\x02ab", ""},
		{"len16le:at=1,self", "", "!\x00\x00ab", "!\x05\x00ab", ""},
		{"len16:at=1", "", "!\x00\x03ab", "", "the message says that its length is 3, not 2 (write zeros, and it will be filled in)"},
		{"len16:at=1", "", "!\x00", "", "the message is 2 bytes long, less than 3"},
		{"len16:at=1,plus=1", "", "!\x00\x00", "", "the message is 3 bytes long, less than 4"},
		{"len8:at=1", "", "!\x00" + long, "", "the message is 258 bytes long, more than 257"},
		{"slip", "", "ab", "\xc0ab\xc0", ""},
		{"slip", "", "\xc0a\xdb\xdc\xdd", "\xc0\xdb\xdca\xdb\xdd\xdc\xdd\xc0", ""},
		{"slip", "", "", "", "an empty message cannot be"},
		{"cobs", "", "", "\x01\x00", ""},
		{"cobs", "utf-16le", "a", "\x02a\x00", ""},
		{"quiet:1s", "", "a", "a", ""},
		{"line+quiet:1s", "", "a", "a\n", ""},
		{"cobs+quiet:1s", "", "a", "\x02a\x00", ""},
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

func TestFramersThatCannotBe(t *testing.T) {
	long := string(bytes.Repeat([]byte("x"), 257))
	for _, f := range []frame.Framer{
		frame.Delim{}, frame.Delim{Hex: "x"}, frame.Delim{Text: long}, frame.Fixed{}, frame.Fixed{N: -1},
		frame.Delim{Text: "你", Encoding: encoding(t, "windows-1252")},
		frame.Length{}, frame.Length{Size: 3}, frame.Length{Size: 1, At: -1}, frame.Length{Size: 2, At: math.MaxInt},
		frame.Length{Size: 2, Plus: math.MaxInt}, frame.Length{Size: 2, Plus: math.MinInt}, frame.Length{Size: 1, At: 300, Plus: -301},
	} {
		var e *frame.Error
		if _, _, err := f.Split([]byte("a"), false); !errors.As(err, &e) {
			t.Errorf("%v: Split: %v", f, err)
		}
		if b, err := f.Append([]byte("<"), []byte("a")); !errors.As(err, &e) || string(b) != "<" {
			t.Errorf("%v: Append: %q, %v", f, b, err)
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
	for _, spec := range []string{"raw", "line", "crlf", "nul", "delim:|", "delim:hex:0a", "fixed:3", "len16:at=2", "slip", "cobs+quiet:1s", "line+quiet:1s", "datagram"} {
		a, b := parse(t, spec, "gbk"), frame.In(frame.In(parse(t, spec, "utf-8"), nil), gbk)
		if a != b {
			t.Errorf("%s: %#v != %#v", spec, a, b)
		}
	}
	if f := frame.In(frame.Delim{Hex: "0a"}, gbk); f != (frame.Delim{Hex: "0a"}) {
		t.Errorf("a hexadecimal delimiter in GBK is %#v", f)
	}
}
