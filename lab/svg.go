package lab

import (
	"bytes"
	"fmt"
	"html"
	"io"
	"math"
	"slices"
	"time"

	"gvisor.dev/gvisor/pkg/tcpip/header"
)

// A ladder is the drawing of a run's packets: hosts side by side, time down,
// each packet a line as steep as its way was long.
type ladder struct {
	r       *Run
	lang    string
	b       *bytes.Buffer
	time    *timeline
	x       []float64 // of hosts
	states  []StateChange
	arrows  []arrow
	leftOut int
	marks   []scriptMark
	texts   []label
}

// An arrow is a packet as it is drawn.
type arrow struct {
	*Packet
	start, end     time.Duration // its first bit leaves, it arrives; estimates if it does not
	x1, y1, x2, y2 float64
	look           string // one of looks
	share          float64
	off            int // so many places below others of the same instant
}

// ladderWidth is in the drawing's own pixels; a page scales them.
const (
	ladderWidth = 1200.0
	axisWidth   = 64.0
	headHeight  = 84.0
	fanPitch    = 4.0 // pixels between packets that leave at once
	fanMost     = 10
)

// looks are the ways to draw a packet, in the order of the legend.
var looks = []struct {
	name string
	text Text
}{
	{"open", Text{"SYN, FIN", "SYN、FIN"}}, {"data", Text{"new data", "新数据"}}, {"again", Text{"retransmission", "重传"}}, {"ack", Text{"ACK", "ACK"}},
	{"probe", Text{"probe", "窗口探测"}}, {"reset", Text{"reset", "复位"}}, {"udp", Text{"UDP", "UDP"}}, {"icmp", Text{"ICMP", "ICMP"}},
	{"lost", Text{"lost", "丢失"}}, {"corrupt", Text{"damaged", "受损"}}, {"copy", Text{"copy made by the line", "线路复制"}},
}

// look is how to draw the packet: what the line did to it comes first.
func (p *Packet) look() string {
	switch {
	case p.Fate.Has(Lost), p.Fate.Has(QueueDrop):
		return "lost"
	case p.Fate.Has(Corrupt), p.Fate.Has(Swapped):
		return "corrupt"
	case p.Fate.Has(Duplicate):
		return "copy"
	case p.Header.Proto == "UDP":
		return "udp"
	case p.Header.Proto != "TCP":
		return "icmp"
	case p.Why == WhyProbe:
		return "probe"
	case p.Header.flags&header.TCPFlagRst != 0:
		return "reset"
	case p.Why.Retransmission():
		return "again"
	case p.Header.flags&controlFlags != 0:
		return "open"
	case p.Header.Len > 0:
		return "data"
	}
	return "ack"
}

// ladderSVG writes the ladder of what was sent from o.From to o.To as an svg
// element. Its colours and fonts are in web/run.css.
func (r *Run) ladderSVG(w io.Writer, o PageOptions) {
	l := &ladder{r: r, lang: o.Lang, b: new(bytes.Buffer), marks: r.replay()}
	l.choose(o)
	l.lay()
	height := l.time.bottom() + 58
	fmt.Fprintf(l.b, `<svg class="ladder" xmlns="http://www.w3.org/2000/svg" viewBox="0 0 %v %s" role="img" aria-label="%s" data-knots="%s" data-top="%v" data-bottom="%s">`+"\n",
		ladderWidth, px(height), l.esc(Text{"Packets over time", "包的时序图"}.In(l.lang)), l.time.data(), headHeight, px(l.time.bottom()))
	l.legend()
	l.axis()
	l.hosts(height)
	for i := range l.arrows {
		l.draw(&l.arrows[i])
	}
	l.label()
	l.note(height)
	l.b.WriteString("</svg>\n")
	l.b.WriteTo(w)
}

func (l *ladder) esc(s string) string { return html.EscapeString(s) }

// spec is the line between two hosts.
func (r *Run) spec(from int) (rate int64, delay time.Duration) {
	if from == 0 {
		return r.Setup.AB.Rate, r.Setup.AB.Delay
	}
	return r.Setup.BA.Rate, r.Setup.BA.Delay
}

// choose picks the packets to draw, and when to draw them. Of a packet that did
// not arrive, how long it was on its way is what it would have been without
// jitter.
func (l *ladder) choose(o PageOptions) {
	busy := make(map[[2]int]time.Duration)
	for _, p := range l.r.Packets {
		rate, delay := l.r.spec(p.From)
		a := arrow{Packet: p, start: p.Start, end: p.Arrived, look: p.look(), share: 1}
		var took time.Duration
		if rate > 0 {
			took = time.Duration(float64(len(p.Raw)) * 8e9 / float64(rate))
		}
		if line := [2]int{p.From, p.To}; rate > 0 && p.Fate&(Duplicate|QueueDrop) == 0 {
			a.start = max(p.Sent, busy[line])
			busy[line] = a.start + took
		}
		if !p.Delivered() {
			a.end = a.start + took + delay
			a.share = 0.5
			if p.Fate.Has(QueueDrop) {
				a.share = 0
			} else if !p.Fate.Has(Lost) { // the run ended first
				a.share = 1
			}
		}
		if p.Sent < o.From || o.To > 0 && p.Sent > o.To || len(l.arrows) == o.maxPackets() {
			l.leftOut++
			continue
		}
		l.arrows = append(l.arrows, a)
	}
	until := l.last()
	for _, s := range l.r.States {
		if s.At >= o.From && (s.At <= until || l.leftOut == 0) {
			l.states = append(l.states, s)
		}
	}
}

