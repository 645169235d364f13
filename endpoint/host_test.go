package endpoint_test

import (
	"context"
	"errors"
	"io/fs"
	"net"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"syscall"
	"testing"

	"golang.org/x/net/nettest"

	"sockeye.dev/endpoint"
)

func TestConnTCP(t *testing.T) {
	nettest.TestConn(t, pairs(t, endpoint.Host{}, func(*testing.T) string { return "tcp://127.0.0.1:0" }))
}

func TestConnUnix(t *testing.T) {
	nettest.TestConn(t, pairs(t, endpoint.Host{}, func(t *testing.T) string { return "unix:" + socketPath(t) }))
}

// socketPath is short: macOS allows 103 bytes.
func socketPath(t testing.TB) string {
	dir, err := os.MkdirTemp("", "sock")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	return filepath.Join(dir, "s")
}

// pairs makes nettest's pipes: a conn dialed and its other end accepted.
func pairs(t *testing.T, n endpoint.Network, addr func(*testing.T) string) nettest.MakePipe {
	return func() (c1, c2 net.Conn, stop func(), err error) {
		a, err := endpoint.Parse(addr(t))
		if err != nil {
			return nil, nil, nil, err
		}
		l, err := n.Listen(context.Background(), a)
		if err != nil {
			return nil, nil, nil, err
		}
		defer l.Close()
		if c1, err = n.Dial(context.Background(), endpoint.AddrOf(a.Scheme, l.Addr())); err != nil {
			return nil, nil, nil, err
		}
		c2, err = l.Accept()
		return c1, c2, func() { c1.Close(); c2.Close() }, err
	}
}

func TestStreamsArePlain(t *testing.T) {
	l := listen(t, endpoint.Host{}, "tcp://localhost:0?backlog=5&keepalive=30s&rcvbuf=64k&nodelay=off")
	c := dialAddr(t, endpoint.Host{}, endpoint.AddrOf("tcp", l.Addr()))
	s, err := l.Accept()
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	for _, c := range []net.Conn{c, s} {
		if _, ok := c.(*net.TCPConn); !ok {
			t.Errorf("%T, want *net.TCPConn", c)
		}
	}
	if _, ok := l.(syscall.Conn); !ok {
		t.Errorf("%T has no SyscallConn", l)
	}
}

func TestDialOptions(t *testing.T) {
	l := listen(t, endpoint.Host{}, "tcp://127.0.0.1:0")
	a := endpoint.AddrOf("tcp", l.Addr())
	for k, v := range map[string]string{"bind": "127.0.0.2", "nodelay": "off", "keepalive": "off", "timeout": "5s",
		"rcvbuf": "32k", "sndbuf": "32KiB", "ip": "4", "reuseaddr": "on"} {
		a.Options.Set(k, v)
	}
	if runtime.GOOS != "linux" {
		a.Options.Take("bind") // only Linux has all of 127.0.0.0/8
	}
	c := dialAddr(t, endpoint.Host{}, a)
	if runtime.GOOS == "linux" && !strings.HasPrefix(c.LocalAddr().String(), "127.0.0.2:") {
		t.Errorf("local address %v", c.LocalAddr())
	}
}

func TestDialBind(t *testing.T) {
	for _, scheme := range []string{"tcp", "udp"} {
		bothNetworks(t, func(t *testing.T, n endpoint.Network) {
			l := listen(t, n, scheme+"://127.0.0.1:0")
			for _, bind := range []string{":0", "127.0.0.1", "127.0.0.1:0", "localhost:0"} {
				a := endpoint.AddrOf(scheme, l.Addr())
				a.Options.Set("bind", bind)
				if got := endpoint.AddrOf(scheme, dialAddr(t, n, a).LocalAddr()); got.Host != "127.0.0.1" || got.Port == 0 {
					t.Errorf("%s bind=%s: bound to %s", scheme, bind, got)
				}
			}
			a := endpoint.AddrOf(scheme, l.Addr())
			a.Options.Set("bind", "127.0.0.1:x")
			if _, err := n.Dial(context.Background(), a); err == nil {
				t.Errorf("%s bind=127.0.0.1:x was taken", scheme)
			}
		})
	}
}

func TestPrivilegedPortHint(t *testing.T) {
	err := &net.OpError{Op: "listen", Net: "tcp", Addr: &net.TCPAddr{Port: 80},
		Err: os.NewSyscallError("bind", syscall.EACCES)}
	if endpoint.Hint(err) == "" {
		t.Error("no hint")
	}
	err.Addr = &net.UnixAddr{Name: "/run/x", Net: "unix"}
	if got := endpoint.Hint(err); got != "" {
		t.Errorf("hint %q for a path", got)
	}
}

