package lab

import (
	"bufio"
	"cmp"
	"fmt"
	"io"
	"iter"
	"math"
	"slices"
	"strings"
	"time"
)

// LadderOptions say what of a run a ladder diagram shows, and how.
type LadderOptions struct {
	Width    int           // columns, at least 60; default 100
	Color    bool          // colour by what a packet is and by its fate, with SGR escapes
	Lang     string        // en or zh; default en
	From, To time.Duration // of virtual time; To's default: the end
	Max      int           // so many packets; default all
	Flow     int           // this flow alone, counted from 1; default all
}

// A LadderRow is one line of the diagram.
type LadderRow struct {
	At    time.Duration // never before that of the row above it
	Text  string        // without a newline
	Event bool          // a packet leaves or arrives in it
}

// Ladder draws the run: a vertical line for each host, time running down, and
// each packet a slope from the row of its sending to the row of its arrival.
func (r *Run) Ladder(w io.Writer, o LadderOptions) error {
	b := bufio.NewWriter(w)
	for row := range r.LadderRows(o) {
		if _, err := fmt.Fprintln(b, row.Text); err != nil {
			return err
		}
	}
	return b.Flush()
}

// LadderRows is what [Run.Ladder] writes, row by row, for those who want to wait
// between two of them.
func (r *Run) LadderRows(o LadderOptions) iter.Seq[LadderRow] {
	return func(yield func(LadderRow) bool) { newLadder(r, o).draw(yield) }
}

// textLadder is a diagram's layout. Nothing in it moves once newLadder is done.
type textLadder struct {
	ladderShape
	o     LadderOptions
	run   *Run
	more  int // packets that Max has cut off
	paths []ladderPath
	rows  []ladderLine
	tick  time.Duration // a row's share of time, where nothing pushes

	active   time.Duration // when something happened last
	start    int           // the first row of the present instant
	hostNext []int         // the first row that a host has not used
	sideNext [2]int
}

// A ladderPath is a packet's way from one mark to another. Each packet has one.
type ladderPath struct {
	*Packet
	from, to *ladderMark
	f0, f1   float64 // the share of the way that is behind it at from and at to
}

// A ladderMark is something that happens at a moment, and needs a row.
type ladderMark struct {
	kind   ladderKind
	at     time.Duration
	host   int
	to     int     // of a sending: the receiver, or Everyone
	packet *Packet // nil: a change of state
	flow   int
	states []string
	from   *ladderMark // where the packet came from
	row    int
}

type ladderKind uint8

const (
	ladderEnters   ladderKind = iota // a packet sent before the window is on its way
	ladderLeaves                     // a packet is sent
	ladderArrives                    // a packet arrives
	ladderState                      // a host changes its state by itself
	ladderVanishes                   // a packet is lost, or the run ends before it arrives
)

// A ladderLine is a row before it is drawn.
type ladderLine struct {
	at      time.Duration
	sides   [2]*ladderMark // whose label is in the left and the right margin
	also    []int          // more hosts to which the label in the right margin applies
	stated  []int          // hosts whose state changes
	silence time.Duration  // this row stands for so much time
	event   bool
}

// ladderBreak is how many rows in which nothing happens are worth drawing.
const ladderBreak = 8

func newLadder(r *Run, o LadderOptions) *textLadder {
	o.Width = max(orDefault(o.Width, 100), 60)
	o.To = orDefault(o.To, math.MaxInt64)
	l := &textLadder{ladderShape: shapeLadder(r.Setup.hosts(), o.Width, r.Virtual), o: o, run: r}
	l.hostNext = make([]int, len(l.hosts))
	packets, until := l.choose()
	l.tick = ladderTick(packets)
	for _, instant := range l.instants(packets, until) {
		for i, m := range l.order(instant) {
			l.place(m, i == 0)
		}
	}
	return l
}

// choose is the packets to draw; what happens after until is not drawn but for
// what becomes of them.
func (l *textLadder) choose() (list []*Packet, until time.Duration) {
	until = l.o.To
	for _, p := range l.run.Packets {
		switch {
		case l.o.Flow > 0 && p.Flow != l.o.Flow-1, p.Sent > l.o.To, max(p.Sent, p.Arrived) < l.o.From:
		case l.o.Max > 0 && len(list) == l.o.Max:
			if l.more == 0 {
				until = p.Sent
			}
			l.more++
		default:
			list = append(list, p)
		}
	}
	return list, until
}

