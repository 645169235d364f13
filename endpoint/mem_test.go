package endpoint_test

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net"
	"os"
	"sync"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"golang.org/x/net/nettest"

	"sockeye.dev/endpoint"
)

func TestConnMem(t *testing.T) {
	for _, addr := range []string{"tcp://server:0", "unix:/run/server.sock", "mem:server", "tcp://:7788?rcvbuf=7"} {
		t.Run(addr, func(t *testing.T) {
			nettest.TestConn(t, pairs(t, new(endpoint.Mem), func(*testing.T) string { return addr }))
		})
	}
}

// memPair is a stream over m, dialed and accepted.
func memPair(t testing.TB, addr string) (client, server net.Conn) {
	m := new(endpoint.Mem)
	l := listen(t, m, addr)
	client = dialAddr(t, m, endpoint.AddrOf("", l.Addr()))
	server, err := l.Accept()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { server.Close() })
	return client, server
}

func TestMemAddresses(t *testing.T) {
	m := new(endpoint.Mem)
	a := listen(t, m, "tcp://server:80")
	b := listen(t, m, "tcp://other:80")
	everywhere := listen(t, m, "tcp://:81")
	if a.Addr().String() == b.Addr().String() {
		t.Errorf("two names, one address %v", a.Addr())
	}
	for _, tt := range []struct {
		l  net.Listener
		to string
	}{{a, "tcp://server:80"}, {b, "tcp://other:80"}, {everywhere, "tcp://localhost:81"},
		{everywhere, "tcp://:81"}, {everywhere, "tcp://[2001:db8::1]:81"}} {
		c := dial(t, m, tt.to)
		s, err := tt.l.Accept()
		if err != nil {
			t.Fatal(err)
		}
		if s.RemoteAddr().String() != c.LocalAddr().String() || s.LocalAddr().String() != c.RemoteAddr().String() {
			t.Errorf("%s: %v-%v seen as %v-%v", tt.to, c.LocalAddr(), c.RemoteAddr(), s.RemoteAddr(), s.LocalAddr())
		}
	}
	c := dial(t, m, "tcp://server:80?bind=10.0.0.1:99")
	if got := c.LocalAddr().String(); got != "10.0.0.1:99" {
		t.Errorf("bound to %s", got)
	}

	_, err := m.Listen(context.Background(), parse(t, "tcp://server:80"))
	checkOpError(t, err, syscall.EADDRINUSE)
	a.Close()
	listen(t, m, "tcp://server:80")
	for _, nobody := range []string{"tcp://server:8080", "unix:/x", "mem:x"} {
		_, err = m.Dial(context.Background(), parse(t, nobody))
		checkOpError(t, err, syscall.ECONNREFUSED)
	}
	_, err = m.Dial(context.Background(), parse(t, "tcp://server:80?ip=6"))
	if err == nil {
		t.Error("an IPv4 server was found with ip=6")
	}
	_, err = m.Listen(context.Background(), parse(t, "tcp://:1?nodely"))
	var oe *endpoint.OptionError
	if !errors.As(err, &oe) {
		t.Errorf("unknown option: %v", err)
	}
}

func TestMemHalfClose(t *testing.T) {
	client, server := memPair(t, "mem:x")
	io.WriteString(client, "question")
	client.(interface{ CloseWrite() error }).CloseWrite()
	if got, err := io.ReadAll(server); string(got) != "question" || err != nil {
		t.Errorf("server read %q, %v", got, err)
	}
	if _, err := client.Write([]byte("x")); !errors.Is(err, syscall.EPIPE) {
		t.Errorf("write after CloseWrite: %v", err)
	}
	io.WriteString(server, "answer")
	server.Close()
	if got, err := io.ReadAll(client); string(got) != "answer" || err != nil {
		t.Errorf("client read %q, %v", got, err)
	}
}

func TestMemWriteToClosed(t *testing.T) {
	client, server := memPair(t, "mem:x")
	server.Close()
	_, err := client.Write([]byte("x"))
	checkOpError(t, err, syscall.EPIPE)
}

