package frame

import (
	"bytes"
	"testing"
)

// countingSLIP is SLIP and counts the bytes it looks at.
type countingSLIP struct {
	SLIP
	looked *int
}

func (f countingSLIP) find(data []byte, from int) (int, []byte, int, error) {
	advance, wire, resume, err := f.SLIP.find(data, from)
	if advance > 0 {
		*f.looked += advance - from
	} else {
		*f.looked += len(data) - from
	}
	return advance, wire, resume, err
}

var _ decoder = countingSLIP{}

func TestWorkOnFramesIsLinear(t *testing.T) {
	escaped := append(bytes.Repeat([]byte{slipEsc, slipEscEnd}, 1<<19-1), slipEnd)
	tests := []struct {
		name string
		in   []byte
		n    int // bytes at a time
	}{
		{"a long message bytewise", escaped, 1},
		{"a long message", escaped, 1 << 10},
		{"short messages at once", bytes.Repeat([]byte{slipEsc, slipEscEsc, slipEnd}, 1<<18), 64 << 10},
		{"nothing at once", bytes.Repeat([]byte{slipEnd}, 1<<20), 64 << 10},
	}
	for _, tt := range tests {
		looked := 0
		r := Reader{Framer: countingSLIP{looked: &looked}}
		for in := tt.in; len(in) > 0; {
			s := r.Space()
			n := copy(s[:min(tt.n, len(s))], in)
			r.Filled(n)
			in = in[n:]
			for {
				m, ok, err := r.Next()
				if err != nil || m.Bare {
					t.Fatal(m.Bare, err)
				}
				if !ok {
					break
				}
			}
		}
		if most := len(tt.in) + 64<<10; looked > most {
			t.Errorf("%s: %d bytes were looked at %d times", tt.name, len(tt.in), looked)
		}
	}
}
