package lab

import (
	"fmt"
	"math"
	"slices"
	"strings"
	"time"
)

// ladderShape is where things are in a row.
type ladderShape struct {
	width    int
	hosts    []int  // the columns of the hosts' lines
	time     int    // columns for the time, from 0
	from, to [2]int // the margins
}

func shapeLadder(hosts, width int, end time.Duration) ladderShape {
	s := ladderShape{width: width, time: max(len(ladderTime(end)), len("999.9 ms"))}
	room := width - s.time - 1 - hosts
	gap := min(max(room*28/100, 11), 48)
	if hosts > 2 {
		gap = min(max(room*45/100/(hosts-1), 3), 16)
	}
	side := min((room-gap*(hosts-1))/2, 44)
	left := s.time + 1
	for i := range hosts {
		s.hosts = append(s.hosts, left+side+i*(gap+1))
	}
	last := s.hosts[hosts-1]
	s.from = [2]int{left, last + 2}
	s.to = [2]int{s.hosts[0] - 1, min(last+1+side, width)}
	return s
}

// A ladderStyle is a colour, as an SGR parameter.
type ladderStyle string

const (
	stylePlain  ladderStyle = ""
	styleDim    ladderStyle = "90"
	styleState  ladderStyle = "1"
	styleData   ladderStyle = "94"
	styleAgain  ladderStyle = "33" // what was sent before
	styleLost   ladderStyle = "91"
	styleBroken ladderStyle = "35"
	styleCopy   ladderStyle = "38;5;141"
	styleOpen   ladderStyle = "32" // SYN and FIN
	styleUDP    ladderStyle = "36"
)

// style is a packet's by what it is, and on the line by its fate.
func (p *Packet) ladderStyle(onLine bool) ladderStyle {
	h := &p.Header
	switch {
	case onLine && p.Fate&(Lost|QueueDrop) != 0, strings.Contains(h.Flags, "RST"), h.Proto == "ICMP":
		return styleLost
	case onLine && p.Fate&(Corrupt|Swapped) != 0:
		return styleBroken
	case onLine && p.Fate.Has(Duplicate):
		return styleCopy
	case p.Why.Retransmission() || p.Why == WhyProbe:
		return styleAgain
	case strings.Contains(h.Flags, "SYN"), strings.Contains(h.Flags, "FIN"):
		return styleOpen
	case h.Proto == "UDP":
		return styleUDP
	case h.Len > 0:
		return styleData
	}
	return stylePlain
}

// ladderTime is a moment, to a tenth of a millisecond.
func ladderTime(at time.Duration) string {
	switch {
	case at < 100*time.Microsecond && at > 0:
		return fmt.Sprintf("%.1f µs", float64(at)/1e3)
	case at < time.Second:
		return strings.Replace(fmt.Sprintf("%.1f ms", float64(at)/1e6), ".0 ", " ", 1)
	}
	return fmt.Sprintf("%.3f s", at.Seconds())
}

// A ladderCell is one column of a row. After a rune of two columns, there is one
// without a rune.
type ladderCell struct {
	r     rune
	style ladderStyle
	tail  bool
}

type ladderCanvas []ladderCell

func (c ladderCanvas) clear() {
	for i := range c {
		c[i] = ladderCell{r: ' '}
	}
}

// write puts text into the columns [from, to), as much of it as there is room
// for, and is the column behind it.
func (c ladderCanvas) write(from, to int, text string, style ladderStyle) int {
	for _, r := range shorten(text, to-from) {
		c[from] = ladderCell{r: r, style: style}
		from++
		if runeWidth(r) == 2 {
			c[from] = ladderCell{tail: true}
			from++
		}
	}
	return from
}