// TestMemBackPressure: a writer waits for its reader, in a bubble's time.
func TestMemBackPressure(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		client, server := memPair(t, "tcp://:0?rcvbuf=1000")
		start := time.Now()
		var wg sync.WaitGroup
		for range 2 { // two writers, whose writes do not mix
			wg.Go(func() {
				if n, err := client.Write(make([]byte, 1500)); n != 1500 || err != nil {
					t.Errorf("Write = %d, %v", n, err)
				}
			})
		}
		synctest.Wait()
		if n, err := client.(endpoint.TryWriter).TryWrite([]byte("x")); n != 0 || err != nil {
			t.Errorf("TryWrite into a full stream = %d, %v", n, err)
		}
		time.Sleep(time.Hour) // virtual
		if _, err := io.ReadFull(server, make([]byte, 3000)); err != nil {
			t.Error(err)
		}
		wg.Wait()
		if got := time.Since(start); got != time.Hour {
			t.Errorf("took %v, want 1h", got)
		}
		if n, err := client.(endpoint.TryWriter).TryWrite(make([]byte, 1500)); n != 1000 || err != nil {
			t.Errorf("TryWrite = %d, %v; want what fits", n, err)
		}
	})
}

func TestMemWaitRead(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		client, server := memPair(t, "mem:x")
		w := server.(endpoint.Waiter)
		start := time.Now()
		server.SetReadDeadline(start.Add(time.Minute))
		if err := w.WaitRead(); !errors.Is(err, os.ErrDeadlineExceeded) || time.Since(start) != time.Minute {
			t.Errorf("WaitRead: %v after %v", err, time.Since(start))
		}
		server.SetReadDeadline(time.Time{})
		time.AfterFunc(time.Second, func() { client.Write([]byte("x")) })
		if err := w.WaitRead(); err != nil || time.Since(start) != 61*time.Second {
			t.Errorf("WaitRead: %v after %v", err, time.Since(start))
		}
		server.Read(make([]byte, 1))
		time.AfterFunc(time.Second, func() { server.Close() })
		if err := w.WaitRead(); !errors.Is(err, net.ErrClosed) {
			t.Errorf("WaitRead: %v", err)
		}
	})
}

func TestMemBacklog(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := new(endpoint.Mem)
		l := listen(t, m, "mem:x?backlog=1")
		waiting := dial(t, m, "mem:x")
		start := time.Now()
		_, err := m.Dial(context.Background(), parse(t, "mem:x?timeout=3s"))
		if !errors.Is(err, context.DeadlineExceeded) || time.Since(start) != 3*time.Second {
			t.Errorf("dial with a full backlog: %v after %v", err, time.Since(start))
		}
		refused := make(chan error)
		go func() {
			_, err := m.Dial(context.Background(), parse(t, "mem:x"))
			refused <- err
		}()
		synctest.Wait()
		l.Close()
		// Either the listener's end was seen first or our place in its queue was.
		if err := <-refused; err != nil {
			checkOpError(t, err, syscall.ECONNREFUSED)
		}
		if _, err := waiting.Read(make([]byte, 1)); err != io.EOF {
			t.Errorf("conn nobody accepted: %v", err)
		}
	})
}

func TestUDPIdle(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := new(endpoint.Mem)
		l := listen(t, m, "udp://:7890?idle=10s")
		c := dial(t, m, "udp://server:7890")
		send(t, c, "one")
		s := accept(t, l)
		time.Sleep(9 * time.Second)
		send(t, c, "two") // the peer speaks: 10 s from here
		time.Sleep(9 * time.Second)
		send(t, s, "spoken to") // so do we
		start := time.Now()
		receive(t, s, "one") // what arrived is read first, also after the end
		receive(t, s, "two")
		if _, err := s.ReadMessage(nil); err != io.EOF || time.Since(start) != 10*time.Second {
			t.Errorf("silent peer: %v after %v, want EOF after 10s", err, time.Since(start))
		}
		if peers := l.(endpoint.DatagramListener).Stats().Peers; peers != 0 {
			t.Errorf("%d peers left", peers)
		}
		send(t, s, "late answer") // the address is still known
		receive(t, c, "spoken to")
		receive(t, c, "late answer")
		send(t, c, "again")
		again := accept(t, l)
		receive(t, again, "again")
	})
}

