package lab

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
)

// forms are what a mark's label may say, the longest first.
func (l *textLadder) forms(m *ladderMark, also []int) (forms []string) {
	who := ""
	if len(l.hosts) > 2 {
		who = Host(m.host)
		for _, h := range also {
			who += "," + Host(h)
		}
	}
	switch m.kind {
	case ladderLeaves:
		if who != "" {
			who = direction(m.packet.From, m.to)
		}
		forms = l.sendForms(m.packet)
	case ladderArrives:
		forms = l.verdictForms(m.packet)
	case ladderVanishes:
		if who != "" {
			who = direction(m.packet.From, m.packet.To)
		}
		forms = l.vanishForms(m.packet)
	default:
		forms = []string{""}
	}
	if len(l.run.Flows) > 1 && m.flow >= 0 && (m.kind == ladderLeaves || m.kind == ladderState) {
		who = strings.TrimSpace("#" + strconv.Itoa(m.flow+1) + " " + who)
	}
	if who == "" || forms[0] == "" && len(m.states) == 0 {
		return forms
	}
	last := forms[len(forms)-1]
	for i, f := range forms {
		forms[i] = strings.TrimSpace(who + " " + f)
	}
	if len(also) > 0 {
		forms = append(forms, fmt.Sprintf("%d× %s", len(also)+1, last))
	}
	return forms
}

// sendForms say what a packet is, and why it was sent if that is not what one
// would think.
func (l *textLadder) sendForms(p *Packet) []string {
	h := &p.Header
	has := func(flag string) bool { return strings.Contains(h.Flags, flag) }
	f := fmt.Sprintf
	var forms []string
	switch {
	case h.Proto != "TCP":
		forms = []string{f("%s len=%d", h.Proto, h.Len), h.Proto}
	case has("RST"):
		forms = []string{f("%s seq=%d", h.Flags, h.Seq), "RST"}
	case has("SYN"):
		seq := f("%s seq=%d", h.Flags, h.Seq)
		if forms = []string{seq, h.Flags}; has("ACK") {
			seq += f(" ack=%d", h.Ack)
			forms = slices.Insert(forms, 0, seq)
		}
		forms = slices.Insert(forms, 0, seq+f(" win=%d", h.Window))
	case has("FIN"):
		forms = []string{f("FIN seq=%d", h.Seq), "FIN"}
		if h.Len > 0 {
			forms = []string{f("FIN seq=%d len=%d", h.Seq, h.Len), "FIN"}
		} else if has("ACK") {
			forms = append([]string{f("FIN ACK seq=%d ack=%d", h.Seq, h.Ack)}, forms...)
		}
	case h.Len > 0:
		forms = []string{f("seq=%d len=%d", h.Seq, h.Len), f("seq=%d", h.Seq)}
		if h.Ack > 1 {
			forms = append([]string{forms[0] + f(" ack=%d", h.Ack)}, forms...)
		}
	case p.Why == WhyWindow:
		forms = []string{f("ACK ack=%d win=%d", h.Ack, h.Window), f("ACK win=%d", h.Window), f("win=%d", h.Window)}
	default:
		forms = ackForms(h)
	}
	if tag := l.tag(p); tag != "" {
		if h.Len > 0 {
			forms = append(forms, strconv.Itoa(int(h.Seq)))
		}
		for i := range forms {
			forms[i] += " [" + tag + "]"
		}
		forms = append(forms, "["+tag+"]")
	}
	return forms
}

// ackForms prefer what came out of order to the window, unless that is shut.
func ackForms(h *Header) (forms []string) {
	ack, win := fmt.Sprintf("ACK ack=%d", h.Ack), fmt.Sprintf(" win=%d", h.Window)
	if h.Window == 0 {
		ack, win = ack+win, ""
	}
	if len(h.Sack) == 0 {
		return []string{ack + win, ack}
	}
	sack := " sack="
	for i, b := range h.Sack {
		text := fmt.Sprintf("%d-%d", b.From, b.To)
		if i > 0 {
			forms = append(forms, ack+sack+",…")
			text = "," + text
		}
		sack += text
	}
	forms = append(forms, ack+sack, ack+win+sack)
	slices.Reverse(forms)
	return append(forms, ack+" sack=…", ack)
}

