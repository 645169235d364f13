package frame_test

import (
	"bytes"
	"errors"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"sockeye.dev/frame"
)

// The frames are from the protocols' own specifications.
func TestLengthSpeaksProtocols(t *testing.T) {
	tests := []struct {
		name, spec string
		wire       string
		message    string // if it is not wire
	}{
		{"DNS over TCP, a query for the root's name servers", "len16",
			"\x00\x11\x12\x34\x01\x00\x00\x01\x00\x00\x00\x00\x00\x00\x00\x00\x02\x00\x01",
			"\x12\x34\x01\x00\x00\x01\x00\x00\x00\x00\x00\x00\x00\x00\x02\x00\x01"},
		{"native messaging, on most machines", "len32le", "\x02\x00\x00\x00{}", "{}"},
		{"MODBUS TCP, read a holding register of unit 1", "len16:at=4", "\x00\x01\x00\x00\x00\x06\x01\x03\x00\x00\x00\x01", ""},
		{"TPKT, with an X.224 connection request", "len16:at=2,self", "\x03\x00\x00\x0b\x06\xe0\x00\x00\x00\x01\x00", ""},
		{"PostgreSQL, a query", "len32:at=1,plus=-4", "Q\x00\x00\x00\x0dselect 1\x00", ""},
		{"PostgreSQL, terminate", "len32:at=1,plus=-4", "X\x00\x00\x00\x04", ""},
		{"PostgreSQL, ask for TLS", "len32:self", "\x00\x00\x00\x08\x04\xd2\x16\x2f", "\x04\xd2\x16\x2f"},
		{"TLS, an alert record", "len16:at=3", "\x15\x03\x03\x00\x02\x01\x00", ""},
		{"gRPC, an empty message", "len32:at=1", "\x00\x00\x00\x00\x00", ""},
		{"RADIUS, a code, a number, the length of all", "len16:at=2,self", "\x0c\x07\x00\x14" + strings.Repeat("a", 16), ""},
		{"a start byte, an address, the length of the data, a CRC-16", "len8:at=2,plus=2", "\x7e\x01\x03abc\x12\x34", ""},
		{"data and a checksum, in little endian", "len16le:plus=1", "\x03\x00abc\x26", "abc\x26"},
	}
	for _, tt := range tests {
		want := tt.message
		if want == "" {
			want = tt.wire
		}
		f := parse(t, tt.spec, "utf-16le") // which makes no difference
		for cut, parts := range map[string][]string{"at once": {tt.wire + tt.wire}, "bytewise": bytewise(tt.wire + tt.wire)} {
			r := frame.Reader{Framer: f, Encoding: encoding(t, "utf-16le")}
			got, err := readAll(t, &r, parts...)
			if diff := cmp.Diff([]message{{data: want}, {data: want}}, got, allow); diff != "" || err != nil {
				t.Errorf("%s: %s, %s: %v\n%s", tt.name, tt.spec, cut, err, diff)
			}
		}
		if b, err := f.Append(nil, []byte(want)); string(b) != tt.wire || err != nil {
			t.Errorf("%s: %s: an echo is %q, %v", tt.name, tt.spec, b, err)
		}
		l := f.(frame.Length)
		if l.At == 0 {
			continue
		}
		blank := []byte(want)
		clear(blank[l.At:][:l.Size])
		if b, err := f.Append(nil, blank); string(b) != tt.wire || err != nil {
			t.Errorf("%s: %s: filled in, %q is %q, %v", tt.name, tt.spec, blank, b, err)
		}
	}
}

