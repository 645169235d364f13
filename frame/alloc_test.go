package frame_test

import (
	"testing"

	"sockeye.dev/frame"
)

func TestNoAllocations(t *testing.T) {
	for _, spec := range []string{"raw", "line", "crlf", "nul", "delim:|", "delim:hex:0a", "fixed:4", "datagram", "line+quiet:50ms"} {
		for _, label := range []string{"", "utf-8", "gbk", "utf-16le"} {
			f := parse(t, spec, label)
			e := encoding(t, label)
			r := frame.Reader{Framer: f, Encoding: e}
			in := []byte(encode(t, label, "ab|\x00\r\ncd"))
			payload := []byte(encode(t, label, "ab"))
			if spec == "fixed:4" {
				payload = []byte("abcd")
			}
			var framed []byte
			n := testing.AllocsPerRun(100, func() {
				r.Filled(copy(r.Space(), in))
				for {
					if _, ok, err := r.Next(); !ok || err != nil {
						break
					}
				}
				r.Quiet()
				r.Flush()
				for {
					if _, ok, err := r.Next(); !ok || err != nil {
						break
					}
				}
				r.Release()
				framed, _ = f.Append(framed[:0], payload)
			})
			if n > 0 {
				t.Errorf("%s in %q: %v allocations", spec, label, n)
			}
		}
	}
}

func TestNoAllocationsForFrames(t *testing.T) {
	for _, tt := range []struct{ spec, payload, broken string }{
		{"len8", "abc", ""},
		{"len16le:plus=1", "abc", ""},
		{"len16:at=4", "\x00\x01\x00\x00\x00\x02ab", ""},
		{"slip", "a\xc0\xdbb", "\xdba\xc0"},
		{"cobs", "a\x00b\x00", "\x05a\x00"},
		{"cobs+quiet:50ms", "a\x00b\x00", "\x05a\x00"},
	} {
		f := parse(t, tt.spec, "gbk")
		r := frame.Reader{Framer: f, Encoding: encoding(t, "gbk")}
		payload, broken := []byte(tt.payload), []byte(tt.broken)
		var in []byte
		n := testing.AllocsPerRun(100, func() {
			var err error
			if in, err = f.Append(in[:0], payload); err != nil {
				t.Fatal(err)
			}
			in = append(append(in, broken...), in[:len(in)-1]...) // whole, broken, torn
			r.Filled(copy(r.Space(), in))
			messages := 0
			for range 2 {
				for {
					_, ok, err := r.Next()
					if err != nil {
						t.Fatal(err)
					}
					if !ok {
						break
					}
					messages++
				}
				r.Quiet()
				r.Flush()
			}
			r.Release()
			if want := 2 + min(len(tt.broken), 1); messages != want {
				t.Fatalf("%s: %d messages, want %d", tt.spec, messages, want)
			}
		})
		if n > 0 {
			t.Errorf("%s: %v allocations", tt.spec, n)
		}
	}
}
