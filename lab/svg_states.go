package lab

import (
	"fmt"
	"slices"

	"gvisor.dev/gvisor/pkg/tcpip/header"
)

const stateWidth = 98.0 // of the column of states beside a host's line

// stateY is where a change of state is: at the packet that brought it about, if
// that can be told.
func (l *ladder) stateY(s StateChange) float64 {
	best, y := 0, l.time.y(s.At)
	for i := range l.arrows {
		a := &l.arrows[i]
		sends, takes := a.From == s.Host && a.Sent == s.At, a.To == s.Host && a.end == s.At && a.Delivered()
		if a.Flow != s.Flow || !sends && !takes {
			continue
		}
		flags := a.Header.flags & (controlFlags | header.TCPFlagAck)
		syn, fin, ack := flags&header.TCPFlagSyn != 0, flags&header.TCPFlagFin != 0, flags == header.TCPFlagAck
		fits, latest := false, false
		switch s.State {
		case "SYN-SENT":
			fits, takes = sends && syn, false
		case "SYN-RECEIVED":
			fits, sends = takes && syn, false
		case "ESTABLISHED":
			fits, sends = takes && (syn || ack), false
		case "FIN-WAIT-1", "LAST-ACK":
			fits, takes = sends && fin, false
		case "CLOSE-WAIT", "TIME-WAIT", "CLOSING":
			fits, sends = takes && fin, false
		default: // FIN-WAIT-2, CLOSED
			fits, latest, sends = takes && ack, true, false
		}
		score := 0
		switch {
		case fits:
			score = 2
		case sends || takes:
			score = 1
		}
		if score > best || latest && score == best && score > 0 {
			if best = score; sends {
				y = a.y1
			} else {
				y = a.y2
			}
		}
	}
	return y
}

func (l *ladder) hasStates(host int) bool {
	return slices.ContainsFunc(l.states, func(s StateChange) bool { return s.Host == host })
}

// statePills writes the names of states, next to the hosts' lines, and returns
// the places that they leave to no label: those beside the inner hosts.
func (l *ladder) statePills() (inner [][]float64) {
	taken := make([][]float64, len(l.x))
	inner = make([][]float64, len(l.x))
	l.b.WriteString(`<g class="states">`)
	for _, s := range l.states {
		at := l.stateY(s)
		y, ok := place(taken[s.Host], at, 48)
		if !ok {
			continue
		}
		taken[s.Host] = append(taken[s.Host], y)
		if s.Host > 0 && s.Host < len(l.x)-1 {
			inner[s.Host] = append(inner[s.Host], y)
		}
		name, width := s.State, stateWidth-10
		x := l.x[s.Host] + 8
		if s.Host == 0 {
			x = l.x[0] - 8 - width
		}
		title := fmt.Sprintf("%s  %s %s", clockText(s.At), Host(s.Host), s.State)
		if s.Inferred {
			title += Text{" (inferred)", "（推断）"}.In(l.lang)
		}
		fmt.Fprintf(l.b, `<g class="s-%s"><title>%s</title><rect x="%s" y="%s" width="%s" height="12" rx="6"/><text x="%s" y="%s" text-anchor="middle">%s</text></g>`+"\n",
			stateClass(s.State), l.esc(title), px(x), px(y-6), px(width), px(x+width/2), px(y+3.3), name)
	}
	l.b.WriteString("</g>\n")
	return inner
}

// stateBars colours the line of a host that has one connection by its state.
func (l *ladder) stateBars(bottom float64) {
	l.b.WriteString(`<g class="bars">`)
	for host, x := range l.x {
		var mine []StateChange
		flows := make(map[int]bool)
		for _, s := range l.states {
			if s.Host == host {
				mine = append(mine, s)
				flows[s.Flow] = true
			}
		}
		if len(flows) != 1 {
			continue
		}
		for i, s := range mine {
			end := bottom
			if i+1 < len(mine) {
				end = l.stateY(mine[i+1])
			}
			if y := l.stateY(s); s.State != "CLOSED" && end > y {
				fmt.Fprintf(l.b, `<rect class="s-%s" x="%s" y="%s" width="6" height="%s"/>`, stateClass(s.State), px(x-3), px(y), px(end-y))
			}
		}
	}
	l.b.WriteString("</g>\n")
}

// stateClass is the part of a connection's life that a state belongs to.
func stateClass(state string) string {
	switch state {
	case "SYN-SENT", "SYN-RECEIVED":
		return "opening"
	case "ESTABLISHED":
		return "open"
	case "TIME-WAIT":
		return "waiting"
	case "CLOSED":
		return "closed"
	}
	return "closing"
}
