package endpoint

import (
	"context"
	"errors"
	"io"
	"net"
	"strings"
	"syscall"
	"testing"
	"testing/synctest"
	"time"
)

// testGate is a gate in a Mem, whose peers have to say "go". It runs on a
// bubble's time.
func testGate(t *testing.T) (*gate, func() net.Conn) {
	t.Helper()
	var m Mem
	a := Addr{Scheme: "tcp", Host: "localhost", Port: 80}
	ln, err := m.Listen(t.Context(), a)
	if err != nil {
		t.Fatal(err)
	}
	g := newGate(ln, 10*time.Second, func(ctx context.Context, c net.Conn) (net.Conn, error) {
		return c, within(ctx, c, func() error {
			var word [2]byte
			if _, err := io.ReadFull(c, word[:]); err != nil {
				return err
			}
			if string(word[:]) != "go" {
				return &PeerError{Reason: "it said " + string(word[:])}
			}
			return nil
		})
	})
	t.Cleanup(func() { g.Close() })
	return g, func() net.Conn {
		c, err := m.Dial(t.Context(), a)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { c.Close() })
		return c
	}
}

func say(t *testing.T, c net.Conn, s string) {
	t.Helper()
	if _, err := io.WriteString(c, s); err != nil {
		t.Error(err)
	}
}

func accepted(t *testing.T, g *gate) net.Conn {
	t.Helper()
	c, err := g.Accept()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	return c
}

// A silent peer delays nobody, and is dropped after the time it has.
func TestGateSilentPeer(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g, dial := testGate(t)
		silent := dial()
		quick := dial()
		say(t, quick, "gohello")
		begin := time.Now()
		var hello [5]byte
		if _, err := io.ReadFull(accepted(t, g), hello[:]); err != nil || string(hello[:]) != "hello" {
			t.Errorf("read %q, %v", hello, err)
		}
		if waited := time.Since(begin); waited != 0 {
			t.Errorf("the quick one waited %v", waited)
		}
		_, err := accepted(t, g).Read(hello[:])
		if waited := time.Since(begin); waited != 10*time.Second {
			t.Errorf("the silent one was dropped after %v", waited)
		}
		if !errors.Is(err, context.DeadlineExceeded) {
			t.Error(err)
		}
		if n, err := silent.Read(hello[:]); n != 0 || err == nil {
			t.Errorf("the silent one read %d, %v", n, err)
		}
	})
}

// A refused peer may read why, and has a moment for it.
func TestGateRefusedPeer(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g, dial := testGate(t)
		c := dial()
		say(t, c, "no")
		begin := time.Now()
		refused := accepted(t, g)
		if waited := time.Since(begin); waited != lingerTime {
			t.Errorf("it had %v", waited)
		}
		for _, op := range []func([]byte) (int, error){refused.Read, refused.Write} {
			if _, err := op(make([]byte, 1)); err == nil || !strings.HasSuffix(err.Error(), ": it said no") {
				t.Error(err)
			}
		}
		polite := dial()
		say(t, polite, "no")
		begin = time.Now()
		if _, err := polite.Read(make([]byte, 1)); err != io.EOF {
			t.Error(err)
		}
		polite.Close()
		accepted(t, g)
		if waited := time.Since(begin); waited != 0 {
			t.Errorf("waited %v for a peer that had gone", waited)
		}
	})
}

// When too many are in their handshake, the oldest gives way; a new one that
// shakes hands is served at once.
func TestGateCrowd(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g, dial := testGate(t)
		for range maxPending {
			dial()
			synctest.Wait()
		}
		c := dial()
		_, err := accepted(t, g).Read(make([]byte, 1))
		if !errors.Is(err, errCrowded) {
			t.Errorf("the oldest: %v", err)
		}
		say(t, c, "go")
		if s := accepted(t, g); s.RemoteAddr().String() != c.LocalAddr().String() {
			t.Error("another one was ready")
		}
	})
}

func TestGateClose(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g, dial := testGate(t)
		pending, ready := dial(), dial()
		say(t, ready, "go")
		synctest.Wait()
		begin := time.Now()
		if err := g.Close(); err != nil {
			t.Error(err)
		}
		if waited := time.Since(begin); waited != 0 {
			t.Errorf("Close took %v", waited)
		}
		for _, c := range []net.Conn{pending, ready} {
			if _, err := c.Read(make([]byte, 1)); err == nil {
				t.Error("a conn nobody accepted is still open")
			}
		}
		if _, err := g.Accept(); !errors.Is(err, net.ErrClosed) {
			t.Error(err)
		}
	})
}

// An acceptor fails as often as its caller asks for, never by itself.
type failing struct {
	net.Listener
	calls int
}

func (f *failing) Accept() (net.Conn, error) {
	if f.calls++; f.calls < 3 {
		return nil, syscall.EMFILE
	}
	return f.Listener.Accept()
}

func TestGateAcceptErrors(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var m Mem
		a := Addr{Scheme: "tcp", Host: "localhost", Port: 80}
		ln, err := m.Listen(t.Context(), a)
		if err != nil {
			t.Fatal(err)
		}
		f := &failing{Listener: ln}
		g := newGate(f, time.Second, func(_ context.Context, c net.Conn) (net.Conn, error) { return c, nil })
		defer g.Close()
		for i := range 2 {
			if _, err := g.Accept(); !errors.Is(err, syscall.EMFILE) {
				t.Errorf("Accept: %v", err)
			}
			synctest.Wait()
			if f.calls != i+1 {
				t.Errorf("%d calls after %d errors", f.calls, i+1)
			}
		}
		c, err := m.Dial(t.Context(), a)
		if err != nil {
			t.Fatal(err)
		}
		defer c.Close()
		accepted(t, g)
	})
}

func FuzzPin(f *testing.F) {
	f.Add("sha256:" + strings.Repeat("aB", 32))
	f.Add("SHA256 Fingerprint=" + strings.Repeat("AB:", 31) + "AB")
	f.Add("12:34")
	f.Fuzz(func(t *testing.T, s string) {
		pin, ok := parsePin(s)
		if !ok {
			return
		}
		if again, ok := parsePin(pin); !ok || again != pin || len(pin) != len("sha256:")+64 {
			t.Errorf("%q: %q, then %q", s, pin, again)
		}
	})
}
