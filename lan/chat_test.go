package lan_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"go.uber.org/goleak"

	"sockeye.dev/charset"
	"sockeye.dev/endpoint"
	"sockeye.dev/lan"
	"sockeye.dev/session"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

var errStopped = errors.New("stopped")

// feed is input that takes what is written without waiting for a reader.
type feed struct {
	mu   sync.Mutex
	more sync.Cond
	buf  bytes.Buffer
	err  error
}

func (f *feed) say(text string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.buf.WriteString(text)
	f.more.Broadcast()
}

func (f *feed) end(err error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.err = err
	f.more.Broadcast()
}

func (f *feed) Cancel() bool { f.end(errStopped); return true }

func (f *feed) Read(p []byte) (int, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	for f.buf.Len() == 0 && f.err == nil {
		f.more.Wait()
	}
	if f.buf.Len() > 0 {
		return f.buf.Read(p)
	}
	return 0, f.err
}

// screen is what a person sees.
type screen struct {
	mu  sync.Mutex
	buf bytes.Buffer
}

func (s *screen) Write(p []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.buf.Write(p)
}

// take is what has come since the last time, once everything rests.
func (s *screen) take() string {
	synctest.Wait()
	s.mu.Lock()
	defer s.mu.Unlock()
	defer s.buf.Reset()
	return s.buf.String()
}

// person is one end of a chat.
type person struct {
	t     *testing.T
	in    feed
	out   screen
	notes screen
	stop  context.CancelCauseFunc
	done  chan error
}

// sit lets a person chat at a port; set changes the chat before it begins.
func sit(t *testing.T, network endpoint.Network, port uint16, set func(*lan.Chat)) *person {
	t.Helper()
	p := &person{t: t, done: make(chan error, 1)}
	p.in.more.L = &p.in.mu
	c := &lan.Chat{Network: network, Bind: at("127.0.0.1", port), In: &p.in, Out: &p.out,
		Note: func(format string, args ...any) { fmt.Fprintf(&p.notes, format+"\n", args...) }}
	run := c.Run
	if set != nil {
		set(c)
	}
	if c.Peers == nil {
		run = c.RunMenu
	}
	ctx, cancel := context.WithCancelCause(t.Context())
	p.stop = cancel
	go func() { p.done <- run(ctx) }()
	if got, want := p.notes.take(), fmt.Sprintf("listening on udp://127.0.0.1:%d\n", port); got != want {
		t.Errorf("noted %q, want %q", got, want)
	}
	return p
}

// leave ends a chat.
func (p *person) leave() {
	p.t.Helper()
	p.stop(errStopped)
	if err := <-p.done; err != errStopped {
		p.t.Errorf("it ended with %v", err)
	}
}

func (p *person) sees(want string) {
	p.t.Helper()
	if got := p.out.take(); got != want {
		p.t.Errorf("seen %q, want %q", got, want)
	}
}

func at(host string, port uint16) endpoint.Addr {
	return endpoint.Addr{Scheme: "udp", Host: host, Port: port}
}

func with(ports ...uint16) func(*lan.Chat) {
	return func(c *lan.Chat) {
		c.Peers = []endpoint.Addr{}
		for _, port := range ports {
			c.Peers = append(c.Peers, at("127.0.0.1", port))
		}
	}
}

func encoding(t *testing.T, name string) *charset.Encoding {
	t.Helper()
	e, err := charset.Lookup(name)
	if err != nil {
		t.Fatal(err)
	}
	return e
}

// Each speaks to all its peers, in its own encoding, at any time.
func TestRun(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var network endpoint.Mem
		gbk := encoding(t, "gbk")
		a := sit(t, &network, 1, func(c *lan.Chat) { with(2, 3)(c); c.Config.Format.Encoding = gbk })
		b := sit(t, &network, 2, func(c *lan.Chat) { with(1)(c); c.Config.Format.Encoding = charset.Auto(gbk) })
		c := sit(t, &network, 3, func(c *lan.Chat) { with()(c); c.Config.Format.Encoding = gbk })
		a.in.say("你好\r\n\nagain\n")
		const heard = ">>>('127.0.0.1', 1):你好\n>>>('127.0.0.1', 1):again\n"
		b.sees(heard)
		c.sees(heard)
		b.in.say("收到\n") // in GBK, as it was spoken to
		a.sees(">>>('127.0.0.1', 2):收到\n")
		c.in.say("hello?\n")
		if got := c.notes.take(); got != "nobody to send to: name a --peer\n" {
			t.Errorf("noted %q", got)
		}
		for _, p := range []*person{a, b, c} {
			p.leave()
		}
	})
}

// Whoever was silent for a day can speak and be spoken to.
func TestRunAfterSilence(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var network endpoint.Mem
		a, b := sit(t, &network, 1, with(2)), sit(t, &network, 2, with(1))
		for range 3 {
			a.in.say("from a\n")
			b.sees(">>>('127.0.0.1', 1):from a\n")
			time.Sleep(24 * time.Hour)
			b.in.say("from b\n")
			a.sees(">>>('127.0.0.1', 2):from b\n")
			time.Sleep(24 * time.Hour)
		}
		a.leave()
		b.leave()
	})
}

