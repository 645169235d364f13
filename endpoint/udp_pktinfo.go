//go:build linux || darwin

package endpoint

import (
	"net/netip"

	"golang.org/x/sys/unix"
)

// pktinfoSpace holds the control messages that say which address was asked.
const pktinfoSpace = 128

// askedAt returns the address a datagram was sent to, invalid when the socket
// is bound to one or when answers cannot leave from it. x/net parses the same
// messages, with an allocation for each.
func (s *hostSocket) askedAt(oob []byte) netip.Addr {
	for s.wildcard && len(oob) >= unix.SizeofCmsghdr {
		h, data, rest, err := unix.ParseOneSocketControlMessage(oob)
		if err != nil {
			break
		}
		switch {
		case h.Level == unix.IPPROTO_IPV6 && h.Type == unix.IPV6_PKTINFO && len(data) >= 16:
			ip, _ := netip.AddrFromSlice(data[:16])
			return replyable(ip.Unmap())
		case h.Level == unix.IPPROTO_IP && h.Type == unix.IP_PKTINFO && len(data) >= 12:
			// struct in_pktinfo: interface, address to answer from, address in the header.
			ip, _ := netip.AddrFromSlice(data[8:12])
			return replyable(ip)
		}
		oob = rest
	}
	return netip.Addr{}
}
