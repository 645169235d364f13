package endpoint

import (
	"context"
	"errors"
	"net"
	"net/netip"
	"strconv"
	"syscall"

	"golang.org/x/net/ipv4"
	"golang.org/x/net/ipv6"
)

// Speaking to many at once: multicast (RFC 1112, RFC 4291 §2.7; the options of
// RFC 3493 §5.2) and IPv4 broadcast (RFC 919).
//
// Answers come from other addresses than the one spoken to, which a connected
// socket would refuse. A conversation dialed with many is therefore a socket of
// its own, bound but not connected, whose one inbox takes what anybody sends to
// it. It does not join the group: it hears answers, not what others say there.
//
// Who listens at a group's address joins it with one socket for each interface,
// bound to the group so that nothing else arrives, and shared (SO_REUSEADDR) so
// that several programs may. All it sends leaves from one more socket, with a
// port of its own:
//
//	group:port, shared ──┐
//	  (each interface)   ├─► peerListener.deliver
//	  *:own port ────────┘
//	       ▲──────────────── answers, and Dial of the group
//
// That port is what others answer to. It belongs to this program alone, where
// the group's is shared: a unicast to a shared port reaches any one of its
// programs (ip(7) has it for SO_REUSEADDR). It also tells our own words, which
// the system loops back for others on this machine, from theirs.

// manySettings are the options for speaking to many.
type manySettings struct {
	broadcast choice
	iface     string // a name, an address or "all"; "": the system chooses
	ttl       int
	loop      choice     // the loopback interface returns what it is given, off or not
	source    netip.Addr // invalid: any
}

func readInterface(s *settings, v string) string {
	s.many.iface = v
	if v == "" {
		return "an interface's name or address, or all"
	}
	return ""
}

func readTTL(s *settings, v string) string {
	n, err := strconv.ParseUint(v, 10, 8)
	if err != nil {
		return "a number from 0 to 255"
	}
	s.many.ttl = int(n)
	return ""
}

func readSource(s *settings, v string) string {
	ip, err := netip.ParseAddr(v)
	if err != nil || ip.IsMulticast() || ip.IsUnspecified() {
		return "the address of one host"
	}
	s.many.source = ip.Unmap()
	return ""
}

var limitedBroadcast = netip.AddrFrom4([4]byte{255, 255, 255, 255})

// reachesMany reports whether what is sent to ip has more than one receiver: a
// group, a broadcast, or a subnet's broadcast. The last looks like any other
// address (RFC 919 §7); it is known for the networks this machine is in, and
// has to be said (broadcast=on) for others.
func (s settings) reachesMany(ip netip.Addr) bool {
	switch {
	case ip.IsMulticast():
		return true
	case !ip.Is4():
		return false
	case s.many.broadcast != unset:
		return s.many.broadcast == on
	case ip == limitedBroadcast:
		return true
	}
	return isSubnetBroadcast(ip)
}

// refuseMany refuses the options for many at an address that is one host's.
func (s settings) refuseMany(op string, a Addr) error {
	for key, value := range a.Options.All() {
		switch key {
		case "broadcast":
			if s.many.broadcast == on {
				return &OptionError{Op: op, Addr: a, Option: key, Value: value, Reason: "IPv6 has no broadcast",
					Hint: "ff02::1 is every host on a link: udp://[ff02::1%eth0]:port"}
			}
		case "iface", "ttl", "loop", "source":
			return &OptionError{Op: op, Addr: a, Option: key, Value: value, Reason: "the address is not a multicast group",
				Hint: "groups are 224.0.0.0 to 239.255.255.255, and ff00::/8"}
		}
	}
	return nil
}

