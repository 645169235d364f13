package endpoint

import (
	"context"
	"net"
	"net/netip"
	"os"
	"syscall"
)

// A memSocket is a datagram socket of Mem's under a udpListener.
type memSocket struct {
	m     *Mem
	bound netip.AddrPort
	l     *udpListener
}

var _ packetSocket = (*memSocket)(nil)

func (m *Mem) listenDatagram(a Addr, s settings) (net.Listener, error) {
	if isMulticast(a.Host) {
		return nil, errMulticast
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	ip, err := m.hostLocked(a.Host, s.ip, anyAddr(s.ip))
	if err != nil {
		return nil, err
	}
	port := a.Port
	if port == 0 {
		if port, err = m.freePortLocked(); err != nil {
			return nil, err
		}
	}
	return m.openLocked(netip.AddrPortFrom(ip, port), s)
}

func (m *Mem) openLocked(bound netip.AddrPort, s settings) (*udpListener, error) {
	if m.sockets[bound] != nil {
		return nil, errInUse
	}
	if m.sockets == nil {
		m.sockets = make(map[netip.AddrPort]*memSocket)
	}
	sock := &memSocket{m: m, bound: bound}
	sock.l = newUDPListener(sock, s)
	m.sockets[bound] = sock
	return sock.l, nil
}

// dialDatagram opens a socket for one conversation.
func (m *Mem) dialDatagram(a Addr, s settings) (net.Conn, error) {
	switch {
	case isMulticast(a.Host):
		return nil, errMulticast
	case a.Port == 0:
		return nil, errPortZero
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	ip, err := m.hostLocked(a.Host, s.ip, loopback(s.ip))
	if err != nil {
		return nil, err
	}
	from, err := m.clientLocked(s, ip)
	if err != nil {
		return nil, err
	}
	s.peers, s.idle = 1, 0
	l, err := m.openLocked(from, s)
	if err != nil {
		return nil, err
	}
	l.sole = true
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.addLocked(netip.AddrPortFrom(ip, a.Port), netip.Addr{}), nil
}

func (s *memSocket) addr() netip.AddrPort { return s.bound }

func (s *memSocket) source(_, _ netip.Addr) []byte { return nil }

// send delivers p in the caller's goroutine: its order is the order of sending,
// and there is no queue but the receiver's.
func (s *memSocket) send(p []byte, c *peerConn) error {
	from := c.local
	if !from.IsValid() {
		from = s.bound.Addr()
	}
	if from.IsUnspecified() {
		from = c.remote.Addr() // one machine has all addresses
	}
	s.m.mu.Lock()
	open := s.m.sockets[s.bound] == s
	var to *memSocket
	for _, at := range reachable(c.remote) {
		if to = s.m.sockets[at]; to != nil {
			break
		}
	}
	s.m.mu.Unlock()
	switch {
	case !open:
		return net.ErrClosed
	case to != nil:
		to.l.deliver(netip.AddrPortFrom(from, s.bound.Port()), to.askedAt(c.remote.Addr()), p)
	case s.l.sole:
		// A connected socket of a kernel's learns of it by ICMP: the send
		// succeeds and the next read does not.
		c.fail(os.NewSyscallError("read", syscall.ECONNREFUSED))
	}
	return nil
}

func (s *memSocket) askedAt(ip netip.Addr) netip.Addr {
	if s.bound.Addr().IsUnspecified() {
		return ip
	}
	return netip.Addr{}
}

func (s *memSocket) resolve(_ context.Context, family string, a Addr) (netip.AddrPort, error) {
	s.m.mu.Lock()
	defer s.m.mu.Unlock()
	ip, err := s.m.hostLocked(a.Host, family, loopback(family))
	return netip.AddrPortFrom(ip, a.Port), err
}

func (s *memSocket) close() error {
	s.m.mu.Lock()
	defer s.m.mu.Unlock()
	if s.m.sockets[s.bound] == s {
		delete(s.m.sockets, s.bound)
	}
	return nil
}
