//go:build unix

package faulttest

import (
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"
)

// A node is cut off from the others, and all of them from what keeps the room. Who is told so says nothing in vain, and
// misses nothing.
func TestCutOff(t *testing.T) {
	begin(t)
	c := startCluster(t)
	t.Run("one", func(t *testing.T) {
		for _, how := range []string{"closed", "silent"} {
			t.Run(how, func(t *testing.T) { t.Parallel(); testCutOff(t, c, how) })
		}
	})
	t.Run("all", func(t *testing.T) { testAllCutOff(t, c) })
}

// status asks the status door of a node.
func (n *node) status(t *testing.T, path string) (code int, text string) {
	t.Helper()
	line := n.errs.await(t, 0, "status", func(line string) bool { return strings.Contains(line, "status at ") })
	_, at, _ := strings.Cut(line, "status at ")
	client := http.Client{Timeout: patience, Transport: &http.Transport{DisableKeepAlives: true}}
	answer, err := client.Get(strings.TrimSuffix(at, "/metrics") + path)
	if err != nil {
		t.Fatal(err)
	}
	defer answer.Body.Close()
	body, err := io.ReadAll(answer.Body)
	if err != nil {
		t.Fatal(err)
	}
	return answer.StatusCode, strings.TrimSpace(string(body))
}

func (n *node) isReady(t *testing.T, want bool) {
	t.Helper()
	code, text := n.status(t, "/readyz")
	if want && code != 200 || !want && (code != 503 || !strings.HasPrefix(text, "the rooms are cut off: ")) {
		t.Errorf("/readyz: %d %s", code, text)
	}
	if code, text := n.status(t, "/healthz"); code != 200 {
		t.Errorf("/healthz: %d %s", code, text)
	}
}

func testCutOff(t *testing.T, c *cluster, how string) {
	way := startProxy(t, strings.TrimPrefix(c.urls[2], "nats://"))
	here := c.serve([]string{way.url()}, "--room", how, "--status", "tcp://127.0.0.1:0")
	there := c.serve(c.from(0), "--room", how)
	ann := join(t, there.tcp(1), "ann")
	carl := join(t, here.tcp(1), "carl")
	dora, eve := enter(t, here.tcp(0)), enter(t, here.tcp(0))
	dora.types(t, "/nick dora")
	eve.types(t, "/nick eve")
	dora.sees(t, 0, "is now eve")
	since := ann.say("everybody is here").Seq
	eve.sees(t, 0, "everybody is here")
	here.isReady(t, true)
	l := newLoad(t)
	l.add(ann, 20*time.Millisecond)

	annMark, carlMark, doraMark, eveMark := ann.mark(), carl.mark(), dora.mark(), eve.mark()
	began := time.Now()
	way.cut(how)
	under := make(chan event, 1) // nobody has been told yet
	if err := carl.request(map[string]any{"say": "carl/under way"}, func(e event) { under <- e }); err != nil {
		t.Fatal(err)
	}
	told := carl.notice(carlMark, "cut off from the others").Text
	t.Logf("after %v: %s", time.Since(began).Round(time.Millisecond), told)
	dora.sees(t, doraMark, "cut off from the others")
	eve.sees(t, eveMark, "cut off from the others")
	here.isReady(t, false)
	dora.types(t, "into the void")
	t.Log(dora.sees(t, doraMark, "not sent: "))
	for _, nick := range []string{"carl", "dora", "eve"} {
		if e := ann.gone(annMark, nick); e.Text != "their server is gone" {
			t.Errorf("%s left because %q", nick, e.Text)
		}
	}
	if other, err := dialJSON(here.tcp(1)); err == nil {
		t.Errorf("somebody is let in: %q", other)
	} else {
		t.Log("who comes now is told:", err)
	}

	annMark = ann.mark()
	way.heal()
	began = time.Now()
	carl.notice(carlMark, "back with the others")
	t.Logf("back after %v", time.Since(began).Round(time.Millisecond))
	dora.sees(t, doraMark, "back with the others")
	here.isReady(t, true)
	for _, nick := range []string{"carl", "dora", "eve"} {
		ann.await(t, annMark, nick+" coming back", func(e event) bool { return e.Kind == "join" && e.From == nick })
	}
	answer := <-under
	dora.types(t, "out of the void")
	eve.sees(t, eveMark, "out of the void")
	l.end(t)
	end := ann.say("ann/end")
	carl.await(t, 0, "end", func(e event) bool { return e.Seq == end.Seq })
	eve.sees(t, 0, "> ann/end")
	dora.sees(t, 0, "> ann/end")
	said := history(t, here.tcp(1))
	l.hold(t, said)
	same(t, carl, said, since)
	same(t, ann, said, since)
	sameText(t, dora, said, since)
	for _, line := range eve.now() {
		if strings.Contains(line, "into the void") {
			t.Errorf("what was refused is shown: %q", line)
		}
	}
	all := texts(said)
	if slices.Contains(all, "into the void") {
		t.Error("what was refused is there")
	}
	if answer.Kind != "ack" { // it was sent again until it could be answered
		t.Errorf("what was under way is answered %+v", answer)
	}
	all = slices.DeleteFunc(all, func(text string) bool { return text != "carl/under way" })
	if len(all) != 1 {
		t.Errorf("what was under way is there %d times", len(all))
	}
}

// All servers fall silent at once.
func testAllCutOff(t *testing.T, c *cluster) {
	var members [2]*member
	var nodes [2]*node
	for i := range nodes {
		nodes[i] = c.serve(c.from(i), "--room", "all", "--status", "tcp://127.0.0.1:0")
		members[i] = join(t, nodes[i].tcp(1), fmt.Sprint("member", i))
	}
	since := members[0].say("member0/1").Seq - 1
	members[1].await(t, 0, "greeting", func(e event) bool { return e.Text == "member0/1" })
	marks := [2]int{members[0].mark(), members[1].mark()}
	began := time.Now()
	for _, s := range c.servers {
		s.signal(syscall.SIGSTOP)
	}
	for i, m := range members {
		m.notice(marks[i], "cut off from the others")
		t.Logf("%s is told after %v", m.nick, time.Since(began).Round(time.Millisecond))
		nodes[i].isReady(t, false)
		if e := m.ask(map[string]any{"say": "into the void"}); e.Kind != "error" || !strings.Contains(e.Text, "cut off from the others") {
			t.Errorf("what is said is answered %+v", e)
		}
	}
	for _, s := range c.servers {
		s.signal(syscall.SIGCONT)
	}
	began = time.Now()
	for i, m := range members {
		m.notice(marks[i], "back with the others")
		t.Logf("%s is back after %v", m.nick, time.Since(began).Round(time.Millisecond))
		nodes[i].isReady(t, true)
	}
	end := members[0].say("member0/2").Seq
	members[1].await(t, marks[1], "the end", func(e event) bool { return e.Seq == end })
	if who := members[1].who(); !strings.HasPrefix(who, "2 here: ") {
		t.Errorf("/who: %s", who)
	}
	said := history(t, nodes[0].tcp(1))
	if got := texts(said); !slices.Equal(got, []string{"member0/1", "member0/2"}) {
		t.Errorf("there is %q", got)
	}
	same(t, members[1], said, since)
}