// tag is why a packet was sent, if that is worth saying, and whether it got no
// further.
func (l *textLadder) tag(p *Packet) (tag string) {
	if p.Why.Retransmission() || p.Why == WhyProbe || p.Why == WhyWindow || p.Why == WhyReset {
		tag, _, _ = strings.Cut(p.Why.In(l.o.Lang), " (")
		tag, _, _ = strings.Cut(tag, "（")
	}
	if p.Fate.Has(QueueDrop) {
		if tag != "" {
			tag += ", "
		}
		tag += l.say("queue full", "队列满")
	}
	return tag
}

// vanishForms say which packet does not arrive.
func (l *textLadder) vanishForms(p *Packet) []string {
	h := &p.Header
	what := h.Proto
	switch {
	case what != "TCP":
	case h.Len > 0:
		what = fmt.Sprintf("seq=%d", h.Seq)
	case h.Flags == "ACK":
		what = fmt.Sprintf("ack=%d", h.Ack)
	default:
		what = h.Flags
	}
	sign, fate := "✗ ", l.say("lost", "丢失")
	if !p.Fate.Has(Lost) {
		sign, fate = "… ", l.say("on its way", "在途")
	}
	return []string{sign + what + " " + fate, sign + what}
}

// verdictForms say what the receiver made of a packet.
func (l *textLadder) verdictForms(p *Packet) []string {
	v := p.Verdict
	if v.Kind == NoVerdict || v.Kind == Accepted && p.Fate&(Corrupt|Swapped) == 0 {
		return []string{""}
	}
	v.Inferred = v.Inferred && !l.run.outside // there all are, which the caption says
	text := v.In(l.o.Lang)
	v.Inferred = false
	plain := v.In(l.o.Lang)
	short, _, _ := strings.Cut(plain, ": ")
	short, _, _ = strings.Cut(short, "：")
	short = strings.Replace(short, "acknowledges", "acks", 1)
	if v.Kind == Selective {
		short = l.say("selective ACK", "选择确认")
	}
	forms := []string{text, plain, short}
	switch v.Kind {
	case Held, FillsGap, DuplicateData, DuplicateHeld, NoRoom, OutOfWindow: // the question is: of which
		n := fmt.Sprint(p.Header.Seq)
		forms = []string{"seq=" + n + " " + text, n + " " + text, n + " " + plain, plain, n + " " + short, short}
	case BadChecksum, Malformed:
		return forms
	case ToSocket, BufferFull:
		if p.Header.Number > 0 { // again or late, one sees which
			for i := range forms {
				forms[i] = fmt.Sprintf("%d %s", p.Header.Number, forms[i])
			}
		}
	}
	if p.Fate&(Corrupt|Swapped) != 0 { // no checksum has seen it
		for i := range forms {
			forms[i] = l.say("DAMAGED, yet ", "已损坏，但 ") + forms[i]
		}
	}
	return forms
}

// verdictStyle marks what is not as it should be.
func (v Verdict) ladderStyle() ladderStyle {
	switch v.Kind {
	case Held, DuplicateAck, Selective:
		return styleAgain
	case FillsGap:
		return styleOpen
	case DuplicateData, DuplicateHeld:
		return styleCopy
	case BadChecksum, Malformed:
		return styleBroken
	case OutOfWindow, NoRoom, BufferFull, NoPort, NoConnection, ResetsIt:
		return styleLost
	}
	return styleDim
}

const ladderJoint = " · "

func (m *ladderMark) stateText() string { return strings.Join(m.states, ", ") }

// labelled reports whether a mark has something to say.
func (l *textLadder) labelled(m *ladderMark) bool {
	return len(m.states) > 0 || l.forms(m, nil)[0] != ""
}

// fits reports whether one more state can stand beside a mark's label.
func (l *textLadder) fits(m *ladderMark, state string) bool {
	side := l.side(m)
	forms := l.forms(m, nil)
	width := displayWidth(forms[len(forms)-1])
	for _, s := range append(m.states, state) {
		width += displayWidth(ladderJoint) + len(s)
	}
	return width <= l.to[side]-l.from[side]
}

