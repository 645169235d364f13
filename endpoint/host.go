package endpoint

import (
	"context"
	"errors"
	"net"
	"net/netip"
	"strconv"
	"strings"
	"syscall"
)

// Host is the machine's own sockets. The zero value is ready.
//
// A tcp conn is a *net.TCPConn and a unix one a *net.UnixConn. A tls conn is a
// [TLSConn], and its listener a [Fingerprinter] and a [Renewer] that accepts
// whoever has shaken hands. A ws or wss conn is a [WSConn], and a wss listener
// both of these, too. A udp or unixgram conn that was dialed is connected to its
// peer and has syscall.Conn, unless it speaks to many, as to a multicast group:
// then it is a [Fromer]. A udp or unixgram listener is a [DatagramListener].
type Host struct {
	// Mem is where mem addresses are opened. Nil refuses them.
	Mem *Mem

	// Inherited returns the socket that somebody else has opened for a, or the
	// zero Socket. Listen asks for it when it finds nothing wrong with a, any
	// number of goroutines at once, and a is listened at over that socket with
	// all that a's scheme and options say, except reuseaddr and reuseport. The
	// socket is Listen's from then on and is closed with the listener; a unix
	// socket's file stays. Nil: all sockets are opened here.
	Inherited func(a Addr) (Socket, error)
}

var _ Network = Host{}

// Dial opens a conversation with a. The option timeout, 0 by default, bounds it
// beside ctx; without it a handshake or a proxy's answer is awaited for 10 s. An
// empty Host is this machine.
func (h Host) Dial(ctx context.Context, a Addr) (net.Conn, error) {
	if a.Scheme == "mem" && h.Mem != nil {
		return h.Mem.Dial(ctx, a)
	}
	s, err := readChecked("dial", a)
	if err != nil {
		return nil, err
	}
	switch a.Scheme {
	case "tcp":
		return s.dialStream(ctx, a)
	case "tls":
		return s.dialTLS(ctx, a, s.dialStream)
	case "ws":
		return s.dialWS(ctx, a, s.dialStream)
	case "wss":
		return s.dialWS(ctx, a, func(ctx context.Context, a Addr) (net.Conn, error) { return s.dialTLS(ctx, a, s.dialStream) })
	case "udp":
		return s.dialUDP(ctx, a)
	case "unix":
		return s.dialUnix(ctx, a)
	case "unixgram":
		return s.dialUnixgram(ctx, a)
	}
	return nil, opError("dial", a, errScheme(a.Scheme))
}

// Listen opens a for others to begin conversations with. Close of a unix
// or unixgram listener removes its file, unless the socket is Inherited; Close of a udp or unixgram listener
// ends its conversations.
func (h Host) Listen(ctx context.Context, a Addr) (net.Listener, error) {
	if a.Scheme == "mem" && h.Mem != nil {
		return h.Mem.Listen(ctx, a)
	}
	s, err := readChecked("listen", a)
	if err != nil {
		return nil, err
	}
	open := func(ctx context.Context, a Addr) (net.Listener, error) { return h.open(ctx, a, s) }
	switch a.Scheme {
	case "tcp":
		return s.listenStream(ctx, a, open)
	case "tls":
		return s.listenTLS(ctx, a, open)
	case "ws":
		return s.listenWS(ctx, a, func(ctx context.Context, a Addr) (net.Listener, error) { return s.listenStream(ctx, a, open) })
	case "wss":
		return s.listenWS(ctx, a, func(ctx context.Context, a Addr) (net.Listener, error) { return s.listenTLS(ctx, a, open) })
	}
	return open(ctx, a)
}

var (
	errPortZero = errors.New("port 0 is for listening only")
)

func errScheme(scheme string) error {
	if scheme == "mem" {
		return errors.New("mem addresses are within one program only")
	}
	return net.UnknownNetworkError(scheme)
}

// target is an Addr in a *net.OpError, which names the network itself.
type target struct{ Addr }

