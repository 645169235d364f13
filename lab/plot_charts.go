package lab

import (
	"fmt"
	"io"
	"slices"
	"time"
)

const (
	mostSenders = 4   // with charts of their own
	worthIt     = 5   // instants of which a chart has something to say
	goodputBins = 120 // at most
	outOfReach  = 3.0 // a receive window so many times higher than all else is only told
)

// plots writes the charts that the run has data for, as svg elements.
func (r *Run) plots(w io.Writer, o PageOptions) {
	for _, c := range r.charts(o) {
		c.svg(w)
	}
}

// charts are the run's, in the order to show them.
func (r *Run) charts(o PageOptions) (out []*chart) {
	until := r.lastArrival()
	if until == 0 {
		return nil
	}
	add := func(c *chart) {
		times := make(map[time.Duration]bool)
		for _, k := range c.curves {
			for _, p := range k.points {
				times[p.at] = true
			}
		}
		if len(times) >= worthIt {
			c.until, c.lang, c.shade = until, o.Lang, r.shown(o)
			out = append(out, c)
		}
	}
	senders := 0
	for i, f := range r.Flows {
		for _, host := range []int{f.Flow.From, f.Flow.To} {
			sends := f.Flow.Proto == "tcp" && (host == f.Flow.From && f.Flow.Bytes > 0 || host == f.Flow.To && (f.Flow.Reply > 0 || f.Flow.Echo))
			if !sends || senders == mostSenders {
				continue
			}
			senders++
			add(r.windowChart(i, host, o.Lang))
			add(r.timeoutChart(i, host, o.Lang))
		}
	}
	add(r.goodputChart(until, o.Lang))
	for _, line := range r.queues() {
		add(r.queueChart(line, o.Lang))
	}
	return out
}

// lastArrival is when the last packet arrived or was sent: what comes after it
// is silence.
func (r *Run) lastArrival() (t time.Duration) {
	for _, p := range r.Packets {
		t = max(t, p.Sent, p.Arrived)
	}
	return t
}

// shown is the part of the run that a ladder shows; empty if it shows all.
func (r *Run) shown(o PageOptions) period {
	s, n, all := period{from: Never}, 0, true
	for _, p := range r.Packets {
		if p.Sent < o.From || o.To > 0 && p.Sent > o.To || n >= o.maxPackets() {
			all = false
			continue
		}
		if n++; s.from == Never {
			s.from = p.Sent
		}
		s.to = max(s.to, p.Sent)
	}
	if all {
		return period{}
	}
	return s
}

// direction is one direction of a flow, for a title.
func (r *Run) direction(flow, host int) string {
	f := r.Flows[flow].Flow
	to := f.To
	if host == f.To {
		to = f.From
	}
	s := Host(host) + " → " + Host(to)
	if len(r.Flows) > 1 {
		s += fmt.Sprintf(" (%d)", flow+1)
	}
	return s
}

func (r *Run) windowChart(flow, host int, lang string) *chart {
	in := func(en, zh string) string { return Text{en, zh}.In(lang) }
	d := r.direction(flow, host)
	c := &chart{title: Text{d + ": what may be sent, and what is in flight", d + "：允许发送与在途数据"}, unit: "kB"}
	cwnd, thresh, flight, window := curve{name: in("congestion window", "拥塞窗口"), colour: 1}, curve{name: in("slow start threshold", "慢启动门限"), colour: 4, dashed: true},
		curve{name: in("in flight", "在途"), colour: 3, area: true}, curve{name: in("receive window", "接收窗口"), colour: 2}
	top, room := 0.0, 0.0
	mss := 0
	for _, s := range r.Samples {
		if s.Flow != flow || s.Host != host {
			continue
		}
		mss = max(mss, s.MSS)
		size := float64(s.MSS) / 1000
		put := func(k *curve, v float64) float64 {
			k.points = append(k.points, point{s.At, v})
			return v
		}
		top = max(top, put(&cwnd, float64(s.Cwnd)*size))
		if s.Ssthresh > 0 {
			top = max(top, put(&thresh, float64(s.Ssthresh)*size))
		}
		if s.Outstanding >= 0 {
			top = max(top, put(&flight, float64(s.Outstanding)*size))
		}
		if s.SndWnd >= 0 {
			room = max(room, put(&window, float64(s.SndWnd)/1000))
		}
	}
	c.curves = []curve{flight, thresh, cwnd}
	if room <= outOfReach*top {
		c.curves = append(c.curves, window)
	} else if len(window.points) > 0 {
		c.note = fmt.Sprintf(in("receive window: up to %s kB", "接收窗口：最大 %s kB"), trimmed(room, 0))
	}
	c.curves = slices.DeleteFunc(c.curves, func(k curve) bool { return len(k.points) == 0 })
	c.title.En += fmt.Sprintf(" (a segment is %d B)", mss)
	c.title.Zh += fmt.Sprintf("（一段 %d 字节）", mss)
	for _, p := range r.Packets {
		if p.Flow != flow || p.From != host {
			continue
		}
		if k := p.look(); k == "lost" || k == "corrupt" {
			c.marks = append(c.marks, mark{p.Sent, k})
		}
		if p.Retransmission() {
			c.marks = append(c.marks, mark{p.Sent, "again"})
		}
	}
	return c
}

