package endpoint

import (
	"context"
	"net"
	"net/netip"
)

func (s settings) dialTCP(ctx context.Context, a Addr) (net.Conn, error) {
	d := s.dialer()
	local, err := s.resolveBind(ctx, a)
	if err != nil {
		return nil, err
	}
	if local.IsValid() {
		d.LocalAddr = bindAddr(net.TCPAddrFromAddrPort(local))
	}
	c, err := d.DialContext(ctx, s.network("tcp"), a.hostPort())
	if err != nil {
		return nil, err
	}
	if s.nodelay == off {
		if err := c.(noDelayer).SetNoDelay(false); err != nil {
			c.Close()
			return nil, err
		}
	}
	return c, nil
}

// noDelayer is *net.TCPConn's.
type noDelayer interface{ SetNoDelay(bool) error }

// bindAddr leaves a wildcard's IP out: package net then takes the family of
// the address dialed, where "::" would insist on IPv6.
func bindAddr(a *net.TCPAddr) *net.TCPAddr {
	if ip, _ := netip.AddrFromSlice(a.IP); ip.Unmap().IsUnspecified() {
		a.IP = nil
	}
	return a
}

func (s settings) listenTCP(ctx context.Context, a Addr) (net.Listener, error) {
	ln, err := s.listenConfig().Listen(ctx, s.network("tcp"), a.hostPort())
	if err != nil {
		return nil, err
	}
	tln := ln.(*net.TCPListener)
	if err := s.setBacklog(tln); err != nil {
		ln.Close()
		return nil, opError("listen", a, err)
	}
	if s.nodelay == off {
		return delayListener{tln}, nil
	}
	return ln, nil
}

// A delayListener turns off TCP_NODELAY, which package net turns on for each
// conn it accepts.
type delayListener struct{ *net.TCPListener }

func (l delayListener) Accept() (net.Conn, error) {
	c, err := l.AcceptTCP()
	if err != nil {
		return nil, err
	}
	// It fails when the peer has left already, which the first read will say.
	_ = c.SetNoDelay(false)
	return c, nil
}
