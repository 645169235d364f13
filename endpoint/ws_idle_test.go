package endpoint

import (
	"context"
	"io"
	"net"
	"strings"
	"testing"
	"testing/synctest"
)

// Whoever waits holds no buffer: neither before a message nor inside one.
func TestWSIdleHoldsNothing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var m Mem
		l, err := m.Listen(t.Context(), Addr{Scheme: "tcp", Port: 80})
		if err != nil {
			t.Fatal(err)
		}
		defer l.Close()
		peer, err := m.Dial(t.Context(), Addr{Scheme: "tcp", Port: 80})
		if err != nil {
			t.Fatal(err)
		}
		transport, err := l.Accept()
		if err != nil {
			t.Fatal(err)
		}
		c := newWSConn(transport, true, nil, 1000)
		done := make(chan error)
		go func() { done <- c.WaitRead() }()
		for _, piece := range []string{"", "\x89\x00", "\x01", "\x03ab", "c\x80", "\x01"} {
			io.WriteString(peer, piece)
			synctest.Wait()
			if c.in.buf != nil || cap(c.in.decoder.message) > 16 {
				t.Errorf("after %q it holds %d bytes, and a buffer: %v", piece, cap(c.in.decoder.message), c.in.buf != nil)
			}
		}
		io.WriteString(peer, "d")
		if err := <-done; err != nil {
			t.Error(err)
		}
		if got, err := c.ReadMessage(nil); string(got) != "abcd" || err != nil || c.in.buf != nil || c.in.decoder.message != nil {
			t.Errorf("read %q, %v", got, err)
		}
		peer.Close()
		c.Close()
	})
}

func BenchmarkWS(b *testing.B) {
	for name, size := range map[string]int{"64B": 64, "4KiB": 4 << 10, "64KiB": 64 << 10} {
		b.Run(name, func(b *testing.B) {
			l, err := Host{}.Listen(context.Background(), Addr{Scheme: "ws", Host: "127.0.0.1"})
			if err != nil {
				b.Fatal(err)
			}
			defer l.Close()
			c, err := Host{}.Dial(context.Background(), AddrOf("ws", l.Addr()))
			if err != nil {
				b.Fatal(err)
			}
			s, err := l.Accept()
			if err != nil {
				b.Fatal(err)
			}
			benchmarkWSPair(b, c, s, size)
		})
	}
}

// benchmarkWSPair has messages of ASCII text sent from one end to the other, as
// a session reads them: WaitRead and then ReadMessage.
func benchmarkWSPair(b *testing.B, c, s net.Conn, size int) {
	m := []byte(strings.Repeat("a", size))
	n := b.N
	done := make(chan struct{})
	go func() {
		defer close(done)
		for range n {
			if err := c.(MessageConn).WriteMessage(m); err != nil {
				b.Error(err)
				return
			}
		}
	}()
	b.SetBytes(int64(size))
	b.ReportAllocs()
	b.ResetTimer()
	buf := make([]byte, 0, 64<<10)
	for range n {
		if err := s.(Waiter).WaitRead(); err != nil {
			b.Fatal(err)
		}
		if _, err := s.(MessageConn).ReadMessage(buf); err != nil {
			b.Fatal(err)
		}
	}
	b.StopTimer()
	<-done
	go c.Close()
	s.Close()
}
