package endpoint_test

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net"
	"os"
	"os/exec"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"golang.org/x/net/nettest"

	"sockeye.dev/endpoint"
)

// bothWS runs f for a conn whose other end is made by hand: a client's and a
// server's, on a bubble's time.
func bothWS(t *testing.T, options string, f func(t *testing.T, r *rawWS, c endpoint.WSConn)) {
	t.Run("server", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			m := new(endpoint.Mem)
			l := listen(t, m, "ws://127.0.0.1:80?"+options)
			r, c := rawWSClient(t, m, l)
			f(t, r, c)
		})
	})
	t.Run("client", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			r, c := rawWSServer(t, new(endpoint.Mem), options)
			f(t, r, c)
		})
	})
}

// inBackground runs f beside the test, which waits for its end.
func inBackground(t *testing.T, f func()) (wait func()) {
	done := make(chan struct{})
	go func() { defer close(done); f() }()
	t.Cleanup(func() { <-done })
	return func() { <-done }
}

const (
	text, binaryFrame, closing, ping, pong = 0x81, 0x82, 0x88, 0x89, 0x8a
	normal                                 = "\x03\xe8"
)

func TestWSMessages(t *testing.T) {
	bothWS(t, "", func(t *testing.T, r *rawWS, c endpoint.WSConn) {
		for _, size := range []int{0, 1, 125, 126, 1000, 65535, 65536, 100_000, 1 << 20} {
			for op, unit := range map[byte]string{text: "a", binaryFrame: "\xc4"} {
				if size == 0 {
					op = text
				}
				m := strings.Repeat(unit, size)
				sent := inBackground(t, func() {
					r.put(op, m)
					r.want(op, m)
				})
				got, err := c.ReadMessage([]byte("kept "))
				if err != nil || string(got) != "kept "+m || c.Text() != (op == text) {
					t.Fatalf("%d bytes: read %d, text %v, %v", size, len(got), c.Text(), err)
				}
				if err := c.WriteMessage([]byte(m)); err != nil {
					t.Fatal(err)
				}
				sent()
			}
		}
	})
}

// Fragments, with control frames between them and a deadline that passes before
// each byte.
func TestWSFragments(t *testing.T) {
	bothWS(t, "", func(t *testing.T, r *rawWS, c endpoint.WSConn) {
		var in []byte
		for _, f := range []struct {
			op byte
			p  string
		}{{0x01, "H\xe4"}, {ping, "1"}, {0x00, ""}, {pong, "unasked"}, {0x00, "\xbd\xa0"}, {0x80, "!"}, {text, "next"}} {
			in = append(in, r.frame(f.op, f.p)...)
		}
		wait := inBackground(t, func() {
			for i := range in {
				time.Sleep(time.Second)
				r.Write(in[i : i+1])
			}
		})
		var got []string
		timeouts := 0
		for len(got) < 2 {
			c.SetReadDeadline(time.Now().Add(600 * time.Millisecond))
			m, err := c.ReadMessage(nil)
			if errors.Is(err, os.ErrDeadlineExceeded) {
				timeouts++
				continue
			}
			if err != nil {
				t.Fatal(err)
			}
			got = append(got, string(m))
		}
		wait()
		if want := []string{"H你!", "next"}; strings.Join(got, "|") != strings.Join(want, "|") || timeouts < len(in) {
			t.Errorf("read %q after %d timeouts", got, timeouts)
		}
		r.want(pong, "1")
	})
}

// Read hands out a message in pieces, and passes over empty ones.
func TestWSRead(t *testing.T) {
	bothWS(t, "", func(t *testing.T, r *rawWS, c endpoint.WSConn) {
		for _, m := range []string{"", "abcdef", "", "gh", "tail"} {
			r.put(text, m)
		}
		var got []string
		for range 4 {
			p := make([]byte, 4)
			n, err := c.Read(p)
			if err != nil {
				t.Fatal(err)
			}
			got = append(got, string(p[:n]))
		}
		if strings.Join(got, "|") != "abcd|ef|gh|tail" {
			t.Errorf("read %q", got)
		}
		r.put(text, "whole")
		c.Read(make([]byte, 2))
		receive(t, c, "ole")
	})
}

