//go:build unix

package endpoint_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"sockeye.dev/endpoint"
)

// TestUnixgramConn is the part of nettest.TestConn that datagrams have; see
// TestUDPConn.
func TestUnixgramConn(t *testing.T) {
	bothNetworks(t, func(t *testing.T, n endpoint.Network) {
		for _, name := range []string{"dialed", "accepted"} {
			c, other := unixgramPair(t, n)
			if name == "accepted" {
				c, other = other, c
			}
			t.Run(name+" PingPong", func(t *testing.T) { testPingPong(t, c, other) })
			t.Run(name+" Timeouts", func(t *testing.T) { testTimeouts(t, c, other) })
			go drain(other) // who writes waits for a reader
			t.Run(name+" ConcurrentMethods", func(t *testing.T) { testConcurrentMethods(t, c) })
			t.Run(name+" CloseUnblocks", func(t *testing.T) { testCloseUnblocks(t, c) })
		}
	})
}

// unixgramPair is a conn dialed and the conversation a listener made of it.
func unixgramPair(t testing.TB, n endpoint.Network) (client, server net.Conn) {
	l := listen(t, n, "unixgram:"+socketPath(t))
	client = dialAddr(t, n, endpoint.AddrOf("unixgram", l.Addr()))
	send(t, client, "hello")
	server = accept(t, l)
	receive(t, server, "hello")
	return client, server
}

func TestUnixgramMessages(t *testing.T) {
	bothNetworks(t, func(t *testing.T, n endpoint.Network) {
		client, server := unixgramPair(t, n)
		for _, dir := range [][2]net.Conn{{client, server}, {server, client}} {
			from, to := dir[0], dir[1]
			send(t, from, "")
			receive(t, to, "")
			send(t, from, "12345678")
			buf := make([]byte, 5)
			if n, err := to.Read(buf); n != 5 || err != io.ErrShortBuffer || string(buf) != "12345" {
				t.Fatalf("Read = %d, %v, %q", n, err, buf)
			}
			send(t, from, "12345")
			if n, err := to.Read(buf); n != 5 || err != nil {
				t.Fatalf("Read = %d, %v", n, err)
			}
			if runtime.GOOS == "linux" {
				receiveAfter(t, from, to, strings.Repeat("x", 200_000)) // more than UDP ever has
			}
			err := from.(endpoint.MessageConn).WriteMessage(make([]byte, 1<<20))
			var size *endpoint.MessageSizeError
			if !errors.As(err, &size) || size.Limit == 0 || size.Size != 1<<20 {
				t.Fatalf("too large a message: %v", err)
			}
			want := fmt.Sprintf("write unixgram %v->%v: message of 1048576 bytes exceeds the limit of %d bytes in one datagram",
				from.LocalAddr(), from.RemoteAddr(), size.Limit)
			if err.Error() != want {
				t.Errorf("error %q, want %q", err, want)
			}
			// The limit is exact.
			receiveAfter(t, from, to, string(bytes.Repeat([]byte("y"), size.Limit)))
		}
	})
}

// receiveAfter sends from one end what the other, in the meantime, receives.
func receiveAfter(t *testing.T, from, to net.Conn, message string) {
	t.Helper()
	var wg sync.WaitGroup
	wg.Go(func() { send(t, from, message) })
	receive(t, to, message)
	wg.Wait()
}

func TestUnixgramSndbufIsTheLimit(t *testing.T) {
	if runtime.GOOS != "linux" {
		t.Skip("the figure is Linux's")
	}
	l := listen(t, endpoint.Host{}, "unixgram:"+socketPath(t))
	a := endpoint.AddrOf("unixgram", l.Addr())
	a.Options.Set("sndbuf", "8k")
	err := dialAddr(t, endpoint.Host{}, a).(endpoint.MessageConn).WriteMessage(make([]byte, 20_000))
	var size *endpoint.MessageSizeError
	if !errors.As(err, &size) || size.Limit != 2*8192-32 { // the kernel doubles what it is asked for
		t.Errorf("%v", err)
	}
}