func TestOptionErrors(t *testing.T) {
	host := endpoint.Host{}
	for _, tt := range []struct{ op, addr, err, hint string }{
		{"dial", "tcp://h:1?nodely=1", `dial tcp://h:1: option "nodely=1": unknown`, "did you mean nodelay?"},
		{"dial", "tcp://h:1?zzzzz", `dial tcp://h:1: option "zzzzz": unknown`,
			"the options here are bind, ip, keepalive, nodelay, proxy, proxyproto, rcvbuf, reuseaddr, reuseport, sndbuf, timeout"},
		{"listen", "tcp://:1?bind=x", `listen tcp://:1: option "bind=x": it means nothing when listening tcp`, "the address itself says where to listen"},
		{"listen", "tcp://:1?timeout=1", `listen tcp://:1: option "timeout=1": it means nothing when listening tcp`, "it is for dialing"},
		{"dial", "udp://h:1?peers=1", `dial udp://h:1: option "peers=1": it means nothing when dialing udp`, "it is for listening"},
		{"listen", "tcp://:1?idle=1", `listen tcp://:1: option "idle=1": it means nothing when listening tcp`, ""},
		{"dial", "tcp://h:1?nodelay=maybe", `dial tcp://h:1: option "nodelay=maybe": want on or off`, ""},
		{"dial", "tcp://h:1?ip=5", `dial tcp://h:1: option "ip=5": want 4 or 6`, ""},
		{"dial", "tcp://h:1?timeout=soon", `dial tcp://h:1: option "timeout=soon": want a duration: 500ms, 2s, 1m, or seconds`, ""},
		{"dial", "tcp://h:1?keepalive=1ms", `dial tcp://h:1: option "keepalive=1ms": want off or a duration of at least 1s`, ""},
		{"dial", "tcp://h:1?rcvbuf=big", `dial tcp://h:1: option "rcvbuf=big": want a size up to 1024M: 65536, 64k, 1M`, ""},
		{"dial", "tcp://h:1?rcvbuf=2048M", `dial tcp://h:1: option "rcvbuf=2048M": want a size up to 1024M: 65536, 64k, 1M`, ""},
		{"listen", "udp://:1?peers=0", `listen udp://:1: option "peers=0": want a number from 1`, ""},
		{"dial", "tcp://h:1?bind=80", `dial tcp://h:1: option "bind=80": want an address: host, host:port or :port`, ""},
		{"dial", "udp://127.0.0.1:1?iface=eth0", `dial udp://127.0.0.1:1: option "iface=eth0": the address is not a multicast group`,
			"groups are 224.0.0.0 to 239.255.255.255, and ff00::/8"},
		{"listen", "udp://:1?ttl=2", `listen udp://:1: option "ttl=2": the address is not a multicast group`,
			"groups are 224.0.0.0 to 239.255.255.255, and ff00::/8"},
		{"dial", "udp://255.255.255.255:1?iface=lo&loop=off", `dial udp://255.255.255.255:1: option "loop=off": the address is not a multicast group`,
			"groups are 224.0.0.0 to 239.255.255.255, and ff00::/8"},
		{"dial", "udp://[::1]:1?broadcast=on", `dial udp://[::1]:1: option "broadcast=on": IPv6 has no broadcast`,
			"ff02::1 is every host on a link: udp://[ff02::1%eth0]:port"},
		{"listen", "udp://:1?broadcast=on", `listen udp://:1: option "broadcast=on": it means nothing when listening udp`, "it is for dialing"},
		{"dial", "udp://239.1.2.3:1?ttl=256", `dial udp://239.1.2.3:1: option "ttl=256": want a number from 0 to 255`, ""},
		{"listen", "udp://239.1.2.3:1?source=any", `listen udp://239.1.2.3:1: option "source=any": want the address of one host`, ""},
		{"listen", "udp://239.1.2.3:1?source=::1", `listen udp://239.1.2.3:1: option "source=::1": it is of the other family than the group`, ""},
		{"dial", "udp://239.1.2.3:1?ip=6", `dial udp 239.1.2.3:1: address 239.1.2.3: not an IPv6 address`, ""},
		{"dial", "udp://239.1.2.3:0", `dial udp 239.1.2.3:0: port 0 is for listening only`, ""},
		{"dial", "unixgram:@x?idle=1", `dial unixgram:@x: option "idle=1": it means nothing when dialing unixgram`, "it is for listening"},
		{"dial", "tcp://localhost:0", `dial tcp localhost:0: port 0 is for listening only`, ""},
		{"dial", "mem:x", `dial mem x: mem addresses are within one program only`, ""},
		{"dial", "unix:" + strings.Repeat("x", 108), "dial unix " + strings.Repeat("x", 108) + ": path of 108 bytes exceeds the limit of 107 bytes for a unix socket", ""},
	} {
		if strings.HasPrefix(tt.addr, "unix") && runtime.GOOS != "linux" {
			continue
		}
		a := parse(t, tt.addr)
		var err error
		if tt.op == "dial" {
			_, err = host.Dial(context.Background(), a)
		} else {
			_, err = host.Listen(context.Background(), a)
		}
		if err == nil || err.Error() != tt.err {
			t.Errorf("%s %s:\n got %v\nwant %s", tt.op, tt.addr, err, tt.err)
		}
		if got := endpoint.Hint(err); got != tt.hint {
			t.Errorf("%s %s: hint %q, want %q", tt.op, tt.addr, got, tt.hint)
		}
	}
}

