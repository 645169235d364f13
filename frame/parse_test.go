package frame_test

import (
	"errors"
	"strings"
	"testing"
	"time"

	"sockeye.dev/frame"
)

func TestParse(t *testing.T) {
	tests := []struct {
		spec string
		want frame.Framer
		text string // of want, if it is not spec
	}{
		{"raw", frame.Raw{}, ""},
		{"line", frame.Line{}, ""},
		{"crlf", frame.CRLF{}, ""},
		{"nul", frame.NUL{}, ""},
		{"datagram", frame.Datagram{}, ""},
		{"delim:|", frame.Delim{Text: "|"}, ""},
		{"delim:。", frame.Delim{Text: "。"}, ""},
		{"delim::", frame.Delim{Text: ":"}, ""},
		{"delim:a+b", frame.Delim{Text: "a+b"}, ""},
		{`delim:\r\n\r\n`, frame.Delim{Text: "\r\n\r\n"}, ""},
		{`delim:\0\\\u3002\U0001f600`, frame.Delim{Text: "\x00\\。😀"}, `delim:\x00\\。😀`},
		{`delim:\x68ex:`, frame.Delim{Text: "hex:"}, ""},
		{"delim:hex:0D0a", frame.Delim{Hex: "0d0a"}, "delim:hex:0d0a"},
		{"fixed:16", frame.Fixed{N: 16}, ""},
		{"len8", frame.Length{Size: 1}, ""},
		{"len16", frame.Length{Size: 2}, ""},
		{"len16le", frame.Length{Size: 2, Little: true}, ""},
		{"len32", frame.Length{Size: 4}, ""},
		{"len32le", frame.Length{Size: 4, Little: true}, ""},
		{"len16:at=4", frame.Length{Size: 2, At: 4}, ""},
		{"len16:self", frame.Length{Size: 2, Plus: -2}, ""},
		{"len16:at=2,self", frame.Length{Size: 2, At: 2, Plus: -4}, ""},
		{"len16le:self,at=3", frame.Length{Size: 2, Little: true, At: 3, Plus: -5}, "len16le:at=3,self"},
		{"len32:at=1,plus=-4", frame.Length{Size: 4, At: 1, Plus: -4}, ""},
		{"len8:at=1,plus=2", frame.Length{Size: 1, At: 1, Plus: 2}, ""},
		{"len8:at=1,self,plus=2", frame.Length{Size: 1, At: 1}, "len8:at=1"}, // is the same
		{"len16:at=0,plus=0", frame.Length{Size: 2}, "len16"},
		{"len16:plus=-2", frame.Length{Size: 2, Plus: -2}, "len16:self"},
		{"slip", frame.SLIP{}, ""},
		{"cobs", frame.COBS{}, ""},
		{"cobs+quiet:1s", frame.Quiet{Gap: time.Second, Inner: frame.COBS{}}, ""},
		{"len16:at=2,self+quiet:1s", frame.Quiet{Gap: time.Second, Inner: frame.Length{Size: 2, At: 2, Plus: -4}}, ""},
		{"quiet:20ms", frame.Quiet{Gap: 20 * time.Millisecond}, ""},
		{"quiet:2", frame.Quiet{Gap: 2 * time.Second}, "quiet:2s"},
		{"quiet:0.5", frame.Quiet{Gap: time.Second / 2}, "quiet:500ms"},
		{"line+quiet:50ms", frame.Quiet{Gap: 50 * time.Millisecond, Inner: frame.Line{}}, ""},
		{"delim:++quiet:1s", frame.Quiet{Gap: time.Second, Inner: frame.Delim{Text: "+"}}, ""},
		{`delim:\x2bquiet:1s`, frame.Delim{Text: "+quiet:1s"}, ""},
	}
	for _, tt := range tests {
		got, err := frame.Parse(tt.spec)
		if err != nil || got != tt.want {
			t.Errorf("Parse(%q) = %#v, %v", tt.spec, got, err)
			continue
		}
		want := tt.spec
		if tt.text != "" {
			want = tt.text
		}
		if s := got.(interface{ String() string }).String(); s != want {
			t.Errorf("Parse(%q).String() = %q, want %q", tt.spec, s, want)
		}
	}
}

