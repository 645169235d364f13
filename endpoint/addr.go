package endpoint

import (
	"net"
	"net/netip"
	"strconv"
	"strings"
)

// An Addr is a parsed address: where, over what, and how.
//
// Addr is comparable: two spellings of the same address parse to equal values,
// and an Addr may be a map key. The zero Addr is no address.
type Addr struct {
	// Scheme is "tcp", "tls", "ws", "wss", "udp", "unix", "unixgram" or "mem".
	Scheme string

	// Host is a name, an IPv4 address, or an IPv6 address without brackets and
	// with its zone ("fe80::1%eth0"). Empty means every address when listening
	// and this machine when dialing. Only tcp, udp and what is spoken over tcp
	// have one.
	Host string

	// Port is 0 when the system is to choose one. Where there is a Host there is a
	// Port.
	Port uint16

	// Path is a unix or unixgram socket's file, or "@name" in Linux's abstract namespace, or
	// a mem address's name, or what a ws address asks for: the path with the
	// server's own query, "" for "/".
	Path string

	// Options are what followed the question mark.
	Options Options
}

var _ net.Addr = Addr{}

// Network returns the name package net knows the address's kind by: its scheme.
func (a Addr) Network() string { return a.Scheme }

// Stream reports whether conversations at the address are byte streams, without
// message boundaries of their own and with an end of stream.
func (a Addr) Stream() bool {
	return a.Scheme != "udp" && a.Scheme != "unixgram" && !isWS(a.Scheme)
}

// String returns the canonical URL form. Parse reads it back to an equal Addr.
func (a Addr) String() string {
	if a == (Addr{}) {
		return ""
	}
	var s string
	switch a.Scheme {
	case "unix", "unixgram":
		s = a.Scheme + ":" + escape(a.Path)
		if strings.HasPrefix(a.Path, "/") {
			s = a.Scheme + "://" + escape(a.Path)
		}
	case "mem":
		s = "mem://" + escape(a.Path)
	case "ws", "wss":
		s = a.wsString()
	default:
		s = a.Scheme + "://" + joinHostPort(a.Host, a.Port)
	}
	if a.Options.Len() > 0 {
		s += "?" + a.Options.String()
	}
	return s
}

// hostPort returns the form package net dials.
func (a Addr) hostPort() string {
	return net.JoinHostPort(a.Host, strconv.Itoa(int(a.Port)))
}

// joinHostPort is net.JoinHostPort, except that a zone which would read as an
// escaped percent sign (%25) is escaped itself.
func joinHostPort(host string, port uint16) string {
	if ip, zone, ok := strings.Cut(host, "%"); ok && strings.HasPrefix(zone, "25") {
		host = ip + "%25" + zone
	}
	return net.JoinHostPort(host, strconv.Itoa(int(port)))
}

// AddrOf returns the Addr of a socket's own address a, to announce it by: after
// listening on port 0 it has the port the system chose. A listener on every
// address ("::") has an empty Host, as the address it was parsed from.
//
// The scheme is that of the Addr listened on, for net.Addr alone does not tell
// tcp from what is spoken over it; empty means a's network.
func AddrOf(scheme string, a net.Addr) Addr {
	if scheme == "" && a != nil {
		scheme = a.Network()
	}
	switch a := a.(type) {
	case Addr:
		a.Options = Options{}
		return a
	case *net.TCPAddr:
		return addrOfAddrPort(scheme, a.AddrPort())
	case *net.UDPAddr:
		return addrOfAddrPort(scheme, a.AddrPort())
	case *net.UnixAddr:
		if a == nil {
			return Addr{Scheme: scheme}
		}
		return Addr{Scheme: scheme, Path: a.Name}
	}
	return Addr{Scheme: scheme}
}

func addrOfAddrPort(scheme string, ap netip.AddrPort) Addr {
	a := Addr{Scheme: scheme, Port: ap.Port()}
	if ip := ap.Addr().Unmap(); ip.IsValid() && ip != netip.IPv6Unspecified() {
		a.Host = ip.String()
	}
	return a
}