// line puts a piece of a slope where others may be already.
func (c ladderCanvas) line(x int, r rune, style ladderStyle) {
	if x < 0 || x >= len(c) {
		return
	}
	switch was := c[x].r; {
	case was == '╲' && r == '╱', was == '╱' && r == '╲', was == '╳' && r != '·':
		r = '╳'
	case was == '│' && r == '─':
		r = '┼'
	case r == '─' && (was == '╲' || was == '╱'), was == '┼' && r == '─':
		return
	}
	c[x] = ladderCell{r: r, style: style}
}

// text is the row, without blanks at its end.
func (c ladderCanvas) text(color bool) string {
	for len(c) > 0 && c[len(c)-1].r == ' ' {
		c = c[:len(c)-1]
	}
	var b strings.Builder
	now := stylePlain
	for _, cell := range c {
		if cell.tail {
			continue
		}
		if color && cell.style != now && cell.r != ' ' {
			if now != stylePlain {
				b.WriteString("\x1b[m")
			}
			if cell.style != stylePlain {
				b.WriteString("\x1b[" + string(cell.style) + "m")
			}
			now = cell.style
		}
		b.WriteRune(cell.r)
	}
	if now != stylePlain {
		b.WriteString("\x1b[m")
	}
	return b.String()
}

// draw draws the rows one after another.
func (l *textLadder) draw(yield func(LadderRow) bool) {
	c := make(ladderCanvas, l.width)
	put := func(row LadderRow) bool {
		row.Text = c.text(l.o.Color)
		return yield(row)
	}
	for i := range l.heads() {
		c.clear()
		l.head(c, i)
		if !put(LadderRow{At: l.o.From}) {
			return
		}
	}
	shown := ""
	var paths []ladderPath // that cross this row
	left := l.paths
	for i, line := range l.rows {
		c.clear()
		for len(left) > 0 && left[0].from.row <= i {
			paths = append(paths, left[0])
			left = left[1:]
		}
		paths = slices.DeleteFunc(paths, func(p ladderPath) bool { return p.to.row < i })
		l.row(c, i, paths)
		if t := ladderTime(line.at); t != shown && (line.event || len(line.stated) > 0) {
			c.write(l.time-displayWidth(t), l.time, t, styleDim)
			shown = t
		}
		if !put(LadderRow{At: line.at, Event: line.event}) {
			return
		}
	}
	l.foot(c, put)
}

// row draws one row: hosts, slopes, their ends, labels.
func (l *textLadder) row(c ladderCanvas, i int, paths []ladderPath) {
	line := &l.rows[i]
	for host, x := range l.hosts {
		c[x].r = '│'
		if line.silence > 0 {
			c[x].r = '⋮'
		}
		if slices.Contains(line.stated, host) {
			c[x].r, c[x].style = '●', styleState
		}
	}
	for _, p := range paths {
		l.slope(c, i, p)
	}
	for _, p := range paths {
		if p.to.row == i {
			l.end(c, i, p)
		}
	}
	for side, m := range line.sides {
		if m != nil {
			l.label(c, side, m, line.also)
		}
	}
	if line.silence > 0 {
		l.silence(c, line.silence, len(paths) > 0)
	}
}

// span is the columns of a path in a row, counted from the sender's line, and
// how many they are on average.
func (l *textLadder) span(i int, p ladderPath) (from, to int, perRow float64) {
	length := float64(max(l.hosts[p.To]-l.hosts[p.From], l.hosts[p.From]-l.hosts[p.To]) - 1)
	rows := float64(p.to.row - p.from.row + 1)
	at := func(i int) int {
		return int(math.Ceil(length * (p.f0 + (p.f1-p.f0)*float64(i-p.from.row)/rows)))
	}
	return at(i), at(i + 1), length * (p.f1 - p.f0) / rows
}

// column is a column counted from the sender's line.
func (l *textLadder) column(p ladderPath, n int) int {
	if p.To > p.From {
		return l.hosts[p.From] + 1 + n
	}
	return l.hosts[p.From] - 1 - n
}