func (t target) String() string {
	if t.Scheme == "tcp" || t.Scheme == "udp" || t.Scheme == "tls" {
		return t.hostPort()
	}
	if isWS(t.Scheme) {
		return t.hostPort() + t.Path
	}
	return t.Path
}

func opError(op string, a Addr, err error) error {
	return &net.OpError{Op: op, Net: a.Scheme, Addr: target{a}, Err: err}
}

func (s settings) dialer() *net.Dialer {
	return &net.Dialer{
		Timeout:         s.timeout,
		KeepAlive:       s.keepAlive(),
		KeepAliveConfig: s.keepAliveConfig(),
		Control:         s.control,
	}
}

func (s settings) listenConfig() *net.ListenConfig {
	return &net.ListenConfig{
		KeepAlive:       s.keepAlive(),
		KeepAliveConfig: s.keepAliveConfig(),
		Control:         s.control,
	}
}

// control sets what must be set before bind and connect: buffers decide TCP's
// window scale in the handshake. It runs after package net's own defaults.
func (s settings) control(_, _ string, c syscall.RawConn) error {
	var err error
	set := func(f func(fd uintptr, v int) error, fd uintptr, v int) {
		if err == nil {
			err = f(fd, v)
		}
	}
	cerr := c.Control(func(fd uintptr) {
		if s.reuseaddr != unset {
			set(setReuseAddr, fd, s.reuseaddr.int())
		}
		if s.reuseport == on {
			set(setReusePort, fd, 1)
		}
		if s.rcvbuf > 0 {
			set(setReceiveBuffer, fd, s.rcvbuf)
		}
		if s.sndbuf > 0 {
			set(setSendBuffer, fd, s.sndbuf)
		}
	})
	if cerr != nil {
		return cerr
	}
	return err
}

func (c choice) int() int {
	if c == on {
		return 1
	}
	return 0
}

// setBacklog listens again with the backlog asked for.
func (s settings) setBacklog(c syscall.Conn) error {
	if s.backlog == 0 {
		return nil
	}
	raw, err := c.SyscallConn()
	if err != nil {
		return err
	}
	cerr := raw.Control(func(fd uintptr) { err = relisten(fd, s.backlog) })
	if cerr != nil {
		return cerr
	}
	return err
}

// resolveBind returns the local address of the option bind: host, host:port or
// :port. It is invalid when there is none.
func (s settings) resolveBind(ctx context.Context, a Addr) (netip.AddrPort, error) {
	if s.bind == "" {
		return netip.AddrPort{}, nil
	}
	fail := func(reason string) (netip.AddrPort, error) {
		return netip.AddrPort{}, &OptionError{Op: "dial", Addr: a, Option: "bind", Value: s.bind, Reason: reason,
			Hint: "write host, host:port or :port, an IPv6 address in brackets"}
	}
	host, portText, err := net.SplitHostPort(s.bind)
	if err != nil {
		host, portText = strings.TrimSuffix(strings.TrimPrefix(s.bind, "["), "]"), "0"
	}
	port, err := strconv.ParseUint(portText, 10, 16)
	if err != nil {
		return fail("want a port from 0 to 65535")
	}
	family := s.ip
	if host == "" {
		host = "::"
		if family == "4" {
			host = "0.0.0.0"
		}
	}
	ip, err := lookup(ctx, family, host)
	if err != nil {
		return fail(err.Error())
	}
	return netip.AddrPortFrom(ip, uint16(port)), nil
}

// lookup resolves host, preferring IPv4 as package net does for datagrams.
// family is "4", "6" or either.
func lookup(ctx context.Context, family, host string) (netip.Addr, error) {
	ips, err := net.DefaultResolver.LookupNetIP(ctx, "ip"+family, host)
	if err != nil {
		return netip.Addr{}, err
	}
	for _, ip := range ips {
		if ip.Unmap().Is4() {
			return ip.Unmap(), nil
		}
	}
	return ips[0], nil
}