// The end of the input leaves a second for what others still say.
func TestRunLingers(t *testing.T) {
	for _, wait := range []time.Duration{0, time.Minute} {
		synctest.Test(t, func(t *testing.T) {
			var network endpoint.Mem
			a := sit(t, &network, 1, func(c *lan.Chat) { with(2)(c); c.Wait = wait })
			b := sit(t, &network, 2, with(1))
			began := time.Now()
			a.in.say("last line, without an end")
			a.in.end(io.EOF)
			b.sees(">>>('127.0.0.1', 1):last line, without an end\n")
			b.in.say("bye\n")
			a.sees(">>>('127.0.0.1', 2):bye\n")
			if err := <-a.done; err != nil {
				t.Error(err)
			}
			if d, want := time.Since(began), max(wait, time.Second); d != want {
				t.Errorf("it ended after %v, want %v", d, want)
			}
			b.leave()
		})
	}
}

// What a stranger sends is harmless at a terminal, and no text is no end.
func TestRunStrangers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var network endpoint.Mem
		a := sit(t, &network, 1, func(c *lan.Chat) { with(2)(c); c.Safe = true })
		stranger, err := network.Dial(t.Context(), at("127.0.0.1", 1))
		if err != nil {
			t.Fatal(err)
		}
		defer stranger.Close()
		from := stranger.LocalAddr().(interface{ String() string }).String()
		_, port, _ := strings.Cut(from, ":")
		_, _ = io.WriteString(stranger, "\x1b[2J\u202e")
		a.sees(">>>('127.0.0.1', " + port + "):" + `\x1b[2J\u202e` + "\n")
		_, _ = io.WriteString(stranger, "\xff")
		a.sees("")
		if got := a.notes.take(); !strings.HasPrefix(got, from+" sent what is no text: utf-8: cannot decode") {
			t.Errorf("noted %q", got)
		}
		_, _ = io.WriteString(stranger, "text")
		a.sees(">>>('127.0.0.1', " + port + "):text\n")
		a.leave()
	})
}

// What cannot be sent is said to a person and ends a program.
func TestRunMistakes(t *testing.T) {
	ascii := func(c *lan.Chat) {
		with(2)(c)
		c.Config.Format.Encoding, _ = charset.Lookup("ascii")
	}
	digits := func(c *lan.Chat) {
		with(2)(c)
		c.Read = func(line []byte) (session.Message, error) {
			if string(line) == "é" {
				return session.Message{}, errors.New("no digits")
			}
			return session.Text(string(line)), nil
		}
	}
	for name, test := range map[string]struct {
		set    func(*lan.Chat)
		reason string
	}{"encoding": {ascii, "send to 127.0.0.1:2: ascii: cannot encode"}, "reading": {digits, "no digits"}} {
		synctest.Test(t, func(t *testing.T) {
			a := sit(t, new(endpoint.Mem), 1, test.set)
			a.in.say("é\n")
			if err := <-a.done; err == nil || !strings.HasPrefix(err.Error(), test.reason) {
				t.Errorf("%s: %v", name, err)
			}
		})
		synctest.Test(t, func(t *testing.T) {
			var network endpoint.Mem
			a := sit(t, &network, 1, func(c *lan.Chat) { test.set(c); c.Typed = true })
			b := sit(t, &network, 2, with(1))
			a.in.say("é\ne\n")
			b.sees(">>>('127.0.0.1', 1):e\n")
			if got := a.notes.take(); !strings.HasPrefix(got, test.reason) {
				t.Errorf("%s: noted %q", name, got)
			}
			a.leave()
			b.leave()
		})
	}
}

// Messages that cannot be shown end the chat.
func TestRunCannotShow(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var network endpoint.Mem
		a := sit(t, &network, 1, func(c *lan.Chat) {
			with(2)(c)
			c.Show = func(s *session.Session, m session.Message) error {
				return fmt.Errorf("show %q of %v: %w", m, s.Peer(), os.ErrClosed)
			}
		})
		b := sit(t, &network, 2, with(1))
		b.in.say("hello\n")
		if err := <-a.done; !errors.Is(err, os.ErrClosed) || err.Error() != `show "hello" of 127.0.0.1:2: file already closed` {
			t.Error(err)
		}
		b.leave()
	})
}

// A port is not shared.
func TestRunInUse(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var network endpoint.Mem
		a := sit(t, &network, 1, with(2))
		err := (&lan.Chat{Network: &network, Bind: at("127.0.0.1", 1), In: &a.in, Out: &a.out}).Run(t.Context())
		if err == nil || !strings.HasPrefix(err.Error(), "listen on udp://127.0.0.1:1: ") {
			t.Error(err)
		}
		a.leave()
	})
}
