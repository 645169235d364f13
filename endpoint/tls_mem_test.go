package endpoint_test

import (
	"crypto/rand"
	"errors"
	"io"
	"net"
	"os"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"sockeye.dev/endpoint"
)

// In a network in memory TLS is the same, on a bubble's time.
func memTLS(t *testing.T) (m *endpoint.Mem, l net.Listener, a endpoint.Addr) {
	t.Helper()
	m = new(endpoint.Mem)
	l = listen(t, m, "tls://server.example:443")
	a = parse(t, "tls://server.example:443")
	a.Options.Set("pin", l.(endpoint.Fingerprinter).Fingerprint())
	return m, l, a
}

func TestTLSMem(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m, l, a := memTLS(t)
		c := dialAddr(t, m, a).(endpoint.TLSConn)
		io.WriteString(c, "question")
		c.CloseWrite()
		s := acceptStream(t, l)
		if got, err := io.ReadAll(s); string(got) != "question" || err != nil {
			t.Errorf("read %q, %v", got, err)
		}
		io.WriteString(s, "late reply")
		s.Close()
		if got, err := io.ReadAll(c); string(got) != "late reply" || err != nil || !c.CloseNotified() {
			t.Errorf("read %q, %v", got, err)
		}
		_, err := m.Dial(t.Context(), parse(t, "tls://server.example:443?proxy=http://h:1"))
		if err == nil || !strings.HasSuffix(err.Error(), `option "proxy": a network in memory has no proxies`) {
			t.Error(err)
		}
	})
}

// A client that never shakes hands is dropped after 10 s, and delays nobody.
func TestTLSSilentClient(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m, l, a := memTLS(t)
		begin := time.Now()
		silent := dial(t, m, "tcp://server.example:443")
		slow := dial(t, m, "tcp://server.example:443")
		io.WriteString(slow, "\x16\x03\x01\x02\x00\x01") // a handshake begins like this
		c := dialAddr(t, m, a)
		if s := acceptStream(t, l); s.RemoteAddr().String() != c.LocalAddr().String() || time.Since(begin) != 0 {
			t.Errorf("accepted %v after %v", s.RemoteAddr(), time.Since(begin))
		}
		for range 2 {
			_, err := acceptStream(t, l).Read(make([]byte, 1))
			if time.Since(begin) != 10*time.Second || !errors.Is(err, os.ErrDeadlineExceeded) {
				t.Errorf("after %v: %v", time.Since(begin), err)
			}
			checkWords(t, err, "the client did not finish the TLS handshake in time", "timeout=DURATION")
		}
		for _, c := range []net.Conn{silent, slow} {
			if n, err := c.Read(make([]byte, 1)); err == nil {
				t.Errorf("read %d bytes", n)
			}
		}
	})
}

// A server that says nothing is given up after 10 s too.
func TestTLSDialSilentServer(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := new(endpoint.Mem)
		listen(t, m, "tcp://server.example:443")
		begin := time.Now()
		_, err := m.Dial(t.Context(), parse(t, "tls://server.example:443"))
		if time.Since(begin) != 10*time.Second {
			t.Errorf("after %v", time.Since(begin))
		}
		checkWords(t, err, "the server did not finish the TLS handshake in time", "timeout=DURATION")
	})
}

// A peer that reads nothing does not keep us from closing: neither CloseWrite
// beyond our deadline nor Close for more than a moment.
func TestTLSCloseFull(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m, l, a := memTLS(t)
		for _, half := range []bool{true, false} {
			c := dialAddr(t, m, a).(endpoint.TLSConn)
			acceptStream(t, l)
			c.SetWriteDeadline(time.Now().Add(time.Second))
			if _, err := io.Copy(c, rand.Reader); !errors.Is(err, os.ErrDeadlineExceeded) {
				t.Fatal(err)
			}
			begin := time.Now()
			if half {
				c.SetWriteDeadline(begin.Add(2 * time.Second))
				if err := c.CloseWrite(); err == nil || time.Since(begin) != 2*time.Second {
					t.Errorf("CloseWrite: %v after %v", err, time.Since(begin))
				}
				begin = time.Now()
			} else {
				c.SetWriteDeadline(time.Time{})
			}
			if err := c.Close(); err != nil || time.Since(begin) > 100*time.Millisecond {
				t.Errorf("Close: %v after %v", err, time.Since(begin))
			}
		}
	})
}
