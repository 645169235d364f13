package lab

import (
	"slices"
	"time"

	"gvisor.dev/gvisor/pkg/tcpip/header"
	"gvisor.dev/gvisor/pkg/tcpip/transport/tcp"
)

// counters are those of a stack that say why a packet was sent, and what became
// of one that arrived.
type counters struct {
	retransmits, fastRetransmit, slowStartRetransmits, timeouts uint64
	tcpChecksum, tcpInvalid                                     uint64
	udpChecksum, udpMalformed, udpBuffer, udpPort               uint64
	ipMalformed, l4Malformed, tcpValid                          uint64
	icmpInvalid, dropped, udpReceived                           uint64
}

func (h *host) counters() counters {
	s := h.stack.Stats()
	return counters{
		s.TCP.Retransmits.Value(), s.TCP.FastRetransmit.Value(), s.TCP.SlowStartRetransmits.Value(), s.TCP.Timeouts.Value(),
		s.TCP.ChecksumErrors.Value(), s.TCP.InvalidSegmentsReceived.Value(),
		s.UDP.ChecksumErrors.Value(), s.UDP.MalformedPacketsReceived.Value(), s.UDP.ReceiveBufferErrors.Value(), s.UDP.UnknownPortErrors.Value(),
		s.IP.MalformedPacketsReceived.Value(), s.NICs.MalformedL4RcvdPackets.Value(), s.TCP.ValidSegmentsReceived.Value(),
		s.ICMP.V4.PacketsReceived.Invalid.Value(), s.DroppedPackets.Value(), s.UDP.PacketsReceived.Value(),
	}
}

// connKey names one end of a connection within its host.
type connKey struct {
	local, remote uint16
	peer          byte // the last byte of the peer's address
}

// conn is what the probe tells of one end of a connection, after each segment
// it has received; before is how it stood when the event began.
type conn struct {
	now, before connState
	told        bool // in this event
	any         bool // before was told at all
}

type connState struct {
	rcvNxt, sndUna  uint32
	pending, dupAck int
	sndWnd          int
	rcvAcc          uint32
	recovering      bool
}

// A Sample is a sender's state, as its stack tells it after a segment that it
// has received, or a timer.
type Sample struct {
	At          time.Duration
	Flow        int
	Host        int
	Cwnd        int // segments
	Ssthresh    int // segments; 0: not set yet
	Outstanding int // segments in flight as the sender counts them; -1: not told
	MSS         int // bytes of a full segment
	SndWnd      int // bytes that the receiver has room for; -1: not told
	SRTT, RTO   time.Duration
	Recovering  bool // in fast recovery
}

// probe is called by the stack, on one of its goroutines, while the event's
// waits for it to come to rest.
func (h *host) probe(s *tcp.TCPEndpointState) {
	k := connKey{s.ID.LocalPort, s.ID.RemotePort, s.ID.RemoteAddress.As4()[3]}
	c := h.conns[k]
	if c == nil {
		c = new(conn)
		h.conns[k] = c
	}
	if !c.told {
		c.before, c.told = c.now, true
		h.last = c
	}
	c.now = connState{uint32(s.Receiver.RcvNxt), uint32(s.Sender.SndUna), s.Receiver.PendingBufUsed, s.Sender.DupAckCount,
		int(s.Sender.SndWnd), uint32(s.Receiver.RcvAcc), s.Sender.FastRecovery.Active}
	from := streamKey{h.index, int(k.peer) - 1, k.local, k.remote}
	h.wire.sample(Sample{
		At: h.wire.now(), Flow: h.wire.streams.get(from).flow, Host: h.index,
		Cwnd: s.Sender.SndCwnd, Ssthresh: threshold(s.Sender.Ssthresh), Outstanding: s.Sender.Outstanding, MSS: s.Sender.MaxPayloadSize,
		SndWnd: int(s.Sender.SndWnd), SRTT: s.Sender.RTTState.SRTT, RTO: s.Sender.RTO, Recovering: s.Sender.FastRecovery.Active,
	})
}

// threshold is a slow start threshold, 0 for gVisor's "infinite".
func threshold(segments int) int {
	if segments >= 1<<20 {
		return 0
	}
	return segments
}

// sending is a packet that was sent in the present event, and how the counters
// stood when it was.
type sending struct {
	*Packet
	again bool
	at    counters
}

// explainer says of the packets of one event why they were sent and, if the
// event is an arrival, what became of that packet.
type explainer struct {
	hosts []*host
	fresh []sending
	rx    *Packet // the packet that arrived
}

// begin is called before an event of host h, if h is not nil.
func (x *explainer) begin(h *host) {
	x.fresh, x.rx = x.fresh[:0], nil
	if h != nil {
		h.stats = h.counters()
		if h.last != nil {
			h.last.told, h.last = false, nil
		}
	}
}

