//go:build unix

package faulttest

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

// A load is members that speak without waiting for the answers, and what they were answered.
type load struct {
	ctx      context.Context
	stop     context.CancelFunc
	speakers []*speaker
	talking  sync.WaitGroup
	acked    atomic.Int64
	more     chan struct{} // holds a token after an acknowledgement
}

// A speaker says NAME/1, NAME/2 and so on.
type speaker struct {
	*member
	window chan struct{} // a token for each line that is not answered

	acked   []event // Text is what was acknowledged; after load.end only
	refused []event // Text is what was refused, From why
	said    int
}

// window is how many lines a speaker has under way.
const window = 32

func newLoad(t *testing.T) *load {
	l := &load{more: make(chan struct{}, 1)}
	l.ctx, l.stop = context.WithCancel(t.Context())
	t.Cleanup(func() { l.stop(); l.talking.Wait() })
	return l
}

// add has m speak, a line every so often, or as fast as it is answered if that is 0.
func (l *load) add(m *member, every time.Duration) *speaker {
	s := &speaker{member: m, window: make(chan struct{}, window)}
	l.speakers = append(l.speakers, s)
	l.talking.Go(func() {
		var tick <-chan time.Time
		if every > 0 {
			ticker := time.NewTicker(every)
			defer ticker.Stop()
			tick = ticker.C
		}
		for {
			if tick != nil {
				select {
				case <-tick:
				case <-l.ctx.Done():
				}
			}
			select {
			case s.window <- struct{}{}:
			case <-l.ctx.Done():
				return
			case <-m.read:
				return
			}
			if l.ctx.Err() != nil {
				<-s.window
				return
			}
			s.said++
			m.spoken++
			text := fmt.Sprint(m.nick, "/", m.spoken)
			if m.request(map[string]any{"say": text}, func(e event) { l.answered(s, text, e) }) != nil {
				return // its node is dead
			}
		}
	})
	return s
}

// answered is called by the goroutine that reads for the speaker.
func (l *load) answered(s *speaker, text string, e event) {
	<-s.window
	if e.Kind != "ack" {
		s.refused = append(s.refused, event{Text: text, From: e.Text})
		return
	}
	s.acked = append(s.acked, event{Text: text, Seq: e.Seq})
	l.acked.Add(1)
	select {
	case l.more <- struct{}{}:
	default:
	}
}

// further waits for n more acknowledgements.
func (l *load) further(t *testing.T, n int64) {
	t.Helper()
	late := time.After(patience)
	for until := l.acked.Load() + n; l.acked.Load() < until; {
		select {
		case <-l.more:
		case <-late:
			t.Fatal("nothing is acknowledged any more")
		}
	}
}

// end stops the speakers and waits for the answers that are due; those whose node is dead get none.
func (l *load) end(t *testing.T) {
	t.Helper()
	l.stop()
	l.talking.Wait()
	late := time.After(patience)
	for _, s := range l.speakers {
		for range window { // until all tokens are ours
			select {
			case s.window <- struct{}{}:
				continue
			case <-s.read:
			case <-late:
				t.Fatalf("%s gets no answer any more; it was told last %+v", s.nick, last(s.now()))
			}
			break
		}
	}
}

// hold compares what was acknowledged with what was said, which is what the history has. What was refused, because there
// was no way to the others, is not in it.
func (l *load) hold(t *testing.T, said []event) {
	t.Helper()
	places := make(map[string]uint64, len(said))
	before := uint64(0)
	for _, e := range said {
		if e.Seq <= before {
			t.Fatalf("message %d comes after %d", e.Seq, before)
		}
		before = e.Seq
		if at, twice := places[e.Text]; twice {
			t.Errorf("%q is there as %d and %d", e.Text, at, e.Seq)
		}
		places[e.Text] = e.Seq
	}
	acked, refused, spoken := 0, 0, 0
	for _, s := range l.speakers {
		spoken += s.said
		acked += len(s.acked)
		refused += len(s.refused)
		before := uint64(0)
		for _, a := range s.acked {
			if places[a.Text] != a.Seq {
				t.Errorf("%q was acknowledged as %d and is there as %d", a.Text, a.Seq, places[a.Text])
			}
			if a.Seq <= before {
				t.Errorf("%q was acknowledged as %d, after %d", a.Text, a.Seq, before)
			}
			before = a.Seq
		}
		for _, r := range s.refused {
			if !strings.Contains(r.From, "cut off from the others") {
				t.Errorf("%q was refused: %s", r.Text, r.From)
			}
			if places[r.Text] != 0 {
				t.Errorf("%q was refused (%s) and is there as %d", r.Text, r.From, places[r.Text])
			}
		}
	}
	t.Logf("%d spoken, %d acknowledged, %d refused, %d there", spoken, acked, refused, len(said))
}

// same compares what a member who was there all the time has been shown with what was said: all of it since it came,
// once and in that order, but for its own lines.
func same(t *testing.T, m *member, said []event, since uint64) {
	t.Helper()
	strip := func(all []event) (lines []string) {
		for _, e := range all {
			if e.Seq > since && !strings.HasPrefix(e.Text, m.nick+"/") {
				lines = append(lines, fmt.Sprint(e.Seq, " ", e.Text))
			}
		}
		return lines
	}
	got, want := strip(m.said()), strip(said)
	if slices.Equal(got, want) {
		return
	}
	for i := range max(len(got), len(want)) {
		if i >= len(got) || i >= len(want) || got[i] != want[i] {
			t.Errorf("%s was shown %d lines of %d; they differ from line %d on: %q, want %q", m.nick, len(got), len(want), i,
				got[min(i, len(got)):min(i+3, len(got))], want[min(i, len(want)):min(i+3, len(want))])
			return
		}
	}
}
