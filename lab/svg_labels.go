package lab

import (
	"cmp"
	"fmt"
	"math"
	"slices"
	"strings"

	"gvisor.dev/gvisor/pkg/tcpip/header"
)

// A label is a text beside a host's line, for what happens there. Urgent ones
// choose their places first; who finds none near enough is left out, for its
// packet tells all of it when pointed at.
type label struct {
	host   int
	y      float64
	number string // of the packet, or packets
	text   string
	class  string // a look, or note, or state
	urgent int    // 0 most
	id     int    // of the packet
}

const (
	labelPitch = 14.0
	narrow     = 70.0 // pixels: too little for what may be left out
)

// reach is how far from its place a label of each urgency may be put.
var reach = []float64{56, 42, 28, 7}

// textWidth is about how wide a text is, at 12 pixels.
func textWidth(s string) (w float64) {
	for _, r := range s {
		if r >= 0x2e80 {
			w += 12
		} else {
			w += 6.9
		}
	}
	return w
}

// cut shortens a text to a width.
func cut(s string, width float64) string {
	if textWidth(s) <= width {
		return s
	}
	runes := []rune(s)
	for len(runes) > 0 && textWidth(string(runes))+8 > width {
		runes = runes[:len(runes)-1]
	}
	return strings.TrimRight(string(runes), " :,=") + "…"
}

// label writes what packets are beside their senders, what became of them
// beside their receivers, and the states of connections.
func (l *ladder) label() {
	l.sendings()
	l.verdicts()
	slices.SortStableFunc(l.texts, func(a, b label) int {
		if a.urgent != b.urgent {
			return a.urgent - b.urgent
		}
		return cmp.Compare(a.y, b.y)
	})
	taken := l.statePills()
	chosen := make([][]label, len(l.x))
	places := make([][]float64, len(l.x))
	for _, t := range l.texts {
		if y, ok := place(taken[t.host], t.y, reach[t.urgent]); ok {
			taken[t.host] = append(taken[t.host], y)
			chosen[t.host] = append(chosen[t.host], t)
			places[t.host] = append(places[t.host], y)
		}
	}
	l.b.WriteString(`<g class="labels">`)
	for host, labels := range chosen {
		if host == 0 || host == len(l.x)-1 { // nothing else is in the margins
			slices.SortStableFunc(labels, func(a, b label) int { return cmp.Or(cmp.Compare(a.y, b.y), cmp.Compare(a.id, b.id)) })
			places[host] = settle(labels)
		}
		for i, t := range labels {
			l.put(t, places[host][i])
		}
	}
	l.b.WriteString("</g>\n")
}

// settle places labels in their order, each as near to where it belongs as the
// others allow: those that press against each other move together, to where
// all of them are best off.
func settle(labels []label) []float64 {
	type heap struct { // of labels that touch
		sum float64 // of where they would have the first be
		n   int
	}
	var heaps []heap
	for i, t := range labels {
		h := heap{t.y - float64(i)*labelPitch, 1}
		for k := len(heaps); k > 0 && heaps[k-1].sum/float64(heaps[k-1].n) > h.sum/float64(h.n); k-- {
			h.sum += heaps[k-1].sum
			h.n += heaps[k-1].n
			heaps = heaps[:k-1]
		}
		heaps = append(heaps, h)
	}
	var out []float64
	for _, h := range heaps {
		for range h.n {
			out = append(out, h.sum/float64(h.n)+float64(len(out))*labelPitch)
		}
	}
	return out
}

// place is the free place nearest to y, if there is one within reach.
func place(taken []float64, y, reach float64) (float64, bool) {
	free := func(at float64) bool {
		return !slices.ContainsFunc(taken, func(t float64) bool { return math.Abs(t-at) < labelPitch })
	}
	for d := 0.0; d <= reach; d++ {
		if free(y + d) {
			return y + d, true
		}
		if d <= reach/2 && free(y-d) {
			return y - d, true
		}
	}
	return 0, false
}