// end is called after it, with the stack at rest.
func (x *explainer) end(h *host, kind string) {
	if h == nil {
		return
	}
	after := h.counters()
	if x.rx != nil {
		x.rx.Verdict = x.verdict(h, x.rx, after)
	}
	for i, s := range x.fresh {
		next := after
		if i+1 < len(x.fresh) {
			next = x.fresh[i+1].at
		}
		prev := h.stats
		if i > 0 {
			prev = x.fresh[i-1].at
		}
		s.Why = h.why(s, kind, prev, next)
	}
}

// why says why h sent a packet, in an event of a kind. The stack counts a
// retransmission before it sends it and a fast one after; prev and next are the
// counters at the sendings before and after this one.
func (h *host) why(s sending, kind string, prev, next counters) Why {
	hd := &s.Header
	switch hd.Proto {
	case "UDP":
		return WhyDatagram
	case "ICMP":
		return WhyICMP
	}
	c := h.conns[connKey{hd.SrcPort, hd.DstPort, byte(s.To + 1)}]
	fired := s.at.timeouts > h.stats.timeouts
	switch {
	case hd.flags&header.TCPFlagRst != 0:
		return WhyReset
	case hd.flags&header.TCPFlagSyn != 0 && s.again:
		if kind == "timer" {
			return WhySYN
		}
		return WhyRetransmit
	case hd.flags&header.TCPFlagSyn != 0 && hd.flags&header.TCPFlagAck != 0:
		return WhyAccept
	case hd.flags&header.TCPFlagSyn != 0:
		return WhyConnect
	case s.at.retransmits > prev.retransmits:
		switch {
		case fired:
			return WhyRTO
		case next.fastRetransmit > s.at.fastRetransmit:
			return WhyFast
		case c != nil && c.now.recovering:
			return WhyRecovery
		case s.at.slowStartRetransmits > prev.slowStartRetransmits:
			return WhyAfterRTO
		case kind == "timer":
			return WhyTimer
		}
		return WhyRetransmit
	case hd.Len > 0 && s.again && fired: // a timeout, but no retransmission: a byte that was acknowledged
		return WhyProbe
	case hd.Len > 0 && s.again:
		return WhyRetransmit
	case hd.flags&header.TCPFlagFin != 0:
		return WhyClose
	case hd.Len > 0:
		return WhyNew
	case kind == "app":
		return WhyWindow
	}
	return WhyAck
}

// verdict says what h made of a packet, from its counters and from the probe.
func (x *explainer) verdict(h *host, p *Packet, after counters) Verdict {
	was := h.stats
	switch {
	case after.tcpChecksum > was.tcpChecksum, after.udpChecksum > was.udpChecksum, after.icmpInvalid > was.icmpInvalid:
		return Verdict{Kind: BadChecksum}
	case after.tcpInvalid > was.tcpInvalid && p.received()[19] == 255: // one counter for both
		return Verdict{Kind: ToMany}
	case after.tcpInvalid > was.tcpInvalid, after.udpMalformed > was.udpMalformed, after.ipMalformed > was.ipMalformed:
		return Verdict{Kind: Malformed}
	case after.l4Malformed > was.l4Malformed: // its ports are nobody's: the stack has one counter for both
		if wellFormed(p.received()) {
			return Verdict{Kind: BadChecksum}
		}
		return Verdict{Kind: Malformed}
	case after.udpBuffer > was.udpBuffer:
		return Verdict{Kind: BufferFull}
	case after.udpPort > was.udpPort:
		return Verdict{Kind: NoPort}
	case p.Header.Proto == "UDP" && after.udpReceived == was.udpReceived: // not until the others have come
		return Verdict{Kind: Fragment}
	case p.Header.Proto == "UDP":
		return Verdict{Kind: ToSocket}
	case p.Header.Proto != "TCP":
		return Verdict{Kind: Accepted}
	case after.tcpValid == was.tcpValid, x.answered(header.TCPFlagRst) && p.Header.flags&header.TCPFlagRst == 0:
		return Verdict{Kind: NoConnection}
	case after.dropped > was.dropped && p.Why == WhyProbe:
		return Verdict{Kind: ProbeDropped}
	case after.dropped > was.dropped && p.Header.Len > 0: // by the endpoint, whose receive buffer is full
		return Verdict{Kind: NoRoom}
	case p.Header.flags&header.TCPFlagSyn != 0 && x.answered(header.TCPFlagSyn):
		return Verdict{Kind: OpensConnection}
	case p.Header.flags&header.TCPFlagFin != 0 && p.Why.Retransmission() && h.inTimeWait(p.Flow):
		return Verdict{Kind: DuplicateData, Fin: true}
	}
	return h.segmentVerdict(p)
}

// answered reports whether a segment with that flag was sent in this event.
func (x *explainer) answered(flag header.TCPFlags) bool {
	return slices.ContainsFunc(x.fresh, func(s sending) bool { return s.Header.flags&flag != 0 })
}

// wellFormed reports whether a segment's header has a length that it can have.
func wellFormed(raw []byte) bool {
	body := header.IPv4(raw).Payload()
	if len(body) < header.TCPMinimumSize {
		return false
	}
	n := int(header.TCP(body).DataOffset())
	return n >= header.TCPMinimumSize && n <= len(body)
}