// dialMany begins a conversation with all that ip reaches.
func (s settings) dialMany(ctx context.Context, a Addr, ip netip.Addr) (net.Conn, error) {
	if !ip.IsMulticast() {
		if a.Options.Has("ttl") || a.Options.Has("loop") {
			without := a
			without.Options.Take("iface")
			return nil, s.refuseMany("dial", without)
		}
	}
	if !s.speaks(ip) {
		return nil, opError("dial", a, &net.AddrError{Err: "not an IPv" + s.ip + " address", Addr: a.Host})
	}
	ifis, err := s.interfaces("dial", a, ip)
	if err != nil {
		return nil, err
	}
	local, err := s.resolveBind(ctx, a)
	if err != nil {
		return nil, err
	}
	if !local.Addr().IsValid() || local.Addr().IsUnspecified() {
		local = netip.AddrPortFrom(wildcardFor(ip), local.Port())
	}
	if len(ifis) == 1 && ip.Is4() && !ip.IsMulticast() && local.Addr().IsUnspecified() {
		// A broadcast leaves by the interface whose address it is sent from.
		own, err := ipv4Of(ifis[0])
		if err != nil {
			return nil, opError("dial", a, err)
		}
		local = netip.AddrPortFrom(own, local.Port())
	}
	sock, err := s.openSender(ctx, ip, local, ifis)
	if err != nil {
		return nil, err
	}
	sock.shouts.Store(true) // bound to the port spoken to, it hears itself
	s.peers, s.idle = 1, 0
	l := newPeerListener(sock, s)
	l.sole = true
	l.anyone = l.addLocked(place{AddrPort: netip.AddrPortFrom(ip, a.Port)}, netip.Addr{}, 0)
	sock.serve(l)
	return l.anyone, nil
}

// checkGroup refuses to listen to the group ip where ip and the options differ.
func (s settings) checkGroup(a Addr, ip netip.Addr) error {
	if !s.speaks(ip) {
		return opError("listen", a, &net.AddrError{Err: "not an IPv" + s.ip + " address", Addr: a.Host})
	}
	if s.many.source.IsValid() && s.many.source.Is4() != ip.Is4() {
		return &OptionError{Op: "listen", Addr: a, Option: "source", Value: s.many.source.String(),
			Reason: "it is of the other family than the group"}
	}
	return nil
}

// listenGroup joins the group ip.
func (s settings) listenGroup(ctx context.Context, a Addr, ip netip.Addr) (net.Listener, error) {
	ifis, err := s.interfaces("listen", a, ip)
	if err != nil {
		return nil, err
	}
	sock, err := s.openSender(ctx, ip, netip.AddrPortFrom(wildcardFor(ip), 0), ifis)
	if err != nil {
		return nil, err
	}
	sock.shouts.Store(true)
	if len(ifis) == 0 {
		ifis = []*net.Interface{nil} // the system chooses
	}
	for _, ifi := range ifis {
		g, err := s.joinGroup(ctx, netip.AddrPortFrom(ip, a.Port), ifi)
		if err != nil {
			return nil, errors.Join(opError("listen", a, bareError(err)), sock.close())
		}
		a.Port = g.LocalAddr().(*net.UDPAddr).AddrPort().Port()
		sock.groups = append(sock.groups, g)
	}
	sock.bound = netip.AddrPortFrom(ip, a.Port)
	l := newPeerListener(sock, s)
	sock.serve(l)
	return l, nil
}

// joinGroup opens a socket that receives what is said to the group on ifi.
func (s settings) joinGroup(ctx context.Context, group netip.AddrPort, ifi *net.Interface) (*net.UDPConn, error) {
	lc := s.listenConfig()
	if s.reuseaddr != off {
		lc.Control = after(s.control, shareGroup)
	}
	at := group
	if !bindsGroup {
		at = netip.AddrPortFrom(wildcardFor(group.Addr()), group.Port())
	} else if ifi != nil && needsZone(group.Addr()) {
		at = netip.AddrPortFrom(group.Addr().WithZone(ifi.Name), group.Port())
	}
	conn, err := lc.ListenPacket(ctx, udpFor(group.Addr()), at.String())
	if err != nil {
		return nil, err
	}
	c := conn.(*net.UDPConn)
	onlyJoined(c)
	addr := &net.UDPAddr{IP: group.Addr().AsSlice()}
	source := &net.UDPAddr{IP: s.many.source.AsSlice()}
	switch v4 := group.Addr().Is4(); {
	case v4 && s.many.source.IsValid():
		err = ipv4.NewPacketConn(c).JoinSourceSpecificGroup(ifi, addr, source)
	case v4:
		err = ipv4.NewPacketConn(c).JoinGroup(ifi, addr)
	case s.many.source.IsValid():
		err = ipv6.NewPacketConn(c).JoinSourceSpecificGroup(ifi, addr, source)
	default:
		err = ipv6.NewPacketConn(c).JoinGroup(ifi, addr)
	}
	if err != nil {
		c.Close()
		return nil, err
	}
	return c, nil
}