// put writes a label: outside of the first and the last host's line, and right
// of those between them.
func (l *ladder) put(t label, y float64) {
	gap := 9.0
	if l.hasStates(t.host) {
		gap += stateWidth
	}
	x, anchor, lead := l.x[t.host]+gap, "start", l.x[t.host]+4
	width := ladderWidth - x - 2
	switch {
	case t.host == 0:
		x, anchor, lead = l.x[0]-gap, "end", l.x[0]-4
		width = x - axisWidth - 2
	case t.host < len(l.x)-1:
		x, lead = l.x[t.host]+7, l.x[t.host]+4
		width = l.x[t.host+1] - x - 16
		if width < narrow && t.urgent > 2 {
			return
		}
	}
	if math.Abs(y-t.y) > 4 && math.Abs(x-lead) > 20 {
		end := x + 2
		if t.host == 0 {
			end = x + 3
		}
		fmt.Fprintf(l.b, `<path class="lead" d="M%s %sL%s %s"/>`, px(lead), px(t.y), px(end), px(y))
	}
	class := t.class
	if t.host > 0 && t.host < len(l.x)-1 {
		class += " over"
	}
	number := ""
	if t.number != "" {
		number = `<tspan class="id">` + t.number + `</tspan> `
		width -= textWidth(t.number) + 7
	}
	fmt.Fprintf(l.b, `<text class="%s" data-of="%d" x="%s" y="%s" text-anchor="%s">%s%s</text>`+"\n", class, t.id, px(x), px(y+4), anchor, number, l.esc(cut(t.text, width)))
}

// sendings labels what is sent. Three and more of a kind at one instant are
// told in one.
func (l *ladder) sendings() {
	plain := func(a *arrow) bool { return a.look == "data" || a.look == "ack" || a.look == "udp" }
	for i := 0; i < len(l.arrows); i++ {
		a := &l.arrows[i]
		same := 1
		bytes := a.Header.Len
		for ; plain(a) && a.CopyOf == 0 && i+same < len(l.arrows); same++ {
			n := &l.arrows[i+same]
			if n.start != a.start || n.From != a.From || n.To != a.To || n.look != a.look || n.Flow != a.Flow || n.end == n.start {
				break
			}
			bytes += n.Header.Len
		}
		last := &l.arrows[i+same-1]
		if same > 2 && l.arrows[i+1].y1-a.y1 < labelPitch {
			var text string
			switch a.look {
			case "data":
				text = fmt.Sprintf("%d × data seq=%d–%d", same, a.Header.Seq, int(last.Header.Seq)+last.Header.Len)
			case "udp":
				text = fmt.Sprintf("%d × UDP %d B", same, bytes)
			default:
				text = fmt.Sprintf("%d × ack=%d–%d", same, a.Header.Ack, last.Header.Ack)
			}
			l.texts = append(l.texts, label{a.From, (a.y1 + last.y1) / 2, fmt.Sprintf("#%d–%d", a.ID, last.ID), text, a.look, 1, a.ID})
			i += same - 1
			continue
		}
		urgent := 0
		switch a.look {
		case "data", "udp":
			urgent = 1
		case "ack":
			urgent = 2
			if a.Header.Window == 0 || a.Why == WhyWindow {
				urgent = 1
			}
		case "copy":
			urgent = 2
		}
		if a.CopyOf != 0 && !a.Fate.Has(Duplicate) {
			urgent = 3 // of a broadcast
		}
		l.texts = append(l.texts, label{a.From, a.y1, fmt.Sprintf("#%d", a.ID), l.says(a), a.look, urgent, a.ID})
	}
}

