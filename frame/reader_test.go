package frame_test

import (
	"bytes"
	"errors"
	"io"
	"strings"
	"testing"
	"unsafe"

	"github.com/google/go-cmp/cmp"
	"sockeye.dev/charset"
	"sockeye.dev/frame"
)

func TestTooLongComesInPieces(t *testing.T) {
	piece := func(s string) message { return message{data: s, more: true} }
	full := func(s string) message { return message{data: s} }
	bare := func(s string) message { return message{data: s, bare: true} }
	tests := []struct {
		spec, encoding string
		max            int
		in             string
		want           []message
	}{
		{"line", "", 4, "1234\n1234\r\n12345\n", []message{full("1234"), full("1234"), piece("1234"), full("5")}},
		{"line", "", 4, "123456789\nab\n", []message{piece("1234"), piece("5678"), full("9"), full("ab")}},
		{"line", "", 4, "12345678", []message{piece("1234"), bare("5678")}},
		{"line", "", 4, "1234\r", []message{piece("1234"), bare("\r")}},
		{"line", "", 4, "123\r\r\n", []message{full("123\r")}},
		{"line", "", 4, "123\r4\n", []message{piece("123"), full("\r4")}},
		{"line", "utf-8", 4, "你好\n", []message{piece("你"), full("好")}},
		{"line", "utf-8", 4, "a你好😀\n", []message{piece("a你"), piece("好"), full("😀")}},
		{"line", "gbk", 3, "\xc4\xe3\xba\xc3a\n", []message{piece("\xc4\xe3"), full("\xba\xc3a")}},
		{"line", "gb18030", 5, "a\x81\x30\x81\x30\x81\x30\x81\x30\n", []message{piece("a\x81\x30\x81\x30"), full("\x81\x30\x81\x30")}},
		{"line", "utf-16le", 3, "a\x00b\x00\r\x00\n\x00", []message{piece("a\x00"), full("b\x00")}},
		{"delim:|", "shift_jis", 3, "a\x83\x7c\x83\x7c|", []message{piece("a\x83\x7c"), full("\x83\x7c")}},
		{"delim:|", "shift_jis", 2, "a\x83\x7c\x83\x7c|", []message{piece("a"), piece("\x83\x7c"), full("\x83\x7c")}},
		{"crlf", "", 4, "1234\r\n123\r4\r\n", []message{full("1234"), piece("123"), full("\r4")}},
		{"delim:hex:ff", "utf-8", 4, "你好\xff", []message{piece("你"), full("好")}},
		{"line", "utf-8", 1, "你\n", []message{piece("\xe4"), piece("\xbd"), full("\xa0")}}, // no other way
		{"fixed:6", "", 4, "123456", []message{full("123456")}},
		{"quiet:1s", "", 4, "123456", []message{piece("1234"), bare("56")}},
		{"datagram", "utf-8", 4, "你好", []message{piece("你"), bare("好")}},
	}
	for _, tt := range tests {
		for cut, parts := range map[string][]string{"at once": {tt.in}, "bytewise": bytewise(tt.in)} {
			r := &frame.Reader{Framer: parse(t, tt.spec, tt.encoding), Encoding: encoding(t, tt.encoding), Max: tt.max}
			got, err := readAll(t, r, parts...)
			if diff := cmp.Diff(tt.want, got, allow); diff != "" || err != nil {
				t.Errorf("%s in %q of %q, %s: %v\n%s", tt.spec, tt.encoding, tt.in, cut, err, diff)
			}
		}
	}
}