func TestUnixgramNames(t *testing.T) {
	path := socketPath(t)
	l := listen(t, endpoint.Host{}, "unixgram:"+path)
	dir := filepath.Dir(path)
	t.Chdir(dir)
	if runtime.GOOS == "darwin" {
		dir, _ = os.Getwd() // /private/var for /var
	}
	binds := []struct{ bind, local, file string }{
		{"", "", ""},
		{filepath.Join(dir, "c"), filepath.Join(dir, "c"), filepath.Join(dir, "c")},
		{"./d", filepath.Join(dir, "d"), filepath.Join(dir, "d")}, // a name for servers elsewhere, too
	}
	if runtime.GOOS == "linux" {
		binds[0].local = "@"
		binds = append(binds, struct{ bind, local, file string }{"@sockeye-endpoint-client", "@sockeye-endpoint-client", ""})
	}
	for _, tt := range binds {
		a := endpoint.AddrOf("unixgram", l.Addr())
		if tt.bind != "" {
			a.Options.Set("bind", tt.bind)
		}
		c := dialAddr(t, endpoint.Host{}, a)
		if got := c.LocalAddr().String(); !strings.HasPrefix(got, tt.local) {
			t.Errorf("bind=%s: bound to %q, want %q", tt.bind, got, tt.local)
		}
		send(t, c, "hello")
		s := accept(t, l)
		receive(t, s, "hello")
		if s.RemoteAddr().String() != c.LocalAddr().String() {
			t.Errorf("seen as %v, is %v", s.RemoteAddr(), c.LocalAddr())
		}
		send(t, s, "answer")
		receive(t, c, "answer")
		file := c.LocalAddr().String()
		c.Close()
		checkNoFile(t, file)
	}
	l.Close()
	checkNoFile(t, path)
}

func checkNoFile(t *testing.T, path string) {
	t.Helper()
	if _, err := os.Lstat(path); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("%v, want no file %s", err, path)
	}
}

func TestUnixgramUnnamedPeer(t *testing.T) {
	l := listen(t, endpoint.Host{}, "unixgram:"+socketPath(t))
	for _, word := range []string{"one", "two"} {
		c, err := net.DialUnix("unixgram", nil, l.Addr().(*net.UnixAddr))
		if err != nil {
			t.Fatal(err)
		}
		defer c.Close()
		c.Write([]byte(word))
	}
	s := accept(t, l)
	receive(t, s, "one")
	receive(t, s, "two") // they cannot be told apart
	_, err := s.Write([]byte("answer"))
	want := fmt.Sprintf("write unixgram %s->: the peer's socket has no name, so it cannot be answered", l.Addr())
	if err == nil || err.Error() != want {
		t.Errorf("error %q, want %q", err, want)
	}
}

func TestUnixgramErrors(t *testing.T) {
	path := socketPath(t)
	ctx := context.Background()
	a := parse(t, "unixgram:"+path)
	_, err := endpoint.Host{}.Dial(ctx, a)
	checkOpError(t, err, syscall.ENOENT)
	a.Options.Set("bind", path+"c")
	_, err = endpoint.Host{}.Dial(ctx, a)
	checkOpError(t, err, syscall.ENOENT)
	checkNoFile(t, path+"c")
	a.Options.Set("bind", "/nowhere/c")
	_, err = endpoint.Host{}.Dial(ctx, a)
	if want := "dial unixgram /nowhere/c->" + path + ": bind: no such file or directory"; err == nil || err.Error() != want {
		t.Errorf("error %v, want %s", err, want)
	}

	stream := listen(t, endpoint.Host{}, "unix:"+path)
	_, err = endpoint.Host{}.Dial(ctx, parse(t, "unixgram:"+path))
	checkOpError(t, err, syscall.EPROTOTYPE)
	if endpoint.Hint(err) == "" {
		t.Error("no hint for a socket of the other kind")
	}
	stream.Close()
	l := listen(t, endpoint.Host{}, "unixgram:"+path)
	_, err = l.(endpoint.Dialer).Dial(ctx, parse(t, "udp://127.0.0.1:1"))
	if err == nil || !strings.Contains(err.Error(), "a unixgram socket speaks unixgram only") {
		t.Errorf("dial udp from it: %v", err)
	}
	c := dial(t, endpoint.Host{}, "unixgram:"+path)
	send(t, c, "x")
	s := accept(t, l)
	c.Close()
	_, err = s.Write([]byte("still there?"))
	checkOpError(t, err, syscall.ECONNREFUSED)
}