// says is a packet in a few words.
func (l *ladder) says(a *arrow) string {
	h := &a.Header
	var words []string
	add := func(s string, args ...any) { words = append(words, fmt.Sprintf(s, args...)) }
	switch {
	case a.Fate.Has(Duplicate):
		return fmt.Sprintf(Text{"copy of #%d", "#%d 的副本"}.In(l.lang), a.CopyOf)
	case h.Proto != "TCP":
		if h.Number > 0 {
			add("UDP %d, %d B", h.Number, h.Len)
		} else {
			add("%s %d B", h.Proto, h.Len)
		}
	case a.Retransmission(), a.Why == WhyProbe, a.Why == WhyWindow:
		add("%s", strings.TrimSuffix(strings.TrimSuffix(a.Why.In(l.lang), " (inferred)"), "（推断）"))
	}
	if h.Proto == "TCP" {
		if h.flags&controlFlags != 0 {
			name := strings.NewReplacer(" PSH", "", " ACK", "").Replace(h.Flags)
			if h.flags&header.TCPFlagSyn != 0 && h.flags&header.TCPFlagAck != 0 {
				name += " ACK"
			}
			add("%s", name)
		}
		switch {
		case h.Len > 0 && (a.Retransmission() || a.look == "lost" || a.look == "corrupt"):
			add("seq=%d", h.Seq)
		case h.Len > 0:
			add("seq=%d len=%d", h.Seq, h.Len)
		case h.flags&controlFlags != 0:
			add("seq=%d", h.Seq)
		default:
			add("ack=%d", h.Ack)
			if len(h.Sack) > 0 {
				add("sack=%d–%d", h.Sack[0].From, h.Sack[0].To)
			} else {
				add("win=%d", h.Window)
			}
		}
	}
	switch {
	case a.Fate.Has(QueueDrop):
		add("%s", Text{"queue full", "队列满"}.In(l.lang))
	case a.Fate.Has(Lost):
		add("%s", Text{"lost", "丢失"}.In(l.lang))
	case a.Fate.Has(Corrupt), a.Fate.Has(Swapped):
		add("%s", Text{"damaged", "受损"}.In(l.lang))
	}
	return strings.Join(words, " ")
}

// verdicts labels what arrives. What is as it should be waits for a place that
// nobody needs.
func (l *ladder) verdicts() {
	var arrived []*arrow
	for i := range l.arrows {
		if a := &l.arrows[i]; a.Delivered() && a.Verdict.Kind != NoVerdict && a.Verdict.Kind != Accepted {
			arrived = append(arrived, a)
		}
	}
	slices.SortStableFunc(arrived, func(a, b *arrow) int { return int(a.end - b.end) })
	for i := 0; i < len(arrived); i++ {
		a := arrived[i]
		text, urgent := a.Verdict.In(l.lang), 0
		switch a.Verdict.Kind {
		case InOrder, Acknowledges, OldAck, ToSocket, OpensConnection, Selective:
			urgent = 3
		case DuplicateHeld, ProbeAnswered:
			urgent = 2
		case Held, DuplicateAck:
			urgent = 1
		}
		same := 1
		for i+same < len(arrived) && alike(a, arrived[i+same]) {
			same++
		}
		if same > 1 {
			text = fmt.Sprintf("%d × %s", same, text)
			if a.Verdict.Kind == InOrder || a.Verdict.Kind == Acknowledges {
				continue // numbers differ, and they are told anyway
			}
			i += same - 1
		}
		l.texts = append(l.texts, label{a.To, a.y2, "", text, "note v-" + verdictClass(a.Verdict.Kind), urgent, a.ID})
	}
}

// alike reports whether two arrivals can be told in one.
func alike(a, b *arrow) bool {
	return a.end == b.end && a.To == b.To && a.From == b.From && a.Verdict.Kind == b.Verdict.Kind && a.Verdict.Seq == b.Verdict.Seq && a.y2 != b.y2 && b.y2-a.y2 < labelPitch
}

// verdictClass is whether a verdict is as it should be, bears watching, or means
// that something was dropped.
func verdictClass(k VerdictKind) string {
	switch k {
	case BadChecksum, Malformed, BufferFull, NoPort, NoRoom, OutOfWindow, ResetsIt, NoConnection:
		return "bad"
	case Held, DuplicateData, DuplicateHeld, DuplicateAck, Selective, ProbeAnswered:
		return "odd"
	case FillsGap, WindowOpens:
		return "good"
	}
	return "plain"
}
