//go:build !linux

package endpoint

import "net/netip"

// receive hands every datagram to deliver until the socket fails or is closed.
func (s *hostSocket) receive(deliver func(remote netip.AddrPort, local netip.Addr, p []byte)) error {
	space := make([]byte, maxDatagram+pktinfoSpace)
	buf, oob := space[:maxDatagram], space[maxDatagram:]
	for {
		n, oobn, _, remote, err := s.conn.ReadMsgUDPAddrPort(buf, oob)
		if err != nil {
			if transient(err) {
				continue
			}
			return err
		}
		remote = netip.AddrPortFrom(remote.Addr().Unmap(), remote.Port())
		deliver(remote, s.askedAt(oob[:oobn]), buf[:n])
	}
}
