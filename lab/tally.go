package lab

import (
	"slices"
	"time"

	"gvisor.dev/gvisor/pkg/tcpip/header"
)

// A tally is what there is to count of one protocol in a run. What stands in
// judgement comes in pairs: how often a claim was put to the test, and how often
// it failed.
type tally struct {
	packets int

	opening, closing, opened, toldOff int // toldOff: connections that were refused, and the application told
	early                             int // data before the connection stood
	first                             time.Duration

	held, overtaken       int // segments kept for a gap; handed up before what is missing
	late                  int // datagrams that arrived after one sent later
	lost, resent          int
	rto, fast, after, syn int
	unrepaired            int // lost, and not made good, and the application not told
	pending               int // lost, and not yet made good when the time was up
	duplicates, twice     int // came again; handed up again
	corrupt, rejected     int
	swallowed             int // damaged, and accepted
	zeroWindows, probes   int
	beyond, noRoom        int // sent beyond the window; no room at the receiver
	bufferFull            int
	queueDrops            int
	cuts, uncut           int // of the congestion window, after a loss was noticed
	cwndLow, cwndHigh     int
	slowed, unslowed      int     // senders of datagrams after a queue drop
	rateBefore, rateAfter float64 // datagrams a second, before and after the first queue drop
	units, outOfOrder     int     // as the applications have them
	repeated, damaged     int
	missing               int
}

const controlFlags = header.TCPFlagSyn | header.TCPFlagFin | header.TCPFlagRst

func (r *Run) tally(proto string) tally {
	t := tally{first: Never}
	for _, p := range r.Packets {
		if p.Header.Proto == proto {
			t.count(p, r.outside)
		}
	}
	if proto == "UDP" {
		t.bufferFull += r.udpFull
	}
	for i := range r.Flows {
		f := &r.Flows[i]
		if (f.Flow.Proto == "tcp") != (proto == "TCP") {
			continue
		}
		for _, c := range f.Receipts {
			t.units += c.Sent
			t.outOfOrder += c.OutOfOrder
			t.repeated += c.Repeated
			t.damaged += c.Damaged
			t.missing += c.Missing()
		}
		if proto == "TCP" {
			t.flow(r, i)
		} else {
			t.datagrams(r, i)
		}
	}
	return t
}

// count counts what one packet shows by itself.
func (t *tally) count(p *Packet, outside bool) {
	h, mine := &p.Header, p.CopyOf == 0
	flags := h.flags & controlFlags
	carries := h.Len > 0 || flags&(header.TCPFlagSyn|header.TCPFlagFin) != 0 || h.Proto == "UDP"
	add := func(to *int, is bool) {
		if is {
			*to++
		}
	}
	t.packets++
	add(&t.opening, mine && flags&header.TCPFlagSyn != 0)
	add(&t.closing, mine && flags&(header.TCPFlagFin|header.TCPFlagRst) != 0)
	bad := p.Fate.Has(Corrupt) || p.Fate.Has(Swapped)
	rejected := p.Verdict.Kind == BadChecksum || p.Verdict.Kind == Malformed || bad && p.Verdict.Kind == NoPort
	add(&t.corrupt, bad && p.Delivered())
	add(&t.rejected, rejected)
	add(&t.swallowed, bad && p.Delivered() && !rejected && p.Verdict.Kind != BufferFull && p.Verdict.Kind != ToMany)
	add(&t.lost, carries && !p.Fate.Has(Duplicate) && (p.Fate.Has(Lost) || p.Fate.Has(QueueDrop) || rejected))
	add(&t.queueDrops, p.Fate.Has(QueueDrop))
	add(&t.resent, p.Retransmission())
	add(&t.rto, mine && p.Why == WhyRTO)
	add(&t.syn, mine && p.Why == WhySYN)
	add(&t.fast, mine && (p.Why == WhyFast || p.Why == WhyRecovery))
	add(&t.after, mine && (p.Why == WhyAfterRTO || p.Why == WhyTimer || p.Why == WhyRetransmit))
	add(&t.probes, mine && p.Why == WhyProbe)
	add(&t.held, p.Verdict.Kind == Held)
	add(&t.noRoom, p.Why != WhyProbe && (p.Verdict.Kind == NoRoom || p.Verdict.Kind == OutOfWindow)) // a probe is not meant to find any
	add(&t.bufferFull, p.Verdict.Kind == BufferFull)
	add(&t.late, h.Proto == "UDP" && p.Fate.Has(Reordered))
	add(&t.duplicates, h.Proto == "UDP" && p.Fate.Has(Duplicate) && (p.Verdict.Kind == ToSocket || outside && p.Delivered()))
}

