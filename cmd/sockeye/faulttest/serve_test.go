//go:build unix

package faulttest

import (
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
)

// Whoever is there when the process is told to end reads so.
func TestTerminated(t *testing.T) {
	begin(t)
	n := serve(t, 2, "--no-history", "--listen", "tcp://127.0.0.1:0", "--listen", "tcp://127.0.0.1:0?json=on")
	ann, bob := join(t, n.tcp(1), "ann"), enter(t, n.tcp(0))
	l := newLoad(t)
	l.add(ann, 0)
	l.further(t, 100)
	mark := ann.mark()
	n.signal(syscall.SIGTERM)
	if code := n.ends(); code != 0 {
		t.Errorf("exit %d", code)
	}
	<-ann.read
	<-bob.read
	ann.notice(mark, "the room is closing")
	bob.sees(t, 0, "* the room is closing")
	l.end(t)
	heard := make(map[string]bool)
	for _, line := range bob.now() {
		_, text, _ := strings.Cut(line, "> ")
		heard[text] = true
	}
	for _, a := range l.speakers[0].acked {
		if !heard[a.Text] {
			t.Errorf("%q was acknowledged and is not shown", a.Text)
		}
	}
}

// The file changes while people are there, rightly and wrongly.
func TestReload(t *testing.T) {
	begin(t)
	dir := t.TempDir()
	path := filepath.Join(dir, "sockeye.yaml")
	old, changed, added := freePort(t), freePort(t), freePort(t)
	write := func(text string) {
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	write(fmt.Sprintf("listen: [%s, %s]\nhistory: {keep: false}\n", old, changed))
	n := serve(t, 2, path)
	ann, bob := enter(t, old), enter(t, changed)
	ann.types(t, "/nick ann")
	bob.types(t, "/nick bob")
	ann.sees(t, 0, "is now bob")
	talk := func(when string) {
		t.Helper()
		ann.types(t, "ann says, "+when)
		bob.sees(t, 0, "<ann> ann says, "+when)
		bob.types(t, "bob says, "+when)
		ann.sees(t, 0, "<bob> bob says, "+when)
	}
	talk("before")
	refused := func(addr string) {
		t.Helper()
		if conn, err := net.Dial("tcp", addr); err == nil {
			conn.Close()
			t.Errorf("%s takes connections", addr)
		}
	}

	write(fmt.Sprintf("listen:\n- {address: %s, room: side}\n- {address: %s, json: true}\nrooms: [lobby, {name: side, topic: asides}]\nhistory: {keep: false}\n", changed, added))
	mark := n.errs.mark()
	n.signal(syscall.SIGHUP)
	n.says(mark, `msg="the file was taken"`)
	talk("after")
	refused(old)
	carl := enter(t, changed)
	carl.sees(t, 0, "welcome to side")
	carl.sees(t, 0, "topic: asides")
	dora := join(t, added, "dora")
	ann.sees(t, 0, "is now dora")
	if who := dora.who(); !strings.HasPrefix(who, "3 here: ") {
		t.Errorf("/who: %s", who)
	}

	for _, faulty := range []struct{ text, want string }{
		{fmt.Sprintf("listen: [%s]\nrooms: [lobby]\nlimits:\n  mesage: 5\n", old), "sockeye.yaml:4:3: "},
		{"listen: [\n", "sockeye.yaml:"},
		{fmt.Sprintf("listen: [%s]\nrooms: [lobby]\nlimits: {members: many}\n", old), "sockeye.yaml:3:19: "},
	} {
		write(faulty.text)
		mark = n.errs.mark()
		n.signal(syscall.SIGHUP)
		line := n.says(mark, "everything is as it was")
		if !strings.Contains(line, faulty.want) {
			t.Errorf("%q: it says %s, want %q", faulty.text, line, faulty.want)
		}
		t.Log(line)
		refused(old)
		enter(t, changed).sees(t, 0, "welcome to side")
		talk("after " + faulty.want)
	}

	write(fmt.Sprintf("listen: [%s]\nrooms: [lobby]\nhistory: {keep: false}\n", old))
	mark = n.errs.mark()
	n.signal(syscall.SIGHUP)
	n.says(mark, `msg="the file was taken"`)
	refused(changed)
	refused(added)
	enter(t, old).sees(t, 0, "welcome to lobby")
	talk("in the end")
	dora.say("dora too")
	ann.sees(t, 0, "<dora> dora too")
	carl.types(t, "/who")
	carl.sees(t, 0, "here: ")
	n.signal(syscall.SIGTERM)
	for _, r := range []*reader{ann, bob, carl} {
		r.sees(t, 0, "the room is closing")
	}
	if code := n.ends(); code != 0 {
		t.Errorf("exit %d", code)
	}
}
