package lab

import (
	"strings"

	"gvisor.dev/gvisor/pkg/tcpip/header"
)

// A stream is one direction of a TCP connection as the log of packets shows it.
type stream struct {
	isn     uint32 // initial sequence number
	seen    bool   // and whether its SYN was seen
	shift   uint8  // of the windows that its sender announces (RFC 7323)
	top     uint32 // one past the highest relative number sent
	sent    bool   // anything at all
	acked   uint32 // what its receiver has acknowledged, relative
	fin     uint32 // one past the relative number of its FIN; 0: none was sent
	held    []SackBlock
	flow    int
	toldWin int // the last window its sender has announced
}

// streamKey names a stream by its sender.
type streamKey struct {
	from, to     int
	sport, dport uint16
}

func (k streamKey) reverse() streamKey { return streamKey{k.to, k.from, k.dport, k.sport} }

// streams are all there are in a run.
type streams map[streamKey]*stream

func (s streams) get(k streamKey) *stream {
	st := s[k]
	if st == nil {
		st = &stream{flow: -1}
		s[k] = st
	}
	return st
}

func (p *Packet) key() streamKey {
	return streamKey{p.From, p.To, p.Header.SrcPort, p.Header.DstPort}
}

var flagNames = []struct {
	bit  header.TCPFlags
	name string
}{{header.TCPFlagSyn, "SYN"}, {header.TCPFlagFin, "FIN"}, {header.TCPFlagRst, "RST"}, {header.TCPFlagPsh, "PSH"}, {header.TCPFlagAck, "ACK"},
	{header.TCPFlagUrg, "URG"}, {header.TCPFlagEce, "ECE"}, {header.TCPFlagCwr, "CWR"}}

// decode reads p.Raw into p.Header. It reports whether the packet is one of its
// stream that repeats what was sent before; before the stacks are asked that is
// what can be seen from outside.
func (s streams) decode(p *Packet) (again bool) {
	ip := header.IPv4(p.Raw)
	h := &p.Header
	p.Flow = -1
	if len(p.Raw) < header.IPv4MinimumSize || !ip.IsValid(len(p.Raw)) {
		h.Proto = "IP"
		return false
	}
	body := ip.Payload()
	if ip.FragmentOffset() > 0 && ip.TransportProtocol() == header.UDPProtocolNumber { // its header is in the first fragment
		h.Proto, h.Len = "UDP", len(body)
		return false
	}
	switch ip.TransportProtocol() {
	case header.UDPProtocolNumber:
		u := header.UDP(body)
		if len(body) < header.UDPMinimumSize {
			break
		}
		h.Proto, h.SrcPort, h.DstPort, h.Len = "UDP", u.SourcePort(), u.DestinationPort(), len(body)-header.UDPMinimumSize
	case header.TCPProtocolNumber:
		if len(body) < header.TCPMinimumSize || int(header.TCP(body).DataOffset()) > len(body) {
			break
		}
		return s.decodeTCP(p, header.TCP(body))
	case header.ICMPv4ProtocolNumber:
		h.Proto, h.Len = "ICMP", len(body)
	}
	if h.Proto == "" {
		h.Proto = "IP"
	}
	return false
}

func (s streams) decodeTCP(p *Packet, t header.TCP) (again bool) {
	h := &p.Header
	h.Proto, h.SrcPort, h.DstPort = "TCP", t.SourcePort(), t.DestinationPort()
	h.Len = len(t) - int(t.DataOffset())
	h.flags = t.Flags()
	var names []string
	for _, f := range flagNames {
		if h.flags&f.bit != 0 {
			names = append(names, f.name)
		}
	}
	h.Flags = strings.Join(names, " ")
	me, peer := s.get(p.key()), s.get(p.key().reverse())
	p.Flow = me.flow
	h.Window = int(t.WindowSize())
	if h.flags&header.TCPFlagSyn != 0 {
		me.isn, me.seen = t.SequenceNumber(), true
		if ws := header.ParseSynOptions(t.Options(), h.flags&header.TCPFlagAck != 0).WS; ws >= 0 {
			me.shift = uint8(ws)
		}
	} else {
		h.Window <<= me.shift
	}
	h.Seq = t.SequenceNumber() - me.isn
	if !me.seen { // a RST for a port nobody listens on
		h.Seq = 0
	}
	if h.flags&header.TCPFlagAck != 0 {
		h.Ack = t.AckNumber() - peer.isn
		if peer.acked < h.Ack {
			peer.acked = h.Ack
		}
	}
	me.toldWin = h.Window
	for _, b := range t.ParsedOptions().SACKBlocks {
		h.Sack = append(h.Sack, SackBlock{uint32(b.Start) - peer.isn, uint32(b.End) - peer.isn})
	}
	end := h.Seq + uint32(h.Len)
	if h.flags&(header.TCPFlagSyn|header.TCPFlagFin) != 0 {
		end++
	}
	if end == h.Seq || h.flags&header.TCPFlagRst != 0 {
		return false
	}
	if h.flags&header.TCPFlagFin != 0 {
		me.fin = end
	}
	if me.sent && int32(end-me.top) <= 0 {
		return true
	}
	me.top, me.sent = end, true
	return false
}

// is reports whether the packet is of a kind that a [Fault] names.
func (s streams) is(p *Packet, kind string) bool {
	h := &p.Header
	ctl := h.flags & (header.TCPFlagSyn | header.TCPFlagFin | header.TCPFlagRst | header.TCPFlagAck)
	switch kind {
	case "any":
		return true
	case "udp":
		return h.Proto == "UDP"
	}
	if h.Proto != "TCP" {
		return false
	}
	switch kind {
	case "syn":
		return ctl == header.TCPFlagSyn
	case "synack":
		return ctl == header.TCPFlagSyn|header.TCPFlagAck
	case "data":
		return h.Len > 0
	case "ack":
		return ctl == header.TCPFlagAck && h.Len == 0
	case "lastack":
		peer := s.get(p.key().reverse())
		return ctl == header.TCPFlagAck && h.Len == 0 && peer.fin != 0 && h.Ack == peer.fin
	case "fin":
		return ctl&header.TCPFlagFin != 0
	case "rst":
		return ctl&header.TCPFlagRst != 0
	}
	return false
}

// hold notes that the stack holds [from, to), and reports whether all of it was
// held already. Ranges are few: they are what was sent since a loss.
func (st *stream) hold(from, to uint32) (already bool) {
	for i, b := range st.held {
		if b.From <= from && to <= b.To {
			return true
		}
		if from <= b.To && b.From <= to { // they touch
			st.held = append(st.held[:i], st.held[i+1:]...)
			st.hold(min(from, b.From), max(to, b.To))
			return false
		}
	}
	st.held = append(st.held, SackBlock{from, to})
	return false
}

// release forgets what is held below next, which was delivered.
func (st *stream) release(next uint32) {
	keep := st.held[:0]
	for _, b := range st.held {
		if b.To > next {
			keep = append(keep, SackBlock{max(b.From, next), b.To})
		}
	}
	st.held = keep
}