// A message that a deadline has cut ends writing, one that it has not begun does
// not.
func TestWSWriteDeadline(t *testing.T) {
	bothWS(t, "rcvbuf=1000", func(t *testing.T, r *rawWS, c endpoint.WSConn) {
		c.SetWriteDeadline(time.Unix(1, 0))
		if n, err := c.Write([]byte("x")); n != 0 || !errors.Is(err, os.ErrDeadlineExceeded) {
			t.Errorf("%d, %v", n, err)
		}
		c.SetWriteDeadline(time.Time{})
		send(t, c, "ok")
		c.SetWriteDeadline(time.Now().Add(time.Second))
		n, err := c.Write(make([]byte, 100_000))
		if n == 0 || n == 100_000 || !errors.Is(err, os.ErrDeadlineExceeded) {
			t.Errorf("%d, %v", n, err)
		}
		c.SetWriteDeadline(time.Time{})
		for range 2 {
			if err := c.WriteMessage([]byte("x")); err == nil || !strings.HasSuffix(err.Error(), ": an earlier message was cut off while being sent") {
				t.Error(err)
			}
		}
		r.put(text, "still read")
		receive(t, c, "still read")
		if err := c.CloseWrite(); err == nil {
			t.Error("a Close frame went into a message")
		}
		r.want(text, "ok")
	})
}

// A peer that sends pings and reads nothing is still read from, costs nothing,
// and gets the last of its answers.
func TestWSPings(t *testing.T) {
	bothWS(t, "rcvbuf=1000", func(t *testing.T, r *rawWS, c endpoint.WSConn) {
		wait := inBackground(t, func() {
			for i := range 10_000 {
				r.put(ping, strings.Repeat(string(rune('a'+i%26)), 125))
			}
			r.put(ping, "last")
			r.put(text, "done")
		})
		receive(t, c, "done")
		wait()
		n := 0
		for {
			op, p, err := r.get()
			if n++; err != nil || op != pong || n > 1000 {
				t.Fatalf("%d: %#x %q, %v", n, op, p, err)
			}
			if p == "last" {
				break
			}
		}
		send(t, c, "and go on")
		r.want(text, "and go on")
	})
}

// A Pong that a deadline has cut is finished before anything else.
func TestWSCutPong(t *testing.T) {
	bothWS(t, "rcvbuf=64", func(t *testing.T, r *rawWS, c endpoint.WSConn) {
		c.SetWriteDeadline(time.Now().Add(time.Second))
		payload := strings.Repeat("p", 125)
		inBackground(t, func() {
			r.put(ping, payload)
			r.put(text, "on")
		})
		receive(t, c, "on")
		time.Sleep(2 * time.Second) // the deadline has cut it
		if err := c.WriteMessage([]byte("x")); !errors.Is(err, os.ErrDeadlineExceeded) {
			t.Error(err)
		}
		c.SetWriteDeadline(time.Time{})
		wait := inBackground(t, func() {
			r.want(pong, payload)
			r.want(text, "after it")
		})
		send(t, c, "after it")
		wait()
	})
}

func TestWSType(t *testing.T) {
	for _, tt := range []struct {
		options, message string
		op               byte
	}{
		{"type=text", "abc", text}, {"type=binary", "abc", binaryFrame}, {"type=auto", "你", text},
		{"", "\xc4\xe3", binaryFrame}, {"", "", text}, {"type=binary", "", binaryFrame}, {"type=text", "\xc4", 0},
	} {
		bothWS(t, tt.options, func(t *testing.T, r *rawWS, c endpoint.WSConn) {
			if err := c.WriteMessage([]byte(tt.message)); tt.op != 0 {
				r.want(tt.op, tt.message)
			} else if err == nil || !strings.Contains(err.Error(), "not UTF-8") {
				t.Error(err)
			}
		})
	}
}

