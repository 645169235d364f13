package faulttest

import (
	"fmt"
	"strings"
	"syscall"
	"testing"
)

// The disk is full, has room again, is full again, and then the process is killed. Who speaks is told, and what was
// acknowledged is there.
func TestDiskFull(t *testing.T) {
	begin(t)
	dir := t.TempDir()
	if err := syscall.Mount("tmpfs", dir, "tmpfs", 0, "size=8m"); err != nil {
		t.Skip("no small file system to fill:", err)
	}
	t.Cleanup(func() {
		if err := syscall.Unmount(dir, 0); err != nil {
			t.Error(err)
		}
	})
	grow := func(size string) {
		if err := syscall.Mount("tmpfs", dir, "tmpfs", syscall.MS_REMOUNT, "size="+size); err != nil {
			t.Fatal(err)
		}
	}
	up := func() *node {
		return serve(t, 2, "--data", dir+"/rooms", "--listen", "tcp://127.0.0.1:0", "--listen", "tcp://127.0.0.1:0?json=on")
	}
	n := up()
	ann, bob := join(t, n.tcp(1), "ann"), enter(t, n.tcp(0))
	l := &load{speakers: []*speaker{{member: ann}}}
	s := l.speakers[0]
	fill := func() {
		for len(s.refused) == 0 {
			s.said++
			text := fmt.Sprint("ann/", s.said, " ", strings.Repeat("满", 3000))
			if e := ann.ask(map[string]any{"say": text}); e.Kind == "ack" {
				s.acked = append(s.acked, event{Text: text, Seq: e.Seq})
			} else {
				s.refused = append(s.refused, event{Text: text, From: e.Text})
			}
		}
		if why := s.refused[0].From; !strings.Contains(why, "no space left on device") {
			t.Errorf("the speaker is told %q", why)
		}
		t.Logf("%d messages fit; then: %s", len(s.acked), s.refused[0].From)
		s.refused = nil
	}
	annMark, bobMark := ann.mark(), bob.mark()
	fill()
	bob.types(t, "bob says this in vain")
	bob.sees(t, bobMark, "not sent: ")
	t.Log(ann.notice(annMark, "cut off from the others").Text)
	grow("24m")
	ann.notice(annMark, "back with the others")
	bob.types(t, "bob says this")
	ann.await(t, annMark, "bob", func(e event) bool { return e.Kind == "say" && e.Text == "bob says this" })
	fill()
	n.kill()

	grow("48m")
	n = up()
	said := history(t, n.tcp(1))
	l.hold(t, said)
	for _, e := range said {
		if e.Text == "bob says this in vain" {
			t.Error("what was refused is there")
		}
	}
	join(t, n.tcp(1), "").say("goes on")
}
