package workbench

import (
	"bytes"
	"fmt"
	"io"
	"net/http/httptest"
	"regexp"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"sockeye.dev/endpoint"
)

// guest is a visitor who has gone when the test ends; of those from elsewhere, bind=192.0.2.1 is the address.
func guest(t *testing.T, network *endpoint.Mem, addr string) *visitor {
	t.Helper()
	v := visit(t, network, addr)
	t.Cleanup(func() { _ = v.Close() })
	return v
}

// What the file says of the rooms is so in the rooms.
func TestFileOfRooms(t *testing.T) {
	for _, c := range []struct {
		yaml string
		said []string
		want string // in the answer to the last
	}{
		{"rooms: [{name: hall, topic: all of it}]", []string{"/topic"}, "all of it"},
		{"rooms: [hall, ops]", []string{"/rooms"}, "hall (1), ops (0)"},
		{"members-open-rooms: false", []string{"/join den"}, "there is no room den"},
		{"members-open-rooms: true", []string{"/join den"}, "welcome to den"},
		{"limits: {rooms: 2}", []string{"/join den", "/join pit"}, "there are 2 rooms already"},
		{"limits: {rooms: 1}", []string{"/join den"}, "which is the limit"},
		{"limits: {message: 5}", []string{"more than five"}, "the limit is 5"},
		{"operators: {secret: open sesame}", []string{"/op open sesame"}, "you are an operator now"},
	} {
		synctest.Test(t, func(t *testing.T) {
			_, network, _ := bench(t, "listen: [tcp://127.0.0.1:1]\n"+c.yaml)
			v := guest(t, network, "tcp://127.0.0.1:1")
			got := v.see()
			for _, line := range c.said {
				got = v.say(t, line)
			}
			if !strings.Contains(got, c.want) {
				t.Errorf("%s: the answer to %q is %q, want %q", c.yaml, c.said, got, c.want)
			}
		})
	}
}

// How many of those who come at once are let in, by what limit; and who is not is told why, or at least gone.
func TestHowManyAreLetIn(t *testing.T) {
	const chat, broker, remote = "tcp://127.0.0.1:1", "tcp://127.0.0.1:2", "?bind=192.0.2.1"
	const tooOften = "too many members from your address"
	for _, c := range []struct {
		limits  string
		door    string // of chat, what else is said
		comes   []string
		letIn   int
		refusal string // of the others
	}{
		{"", "", []string{chat + remote}, 25, tooOften},
		{"joins-per-second: 1", "", []string{chat + remote}, 5, tooOften},
		{"joins-per-second: 1", "", []string{broker + remote}, 5, ""},
		{"joins-per-second: 1", "", []string{chat + remote, broker + remote}, 5, ""}, // both doors together
		{"joins-per-second: 1", "", []string{chat}, 30, ""},                          // of this host
		{"joins-per-second: 0", "", []string{chat + remote}, 30, ""},
		{"sessions: 3", "", []string{chat, broker, chat + remote}, 3, ""},
		{"per-source: 2, joins-per-second: 0", "", []string{chat + remote, broker + remote}, 2, ""},
		{"per-source: 2, joins-per-second: 0", "", []string{chat + remote, chat}, 17, ""}, // all of this host
		{"joins-per-second: 0", "members: 4", []string{chat, chat + remote}, 4, ""},
		{"joins-per-second: 0", "members: 4", []string{broker}, 30, ""},
		{"members: 3", "", []string{chat}, 3, "the room is full"},
	} {
		synctest.Test(t, func(t *testing.T) {
			_, network, _ := bench(t, "listen: [{address: tcp://127.0.0.1:1, "+c.door+"}, {address: tcp://127.0.0.1:2, broker: true}]\n"+
				"limits: {"+c.limits+"}")
			letIn := 0
			for i := range 30 {
				from := c.comes[i%len(c.comes)]
				got := guest(t, network, from).see()
				if !strings.HasSuffix(got, "EOF") {
					letIn++
				} else if !strings.Contains(got, c.refusal) || strings.Contains(got, "welcome") {
					t.Errorf("%s: who is not let in is told %q, want %q", c.limits, got, c.refusal)
				}
			}
			if letIn != c.letIn {
				t.Errorf("%s%s: %d of 30 were let in at %q, want %d", c.limits, c.door, letIn, c.comes, c.letIn)
			}
		})
	}
}

