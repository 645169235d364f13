package endpoint

import (
	"context"
	"net"
	"net/netip"
	"syscall"
)

// A DatagramListener is what Listen returns for udp and unixgram: one socket,
// and one [MessageConn] for each peer that speaks to it.
//
// A peer is a remote address together with the local address it spoke to, and
// it is answered from that address even when the socket is bound to all of
// them. A conversation in which nobody speaks for the time of the option idle
// ends: its Read returns io.EOF once everything that arrived is read. What the
// peer sends later begins a new conversation, and so does what it sends after
// Close.
//
// What waits for a reader is bounded by conversation (the option queue, and
// 1,024 messages) and for the whole socket (64 MiB); what arrives beyond that is
// dropped, as the system does with a full socket, and counted. So are peers
// beyond the option peers, or beyond those that may wait for Accept (backlog).
//
// Over unixgram, which loses nothing, the socket is not read while there is no
// room, and so whoever sends waits, as the system has it. As everybody's messages
// are in the one queue of the socket, a conversation that nobody reads would hold
// up all others: it may do so for a second, and is then dropped from. Peers
// without a name cannot be told apart nor answered, and are one conversation.
//
// Close ends every conversation of the socket.
type DatagramListener interface {
	net.Listener
	Dialer
	Stats() DatagramStats

	// StopAccepting makes Accept fail from now on, with net.ErrClosed.
	// Strangers are ignored then; the conversations there are go on, until
	// Close ends them.
	StopAccepting()
}

// DatagramStats says what a DatagramListener holds and what it lost.
type DatagramStats struct {
	Peers   int    // conversations open now
	Dropped uint64 // datagrams that found their conversation's queue full
	Refused uint64 // datagrams of peers there was no room for
}

// A Dropper counts the messages it had to drop because their reader was too
// slow. The conns of a DatagramListener are Droppers.
type Dropper interface{ Dropped() uint64 }

// The largest payloads of one datagram: 65,535 bytes less the headers that
// share the length field (RFC 768, RFC 791; RFC 8200 leaves its header out).
const (
	maxPayload4 = 65535 - 20 - 8
	maxPayload6 = 65535 - 8

	// maxDatagram holds any datagram, so that none is ever cut.
	maxDatagram = 65536
)

func payloadLimit(remote netip.Addr) int {
	if remote.Unmap().Is4() {
		return maxPayload4
	}
	return maxPayload6
}

func (s settings) dialUDP(ctx context.Context, a Addr) (net.Conn, error) {
	ip, _ := netip.ParseAddr(a.Host)
	if s.reachesMany(ip) {
		return s.dialMany(ctx, a, ip)
	}
	d := s.dialer()
	local, err := s.resolveBind(ctx, a)
	if err != nil {
		return nil, err
	}
	if local.IsValid() {
		ua := net.UDPAddrFromAddrPort(local)
		if local.Addr().IsUnspecified() {
			ua.IP = nil // the family of the address dialed
		}
		d.LocalAddr = ua
	}
	c, err := d.DialContext(ctx, s.network("udp"), a.hostPort())
	if err != nil {
		return nil, err
	}
	if to := unmapped(c.RemoteAddr().(*net.UDPAddr).AddrPort()); !ip.IsValid() && s.reachesMany(to.Addr()) {
		c.Close() // a name that stands for many
		return s.dialMany(ctx, a, to.Addr())
	}
	if err := s.refuseMany("dial", a); err != nil {
		c.Close()
		return nil, err
	}
	return newUDPConn(c.(*net.UDPConn))
}

func (s settings) listenUDP(ctx context.Context, a Addr) (net.Listener, error) {
	if ip, err := netip.ParseAddr(a.Host); err == nil && ip.IsMulticast() {
		return s.listenGroup(ctx, a, ip)
	}
	pc, err := s.listenConfig().ListenPacket(ctx, s.network("udp"), a.hostPort())
	if err != nil {
		return nil, err
	}
	return s.serveUDP(pc.(*net.UDPConn)), nil
}

// serveUDP keeps the conversations of a socket that is bound.
func (s settings) serveUDP(conn *net.UDPConn) net.Listener {
	sock := newHostSocket(conn)
	l := newPeerListener(sock, s)
	sock.serve(l)
	return l
}

// unmapped is ap without the difference between IPv4 and IPv4 in IPv6.
func unmapped(ap netip.AddrPort) netip.AddrPort {
	return netip.AddrPortFrom(ap.Addr().Unmap(), ap.Port())
}

// sizeError turns the system's EMSGSIZE into an error that names the size.
func sizeError(err error, size, limit int) error {
	if isErrno(err, syscall.EMSGSIZE) {
		if size <= limit {
			limit = 0 // the system's own limit is lower, and it does not say
		}
		return &MessageSizeError{Size: size, Limit: limit}
	}
	return err
}
