package room

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
)

// A newcomer is shown what was said last, with the time; also what was said
// before the room was opened, if the bus knows it.
func TestHistory(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		bus := new(Mem)
		open := func(c Config) *Room {
			c.Bus = bus
			r, err := Open(t.Context(), c)
			if err != nil {
				t.Fatal(err)
			}
			return r
		}
		enter := func(r *Room, nick string) (*Member, *blocks) {
			s := new(blocks)
			m, err := r.Join(t.Context(), s, nick)
			if err != nil {
				t.Fatal(err)
			}
			synctest.Wait()
			return m, s
		}
		r := open(Config{})
		ann, _ := enter(r, "ann")
		for i := range 30 {
			if err := ann.Line(t.Context(), fmt.Sprint("line ", i)); err != nil {
				t.Fatal(err)
			}
		}
		ann.Leave("")
		synctest.Wait()
		r.Close()

		// past is what was shown of the past, as the numbers of the lines.
		past := func(s *blocks) (out []string) {
			for _, b := range s.shown {
				for _, l := range b.Lines {
					if n, ok := strings.CutPrefix(l.Text, "[2000-01-01 00:00] <ann> line "); ok {
						out = append(out, n)
					}
				}
			}
			s.shown = nil
			return out
		}
		numbers := func(from, to int) (out []string) {
			for i := from; i < to; i++ {
				out = append(out, fmt.Sprint(i))
			}
			return out
		}
		r = open(Config{History: 5})
		defer r.Close()
		bob, s := enter(r, "bob")
		if got := past(s); !slices.Equal(got, numbers(25, 30)) {
			t.Errorf("bob was shown %q", got)
		}
		for command, want := range map[string][]string{"/history": numbers(25, 30), "/history 2": numbers(28, 30), "/history 100": numbers(0, 30)} {
			if err := bob.Line(t.Context(), command); err != nil {
				t.Fatal(err)
			}
			synctest.Wait()
			if got := past(s); !slices.Equal(got, want) {
				t.Errorf("%s shows %q", command, got)
			}
		}
		if got := r.Nicks(); !slices.Equal(got, []string{"bob"}) {
			t.Errorf("here are %q: who came before is not here", got)
		}
		none := open(Config{History: -1})
		defer none.Close()
		if _, s := enter(none, "cyd"); past(s) != nil {
			t.Error("a room without history has shown some")
		}
	})
}

// A room remembers no more than it says.
func TestHistoryIsBounded(t *testing.T) {
	r := &Room{texts: &English}
	r.history.Store(20)
	r.out.texts = r.texts
	for i := range 10 * maxPast {
		r.recall(Message{Kind: Say, Text: fmt.Sprint(i)})
	}
	r.recall(Message{Kind: Join, From: "ann"})
	if n := len(r.past); n < maxPast || n > 2*maxPast || !strings.HasSuffix(r.past[n-1].Text, fmt.Sprint(10*maxPast-1)) {
		t.Errorf("%d lines are remembered, the last is %q", n, r.past[n-1].Text)
	}
}
