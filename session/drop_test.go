package session_test

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net"
	"os"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"sockeye.dev/endpoint"
	"sockeye.dev/session"
)

// A stuckConn takes what fits into takes and then no more from Write, as a full
// socket does; TryWrite has a little room left once Write has failed.
type stuckConn struct {
	endpoint.Waiter
	net.Conn
	takes   int
	failed  bool
	expired chan struct{}
}

func (c *stuckConn) Write(p []byte) (int, error) {
	n, _ := c.Conn.Write(p[:min(len(p), c.takes)])
	if c.takes -= n; n == len(p) {
		return n, nil
	}
	<-c.expired
	c.failed = true
	return n, os.ErrDeadlineExceeded
}

func (c *stuckConn) TryWrite(p []byte) (int, error) {
	if c.failed {
		return c.Conn.Write(p)
	}
	n, err := c.Conn.Write(p[:min(len(p), c.takes)])
	c.takes -= n
	return n, err
}

func (c *stuckConn) SetWriteDeadline(t time.Time) error {
	if !t.IsZero() && !t.After(time.Now()) {
		close(c.expired)
	}
	return nil
}

// Wherever the socket is full, the peer reads whole messages and then the last
// word, without a moment's waiting.
func TestDropSaysWhyLast(t *testing.T) {
	var lines []string
	for c := 'a'; c < 'k'; c++ {
		lines = append(lines, strings.Repeat(string(c), 9)+"\n")
	}
	all := strings.Join(lines, "")
	for takes := range len(all) {
		synctest.Test(t, func(t *testing.T) {
			a, b := memPair(t)
			s := session.New(&stuckConn{a.(endpoint.Waiter), a, takes, false, make(chan struct{})}, nil)
			received := make(chan error, 1)
			go func() { _, err := s.Recv(context.Background()); received <- err }()
			for i, l := range lines {
				if err := s.TrySend([]byte(l)); err != nil {
					t.Fatal(err)
				}
				if i%3 == 0 {
					synctest.Wait() // the flusher has what came so far
				}
			}
			began := time.Now()
			s.Drop(session.ErrOutboxFull, []byte("lost\n"))
			if err := s.TrySend([]byte("more")); err != session.ErrOutboxFull {
				t.Errorf("TrySend: %v", err)
			}
			if err := <-received; err != session.ErrOutboxFull {
				t.Errorf("Recv: %v", err)
			}
			if err := s.Close(); err != session.ErrOutboxFull {
				t.Errorf("Close: %v", err)
			}
			if took := time.Since(began); took != 0 {
				t.Errorf("it took %v", took)
			}
			got, err := io.ReadAll(b)
			whole := all[:(takes+9)/10*10]
			if want := whole + "lost\n"; err != nil || string(got) != want {
				t.Errorf("with room for %d: %q, %v, want %q", takes, got, err, want)
			}
		})
	}
}

// A peer without any room left costs no time either, and its stream ends.
func TestDropOfAFullPipe(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a, b := memPair(t)
		s := session.New(a, nil)
		err := error(nil)
		for err == nil {
			err = s.TrySend(make([]byte, 10<<10))
		}
		synctest.Wait()
		began := time.Now()
		s.Drop(err, []byte("lost\n"))
		s.Drop(errors.New("another"), []byte("twice\n"))
		_ = s.Close()
		if took := time.Since(began); took != 0 {
			t.Errorf("it took %v", took)
		}
		if got, err := io.ReadAll(b); err != nil || len(got) != 64<<10 {
			t.Errorf("%d bytes, %v", len(got), err)
		}
	})
}

// A Send that is cut by Drop has torn its frame: nothing follows.
func TestDropBesideSend(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a, b := memPair(t)
		s := session.New(a, nil)
		sent := make(chan error, 1)
		go func() { sent <- s.Send(context.Background(), session.Bytes(make([]byte, 100<<10))) }()
		synctest.Wait()
		s.Drop(session.ErrOutboxFull, []byte("lost\n"))
		if err := <-sent; !errors.Is(err, session.ErrCut) {
			t.Error(err)
		}
		_ = s.Close()
		if got, err := io.ReadAll(b); err != nil || bytes.Contains(got, []byte("lost")) {
			t.Errorf("%d bytes, %v", len(got), err)
		}
	})
}

// The kernel has room for the last word, gives the descriptor back at once, and
// delivers what it has to a peer that reads late.
func TestDropOverKernelSockets(t *testing.T) {
	for _, network := range []string{"tcp", "unix"} {
		a, b := kernelPair(t, network)
		_, _ = b.Write([]byte("this is not read")) // which would reset the peer
		s := session.New(a, nil)
		const line = "0123456789abcdef\n"
		block := []byte(strings.Repeat(line, 60))
		err := error(nil)
		for err == nil {
			err = s.TrySend(block)
		}
		if !errors.Is(err, session.ErrOutboxFull) {
			t.Fatal(err)
		}
		began := time.Now()
		s.Drop(err, []byte("lost\n"))
		if err := s.Close(); !errors.Is(err, session.ErrOutboxFull) {
			t.Errorf("%s: Close: %v", network, err)
		}
		if took := time.Since(began); took > time.Second { // Linger is 2
			t.Errorf("%s: it took %v", network, took)
		}
		got, err := io.ReadAll(b)
		rest, ok := strings.CutSuffix(string(got), "lost\n")
		if err != nil || !ok || strings.ReplaceAll(rest, line, "") != "" {
			t.Errorf("%s: %d bytes, %v, the last %q", network, len(got), err, got[max(0, len(got)-40):])
		}
	}
}