func TestTooLongFails(t *testing.T) {
	tests := []struct {
		f    frame.Framer
		in   string
		want []message
	}{
		{frame.Line{}, "1234\n12345", []message{{data: "1234"}}},
		{frame.Line{}, "1234\r\n12345\nab\n", []message{{data: "1234"}}},
		{frame.Quiet{Gap: 1, Inner: frame.CRLF{}}, "123456", nil},
		{lengthPrefix{}, "\x021\x06123456", []message{{data: "1"}}},
	}
	for _, tt := range tests {
		for cut, parts := range map[string][]string{"at once": {tt.in}, "bytewise": bytewise(tt.in)} {
			r := &frame.Reader{Framer: tt.f, Max: 4, Oversize: frame.Fail}
			got, err := readAll(t, r, parts...)
			var e *frame.TooLongError
			if diff := cmp.Diff(tt.want, got, allow); diff != "" || !errors.As(err, &e) || e.Max != 4 {
				t.Errorf("%v of %q, %s: %v\n%s", tt.f, tt.in, cut, err, diff)
			}
			if _, ok, again := r.Next(); ok || again == nil {
				t.Errorf("%v of %q, %s: then %v, %v", tt.f, tt.in, cut, ok, again)
			}
		}
	}
	r := frame.Reader{Framer: lengthPrefix{}, Max: 4} // it cannot be cut in pieces
	if _, err := readAll(t, &r, "\x06123456"); err == nil {
		t.Error("pieces of a framing that cannot be searched")
	}
}

// lengthPrefix is a framing that looks at the front of a message only.
type lengthPrefix struct{}

func (lengthPrefix) Split(data []byte, atEOF bool) (int, []byte, error) {
	switch {
	case len(data) == 0:
		return 0, nil, nil
	case data[0] == 0: // bytes in no message
		return 1, nil, nil
	case len(data) >= int(data[0]):
		return int(data[0]), data[1:data[0]], nil
	case atEOF:
		return 0, nil, io.ErrUnexpectedEOF
	}
	return 0, nil, nil
}

func (lengthPrefix) Append(dst, payload []byte) ([]byte, error) {
	return append(append(dst, byte(len(payload)+1)), payload...), nil
}

func TestForeignFramer(t *testing.T) {
	in := "\x02a\x00\x00\x01\x04xyz\x03."
	for _, parts := range [][]string{{in}, bytewise(in)} {
		got, err := readAll(t, &frame.Reader{Framer: lengthPrefix{}}, parts...)
		want := []message{{data: "a"}, {data: ""}, {data: "xyz"}}
		if diff := cmp.Diff(want, got, allow); diff != "" || err != io.ErrUnexpectedEOF {
			t.Errorf("%v\n%s", err, diff)
		}
	}
}

func TestDatagrams(t *testing.T) {
	r := frame.Reader{Framer: frame.Line{}}
	feed := func(s string, want ...message) {
		t.Helper()
		p := []byte(s)
		r.Feed(p)
		r.Flush()
		if got := string(r.Latest(len(p))); got != s {
			t.Errorf("%q: Latest = %q", s, got)
		}
		clear(p) // the Reader has its own
		got, err := drain(t, &r)
		if diff := cmp.Diff(want, got, allow); diff != "" || err != nil {
			t.Errorf("%q: %v\n%s", s, err, diff)
		}
		r.Release()
	}
	feed("a\nb", message{data: "a"}, message{data: "b", bare: true})
	feed("a\n", message{data: "a"})
	feed("", message{bare: true})
	feed("c", message{data: "c", bare: true})
	big := strings.Repeat("x", 65507)
	feed(big, message{data: big, bare: true})
}

func TestEnd(t *testing.T) {
	r := frame.Reader{Framer: frame.Line{}}
	read(t, &r, "a\nb")
	r.End()
	got, err := drain(t, &r)
	if diff := cmp.Diff([]message{{data: "a"}, {data: "b", bare: true}}, got, allow); diff != "" || err != io.EOF {
		t.Errorf("%v\n%s", err, diff)
	}
	if _, ok, err := r.Next(); ok || err != io.EOF {
		t.Errorf("after the end: %v, %v", ok, err)
	}
}

