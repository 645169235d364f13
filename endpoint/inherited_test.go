package endpoint_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"sockeye.dev/endpoint"
)

// opened opens a socket as another program would, and hands it over as a
// descriptor, the way systemd does.
func opened(t testing.TB, network, addr string) endpoint.Socket {
	t.Helper()
	if runtime.GOOS == "windows" {
		t.Skip("Windows hands no sockets over by descriptor")
	}
	var file *os.File
	var socket endpoint.Socket
	var err error
	switch network {
	case "tcp", "tcp4", "tcp6", "unix", "unixpacket":
		ln, lerr := net.Listen(network, addr)
		if lerr != nil {
			t.Fatal(lerr)
		}
		if u, ok := ln.(*net.UnixListener); ok {
			u.SetUnlinkOnClose(false)
		}
		file, err = ln.(interface{ File() (*os.File, error) }).File()
		ln.Close()
		if err == nil {
			socket.Listener, err = net.FileListener(file)
		}
	default:
		pc, lerr := net.ListenPacket(network, addr)
		if lerr != nil {
			t.Fatal(lerr)
		}
		file, err = pc.(interface{ File() (*os.File, error) }).File()
		pc.Close()
		if err == nil {
			socket.Packet, err = net.FilePacketConn(file)
		}
	}
	if err != nil {
		t.Fatal(err)
	}
	file.Close()
	t.Cleanup(func() { socket.Close() })
	return socket
}

// heir is a Host that has inherited the one socket.
func heir(socket endpoint.Socket) endpoint.Host {
	return endpoint.Host{Inherited: func(endpoint.Addr) (endpoint.Socket, error) { return socket, nil }}
}

// TestInheritedStreams has all that is spoken over streams spoken over sockets
// that are open already.
func TestInheritedStreams(t *testing.T) {
	for _, scheme := range []string{"tcp", "tls", "ws", "wss"} {
		for _, options := range []string{"", "proxyproto=on&nodelay=off&keepalive=30s&rcvbuf=64k&sndbuf=64k&backlog=5&ip=4"} {
			t.Run(scheme+"?"+options, func(t *testing.T) {
				socket := opened(t, "tcp", "127.0.0.1:0")
				a := endpoint.AddrOf(scheme, socket.Addr())
				to := a
				for pair := range strings.SplitSeq(options, "&") {
					if key, value, ok := strings.Cut(pair, "="); ok {
						a.Options.Set(key, value)
						to.Options.Set("proxyproto", "2")
					}
				}
				var asked []endpoint.Addr
				l, err := endpoint.Host{Inherited: func(a endpoint.Addr) (endpoint.Socket, error) {
					asked = append(asked, a)
					return socket, nil
				}}.Listen(t.Context(), a)
				if err != nil {
					t.Fatal(err)
				}
				defer l.Close()
				if len(asked) != 1 || asked[0] != a || l.Addr().String() != socket.Addr().String() {
					t.Errorf("asked for %v, listening at %v", asked, l.Addr())
				}
				if f, ok := l.(endpoint.Fingerprinter); ok {
					to.Options.Set("pin", f.Fingerprint())
				} else if scheme == "tls" || scheme == "wss" {
					t.Errorf("a %T tells no fingerprint", l)
				}
				c := dialAddr(t, endpoint.Host{}, to)
				s := acceptStream(t, l)
				if _, plain := s.(*net.TCPConn); plain != (scheme == "tcp" && options == "") {
					t.Errorf("a %T is accepted", s)
				}
				if c.LocalAddr().String() != s.RemoteAddr().String() {
					t.Errorf("%v is %v here", c.LocalAddr(), s.RemoteAddr())
				}
				exchange(t, c, s)
				wait := inBackground(t, func() { c.Close() })
				s.Close()
				wait()
				if err := l.Close(); err != nil {
					t.Error(err)
				}
				if c, err := (endpoint.Host{}).Dial(context.Background(), endpoint.AddrOf("tcp", socket.Addr())); err == nil {
					c.Close()
					t.Error("the socket is open still")
				}
			})
		}
	}
}