// told reports whether an application has learnt that the flow went wrong, or
// ended it by itself.
func (f *FlowRun) told() bool { return f.ClientError != "" || f.ServerError != "" || f.Flow.Abort > 0 }

// flow counts what needs the whole of a connection.
func (t *tally) flow(r *Run, flow int) {
	f := &r.Flows[flow]
	for _, from := range []int{f.Flow.From, f.Flow.To} {
		var sent, arrived []*Packet // of this direction
		for _, p := range r.Packets {
			if p.Flow == flow && p.From == from {
				sent = append(sent, p)
				if p.Delivered() {
					arrived = append(arrived, p)
				}
			}
		}
		slices.SortFunc(arrived, func(a, b *Packet) int { return a.Nth - b.Nth })
		end := t.hearing(arrived)
		t.repairs(r, f, sent, end)
		t.window(r, flow, from, sent)
		t.congestion(r, flow, from, sent)
	}
	t.connection(r, flow)
}

// hearing goes through the data of a direction as it arrived, and returns how
// far it was handed up.
func (t *tally) hearing(arrived []*Packet) (next uint32) {
	next = 1
	for _, p := range arrived {
		h := &p.Header
		length := uint32(h.Len)
		if h.flags&header.TCPFlagFin != 0 {
			length++
		}
		if length == 0 {
			continue
		}
		end := h.Seq + length
		old := int32(end-next) <= 0
		switch p.Verdict.Kind {
		case InOrder, FillsGap:
			if old {
				t.twice++
			}
			if int32(h.Seq-next) > 0 {
				t.overtaken++
			}
			given := uint32(p.Verdict.Bytes)
			if p.Verdict.Fin {
				given++
			}
			next += given
		case DuplicateData, DuplicateHeld:
			t.duplicates++
		}
	}
	return next
}

// repairs looks for what was lost and not made good.
func (t *tally) repairs(r *Run, f *FlowRun, sent []*Packet, handedUp uint32) {
	resent := 0
	for _, p := range sent {
		if p.Retransmission() {
			resent++
		}
	}
	for _, p := range sent {
		h := &p.Header
		length := uint32(h.Len)
		if h.flags&controlFlags != 0 {
			length++
		}
		gone := p.Fate.Has(Lost) || p.Fate.Has(QueueDrop) || p.Verdict.Kind == BadChecksum || p.Verdict.Kind == Malformed
		if !gone || length == 0 || p.CopyOf != 0 || h.flags&header.TCPFlagRst != 0 || p.Why == WhyProbe {
			continue
		}
		good := int32(h.Seq+length-handedUp) <= 0
		if h.flags&header.TCPFlagSyn != 0 {
			good = f.Established != Never
		}
		switch {
		case f.told():
		case !good && r.cutShort: // its timer may be running
			t.pending++
		case !good || resent == 0:
			t.unrepaired++
		}
	}
}

// connection asks whether data was sent before the connection stood.
func (t *tally) connection(r *Run, flow int) {
	f := &r.Flows[flow]
	answered := Never // when a SYN-ACK reached the client
	syn := false
	for _, p := range r.Packets {
		if p.Flow != flow {
			continue
		}
		h := &p.Header
		switch flags := h.flags & (header.TCPFlagSyn | header.TCPFlagAck); {
		case flags == header.TCPFlagSyn:
			syn = true
		case flags&header.TCPFlagSyn != 0 && p.Delivered() && p.Verdict.Kind != BadChecksum && (answered == Never || p.Arrived < answered):
			answered = p.Arrived
		case h.Len > 0 && p.CopyOf == 0 && (answered == Never || p.Sent < answered):
			t.early++
		}
	}
	switch {
	case syn && answered != Never:
		t.opened++
	case syn && f.ClientError != "":
		t.toldOff++
	}
}

// window asks whether a sender kept to what the receiver had room for. What is
// allowed only grows: the right edge of a window is never taken back.
func (t *tally) window(r *Run, flow, from int, sent []*Packet) {
	var acks []*Packet
	for _, p := range r.Packets {
		if p.Flow == flow && p.From != from && p.Delivered() && p.Header.flags&header.TCPFlagAck != 0 && p.Verdict.Kind != BadChecksum && p.Verdict.Kind != Malformed {
			acks = append(acks, p)
		}
	}
	slices.SortFunc(acks, func(a, b *Packet) int { return a.Nth - b.Nth })
	edge, i, closed := uint32(0), 0, false
	for _, p := range sent {
		for ; i < len(acks) && acks[i].Arrived <= p.Sent; i++ {
			h := &acks[i].Header
			if h.flags&header.TCPFlagRst != 0 {
				continue
			}
			if e := h.Ack + uint32(h.Window); int32(e-edge) > 0 {
				edge = e
			}
			if shut := h.Window == 0; shut != closed {
				if closed = shut; shut {
					t.zeroWindows++
				}
			}
		}
		if p.Header.Len > 0 && p.CopyOf == 0 && edge > 0 && int32(p.Header.Seq+uint32(p.Header.Len)-edge) > 0 {
			t.beyond++
		}
	}
}

