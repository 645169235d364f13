package endpoint

import (
	"context"
	"errors"
	"net"
	"net/netip"
	"sync"
	"syscall"

	"golang.org/x/net/ipv4"
	"golang.org/x/net/ipv6"
)

// A hostSocket is the machine's UDP socket under a udpListener.
type hostSocket struct {
	conn     *net.UDPConn
	bound    netip.AddrPort
	v6       bool // an IPv6 socket, which may speak IPv4 too
	wildcard bool // bound to every address
	reader   sync.WaitGroup
}

var _ packetSocket = (*hostSocket)(nil)

func newHostSocket(conn *net.UDPConn) *hostSocket {
	bound := conn.LocalAddr().(*net.UDPAddr).AddrPort()
	s := &hostSocket{
		conn:     conn,
		bound:    netip.AddrPortFrom(bound.Addr().Unmap(), bound.Port()),
		v6:       !bound.Addr().Unmap().Is4(),
		wildcard: bound.Addr().IsUnspecified(),
	}
	if s.wildcard {
		// Where the system cannot tell (Windows), the socket answers from the
		// address the system chooses, as everybody's does.
		if s.v6 {
			_ = ipv6.NewPacketConn(conn).SetControlMessage(ipv6.FlagDst|ipv6.FlagInterface, true)
		} else {
			_ = ipv4.NewPacketConn(conn).SetControlMessage(ipv4.FlagDst|ipv4.FlagInterface, true)
		}
	}
	return s
}

// serve reads the socket in a goroutine of its own until close, which waits for it.
func (s *hostSocket) serve(l *udpListener) {
	s.reader.Go(func() {
		if err := s.receive(l.deliver); err != nil && !errors.Is(err, net.ErrClosed) {
			l.shut(bareError(err))
		}
	})
}

func (s *hostSocket) addr() netip.AddrPort { return s.bound }

// source makes the control message that lets answers leave from local
// (IP_PKTINFO, IPV6_PKTINFO). An IPv6 socket takes IPv4's for IPv4 peers.
func (s *hostSocket) source(remote, local netip.Addr) []byte {
	if !s.wildcard {
		return nil
	}
	if remote.Is4() {
		return (&ipv4.ControlMessage{Src: local.AsSlice()}).Marshal()
	}
	return (&ipv6.ControlMessage{Src: local.AsSlice()}).Marshal()
}

func (s *hostSocket) send(p []byte, c *peerConn) error {
	_, _, err := s.conn.WriteMsgUDPAddrPort(p, c.source, c.remote)
	if err != nil && c.source != nil && (isErrno(err, syscall.EINVAL) || isErrno(err, syscall.EADDRNOTAVAIL)) {
		// Asked at an address we cannot speak from, a subnet's broadcast or one
		// that is gone: the system chooses.
		_, _, err = s.conn.WriteMsgUDPAddrPort(p, nil, c.remote)
	}
	return err
}

func (s *hostSocket) resolve(ctx context.Context, family string, a Addr) (netip.AddrPort, error) {
	own := "4"
	if s.v6 {
		own = "6"
	}
	if !s.v6 || !s.wildcard { // else both families, unless the socket was made with ip=6
		if family != "" && family != own {
			return netip.AddrPort{}, &net.AddrError{Err: "the socket is bound to the other family", Addr: a.Host}
		}
		family = own
	}
	host := a.Host
	if host == "" {
		host = "localhost"
	}
	ip, err := lookup(ctx, family, host)
	return netip.AddrPortFrom(ip, a.Port), err
}

func (s *hostSocket) close() error {
	err := s.conn.Close()
	s.reader.Wait()
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
