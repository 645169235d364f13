package lab

import (
	"bufio"
	"cmp"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"sockeye.dev/observe"
)

// Pcapng writes what the tap of one host saw as a capture for Wireshark: what
// the host sent when it sent it, and what arrived as it arrived. Its times are
// virtual, from the first moment of 2026 on. Each packet has a comment that says
// what no capture can: why it was sent, what the line did to it, and what the
// receiver made of it. Errors are w's, or tell of a host that there is not.
func (r *Run) Pcapng(w io.Writer, host int) error {
	if host < 0 || host >= r.Setup.hosts() {
		return fmt.Errorf("capture: there is no host %d: there are %d, from 0", host, r.Setup.hosts())
	}
	b := bufio.NewWriterSize(w, 64<<10)
	out, err := observe.NewPcapng(b, observe.PcapngSection{
		Comment: fmt.Sprintf("sockeye lab %q: the packets that host %s's TCP/IP stack (gVisor's) really sent and received, "+
			"over a simulated line and in virtual time. The comments tell what the lab knows and no capture shows.", r.Setup.Share(), Host(host)),
		Application: "sockeye lab",
		Interface:   "host " + Host(host),
	})
	if err != nil {
		return err
	}
	copies := make(map[int][]*Packet)
	for _, p := range r.Packets {
		if p.CopyOf != 0 {
			copies[p.CopyOf] = append(copies[p.CopyOf], p)
		}
	}
	for _, s := range r.sights(host) {
		data, comment := s.p.received(), s.p.truth()
		if s.dir == observe.Out {
			data = s.p.Raw
			for _, c := range copies[s.p.ID] {
				comment += "; " + c.truth()
			}
		}
		if err := out.WritePacket(epoch.Add(s.at), s.dir, data, comment); err != nil {
			return err
		}
	}
	return b.Flush()
}

// truth is all that there is to say of a packet, in a line:
//
//	#12 A>B new data: carried: held: waiting for 2841
func (p *Packet) truth() string {
	var b strings.Builder
	fmt.Fprintf(&b, "#%d %s", p.ID, direction(p.From, p.To))
	if p.Why != "" { // a copy has none until it arrives
		b.WriteString(" " + p.Why.In("en"))
	}
	if p.CopyOf != 0 {
		fmt.Fprintf(&b, ", a copy of #%d", p.CopyOf)
	}
	fmt.Fprintf(&b, ": %v", p.Fate)
	switch {
	case p.Delivered():
		fmt.Fprintf(&b, ": %v", p.Verdict)
	case p.Fate&(Lost|QueueDrop) == 0:
		b.WriteString(": on its way when the run ended")
	}
	return b.String()
}

// A sight is a packet at a tap, when it is sent or when it arrives.
type sight struct {
	at  time.Duration
	dir observe.Direction
	p   *Packet
}

// sights are what the tap of a host sees, in the order of time and, of one
// instant, of events: what was sent because a packet arrived comes before the
// next that arrives. A host sends a packet once: copies are the line's doing, or
// a broadcast's.
func (r *Run) sights(host int) []sight {
	var sent, came []*Packet
	for _, p := range r.Packets {
		if p.From == host && p.CopyOf == 0 {
			sent = append(sent, p)
		}
		if p.To == host && p.Delivered() {
			came = append(came, p)
		}
	}
	// What arrives at one instant does so in the order of sending.
	slices.SortStableFunc(came, func(a, b *Packet) int { return cmp.Compare(a.Arrived, b.Arrived) })
	out := make([]sight, 0, len(sent)+len(came))
	for i, p := range sent {
		n := 0
		for n < len(came) && arrivesBefore(came[n], sent[i:]) {
			out = append(out, sight{came[n].Arrived, observe.In, came[n]})
			n++
		}
		came = came[n:]
		out = append(out, sight{p.Sent, observe.Out, p})
	}
	for _, p := range came {
		out = append(out, sight{p.Arrived, observe.In, p})
	}
	return out
}

// arrivesBefore reports whether p arrived before the first of those that its
// receiver sent from then on. At one instant a packet that arrives comes before
// what was sent because of it, and after what was sent because of one before it;
// timers were set before, and applications wake after.
func arrivesBefore(p *Packet, sent []*Packet) bool {
	switch next := sent[0]; {
	case p.Arrived != next.Sent:
		return p.Arrived < next.Sent
	case next.ID < p.ID: // it was sent before p was
		return false
	}
	for _, s := range sent {
		switch {
		case s.Sent != p.Arrived:
			return true
		case s.Cause.Kind == "packet":
			return p.ID <= s.Cause.Packet
		case s.Cause.Kind == "timer":
			return false
		}
	}
	return true
}