// openSender opens the socket that speaks to the many at ip, by ifis or as the
// system chooses, and hears what is sent to it alone.
func (s settings) openSender(ctx context.Context, ip netip.Addr, local netip.AddrPort, ifis []*net.Interface) (*hostSocket, error) {
	pc, err := s.listenConfig().ListenPacket(ctx, udpFor(ip), local.String())
	if err != nil {
		return nil, err
	}
	conn := pc.(*net.UDPConn)
	onlyJoined(conn)
	sock := newHostSocket(conn)
	sock.wildcard = false // answers leave from where the system's routes say
	for _, ifi := range ifis {
		var oob []byte
		if ip.Is4() {
			oob = (&ipv4.ControlMessage{IfIndex: ifi.Index}).Marshal()
		} else {
			oob = (&ipv6.ControlMessage{IfIndex: ifi.Index}).Marshal()
		}
		if len(ifis) > 1 && len(oob) > 0 {
			sock.via = append(sock.via, oob)
		}
	}
	if !ip.IsMulticast() {
		return sock, nil
	}
	loop := s.many.loop != off
	var errs [3]error
	if ip.Is4() {
		p := ipv4.NewPacketConn(conn)
		errs[0], errs[1] = p.SetMulticastTTL(s.many.ttl), p.SetMulticastLoopback(loop)
		if len(ifis) == 1 {
			errs[2] = p.SetMulticastInterface(ifis[0])
		}
	} else {
		p := ipv6.NewPacketConn(conn)
		errs[0], errs[1] = p.SetMulticastHopLimit(s.many.ttl), p.SetMulticastLoopback(loop)
		if len(ifis) == 1 {
			errs[2] = p.SetMulticastInterface(ifis[0])
		}
	}
	if err := errors.Join(errs[:]...); err != nil {
		conn.Close()
		return nil, err
	}
	return sock, nil
}

// sendVia sends p by each of s.via. It fails when no interface takes it.
func (s *hostSocket) sendVia(p []byte, to netip.AddrPort) error {
	sent := false
	var failed error
	for _, oob := range s.via {
		if _, _, err := s.conn.WriteMsgUDPAddrPort(p, oob, to); err != nil {
			failed = err
		} else {
			sent = true
		}
	}
	if sent {
		return nil
	}
	return failed
}

// speaks reports whether ip is of the family insisted on, if any.
func (s settings) speaks(ip netip.Addr) bool {
	return s.ip == "" || ip.Is4() == (s.ip == "4")
}

func udpFor(ip netip.Addr) string {
	if ip.Is4() {
		return "udp4"
	}
	return "udp6"
}

func wildcardFor(ip netip.Addr) netip.Addr {
	if ip.Is4() {
		return netip.IPv4Unspecified()
	}
	return netip.IPv6Unspecified()
}

// needsZone reports whether the IPv6 group ip means another one on each
// interface: interface-local and link-local scope (RFC 4291 §2.7).
func needsZone(ip netip.Addr) bool {
	return ip.IsInterfaceLocalMulticast() || ip.IsLinkLocalMulticast() && ip.Is6()
}

// after returns a Control function that does what first does, and then sets one
// more thing.
func after(first func(network, address string, c syscall.RawConn) error, set func(fd uintptr) error) func(string, string, syscall.RawConn) error {
	return func(network, address string, c syscall.RawConn) error {
		if err := first(network, address, c); err != nil {
			return err
		}
		var err error
		if cerr := c.Control(func(fd uintptr) { err = set(fd) }); cerr != nil {
			return cerr
		}
		return err
	}
}