// WaitRead returns when a message is there, not before, and keeps it.
func TestWSWaitRead(t *testing.T) {
	bothWS(t, "", func(t *testing.T, r *rawWS, c endpoint.WSConn) {
		begin := time.Now()
		inBackground(t, func() {
			r.put(ping, "")
			r.put(0x01, "two ")
			time.Sleep(time.Minute)
			r.put(0x80, "parts")
			r.put(closing, normal)
		})
		c.SetReadDeadline(begin.Add(time.Second))
		if err := c.WaitRead(); !errors.Is(err, os.ErrDeadlineExceeded) {
			t.Error(err)
		}
		c.SetReadDeadline(time.Time{})
		if err := c.WaitRead(); err != nil || time.Since(begin) != time.Minute {
			t.Errorf("%v after %v", err, time.Since(begin))
		}
		receive(t, c, "two parts")
		for range 2 {
			if err := c.WaitRead(); err != nil {
				t.Error(err)
			}
		}
		if _, err := c.Read(make([]byte, 1)); err != io.EOF {
			t.Error(err)
		}
	})
}

// TestConnWS is the part of nettest.TestConn that WebSocket has: all but the
// tests that write again after a deadline has passed, which may have cut a
// message (see WSConn). As TestConnTLS it chooses them in a process of its own.
func TestConnWS(t *testing.T) {
	const tests = "BasicIO|PingPong|RacyRead|ReadTimeout|WriteTimeout|CloseTimeout"
	for _, scheme := range []string{"ws", "wss"} {
		cmd := exec.CommandContext(t.Context(), os.Args[0], "-test.run", "^TestConnWSAll$/^"+scheme+"$/^("+tests+")$")
		cmd.Env = append(os.Environ(), "SOCKEYE_TEST_WS=1")
		out, err := cmd.CombinedOutput()
		if err != nil || bytes.Contains(out, []byte("no tests to run")) {
			t.Errorf("%v\n%s", err, out)
		}
	}
}

func TestConnWSAll(t *testing.T) {
	if os.Getenv("SOCKEYE_TEST_WS") == "" {
		t.Skip("TestConnWS runs a part of it")
	}
	for _, scheme := range []string{"ws", "wss"} {
		t.Run(scheme, func(t *testing.T) {
			nettest.TestConn(t, func() (c1, c2 net.Conn, stop func(), err error) {
				client, server := wsPair(t, scheme+"://127.0.0.1:0", "")
				return client, server, func() {
					wait := inBackground(t, func() { client.Close() })
					server.Close()
					wait()
				}, nil
			})
		})
	}
}

// wsPair is a conn of Host's and its other end.
func wsPair(t testing.TB, addr, dialOptions string) (client, server endpoint.WSConn) {
	t.Helper()
	l := listen(t, endpoint.Host{}, addr)
	a := wsAddrOf(t, addr, l)
	for _, opt := range strings.Split(dialOptions, "&") {
		if k, v, _ := strings.Cut(opt, "="); k != "" {
			a.Options.Set(k, v)
		}
	}
	c, err := endpoint.Host{}.Dial(context.Background(), a)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	return c.(endpoint.WSConn), acceptStream(t, l).(endpoint.WSConn)
}

// wsAddrOf is where to dial what listens at addr.
func wsAddrOf(t testing.TB, addr string, l net.Listener) endpoint.Addr {
	listened := parse(t, addr)
	a := endpoint.AddrOf(listened.Scheme, l.Addr())
	a.Path = listened.Path
	if f, ok := l.(endpoint.Fingerprinter); ok {
		a.Options.Set("pin", f.Fingerprint())
	}
	return a
}