// ladderTick makes a quick packet's way a handful of rows. It is the quicker
// ones that show the line's own delay; others have waited in a queue.
func ladderTick(packets []*Packet) time.Duration {
	var delays, gaps []time.Duration
	for i, p := range packets[:min(len(packets), 4096)] {
		if p.Arrived > p.Sent {
			delays = append(delays, p.Arrived-p.Sent)
		}
		if i > 0 && p.Sent > packets[i-1].Sent {
			gaps = append(gaps, p.Sent-packets[i-1].Sent)
		}
	}
	for _, list := range [][]time.Duration{delays, gaps} {
		if len(list) > 0 {
			slices.Sort(list)
			return max(list[len(list)/4]/4, 1)
		}
	}
	return time.Millisecond
}

// half is about when a packet that does not arrive is half-way.
func (l *textLadder) half(p *Packet) time.Duration { return min(max(p.Start, p.Sent)+2*l.tick, l.o.To) }

// instants makes the packets' paths, and is all their marks and the changes of
// states by time.
func (l *textLadder) instants(packets []*Packet, until time.Duration) (out [][]*ladderMark) {
	var all []*ladderMark
	mark := func(m ladderMark) *ladderMark {
		all = append(all, &m)
		return &m
	}
	sent := make(map[int]*ladderMark, len(packets))
	for _, p := range packets {
		path := ladderPath{Packet: p, f1: 1}
		if path.from = sent[p.CopyOf]; p.CopyOf == 0 || path.from == nil {
			path.from = mark(ladderMark{kind: ladderLeaves, at: p.Sent, host: p.From, to: p.To, packet: p, flow: p.Flow})
		} else if !p.Fate.Has(Duplicate) {
			path.from.to = Everyone
		}
		if p.Sent < l.o.From {
			path.from.kind, path.from.at = ladderEnters, l.o.From
			path.f0 = float64(l.o.From-p.Sent) / float64(p.Arrived-p.Sent)
		}
		sent[p.ID] = path.from
		m := ladderMark{kind: ladderVanishes, at: l.half(p), host: p.To, packet: p, flow: p.Flow, from: path.from}
		switch {
		case p.Delivered() && p.Arrived <= l.o.To:
			m.kind, m.at = ladderArrives, p.Arrived
			path.to = mark(m)
		case p.Delivered():
			m.at, path.f1 = l.o.To, float64(l.o.To-p.Sent)/float64(p.Arrived-p.Sent)
			path.to = mark(m)
		case p.Fate.Has(QueueDrop):
			path.f1, path.to = 0, path.from
		default:
			hops := max(p.To-p.From, p.From-p.To) // no host on the way is to look like its end
			path.f1, path.to = 1-0.5/float64(hops), mark(m)
		}
		l.paths = append(l.paths, path)
	}
	for _, s := range l.run.States {
		if s.At >= l.o.From && s.At <= until && (l.o.Flow == 0 || s.Flow == l.o.Flow-1) {
			name := s.State
			if s.Inferred {
				name += Text{" (inferred)", "（推断）"}.In(l.o.Lang)
			}
			mark(ladderMark{kind: ladderState, at: s.At, host: s.Host, flow: s.Flow, states: []string{name}})
		}
	}
	slices.SortStableFunc(all, func(a, b *ladderMark) int { return cmp.Compare(a.at, b.at) })
	for len(all) > 0 {
		n := 1
		for n < len(all) && all[n].at == all[0].at {
			n++
		}
		out = append(out, all[:n])
		all = all[n:]
	}
	return out
}

// order is the marks of one instant in the order in which they came about: what
// a packet causes follows its arrival. States join the packets that they go
// with, if there is room.
func (l *textLadder) order(instant []*ladderMark) (out []*ladderMark) {
	if len(instant) == 1 {
		return instant
	}
	var kinds [ladderVanishes + 1][]*ladderMark
	for _, m := range instant {
		kinds[m.kind] = append(kinds[m.kind], m)
	}
	sends, arrivals := kinds[ladderLeaves], kinds[ladderArrives]
	// What an application or a timer sends comes after all the arrivals that
	// answers to later ones do not rule out.
	last := make([]int, len(sends))
	next := math.MaxInt
	for i := len(sends) - 1; i >= 0; i-- {
		if c := sends[i].packet.Cause; c.Kind == "packet" {
			next, last[i] = c.Packet, c.Packet
		} else {
			last[i] = next - 1
		}
	}
	out = append(out, kinds[ladderEnters]...)
	for i, s := range sends {
		for len(arrivals) > 0 && arrivals[0].packet.ID <= min(last[i], s.packet.ID-1) {
			out = append(out, arrivals[0])
			arrivals = arrivals[1:]
		}
		out = append(out, s)
	}
	out = append(out, arrivals...)
	for _, s := range kinds[ladderState] {
		i := broughtBy(s, out)
		switch {
		case i < 0:
			out = append(out, s)
		case l.fits(out[i], s.states[0]):
			out[i].states = append(out[i].states, s.states[0])
		default:
			out = slices.Insert(out, i+1, s)
		}
	}
	return append(out, kinds[ladderVanishes]...)
}