// segmentVerdict is the verdict on a segment that an endpoint has taken.
func (h *host) segmentVerdict(p *Packet) Verdict {
	hd := &p.Header
	theirs, ours := h.wire.streams.get(p.key()), h.wire.streams.get(p.key().reverse())
	c := h.conns[connKey{hd.DstPort, hd.SrcPort, byte(p.From + 1)}]
	switch {
	case hd.flags&header.TCPFlagRst != 0:
		return Verdict{Kind: ResetsIt}
	case c == nil || !c.told: // the probe is not called in a handshake and in TIME-WAIT
		return Verdict{Kind: Accepted}
	}
	before, now := c.before, c.now
	if !c.any { // the first it tells of: before, there were the SYNs
		c.any = true
		before = connState{rcvNxt: theirs.isn + 1, sndUna: ours.isn + 1, sndWnd: now.sndWnd, dupAck: now.dupAck}
	}
	if hd.Len > 0 || hd.flags&header.TCPFlagFin != 0 {
		return dataVerdict(p, theirs, before, now)
	}
	acked := int(int32(now.sndUna - before.sndUna))
	v := Verdict{Kind: Acknowledges, Bytes: acked}
	if ours.fin != 0 && now.sndUna-ours.isn == ours.fin && acked > 0 {
		v.Fin = true
		v.Bytes--
	}
	switch {
	case hd.flags&header.TCPFlagSyn != 0:
		return Verdict{Kind: Accepted}
	case acked > 0:
		return v
	case hd.Ack == ours.fin && h.left(p.Flow): // the stack leaves LAST-ACK before it counts
		return Verdict{Kind: Acknowledges, Fin: true}
	case now.dupAck > before.dupAck:
		return Verdict{Kind: DuplicateAck, N: now.dupAck}
	case now.recovering && !before.recovering && before.dupAck > 0 && len(hd.Sack) == 0: // the counter begins anew with the recovery
		return Verdict{Kind: DuplicateAck, N: before.dupAck + 1}
	case len(hd.Sack) > 0 && hd.Ack == now.sndUna-ours.isn:
		return Verdict{Kind: Selective}
	case now.sndWnd > before.sndWnd:
		return Verdict{Kind: WindowOpens, Bytes: now.sndWnd}
	case hd.Seq == 1 && hd.Ack == 1:
		return Verdict{Kind: Accepted} // the handshake's third
	case hd.Ack == now.sndUna-ours.isn && int32(ours.top-hd.Ack) > 0 && now.sndWnd == before.sndWnd:
		return Verdict{Kind: DuplicateAck, Inferred: true} // by RFC 5681; in recovery the stack does not count
	}
	return Verdict{Kind: OldAck}
}

// left reports whether h's end of a flow has left a state of waiting for the
// acknowledgement of its FIN in this event.
func (h *host) left(flow int) bool {
	for _, d := range h.ends {
		if d.flow == flow && d.ep != nil {
			now := tcp.EndpointState(d.ep.State())
			return now != d.state && (d.state == tcp.StateLastAck || d.state == tcp.StateClosing)
		}
	}
	return false
}

// inTimeWait reports whether h's end of a flow was in TIME-WAIT when the event
// began.
func (h *host) inTimeWait(flow int) bool {
	return slices.ContainsFunc(h.ends, func(d *end) bool { return d.flow == flow && d.state == tcp.StateTimeWait })
}

// dataVerdict is the verdict on a segment with data or a FIN: RCV.NXT and what
// is held, before and after it, say all.
func dataVerdict(p *Packet, st *stream, before, now connState) Verdict {
	hd := &p.Header
	next := now.rcvNxt - st.isn // what the receiver waits for, relative
	advance := int(int32(now.rcvNxt - before.rcvNxt))
	length := hd.Len
	if hd.flags&header.TCPFlagFin != 0 {
		length++
	}
	end := hd.Seq + uint32(length)
	v := Verdict{Kind: InOrder, Bytes: advance}
	if advance > length {
		v.Kind = FillsGap
	}
	if st.fin != 0 && next == st.fin && advance > 0 {
		v.Fin = true
		v.Bytes--
	}
	switch {
	case advance > 0:
		st.release(next)
		return v
	case now.pending > before.pending:
		if st.hold(hd.Seq, end) {
			return Verdict{Kind: DuplicateHeld, Inferred: true}
		}
		return Verdict{Kind: Held, Seq: next}
	case int32(end-next) <= 0 && p.Why == WhyProbe:
		return Verdict{Kind: ProbeAnswered}
	case int32(end-next) <= 0:
		return Verdict{Kind: DuplicateData}
	case int32(hd.Seq-(now.rcvAcc-st.isn)) >= 0:
		return Verdict{Kind: OutOfWindow}
	}
	return Verdict{Kind: NoRoom, Seq: next}
}
