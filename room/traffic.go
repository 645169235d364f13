package room

import "time"

// traffic is who came and went and is not announced yet.
//
// N members who come at once would cost N*N lines: 15,000 who reconnect after a failure, 112 million. So many in a row are
// announced in one line; and after an announcement there is none for nine times as long as it took, so that a large room
// spends a tenth of its time on them at most. A small room announces everybody at once and by name.
type traffic struct {
	pending []passage
	timer   bool // it will be told of them
	quiet   time.Time
}

// A passage is somebody coming or going.
type passage struct {
	kind      Kind // Join or Leave
	nick, why string
	seq       uint64
	time      time.Time
}

const (
	sumUpFrom = 8                      // how many in a row are announced in one line
	moment    = 250 * time.Millisecond // how long there is no other announcement after such a line
)

// announce has it told that people came or went.
func (r *Room) announce(msg Message, k Kind, people []*person, why string) {
	t := &r.traffic
	for _, p := range people {
		t.pending = append(t.pending, passage{k, p.nick, why, msg.Seq, msg.Time})
	}
	wait := time.Until(t.quiet)
	switch {
	case len(t.pending) == 0 || t.timer:
	case wait <= 0:
		r.tellTraffic()
	default:
		t.timer = true
		time.AfterFunc(wait, func() {
			_ = r.between(r.running, func() { t.timer = false; r.tellTraffic() })
		})
	}
}

// tellTraffic announces those who came and went since the last time.
func (r *Room) tellTraffic() {
	many := len(r.traffic.pending) >= sumUpFrom
	lines := r.traffic.take(r)
	if len(lines) == 0 {
		return
	}
	began := time.Now()
	r.show(&Block{Lines: lines})
	now := time.Now()
	quiet := 9 * now.Sub(began)
	if many {
		quiet = max(quiet, moment)
	}
	r.traffic.quiet = now.Add(quiet)
}

// take returns what there is to announce.
func (t *traffic) take(r *Room) (lines []*Line) {
	if len(t.pending) >= sumUpFrom {
		t.pending = settled(t.pending)
	}
	for len(t.pending) > 0 {
		first, n := t.pending[0], 1
		for n < len(t.pending) && t.pending[n].kind == first.kind {
			n++
		}
		run := t.pending[:n]
		if n >= sumUpFrom {
			nicks := make([]string, 0, namesGreeted)
			for _, p := range run[:min(n, namesGreeted)] {
				nicks = append(nicks, p.nick)
			}
			last := run[n-1]
			l := r.out.line(Message{Seq: last.seq, Time: last.time, Kind: last.kind, From: r.texts.names(nicks, n, namesGreeted)})
			l.From, l.Body = "", l.Text[len("* "):]
			lines = append(lines, l)
		} else {
			for _, p := range run {
				lines = append(lines, r.out.line(Message{Seq: p.seq, Time: p.time, Kind: p.kind, From: p.nick, Text: p.why}))
			}
		}
		t.pending = t.pending[n:]
	}
	t.pending = nil
	return lines
}

// settled is what is left of many passages in the end: those who came and went, or went and came back, are nowhere in it;
// first stand those who came, and then those who left. So the lines for it are few, however often somebody comes and goes.
func settled(all []passage) []passage {
	first, last := make(map[string]Kind, len(all)), make(map[string]int, len(all))
	for i, p := range all {
		key := foldNick(p.nick)
		if _, again := first[key]; !again {
			first[key] = p.kind
		}
		last[key] = i
	}
	left := make([]passage, 0, len(all))
	for _, kind := range []Kind{Join, Leave} {
		for i, p := range all {
			if key := foldNick(p.nick); p.kind == kind && i == last[key] && first[key] == kind {
				p.seq, p.time = all[len(all)-1].seq, all[len(all)-1].time
				left = append(left, p)
			}
		}
	}
	return left
}
