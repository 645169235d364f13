package term

import (
	"bytes"
	"slices"
	"strings"
	"testing"
)

func TestWrap(t *testing.T) {
	const green, reset = "\x1b[32m", "\x1b[0m"
	for _, c := range []struct {
		text string
		want []string
	}{
		{"", []string{""}},
		{"0123456789", []string{"0123456789"}},
		{"0123456789a", []string{"0123456789", "a"}},
		{"0123456789\r", []string{"0123456789\r"}},
		{"一二三四五六", []string{"一二三四五", "六"}},
		{"0一二三四五", []string{"0一二三四", "五"}},
		{"012345678e\u0301x", []string{"012345678e\u0301", "x"}},
		{"\tx", []string{"        x"}},
		{"a\tbc\td", []string{"a       bc", "d"}},
		{"一\tx\ty", []string{"一      x ", "y"}},
		{green + "[1]" + reset + " 012345", []string{green + "[1]" + reset + " 012345"}},
		{green + "[1]" + reset + " 0123456", []string{green + "[1]" + reset + " 012345", "6"}},
		{green + "0123456789ab" + reset, []string{green + "0123456789\x1b[m", green + "ab" + reset}},
	} {
		if got := wrap(c.text, 10); !slices.Equal(got, c.want) {
			t.Errorf("wrap(%q) = %q, want %q", c.text, got, c.want)
		}
	}
}

// A line that never ends costs what it is long, whatever it consists of.
func TestPromptEndlessLine(t *testing.T) {
	for name, unit := range map[string]string{
		"ascii": "x", "wide": "中", "no width": "\u0301", "joined": "👩\u200d", "tabs": "\t", "colour": "\x1b[32m", "nothing": "\u200b",
	} {
		for _, size := range []int{1, 1000, 1 << 20} {
			var out bytes.Buffer
			p := &Prompt{out: &out, options: Options{Label: "> "}}
			piece := []byte(strings.Repeat(unit, max(1, size/len(unit))))
			for range max(1, min(1<<20/len(piece), 500)) {
				out.Reset()
				if _, err := p.Write(piece); err != nil {
					t.Fatal(err)
				}
				if len(p.midline) >= 1<<10 {
					t.Fatalf("%s: %d bytes are kept", name, len(p.midline))
				}
				if out.Len() > 10*len(piece)+2<<10 {
					t.Fatalf("%s: %d bytes drawn for %d", name, out.Len(), len(piece))
				}
			}
		}
	}
}

// Nothing of a line that comes in pieces is lost or written twice.
func TestPromptPieces(t *testing.T) {
	var out bytes.Buffer
	p := &Prompt{out: &out, options: Options{Label: "> "}, width: 10}
	var rows string
	for c := range strings.SplitSeq("0123456789一二三四五六七\r\n", "") {
		out.Reset()
		_, _ = p.Write([]byte(c))
		// The rows that stay: all but what is drawn below them.
		s := strings.NewReplacer("\r\x1b[K", "", "\x1b[A\x1b[K", "").Replace(out.String())
		s, ok := strings.CutSuffix(s, "> \r\x1b[2C")
		if !ok {
			t.Fatalf("drawn: %q", out.String())
		}
		if p.midline != "" {
			s = strings.TrimSuffix(s, p.midline+"\r\n")
		}
		rows += s
	}
	if want := "0123456789\r\n一二三四五\r\n六七\r\n"; rows != want {
		t.Errorf("the rows are %q, want %q", rows, want)
	}
}
