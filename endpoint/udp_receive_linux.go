package endpoint

import (
	"net"
	"net/netip"
	"sync"

	"golang.org/x/net/ipv4"
)

// batchSize is how many datagrams one recvmmsg may bring. Their buffers are
// 64 KiB each, of which only the pages a datagram has touched are resident.
const batchSize = 32

// A batch is the memory of one receive.
type batch [batchSize]ipv4.Message

var batches = sync.Pool{New: func() any {
	b := new(batch)
	space := make([]byte, batchSize*(maxDatagram+pktinfoSpace))
	for i := range b {
		b[i].Buffers = [][]byte{space[:maxDatagram:maxDatagram]}
		b[i].OOB = space[maxDatagram : maxDatagram+pktinfoSpace : maxDatagram+pktinfoSpace]
		space = space[maxDatagram+pktinfoSpace:]
	}
	return b
}}

// receive hands every datagram of conn, s.conn or one of s.groups, to deliver
// until the socket fails or is closed.
func (s *hostSocket) receive(conn *net.UDPConn, deliver func(remote netip.AddrPort, local netip.Addr, p []byte)) error {
	b := batches.Get().(*batch)
	defer batches.Put(b)
	pc := ipv4.NewPacketConn(conn) // recvmmsg is the same for either family
	for {
		n, err := pc.ReadBatch(b[:], 0)
		if err != nil {
			if transient(err) {
				continue
			}
			return err
		}
		for i := range n {
			m := &b[i]
			from, ok := m.Addr.(*net.UDPAddr)
			if !ok {
				continue
			}
			deliver(from.AddrPort(), s.askedAt(m.OOB[:m.NN]), m.Buffers[0][:m.N])
		}
	}
}