// TestUnixStale: what a killed program leaves is taken over, by a listener and
// by a client's bind, of either kind; what lives, or is no socket, is not.
func TestUnixStale(t *testing.T) {
	server := listen(t, endpoint.Host{}, "unix:"+socketPath(t))
	gramServer := listen(t, endpoint.Host{}, "unixgram:"+socketPath(t))
	open := map[string]func(path string) (io.Closer, error){
		"listen unix":     func(p string) (io.Closer, error) { return endpoint.Host{}.Listen(t.Context(), parse(t, "unix:"+p)) },
		"listen unixgram": func(p string) (io.Closer, error) { return endpoint.Host{}.Listen(t.Context(), parse(t, "unixgram:"+p)) },
		"dial unix": func(p string) (io.Closer, error) {
			return endpoint.Host{}.Dial(t.Context(), parse(t, "unix:"+server.Addr().String()+"?bind="+p))
		},
		"dial unixgram": func(p string) (io.Closer, error) {
			return endpoint.Host{}.Dial(t.Context(), parse(t, "unixgram:"+gramServer.Addr().String()+"?bind="+p))
		},
	}
	hold := map[string]func(path string) (io.Closer, error){
		"stream": func(p string) (io.Closer, error) {
			l, err := net.ListenUnix("unix", &net.UnixAddr{Name: p, Net: "unix"})
			if err == nil {
				l.SetUnlinkOnClose(false)
			}
			return l, err
		},
		"datagram": func(p string) (io.Closer, error) {
			return net.ListenUnixgram("unixgram", &net.UnixAddr{Name: p, Net: "unixgram"})
		},
		"file": func(p string) (io.Closer, error) { return os.Create(p) },
	}
	for what, open := range open {
		for kind, hold := range hold {
			path := socketPath(t)
			old, err := hold(path)
			if err != nil {
				t.Fatal(err)
			}
			if _, err := open(path); !errors.Is(err, syscall.EADDRINUSE) {
				t.Errorf("%s over a live %s: %v", what, kind, err)
			}
			old.Close()
			c, err := open(path)
			if kind == "file" {
				if !errors.Is(err, syscall.EADDRINUSE) {
					t.Errorf("%s over a file: %v", what, err)
				}
				continue
			}
			if err != nil {
				t.Errorf("%s over a stale %s: %v", what, kind, err)
				continue
			}
			c.Close()
			checkNoFile(t, path)
		}
	}
}

// TestUnixgramLosesNothing: senders faster than their readers wait, before they
// are accepted too.
func TestUnixgramLosesNothing(t *testing.T) {
	const messages = 3000
	l := listen(t, endpoint.Host{}, "unixgram:"+socketPath(t)+"?queue=1k&backlog=1")
	var all sync.WaitGroup
	for range 3 {
		all.Go(func() {
			c, err := endpoint.Host{}.Dial(context.Background(), endpoint.AddrOf("unixgram", l.Addr()))
			if err != nil {
				t.Error(err)
				return
			}
			defer c.Close()
			for i := range messages {
				send(t, c, fmt.Sprint(i))
			}
		})
	}
	for range 3 {
		s := accept(t, l)
		all.Go(func() {
			for i := range messages {
				receive(t, s, fmt.Sprint(i))
			}
		})
	}
	all.Wait()
	if got := l.(endpoint.DatagramListener).Stats(); got.Dropped != 0 || got.Refused != 0 {
		t.Errorf("Stats = %+v", got)
	}
}

