package observe

import (
	"net"
	"net/netip"
)

// appendAddr appends a as its String method has it, without allocating for
// the addresses of IP sockets.
func appendAddr(dst []byte, a net.Addr) []byte {
	if ip, ok := a.(interface{ AddrPort() netip.AddrPort }); ok {
		if p := ip.AddrPort(); p.IsValid() {
			return netip.AddrPortFrom(p.Addr().Unmap(), p.Port()).AppendTo(dst)
		}
	}
	return append(dst, a.String()...)
}
