package room

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
)

// blocks is a Screen that keeps what it was shown at once.
type blocks struct{ shown []*Block }

func (s *blocks) Show(b *Block) error { s.shown = append(s.shown, b); return nil }

func (s *blocks) take() (out []string) {
	for _, b := range s.shown {
		out = append(out, strings.Join(texts(b.Lines), "|"))
	}
	s.shown = nil
	return out
}

// What is said while the room is busy is shown at once: the same block to all,
// and to those who have said some of it what the others have. An arrival in
// between is seen where it was.
func TestBlocks(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r, err := Open(t.Context(), Config{})
		if err != nil {
			t.Fatal(err)
		}
		defer r.Close()
		var screens [4]blocks
		var members [4]*Member
		for i, nick := range []string{"ann", "bob", "cyd"} {
			if members[i], err = r.Join(t.Context(), &screens[i], nick); err != nil {
				t.Fatal(err)
			}
		}
		synctest.Wait()
		for i := range screens {
			screens[i].take()
		}
		busy := make(chan struct{})
		if err := r.between(t.Context(), func() { <-busy }); err != nil {
			t.Fatal(err)
		}
		synctest.Wait() // it is busy now
		say := func(m *Member, text string) {
			if err := m.Line(t.Context(), text); err != nil {
				t.Error(err)
			}
		}
		say(members[0], "1")
		say(members[1], "2")
		say(members[0], "3")
		say(members[1], "/me waves")
		joined := make(chan struct{})
		go func() {
			defer close(joined)
			if members[3], err = r.Join(t.Context(), &screens[3], "dan"); err != nil {
				t.Error(err)
			}
		}()
		synctest.Wait()
		say(members[0], "4")
		close(busy)
		<-joined
		synctest.Wait()
		if len(screens[2].shown) != 3 {
			t.Errorf("cyd was shown %d blocks", len(screens[2].shown))
		}
		for i, want := range [][]string{
			{"<bob> 2|** bob waves", "* dan joined"},
			{"<ann> 1|<ann> 3|** bob waves", "* dan joined", "<ann> 4"},
			{"<ann> 1|<bob> 2|<ann> 3|** bob waves", "* dan joined", "<ann> 4"},
		} {
			if got := screens[i].take(); !slices.Equal(got, want) {
				t.Errorf("member %d was shown %q, want %q", i, got, want)
			}
		}
		if got := screens[3].take(); got[len(got)-1] != "<ann> 4" || slices.ContainsFunc(got, func(s string) bool { return strings.HasPrefix(s, "<") && s != "<ann> 4" }) {
			t.Errorf("who came later was shown %q", got)
		}
	})
}

// A block is never longer than a member that has fallen behind has room for.
func TestBlockSize(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r, err := Open(t.Context(), Config{})
		if err != nil {
			t.Fatal(err)
		}
		defer r.Close()
		var screen blocks
		speaker, err := r.Join(t.Context(), new(blocks), "ann")
		if err != nil {
			t.Fatal(err)
		}
		if _, err := r.Join(t.Context(), &screen, "bob"); err != nil {
			t.Fatal(err)
		}
		synctest.Wait()
		screen.take()
		busy := make(chan struct{})
		if err := r.between(t.Context(), func() { <-busy }); err != nil {
			t.Fatal(err)
		}
		synctest.Wait()
		const lines = 100
		for i := range lines {
			if err := speaker.Line(t.Context(), fmt.Sprintf("%0*d", 4000, i)); err != nil {
				t.Fatal(err)
			}
		}
		close(busy)
		synctest.Wait()
		got := 0
		for _, b := range screen.shown {
			size := 0
			for _, l := range b.Lines {
				size += len(l.Text) + 1
			}
			if size > MaxBlock {
				t.Errorf("a block of %d bytes", size)
			}
			got += len(b.Lines)
		}
		if got != lines || len(screen.shown) > lines/4 {
			t.Errorf("%d lines in %d blocks", got, len(screen.shown))
		}
	})
}
