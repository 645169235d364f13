//go:build unix

package faulttest

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"
)

// The only process is killed with -9 while everybody speaks. What it has acknowledged is there when it is back.
func TestKilled(t *testing.T) {
	begin(t)
	dir := t.TempDir()
	up := func() *node { return serve(t, 1, "--data", dir, "--listen", "tcp://127.0.0.1:0?json=on") }
	var said []event
	for round := range 2 { // the second time upon what the first has left
		n := up()
		l := newLoad(t)
		for i := range 4 {
			l.add(join(t, n.tcp(0), fmt.Sprint("speaker", round, i)), 0)
		}
		l.further(t, 1500)
		n.kill()
		l.end(t)
		n = up()
		before := said
		said = history(t, n.tcp(0))
		l.hold(t, said)
		if len(said) < len(before) || !slices.Equal(texts(said[:len(before)]), texts(before)) {
			t.Errorf("of %d messages that were there before, %d are there", len(before), len(said))
		}
		if next := join(t, n.tcp(0), "").say("goes on"); next.Seq <= said[len(said)-1].Seq {
			t.Errorf("the next message is %d, after %d", next.Seq, said[len(said)-1].Seq)
		}
		n.kill()
		said = append(said, event{Text: "goes on"})
	}
}

func texts(all []event) (texts []string) {
	for _, e := range all {
		texts = append(texts, e.Text)
	}
	return texts
}

// Of three nodes on three servers one is killed with -9, and then the server that leads the room, while everybody speaks.
func TestClusterKilled(t *testing.T) {
	begin(t)
	c := startCluster(t)
	var nodes [3]*node
	l := newLoad(t)
	var watchers, speakers [3]*member
	for i := range nodes {
		nodes[i] = c.serve(c.from(i))
		watchers[i] = join(t, nodes[i].tcp(1), fmt.Sprint("watcher", i))
		speakers[i] = join(t, nodes[i].tcp(1), fmt.Sprint("speaker", i))
	}
	since := speakers[2].say("everybody is here").Seq
	for _, m := range speakers {
		l.add(m, 10*time.Millisecond)
	}
	l.further(t, 300)

	marks := [2]int{watchers[0].mark(), watchers[1].mark()}
	killed := time.Now()
	nodes[2].kill()
	for i, w := range watchers[:2] {
		for _, nick := range []string{"watcher2", "speaker2"} {
			if e := w.gone(marks[i], nick); e.Text != "their server is gone" {
				t.Errorf("%s left because %q", nick, e.Text)
			}
		}
		took := time.Since(killed)
		t.Logf("%s is told after %v", w.nick, took.Round(time.Millisecond))
		if took > 10*time.Second {
			t.Errorf("%s is told only after %v", w.nick, took)
		}
		if who := w.who(); strings.Contains(who, "watcher2") || strings.Contains(who, "speaker2") || !strings.Contains(who, "speaker0") || !strings.Contains(who, "speaker1") {
			t.Errorf("%s is told: %s", w.nick, who)
		}
	}
	l.further(t, 100)
	<-watchers[2].read
	seen := watchers[2].said()
	mover := join(t, nodes[0].tcp(1), "mover") // to another node, and goes on where it was
	upTo := seen[len(seen)-1].Seq
	if e := mover.ask(map[string]any{"resume": upTo}); e.Kind != "ack" {
		t.Errorf("resume: %+v", e)
	}

	leader := c.leader()
	killed = time.Now()
	c.servers[leader].kill()
	l.further(t, 2*window+200) // more than was under way
	t.Logf("it goes on %v after the leader's end", time.Since(killed).Round(time.Millisecond))
	c.start(leader)
	l.further(t, 200)
	l.end(t)

	end := join(t, nodes[0].tcp(1), "last").say("end")
	for _, m := range []*member{watchers[0], watchers[1], speakers[0], speakers[1], mover} {
		m.await(t, 0, "end", func(e event) bool { return e.Seq == end.Seq })
	}
	for _, n := range nodes[:2] {
		said := history(t, n.tcp(1))
		l.hold(t, said)
		for _, m := range []*member{watchers[0], watchers[1], speakers[0], speakers[1]} {
			same(t, m, said, since)
		}
		moved(t, append(slices.Clone(seen), mover.said()...), said, since, upTo)
	}
}

// moved compares what somebody was shown on two nodes with what was said. What it was shown before it had asked where to
// begin comes once more.
func moved(t *testing.T, shown, said []event, since, upTo uint64) {
	t.Helper()
	from := slices.IndexFunc(said, func(e event) bool { return e.Seq > since })
	next := slices.IndexFunc(said, func(e event) bool { return e.Seq > upTo })
	begin := len(shown) - len(said[next:])
	old := slices.DeleteFunc(slices.Clone(shown[:max(0, begin)]), func(e event) bool { return e.Seq <= since || e.Seq > upTo })
	if got := append(texts(old), texts(shown[max(0, begin):])...); !slices.Equal(got, texts(said[from:])) {
		t.Errorf("who has moved was shown %d lines of %d, the last %q, want %q", len(got), len(said[from:]), last(got), last(texts(said)))
	}
}
