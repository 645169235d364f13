package handler_test

import (
	"fmt"
	"io"
	"net"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"sockeye.dev/frame"
	"sockeye.dev/handler"
	"sockeye.dev/room"
	"sockeye.dev/session"
)

// Going to another room, which can open one, is joining, however it is spelled and by whichever door; nothing else is.
func TestThrottleCountsRooms(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := house(t)
		throttle := &handler.Throttle{Joins: 1}
		var all sync.WaitGroup
		var conns []net.Conn
		defer func() {
			for _, c := range conns {
				_ = c.Close()
			}
			all.Wait()
		}()
		enter := func(host string, chat *handler.Chat) (ask func(line string) string) {
			t.Helper()
			ours, theirs := net.Pipe()
			conns = append(conns, theirs)
			s := session.New(from{ours, &net.TCPAddr{IP: net.ParseIP(host), Port: 7}}, &session.Config{Format: session.Format{Framing: frame.Line{}}})
			all.Go(func() {
				_ = chat.Serve(t.Context(), s)
				_ = s.Close()
				_ = ours.Close()
			})
			if got := read(t, theirs); chat.JSON != strings.Contains(got, `"kind":"join"`) || !strings.Contains(got, "welcome to lobby") {
				t.Errorf("%s is told %q", host, got)
			}
			return func(line string) string {
				t.Helper()
				if _, err := io.WriteString(theirs, line+"\n"); err != nil {
					t.Error(err)
				}
				return read(t, theirs)
			}
		}
		fast := room.English.TooFast
		ann := enter("192.0.2.1", &handler.Chat{House: h, Throttle: throttle}) // the first of five seconds' worth
		for i := range 10 {
			for _, line := range []string{"/rooms", "/leave", "//join den", "/joined", "join den"} {
				if got := ann(line); strings.Contains(got, fast) {
					t.Errorf("%s is answered %q", line, got)
				}
			}
			if i >= 4 {
				for _, line := range []string{"/join den", "/JOIN den", "/Join den", "/join\tden", "/jo\u0130n den"} {
					if got := ann(line); got != "* "+fast+"\n" {
						t.Errorf("after %d rooms %q is answered %q", i, line, got)
					}
				}
			} else if got := ann(fmt.Sprint("/join den", i)); !strings.Contains(got, fmt.Sprint("welcome to den", i)) {
				t.Errorf("/join %d is answered %q", i, got)
			}
		}
		if strings.Contains(ann("/rooms"), "den (") {
			t.Error("a room was opened all the same")
		}

		time.Sleep(2 * time.Second) // of which one is for bot
		bot := enter("192.0.2.1", &handler.Chat{House: h, Throttle: throttle, JSON: true})
		for i, want := range []string{"welcome to den", fast} {
			if got := bot(fmt.Sprintf(`{"id":%d,"line":"/join den%[1]d"}`, i)); !strings.Contains(got, want) {
				t.Errorf("the program's /join is answered %q, want %q", got, want)
			}
		}
		for _, free := range []string{"192.0.2.2", "127.0.0.1"} { // another address, and this host
			ask := enter(free, &handler.Chat{House: h, Throttle: throttle})
			for range map[bool]int{true: 20, false: 2}[free == "127.0.0.1"] {
				for _, line := range []string{"/join den", "/leave"} {
					if got := ask(line); !strings.Contains(got, "welcome to") {
						t.Errorf("%s: %s is answered %q", free, line, got)
					}
				}
			}
		}
	})
}