// label writes a mark's label beside its host's line: next to the line what is
// sent or what became of it, further out the states.
func (l *textLadder) label(c ladderCanvas, side int, m *ladderMark, also []int) {
	from, to := l.from[side], l.to[side]
	states, room := m.stateText(), to-from
	if states != "" {
		room -= displayWidth(states)
	}
	text, joint := "", ""
	for _, form := range l.forms(m, also) {
		if text, joint = form, ""; form != "" && states != "" {
			joint = ladderJoint
			if m.packet == nil {
				joint = " "
			}
		}
		if displayWidth(text+joint) <= room {
			break
		}
	}
	text = shorten(text, room-displayWidth(joint))
	if m.packet == nil && displayWidth(text) < 3 && len(l.hosts) == 2 || text == "…" {
		text, joint = "", ""
	}
	style := stylePlain
	switch m.kind {
	case ladderLeaves, ladderVanishes:
		style = m.packet.ladderStyle(m.kind == ladderVanishes)
	case ladderArrives:
		style = m.packet.Verdict.ladderStyle()
		if m.packet.Fate&(Corrupt|Swapped) != 0 {
			style = styleBroken
		}
	}
	if side == 0 {
		from = to - displayWidth(states+joint+text)
		from = c.write(from, to, states, styleState)
		from = c.write(from, to, joint, styleDim)
		c.write(from, to, text, style)
		return
	}
	from = c.write(from, to, text, style)
	from = c.write(from, to, joint, styleDim)
	c.write(from, to, states, styleState)
}

// heads is how many rows there are above the first of the diagram.
func (l *textLadder) heads() int { return len(l.run.Flows) + 1 }

// head draws one of them: the flows, and the hosts' names and addresses.
func (l *textLadder) head(c ladderCanvas, i int) {
	if i < len(l.run.Flows) {
		text := l.run.Flows[i].Flow.String()
		if len(l.run.Flows) > 1 {
			text = fmt.Sprintf("#%d %s", i+1, text)
		}
		text = shorten(text, l.width)
		middle := (l.hosts[0] + l.hosts[len(l.hosts)-1] + 1) / 2
		at := min(max(middle-displayWidth(text)/2, 0), l.width-displayWidth(text))
		c.write(at, l.width, text, styleDim)
		return
	}
	for h, x := range l.hosts {
		c.write(x, x+1, Host(h), styleState)
		switch address := Address(h); {
		case h == 0:
			c.write(max(x-1-len(address), 0), x-1, address, styleDim)
		case h == len(l.hosts)-1:
			c.write(x+2, l.width, address, styleDim)
		case l.hosts[1]-l.hosts[0] > len(address)+2:
			c.write(x+2, x+2+len(address), address, styleDim)
		}
	}
}

// foot says what Max has cut off, and what the strokes mean.
func (l *textLadder) foot(c ladderCanvas, put func(LadderRow) bool) {
	at := l.o.From
	if len(l.rows) > 0 {
		at = l.rows[len(l.rows)-1].at
	}
	if l.more > 0 {
		digits := strconv.Itoa(l.more)
		for i := len(digits) - 3; i > 0; i -= 3 {
			digits = digits[:i] + "," + digits[i:]
		}
		text := l.say("… %s more packets", "… 还有 %s 个包")
		if l.more == 1 {
			text = l.say("… %s more packet", "… 还有 %s 个包")
		}
		c.clear()
		c.write(0, l.width, fmt.Sprintf(text, digits), styleDim)
		if !put(LadderRow{At: at}) {
			return
		}
	}
	if c.clear(); l.legend(c) {
		put(LadderRow{At: at})
	}
}

// legend explains the strokes that occur; without colour only the dotted one
// differs.
func (l *textLadder) legend(c ladderCanvas) bool {
	seen := make(map[ladderStyle]bool)
	for _, p := range l.paths {
		seen[p.ladderStyle(true)] = true
	}
	x := l.time + 1
	for _, e := range []struct {
		ladderStyle
		stroke, text string
	}{
		{styleOpen, "── ", l.say("SYN, FIN", "SYN、FIN")},
		{styleData, "── ", l.say("new data", "新数据")},
		{styleUDP, "── ", "UDP"},
		{styleAgain, "── ", l.say("sent again", "重传")},
		{styleLost, "── ", l.say("lost, reset", "丢失、复位")},
		{styleBroken, "── ", l.say("damaged", "损坏")},
		{styleCopy, "·· ", l.say("copied by the line", "线路复制")},
	} {
		text := e.stroke + e.text
		if seen[e.ladderStyle] && (l.o.Color || e.ladderStyle == styleCopy) && x+displayWidth(text) <= l.width {
			x = c.write(x, l.width, text, e.ladderStyle) + 3
		}
	}
	return x > l.time+1
}
