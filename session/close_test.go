package session_test

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"io"
	"net"
	"path/filepath"
	"runtime"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"sockeye.dev/endpoint"
	"sockeye.dev/observe"
	"sockeye.dev/session"
)

// memPair is both ends of a stream in memory, which holds 64 KiB.
func memPair(t *testing.T) (a, b net.Conn) {
	t.Helper()
	var network endpoint.Mem
	addr := endpoint.Addr{Scheme: "mem", Path: "x"}
	ln, err := network.Listen(context.Background(), addr)
	if err != nil {
		t.Fatal(err)
	}
	if a, err = network.Dial(context.Background(), addr); err == nil {
		b, err = ln.Accept()
	}
	if err != nil {
		t.Fatal(err)
	}
	_ = ln.Close()
	t.Cleanup(func() { _ = a.Close(); _ = b.Close() })
	return a, b
}

func TestSendObeysItsContext(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a, _ := memPair(t)
		s := session.New(a, nil)
		ctx, cancel := context.WithTimeout(context.Background(), time.Second)
		defer cancel()
		if err := s.Send(ctx, session.Bytes(make([]byte, 1<<20))); !errors.Is(err, session.ErrCut) {
			t.Errorf("%v, want ErrCut", err)
		}
		if err := s.Send(context.Background(), session.Text("more")); !errors.Is(err, session.ErrCut) {
			t.Errorf("a frame was torn, and Send says %v", err)
		}
		if err := s.TrySend([]byte("more")); !errors.Is(err, session.ErrCut) {
			t.Errorf("a frame was torn, and TrySend says %v", err)
		}
	})
}

// A context that ends after its Send has no part in what follows.
func TestSendContextEndsLater(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a, b := memPair(t)
		s := session.New(a, nil)
		ctx, cancel := context.WithCancel(context.Background())
		if err := s.Send(ctx, session.Text("x")); err != nil {
			t.Fatal(err)
		}
		received := make(chan error, 1)
		go func() { _, err := s.Recv(context.Background()); received <- err }()
		frame := bytes.Repeat([]byte("A"), 100<<10) // more than the pipe takes
		if err := s.TrySend(frame); err != nil {
			t.Fatal(err)
		}
		synctest.Wait()
		cancel()
		synctest.Wait()
		go func() {
			if err := s.Send(context.Background(), session.Text("B")); err != nil {
				t.Error(err)
			}
			if err := s.TrySend([]byte("C")); err != nil {
				t.Error(err)
			}
			_ = s.CloseWrite()
		}()
		got, err := io.ReadAll(b)
		if want := "x" + string(frame) + "BC"; err != nil || string(got) != want {
			t.Errorf("%d bytes, %v, want %d", len(got), err, len(want))
		}
		select {
		case err := <-received:
			t.Errorf("Recv ended: %v", err)
		default:
			_ = b.Close()
			<-received
		}
	})
}

// TrySend and Send from one goroutine arrive in order, and before CloseWrite.
func TestSendsKeepTheirOrder(t *testing.T) {
	const n = 200
	a, b := memPair(t)
	s := session.New(a, &session.Config{Outbox: 1 << 30})
	var all sync.WaitGroup
	defer all.Wait()
	all.Go(func() {
		for i := range uint64(n) {
			m := binary.BigEndian.AppendUint64(make([]byte, 0, 4008), i)[:4008]
			var err error
			if i%2 == 0 {
				err = s.TrySend(m)
			} else {
				err = s.Send(context.Background(), session.Bytes(m))
			}
			if err != nil {
				t.Error(err)
				return
			}
		}
		_ = s.CloseWrite()
	})
	got, err := io.ReadAll(b)
	if err != nil || len(got) != n*4008 {
		t.Fatalf("%d bytes, %v", len(got), err)
	}
	for i := range n {
		if seq := binary.BigEndian.Uint64(got[i*4008:]); seq != uint64(i) {
			t.Fatalf("message %d came at place %d", seq, i)
		}
	}
}

// Post keeps nothing of a message that another session received.
func TestPostOfReceived(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a, b := memPair(t)
		c, d := memPair(t)
		from, to := session.New(a, nil), session.New(c, nil)
		if err := to.TrySend(bytes.Repeat([]byte("-"), 64<<10)); err != nil { // the pipe is full
			t.Fatal(err)
		}
		for _, x := range []string{"first", "other"} {
			_, _ = io.WriteString(b, x)
			m, err := from.Recv(context.Background())
			if err == nil {
				err = to.Post(m)
			}
			if err != nil {
				t.Fatal(err)
			}
		}
		go func() { _ = to.CloseWrite() }()
		got, err := io.ReadAll(d)
		if tail := string(got[64<<10:]); err != nil || tail != "firstother" {
			t.Errorf("%q, %v", tail, err)
		}
	})
}

// A peer that never reads holds Close for Linger and no longer, and what it
// did not take is told.
func TestCloseIsBounded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a, _ := memPair(t)
		s := session.New(a, nil)
		err := error(nil)
		for err == nil {
			err = s.TrySend(make([]byte, 64<<10))
		}
		if !errors.Is(err, session.ErrOutboxFull) {
			t.Fatal(err)
		}
		began := time.Now()
		if err := s.Close(); err == nil {
			t.Error("everything lost, and Close says nil")
		}
		if took := time.Since(began); took != 2*time.Second {
			t.Errorf("it took %v", took)
		}
	})
}

// An Interrupt while Close drains does not cut the drain.
func TestInterruptBesideClose(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a, _ := memPair(t)
		s := session.New(a, nil)
		began := time.Now()
		time.AfterFunc(time.Second/2, func() { s.Interrupt(session.ErrServerClosed) })
		_ = s.Close()
		if took := time.Since(began); took != 2*time.Second {
			t.Errorf("it took %v", took)
		}
	})
}

