package handler_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"sockeye.dev/charset"
	"sockeye.dev/frame"
	"sockeye.dev/handler"
	"sockeye.dev/session"
)

// output is what is printed and noted, by any number of goroutines.
type output struct {
	mu sync.Mutex
	bytes.Buffer
}

func (o *output) Write(p []byte) (int, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.Buffer.Write(p)
}

func (o *output) note(format string, args ...any) { fmt.Fprintf(o, format+"\n", args...) }

// take returns what has come since the last time, once everything rests.
func (o *output) take() string {
	synctest.Wait()
	o.mu.Lock()
	defer o.mu.Unlock()
	defer o.Reset()
	return o.String()
}

// desk is a Terminal with its surroundings.
type desk struct {
	t          *testing.T
	in         typing
	out, notes output
	dial       func() net.Conn
	ran        chan error // Run's result
	stop       context.CancelCauseFunc
}

var errStopped = errors.New("stopped")

// sit runs a Terminal; set changes it before it begins.
func sit(t *testing.T, config session.Config, set func(*handler.Terminal)) *desk {
	t.Helper()
	d := &desk{t: t, ran: make(chan error, 1)}
	d.in.more.L = &d.in.mu
	h := &handler.Terminal{In: &handler.Input{R: &d.in}, Out: &handler.Printer{W: &d.out}, Note: d.notes.note}
	if set != nil {
		set(h)
	}
	ctx, cancel := context.WithCancelCause(t.Context())
	d.stop = cancel
	d.dial = serve(t, &session.Server{Handler: h, Config: config})
	go func() { d.ran <- h.Run(ctx) }()
	return d
}

// typing is input that takes whatever is written without waiting for a reader.
type typing struct {
	mu   sync.Mutex
	more sync.Cond
	buf  bytes.Buffer
	err  error
}

func (in *typing) Write(p []byte) (int, error) {
	in.mu.Lock()
	defer in.mu.Unlock()
	in.more.Broadcast()
	return in.buf.Write(p)
}

func (in *typing) Read(p []byte) (int, error) {
	in.mu.Lock()
	defer in.mu.Unlock()
	for in.buf.Len() == 0 && in.err == nil {
		in.more.Wait()
	}
	if in.buf.Len() > 0 {
		return in.buf.Read(p)
	}
	return 0, in.err
}

// end lets a Read fail once everything was read.
func (in *typing) end(err error) {
	in.mu.Lock()
	defer in.mu.Unlock()
	in.err = err
	in.more.Broadcast()
}

// Cancel ends a Read.
func (in *typing) Cancel() bool { in.end(errStopped); return true }

func (d *desk) say(text string) {
	d.t.Helper()
	if _, err := io.WriteString(&d.in, text); err != nil {
		d.t.Fatal(err)
	}
}

// end ends Run and returns its error.
func (d *desk) end() error {
	d.stop(errStopped)
	return <-d.ran
}

func (d *desk) check(what string, got, want string) {
	d.t.Helper()
	if got != want {
		d.t.Errorf("%s %q, want %q", what, got, want)
	}
}

func lines(h *handler.Terminal) { h.In.Read, h.In.KeepEnd = handler.TextLine, true }

func typed(h *handler.Terminal) {
	lines(h)
	h.In.Source, h.Local = handler.Typed, new(handler.Local)
	h.Out.Style, h.Out.Label = handler.Safe, func(s *session.Session) string { return fmt.Sprintf("[%d] ", s.ID()) }
}

func TestTerminalToAll(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := sit(t, session.Config{}, nil)
		d.say("early") // waits for somebody
		a := d.dial()
		d.check("a read", read(t, a), "early")
		b := d.dial()
		synctest.Wait()
		d.say("both")
		d.check("a read", read(t, a), "both")
		d.check("b read", read(t, b), "both")
		_, _ = io.WriteString(a, "from a")
		d.check("shown", d.out.take(), "from a")
		_ = a.Close()
		_ = b.Close()
		synctest.Wait()
		d.say("for whoever comes next")
		d.check("c read", read(t, d.dial()), "for whoever comes next")
		d.in.end(io.EOF)
		if err := <-d.ran; err != nil {
			t.Errorf("Run: %v", err)
		}
		d.check("noted", d.notes.take(), "")
	})
}

func TestTerminalToOne(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := sit(t, session.Config{}, typed)
		a, b := d.dial(), d.dial()
		_, _ = io.WriteString(a, "a\n")
		var idA uint64
		if _, err := fmt.Sscanf(d.out.take(), "[%d] a\n", &idA); err != nil {
			t.Fatal(err)
		}
		_, _ = io.WriteString(b, "b\n")
		var idB uint64
		if _, err := fmt.Sscanf(d.out.take(), "[%d] b\n", &idB); err != nil {
			t.Fatal(err)
		}
		for _, test := range []struct{ typed, a, b, note string }{
			{"hello\n", "hello\n", "hello\n", ""},
			{fmt.Sprintf("/to %d you\n", idA), "you\n", "", ""},
			{fmt.Sprintf("/to  %d  two\n", idB), "", " two\n", ""},
			{fmt.Sprintf("/to %d \n", idB), "", "\n", ""},
			{"//to 1 slash\n", "/to 1 slash\n", "/to 1 slash\n", ""},
			{fmt.Sprintf("/to %d\n", idA), "", "", fmt.Sprintf("/to %d needs a text to send\n", idA)},
			{"/to you hello\n", "", "", `/to needs the number of a conversation, not "you"; here: `},
			{"/to\n", "", "", `/to needs the number of a conversation, not ""; here: `},
			{"/to 99999 hello\n", "", "", "there is no conversation 99999; here: "},
			{"/help\n", "", "", "there is no command /help; there are /to N text"},
		} {
			d.say(test.typed)
			d.check(test.typed+" a read", read(t, a), test.a)
			d.check(test.typed+" b read", read(t, b), test.b)
			if note := d.notes.take(); !strings.HasPrefix(note, test.note) || test.note == "" && note != "" {
				t.Errorf("%q noted %q, want %q", test.typed, note, test.note)
			}
		}
		_ = a.Close()
		_ = b.Close()
		synctest.Wait()
		d.say("hello?\n")
		d.check("noted", d.notes.take(), "nobody is here: not sent\n")
		if err := d.end(); !errors.Is(err, errStopped) {
			t.Errorf("Run: %v", err)
		}
	})
}

