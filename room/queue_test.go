package room

import (
	"fmt"
	"testing"
	"testing/synctest"
)

// What is put in comes out in its order; who finds no room waits for a take, or gives up with its context.
func TestQueue(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		q := newQueue()
		text := func(i int) event { return event{msg: Message{Text: fmt.Sprint(i)}} }
		for i := range maxQueue {
			if !q.put(text(i), nil, nil) {
				t.Fatal("no room for", i)
			}
		}
		given := make(chan struct{})
		gaveUp := make(chan bool)
		go func() { gaveUp <- q.put(event{}, given, nil) }()
		go func() { gaveUp <- q.put(event{}, nil, given) }()
		synctest.Wait()
		close(given)
		if first, second := <-gaveUp, <-gaveUp; first || second {
			t.Error("what was given up is in")
		}
		const waiting = 3
		in := make(chan bool, waiting)
		for range waiting {
			go func() { in <- q.put(text(maxQueue), nil, nil) }()
		}
		synctest.Wait()
		if len(in) > 0 {
			t.Error("somebody did not wait")
		}
		<-q.filled
		first := q.take(nil)
		synctest.Wait()
		if len(in) != waiting {
			t.Error("somebody still waits")
		}
		<-q.filled
		rest := q.take(first)
		for i, e := range append(first[:len(first):len(first)], rest...) {
			if e.msg.Text != fmt.Sprint(min(i, maxQueue)) {
				t.Fatalf("%s comes out as number %d", e.msg.Text, i)
			}
		}
		if len(first) != maxQueue || len(rest) != waiting {
			t.Errorf("%d and %d came out", len(first), len(rest))
		}
		select {
		case <-q.filled:
			t.Error("filled, with nothing in it")
		default:
		}
		if q.take(rest); cap(q.events) > maxQueue/2 {
			t.Errorf("an empty queue keeps room for %d", cap(q.events))
		}
	})
}

// A crowd is shown the same as a few, while it grows and shrinks, too.
func TestCrowd(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := open(t, Config{})
		speaker, _ := join(t, r, "speaker")
		screens := make([]*recorder, 0, 2*crowd)
		var members []*Member
		for range 2 * crowd {
			m, s := join(t, r, "")
			members, screens = append(members, m), append(screens, s)
		}
		synctest.Wait()
		for _, s := range screens {
			s.take()
		}
		var all []string
		for i := range 100 {
			text := fmt.Sprint("line ", i)
			say(t, speaker, text)
			all = append(all, "<speaker> "+text)
		}
		synctest.Wait()
		for i, s := range screens {
			want(t, fmt.Sprint("member ", i), s.take(), all...)
		}
		for _, m := range members[1:] {
			m.Leave("")
		}
		synctest.Wait()
		say(t, speaker, "alone?")
		all = screens[0].take() // and who has left, some of them perhaps only now
		want(t, "the last", all[len(all)-1:], "<speaker> alone?")
	})
}
