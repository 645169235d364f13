package room

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"testing"
	"testing/synctest"
	"unicode"
	"unicode/utf8"
)

func TestParse(t *testing.T) {
	for _, tt := range []struct {
		line, name, rest string
		command          bool
	}{
		{"hello", "", "hello", false},
		{" /who", "", " /who", false},
		{"//who", "", "/who", false},
		{"///", "", "//", false},
		{"/", "", "", true},
		{"/who", "who", "", true},
		{"/WHO  ", "who", "", true},
		{"/nick  bob ", "nick", "bob", true},
		{"/nick\tbob", "nick", "bob", true},
		{"/quit good  night", "quit", "good  night", true},
		{"/ nick", "", "nick", true},
	} {
		name, rest, command := parse(tt.line)
		if name != tt.name || rest != tt.rest || command != tt.command {
			t.Errorf("parse(%q) = %q, %q, %v; want %q, %q, %v", tt.line, name, rest, command, tt.name, tt.rest, tt.command)
		}
	}
}

func TestCommandsAnswerInPrivate(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		greet := Command{Name: "greet", Args: "NICK", Help: "say hello", Run: func(ctx context.Context, m *Member, args string) error {
			return m.Tell(ctx, fmt.Sprintf("%s in %s says hello to %s", m.Nick(), m.Room().Name(), args))
		}}
		me := Command{Name: "me", Help: "nothing", Run: func(context.Context, *Member, string) error { return nil }}
		r := open(t, Config{Commands: []Command{greet, me}})
		alice, a := join(t, r, "alice")
		_, b := join(t, r, "bob")
		a.take()
		b.take()
		for _, tt := range []struct {
			line    string
			answers []string
		}{
			{"/help", []string{
				"* /nick NAME       change your name",
				"* /who [PART]      who is here, or those with PART in their name",
				"* /msg NICK TEXT   say something to one member alone",
				"* /me              nothing",
				"* /topic [TEXT]    what the room is about; operators may change it",
				"* /history [N]     what was said last",
				"* /op SECRET|NICK  become an operator; as one, make NICK one",
				"* /greet NICK      say hello",
				"* /help [COMMAND]  the commands, or one of them",
				"* /quit [REASON]   leave",
				"* to say a line that begins with a slash, write // instead",
			}},
			{"/help nick", []string{"* /nick NAME  change your name"}},
			{"/help /nick", []string{"* /nick NAME  change your name"}},
			{"/help mick", []string{"* there is no command /mick; did you mean /nick NAME?"}},
			{"/who", []string{"* 2 here: alice, bob"}},
			{"/WHO BO", []string{"* 1 here: bob"}},
			{"/who carol", []string{"* nobody here is called carol"}},
			{"/history", []string{"* nothing was said here that is still known"}},
			{"/history x", []string{"* x is no number of lines"}},
			{"/history 0", []string{"* 0 is no number of lines"}},
			{"/me does", nil},
			{"/greet", []string{"* usage: /greet NICK"}},
			{"/greet bob", []string{"* alice in lobby says hello to bob"}},
			{"/n bob", []string{"* there is no command /n; did you mean /nick NAME?"}},
			{"/hlep", []string{"* there is no command /hlep; did you mean /help [COMMAND]?"}},
			{"/usr/bin/env", []string{"* there is no command /usr/bin/env; /help lists them"}},
			{"/hwo", []string{"* there is no command /hwo; did you mean /who [PART]?"}},
			{"/exit", []string{"* there is no command /exit; did you mean /quit [REASON]?"}},
			{"/foo", []string{"* there is no command /foo; /help lists them"}},
			{"/xy", []string{"* there is no command /xy; /help lists them"}},
			{"/", []string{"* there is no command /; /help lists them"}},
		} {
			say(t, alice, tt.line)
			want(t, tt.line+": alice", a.take(), tt.answers...)
		}
		want(t, "bob", b.take())

		say(t, alice, "/who bob")
		if err := alice.Line(t.Context(), "/quit good night"); err != io.EOF {
			t.Errorf("/quit returned %v", err)
		}
		want(t, "alice", texts(a.takeLines()), "* 1 here: bob") // shown before she was gone
		want(t, "bob", b.take(), "* alice left (good night)")
	})
}

func TestDistance(t *testing.T) {
	for _, tt := range []struct {
		a, b string
		d    int
	}{{"", "", 0}, {"who", "", 3}, {"who", "who", 0}, {"who", "hwo", 1}, {"quit", "qit", 1}, {"quit", "exit", 2}, {"nick", "nicks", 1}} {
		if d := distance(tt.a, tt.b); d != tt.d {
			t.Errorf("distance(%q, %q) = %d, want %d", tt.a, tt.b, d, tt.d)
		}
	}
}

// checkHarmless fails unless text is one line that a terminal shows as it is.
func checkHarmless(t *testing.T, text string) {
	t.Helper()
	if !utf8.ValidString(text) {
		t.Errorf("not UTF-8: %q", text)
	}
	for _, c := range text {
		if unicode.IsControl(c) || unicode.Is(unicode.Bidi_Control, c) || c == '\u2028' || c == '\u2029' {
			t.Errorf("%U in %q", c, text)
		}
	}
}

// FuzzLine types anything at a room: whatever comes of it, both see only harmless lines, and the two screens agree on
// what was said to both.
func FuzzLine(f *testing.F) {
	for _, s := range []string{
		"hello", "/nick x", "/nick \u202ex", "/who \x1b", "/help \r\n", "//\x00", "/me \t\x9b31m", "/quit \u2028x", "\xff\xfe", "/\u0130", "\xed\xa0\x80",
	} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, line string) {
		r, err := Open(t.Context(), Config{MaxMessage: 200})
		if err != nil {
			t.Fatal(err)
		}
		defer r.Close()
		alice, a := join(t, r, "alice")
		_, b := join(t, r, "bob")
		err = alice.Line(t.Context(), line)
		if quit := errors.Is(err, io.EOF); err != nil && !quit {
			t.Fatalf("Line(%q): %v", line, err)
		}
		r.Close()
		for _, l := range append(a.takeLines(), b.takeLines()...) {
			checkHarmless(t, l.Text)
			if l.Kind == Say && !strings.HasPrefix(l.Text, "<alice> ") {
				t.Errorf("said: %q", l.Text)
			}
		}
	})
}
