package endpoint

import (
	"context"
	"errors"
	"net"
	"net/netip"
	"sync"
	"sync/atomic"
	"syscall"

	"golang.org/x/net/ipv4"
	"golang.org/x/net/ipv6"
)

// A hostSocket is the machine's UDP socket under a peerListener.
type hostSocket struct {
	conn     *net.UDPConn
	groups   []*net.UDPConn // members of a multicast group, which only receive
	bound    netip.AddrPort // what is listened on: conn's address, or the group's
	port     uint16         // conn's
	v6       bool           // an IPv6 socket, which may speak IPv4 too
	wildcard bool           // bound to every address
	via      [][]byte       // control messages for each interface to send to many by; none: the socket's own
	shouts   atomic.Bool    // it speaks to many, of which it may be one
	readers  sync.WaitGroup
}

var _ packetSocket = (*hostSocket)(nil)

func newHostSocket(conn *net.UDPConn) *hostSocket {
	bound := unmapped(conn.LocalAddr().(*net.UDPAddr).AddrPort())
	s := &hostSocket{
		conn:     conn,
		bound:    bound,
		port:     bound.Port(),
		v6:       !bound.Addr().Is4(),
		wildcard: bound.Addr().IsUnspecified(),
	}
	if s.wildcard {
		// Where the system cannot tell (Windows), the socket answers from the
		// address the system chooses, as everybody's does.
		if s.v6 {
			_ = ipv6.NewPacketConn(conn).SetControlMessage(ipv6.FlagDst|ipv6.FlagInterface, true)
		}
		// An IPv6 socket says of IPv4 only which address was asked; Linux takes
		// this on it too, and then says what to answer a broadcast from.
		_ = ipv4.NewPacketConn(conn).SetControlMessage(ipv4.FlagDst|ipv4.FlagInterface, true)
	}
	return s
}

// serve reads the socket in goroutines of its own until close, which waits for them.
func (s *hostSocket) serve(l *peerListener) {
	deliver := func(remote netip.AddrPort, local netip.Addr, p []byte) {
		remote = unmapped(remote)
		if remote.Port() == s.port && s.shouts.Load() && isOwn(remote.Addr()) {
			return // our own words
		}
		l.deliver(place{AddrPort: remote}, local, p)
	}
	for _, conn := range append(s.groups, s.conn) {
		s.readers.Go(func() {
			if err := s.receive(conn, deliver); err != nil && !errors.Is(err, net.ErrClosed) {
				l.shut(bareError(err))
			}
		})
	}
}

func (s *hostSocket) network() string { return "udp" }

func (s *hostSocket) addr() place { return place{AddrPort: s.bound} }

func (s *hostSocket) limit(remote place) int { return payloadLimit(remote.Addr()) }

// source makes the control message that lets answers leave from local
// (IP_PKTINFO, IPV6_PKTINFO). An IPv6 socket takes IPv4's for IPv4 peers.
func (s *hostSocket) source(remote place, local netip.Addr) []byte {
	if !s.wildcard {
		return nil
	}
	if remote.Addr().Is4() {
		return (&ipv4.ControlMessage{Src: local.AsSlice()}).Marshal()
	}
	return (&ipv6.ControlMessage{Src: local.AsSlice()}).Marshal()
}

func (s *hostSocket) send(p []byte, c *peerConn) error {
	if to := c.remote.Addr(); len(s.via) > 0 && (to.IsMulticast() || to == limitedBroadcast) {
		return s.sendVia(p, c.remote.AddrPort)
	}
	_, _, err := s.conn.WriteMsgUDPAddrPort(p, c.source, c.remote.AddrPort)
	if err != nil && c.source != nil && (isErrno(err, syscall.EINVAL) || isErrno(err, syscall.EADDRNOTAVAIL)) {
		// Asked at an address we cannot speak from, a subnet's broadcast or one
		// that is gone: the system chooses.
		_, _, err = s.conn.WriteMsgUDPAddrPort(p, nil, c.remote.AddrPort)
	}
	return err
}

func (s *hostSocket) resolve(ctx context.Context, want settings, a Addr) (to place, many bool, err error) {
	family, own := want.ip, "4"
	if s.v6 {
		own = "6"
	}
	if !s.v6 || !s.wildcard { // else both families, unless the socket was made with ip=6
		if family != "" && family != own {
			return to, false, &net.AddrError{Err: "the socket is bound to the other family", Addr: a.Host}
		}
		family = own
	}
	host := a.Host
	if host == "" {
		host = "localhost"
	}
	ip, err := lookup(ctx, family, host)
	if many = err == nil && want.reachesMany(ip); many {
		s.shouts.Store(true)
	}
	return place{AddrPort: netip.AddrPortFrom(ip, a.Port)}, many, err
}

func (s *hostSocket) close() error {
	err := s.conn.Close()
	for _, g := range s.groups {
		err = errors.Join(err, g.Close())
	}
	s.readers.Wait()
	return err
}

// transient reports whether a receive error is about one datagram and not the
// socket: refusals of what we sent (Windows reports them on any socket), and
// the system being short of memory for a moment.
func transient(err error) bool {
	for _, e := range []syscall.Errno{
		syscall.ECONNREFUSED, syscall.ECONNRESET, netReset, syscall.EHOSTUNREACH,
		syscall.ENETUNREACH, syscall.EMSGSIZE, syscall.ENOBUFS, syscall.EINTR,
	} {
		if isErrno(err, e) {
			return true
		}
	}
	return false
}

// replyable returns local if answers can leave from it: an IPv4 broadcast and a
// multicast group are addresses to be asked at only.
func replyable(local netip.Addr) netip.Addr {
	if local.IsMulticast() || local == netip.AddrFrom4([4]byte{255, 255, 255, 255}) || local.IsUnspecified() {
		return netip.Addr{}
	}
	return local
}
