package lan_test

import (
	"errors"
	"fmt"
	"io"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"sockeye.dev/endpoint"
)

const (
	choose = "==============================\n1:发送消息\n2:接收消息\n==============================\n请输入要操作的功能序号:"
	what   = "\n请输入要发送的数据:"
	whom   = "\n请输入对方的ip地址:"
	where  = "\n请输入对方的port:"
)

// The course's dialogue, word for word.
func TestMenu(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var network endpoint.Mem
		a, b := sit(t, &network, 1, nil), sit(t, &network, 2, nil)
		a.sees(choose)
		b.sees(choose)
		for _, step := range []struct{ typed, seen string }{
			{"3\n", "输入有误，请重新输入...\n" + choose},
			{"\n", "输入有误，请重新输入...\n" + choose},
			{"1\n", what}, {"你好\n", whom}, {"127.0.0.1\n", where}, {"2\n", choose},
			{"1\nagain\n127.0.0.1\n2\n", what + whom + where + choose},
		} {
			a.in.say(step.typed)
			a.sees(step.seen)
		}
		b.sees("") // what has come is kept
		b.in.say("2\n2\n2\n")
		b.sees(">>>('127.0.0.1', 1):你好\n" + choose + ">>>('127.0.0.1', 1):again\n" + choose) // and the third 2 waits
		a.in.say("1\nlate\n\n2\n")                                                           // no address is this machine
		a.sees(what + whom + where + choose)
		b.sees(">>>('127.0.0.1', 1):late\n" + choose)
		b.in.say("1\nanswer\n\n1\n") // to whom has spoken first
		b.sees(what + whom + where + choose)
		a.in.say("2\n")
		a.sees(">>>('127.0.0.1', 2):answer\n" + choose)
		b.in.end(io.EOF)
		if err := <-b.done; err != nil {
			t.Error(err)
		}
		a.leave()
	})
}

// The dialogue outlives what cannot be sent.
func TestMenuMistakes(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a := sit(t, new(endpoint.Mem), 1, nil)
		for _, test := range []struct{ port, note string }{
			{"x", "\"x\" is no port\n"}, {"65536", "\"65536\" is no port\n"}, {"", "\"\" is no port\n"}, {"0", "not sent: send to udp://127.0.0.1:0: "},
		} {
			a.out.take()
			a.in.say("1\nhello\n127.0.0.1\n" + test.port + "\n")
			a.sees(what + whom + where + choose)
			if got := a.notes.take(); !strings.HasPrefix(got, test.note) {
				t.Errorf("port %q: noted %q, want %q", test.port, got, test.note)
			}
		}
		a.in.say("1\nhello\n")
		a.in.end(io.EOF)
		if err := <-a.done; !errors.Is(err, io.ErrUnexpectedEOF) {
			t.Error(err)
		}
	})
}

// Whoever was silent for a day can speak and be spoken to.
func TestMenuAfterSilence(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var network endpoint.Mem
		a, b := sit(t, &network, 1, nil), sit(t, &network, 2, nil)
		b.out.take()
		for range 3 {
			a.in.say("1\nhello\n127.0.0.1\n2\n")
			b.in.say("2\n")
			b.sees(">>>('127.0.0.1', 1):hello\n" + choose)
			time.Sleep(24 * time.Hour)
		}
		a.leave()
		b.leave()
	})
}

// What there is no room for is counted.
func TestMenuOverflows(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var network endpoint.Mem
		a := sit(t, &network, 1, nil)
		conn, err := network.Dial(t.Context(), at("127.0.0.1", 1))
		if err != nil {
			t.Fatal(err)
		}
		defer conn.Close()
		for i := range 1003 {
			fmt.Fprint(conn, i)
			synctest.Wait()
		}
		a.out.take()
		a.in.say(strings.Repeat("2\n", 1000))
		if got := a.out.take(); strings.Count(got, ">>>") != 1000 || !strings.Contains(got, "):999\n") {
			t.Errorf("seen %d messages", strings.Count(got, ">>>"))
		}
		if got := a.notes.take(); got != "3 messages came that there was no room to keep\n" {
			t.Errorf("noted %q", got)
		}
		a.leave()
	})
}
