//go:build !linux

package endpoint

import (
	"net"
	"net/netip"
)

// receive hands every datagram of conn, s.conn or one of s.groups, to deliver
// until the socket fails or is closed.
func (s *hostSocket) receive(conn *net.UDPConn, deliver func(remote netip.AddrPort, local netip.Addr, p []byte)) error {
	space := make([]byte, maxDatagram+pktinfoSpace)
	buf, oob := space[:maxDatagram], space[maxDatagram:]
	for {
		n, oobn, _, remote, err := conn.ReadMsgUDPAddrPort(buf, oob)
		if err != nil {
			if transient(err) {
				continue
			}
			return err
		}
		deliver(remote, s.askedAt(oob[:oobn]), buf[:n])
	}
}
