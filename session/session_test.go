package session_test

import (
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

	"go.uber.org/goleak"

	"sockeye.dev/charset"
	"sockeye.dev/endpoint"
	"sockeye.dev/frame"
	"sockeye.dev/session"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// serve runs a server at addr on a network of its own and returns a way to
// dial it; the server ends with the test.
func serve(t *testing.T, srv *session.Server, addr string) func() net.Conn {
	t.Helper()
	a, err := endpoint.Parse(addr)
	if err != nil {
		t.Fatal(err)
	}
	var network endpoint.Mem
	ctx, cancel := context.WithCancel(context.Background())
	ln, err := network.Listen(ctx, a)
	if err != nil {
		t.Fatal(err)
	}
	done := make(chan error)
	go func() { done <- srv.Serve(ctx, ln) }()
	t.Cleanup(func() {
		cancel()
		if err := <-done; !errors.Is(err, session.ErrServerClosed) {
			t.Errorf("Serve: %v, want ErrServerClosed", err)
		}
	})
	return func() net.Conn {
		conn, err := network.Dial(ctx, a)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = conn.Close() })
		return conn
	}
}

// collect is a handler that hands every message on as text.
func collect(to chan<- string) session.Handler {
	return session.HandlerFunc(func(ctx context.Context, s *session.Session) error {
		for {
			m, err := s.Recv(ctx)
			if err != nil {
				return err
			}
			text, err := m.Text()
			if err != nil {
				return err
			}
			to <- text
		}
	})
}

// A character cut at any byte, with a pause longer than the quiet that ends a
// message, is still one character of one message.
func TestQuietNeverCutsACharacter(t *testing.T) {
	for _, test := range []struct{ encoding, text string }{
		{"gbk", "你好"}, {"shift_jis", "日本"}, {"utf-8", "你😀"}, {"utf-16le", "你好"}, {"gb18030", "㐀𠀀"},
	} {
		e, err := charset.Lookup(test.encoding)
		if err != nil {
			t.Fatal(err)
		}
		data, err := e.Bytes(test.text)
		if err != nil {
			t.Fatal(err)
		}
		for cut := 1; cut < len(data); cut++ {
			synctest.Test(t, func(t *testing.T) {
				got := make(chan string, 10)
				dial := serve(t, &session.Server{Handler: collect(got), Config: session.Config{Format: session.Format{
					Encoding: e, Framing: frame.Quiet{Gap: 50 * time.Millisecond, Inner: frame.Line{}},
				}}}, "mem:x")
				conn := dial()
				_, _ = conn.Write(data[:cut])
				time.Sleep(time.Second) // virtual
				_, _ = conn.Write(data[cut:])
				time.Sleep(time.Second)
				synctest.Wait()
				close(got)
				var all strings.Builder
				for text := range got {
					all.WriteString(text)
				}
				if all.String() != test.text {
					t.Errorf("%s cut at %d: %q, want %q", test.encoding, cut, all.String(), test.text)
				}
			})
		}
	}
}

func TestIdle(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ended := make(chan error, 1)
		began := time.Now()
		dial := serve(t, &session.Server{
			Config: session.Config{Idle: 20 * time.Second},
			Handler: session.HandlerFunc(func(ctx context.Context, s *session.Session) error {
				_, err := s.Recv(ctx)
				ended <- err
				return err
			}),
		}, "mem:x")
		dial()
		if err := <-ended; !errors.Is(err, session.ErrIdle) {
			t.Errorf("Recv: %v, want ErrIdle", err)
		}
		if d := time.Since(began); d != 20*time.Second {
			t.Errorf("after %v, want 20s", d)
		}
	})
}

// A context that ends leaves the session usable.
func TestRecvContext(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		dial := serve(t, &session.Server{Handler: session.HandlerFunc(func(ctx context.Context, s *session.Session) error {
			time.Sleep(time.Minute)
			_ = s.Send(ctx, session.Text("late"))
			<-ctx.Done()
			return nil
		})}, "mem:x")
		s := session.New(dial(), nil)
		defer s.Close()
		ctx, cancel := context.WithTimeout(context.Background(), time.Second)
		defer cancel()
		if _, err := s.Recv(ctx); !errors.Is(err, context.DeadlineExceeded) {
			t.Fatalf("Recv: %v, want a deadline", err)
		}
		m, err := s.Recv(context.Background())
		if err != nil || m.String() != "late" {
			t.Fatalf("Recv: %q, %v", m.String(), err)
		}
	})
}

