package frame_test

import (
	"bytes"
	"testing"

	"sockeye.dev/frame"
)

// counting is a line framing that counts the bytes it looks at.
type counting struct{ looked *int }

func (f counting) Split(data []byte, atEOF bool) (int, []byte, error) {
	advance, message, _, err := f.SplitFrom(data, 0, atEOF)
	return advance, message, err
}

func (f counting) SplitFrom(data []byte, from int, atEOF bool) (int, []byte, int, error) {
	advance, message, resume, err := frame.Line{}.SplitFrom(data, from, atEOF)
	if advance > 0 {
		*f.looked += advance - from
	} else {
		*f.looked += len(data) - from
	}
	return advance, message, resume, err
}

func (f counting) Append(dst, payload []byte) ([]byte, error) {
	return frame.Line{}.Append(dst, payload)
}

func TestWorkIsLinear(t *testing.T) {
	long := append(bytes.Repeat([]byte("x"), 1<<20), '\n')
	short := bytes.Repeat([]byte("x\n"), 1<<19)
	tests := []struct {
		name    string
		in      []byte
		n, max  int // bytes at a time; Reader.Max
		allowed int // looks at each byte
	}{
		{"a long line bytewise", long, 1, 0, 2},
		{"a long line", long, 4 << 10, 0, 1},
		{"short lines at once", short, 64 << 10, 0, 1},
		{"pieces bytewise", long, 1, 100, 3},
		{"pieces at once", long, 64 << 10, 100, 2},
		{"tiny pieces at once", long, 64 << 10, 1, 2},
	}
	for _, tt := range tests {
		looked := 0
		r := frame.Reader{Framer: counting{&looked}, Max: tt.max}
		for in := tt.in; len(in) > 0; {
			s := r.Space()
			n := copy(s[:min(tt.n, len(s))], in)
			r.Filled(n)
			in = in[n:]
			for {
				_, ok, err := r.Next()
				if err != nil {
					t.Fatal(err)
				}
				if !ok {
					break
				}
			}
		}
		if most := tt.allowed*len(tt.in) + 64<<10; looked > most {
			t.Errorf("%s: %d bytes were looked at %d times, want at most %d", tt.name, len(tt.in), looked, most)
		}
	}
}