// A peer that never reads is dropped as soon as there is another, and only that
// one.
func TestTerminalDropsTheLaggard(t *testing.T) {
	block := strings.Repeat("x", 32<<10)
	for _, first := range []bool{true, false} { // whether the laggard is there before the others
		synctest.Test(t, func(t *testing.T) {
			d := sit(t, session.Config{Outbox: 64 << 10}, nil)
			laggard := d.dial()
			synctest.Wait()
			if first {
				d.say(strings.Repeat(block, 8)) // Run waits for it, as long as it is the only one
				synctest.Wait()
			}
			reader := d.dial()
			if first {
				time.Sleep(2 * time.Second) // virtual
			}
			got := read(t, reader)
			for range 8 {
				d.say(block)
				time.Sleep(2 * time.Second) // virtual
				got += read(t, reader)
			}
			if !strings.HasSuffix(got, strings.Repeat(block, 8)) {
				t.Errorf("the reader got %d bytes", len(got))
			}
			if note := d.notes.take(); !strings.Contains(note, "too slowly") || strings.Count(note, "\n") != 1 {
				t.Errorf("noted %q", note)
			}
			// It is gone once the bytes that are under way are.
			if _, err := io.Copy(io.Discard, laggard); err != nil {
				t.Error(err)
			}
			if err := d.end(); err == nil || !errors.Is(err, session.ErrOutboxFull) || !strings.HasPrefix(err.Error(), "not everything was sent: ") {
				t.Errorf("Run: %v", err)
			}
		})
	}
}

// Input that cannot be sent ends Run, unless a person may try again.
func TestTerminalMistakes(t *testing.T) {
	ascii, err := charset.Lookup("ascii")
	if err != nil {
		t.Fatal(err)
	}
	config := session.Config{Format: session.Format{Encoding: ascii, Framing: frame.Line{}}}
	hex := func(h *handler.Terminal) { h.In.Read = handler.HexLine }
	for _, test := range []struct {
		set    func(*handler.Terminal)
		typed  string
		reason string
	}{
		{hex, "0g\n", `read "0g" as hex: 'g' is no hexadecimal digit`},
		{hex, "0a\n", "framing line"},
		{lines, "é\n", "ascii: cannot encode"},
	} {
		synctest.Test(t, func(t *testing.T) {
			d := sit(t, config, test.set)
			d.dial()
			d.say(test.typed)
			if err := <-d.ran; err == nil || !strings.Contains(err.Error(), test.reason) {
				t.Errorf("%q: Run: %v", test.typed, err)
			}
		})
		synctest.Test(t, func(t *testing.T) {
			d := sit(t, config, func(h *handler.Terminal) { test.set(h); h.In.Source, h.In.KeepEnd = handler.Typed, false })
			conn := d.dial()
			d.say(test.typed)
			if note := d.notes.take(); !strings.Contains(note, test.reason) {
				t.Errorf("%q: noted %q", test.typed, note)
			}
			d.say("41\n")
			if got := read(t, conn); got != "41\n" && got != "A\n" {
				t.Errorf("then the peer read %q", got)
			}
			_ = d.end()
		})
	}
}

// Input that cannot be read ends Run.
func TestTerminalInputFails(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := sit(t, session.Config{}, typed)
		d.dial()
		d.in.end(io.ErrClosedPipe)
		if err := <-d.ran; !errors.Is(err, io.ErrClosedPipe) {
			t.Errorf("Run: %v", err)
		}
	})
}

// A peer that goes while it is sent to does not end Run, and is not forgotten.
func TestTerminalPeerGoes(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := sit(t, session.Config{}, nil)
		gone := d.dial()
		d.say(strings.Repeat("x", 128<<10)) // more than the network holds
		synctest.Wait()
		_ = gone.Close()
		if note := d.notes.take(); !strings.HasPrefix(note, "to conversation ") {
			t.Errorf("noted %q", note)
		}
		next := d.dial()
		read(t, next)
		d.say("next")
		d.check("the next read", read(t, next), "next")
		if err := d.end(); err == nil || !strings.HasPrefix(err.Error(), "not everything was sent: to conversation ") {
			t.Errorf("Run: %v", err)
		}
	})
}

// What was read before everybody went is not forgotten either.
func TestTerminalEverybodyGoes(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := sit(t, session.Config{}, nil)
		conn := d.dial()
		synctest.Wait()
		_ = conn.Close()
		synctest.Wait()
		d.say("nobody hears this")
		synctest.Wait()
		if err := d.end(); err == nil || err.Error() != "not everything was sent: nobody is here: not sent" {
			t.Errorf("Run: %v", err)
		}
	})
}

func TestTerminalNobodyComes(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := sit(t, session.Config{}, nil)
		if err := d.end(); err != errStopped {
			t.Errorf("Run: %v", err)
		}
	})
}
