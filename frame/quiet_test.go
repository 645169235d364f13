package frame_test

import (
	"testing"
	"time"

	"sockeye.dev/charset"
	"sockeye.dev/frame"
)

func TestQuietWaitsForTheWholeCharacter(t *testing.T) {
	const gap = 50 * time.Millisecond
	tests := []struct {
		encoding, text string
		chars          []int // lengths of its characters in bytes
	}{
		{"utf-8", "a你é😀", []int{1, 3, 2, 4}},
		{"gbk", "a你好", []int{1, 2, 2}},
		{"shift_jis", "aポアﾎ", []int{1, 2, 2, 1}},
		{"gb18030", "a你\u20ac😀é", []int{1, 2, 2, 4, 2}},
		{"gb18030", "\u0080ￜ", []int{4, 4}},
		{"big5", "a功b", []int{1, 2, 1}},
		{"euc-kr", "한글", []int{2, 2}},
		{"utf-16le", "a😀", []int{2, 4}},
		{"utf-16be", "你a", []int{2, 2}},
		{"utf-32le", "你", []int{4}},
		{"windows-1252", "né", []int{1, 1}},
	}
	for _, tt := range tests {
		data := encode(t, tt.encoding, tt.text)
		boundary := map[int]bool{}
		at := 0
		for _, n := range tt.chars {
			at += n
			boundary[at] = true
		}
		if at != len(data) {
			t.Errorf("%q in %s is %d bytes, not %d", tt.text, tt.encoding, len(data), at)
			continue
		}
		for n := 1; n <= len(data); n++ {
			r := frame.Reader{Framer: parse(t, "line+quiet:50ms", tt.encoding), Encoding: encoding(t, tt.encoding)}
			read(t, &r, data[:n])
			if got, err := drain(t, &r); got != nil || err != nil {
				t.Fatalf("%s, %d bytes: %v, %v", tt.encoding, n, got, err)
			}
			if d, ok := r.Quiet(); ok != boundary[n] || ok && d != gap {
				t.Errorf("%s: after %q: Quiet() = %v, %v, want %v", tt.encoding, data[:n], d, ok, boundary[n])
			}
		}
	}
}

func TestQuiet(t *testing.T) {
	gbk := encoding(t, "gbk")
	auto := charset.Auto(gbk)
	const s = time.Second
	tests := []struct {
		name string
		f    frame.Framer
		e    *charset.Encoding
		in   string
		gap  time.Duration // 0: not ok
	}{
		{"nothing is pending", frame.Quiet{Gap: s}, nil, "", 0},
		{"the line is whole", frame.Quiet{Gap: s, Inner: frame.Line{}}, nil, "a\n", 0},
		{"no silence counts", frame.Line{}, nil, "a", 0},
		{"no gap", frame.Quiet{}, nil, "a", 0},
		{"bytes", frame.Quiet{Gap: s}, nil, "\xe4\xbd", s},
		{"text", frame.Quiet{Gap: s}, auto, "abc", s},
		{"half of a character in UTF-8, whole in GBK", frame.Quiet{Gap: s}, auto, "\xe4\xbd", 20 * s},
		{"half of a character in both", frame.Quiet{Gap: s}, auto, "\xc4", 0},
		{"binary", frame.Quiet{Gap: s}, charset.UTF8, "\x00\x01\xe4", s},
	}
	for _, tt := range tests {
		r := frame.Reader{Framer: tt.f, Encoding: tt.e}
		read(t, &r, tt.in)
		if _, err := drain(t, &r); err != nil {
			t.Fatal(err)
		}
		if gap, ok := r.Quiet(); gap != tt.gap || ok != (tt.gap > 0) {
			t.Errorf("%s: %v, %v; want %v", tt.name, gap, ok, tt.gap)
		}
	}
}

func TestFlushEndsOneMessageOnly(t *testing.T) {
	r := frame.Reader{Framer: frame.Quiet{Gap: time.Second, Inner: frame.Line{}}}
	r.Flush() // nothing is pending: nothing happens
	read(t, &r, "a")
	if got, _ := drain(t, &r); got != nil {
		t.Errorf("flushed before it came: %v", got)
	}
	r.Flush()
	got, _ := drain(t, &r)
	read(t, &r, "b")
	more, _ := drain(t, &r)
	if len(got) != 1 || got[0] != (message{data: "a", bare: true}) || more != nil {
		t.Errorf("got %v, then %v", got, more)
	}
}