func TestSystemErrors(t *testing.T) {
	l := listen(t, endpoint.Host{}, "tcp://127.0.0.1:0")
	a := endpoint.AddrOf("tcp", l.Addr())
	_, err := endpoint.Host{}.Listen(context.Background(), a)
	checkOpError(t, err, syscall.EADDRINUSE)
	l.Close()
	_, err = endpoint.Host{}.Dial(context.Background(), a)
	checkOpError(t, err, syscall.ECONNREFUSED)
	if endpoint.Hint(err) == "" {
		t.Error("no hint for a refusal")
	}
}

func checkOpError(t *testing.T, err error, reason syscall.Errno) {
	t.Helper()
	if runtime.GOOS == "windows" {
		return // Winsock has its own numbers
	}
	var oe *net.OpError
	if !errors.As(err, &oe) || !errors.Is(err, reason) {
		t.Errorf("%v (%T), want a *net.OpError with %v", err, err, reason)
	}
}

func TestUnixStaleSocket(t *testing.T) {
	path := socketPath(t)
	old, err := net.ListenUnix("unix", &net.UnixAddr{Name: path, Net: "unix"})
	if err != nil {
		t.Fatal(err)
	}
	old.SetUnlinkOnClose(false) // as a killed program leaves it
	a := parse(t, "unix:"+path)

	if _, err := (endpoint.Host{}).Listen(context.Background(), a); err == nil {
		t.Fatal("took over a live socket")
	} else {
		checkOpError(t, err, syscall.EADDRINUSE)
	}
	if runtime.GOOS != "windows" {
		// The live server did not notice: the first conn it sees is ours.
		ours := dialAddr(t, endpoint.Host{}, a)
		ours.Write([]byte("x"))
		first, err := old.Accept()
		if err != nil {
			t.Fatal(err)
		}
		if n, err := first.Read(make([]byte, 1)); n != 1 || err != nil {
			t.Errorf("Read = %d, %v: the server had a visitor before us", n, err)
		}
		first.Close()
	}
	old.Close()

	l, err := endpoint.Host{}.Listen(context.Background(), a)
	if err != nil {
		t.Fatalf("stale socket: %v", err)
	}
	l.Close()
	if _, err := os.Lstat(path); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("after Close: %v, want no file", err)
	}
}

func TestUnixNeverRemovesFiles(t *testing.T) {
	path := socketPath(t)
	if err := os.WriteFile(path, []byte("precious"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := (endpoint.Host{}).Listen(context.Background(), parse(t, "unix:"+path)); err == nil {
		t.Error("listened over a file")
	}
	if got, err := os.ReadFile(path); string(got) != "precious" {
		t.Errorf("the file is gone: %v", err)
	}
}

func TestUnixAbstract(t *testing.T) {
	if runtime.GOOS != "linux" {
		t.Skip("abstract sockets are Linux's")
	}
	l := listen(t, endpoint.Host{}, "unix:@sockeye-endpoint-test")
	dial(t, endpoint.Host{}, "unix:@sockeye-endpoint-test")
	if got := endpoint.AddrOf("unix", l.Addr()).String(); got != "unix:@sockeye-endpoint-test" {
		t.Errorf("AddrOf = %s", got)
	}
}

func TestHostMem(t *testing.T) {
	h := endpoint.Host{Mem: new(endpoint.Mem)}
	listen(t, h, "mem:x")
	dial(t, h, "mem:x")
}
