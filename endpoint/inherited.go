package endpoint

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"syscall"
)

// A Socket is one that somebody else has opened, as systemd does for a service:
// exactly one of its fields is set. The zero Socket is none.
type Socket struct {
	// Listener accepts streams: a *net.TCPListener or a *net.UnixListener.
	Listener net.Listener

	// Packet has datagrams: a *net.UDPConn, or a *net.UnixConn of unixgram.
	Packet net.PacketConn
}

// Addr returns the socket's own address, nil of the zero Socket.
func (s Socket) Addr() net.Addr {
	switch {
	case s.Listener != nil:
		return s.Listener.Addr()
	case s.Packet != nil:
		return s.Packet.LocalAddr()
	}
	return nil
}

// Close closes the socket.
func (s Socket) Close() error {
	switch {
	case s.Listener != nil:
		return s.Listener.Close()
	case s.Packet != nil:
		return s.Packet.Close()
	}
	return nil
}

var errInheritedGroup = errors.New("a multicast group is joined with sockets of our own, not over an inherited one")

// sockets are the schemes of sockets, by what they are spoken over.
var sockets = map[string]string{"tcp": "tcp", "tls": "tcp", "ws": "tcp", "wss": "tcp", "udp": "udp", "unix": "unix", "unixgram": "unixgram"}

// open opens a's socket, or takes over the one that is open already. TLS and
// the like are for the caller to put on it.
func (h Host) open(ctx context.Context, a Addr, s settings) (net.Listener, error) {
	if h.Inherited != nil {
		socket, err := h.Inherited(a)
		if err != nil {
			return nil, opError("listen", a, err)
		}
		if socket != (Socket{}) {
			ln, err := s.over(a, socket)
			if err != nil {
				socket.Close()
				return nil, err
			}
			return ln, nil
		}
	}
	switch sockets[a.Scheme] {
	case "tcp":
		return s.listenTCP(ctx, a)
	case "udp":
		return s.listenUDP(ctx, a)
	case "unix":
		return s.listenUnix(ctx, a)
	case "unixgram":
		return s.listenUnixgram(ctx, a)
	}
	return nil, opError("listen", a, errScheme(a.Scheme))
}

// over listens at a over a socket that is open.
func (s settings) over(a Addr, socket Socket) (net.Listener, error) {
	at := socket.Addr()
	if at.Network() != sockets[a.Scheme] || (socket.Packet != nil) != (a.Scheme == "udp" || a.Scheme == "unixgram") {
		return nil, opError("listen", a, fmt.Errorf("the socket inherited for it is another: %s %v", at.Network(), at))
	}
	if err := s.adopt(a, socket); err != nil {
		return nil, err
	}
	switch sc := socket.Packet.(type) {
	case nil:
		return s.overListener(socket.Listener), nil
	case *net.UDPConn:
		if to := sc.RemoteAddr(); to != nil {
			return nil, opError("listen", a, fmt.Errorf("the socket inherited for it is connected to %v", to))
		}
		if ip, err := netip.ParseAddr(a.Host); err == nil && ip.IsMulticast() {
			return nil, opError("listen", a, errInheritedGroup)
		}
		return s.serveUDP(sc), nil
	case *net.UnixConn:
		return s.serveUnixgram(a, sc, place{path: at.(*net.UnixAddr).Name}, socketFile{})
	}
	return nil, opError("listen", a, fmt.Errorf("the socket inherited for it is a %T, which is none of the system's", socket.Packet))
}

// adopt sets on a socket that is open what a's options want of it. What counts
// only before a socket is bound they may not say.
func (s settings) adopt(a Addr, socket Socket) error {
	for _, key := range []string{"reuseaddr", "reuseport"} {
		if a.Options.Has(key) {
			return &OptionError{Op: "listen", Addr: a, Option: key, Value: a.Options.Get(key), Reason: "the socket is inherited, and bound already",
				Hint: "leave it out; who opens the socket says it, as systemd's ReusePort=yes does"}
		}
	}
	if ip, ok := ipOf(socket.Addr()); ok && !s.speaks(ip) {
		return opError("listen", a, &net.AddrError{Err: "the socket inherited for it is not of IPv" + s.ip, Addr: ip.String()})
	}
	if s.rcvbuf == 0 && s.sndbuf == 0 && (s.backlog == 0 || socket.Packet != nil) {
		return nil
	}
	var sc syscall.Conn
	var ok bool
	if socket.Listener != nil {
		sc, ok = socket.Listener.(syscall.Conn)
	} else {
		sc, ok = socket.Packet.(syscall.Conn)
	}
	if !ok {
		return opError("listen", a, fmt.Errorf("the socket inherited for it takes no options: %w", syscall.ENOTSUP))
	}
	raw, err := sc.SyscallConn()
	if err == nil {
		err = s.control("", "", raw)
	}
	if err == nil && socket.Listener != nil {
		err = s.setBacklog(sc)
	}
	if err != nil {
		return opError("listen", a, err)
	}
	return nil
}

// ipOf is the IP address of a tcp or udp socket.
func ipOf(a net.Addr) (netip.Addr, bool) {
	switch a := a.(type) {
	case *net.TCPAddr:
		return a.AddrPort().Addr().Unmap(), true
	case *net.UDPAddr:
		return a.AddrPort().Addr().Unmap(), true
	}
	return netip.Addr{}, false
}

// overListener is ln, whose conns have what the options want of each. A unix
// socket's file is not ours to remove.
func (s settings) overListener(ln net.Listener) net.Listener {
	if u, ok := ln.(interface{ SetUnlinkOnClose(bool) }); ok {
		u.SetUnlinkOnClose(false)
	}
	if s.nodelay == off || s.keepalive != unset {
		return tunedListener{ln, s}
	}
	return ln
}

// A tunedListener sets on each conn what package net sets for a listener it has
// opened itself.
type tunedListener struct {
	net.Listener
	s settings
}

func (l tunedListener) Accept() (net.Conn, error) {
	c, err := l.Listener.Accept()
	if err != nil {
		return nil, err
	}
	// They fail when the peer has left already, which the first read will say.
	if t, ok := c.(noDelayer); ok && l.s.nodelay == off {
		_ = t.SetNoDelay(false)
	}
	if t, ok := c.(keepAliver); ok && l.s.keepalive != unset {
		config := l.s.keepAliveConfig()
		config.Enable = l.s.keepalive == on
		_ = t.SetKeepAliveConfig(config)
	}
	return c, nil
}

// keepAliver is *net.TCPConn's.
type keepAliver interface {
	SetKeepAliveConfig(net.KeepAliveConfig) error
}