// congestion asks whether the sender cut its window when it noticed a loss: by
// an RTO or by duplicate acknowledgements. A window of two segments or less has
// nothing to cut. Of a kernel one sees that it entered recovery, and not what
// made it: there cuts are counted, and what is not cut is not judged (BBR does not
// take every loss for congestion).
func (t *tally) congestion(r *Run, flow, from int, sent []*Packet) {
	var samples []Sample
	for _, s := range r.Samples {
		if s.Flow == flow && s.Host == from {
			samples = append(samples, s)
			if t.cwndLow == 0 || s.Cwnd < t.cwndLow {
				t.cwndLow = s.Cwnd
			}
			t.cwndHigh = max(t.cwndHigh, s.Cwnd)
		}
	}
	// cut reports whether the window before sample i is cut from there on.
	cut := func(i int) bool {
		soon := i // at the end of the instant: much may happen in one
		for soon < len(samples) && samples[soon].At == samples[i].At {
			soon++
		}
		peak := samples[i-1].Cwnd
		for _, s := range samples[i:min(soon+8, len(samples))] {
			if s.Cwnd < peak || s.Ssthresh > 0 && s.Ssthresh < peak {
				return true
			}
			peak = max(peak, s.Cwnd)
		}
		return false
	}
	if r.outside {
		for i := 1; i < len(samples); i++ {
			if samples[i].Recovering && !samples[i-1].Recovering && samples[i-1].Cwnd > 2 && cut(i) {
				t.cuts++
			}
		}
		return
	}
	i := 0
	for _, p := range sent {
		if p.CopyOf != 0 || p.Why != WhyRTO && p.Why != WhyFast {
			continue
		}
		for i < len(samples) && samples[i].At < p.Sent {
			i++
		}
		switch {
		case i == 0 || i == len(samples) || samples[i-1].Cwnd <= 2 || samples[i-1].Recovering:
		case cut(i):
			t.cuts++
		default:
			t.uncut++
		}
	}
}

// datagrams counts what needs the whole of a flow of datagrams.
func (t *tally) datagrams(r *Run, flow int) {
	numbers := make(map[string]int)
	var sent []*Packet
	firstDrop := Never
	for _, p := range r.Packets {
		if p.Flow != flow || p.Header.Proto != "UDP" {
			continue
		}
		if p.CopyOf == 0 {
			sent = append(sent, p)
			body := header.UDP(header.IPv4(p.Raw).Payload()).Payload()
			if numbers[string(body)]++; numbers[string(body)] > 1 {
				t.resent++
			}
		}
		if p.Fate.Has(QueueDrop) && firstDrop == Never {
			firstDrop = p.Sent
		}
	}
	if len(sent) == 0 {
		return
	}
	if t.first == Never || sent[0].Sent < t.first {
		t.first = sent[0].Sent
	}
	t.early++ // a datagram with data, and nothing before it
	for _, p := range r.Packets[:sent[0].ID-1] {
		if p.Header.Proto == "UDP" && p.Flow == flow || p.Header.Proto == "ICMP" {
			t.early--
			t.opening++
			break
		}
	}
	if t.lost > 0 && t.resent < t.lost {
		t.unrepaired = t.lost - t.resent
	}
	if firstDrop == Never {
		return
	}
	var before, after []*Packet
	for _, p := range sent {
		if p.Sent <= firstDrop {
			before = append(before, p)
		} else {
			after = append(after, p)
		}
	}
	t.rateBefore, t.rateAfter = perSecond(before), perSecond(after)
	switch {
	case t.rateBefore == 0 || t.rateAfter == 0:
	case t.rateAfter < 0.9*t.rateBefore:
		t.slowed++
	default:
		t.unslowed++
	}
}

// perSecond is how many packets a second were sent; 0: too few to say.
func perSecond(sent []*Packet) float64 {
	if len(sent) < 2 {
		return 0
	}
	took := sent[len(sent)-1].Sent - sent[0].Sent
	if took <= 0 {
		return 0
	}
	return float64(len(sent)-1) / took.Seconds()
}