// broughtBy is the index of the mark among those of its instant that a change of
// state goes with, or -1: not before one that shows an earlier change.
func broughtBy(s *ladderMark, marks []*ladderMark) int {
	found := -1
	for i, m := range slices.Backward(marks) {
		if m.host != s.host || m.flow != s.flow {
			continue
		}
		if m.brings(s.states[0]) {
			found = i
		}
		if len(m.states) > 0 || found >= 0 && s.states[0] == "CLOSED" {
			break
		}
	}
	return found
}

// brings reports whether a state is entered with such a packet.
func (m *ladderMark) brings(state string) bool {
	if m.packet == nil {
		return false
	}
	leaves, flags := m.kind == ladderLeaves, m.packet.Header.Flags
	switch state {
	case "SYN-SENT", "SYN-RECEIVED":
		return leaves && strings.Contains(flags, "SYN")
	case "FIN-WAIT-1", "LAST-ACK":
		return leaves && strings.Contains(flags, "FIN")
	case "CLOSE-WAIT", "CLOSING", "TIME-WAIT":
		return !leaves && strings.Contains(flags, "FIN")
	case "FIN-WAIT-2":
		return !leaves && m.packet.Verdict.Kind == Acknowledges && m.packet.Verdict.Fin
	}
	return !leaves || strings.Contains(flags, "RST")
}

// side is the margin of a mark's label: of two hosts each has its own, of more
// there are sendings at the left and the rest at the right.
func (l *textLadder) side(m *ladderMark) int {
	switch {
	case len(l.hosts) == 2:
		return m.host
	case m.kind == ladderLeaves:
		return 0
	}
	return 1
}

// place gives a mark its row: not above what came before it at another time, on
// the same host or to the same packet, and where its margin is free.
func (l *textLadder) place(m *ladderMark, first bool) {
	if first {
		l.advance(m.at)
	}
	if m.kind != ladderVanishes { // whose time nobody has seen
		l.active = m.at
	}
	row, side := l.start, l.side(m)
	if m.from != nil {
		row = max(row, m.from.row)
	}
	if m.kind == ladderEnters {
		m.row = l.reach(row, m.at)
		return
	}
	if m.kind != ladderVanishes {
		row = max(row, l.hostNext[m.host])
	}
	if join := l.sideNext[side] - 1; join >= row && l.joins(m, &l.rows[join]) {
		row = join
		l.rows[row].also = append(l.rows[row].also, m.host)
	} else if l.labelled(m) {
		row = l.reach(max(row, l.sideNext[side]), m.at)
		l.sideNext[side] = row + 1
		l.rows[row].sides[side] = m
	}
	m.row = l.reach(row, m.at)
	if m.kind == ladderVanishes {
		return
	}
	l.hostNext[m.host] = row + 1
	line := &l.rows[row]
	if len(m.states) > 0 {
		line.stated = append(line.stated, m.host)
	}
	line.event = line.event || m.packet != nil
}

// joins reports whether a line's label in the right margin says what a mark has
// to say, but for the host: the same becomes of all copies of a broadcast.
func (l *textLadder) joins(m *ladderMark, line *ladderLine) bool {
	of := line.sides[1]
	return len(l.hosts) > 2 && m.kind == ladderArrives && of != nil && of.kind == ladderArrives && of.at == m.at &&
		of.packet.Verdict == m.packet.Verdict && of.flow == m.flow && len(of.states)+len(m.states) == 0
}

// advance begins an instant: with the last row, if hardly any time has passed
// since, or else after as many rows as have.
func (l *textLadder) advance(at time.Duration) {
	if len(l.rows) == 0 {
		l.start = 0
		return
	}
	last := l.rows[len(l.rows)-1].at
	n := int64((at - last + l.tick/2) / l.tick)
	if n > ladderBreak {
		l.rows = append(l.rows, ladderLine{at: last}, ladderLine{at: last, silence: at - l.active}, ladderLine{at: at})
	} else {
		for i := range n - 1 {
			l.rows = append(l.rows, ladderLine{at: last + time.Duration(i+1)*l.tick})
		}
	}
	l.start = len(l.rows) - 1
	if n > 0 {
		l.start++
	}
}

// reach makes rows of a time up to a number, and is that number.
func (l *textLadder) reach(row int, at time.Duration) int {
	for len(l.rows) <= row {
		l.rows = append(l.rows, ladderLine{at: at})
	}
	return row
}
