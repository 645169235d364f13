package endpoint

import (
	"context"
	"fmt"
	"net"
	"net/netip"
	"os"
	"strings"
	"sync"
	"syscall"
)

// Mem is a network in memory, for tests: one machine that has every address,
// where every scheme works and nothing is lost except by a full queue. The zero
// value is ready, and each Mem is a world of its own. It must not be copied.
//
// Addresses mean what they mean to Host, options are checked as Host checks
// them, and conns carry the address types of package net (a mem address is an
// Addr). Host names are not looked up: each name gets an address of its own out
// of 198.18.0.0/15, except localhost. Port 0 is replaced by a free one from
// 49152 up. Dialing where nobody listens is ECONNREFUSED, as *net.OpError.
//
// Streams hold 64 KiB each way (the option rcvbuf, or sndbuf, of the address
// listened on), and then a writer waits: back-pressure is as real as a
// kernel's. Their conns have CloseWrite and are Waiters and TryWriters. Closing
// a conn with unread input does not reset it, where TCP would. Datagrams take
// the way of Host's, through the same per-peer conversations, idle expiry and
// bounds; a send puts the datagram into the receiver's queue before it returns.
// So does one to a multicast group into its members', and one to
// 255.255.255.255 into those of whoever listens at every address. A full queue
// loses unixgram's messages too.
//
// No goroutine belongs to a Mem (a tls or ws listener has some until it is closed), and waiting is done on conditions and timers
// that are made where they are needed: a Mem made inside testing/synctest's
// bubble runs on its virtual time. All methods may be called at once.
type Mem struct {
	mu       sync.Mutex
	streams  map[memKey]*memListener
	sockets  map[place]*memSocket
	groups   map[netip.AddrPort][]*memSocket // members of a multicast group
	hosts    map[string]netip.Addr
	lastPort uint16
}

var _ Network = (*Mem)(nil)

// memKey is where a stream listener is: a tcp address, or a path.
type memKey struct {
	scheme, path string
	addr         netip.AddrPort
}

// Dial opens a conversation with a.
func (m *Mem) Dial(ctx context.Context, a Addr) (net.Conn, error) {
	s, err := readSettings("dial", a)
	if err != nil {
		return nil, err
	}
	if err := ctx.Err(); err != nil {
		return nil, opError("dial", a, err)
	}
	if err := s.withoutProxies("dial", a); err != nil {
		return nil, err
	}
	if s.timeout > 0 {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, s.timeout)
		defer cancel()
	}
	dialTCP := func(ctx context.Context, a Addr) (net.Conn, error) {
		a.Scheme, a.Path = "tcp", ""
		c, err := m.dialStream(ctx, a, s)
		if err != nil {
			return nil, opError("dial", a, err)
		}
		return c, nil
	}
	switch a.Scheme {
	case "tls":
		return s.dialTLS(ctx, a, dialTCP)
	case "ws":
		return s.dialWS(ctx, a, dialTCP)
	case "wss":
		return s.dialWS(ctx, a, func(ctx context.Context, a Addr) (net.Conn, error) { return s.dialTLS(ctx, a, dialTCP) })
	case "tcp", "unix", "mem":
		c, err := m.dialStream(ctx, a, s)
		if err != nil {
			return nil, opError("dial", a, err)
		}
		return c, nil
	case "udp", "unixgram":
		c, err := m.dialDatagram(a, s)
		if err != nil {
			return nil, opError("dial", a, err)
		}
		return c, nil
	}
	return nil, opError("dial", a, errScheme(a.Scheme))
}

// Listen opens a for others to begin conversations with.
func (m *Mem) Listen(ctx context.Context, a Addr) (net.Listener, error) {
	s, err := readSettings("listen", a)
	if err != nil {
		return nil, err
	}
	if err := ctx.Err(); err != nil {
		return nil, opError("listen", a, err)
	}
	if err := s.withoutProxies("listen", a); err != nil {
		return nil, err
	}
	var l net.Listener
	listenTCP := func(_ context.Context, a Addr) (net.Listener, error) {
		a.Scheme, a.Path = "tcp", ""
		l, err := m.listenStream(a, s)
		if err != nil {
			return nil, opError("listen", a, err)
		}
		return l, nil
	}
	switch a.Scheme {
	case "tls":
		return s.listenTLS(ctx, a, listenTCP)
	case "ws":
		return s.listenWS(ctx, a, listenTCP)
	case "wss":
		return s.listenWS(ctx, a, func(ctx context.Context, a Addr) (net.Listener, error) { return s.listenTLS(ctx, a, listenTCP) })
	case "tcp", "unix", "mem":
		l, err = m.listenStream(a, s)
	case "udp", "unixgram":
		l, err = m.listenDatagram(a, s)
	default:
		err = errScheme(a.Scheme)
	}
	if err != nil {
		return nil, opError("listen", a, err)
	}
	return l, nil
}

