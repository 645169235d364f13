package endpoint

import (
	"context"
	"fmt"
	"net"
	"net/netip"
	"os"
	"slices"
	"syscall"
)

// A memSocket is a datagram socket of Mem's under a peerListener.
type memSocket struct {
	m      *Mem
	scheme string
	bound  place
	own    place // what it sends from: bound, or a member of a group's own address
	l      *peerListener
}

var _ packetSocket = (*memSocket)(nil)

func (m *Mem) listenDatagram(a Addr, s settings) (net.Listener, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if a.Scheme == "unixgram" {
		at := place{path: a.Path}
		return m.openLocked(a.Scheme, at, at, s)
	}
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
	if !ip.IsMulticast() {
		if err := s.refuseMany("listen", a); err != nil {
			return nil, err
		}
		at := place{AddrPort: netip.AddrPortFrom(ip, port)}
		return m.openLocked(a.Scheme, at, at, s)
	}
	own, err := m.freePortLocked()
	if err != nil {
		return nil, err
	}
	group, from := netip.AddrPortFrom(ip, port), netip.AddrPortFrom(loopback(familyOf(ip)), own)
	return m.openLocked(a.Scheme, place{AddrPort: group}, place{AddrPort: from}, s)
}

// openLocked opens a socket that sends from own. What is sent to own reaches it,
// and what is sent to the group bound.
func (m *Mem) openLocked(scheme string, bound, own place, s settings) (*peerListener, error) {
	if m.sockets[own] != nil {
		return nil, errInUse
	}
	if m.sockets == nil {
		m.sockets = make(map[place]*memSocket)
		m.groups = make(map[netip.AddrPort][]*memSocket)
	}
	sock := &memSocket{m: m, scheme: scheme, bound: bound, own: own}
	sock.l = newPeerListener(sock, s)
	m.sockets[own] = sock
	if bound != own {
		m.groups[bound.AddrPort] = append(m.groups[bound.AddrPort], sock)
	}
	return sock.l, nil
}

// dialDatagram opens a socket for one conversation.
func (m *Mem) dialDatagram(a Addr, s settings) (net.Conn, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	to, from, many, err := m.endsLocked(a, s)
	if err != nil {
		return nil, err
	}
	s.peers, s.idle = 1, 0
	l, err := m.openLocked(a.Scheme, from, from, s)
	if err != nil {
		return nil, err
	}
	l.sole = true
	l.mu.Lock()
	defer l.mu.Unlock()
	c := l.addLocked(to, netip.Addr{}, 0)
	if many {
		l.anyone = c
	}
	return c, nil
}

// endsLocked returns both ends of a conversation with a.
func (m *Mem) endsLocked(a Addr, s settings) (to, from place, many bool, err error) {
	if a.Scheme == "unixgram" {
		to, from = place{path: a.Path}, place{path: s.bind}
		if m.sockets[to] == nil {
			return to, from, false, errRefused
		}
		for n := len(m.sockets); from.path == "" || s.bind == "" && m.sockets[from] != nil; n++ {
			from.path = fmt.Sprintf("@%05x", n)
		}
		return to, from, false, nil
	}
	if a.Port == 0 {
		return to, from, false, errPortZero
	}
	ip, err := m.hostLocked(a.Host, s.ip, loopback(s.ip))
	if err != nil {
		return to, from, false, err
	}
	source := ip
	if many = s.reachesMany(ip); many {
		source = loopback(familyOf(ip))
	} else if err := s.refuseMany("dial", a); err != nil {
		return to, from, false, err
	}
	ap, err := m.clientLocked(s, source)
	return place{AddrPort: netip.AddrPortFrom(ip, a.Port)}, place{AddrPort: ap}, many, err
}

func (s *memSocket) network() string { return s.scheme }

func (s *memSocket) addr() place { return s.bound }

func (s *memSocket) source(place, netip.Addr) []byte { return nil }

func (s *memSocket) limit(remote place) int {
	if s.scheme == "unixgram" {
		return memUnixgram
	}
	return payloadLimit(remote.Addr())
}

