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