// last is when the last of the packets drawn arrives.
func (l *ladder) last() (t time.Duration) {
	for _, a := range l.arrows {
		t = max(t, a.end)
	}
	return t
}

// lay gives everything its place.
func (l *ladder) lay() {
	var spans []period
	var took []time.Duration
	atOnce := make(map[time.Duration]int)
	for i := range l.arrows {
		a := &l.arrows[i]
		spans = append(spans, period{a.Sent, a.end})
		took = append(took, a.end-a.start)
		if a.end == a.start {
			a.off = atOnce[a.start]
			atOnce[a.start]++
		}
	}
	for _, s := range l.states {
		spans = append(spans, period{s.At, s.At})
	}
	var usual time.Duration
	if len(took) > 0 {
		slices.Sort(took)
		usual = took[len(took)/2]
	}
	l.time = newTimeline(spans, usual, l.pace(usual), atOnce, headHeight)
	l.columns()
	l.fan()
	for i := range l.arrows {
		a := &l.arrows[i]
		a.x1, a.x2 = l.x[a.From], l.x[a.To]
		pitch := fanPitch
		if a.end == a.start {
			pitch = rowPitch
		}
		down := float64(a.off) * pitch
		a.y1, a.y2 = l.time.y(a.start)+down, l.time.y(a.end)+down
		a.x2, a.y2 = a.x1+(a.x2-a.x1)*a.share, a.y1+(a.y2-a.y1)*a.share
	}
}

// pace is the usual time between a packet and the next on its line, of those
// that leave one after the other; zero if none do.
func (l *ladder) pace(usual time.Duration) time.Duration {
	last := make(map[[2]int]time.Duration)
	var gaps []time.Duration
	for _, a := range l.arrows {
		line := [2]int{a.From, a.To}
		if t, ok := last[line]; ok && a.start > t && a.start-t < usual {
			gaps = append(gaps, a.start-t)
		}
		last[line] = a.start
	}
	if len(gaps) == 0 {
		return 0
	}
	slices.Sort(gaps)
	return gaps[len(gaps)/2]
}

// columns places the hosts.
func (l *ladder) columns() {
	left, right := axisWidth+232, 246.0
	if len(l.states) > 0 {
		left, right = left+stateWidth, right+stateWidth
	}
	n := max(l.r.Setup.hosts(), 2)
	switch {
	case n > 5:
		left, right = left-130, right-130
	case n > 3:
		left, right = left-24, right-80
	}
	for i := range n {
		l.x = append(l.x, left+(ladderWidth-left-right)*float64(i)/float64(n-1))
	}
}

// fan puts packets that leave a host at the same instant for the same host next
// to each other, and an answer not above what it answers. Slopes stay true.
func (l *ladder) fan() {
	type key struct {
		from, to int
		at       time.Duration
	}
	next, off, end := make(map[key]int), make(map[int]int), make(map[int]time.Duration)
	for i := range l.arrows {
		a := &l.arrows[i]
		if a.end > a.start {
			k := key{a.From, a.To, a.start}
			a.off = next[k]
			if c := a.Cause.Packet; c != 0 && end[c] == a.start {
				a.off = max(a.off, off[c])
			}
			a.off = min(a.off, fanMost)
			next[k] = a.off + 1
			off[a.ID], end[a.ID] = a.off, a.end
		}
	}
}

// legend names the looks there are.
func (l *ladder) legend() {
	b := l.b
	total := 0.0
	var used []int
	for i, k := range looks {
		if slices.ContainsFunc(l.arrows, func(a arrow) bool { return a.look == k.name }) {
			used = append(used, i)
			total += 46 + textWidth(k.text.In(l.lang))
		}
	}
	x := max((ladderWidth-total)/2, 4)
	b.WriteString(`<g class="legend">`)
	for _, i := range used {
		t := looks[i].text.In(l.lang)
		fmt.Fprintf(b, `<g class="p %s"><path d="M%s 14h24"/><text x="%s" y="18">%s</text></g>`, looks[i].name, px(x), px(x+30), l.esc(t))
		x += 46 + textWidth(t)
	}
	b.WriteString("</g>\n")
}