// How many lines somebody says at once are heard at once. The others are late over a stream, and lost as datagrams.
func TestHowManyLinesAreHeard(t *testing.T) {
	for _, c := range []struct {
		limit, from string
		atOnce      int
	}{
		{"", "192.0.2.1", 100},
		{"lines-per-second: 1", "192.0.2.1", 5},
		{"lines-per-second: 0", "192.0.2.1", 150},
		{"lines-per-second: 1", "127.0.0.1", 150},
	} {
		synctest.Test(t, func(t *testing.T) {
			_, network, _ := bench(t, "listen: [tcp://127.0.0.1:1]\nlimits: {"+c.limit+"}")
			ann, bob := guest(t, network, "tcp://127.0.0.1:1"), guest(t, network, "tcp://127.0.0.1:1?bind="+c.from)
			bob.see()
			ann.see()
			bob.say(t, strings.Repeat("x\n", 150)+"/who")
			if got := strings.Count(ann.see(), "> x\n"); got != c.atOnce {
				t.Errorf("%s: %d lines of %s are heard at once, want %d", c.limit, got, c.from, c.atOnce)
			}
			time.Sleep(time.Hour)
			if got := strings.Count(ann.see(), "> x\n"); got != 150-c.atOnce {
				t.Errorf("%s: %d lines of %s are heard later, want %d", c.limit, got, c.from, 150-c.atOnce)
			}
		})
	}
}

// Who sends datagrams from elsewhere is nobody until it has shown that it is there, and is sent no more than came until then.
func TestCookieDoor(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		_, network, _ := bench(t, "listen: [tcp://127.0.0.1:1, udp://:2]")
		ann := guest(t, network, "tcp://127.0.0.1:1")
		ann.see()
		if got := guest(t, network, "udp://127.0.0.1:2").say(t, "hello"); !strings.Contains(got, "welcome to lobby") {
			t.Errorf("on this host: %q", got)
		}
		if got := ann.see(); !strings.Contains(got, "> hello") {
			t.Errorf("ann sees %q", got)
		}
		far := guest(t, network, "udp://127.0.0.1:2?bind=192.0.2.1")
		if got := far.say(t, "hi"); got != "" {
			t.Errorf("3 bytes are answered by %q", got)
		}
		got := far.say(t, "somewhat longer than a cookie")
		if !regexp.MustCompile(`^/join [a-z2-7]{8}\n$`).MatchString(got) {
			t.Fatalf("the cookie is told by %q", got)
		}
		if got := ann.see(); got != "" {
			t.Errorf("ann sees %q of who has proved nothing", got)
		}
		if got := far.say(t, strings.TrimSpace(got)); !strings.Contains(got, "welcome to lobby") {
			t.Errorf("the cookie brought %q", got)
		}
		if far.say(t, "here I am"); !strings.Contains(ann.see(), "> here I am") {
			t.Error("a member is not heard")
		}
	})
}

// What a web page may have a browser send is passed on by no broker.
func TestBrokerDoor(t *testing.T) {
	for said, passed := range map[string]string{
		"hello": "hello\n", "POST / HTTP/1.1\r\nHost: x\r\n\r\nspam": "", "\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03": "", "SSH-2.0-OpenSSH_9.7": "",
	} {
		synctest.Test(t, func(t *testing.T) {
			_, network, _ := bench(t, "listen: [{address: tcp://127.0.0.1:1, broker: true}]")
			ann, stranger := guest(t, network, "tcp://127.0.0.1:1"), guest(t, network, "tcp://127.0.0.1:1")
			ann.see()
			end := stranger.say(t, said)
			if got := ann.see(); got != passed {
				t.Errorf("%q: the other receives %q", said, got)
			}
			if closed := end == "EOF"; closed != (passed == "") {
				t.Errorf("%q: who says so sees %q", said, end)
			}
		})
	}
}

// Who is banned by the file is let in nowhere, also once the file is another.
func TestBannedDoors(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const doors = "listen: [tcp://127.0.0.1:1, {address: tcp://127.0.0.1:2, broker: true}]\nrooms: [lobby, ops]\n"
		w, network, _ := bench(t, doors+"ban: [192.0.2.0/28]")
		ann := guest(t, network, "tcp://127.0.0.1:2")
		ann.see()
		check := func(host string, banned bool) {
			t.Helper()
			chat, raw := guest(t, network, "tcp://127.0.0.1:1?bind="+host), guest(t, network, "tcp://127.0.0.1:2?bind="+host)
			got := chat.see()
			if banned && got != "* nobody from your address is let in\nEOF" || !banned && !strings.Contains(got, "welcome to lobby") {
				t.Errorf("%s is told %q in the room", host, got)
			}
			if got := raw.see(); (got == "EOF") != banned {
				t.Errorf("%s is told %q by the broker", host, got)
			}
			_, _ = io.WriteString(raw, host+"\n")
			if got := ann.see(); (got == "") != banned {
				t.Errorf("of %s others hear %q by the broker", host, got)
			}
		}
		check("192.0.2.9", true)
		check("192.0.2.16", false)
		if _, err := w.Reload(t.Context(), parse(t, doors+"ban: [192.0.2.16]")); err != nil {
			t.Fatal(err)
		}
		check("192.0.2.9", false)
		check("192.0.2.16", true)
	})
}