// exchange has each side of a conversation say something.
func exchange(t *testing.T, a, b net.Conn) {
	t.Helper()
	for range 2 {
		if _, err := a.Write([]byte("well?")); err != nil {
			t.Error(err)
			return
		}
		got := make([]byte, 5)
		if _, err := io.ReadFull(b, got); err != nil || string(got) != "well?" {
			t.Errorf("%q, %v", got, err)
			return
		}
		a, b = b, a
	}
}

// TestInheritedUnix: the socket's file is whose it was.
func TestInheritedUnix(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("Windows hands no sockets over by descriptor")
	}
	path := socketPath(t)
	made, err := net.Listen("unix", path)
	if err != nil {
		t.Fatal(err)
	}
	for _, socket := range []endpoint.Socket{{Listener: made}, opened(t, "unix", filepath.Join(filepath.Dir(path), "second"))} {
		at := endpoint.AddrOf("unix", socket.Addr())
		l, err := heir(socket).Listen(t.Context(), at)
		if err != nil {
			t.Fatal(err)
		}
		c := dialAddr(t, endpoint.Host{}, at)
		s := acceptStream(t, l)
		if _, plain := s.(*net.UnixConn); !plain {
			t.Errorf("a %T is accepted", s)
		}
		exchange(t, c, s)
		if err := l.Close(); err != nil {
			t.Error(err)
		}
		if _, err := os.Stat(at.Path); err != nil {
			t.Errorf("the file is gone: %v", err)
		}
	}
}

// TestInheritedUDP: one conversation a peer, each answered from where it asked.
func TestInheritedUDP(t *testing.T) {
	for network, asked := range map[string][]string{"udp4": {"127.0.0.1", "127.0.0.2"}, "udp": {"127.0.0.1", "127.0.0.2", "::1"}} {
		socket := opened(t, network, ":0")
		a := endpoint.AddrOf("udp", socket.Addr())
		a.Options.Set("rcvbuf", "128k")
		a.Options.Set("peers", "9")
		l, err := heir(socket).Listen(t.Context(), a)
		if err != nil {
			t.Fatal(err)
		}
		a.Options = endpoint.Options{}
		for _, host := range asked {
			if host == "127.0.0.2" && runtime.GOOS != "linux" || host == "::1" && !haveIPv6() {
				continue
			}
			a.Host = host
			c, d := dialAddr(t, endpoint.Host{}, a), dialAddr(t, endpoint.Host{}, a)
			send(t, c, "first")
			s := accept(t, l)
			send(t, d, "second")
			r := accept(t, l)
			receive(t, s, "first")
			receive(t, r, "second")
			send(t, r, "to the second")
			send(t, s, "to the first")
			receive(t, d, "to the second")
			receive(t, c, "to the first")
			if s.LocalAddr().String() != c.RemoteAddr().String() {
				t.Errorf("asked at %v, answers from %v", c.RemoteAddr(), s.LocalAddr())
			}
		}
		if err := l.Close(); err != nil {
			t.Error(err)
		}
	}
}

func TestInheritedUnixgram(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("Windows has no unixgram")
	}
	socket := opened(t, "unixgram", socketPath(t))
	a := endpoint.AddrOf("unixgram", socket.Addr())
	l, err := heir(socket).Listen(t.Context(), a)
	if err != nil {
		t.Fatal(err)
	}
	c := dialAddr(t, endpoint.Host{}, a)
	send(t, c, "anyone there?")
	s := accept(t, l)
	receive(t, s, "anyone there?")
	send(t, s, "here")
	receive(t, c, "here")
	if err := l.Close(); err != nil {
		t.Error(err)
	}
	if _, err := os.Stat(a.Path); err != nil {
		t.Errorf("the file is gone: %v", err)
	}
}

// TestInheritedNone: what nobody has opened is opened.
func TestInheritedNone(t *testing.T) {
	for _, addr := range []string{"tcp://127.0.0.1:0", "tls://127.0.0.1:0", "udp://127.0.0.1:0", "unix:" + socketPath(t)} {
		listen(t, heir(endpoint.Socket{}), addr)
	}
}