// axis draws times, and the silences that are left out.
func (l *ladder) axis() {
	b := l.b
	b.WriteString(`<g class="axis">`)
	ticks, step := l.time.ticks(56)
	for _, t := range ticks {
		y := l.time.y(t)
		fmt.Fprintf(b, `<path d="M%s %sH%s"/><text x="%s" y="%s" text-anchor="end">%s</text>`, px(axisWidth), px(y), px(ladderWidth), px(axisWidth-7), px(y+4), tickText(t, step))
	}
	b.WriteString("</g>\n<g class=\"silence\">")
	for _, s := range l.time.breaks {
		mid := (s.y0 + s.y1 - 8) / 2
		fmt.Fprintf(b, `<rect x="0" y="%s" width="%v" height="%s"/><text x="%s" y="%s" text-anchor="middle">%s</text>`, px(s.y0+4), ladderWidth, px(s.y1-s.y0-16), px((l.x[0]+l.x[len(l.x)-1])/2), px(mid+4),
			l.esc(fmt.Sprintf(Text{"%s of silence", "静默 %s"}.In(l.lang), clockText(s.to-s.from))))
	}
	b.WriteString("</g>\n")
}

// hosts draws the hosts' lines, broken where silence is left out, with the
// states of their connections on them.
func (l *ladder) hosts(height float64) {
	b := l.b
	b.WriteString(`<g class="hosts">`)
	bottom := l.time.bottom() + 16
	for i, x := range l.x {
		for _, y := range []float64{headHeight - 32, bottom + 18} {
			fmt.Fprintf(b, `<text class="name" x="%s" y="%s" text-anchor="middle">%s</text>`, px(x), px(y), Host(i))
		}
		fmt.Fprintf(b, `<text class="address" x="%s" y="%s" text-anchor="middle">10.0.0.%d</text>`, px(x), px(headHeight-17), i+1)
		y := headHeight - 10
		for _, s := range l.time.breaks {
			fmt.Fprintf(b, `<path d="M%s %sV%sm-5 3l10 -6"/>`, px(x), px(y), px(s.y0+4))
			y = s.y1 - 12
			fmt.Fprintf(b, `<path d="M%s %sm-5 3l10 -6"/>`, px(x), px(y))
		}
		fmt.Fprintf(b, `<path d="M%s %sV%s"/>`, px(x), px(y), px(bottom))
	}
	b.WriteString("</g>\n")
	l.stateBars(bottom)
}

// draw draws one packet: its line, its head or its end, and what hovering tells.
func (l *ladder) draw(a *arrow) {
	b := l.b
	fmt.Fprintf(b, `<g class="p %s" data-id="%d" data-line="%s"`, a.look, a.ID, l.esc(direction(a.From, a.To)))
	if nth := l.marks[a.ID-1].nth; nth > 0 {
		fmt.Fprintf(b, ` data-nth="%d"`, nth)
	}
	if fault := l.marks[a.ID-1].fault; fault >= 0 {
		fmt.Fprintf(b, ` data-fault="%s"`, l.esc(l.r.Setup.Faults[fault].String()))
	}
	if a.Cause.Packet > 0 {
		fmt.Fprintf(b, ` data-cause="%d"`, a.Cause.Packet)
	}
	fmt.Fprintf(b, `><title>%s</title>`, l.esc(a.detail(l.lang)))
	if a.start > a.Sent { // its wait in the queue, beside the host's line
		side := 3.5
		if a.x2 < a.x1 {
			side = -side
		}
		fmt.Fprintf(b, `<path class="wait" d="M%s %sV%s"/>`, px(a.x1+side), px(l.time.y(a.Sent)), px(a.y1))
	}
	switch {
	case a.share == 0: // it did not leave
		out := 9.0
		if a.To < a.From {
			out = -out
		}
		cross(b, a.x1+out, a.y1)
	default:
		line := fmt.Sprintf("M%s %sL%s %s", px(a.x1), px(a.y1), px(a.x2), px(a.y2))
		fmt.Fprintf(b, `<path class="hit" d="%s"/><path d="%s"/>`, line, line)
		if a.share < 1 {
			cross(b, a.x2, a.y2)
		} else {
			head(b, a.x1, a.y1, a.x2, a.y2)
		}
	}
	b.WriteString("</g>\n")
}

func cross(b *bytes.Buffer, x, y float64) {
	fmt.Fprintf(b, `<path class="x" d="M%s %sl9 9m0 -9l-9 9"/>`, px(x-4.5), px(y-4.5))
}

// head is the point of an arrow, in the direction of its line.
func head(b *bytes.Buffer, x1, y1, x2, y2 float64) {
	dx, dy := x2-x1, y2-y1
	n := max(math.Hypot(dx, dy), 1e-6)
	dx, dy = dx/n, dy/n
	fmt.Fprintf(b, `<path class="h" d="M%s %sL%s %sL%s %sz"/>`, px(x2), px(y2), px(x2-dx*9-dy*3.2), px(y2-dy*9+dx*3.2), px(x2-dx*9+dy*3.2), px(y2-dy*9-dx*3.2))
}

// note says what is not drawn.
func (l *ladder) note(height float64) {
	if l.leftOut > 0 {
		fmt.Fprintf(l.b, `<text class="note" x="%v" y="%s" text-anchor="middle">%s</text>`, ladderWidth/2, px(height-8),
			l.esc(fmt.Sprintf(Text{"%d more packets are not drawn", "另有 %d 个包未画出"}.In(l.lang), l.leftOut)))
	}
}