func TestParseSaysWhatIsWrong(t *testing.T) {
	const known = "known are raw, line, crlf, nul, delim, fixed, len8, len16, len16le, len32, len32le, slip, cobs, quiet, datagram"
	const options = "write at=N (bytes before it), self (it counts the whole), plus=N (bytes it does not count), as in len16:at=2,self"
	tests := []struct{ spec, reason, hint string }{
		{"", "there is no such framing", known},
		{"bogus", "there is no such framing", known},
		{"lin", "there is no such framing", "did you mean line?"},
		{"Raw", "there is no such framing", "did you mean raw?"},
		{"qiet:20ms", "there is no such framing", "did you mean quiet?"},
		{"lf", "there is no such framing", "write line"},
		{"len16be", "there is no such framing", "write len16"},
		{"len24", "there is no such framing", "write len8, len16 or len32"},
		{"len32lf", "there is no such framing", "did you mean len32le?"},
		{"modbus", "there is no such framing", "write len16:at=4 (MODBUS TCP)"},
		{"slop", "there is no such framing", "did you mean slip?"},
		{"slip:", "slip takes nothing after it", "write slip"},
		{"len16:", `"" is no option of len16`, options},
		{"len16:at", `"at" is no option of len16`, options},
		{"len16:self=1", `"self=1" is no option of len16`, options},
		{"len16:at=2, self", `" self" is no option of len16`, options},
		{"len16:at=x", `"x" is not a whole number`, options},
		{"len16:at=2,at=3", "at is there twice", ""},
		{"len16:at=-1", "the length cannot stand before the frame", options},
		{"len16:at=4097", "the length cannot stand behind more than 4096 bytes", options},
		{"len16:plus=99999999999999999999", "the length cannot leave out more than 4096 bytes", options},
		{"len16:plus=-3", "the length cannot count more than the whole frame", options},
		{"len16:self,plus=-1", "the length cannot count more than the whole frame", options},
		{"len16:self,plus=-99999999999999999999", "the length cannot count more than the whole frame", options},
		{"len8:at=255,self", "the length reaches 255, and the header alone is longer", "write at=N (bytes before it), self (it counts the whole), plus=N (bytes it does not count), as in len8:at=2,self"},
		{"line:x", "line takes nothing after it", "write line"},
		{"quiet", "quiet needs a duration", "write how long the pause is, as in quiet:20ms"},
		{"line+quiet", "quiet needs a duration", "write how long the pause is, as in quiet:20ms"},
		{"quiet:soon", `"soon" is not a duration`, "write how long the pause is, as in quiet:20ms"},
		{"quiet:NaN", `"NaN" is not a duration`, "write how long the pause is, as in quiet:20ms"},
		{"quiet:0", "a pause of 0 ends nothing", "write how long the pause is, as in quiet:20ms"},
		{"quiet:-1s", "a pause of -1s ends nothing", "write how long the pause is, as in quiet:20ms"},
		{"raw+quiet:1s", "raw does not go with a pause", "write quiet:1s"},
		{"quiet:1s+quiet:2s", "quiet:1s does not go with a pause", "write quiet:2s"},
		{"lin+quiet:2s", "there is no such framing", "did you mean line?"},
		{"fixed", "fixed needs a size", "write the size of a message in bytes, as in fixed:16"},
		{"fixed:0", "a message of 0 bytes cannot be", "write the size of a message in bytes, as in fixed:16"},
		{"fixed:-1", "a message of -1 bytes cannot be", "write the size of a message in bytes, as in fixed:16"},
		{"fixed:4k", `"4k" is not a whole number`, "write the size of a message in bytes, as in fixed:16"},
		{"fixed:99999999999", "a message may be 1073741824 bytes at most", ""},
		{"fixed:99999999999999999999", "a message may be 1073741824 bytes at most", ""},
		{"delim", "the delimiter is empty", "write it, as in delim:|"},
		{"delim:", "the delimiter is empty", "write it, as in delim:|"},
		{"delim:hex:", "the delimiter is empty", "write its bytes, as in delim:hex:0d0a"},
		{"delim:hex:0", `"0" is not hexadecimal`, "write two digits for each byte, as in delim:hex:0d0a"},
		{`delim:\q`, `"\\q" is no escape`, `write \r \n \t \0 \x1f \u3002, or \\ for a backslash`},
		{`delim:\`, `"\\" is no escape`, `write \r \n \t \0 \x1f \u3002, or \\ for a backslash`},
		{`delim:\xff`, `"\\xff" is no character`, "write bytes as in delim:hex:ff"},
		{`delim:\ud800`, `"\\ud800" is no character`, "write bytes as in delim:hex:ff"},
		{"delim:\xff", "the delimiter is not text", "write bytes as in delim:hex:ff"},
		{"delim:" + strings.Repeat("x", 257), "a delimiter may be 256 bytes at most", ""},
	}
	for _, tt := range tests {
		f, err := frame.Parse(tt.spec)
		var e *frame.SpecError
		if !errors.As(err, &e) {
			t.Errorf("Parse(%q) = %#v, %v", tt.spec, f, err)
			continue
		}
		if f != nil || e.Spec != tt.spec || e.Reason != tt.reason || e.Hint != tt.hint {
			t.Errorf("Parse(%q): %q, hint %q; want %q, hint %q", tt.spec, e.Reason, e.Hint, tt.reason, tt.hint)
		}
	}
}