func TestLengthThatCannotBe(t *testing.T) {
	tests := []struct{ spec, in, reason string }{
		{"len16:self", "\x00\x03a\x00\x01", "the length 00 01 makes a frame of 1 bytes, less than its header of 2"},
		{"len16:at=2,self", "\x03\x00\x00\x05a\x03\x00\x00\x03", "the length 00 03 makes a frame of 3 bytes, less than its header of 4"},
		{"len32:at=1,plus=-4", "Z\x00\x00\x00\x05IQ\x00\x00\x00\x00", "the length 00 00 00 00 makes a frame of 1 bytes, less than its header of 5"},
	}
	for _, tt := range tests {
		for cut, parts := range map[string][]string{"at once": {tt.in}, "bytewise": bytewise(tt.in)} {
			r := frame.Reader{Framer: parse(t, tt.spec, "")}
			got, err := readAll(t, &r, parts...)
			var e *frame.Error
			if len(got) != 1 || !errors.As(err, &e) || e.Reason != tt.reason {
				t.Errorf("%s of %q, %s: %+v, %v", tt.spec, tt.in, cut, got, err)
			}
			if _, ok, again := r.Next(); ok || again == nil || again.Error() != err.Error() {
				t.Errorf("%s of %q, %s: then %v", tt.spec, tt.in, cut, again)
			}
		}
	}
}

func TestTooLongFrames(t *testing.T) {
	tests := []struct {
		spec, in string
		want     []message
		size     int // of the *TooLongError; -1: there is none
	}{
		{"len16", "\x00\x04abcd\x00\x05", []message{{data: "abcd"}}, 5},
		{"len16", "\x00\x04abcd\x00\x05abcde", []message{{data: "abcd"}}, 5},
		{"len16", "\x00\x04abc", []message{{data: "\x00\x04abc", bare: true}}, -1},
		{"len16:self", "\x00\x06abcd\x00\x07", []message{{data: "abcd"}}, 5},
		{"len8:at=1", "!\x02ab!\x03", []message{{data: "!\x02ab"}}, 5},
		{"len8:plus=2", "\x02abcc\x03", []message{{data: "abcc"}}, 5},
		{"slip", "abcd\xc0abc\xdb\xdc\xc0", []message{{data: "abcd"}}, 0},
		{"slip", "abcde", nil, 0},
		{"slip", "abcd", []message{{data: "abcd", bare: true}}, -1},
		{"slip", "a\xdb\xddb\xc0a\xdb\xdd\xdb\xdd", []message{{data: "a\xdbb"}}, 0},
		{"cobs", "\x04abc\x00\x05abcd\x00", []message{{data: "abc"}}, 0},
		{"cobs", "\x09abc\x00\x09abcd", []message{{data: "\x09abc\x00", bare: true}}, 0},
	}
	for _, tt := range tests {
		for cut, parts := range map[string][]string{"at once": {tt.in}, "bytewise": bytewise(tt.in)} {
			r := frame.Reader{Framer: parse(t, tt.spec, ""), Max: 4}
			got, err := readAll(t, &r, parts...)
			var e *frame.TooLongError
			if diff := cmp.Diff(tt.want, got, allow); diff != "" || errors.As(err, &e) != (tt.size >= 0) || e != nil && (e.Max != 4 || e.Size != tt.size) {
				t.Errorf("%s of %q, %s: %v\n%s", tt.spec, tt.in, cut, err, diff)
			}
			rest := string(r.Rest())
			if _, ok, again := r.Next(); tt.size >= 0 && (ok || again == nil || again.Error() != err.Error()) {
				t.Errorf("%s of %q, %s: then %v, %v", tt.spec, tt.in, cut, ok, again)
			}
			if string(r.Rest()) != rest || !strings.Contains(tt.in, rest) {
				t.Errorf("%s of %q, %s: the rest is %q, then %q", tt.spec, tt.in, cut, rest, r.Rest())
			}
		}
	}
	r := frame.Reader{Framer: frame.Length{Size: 4}}
	_, err := readAll(t, &r, "GET / HTTP/1.1\r\n")
	if want := "framing len32: a message of 1195725856 bytes is longer than 1048576"; err == nil || err.Error() != want {
		t.Errorf("%v, want %s", err, want)
	}
}