func TestUDPIdleDefault(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		_, s := udpPair(t, new(endpoint.Mem), "udp://server:0")
		start := time.Now()
		if _, err := s.Read(nil); err != io.EOF || time.Since(start) != time.Minute {
			t.Errorf("%v after %v, want EOF after 1m", err, time.Since(start))
		}
	})
}

func TestUDPPeersBounded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := new(endpoint.Mem)
		l := listen(t, m, "udp://server:1?peers=2&backlog=2")
		for range 3 {
			send(t, dial(t, m, "udp://server:1"), "hello")
		}
		want := endpoint.DatagramStats{Peers: 2, Refused: 1}
		if got := l.(endpoint.DatagramListener).Stats(); got != want {
			t.Errorf("Stats = %+v, want %+v", got, want)
		}
		accept(t, l).Close() // leaves room
		send(t, dial(t, m, "udp://server:1"), "hello")
		if got := l.(endpoint.DatagramListener).Stats(); got != want {
			t.Errorf("Stats = %+v, want %+v", got, want)
		}

		// Nor do more wait for Accept than its backlog.
		l = listen(t, m, "udp://server:2?backlog=1")
		for range 3 {
			send(t, dial(t, m, "udp://server:2"), "hello")
		}
		want = endpoint.DatagramStats{Peers: 1, Refused: 2}
		if got := l.(endpoint.DatagramListener).Stats(); got != want {
			t.Errorf("Stats = %+v, want %+v", got, want)
		}
	})
}

func TestUDPQueueBounded(t *testing.T) {
	for _, tt := range []struct {
		addr          string
		size          int
		sent, dropped uint64
	}{
		{"udp://server:0?queue=1000", 100, 15, 5},
		{"udp://server:0?queue=10", 100, 3, 2}, // an empty queue takes any message
		{"udp://server:0", 0, 1030, 6},         // 1,024 messages, be they empty
		{"udp://server:0", 60000, 6, 2},        // 256 KiB
	} {
		m := new(endpoint.Mem)
		l := listen(t, m, tt.addr)
		c := dialAddr(t, m, endpoint.AddrOf("udp", l.Addr()))
		for i := range tt.sent {
			send(t, c, string(bytes.Repeat([]byte{byte(i)}, tt.size)))
		}
		s := accept(t, l)
		if got := s.(endpoint.Dropper).Dropped(); got != tt.dropped {
			t.Errorf("%s: dropped %d, want %d", tt.addr, got, tt.dropped)
		}
		if got := l.(endpoint.DatagramListener).Stats().Dropped; got != tt.dropped {
			t.Errorf("%s: Stats().Dropped = %d, want %d", tt.addr, got, tt.dropped)
		}
		for i := range tt.sent - tt.dropped { // the oldest are kept
			receive(t, s, string(bytes.Repeat([]byte{byte(i)}, tt.size)))
		}
	}
}

// TestUDPFloodIsBounded: many peers that nobody reads take 64 MiB at most, and
// a new one with a word to say is heard all the same.
func TestUDPFloodIsBounded(t *testing.T) {
	m := new(endpoint.Mem)
	l := listen(t, m, "udp://server:1")
	const peers = 300
	flood := make([]byte, 60000)
	for range peers {
		c := dial(t, m, "udp://server:1")
		for range 4 {
			c.Write(flood)
		}
	}
	c := dial(t, m, "udp://server:1")
	send(t, c, "a word")
	kept := 0
	for range peers {
		s := accept(t, l)
		s.SetReadDeadline(time.Unix(1, 0))
		kept += 4 - int(s.(endpoint.Dropper).Dropped())
	}
	if limit := 64<<20/len(flood) + 1; kept == 0 || kept > limit {
		t.Errorf("%d datagrams of %d bytes wait, want at most %d", kept, len(flood), limit)
	}
	receive(t, accept(t, l), "a word")
}
