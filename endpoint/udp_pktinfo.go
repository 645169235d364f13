//go:build linux || darwin

package endpoint

import (
	"net/netip"
	"runtime"

	"golang.org/x/sys/unix"
)

// pktinfoSpace holds the control messages that say which address was asked.
const pktinfoSpace = 128

// askedAt returns the address a datagram was sent to, or that answers it if it
// was a broadcast or multicast: invalid when the socket is bound to one or when
// it cannot be told. x/net parses the same messages, with an allocation for each.
func (s *hostSocket) askedAt(oob []byte) (local netip.Addr) {
	for s.wildcard && len(oob) >= unix.SizeofCmsghdr {
		h, data, rest, err := unix.ParseOneSocketControlMessage(oob)
		if err != nil {
			break
		}
		switch {
		case h.Level == unix.IPPROTO_IPV6 && h.Type == unix.IPV6_PKTINFO && len(data) >= 16:
			ip, _ := netip.AddrFromSlice(data[:16])
			local = replyable(ip.Unmap()) // of IPv4, the next message knows more
		case h.Level == unix.IPPROTO_IP && h.Type == unix.IP_PKTINFO && len(data) >= 12:
			// struct in_pktinfo: interface, address to answer from, address in the
			// header. The first of them is Linux's own (ip(7), ipi_spec_dst); macOS
			// has the interface's there, whichever of its addresses was asked.
			asked := data[8:12]
			if runtime.GOOS == "linux" {
				asked = data[4:8]
			}
			ip, _ := netip.AddrFromSlice(asked)
			return replyable(ip)
		}
		oob = rest
	}
	return local
}