func TestCOBSVectors(t *testing.T) {
	ones := func(n int) string { return strings.Repeat("\x01", n) }
	count := func(from, to int) string {
		var b []byte
		for c := from; c <= to; c++ {
			b = append(b, byte(c))
		}
		return string(b)
	}
	tests := []struct {
		name, message, wire string
		also                string // what is read as that message, too
	}{
		{"figure 2 of the paper", ones(679), "\xff" + ones(254) + "\xff" + ones(254) + "\xac" + ones(171) + "\x00", ""},
		{"figure 3 of the paper", "\x45\x00\x00\x2c\x4c\x79\x00\x00\x40\x06\x4f\x37",
			"\x02\x45\x01\x04\x2c\x4c\x79\x01\x05\x40\x06\x4f\x37\x00", ""},
		{"a zero", "\x00", "\x01\x01\x00", ""},
		{"zeros", "\x00\x00", "\x01\x01\x01\x00", ""},
		{"zeros around", "\x00\x11\x00", "\x01\x02\x11\x01\x00", ""},
		{"a zero inside", "\x11\x22\x00\x33", "\x03\x11\x22\x02\x33\x00", ""},
		{"zeros at the end", "\x11\x00\x00\x00", "\x02\x11\x01\x01\x01\x00", ""},
		{"253", count(1, 253), "\xfe" + count(1, 253) + "\x00", ""},
		{"254: a full block", count(1, 254), "\xff" + count(1, 254) + "\x00", "\xff" + count(1, 254) + "\x01\x00"},
		{"a zero, 254", count(0, 254), "\x01\xff" + count(1, 254) + "\x00", "\x01\xff" + count(1, 254) + "\x01\x00"},
		{"255", count(1, 255), "\xff" + count(1, 254) + "\x02\xff\x00", ""},
		{"254, a zero", count(2, 255) + "\x00", "\xff" + count(2, 255) + "\x01\x01\x00", ""},
		{"253, a zero, one more", count(3, 255) + "\x00\x01", "\xfe" + count(3, 255) + "\x02\x01\x00", ""},
	}
	for _, tt := range tests {
		b, err := frame.COBS{}.Append(nil, []byte(tt.message))
		if string(b) != tt.wire || err != nil {
			t.Errorf("%s: % x, %v, want % x", tt.name, b, err, tt.wire)
		}
		for _, wire := range []string{tt.wire, tt.also} {
			n, m, err := frame.COBS{}.Split([]byte(wire), false)
			if n != len(wire) || wire != "" && string(m) != tt.message || err != nil {
				t.Errorf("%s: % x is %d, % x, %v", tt.name, wire, n, m, err)
			}
		}
	}
}

// A pause ends what is pending however it looks as text, and what follows is
// read anew.
func TestPauseEndsABrokenFrame(t *testing.T) {
	tests := []struct{ spec, torn, whole, message string }{
		{"len16+quiet:1s", "\x00\x05\xe4", "\x00\x01a", "a"},
		{"len16:at=4+quiet:1s", "\x00\x01\x00", "\x00\x01\x00\x00\x00\x01a", "\x00\x01\x00\x00\x00\x01a"},
		{"slip+quiet:1s", "ab\xe4", "\xc0a\xc0", "a"},
		{"cobs+quiet:1s", "\x05\xe4", "\x02a\x00", "a"},
	}
	for _, tt := range tests {
		r := frame.Reader{Framer: parse(t, tt.spec, "utf-8"), Encoding: encoding(t, "utf-8")}
		read(t, &r, tt.torn)
		if got, err := drain(t, &r); got != nil || err != nil {
			t.Fatalf("%s: %v, %v", tt.spec, got, err)
		}
		if gap, ok := r.Quiet(); gap != time.Second || !ok {
			t.Errorf("%s: Quiet() = %v, %v", tt.spec, gap, ok)
		}
		r.Flush()
		got, err := drain(t, &r)
		read(t, &r, tt.whole)
		more, err2 := drain(t, &r)
		want := []message{{data: tt.torn, bare: true}, {data: tt.message}}
		if diff := cmp.Diff(want, append(got, more...), allow); diff != "" || err != nil || err2 != nil {
			t.Errorf("%s: %v, %v\n%s", tt.spec, err, err2, diff)
		}
		if _, ok := r.Quiet(); ok {
			t.Errorf("%s: a pause after the message", tt.spec)
		}
	}
}

