package handler

import (
	"slices"
	"strings"
	"testing"

	"sockeye.dev/session"
)

func TestLocalComplete(t *testing.T) {
	var l *Local // a prompt may have none
	for line, want := range map[string]string{
		"":              "",
		"/":             "/to |/encoding |/hex |/close |/record ",
		"/e":            "/encoding ",
		"/hex o":        "/hex on|/hex off",
		"/encoding gb1": "/encoding gb18030",
		"/encoding aut": "/encoding auto",
		"hello":         "",
		"/nick x":       "",
	} {
		if got := strings.Join(l.Complete(line), "|"); got != want {
			t.Errorf("%q becomes %q, want %q", line, got, want)
		}
	}
}

func TestLocalSplit(t *testing.T) {
	l := new(Local)
	for line, want := range map[string][]string{
		"/encoding gbk\n": {"encoding", "gbk"},
		"/hex":            {"hex", ""},
		"/to 3 you":       {"to", "3 you"},
	} {
		if name, arg, ok := l.split([]byte(line)); !ok || !slices.Equal([]string{name, arg}, want) {
			t.Errorf("%q is %q %q, %v", line, name, arg, ok)
		}
	}
	for _, line := range []string{"/nick bob", "//hex", "hex", "/", "", "/hexagon"} {
		if name, _, ok := l.split([]byte(line)); ok {
			t.Errorf("%q is the command %q", line, name)
		}
	}
}

// /hex changes how lines are read and messages shown, and changes back, also
// where it began so.
func TestLocalHex(t *testing.T) {
	for _, began := range []Style{Safe, Hex} {
		l, in, out := new(Local), &Input{Read: TextLine}, &Printer{Style: began}
		if began == Hex {
			in.Read = HexLine
		}
		for _, step := range []struct {
			arg   string
			style Style
			sends string
		}{{"on", Hex, "hi"}, {"off", Safe, "6869"}, {"", Hex, "hi"}, {"", Safe, "6869"}} {
			if err := l.run("hex", step.arg, in, out, nil); err != nil {
				t.Fatal(err)
			}
			var m session.Message
			m, err := in.Read([]byte("6869"))
			if err != nil || out.style() != step.style || m.String() != step.sends {
				t.Errorf("/hex %s: style %d, sends %q, %v", step.arg, out.style(), m.String(), err)
			}
		}
	}
	if err := new(Local).run("hex", "maybe", &Input{}, &Printer{}, nil); err == nil {
		t.Error("/hex maybe is nothing")
	}
}
