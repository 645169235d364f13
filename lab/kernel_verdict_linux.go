package lab

import (
	"slices"
	"time"

	"gvisor.dev/gvisor/pkg/tcpip/checksum"
	"gvisor.dev/gvisor/pkg/tcpip/header"
)

// Linux does not say what it makes of a packet, but counts. What it must have
// made of it follows, for most, from what had arrived before: these verdicts are
// all inferred, by going through the arrivals in their order as a receiver of
// RFC 9293 would. Not to be known is which datagrams found a full socket, so a
// host at which that has happened has no verdicts on datagrams.

// receiving is one direction of a connection as its receiver has it.
type receiving struct {
	next   uint32 // relative number that is waited for
	held   stream
	acked  uint32 // what the other side has acknowledged of what the receiver sent
	window int    // that the other side last announced
	opened bool   // a SYN has come
	over   bool   // the connection was reset
}

// infer gives each packet that has arrived its verdict.
func (k *kernel) infer() {
	var arrived []*Packet
	for _, p := range k.run.Packets {
		if p.Delivered() {
			arrived = append(arrived, p)
		}
	}
	slices.SortFunc(arrived, func(a, b *Packet) int { return a.Nth - b.Nth })
	reset := make(map[streamKey]time.Duration) // when a sender has sent its first RST
	for _, p := range k.run.Packets {
		if _, ok := reset[p.key()]; !ok && p.Header.flags&header.TCPFlagRst != 0 {
			reset[p.key()] = p.Sent
		}
	}
	state := make(map[streamKey]*receiving)
	for _, p := range arrived {
		r := state[p.key()]
		if r == nil {
			r = &receiving{next: 1, acked: 1}
			state[p.key()] = r
		}
		if at, ok := reset[p.key().reverse()]; ok && at < p.Arrived {
			r.over = true
		}
		switch p.Header.Proto {
		case "TCP":
			p.Verdict = r.segment(p, k.wire.streams.get(p.key()), k.wire.streams.get(p.key().reverse()))
			switch {
			case p.Verdict.Kind == ResetsIt:
				r.over = true
			case p.Verdict.Kind == OpensConnection && k.run.Flows[p.Flow].Flow.Closed:
				p.Verdict.Kind = NoConnection
			}
		case "UDP":
			p.Verdict = k.datagramVerdict(p)
		default:
			p.Verdict.Kind = Accepted
		}
		p.Verdict.Inferred = p.Verdict.Kind != NoVerdict
	}
}

// sound reports whether the Internet checksum of an IP packet's payload is right.
func sound(ip header.IPv4) bool {
	body := ip.Payload()
	sum := header.PseudoHeaderChecksum(ip.TransportProtocol(), ip.SourceAddress(), ip.DestinationAddress(), uint16(len(body)))
	return checksum.Checksum(body, sum) == 0xffff
}

func (k *kernel) datagramVerdict(p *Packet) Verdict {
	ip := header.IPv4(p.received())
	u := header.UDP(ip.Payload())
	switch {
	case p.Flow < 0 || ip.More() || ip.FragmentOffset() > 0:
		return Verdict{Kind: Accepted}
	case int(u.Length()) != len(u):
		return Verdict{Kind: Malformed}
	case u.Checksum() != 0 && !sound(ip):
		return Verdict{Kind: BadChecksum}
	case k.run.Flows[p.Flow].Flow.Closed || u.DestinationPort() != k.run.Flows[p.Flow].Port:
		return Verdict{Kind: NoPort}
	case k.run.Counters[p.To]["UdpRcvbufErrors"] > 0:
		return Verdict{}
	}
	return Verdict{Kind: ToSocket}
}

// segment is the verdict on a segment of theirs; ours is the other direction.
func (r *receiving) segment(p *Packet, theirs, ours *stream) Verdict {
	h := &p.Header
	switch {
	case !wellFormed(p.received()):
		return Verdict{Kind: Malformed}
	case !sound(header.IPv4(p.received())):
		return Verdict{Kind: BadChecksum}
	case r.over || p.Flow < 0:
		return Verdict{Kind: NoConnection}
	case h.flags&header.TCPFlagRst != 0:
		return Verdict{Kind: ResetsIt}
	case h.flags&header.TCPFlagSyn != 0:
		first := !r.opened && h.flags&header.TCPFlagAck == 0
		r.window, r.opened = h.Window, true
		if first {
			return Verdict{Kind: OpensConnection}
		}
		return Verdict{Kind: Accepted}
	}
	acked, opened := int32(h.Ack-r.acked), h.Window > r.window
	if acked > 0 {
		r.acked = h.Ack
	}
	r.window = h.Window
	switch {
	case takes(h) > 0:
		return r.data(p, theirs)
	case p.Why == WhyProbe:
		return Verdict{Kind: ProbeAnswered}
	case acked > 0:
		v := Verdict{Kind: Acknowledges, Bytes: int(acked)}
		if ours.fin != 0 && h.Ack == ours.fin {
			v.Fin = true
			v.Bytes--
		}
		return v
	case len(h.Sack) > 0:
		return Verdict{Kind: Selective}
	case h.Seq == 1 && h.Ack == 1: // the handshake's third
		return Verdict{Kind: Accepted}
	case opened:
		return Verdict{Kind: WindowOpens, Bytes: h.Window}
	}
	return Verdict{Kind: OldAck}
}

// takes is how many numbers a segment takes after the SYN.
func takes(h *Header) uint32 {
	n := uint32(h.Len)
	if h.flags&header.TCPFlagFin != 0 {
		n++
	}
	return n
}

// data is the verdict on data or a FIN.
func (r *receiving) data(p *Packet, theirs *stream) Verdict {
	h := &p.Header
	end := h.Seq + takes(h)
	switch {
	case int32(end-r.next) <= 0 && p.Why == WhyProbe: // with an old byte, as gVisor's
		return Verdict{Kind: ProbeAnswered}
	case int32(end-r.next) <= 0:
		return Verdict{Kind: DuplicateData}
	case int32(h.Seq-r.next) > 0:
		if r.held.hold(h.Seq, end) {
			return Verdict{Kind: DuplicateHeld}
		}
		return Verdict{Kind: Held, Seq: r.next}
	}
	was := r.next
	r.next = end
	v := Verdict{Kind: InOrder}
	for _, b := range r.held.held { // ranges that touch are one, so only one can follow
		if int32(b.From-r.next) <= 0 && int32(b.To-r.next) > 0 {
			r.next, v.Kind = b.To, FillsGap
		}
	}
	r.held.release(r.next)
	v.Bytes = int(r.next - was)
	if theirs.fin != 0 && r.next == theirs.fin {
		v.Fin = true
		v.Bytes--
	}
	return v
}
