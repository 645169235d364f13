package room

import (
	"fmt"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

// hold keeps the room's fan-out goroutine busy until release is called, so that events pile up behind it.
func hold(t *testing.T, r *Room) (release func()) {
	t.Helper()
	gate := make(chan struct{})
	if err := r.between(t.Context(), func() { <-gate }); err != nil {
		t.Fatal(err)
	}
	synctest.Wait()
	return func() { close(gate) }
}

func TestArrivalsAndDeparturesAreSummedUp(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := open(t, Config{})
		_, a := join(t, r, "alice")
		a.take()

		release := hold(t, r)
		var members []*Member
		var screens []*recorder
		var all sync.WaitGroup
		for i := range 12 {
			members, screens = append(members, nil), append(screens, nil)
			all.Go(func() { members[i], screens[i] = join(t, r, fmt.Sprint("m", i)) })
			synctest.Wait() // one after the other
		}
		release()
		all.Wait()
		summary := "* m0, m1, m2, m3, m4, m5, m6, m7, m8, m9 and 2 more joined"
		want(t, "alice", a.take(), summary)
		want(t, "m0", screens[0].take(),
			"* welcome to lobby, you are m0; here: alice", "* "+English.HelpHint, summary)
		want(t, "m11", screens[11].take(),
			"* welcome to lobby, you are m11; here: alice, m0, m1, m2, m3, m4, m5, m6, m7, m8 and 2 more",
			"* "+English.HelpHint, summary)

		release = hold(t, r)
		for _, m := range members[:9] {
			m.Leave("power cut")
			synctest.Wait()
		}
		say(t, members[11], "anyone?")
		release()
		want(t, "alice", a.take(), "* m0, m1, m2, m3, m4, m5, m6, m7, m8 left", "<m11> anyone?")

		time.Sleep(moment)
		release = hold(t, r)
		for i := range sumUpFrom - 1 {
			all.Go(func() { join(t, r, fmt.Sprint("few", i)) })
		}
		synctest.Wait()
		release()
		all.Wait()
		if got := a.take(); len(got) != sumUpFrom-1 {
			t.Errorf("a few arrivals are announced as %q", got)
		}
	})
}

// Everybody comes, speaks, renames and leaves at once; in the end nothing is left in the books.
func TestStorm(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := open(t, Config{})
		var wg sync.WaitGroup
		var screens [300]*recorder
		for i := range screens {
			wg.Go(func() {
				m, s := join(t, r, "x")
				screens[i] = s
				say(t, m, "hello", fmt.Sprint("/nick y", i%50), "/who", "/nick x")
				m.Leave("")
			})
		}
		wg.Wait()
		for _, s := range screens {
			// A member that has left before its Join came back is not greeted; it must not be shown anything.
			if lines := s.take(); len(lines) > 0 && !strings.Contains(strings.Join(lines, "\n"), "welcome") {
				t.Errorf("not welcomed, but shown %q", lines)
			}
		}
		if len(r.members) != 0 || len(r.ids) != 0 || len(r.roster.byNick) != 0 {
			t.Errorf("left over: %d members, %d ids, %d nicks", len(r.members), len(r.ids), len(r.roster.byNick))
		}
	})
}