func TestFramingChangesUnderWay(t *testing.T) {
	r := frame.Reader{Framer: frame.Line{}}
	read(t, &r, "a|b\r")
	if got, err := drain(t, &r); got != nil || err != nil {
		t.Fatal(got, err)
	}
	if string(r.Rest()) != "a|b\r" || r.Buffered() != 4 {
		t.Errorf("the rest is %q", r.Rest())
	}
	r.Framer = frame.Delim{Text: "|"}
	got, _ := drain(t, &r)
	r.Framer = nil
	more, _ := drain(t, &r)
	if diff := cmp.Diff([]message{{data: "a"}, {data: "b\r"}}, append(got, more...), allow); diff != "" {
		t.Error(diff)
	}
}

func TestReleaseKeepsWhatIsPending(t *testing.T) {
	r := frame.Reader{Framer: frame.Line{}}
	long := strings.Repeat("x", 200<<10)
	read(t, &r, long+"\nrest")
	if m, ok, _ := r.Next(); !ok || len(m.Data) != len(long) {
		t.Fatal("no long line")
	}
	r.Release() // into a smaller buffer
	if got := len(r.Space()); got > 64<<10 {
		t.Errorf("4 bytes are pending and the room is %d bytes", got)
	}
	if string(r.Rest()) != "rest" {
		t.Errorf("the rest is %q", r.Rest())
	}
	read(t, &r, "\n")
	if got, err := drain(t, &r); err != nil || len(got) != 1 || got[0].data != "rest" {
		t.Errorf("%v, %v", got, err)
	}
	r.Release()
	if r.Rest() != nil {
		t.Error("a buffer is left")
	}
}

func TestSpaceFollowsTheReads(t *testing.T) {
	var r frame.Reader
	fill := func(n int) int {
		s := r.Space()
		r.Filled(min(n, len(s)))
		if _, err := drain(t, &r); err != nil {
			t.Fatal(err)
		}
		r.Release()
		return len(s)
	}
	var got []int
	for range 4 {
		got = append(got, fill(1<<20))
	}
	for range 3 {
		got = append(got, fill(1))
	}
	if diff := cmp.Diff([]int{4 << 10, 16 << 10, 64 << 10, 64 << 10, 64 << 10, 16 << 10, 4 << 10}, got); diff != "" {
		t.Error(diff)
	}
}

func TestMessageCannotOverwriteTheNext(t *testing.T) {
	r := frame.Reader{Framer: frame.Line{}}
	read(t, &r, "a\nb\n")
	m, _, _ := r.Next()
	_ = append(m.Data, "xxxx"...)
	if m, _, _ = r.Next(); string(m.Data) != "b" {
		t.Errorf("got %q", m.Data)
	}
}

func TestBoundedMemory(t *testing.T) {
	for _, f := range []frame.Framer{frame.Line{}, frame.Delim{Text: strings.Repeat("ab", 127) + "ac"}, frame.Quiet{Gap: 1}} {
		r := frame.Reader{Framer: f, Encoding: charset.UTF8}
		chunk := bytes.Repeat([]byte("ab"), 32<<10)
		total, most := 0, 0
		for total < 8<<20 {
			s := r.Space()
			most = max(most, r.Buffered()+len(s))
			n := copy(s, chunk)
			r.Filled(n)
			total += n
			got, err := drain(t, &r)
			if err != nil {
				t.Fatal(err)
			}
			for _, m := range got {
				if len(m.data) > 1<<20 || !m.more {
					t.Fatalf("%v: a message of %d bytes, more: %v", f, len(m.data), m.more)
				}
			}
		}
		if limit := 1<<20 + 8<<10; most > limit {
			t.Errorf("%v: %d bytes were held, want at most %d", f, most, limit)
		}
	}
}

func TestReaderIsSmall(t *testing.T) {
	if n := unsafe.Sizeof(frame.Reader{}); n > 120 {
		t.Errorf("a Reader is %d bytes", n)
	}
}
