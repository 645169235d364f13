package handler_test

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net"
	"strings"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"go.uber.org/goleak"

	"sockeye.dev/charset"
	"sockeye.dev/endpoint"
	"sockeye.dev/frame"
	"sockeye.dev/handler"
	"sockeye.dev/room"
	"sockeye.dev/session"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// serve runs a server on a network of its own until the test ends.
func serve(t *testing.T, srv *session.Server) (dial func() net.Conn) {
	t.Helper()
	var network endpoint.Mem
	at := endpoint.Addr{Scheme: "tcp", Host: "127.0.0.1", Port: 7788}
	ctx, cancel := context.WithCancel(context.Background())
	ln, err := network.Listen(ctx, at)
	if err != nil {
		t.Fatal(err)
	}
	done := make(chan error)
	go func() { done <- srv.Serve(ctx, ln) }()
	t.Cleanup(func() { cancel(); <-done })
	return func() net.Conn {
		conn, err := network.Dial(ctx, at)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = conn.Close() })
		return conn
	}
}

func openHouse(t *testing.T) *room.House {
	t.Helper()
	r, err := room.OpenHouse(context.Background(), room.HouseConfig{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = r.Close() })
	return r
}

// read returns what conn has brought by the time everything has come to rest.
func read(t *testing.T, conn net.Conn) string {
	t.Helper()
	synctest.Wait()
	_ = conn.SetReadDeadline(time.Now().Add(time.Millisecond)) // virtual
	b, err := io.ReadAll(conn)
	if err != nil && !isTimeout(err) {
		t.Fatal(err)
	}
	return string(b)
}

func isTimeout(err error) bool {
	var ne net.Error
	return errors.As(err, &ne) && ne.Timeout()
}

// A member that never reads is dropped, and nobody waits for it.
func TestChatDropsTheLaggard(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		dial := serve(t, &session.Server{Handler: &handler.Chat{House: openHouse(t)},
			Config: session.Config{Outbox: 16 << 10, Format: session.Format{Framing: frame.Line{}}}})
		speaker, listener, laggard := dial(), dial(), dial()
		read(t, speaker)
		read(t, listener)
		line := strings.Repeat("x", 4000) + "\n"
		for range 100 {
			if _, err := io.WriteString(speaker, line); err != nil {
				t.Fatal(err)
			}
			if got := read(t, listener); !strings.Contains(got, line) {
				t.Fatalf("the listener got %d bytes, not the line", len(got))
			}
		}
		_, _ = io.WriteString(speaker, "/who\n")
		if got := read(t, speaker); !strings.Contains(got, "2 here: ") {
			t.Errorf("the laggard is still here: %q", got[max(0, len(got)-300):])
		}
		if _, err := laggard.Write([]byte("hello?\n")); !errors.Is(err, syscall.EPIPE) {
			t.Errorf("the laggard's connection is still open: %v", err)
		}
	})
}

// Escape sequences and bidi overrides of others come out harmless.
func TestChatIsHarmless(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		dial := serve(t, &session.Server{Handler: &handler.Chat{House: openHouse(t)}, Config: session.Config{Format: session.Format{Framing: frame.Line{}}}})
		evil, victim := dial(), dial()
		read(t, victim)
		_, _ = io.WriteString(evil, "\x1b[2J\u202egpj.exe\n")
		if got := read(t, victim); strings.ContainsAny(got, "\x1b\u202e") || !strings.Contains(got, `\x1b[2J`) {
			t.Errorf("got %q", got)
		}
	})
}

// Answers to a peer that ends its side with its last line still arrive.
func TestChatAnswersAfterEOF(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		dial := serve(t, &session.Server{Handler: &handler.Chat{House: openHouse(t)}, Config: session.Config{Format: session.Format{Framing: frame.Line{}}}})
		conn := dial()
		_, _ = io.WriteString(conn, "/who\n")
		_ = conn.(interface{ CloseWrite() error }).CloseWrite()
		if got, err := io.ReadAll(conn); err != nil || !strings.Contains(string(got), "1 here: guest-1") {
			t.Errorf("got %q, %v", got, err)
		}
	})
}

// A web page can make a browser post into a raw port.
func TestChatClosesHTTP(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		dial := serve(t, &session.Server{Handler: &handler.Chat{House: openHouse(t)}, Config: session.Config{Format: session.Format{Framing: frame.Line{}}}})
		browser, victim := dial(), dial()
		read(t, victim)
		_, _ = io.WriteString(browser, "POST / HTTP/1.1\r\nHost: x\r\n\r\nspam\r\n")
		if got := read(t, victim); strings.Contains(got, "spam") || !strings.Contains(got, "left") {
			t.Errorf("the victim saw %q", got)
		}
	})
}

// Clients that send no newline are answered, in kind.
func TestReply(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		gbk, err := charset.Lookup("gbk")
		if err != nil {
			t.Fatal(err)
		}
		var out bytes.Buffer
		dial := serve(t, &session.Server{
			Handler: &handler.Reply{Message: session.Text("收到"), Out: &handler.Printer{W: &out}},
			Config:  session.Config{Format: session.Format{Encoding: charset.Auto(gbk), Framing: handler.ByMessage}},
		})
		conn := dial()
		for _, test := range []struct{ say, hear string }{
			{"hello", "收到"},
			{"hello\n", "收到\n"},
			{"\xc4\xbf\xc2\xbc", "收到"},               // GBK 目录 happens to be UTF-8
			{"\xc4\xe3\xba\xc3", "\xca\xd5\xb5\xbd"}, // GBK 你好 is not
			{"\xc4\xbf\xc2\xbc", "\xca\xd5\xb5\xbd"},
		} {
			_, _ = io.WriteString(conn, test.say)
			time.Sleep(time.Second) // virtual
			if got := read(t, conn); got != test.hear {
				t.Errorf("%q is answered %q, want %q", test.say, got, test.hear)
			}
		}
	})
}

func TestUnescape(t *testing.T) {
	for _, test := range []struct{ in, out string }{
		{`a\r\n`, "a\r\n"}, {`\x41\u4f60\U0001F600\\`, "A你😀\\"}, {`\0`, "\x00"},
	} {
		if got, err := handler.Unescape(test.in); err != nil || got != test.out {
			t.Errorf("%q: %q, %v", test.in, got, err)
		}
	}
	for _, in := range []string{`\`, `\q`, `\x4`, `\xzz`, `\ud800`} {
		if got, err := handler.Unescape(in); err == nil {
			t.Errorf("%q: %q, want an error", in, got)
		}
	}
	// \xNN above ASCII is that byte in any encoding.
	text, err := handler.Unescape(`\xff\x80`)
	if err != nil {
		t.Fatal(err)
	}
	if b, err := charset.UTF8.EncodeString(text, charset.SurrogateEscape); err != nil || string(b) != "\xff\x80" {
		t.Errorf("%x, %v", b, err)
	}
}

func FuzzUnescape(f *testing.F) {
	f.Add(`\x41\u4f60`)
	f.Fuzz(func(t *testing.T, s string) {
		if out, err := handler.Unescape(s); err == nil && len(out) > len(s)+1 {
			t.Errorf("%q grew to %q", s, out)
		}
	})
}

func FuzzParseHex(f *testing.F) {
	f.Add("01 03:0x20")
	f.Fuzz(func(t *testing.T, s string) {
		if out, err := handler.ParseHex(s); err == nil && 2*len(out) > len(s) {
			t.Errorf("%q gave %x", s, out)
		}
	})
}