var errInUse = os.NewSyscallError("bind", syscall.EADDRINUSE)

var errRefused = os.NewSyscallError("connect", syscall.ECONNREFUSED)

// hostLocked returns host's address; unspecified is what an empty host means.
func (m *Mem) hostLocked(host, family string, unspecified netip.Addr) (netip.Addr, error) {
	var ip netip.Addr
	switch {
	case host == "":
		ip = unspecified
	case host == "localhost" && family == "6":
		ip = netip.IPv6Loopback()
	case host == "localhost":
		ip = netip.AddrFrom4([4]byte{127, 0, 0, 1})
	default:
		var err error
		if ip, err = netip.ParseAddr(host); err != nil {
			ip = m.nameLocked(host, family)
		}
	}
	ip = ip.Unmap()
	if family != "" && ip.Is4() != (family == "4") {
		return ip, &net.AddrError{Err: "not an IPv" + family + " address", Addr: host}
	}
	return ip, nil
}

// nameLocked gives a name its address: the networks RFC 2544 and RFC 4193 keep
// free of hosts, so that no test takes one for loopback.
func (m *Mem) nameLocked(name, family string) netip.Addr {
	if m.hosts == nil {
		m.hosts = make(map[string]netip.Addr)
	}
	key := family + "/" + name
	if family == "4" {
		key = "/" + name // either family is IPv4 here
	}
	ip, ok := m.hosts[key]
	if !ok {
		n := len(m.hosts) + 1
		ip = netip.AddrFrom4([4]byte{198, 18 + byte(n>>16), byte(n >> 8), byte(n)})
		if family == "6" {
			ip = netip.AddrFrom16([16]byte{0xfd, 13: byte(n >> 16), 14: byte(n >> 8), 15: byte(n)})
		}
		m.hosts[key] = ip
	}
	return ip
}

func loopback(family string) netip.Addr {
	if family == "6" {
		return netip.IPv6Loopback()
	}
	return netip.AddrFrom4([4]byte{127, 0, 0, 1})
}

func anyAddr(family string) netip.Addr {
	if family == "4" {
		return netip.IPv4Unspecified()
	}
	return netip.IPv6Unspecified()
}

// freePortLocked returns a port that nobody listens on.
func (m *Mem) freePortLocked() (uint16, error) {
	used := make(map[uint16]bool, len(m.streams)+len(m.sockets))
	for k := range m.streams {
		used[k.addr.Port()] = true
	}
	for a := range m.sockets {
		used[a.Port()] = true
	}
	for range 1 << 14 {
		if m.lastPort < 49152 || m.lastPort == 65535 {
			m.lastPort = 49151
		}
		m.lastPort++
		if !used[m.lastPort] {
			return m.lastPort, nil
		}
	}
	return 0, errInUse
}

// clientLocked returns the address a client speaks from: the option bind, or
// the address it speaks to (this is one machine) with a free port.
func (m *Mem) clientLocked(s settings, remote netip.Addr) (netip.AddrPort, error) {
	host, portText := s.bind, "0"
	if h, p, err := net.SplitHostPort(s.bind); err == nil {
		host, portText = h, p
	}
	host = strings.TrimSuffix(strings.TrimPrefix(host, "["), "]")
	ip, err := m.hostLocked(host, s.ip, remote)
	if err != nil {
		return netip.AddrPort{}, err
	}
	var port uint16
	if _, err := fmt.Sscan(portText, &port); err != nil {
		return netip.AddrPort{}, &net.AddrError{Err: "invalid port", Addr: s.bind}
	}
	if port == 0 {
		port, err = m.freePortLocked()
	}
	return netip.AddrPortFrom(ip, port), err
}