// memUnixgram is the largest message a unixgram socket sends: what Linux has by
// default.
const memUnixgram = 212992 - 32

// send delivers p in the caller's goroutine: its order is the order of sending,
// and there is no queue but the receiver's.
func (s *memSocket) send(p []byte, c *peerConn) error {
	from := s.own
	if c.local.IsValid() {
		from.AddrPort = netip.AddrPortFrom(c.local, from.Port())
	}
	to := c.remote.Addr()
	many := to.IsMulticast() || to == limitedBroadcast
	if from.Addr().IsUnspecified() {
		ip := to // one machine has all addresses
		if many {
			ip = loopback(familyOf(to))
		}
		from.AddrPort = netip.AddrPortFrom(ip, from.Port())
	}
	s.m.mu.Lock()
	open := s.m.sockets[s.own] == s
	// Nearly always there is one receiver, which must cost no allocation.
	var one [2]*memSocket
	receivers := s.m.receiversLocked(one[:0], c.remote)
	s.m.mu.Unlock()
	if !open {
		return net.ErrClosed
	}
	for _, r := range receivers {
		if r != s || !many { // nobody hears their own words to many
			r.l.deliver(from, r.askedAt(to), p)
		}
	}
	if len(receivers) == 0 && s.l.anyone == nil {
		if s.scheme == "unixgram" {
			return os.NewSyscallError("sendto", syscall.ECONNREFUSED)
		}
		if s.l.sole {
			// A connected socket of a kernel's learns of it by ICMP: the send
			// succeeds and the next read does not.
			c.fail(os.NewSyscallError("read", syscall.ECONNREFUSED))
		}
	}
	return nil
}

// receiversLocked appends the sockets that what is sent to a place reaches.
func (m *Mem) receiversLocked(dst []*memSocket, to place) []*memSocket {
	switch {
	case to.Addr().IsMulticast():
		return append(dst, m.groups[to.AddrPort]...)
	case to.Addr() == limitedBroadcast:
		for _, wild := range []netip.Addr{netip.IPv4Unspecified(), netip.IPv6Unspecified()} {
			if s := m.sockets[place{AddrPort: netip.AddrPortFrom(wild, to.Port())}]; s != nil {
				dst = append(dst, s)
			}
		}
		return dst
	case to.path != "":
		if s := m.sockets[to]; s != nil {
			dst = append(dst, s)
		}
		return dst
	}
	for _, at := range reachable(to.AddrPort) {
		if s := m.sockets[place{AddrPort: at}]; s != nil {
			return append(dst, s)
		}
	}
	return dst
}

func familyOf(ip netip.Addr) string {
	if ip.Is4() {
		return "4"
	}
	return "6"
}

// askedAt is the address to answer from, of a socket that has several.
func (s *memSocket) askedAt(ip netip.Addr) netip.Addr {
	if s.bound.IsValid() && s.bound.Addr().IsUnspecified() {
		return replyable(ip)
	}
	return netip.Addr{}
}

func (s *memSocket) resolve(_ context.Context, want settings, a Addr) (place, bool, error) {
	if s.scheme == "unixgram" {
		return place{path: a.Path}, false, nil
	}
	s.m.mu.Lock()
	defer s.m.mu.Unlock()
	ip, err := s.m.hostLocked(a.Host, want.ip, loopback(want.ip))
	return place{AddrPort: netip.AddrPortFrom(ip, a.Port)}, err == nil && want.reachesMany(ip), err
}

func (s *memSocket) close() error {
	s.m.mu.Lock()
	defer s.m.mu.Unlock()
	if s.m.sockets[s.own] == s {
		delete(s.m.sockets, s.own)
		if members := s.m.groups[s.bound.AddrPort]; s.bound != s.own {
			// A new slice: receiversLocked's callers may hold the old one's members.
			s.m.groups[s.bound.AddrPort] = slices.DeleteFunc(slices.Clone(members), func(o *memSocket) bool { return o == s })
		}
	}
	return nil
}