// A newcomer is shown as much of what was said as the file says.
func TestNewcomers(t *testing.T) {
	for history, want := range map[string]int{"{}": 20, "{newcomers: 3}": 3, "{newcomers: 0}": 0} {
		synctest.Test(t, func(t *testing.T) {
			_, network, _ := bench(t, "listen: [tcp://127.0.0.1:1]\nhistory: "+history)
			ann := guest(t, network, "tcp://127.0.0.1:1")
			ann.see()
			for i := range 30 {
				ann.say(t, fmt.Sprint("line ", i))
			}
			got := guest(t, network, "tcp://127.0.0.1:1").see()
			if n := strings.Count(got, "> line "); n != want || want > 0 && !strings.Contains(got, "line 29\n") {
				t.Errorf("%s: a newcomer sees %d lines, want %d:\n%s", history, n, want, got)
			}
		})
	}
}

// Silence ends conversations with those who could not say that they have gone.
func TestIdleDoors(t *testing.T) {
	for door, idle := range map[string]time.Duration{
		"{address: udp://127.0.0.1:2, idle: 5s}": 5 * time.Second, "udp://127.0.0.1:2": time.Minute,
		"{address: tcp://127.0.0.1:2, idle: 7s}": 7 * time.Second,
	} {
		synctest.Test(t, func(t *testing.T) {
			w, network, _ := bench(t, "listen: [tcp://127.0.0.1:1, "+door+"]")
			ann := guest(t, network, "tcp://127.0.0.1:1")
			ann.see()
			bob := guest(t, network, regexp.MustCompile(`\w+://[0-9.:]+`).FindString(door))
			bob.say(t, "hello")
			time.Sleep(idle - time.Second)
			if ann.see(); w.Snapshot().Members != 2 {
				t.Errorf("%s: gone before %v", door, idle)
			}
			time.Sleep(2 * time.Second)
			if got := ann.see(); w.Snapshot().Members != 1 {
				t.Errorf("%s: still there after %v; ann sees %q", door, idle, got)
			}
		})
	}
}

// Who does not read what it is told in the end is cut off when the file says.
func TestDrain(t *testing.T) {
	for drain, want := range map[string]time.Duration{"500ms": time.Second / 2, "7s": 7 * time.Second} {
		synctest.Test(t, func(t *testing.T) {
			_, network, stop := bench(t, "listen: ['tcp://127.0.0.1:1?rcvbuf=1']\ndrain: "+drain)
			a, err := endpoint.Parse("tcp://127.0.0.1:1")
			if err != nil {
				t.Fatal(err)
			}
			conn, err := network.Dial(t.Context(), a)
			if err != nil {
				t.Fatal(err)
			}
			defer conn.Close()
			synctest.Wait()
			began := time.Now()
			if err := stop(); err != nil {
				t.Error(err)
			}
			if took := time.Since(began); took != want {
				t.Errorf("%s: it took %v, want %v", drain, took, want)
			}
		})
	}
}

// Members that are dropped are counted, where operators look.
func TestLostAreCounted(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w, network, _ := bench(t, "listen: [tcp://127.0.0.1:1, 'tcp://127.0.0.1:2?rcvbuf=1']")
		a, err := endpoint.Parse("tcp://127.0.0.1:2")
		if err != nil {
			t.Fatal(err)
		}
		for range 2 { // who never read
			conn, err := network.Dial(t.Context(), a)
			if err != nil {
				t.Fatal(err)
			}
			defer conn.Close()
		}
		ann := guest(t, network, "tcp://127.0.0.1:1")
		ann.see()
		metric := func() string {
			answer := httptest.NewRecorder()
			(&Status{Snapshot: w.Snapshot}).ServeHTTP(answer, httptest.NewRequest("GET", "/metrics", nil))
			for line := range bytes.Lines(answer.Body.Bytes()) {
				if bytes.HasPrefix(line, []byte("sockeye_members_lost_total")) {
					return string(line)
				}
			}
			return ""
		}
		const lost = `sockeye_members_lost_total{reason="slow or broken"} `
		if got := metric(); got != lost+"0\n" {
			t.Errorf("before: %q", got)
		}
		for range 300 {
			ann.say(t, strings.Repeat("x", 4000))
		}
		if got := metric(); got != lost+"2\n" {
			t.Errorf("after: %q", got)
		}
	})
}