// kernelPair is both ends of a stream through the kernel.
func kernelPair(t *testing.T, network string) (a, b net.Conn) {
	t.Helper()
	at := "127.0.0.1:0"
	if network == "unix" {
		at = filepath.Join(t.TempDir(), "s")
	}
	ln, err := net.Listen(network, at)
	if err != nil {
		t.Fatal(err)
	}
	defer ln.Close()
	if a, err = net.Dial(network, ln.Addr().String()); err == nil {
		b, err = ln.Accept()
	}
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = a.Close(); _ = b.Close() })
	return a, b
}

// A peer that closes without having read what we sent resets the connection.
func TestCloseTellsOfAReset(t *testing.T) {
	for _, network := range []string{"tcp", "unix"} {
		a, b := kernelPair(t, network)
		s := session.New(a, nil)
		if err := s.Send(t.Context(), session.Text("hello")); err != nil {
			t.Fatal(err)
		}
		_ = b.Close()
		if err := s.Close(); err == nil {
			t.Errorf("%s: the peer did not read a byte, and Close says nil", network)
		}
	}
}

// Everything at once: for the race detector.
func TestCloseBesideEverything(t *testing.T) {
	for range 50 {
		a, b := memPair(t)
		s := session.New(a, nil)
		var all sync.WaitGroup
		all.Go(func() {
			for range 50 {
				_ = s.TrySend(make([]byte, 3000))
			}
		})
		all.Go(func() {
			for range 50 {
				_ = s.Send(context.Background(), session.Bytes(make([]byte, 3000)))
			}
		})
		all.Go(func() { _, _ = s.Recv(context.Background()) })
		all.Go(func() { _, _ = io.Copy(io.Discard, b); _ = b.Close() })
		all.Go(func() { s.Interrupt(session.ErrServerClosed) })
		_ = s.Close()
		all.Wait()
	}
}

// What is cut at the end of Grace is told to the observer.
func TestGraceIsTold(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var network endpoint.Mem
		addr := endpoint.Addr{Scheme: "mem", Path: "x"}
		ln, err := network.Listen(t.Context(), addr)
		if err != nil {
			t.Fatal(err)
		}
		var counters observe.Counters
		srv := &session.Server{Config: session.Config{Observer: &counters}, Handler: session.HandlerFunc(
			func(_ context.Context, s *session.Session) error {
				return s.Send(context.Background(), session.Bytes(make([]byte, 1<<20))) // who reads?
			})}
		ctx, cancel := context.WithCancel(t.Context())
		done := make(chan error, 1)
		go func() { done <- srv.Serve(ctx, ln) }()
		c, err := network.Dial(t.Context(), addr)
		if err != nil {
			t.Fatal(err)
		}
		defer c.Close()
		synctest.Wait()
		cancel()
		if err := <-done; !errors.Is(err, session.ErrServerClosed) {
			t.Error(err)
		}
		if n := counters.Counts(); n.Open != 0 {
			t.Errorf("the observer counts %d open", n.Open)
		}
	})
}

// A datagram conversation has Grace for a last word, as others have.
func TestLastDatagram(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var network endpoint.Mem
		addr := endpoint.Addr{Scheme: "udp", Host: "127.0.0.1", Port: 7000}
		ln, err := network.Listen(t.Context(), addr)
		if err != nil {
			t.Fatal(err)
		}
		srv := &session.Server{Handler: session.HandlerFunc(func(ctx context.Context, s *session.Session) error {
			err := error(nil)
			for err == nil {
				_, err = s.Recv(ctx)
			}
			if err := s.Send(context.Background(), session.Text("bye")); err != nil {
				t.Error(err)
			}
			return err
		})}
		ctx, cancel := context.WithCancel(t.Context())
		done := make(chan error, 1)
		go func() { done <- srv.Serve(ctx, ln) }()
		c, err := network.Dial(t.Context(), addr)
		if err != nil {
			t.Fatal(err)
		}
		defer c.Close()
		_, _ = io.WriteString(c, "hello")
		synctest.Wait()
		cancel()
		buf := make([]byte, 10)
		if n, err := c.Read(buf); err != nil || string(buf[:n]) != "bye" {
			t.Errorf("%q, %v", buf[:n], err)
		}
		if err := <-done; !errors.Is(err, session.ErrServerClosed) {
			t.Error(err)
		}
	})
}

// A message that would wait for the peer waits in the outbox.
func TestTrySendNeverWaits(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("Windows has no unixgram")
	}
	dir := t.TempDir()
	at := filepath.Join(dir, "s")
	ln, err := endpoint.Host{}.Listen(t.Context(), endpoint.Addr{Scheme: "unixgram", Path: at})
	if err != nil {
		t.Fatal(err)
	}
	defer ln.Close()
	c, err := net.DialUnix("unixgram", &net.UnixAddr{Name: filepath.Join(dir, "c"), Net: "unixgram"}, &net.UnixAddr{Name: at, Net: "unixgram"})
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	_, _ = io.WriteString(c, "hello") // and reads nothing, ever
	conn, err := ln.Accept()
	if err != nil {
		t.Fatal(err)
	}
	s := session.New(conn, &session.Config{Linger: time.Millisecond})
	for err == nil {
		err = s.TrySend(make([]byte, 1000))
	}
	if !errors.Is(err, session.ErrOutboxFull) {
		t.Error(err)
	}
	if err := s.Close(); err == nil {
		t.Error("what was queued is lost, and Close says nil")
	}
}