// slope draws a packet's way through a row. Steep ones go without level strokes,
// or neighbours could not be told apart.
func (l *textLadder) slope(c ladderCanvas, i int, p ladderPath) {
	from, to, perRow := l.span(i, p)
	steep, upright := perRow < 3, perRow < 0.5
	style := p.ladderStyle(true)
	level, down := '─', '╲'
	if p.To < p.From {
		down = '╱'
	}
	if p.Fate.Has(Duplicate) && p.Fate&Lost == 0 {
		level, down = '·', '·'
	}
	if x := l.column(p, max(from-1, 0)); from == to && upright && i < p.to.row && c[x].r == ' ' {
		c.line(x, '╎', style)
	}
	for n := from; n < to; n++ {
		switch {
		case i < p.to.row && (n == to-1 || steep):
			c.line(l.column(p, n), down, style)
		default:
			c.line(l.column(p, n), level, style)
		}
		if steep && i < p.to.row {
			break
		}
	}
}

// end draws what becomes of a packet.
func (l *textLadder) end(c ladderCanvas, i int, p ladderPath) {
	_, to, _ := l.span(i, p)
	x, style := l.column(p, max(to-1, 0)), p.ladderStyle(true)
	tip := '►'
	switch {
	case p.Fate&(Lost|QueueDrop) != 0:
		tip = '✗'
	case p.to.kind == ladderVanishes:
		tip = '…'
	case p.To < p.From:
		tip = '◄'
	}
	c[x] = ladderCell{r: tip, style: style}
}

func (l *textLadder) silence(c ladderCanvas, d time.Duration, crossed bool) {
	text := l.say("%s of silence", "%s无事")
	if crossed {
		text = "%s"
	}
	text = fmt.Sprintf(text, l.humane(d))
	left, right := l.hosts[0]+1, l.hosts[len(l.hosts)-1]
	if crossed || displayWidth(text) > right-left-2 {
		c.write(l.from[0], l.to[0], "⋮ "+text, styleDim)
		return
	}
	at := (left + right - displayWidth(text)) / 2
	c.write(at, right, text, styleDim)
}

// humane is a duration for reading, to three digits.
func (l *textLadder) humane(d time.Duration) string {
	switch {
	case d >= 100*time.Second:
		return fmt.Sprintf("%.0f", d.Seconds()) + l.say(" s", " 秒")
	case d >= time.Second:
		return fmt.Sprintf("%.3g", d.Seconds()) + l.say(" s", " 秒")
	case d >= time.Millisecond:
		return fmt.Sprintf("%.3g", d.Seconds()*1e3) + l.say(" ms", " 毫秒")
	}
	return fmt.Sprintf("%.3g", d.Seconds()*1e6) + l.say(" µs", " 微秒")
}

func (l *textLadder) say(en, zh string) string { return Text{en, zh}.In(l.o.Lang) }

// displayWidth is the columns that a text takes on a terminal.
func displayWidth(s string) (n int) {
	for _, r := range s {
		n += runeWidth(r)
	}
	return n
}

// runeWidth is 2 for what is wide in East Asian scripts (UAX 11), and else 1: no
// label has marks that combine.
func runeWidth(r rune) int {
	switch {
	case r < 0x1100:
		return 1
	case r <= 0x115f, r >= 0x2e80 && r <= 0xa4cf && r != 0x303f, r >= 0xac00 && r <= 0xd7a3, r >= 0xf900 && r <= 0xfaff,
		r >= 0xfe30 && r <= 0xfe6f, r >= 0xff00 && r <= 0xff60, r >= 0xffe0 && r <= 0xffe6, r >= 0x1f300 && r <= 0x1faff, r >= 0x20000 && r <= 0x3fffd:
		return 2
	}
	return 1
}

// shorten cuts a text to a width, with a sign of that.
func shorten(s string, width int) string {
	if displayWidth(s) <= width {
		return s
	}
	n := 0
	for i, r := range s {
		if n += runeWidth(r); n > width-1 {
			if width < 1 {
				return ""
			}
			return s[:i] + "…"
		}
	}
	return s
}
