package lab

import (
	"bytes"
	"time"

	"sockeye.dev/impair"
)

// A wire lies between the hosts: it takes what they send, does to it what the
// lines and the script say, keeps the log, and delivers.
type wire struct {
	setup   *Setup
	now     func() time.Duration
	at      func(time.Duration, int, func()) // schedules an arrival at a host
	deliver func(p *Packet)                  // hands p.received() to host p.To
	sample  func(Sample)                     // is told what a probe tells
	sent    func(p *Packet, again bool)      // is told of each packet after its sender; again: its data was sent before

	streams  streams
	packets  []*Packet
	arrivals int
	lines    map[[2]int]*line
	faults   []int // how many packets each fault has seen
	queue    []QueueSample
	cause    Cause
}

// line is one direction between two hosts.
type line struct {
	*impair.Line
	packet  *Packet // in the hands of the script
	arrived int     // the highest ID that has
}

// A QueueSample is how much waits before a line, at a packet's sending.
type QueueSample struct {
	At             time.Duration
	From, To       int
	Packets, Bytes int
	Dropped        bool // the packet found no room
}

func newWire(s *Setup) *wire {
	return &wire{setup: s, streams: make(streams), lines: make(map[[2]int]*line), faults: make([]int, len(s.Faults))}
}

// line is the line between two hosts. Each has its own chances.
func (w *wire) line(from, to int) *line {
	l := w.lines[[2]int{from, to}]
	if l == nil {
		spec := w.setup.BA
		if from == 0 {
			spec = w.setup.AB
		}
		// The IP header has its own sum and is looked at by every router; what
		// claims are about is behind it.
		spec.Spare = 20
		l = new(line)
		l.Line = impair.NewLine(spec, mix(w.setup.Seed)^uint64(from)<<8^uint64(to), func(u impair.Unit) []impair.Unit { return w.script(l.packet, u) })
		w.lines[[2]int{from, to}] = l
	}
	return l
}

// transmit takes a packet from a host. To is the receiver, or Everyone.
func (w *wire) transmit(from, to int, raw []byte) {
	if to != Everyone {
		w.carry(&Packet{From: from, To: to, Raw: raw})
		return
	}
	first := 0
	for to := range w.setup.hosts() {
		if to != from {
			p := &Packet{From: from, To: to, Raw: raw, CopyOf: first}
			w.carry(p)
			if first == 0 {
				first = p.ID
			}
		}
	}
}

func (w *wire) log(p *Packet) {
	w.packets = append(w.packets, p)
	p.ID = len(w.packets)
	p.Arrived = Never
	p.Cause = w.cause
}

func (w *wire) carry(p *Packet) {
	now := w.now()
	p.Sent, p.Start = now, now
	again := w.streams.decode(p)
	w.log(p)
	l := w.line(p.From, p.To)
	l.packet = p
	units, dropped := l.Send(now, p.Raw)
	if w.setup.AB.Rate+w.setup.BA.Rate > 0 {
		packets, bytes := l.Waiting(now)
		w.queue = append(w.queue, QueueSample{now, p.From, p.To, packets, bytes, dropped.Has(impair.Overflowed)})
	}
	w.sent(p, again)
	p.Start = l.Began()
	p.Fate |= fateOf(dropped)
	scripted := p.Fate
	for i, u := range units {
		q := p
		if i > 0 { // made by the line
			q = &Packet{From: p.From, To: p.To, CopyOf: p.ID, Flow: p.Flow, Raw: p.Raw, Header: p.Header, Sent: p.Sent, Fate: scripted}
			w.log(q)
		}
		q.Start = u.Start
		q.Fate |= fateOf(u.Fate)
		switch {
		case q.Fate&(Corrupt|Swapped) == 0:
		case bytes.Equal(u.Data, p.Raw): // damaged twice, and so not at all
			q.Fate &^= Corrupt | Swapped
		default:
			q.Got = u.Data
		}
		at := u.At
		if i > 0 {
			q.Fate |= Duplicate
		}
		w.at(at, q.To, func() {
			q.Arrived = w.now()
			w.arrivals++
			q.Nth = w.arrivals
			q.Why = p.Why
			if q.CopyOf == 0 || !q.Fate.Has(Duplicate) {
				if q.ID < l.arrived {
					q.Fate |= Reordered
				}
				l.arrived = max(l.arrived, q.ID)
			}
			w.deliver(q)
		})
	}
}

// script is the faults as a rule of the line.
func (w *wire) script(p *Packet, u impair.Unit) []impair.Unit {
	twice, dropped := false, false
	for i, f := range w.setup.Faults {
		if f.From != p.From || f.To != p.To || !w.streams.is(p, f.Kind) {
			continue
		}
		w.faults[i]++
		if !f.hits(w.faults[i]) {
			continue
		}
		p.Fate |= Scripted
		switch f.Action {
		case "drop":
			dropped = true
		case "duplicate":
			twice = true
		case "delay":
			u.At += f.By
		case "corrupt":
			u.Data = append([]byte(nil), u.Data...)
			u.Data[(transportStart(u.Data)+len(u.Data))/2] ^= 0x10
			p.Fate |= Corrupt
		case "swap":
			if a, b, ok := swappable(u.Data, p.Header.Len); ok {
				u.Data = append([]byte(nil), u.Data...)
				u.Data[a], u.Data[a+1], u.Data[b], u.Data[b+1] = u.Data[b], u.Data[b+1], u.Data[a], u.Data[a+1]
				p.Fate |= Swapped
			}
		}
	}
	switch {
	case dropped:
		return nil
	case twice:
		return []impair.Unit{u, u}
	}
	return []impair.Unit{u}
}

// transportStart is where the payload of IP begins, or its middle if it is
// short.
func transportStart(raw []byte) int { return min(40, len(raw)/2) }

// swappable finds two different 16-bit words of the last payload bytes of a
// packet, at places that its checksum adds up as words.
func swappable(raw []byte, payload int) (a, b int, ok bool) {
	start := (len(raw) - payload + 1) &^ 1
	for b = (len(raw) - 2) &^ 1; b > start; b -= 2 {
		for a = b - 2; a >= start; a -= 2 {
			if raw[a] != raw[b] || raw[a+1] != raw[b+1] {
				return a, b, true
			}
		}
	}
	return 0, 0, false
}
