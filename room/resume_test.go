package room

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
)

// Who comes back sees everything since, once and in order, while others go on talking.
func TestResume(t *testing.T) {
	for _, keep := range []int{50, 5000} { // less than the room itself remembers, and more than it
		synctest.Test(t, func(t *testing.T) {
			bus := &Mem{Keep: keep}
			r := open(t, Config{Bus: bus})
			alice, _ := join(t, r, "alice")
			bob, b := join(t, r, "bob")
			said := 0
			talk := func(n int) (seq uint64) {
				for range n {
					var err error
					said++
					if seq, err = alice.Say(t.Context(), fmt.Sprint(said)); err != nil {
						t.Fatal(err)
					}
				}
				return seq
			}
			last := talk(10)
			bob.Leave("")
			synctest.Wait()
			b.take()
			talk(keep/2 + 300)
			carol, c := join(t, r, "carol")
			c.take()
			var seen []string
			upTo, err := carol.Resume(t.Context(), last, func(l *Line) error {
				if len(seen)%100 == 0 {
					talk(20) // and the others do not wait
				}
				seen = append(seen, l.Body)
				return nil
			})
			if err != nil {
				t.Fatal(err)
			}
			if upTo <= last {
				t.Errorf("caught up to %d only", upTo)
			}
			talk(5)
			synctest.Wait()
			for _, l := range c.takeLines() {
				if l.said() {
					seen = append(seen, l.Body)
				}
			}
			first := 11
			if keep == 50 {
				first = said - len(seen) + 1 // what the bus has forgotten is lost
			}
			for i, s := range seen {
				if s != fmt.Sprint(first+i) {
					t.Fatalf("keep %d: line %d is %s", keep, i, s)
				}
			}
			if len(seen) != said-first+1 || len(seen) < keep/2 {
				t.Errorf("keep %d: saw %d of %d", keep, len(seen), said)
			}
			if upTo, err := carol.Resume(t.Context(), 1<<40, func(*Line) error { return errors.New("the future") }); err != nil || upTo < last || upTo > 1<<20 {
				t.Errorf("a message that has not been: %d, %v", upTo, err)
			}
		})
	}
}

// late delivers to the first subscriber only when told.
type late struct {
	*Mem
	mu   sync.Mutex
	n    int
	hold bool
	held []func()
}

func (b *late) Subscribe(ctx context.Context, room string, since Position, deliver func(Message)) (func(), error) {
	b.n++
	if b.n > 1 {
		return b.Mem.Subscribe(ctx, room, since, deliver)
	}
	return b.Mem.Subscribe(ctx, room, since, func(m Message) {
		b.mu.Lock()
		defer b.mu.Unlock()
		if b.hold {
			b.held = append(b.held, func() { deliver(m) })
			return
		}
		deliver(m)
	})
}

func (b *late) release() {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.hold = false
	for _, f := range b.held {
		f()
	}
	b.held = nil
}

// The subscription that Resume makes may be ahead of the room's own: they are two.
func TestResumeAhead(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		bus := &late{Mem: new(Mem)}
		r := open(t, Config{Bus: bus})
		alice, _ := join(t, r, "alice")
		bob, b := join(t, r, "bob")
		seq, err := alice.Say(t.Context(), "0")
		if err != nil {
			t.Fatal(err)
		}
		b.take()
		bus.mu.Lock()
		bus.hold = true
		bus.mu.Unlock()
		for i := range 3 {
			say(t, alice, fmt.Sprint(i+1))
		}
		var seen []string
		// Before what the room remembers, so that the bus has to send it.
		if _, err := bob.Resume(t.Context(), seq-1, func(l *Line) error { seen = append(seen, l.Body); return nil }); err != nil {
			t.Fatal(err)
		}
		bus.release()
		say(t, alice, "4")
		synctest.Wait()
		for _, l := range b.takeLines() {
			if l.said() {
				seen = append(seen, l.Body)
			}
		}
		if !slices.Equal(seen, []string{"0", "1", "2", "3", "4"}) {
			t.Errorf("bob sees %q", seen)
		}
	})
}

// What is kept nowhere any more is not waited for.
func TestResumeForgotten(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := open(t, Config{Bus: &Mem{Keep: -1}, History: -1})
		alice, a := join(t, r, "alice")
		var last uint64
		for range 3 {
			last, _ = alice.Say(t.Context(), "forgotten")
		}
		a.take()
		seq, err := alice.Resume(t.Context(), 1, func(l *Line) error { return fmt.Errorf("shown: %v", l) })
		if err != nil || seq < last {
			t.Errorf("caught up to %d: %v", seq, err)
		}
		bob, b := join(t, r, "bob")
		b.take()
		say(t, alice, "and now")
		want(t, "bob", b.take(), "<alice> and now")
		_ = bob
	})
}

// Who resumes and does not read costs little, however long the messages are.
func TestBacklog(t *testing.T) {
	q := backlog{arrived: make(chan struct{}, 1)}
	q.put(Message{Text: strings.Repeat("x", 2*maxBehindSize)}) // at least one, or nothing would ever come
	q.put(Message{Text: "more"})
	if messages, overflow := q.take(); len(messages) != 1 || !overflow {
		t.Errorf("%d messages, overflow %v", len(messages), overflow)
	}
	q = backlog{arrived: make(chan struct{}, 1)}
	for range 2 * maxBehind {
		q.put(Message{Text: "short"})
	}
	if messages, overflow := q.take(); len(messages) != maxBehind || !overflow {
		t.Errorf("%d messages, overflow %v", len(messages), overflow)
	}
}