func TestFramesInDatagrams(t *testing.T) {
	r := frame.Reader{Framer: frame.SLIP{}}
	for _, tt := range []struct {
		in   string
		want []message
	}{
		{"\xc0a\xc0b\xc0", []message{{data: "a"}, {data: "b"}}},
		{"\xc0a\xc0b", []message{{data: "a"}, {data: "b", bare: true}}},
		{"\xc0", nil},
		{"", []message{{bare: true}}},
	} {
		r.Feed([]byte(tt.in))
		r.Flush()
		got, err := drain(t, &r)
		if diff := cmp.Diff(tt.want, got, allow); diff != "" || err != nil {
			t.Errorf("%q: %v\n%s", tt.in, err, diff)
		}
		r.Release()
	}
}

// What pends must not be half decoded when it is looked at again: by another
// framing, or by whoever takes the connection over.
func TestDecodingLeavesTheRestAlone(t *testing.T) {
	r := frame.Reader{Framer: frame.SLIP{}}
	read(t, &r, "\xdb\xdca\xc0\xdb\xdcb")
	got, err := drain(t, &r)
	if len(got) != 1 || got[0].data != "\xc0a" || err != nil {
		t.Errorf("%+v, %v", got, err)
	}
	if string(r.Rest()) != "\xdb\xdcb" {
		t.Errorf("the rest is %q", r.Rest())
	}
	r.Framer = nil
	got, err = drain(t, &r)
	if len(got) != 1 || got[0].data != "\xdb\xdcb" || err != nil {
		t.Errorf("raw: %+v, %v", got, err)
	}
}

// Frames of all sizes around those of blocks and buffers come back.
func TestFramesOfAllSizes(t *testing.T) {
	rnd := rand.New(rand.NewPCG(1, 2))
	for _, f := range []frame.Framer{frame.SLIP{}, frame.COBS{}, frame.Length{Size: 4}} {
		var wire []byte
		var want []string
		for _, near := range []int{2, 254, 508, 4 << 10, 64 << 10, 1 << 18} {
			for n := near - 1; n <= near+2; n++ {
				p := make([]byte, n)
				for i := range p {
					p[i] = "\x00\x01\xc0\xdb\xdc\xdd\xfe\xff"[rnd.IntN(8)]
					if n%2 == 0 && p[i] == 0 {
						p[i] = 'a'
					}
				}
				want = append(want, string(p))
				var err error
				if wire, err = f.Append(wire, p); err != nil {
					t.Fatal(err)
				}
			}
		}
		r := frame.Reader{Framer: f}
		got, err := readAll(t, &r, string(wire))
		if err != nil || len(got) != len(want) {
			t.Errorf("%v: %d messages, %v", f, len(got), err)
			continue
		}
		for i, m := range got {
			if m != (message{data: want[i]}) {
				t.Errorf("%v: message %d of %d bytes came as %d bytes, bare: %v", f, i, len(want[i]), len(m.data), m.bare)
			}
		}
	}
}

func TestBoundedMemoryForFrames(t *testing.T) {
	for _, spec := range []string{"slip", "cobs", "len32", "len32:at=4096"} {
		r := frame.Reader{Framer: parse(t, spec, "")}
		chunk := bytes.Repeat([]byte{'a'}, 32<<10) // a length of 1.6 GB
		var err error
		total := 0
		for err == nil {
			n := copy(r.Space(), chunk)
			r.Filled(n)
			total += n
			_, _, err = r.Next()
		}
		most := 2 << 20
		if strings.HasPrefix(spec, "len") {
			most = 64 << 10 // what one read brings
		}
		if e := new(frame.TooLongError); !errors.As(err, &e) || total > most {
			t.Errorf("%s: after %d bytes %v", spec, total, err)
		}
	}
}
