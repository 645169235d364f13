package frame_test

import (
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"sockeye.dev/frame"
)

// What follows a frame that is too long is read, however it arrives.
func TestSkip(t *testing.T) {
	long := strings.Repeat("x", 60)
	skipped := func(begin string) []message { return []message{{data: begin, bare: true, more: true}, {}} }
	for _, tt := range []struct {
		spec, in string
		want     []message
		fails    bool
	}{
		{"len8", "\x01a\x05abcde\x01b", append(append([]message{{data: "a"}}, skipped("\x05abc")...), message{data: "b"}), false},
		{"len8", "\x3c" + long + "\x04abcd", append(skipped("\x3cxxx"), message{data: "abcd"}), false},
		{"len8:at=1", "!\x03abc!\x01b", append(skipped("!\x03ab"), message{data: "!\x01b"}), false},
		{"len16:self", "\x00\x07abcde\x00\x03b", append(skipped("\x00\x07ab"), message{data: "b"}), false},
		{"len8", "\x45" + long, nil, true},
		{"len8", "\x3c" + long[:9], skipped("\x3cxxx")[:1], false},
		{"len8", "\x3cab", []message{{data: "\x3cab", bare: true}}, false},
		{"slip", "abcde\xc0b\xc0", append(skipped("abcd"), message{data: "b"}), false},
		{"slip", long + "\xc0b\xc0", append(skipped("xxxx"), message{data: "b"}), false},
		{"cobs", "\x06abcde\x00\x02b\x00", append(skipped("\x06abc"), message{data: "b"}), false},
	} {
		for cut, parts := range map[string][]string{"at once": {tt.in}, "bytewise": bytewise(tt.in)} {
			r := frame.Reader{Framer: parse(t, tt.spec, ""), Max: 4, Oversize: frame.Skip}
			got, err := readAll(t, &r, parts...)
			if e := new(frame.TooLongError); !slices.Equal(got, tt.want) || errors.As(err, &e) != tt.fails {
				t.Errorf("%s of %q, %s: %+v, %v; want %+v", tt.spec, tt.in, cut, got, err, tt.want)
			}
		}
	}
}

// A pause, and the end of a datagram, end what is passed over, too.
func TestSkipEnds(t *testing.T) {
	r := frame.Reader{Framer: parse(t, "len8+quiet:1s", ""), Max: 4, Oversize: frame.Skip}
	read(t, &r, "\x09abcde")
	if got, err := drain(t, &r); len(got) != 1 || !got[0].more || err != nil {
		t.Fatalf("%+v, %v", got, err)
	}
	if gap, ok := r.Quiet(); gap != time.Second || !ok {
		t.Errorf("Quiet() = %v, %v", gap, ok)
	}
	r.Flush()
	if got, err := drain(t, &r); len(got) != 1 || got[0] != (message{}) || err != nil {
		t.Errorf("after the pause: %+v, %v", got, err)
	}
	read(t, &r, "\x01a")
	if got, err := drain(t, &r); len(got) != 1 || got[0].data != "a" || err != nil {
		t.Errorf("then: %+v, %v", got, err)
	}
}