// A peer that never reads fills its outbox and nobody waits for it.
func TestTrySendOverflows(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		full := make(chan error, 1)
		dial := serve(t, &session.Server{
			Config: session.Config{Outbox: 64 << 10},
			Handler: session.HandlerFunc(func(ctx context.Context, s *session.Session) error {
				line := make([]byte, 1<<10)
				for {
					if err := s.TrySend(line); err != nil {
						full <- err
						return err
					}
				}
			}),
		}, "mem:x")
		dial()
		if err := <-full; !errors.Is(err, session.ErrOutboxFull) {
			t.Errorf("TrySend: %v, want ErrOutboxFull", err)
		}
	})
}

// What piled up in the outbox arrives whole and in order once the peer reads.
func TestOutboxKeepsOrder(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const n = 5000
		dial := serve(t, &session.Server{
			Config: session.Config{Outbox: 1 << 20},
			Handler: session.HandlerFunc(func(_ context.Context, s *session.Session) error {
				for i := range n {
					if err := s.TrySend(fmt.Appendf(nil, "%06d\n", i)); err != nil {
						return err
					}
				}
				return nil
			}),
		}, "mem:x")
		conn := dial()
		synctest.Wait()
		_ = conn.(interface{ CloseWrite() error }).CloseWrite()
		got, err := io.ReadAll(conn)
		if err != nil {
			t.Fatal(err)
		}
		var want strings.Builder
		for i := range n {
			fmt.Fprintf(&want, "%06d\n", i)
		}
		if string(got) != want.String() {
			t.Errorf("%d bytes, want %d in order", len(got), want.Len())
		}
	})
}

// A panic ends its own conversation only.
func TestPanic(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var once sync.Once
		dial := serve(t, &session.Server{Handler: session.HandlerFunc(func(ctx context.Context, s *session.Session) error {
			once.Do(func() { panic("on purpose") })
			return s.Send(ctx, session.Text("alive"))
		})}, "mem:x")
		first, _ := io.ReadAll(dial())
		second, _ := io.ReadAll(dial())
		if len(first) != 0 || string(second) != "alive" {
			t.Errorf("got %q and %q", first, second)
		}
	})
}

func TestLimits(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		srv := &session.Server{MaxSessions: 1, Handler: session.HandlerFunc(func(ctx context.Context, s *session.Session) error {
			_, err := s.Recv(ctx)
			return err
		})}
		dial := serve(t, srv, "mem:x")
		dial()
		synctest.Wait()
		if _, err := io.ReadAll(dial()); err != nil {
			t.Fatal(err)
		}
		if held, refused := srv.Counts(); held != 1 || refused != 1 {
			t.Errorf("%d held, %d refused; want 1 and 1", held, refused)
		}
	})
}

func BenchmarkEcho(b *testing.B) {
	echo := session.HandlerFunc(func(ctx context.Context, s *session.Session) error {
		for {
			m, err := s.Recv(ctx)
			if err != nil {
				return err
			}
			if err := s.Send(ctx, m); err != nil {
				return err
			}
		}
	})
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		b.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error)
	srv := session.Server{Handler: echo, Config: session.Config{Format: session.Format{Framing: frame.Line{}}}}
	go func() { done <- srv.Serve(ctx, ln) }()
	conn, err := net.Dial("tcp", ln.Addr().String())
	if err != nil {
		b.Fatal(err)
	}
	msg, buf := []byte("hello, world\n"), make([]byte, 64)
	b.ReportAllocs()
	for b.Loop() {
		if _, err := conn.Write(msg); err != nil {
			b.Fatal(err)
		}
		if _, err := io.ReadFull(conn, buf[:len(msg)]); err != nil {
			b.Fatal(err)
		}
	}
	_ = conn.Close()
	cancel()
	<-done
}

func BenchmarkTrySend(b *testing.B) {
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		b.Fatal(err)
	}
	defer ln.Close()
	done := make(chan struct{})
	go func() {
		defer close(done)
		if conn, err := ln.Accept(); err == nil {
			_, _ = io.Copy(io.Discard, conn)
			_ = conn.Close()
		}
	}()
	conn, err := net.Dial("tcp", ln.Addr().String())
	if err != nil {
		b.Fatal(err)
	}
	s := session.New(conn, &session.Config{Outbox: 1 << 30})
	line := make([]byte, 64)
	b.ReportAllocs()
	for b.Loop() {
		if err := s.TrySend(line); err != nil {
			b.Fatal(err)
		}
	}
	_ = s.Close()
	<-done
}