func (r *Run) timeoutChart(flow, host int, lang string) *chart {
	d := r.direction(flow, host)
	c := &chart{title: Text{d + ": round trip and timeout", d + "：往返时间与重传超时"}, unit: "ms"}
	srtt, rto := curve{name: Text{"smoothed round trip (SRTT)", "平滑往返时间 SRTT"}.In(lang), colour: 1, area: true}, curve{name: Text{"retransmission timeout (RTO)", "重传超时 RTO"}.In(lang), colour: 2}
	for _, s := range r.Samples {
		if s.Flow == flow && s.Host == host && s.SRTT > 0 {
			srtt.points = append(srtt.points, point{s.At, float64(s.SRTT) / 1e6})
			rto.points = append(rto.points, point{s.At, float64(s.RTO) / 1e6})
		}
	}
	c.curves = []curve{srtt, rto}
	for _, p := range r.Packets {
		if p.Flow == flow && p.From == host && (p.Why == WhyRTO || p.Why == WhySYN) && p.CopyOf == 0 {
			c.marks = append(c.marks, mark{p.Sent, "again"})
		}
	}
	return c
}

// goodputChart is what applications were given, over time.
func (r *Run) goodputChart(until time.Duration, lang string) *chart {
	step := niceStep(until / goodputBins)
	n := int(until/step) + 1
	type key struct{ flow, host int }
	bins, before := make(map[key][]float64), make(map[key]int)
	var order []key
	for _, p := range r.Progress {
		k := key{p.Flow, p.Host}
		if bins[k] == nil {
			bins[k] = make([]float64, n)
			order = append(order, k)
		}
		bins[k][min(int(p.At/step), n-1)] += float64(p.Bytes - before[k])
		before[k] = p.Bytes
	}
	top := 0.0
	for _, b := range bins {
		top = max(top, slices.Max(b))
	}
	factor, unit := 8/step.Seconds()/1e6, "Mbit/s"
	if top*factor < 0.5 {
		factor, unit = factor*1e3, "kbit/s"
	}
	c := &chart{title: Text{fmt.Sprintf("Goodput: what applications were given, each %s", clockText(step)), fmt.Sprintf("有效吞吐：应用收到的数据，每 %s", clockText(step))}, unit: unit}
	for _, k := range order {
		if len(c.curves) == 6 || len(r.Progress) < 2*worthIt {
			break
		}
		f := r.Flows[k.flow].Flow
		from := f.From
		if k.host == f.From {
			from = f.To
		}
		l := curve{name: fmt.Sprintf("%s %s → %s (%d)", f.Proto, Host(from), Host(k.host), k.flow+1), colour: len(c.curves)%6 + 1, area: len(order) == 1}
		for i, v := range bins[k] {
			l.points = append(l.points, point{time.Duration(i) * step, v * factor})
		}
		c.curves = append(c.curves, l)
	}
	return c
}

// queues are the lines before which more than a few packets waited.
func (r *Run) queues() (out [][2]int) {
	for _, q := range r.Queue {
		line := [2]int{q.From, q.To}
		if (q.Packets > 3 || q.Dropped) && !slices.Contains(out, line) && len(out) < mostSenders {
			out = append(out, line)
		}
	}
	return out
}

func (r *Run) queueChart(line [2]int, lang string) *chart {
	d := direction(line[0], line[1])
	c := &chart{title: Text{"Queue before the line " + d, "线路 " + d + " 前的队列"}, unit: "kB"}
	k := curve{name: Text{"waiting", "等待中"}.In(lang), colour: 5, area: true, straight: true}
	rate, _ := r.spec(line[0])
	for _, q := range r.Queue {
		if q.From == line[0] && q.To == line[1] {
			if n := len(k.points); n > 0 && rate > 0 { // since then the line has carried
				last := k.points[n-1]
				empty := last.at + time.Duration(last.v*8e12/float64(rate))
				if empty < q.At {
					k.points = append(k.points, point{empty, 0}, point{q.At, 0})
				} else {
					k.points = append(k.points, point{q.At, last.v - float64(rate)/8e12*float64(q.At-last.at)})
				}
			}
			k.points = append(k.points, point{q.At, float64(q.Bytes) / 1000})
			if q.Dropped {
				c.marks = append(c.marks, mark{q.At, "lost"})
			}
		}
	}
	c.curves = []curve{k}
	return c
}
