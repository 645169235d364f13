//go:build unix

package faulttest

import (
	"fmt"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"
)

// One of three nodes is stopped for 15 s while everybody speaks, and goes on: it was only asleep. The others have taken it
// for dead meanwhile, and one of them has taken a nick from there.
func TestClusterStopped(t *testing.T) {
	begin(t)
	c := startCluster(t)
	var nodes [3]*node
	var watchers, speakers [3]*member
	l := newLoad(t)
	for i := range nodes {
		began := time.Now()
		nodes[i] = c.serve(c.from(i))
		t.Logf("a node is up after %v", time.Since(began).Round(time.Millisecond))
		watchers[i] = join(t, nodes[i].tcp(1), fmt.Sprint("watcher", i))
		speakers[i] = join(t, nodes[i].tcp(1), fmt.Sprint("speaker", i))
	}
	dora := enter(t, nodes[2].tcp(0))
	dora.types(t, "/nick dora")
	dora.sees(t, 0, "is now dora")
	thief := join(t, nodes[1].tcp(1), "thief")
	since := thief.say("everybody is here").Seq
	dora.sees(t, 0, "everybody is here")
	for _, m := range speakers {
		l.add(m, 20*time.Millisecond)
	}
	l.further(t, 100)

	mark, thiefMark, homeMark := watchers[0].mark(), thief.mark(), watchers[2].mark()
	nodes[2].signal(syscall.SIGSTOP)
	awake := time.After(15 * time.Second)
	for _, nick := range []string{"watcher2", "speaker2", "dora"} {
		if e := watchers[0].gone(mark, nick); e.Text != "their server is gone" {
			t.Errorf("%s left because %q", nick, e.Text)
		}
	}
	thief.gone(thiefMark, "watcher2") // its own node may be told later than the others
	if e := thief.ask(map[string]any{"line": "/nick watcher2"}); e.Kind != "ack" {
		t.Errorf("/nick: %+v", e)
	}
	watchers[0].await(t, mark, "the thief's new nick", func(e event) bool { return e.Kind == "rename" && e.From == "thief" && e.Text == "watcher2" })
	dora.types(t, "said in my sleep")
	l.further(t, 100)
	<-awake
	mark = watchers[0].mark()
	nodes[2].signal(syscall.SIGCONT)
	came := time.Now()
	for _, nick := range []string{"speaker2", "dora"} {
		watchers[0].await(t, mark, nick+" coming back", func(e event) bool { return e.Kind == "join" && e.From == nick })
	}
	t.Logf("they are back after %v", time.Since(came).Round(time.Millisecond))
	told := watchers[2].notice(homeMark, "the nick watcher2 is taken; you are ")
	_, after, _ := strings.Cut(told.Text, "; you are ")
	renamed, _, _ := strings.Cut(after, " ")
	watchers[0].await(t, mark, renamed+" coming back", func(e event) bool { return e.Kind == "join" && e.From == renamed })
	l.further(t, 3*window+100) // also of what the sleeper had under way
	l.end(t)

	end := thief.say("end")
	all := append(watchers[:], speakers[:]...)
	for _, m := range all {
		m.await(t, 0, "end", func(e event) bool { return e.Seq == end.Seq })
	}
	dora.sees(t, 0, "> end")
	said := history(t, nodes[0].tcp(1))
	if !slices.Contains(texts(said), "said in my sleep") {
		t.Error("what was typed at the node that slept is lost")
	}
	l.hold(t, said)
	for _, m := range all {
		same(t, m, said, since)
	}
	sameText(t, dora, said, since)

	lists := make(map[string]bool)
	for _, m := range []*member{watchers[0], speakers[1], watchers[2]} {
		m.gone(0, "historian")
		who := m.who()
		count, names, _ := strings.Cut(who, " here: ")
		list := strings.Split(names, ", ")
		slices.Sort(list)
		if len(slices.Compact(slices.Clone(list))) != len(list) || count != fmt.Sprint(len(list)) || len(list) != 8 {
			t.Errorf("%s is told: %s", m.nick, who)
		}
		lists[strings.Join(list, ", ")] = true
	}
	if len(lists) != 1 {
		t.Errorf("the nodes disagree on who is there: %v", lists)
	}
	for _, s := range l.speakers {
		for _, r := range s.refused {
			t.Errorf("%s was refused %q: %s", s.nick, r.Text, r.From)
		}
	}
	t.Run("terminated", func(t *testing.T) { testTerminated(t, nodes, watchers, speakers, end.Seq) })
}

// One of three nodes is told to end while everybody speaks. Its people are told, the others at once, and nobody has been
// acknowledged anything that is lost.
func testTerminated(t *testing.T, nodes [3]*node, watchers, speakers [3]*member, since uint64) {
	l := newLoad(t)
	for _, m := range speakers {
		l.add(m, 5*time.Millisecond)
	}
	l.further(t, 200)
	mark, homeMark := watchers[0].mark(), watchers[1].mark()
	began := time.Now()
	nodes[1].signal(syscall.SIGTERM)
	for _, nick := range []string{"watcher1", "speaker1"} {
		watchers[0].gone(mark, nick)
	}
	t.Logf("the others are told after %v", time.Since(began).Round(time.Millisecond))
	if code := nodes[1].ends(); code != 0 {
		t.Errorf("exit %d", code)
	}
	watchers[1].notice(homeMark, "the room is closing")
	speakers[1].notice(0, "the room is closing")
	l.further(t, 200)
	l.end(t)
	end := watchers[0].say("the very end")
	for _, m := range []*member{watchers[2], speakers[0], speakers[2]} {
		m.await(t, 0, "the very end", func(e event) bool { return e.Seq == end.Seq })
	}
	said := history(t, nodes[2].tcp(1))
	l.hold(t, said)
	same(t, watchers[2], said, since)
	same(t, speakers[0], said, since)
	same(t, speakers[2], said, since)
}

// sameText is same for a reader, who does not speak but for what is named.
func sameText(t *testing.T, r *reader, said []event, since uint64) {
	t.Helper()
	var got, want []string
	for _, line := range r.now() {
		if _, text, ok := strings.Cut(line, "> "); ok && strings.HasPrefix(line, "<") {
			got = append(got, text)
		}
	}
	if i := slices.Index(got, "everybody is here"); i >= 0 {
		got = got[i+1:]
	}
	for _, e := range said {
		if e.Seq > since && e.From != "dora" {
			want = append(want, e.Text)
		}
	}
	if !slices.Equal(got, want) {
		t.Errorf("the reader was shown %d lines, want %d: %q, want %q", len(got), len(want), last(got), last(want))
	}
}
