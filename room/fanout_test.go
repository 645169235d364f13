package room

import (
	"testing"
	"testing/synctest"
)

// prefetched is a Screen that knows whether it was looked at before it was shown something.
type prefetched struct {
	ready               bool
	looks, shown, blind int
}

func (s *prefetched) Prefetch() { s.ready = true; s.looks++ }

func (s *prefetched) Show(*Block) error {
	s.shown++
	if !s.ready {
		s.blind++
	}
	s.ready = false
	return nil
}

// What is shown to all, each Screen hears of once, before; one whose member has left does not.
func TestPrefetch(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r, err := Open(t.Context(), Config{})
		if err != nil {
			t.Fatal(err)
		}
		defer r.Close()
		screens := make([]prefetched, 2*ahead+3)
		var members []*Member
		for i := range screens {
			m, err := r.Join(t.Context(), &screens[i], "")
			if err != nil {
				t.Fatal(err)
			}
			members = append(members, m)
		}
		synctest.Wait()
		clear(screens)
		busy := make(chan struct{})
		if err := r.between(t.Context(), func() { <-busy }); err != nil {
			t.Fatal(err)
		}
		if err := members[0].Line(t.Context(), "/me waves"); err != nil {
			t.Fatal(err)
		}
		members[1].Leave("")
		close(busy)
		synctest.Wait()
		for i, s := range screens {
			want := prefetched{looks: 2, shown: 2} // the wave, and the leave
			if i == 1 {
				want = prefetched{}
			}
			if s != want {
				t.Errorf("screen %d: %+v, want %+v", i, s, want)
			}
		}
	})
}

// What was held back while a room asked who is there is shown in the order in which it was said.
func TestHeldInOrder(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := open(t, Config{})
		_, a := join(t, r, "ann")
		bob, _ := join(t, r, "bob")
		synctest.Wait()
		a.take()
		if err := r.between(t.Context(), func() {
			r.arrival = newArrival(true)
			r.arrival.held = []Message{
				{Kind: Say, From: "bob", Text: "good night", Author: bob.ID()},
				{Kind: Leave, From: "bob", Author: bob.ID()},
			}
			r.restart()
			r.arrival = nil
		}); err != nil {
			t.Fatal(err)
		}
		synctest.Wait()
		want(t, "ann", a.take(), "<bob> good night", "* bob left")
	})
}