// TestUnixgramNobodyReads: a flooded conversation does not hold up another for
// ever.
func TestUnixgramNobodyReads(t *testing.T) {
	l := listen(t, endpoint.Host{}, "unixgram:"+socketPath(t)+"?queue=100")
	flood := dialAddr(t, endpoint.Host{}, endpoint.AddrOf("unixgram", l.Addr()))
	c := dialAddr(t, endpoint.Host{}, endpoint.AddrOf("unixgram", l.Addr()))
	for range 3000 {
		send(t, flood, strings.Repeat("x", 60))
	}
	send(t, c, "hello")
	unread := accept(t, l)
	receive(t, accept(t, l), "hello")
	if got := unread.(endpoint.Dropper).Dropped(); got != 2999 {
		t.Errorf("dropped %d of 3000", got)
	}
	receive(t, unread, strings.Repeat("x", 60))
	send(t, flood, "now it is read")
	receive(t, unread, "now it is read")
}

// TestUnixgramPeerThatDoesNotRead: a write to it ends with its deadline or with
// Close, others are answered meanwhile, and it goes on once there is room. The
// peer that is not connected to us has a queue of its own, which fills; that of
// one that is is bounded by our send buffer.
func TestUnixgramPeerThatDoesNotRead(t *testing.T) {
	l := listen(t, endpoint.Host{}, "unixgram:"+socketPath(t)+"?sndbuf=1M")
	peer, err := net.ListenUnixgram("unixgram", &net.UnixAddr{Name: socketPath(t), Net: "unixgram"})
	if err != nil {
		t.Fatal(err)
	}
	defer peer.Close()
	if _, err := peer.WriteTo([]byte("hello"), l.Addr()); err != nil {
		t.Fatal(err)
	}
	s := accept(t, l)
	receive(t, s, "hello")
	s.SetWriteDeadline(time.Now().Add(10 * time.Millisecond))
	sent := 0
	for err = error(nil); err == nil; sent++ {
		err = s.WriteMessage([]byte("x"))
	}
	if !errors.Is(err, os.ErrDeadlineExceeded) {
		t.Fatalf("write to a full queue: %v", err)
	}

	c := dialAddr(t, endpoint.Host{}, endpoint.AddrOf("unixgram", l.Addr()))
	send(t, c, "and me?")
	s2 := accept(t, l)
	receive(t, s2, "and me?")
	send(t, s2, "you too")
	receive(t, c, "you too")

	s.SetWriteDeadline(time.Time{})
	var wg sync.WaitGroup
	wg.Go(func() { send(t, s, "last") })
	buf := make([]byte, 9)
	for n := 0; string(buf[:n]) != "last"; {
		if n, err = peer.Read(buf); err != nil {
			t.Fatal(err)
		}
	}
	wg.Wait()

	blocked := make(chan error)
	go func() {
		for {
			if err := s.WriteMessage([]byte("x")); err != nil {
				blocked <- err
				return
			}
		}
	}()
	s.Close()
	if err := <-blocked; !errors.Is(err, net.ErrClosed) {
		t.Errorf("write at Close: %v", err)
	}
}

func TestUnixgramWriteDeadlineOfClient(t *testing.T) {
	server, err := net.ListenUnixgram("unixgram", &net.UnixAddr{Name: socketPath(t), Net: "unixgram"})
	if err != nil {
		t.Fatal(err)
	}
	defer server.Close()
	c := dialAddr(t, endpoint.Host{}, endpoint.AddrOf("", server.LocalAddr()))
	if runtime.GOOS != "linux" {
		return // ENOBUFS
	}
	c.SetWriteDeadline(time.Now().Add(10 * time.Millisecond))
	for err == nil {
		_, err = c.Write([]byte("x"))
	}
	if !errors.Is(err, os.ErrDeadlineExceeded) {
		t.Errorf("write to a full queue: %v", err)
	}
}