func TestInheritedErrors(t *testing.T) {
	for _, tt := range []struct {
		network, addr string // the socket
		listen, err   string // @ is where the socket is, for both
		hint          string
	}{
		{"tcp", "127.0.0.1:0", "udp://127.0.0.1:1", "listen udp 127.0.0.1:1: the socket inherited for it is another: tcp @", ""},
		{"udp", "127.0.0.1:0", "tls://127.0.0.1:1", "listen tls 127.0.0.1:1: the socket inherited for it is another: udp @", ""},
		{"unix", "", "tcp://127.0.0.1:1", "listen tcp 127.0.0.1:1: the socket inherited for it is another: unix @", ""},
		{"unix", "", "unixgram:/x", "listen unixgram /x: the socket inherited for it is another: unix @", ""},
		{"unixgram", "", "unix:/x", "listen unix /x: the socket inherited for it is another: unixgram @", ""},
		{"tcp", "127.0.0.1:0", "tcp://@?ip=6", "listen tcp @: address 127.0.0.1: the socket inherited for it is not of IPv6", ""},
		{"tcp", "127.0.0.1:0", "tcp://@?reuseport=on", `listen tcp://@: option "reuseport=on": the socket is inherited, and bound already`, "leave it out; who opens the socket says it, as systemd's ReusePort=yes does"},
		{"udp", "127.0.0.1:0", "udp://@?reuseaddr=on", `listen udp://@: option "reuseaddr=on": the socket is inherited, and bound already`, "leave it out; who opens the socket says it, as systemd's ReusePort=yes does"},
		{"udp4", ":0", "udp://239.1.2.3:1", "listen udp 239.1.2.3:1: a multicast group is joined with sockets of our own, not over an inherited one", ""},
	} {
		t.Run(tt.network+" "+tt.listen, func(t *testing.T) {
			if strings.HasPrefix(tt.network, "unix") {
				tt.addr = socketPath(t)
			}
			socket := opened(t, tt.network, tt.addr)
			fill := func(s string) string { return strings.ReplaceAll(s, "@", socket.Addr().String()) }
			_, err := heir(socket).Listen(t.Context(), parse(t, fill(tt.listen)))
			if err == nil || err.Error() != fill(tt.err) || endpoint.Hint(err) != tt.hint {
				t.Errorf("got %v\n%s", err, endpoint.Hint(err))
			}
			if err := socket.Close(); !errors.Is(err, net.ErrClosed) {
				t.Errorf("the socket was left open: %v", err)
			}
		})
	}
	// Who is to say whether there is one fails.
	_, err := endpoint.Host{Inherited: func(endpoint.Addr) (endpoint.Socket, error) { return endpoint.Socket{}, errors.New("no descriptors") }}.
		Listen(t.Context(), parse(t, "tls://:1"))
	if fmt.Sprint(err) != "listen tls :1: no descriptors" {
		t.Error(err)
	}
	// A socket is not asked for in vain.
	for _, addr := range []string{"tcp://:1?nodely=1", "tls://:1?cert=/none", "ws://:1?origin=x", "unix:" + strings.Repeat("x", 200)} {
		_, err := endpoint.Host{Inherited: func(endpoint.Addr) (endpoint.Socket, error) { panic("asked") }}.Listen(t.Context(), parse(t, addr))
		if err == nil {
			t.Errorf("%s is taken", addr)
		}
	}
	// One that speaks to one peer only is no listener's.
	peer, err := net.ListenUDP("udp4", &net.UDPAddr{IP: net.IPv4(127, 0, 0, 1)})
	if err != nil {
		t.Fatal(err)
	}
	defer peer.Close()
	conn, err := net.DialUDP("udp4", nil, peer.LocalAddr().(*net.UDPAddr))
	if err != nil {
		t.Fatal(err)
	}
	_, err = heir(endpoint.Socket{Packet: conn}).Listen(t.Context(), parse(t, "udp://:1"))
	if want := "listen udp :1: the socket inherited for it is connected to " + peer.LocalAddr().String(); fmt.Sprint(err) != want {
		t.Errorf("got %v\nwant %s", err, want)
	}
}
