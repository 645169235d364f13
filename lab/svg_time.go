package lab

import (
	"fmt"
	"math"
	"slices"
	"sort"
	"strconv"
	"strings"
	"time"
)

// A timeline says where on a ladder an instant is. It is linear and has one
// scale, but for silences, each of which takes as much room as the next, and for
// instants at which much happens on a line that takes no time.
type timeline struct {
	perMS  float64 // pixels of a millisecond
	knots  []knot  // straight between one and the next
	breaks []silence
	end    time.Duration
}

type knot struct {
	at time.Duration
	y  float64
}

// A silence is a time in which nothing happens, left out of the drawing.
type silence struct {
	from, to time.Duration
	y0, y1   float64
}

// A period is a time in which something is going on.
type period struct{ from, to time.Duration }

const (
	usualSlope  = 76.0    // pixels down that the usual packet takes
	steepest    = 190.0   // pixels, if it takes more to tell packets apart
	tallest     = 14000.0 // pixels of a ladder
	longSilence = 120.0   // pixels: a longer one is left out
	breakHeight = 40.0
	breakMargin = 14.0 // pixels of silence that are drawn before and after
	rowPitch    = 18.0 // pixels of a packet that takes no time
)

// newTimeline makes a timeline from top down. Usual is the time that packets
// usually take, zero if they take none, pace the time between two; atOnce is how many such packets there
// are at an instant.
func newTimeline(spans []period, usual, pace time.Duration, atOnce map[time.Duration]int, top float64) *timeline {
	l := new(timeline)
	ms := max(float64(usual)/1e6, 0)
	slices.SortFunc(spans, func(a, b period) int { return int(a.from - b.from) })
	if len(spans) == 0 {
		spans = []period{{}}
	}
	if ms == 0 {
		ms = 1
	}
	l.perMS = usualSlope / ms
	if pace > 0 {
		l.perMS = max(l.perMS, min((labelPitch+1)*1e6/float64(pace), steepest/ms))
	}
	for range 3 { // a smaller scale leaves less out
		active := activeMS(merge(spans, l.silence()))
		l.perMS = min(l.perMS, tallest/max(active, 1e-6))
	}
	busy := merge(spans, l.silence())
	y, margin := top, time.Duration(breakMargin/l.perMS*1e6)
	at := busy[0].from
	l.knots = append(l.knots, knot{at, y})
	forward := func(to time.Duration) {
		y += float64(to-at) / 1e6 * l.perMS
		at = to
		l.knots = append(l.knots, knot{at, y})
	}
	var crowded []time.Duration
	for t := range atOnce {
		crowded = append(crowded, t)
	}
	slices.Sort(crowded)
	for i, b := range busy {
		if i > 0 {
			forward(at + margin)
			s := silence{from: at, to: b.from - margin, y0: y, y1: y + breakHeight}
			l.breaks = append(l.breaks, s)
			y, at = s.y1, s.to
			l.knots = append(l.knots, knot{at, y})
			forward(b.from)
		}
		for len(crowded) > 0 && crowded[0] <= b.to {
			forward(crowded[0])
			y += float64(atOnce[crowded[0]]) * rowPitch
			l.knots = append(l.knots, knot{at, y})
			crowded = crowded[1:]
		}
		forward(b.to)
	}
	l.end = at
	return l
}

func (l *timeline) silence() time.Duration { return time.Duration(longSilence / l.perMS * 1e6) }

// merge joins spans, in order, that lie closer than gap.
func merge(spans []period, gap time.Duration) []period {
	var out []period
	for _, s := range spans {
		if n := len(out); n > 0 && s.from-out[n-1].to <= gap {
			out[n-1].to = max(out[n-1].to, s.to)
		} else {
			out = append(out, s)
		}
	}
	return out
}

func activeMS(spans []period) (ms float64) {
	for _, s := range spans {
		ms += float64(s.to-s.from) / 1e6
	}
	return ms
}

// y is where an instant is.
func (l *timeline) y(t time.Duration) float64 {
	i := sort.Search(len(l.knots), func(i int) bool { return l.knots[i].at >= t })
	switch {
	case i == len(l.knots):
		return l.bottom() + float64(t-l.end)/1e6*l.perMS
	case l.knots[i].at == t || i == 0:
		return l.knots[i].y
	}
	a, b := l.knots[i-1], l.knots[i]
	return a.y + (b.y-a.y)*float64(t-a.at)/float64(b.at-a.at)
}

func (l *timeline) bottom() float64 { return l.knots[len(l.knots)-1].y }

// data is the knots for a script: milliseconds and pixels.
func (l *timeline) data() string {
	var b strings.Builder
	for _, k := range l.knots {
		fmt.Fprintf(&b, "%s:%s ", strconv.FormatFloat(float64(k.at)/1e6, 'f', -1, 64), px(k.y))
	}
	return strings.TrimSpace(b.String())
}

// ticks are instants to write on the axis, about apart pixels from each other,
// and the step between them.
func (l *timeline) ticks(apart float64) (out []time.Duration, step time.Duration) {
	step = niceStep(time.Duration(apart / l.perMS * 1e6))
	last := math.Inf(-1)
	try := func(t time.Duration) {
		if y := l.y(t); y-last >= apart*0.55 {
			out, last = append(out, t), y
		}
	}
	from := l.knots[0].at
	section := func(to time.Duration) {
		try(from)
		for t := (from/step + 1) * step; t <= to; t += step {
			try(t)
		}
	}
	for _, s := range l.breaks {
		section(s.from)
		from = s.to
	}
	section(l.end)
	return out, step
}

// niceStep is the next of 1, 2 and 5 times a power of ten nanoseconds.
func niceStep(d time.Duration) time.Duration {
	return time.Duration(niceNumber(max(float64(d), 1)))
}

func niceNumber(v float64) float64 {
	p := math.Pow(10, math.Floor(math.Log10(v)))
	for _, m := range []float64{1, 2, 5} {
		if m*p >= v*0.999999 {
			return m * p
		}
	}
	return 10 * p
}

// clockText is a time as people read it: 40 ms, 1.52 s, three digits or so.
func clockText(d time.Duration) string {
	v, unit := float64(d), "ns"
	switch a := d.Abs(); {
	case a == 0:
		return "0"
	case a >= time.Second:
		v, unit = v/1e9, "s"
	case a >= time.Millisecond:
		v, unit = v/1e6, "ms"
	case a >= time.Microsecond:
		v, unit = v/1e3, "µs"
	}
	digits := 2
	if math.Abs(v) < 10 {
		digits = 3
	} else if math.Abs(v) >= 100 {
		digits = 1
	}
	return trimmed(v, digits) + " " + unit
}

// trimmed is v with so many digits after the point, but no zeros at the end.
func trimmed(v float64, digits int) string {
	s := strconv.FormatFloat(v, 'f', digits, 64)
	if strings.Contains(s, ".") {
		s = strings.TrimRight(strings.TrimRight(s, "0"), ".")
	}
	return s
}

// tickText is an instant on an axis whose ticks are a step apart.
func tickText(t, step time.Duration) string {
	unit, name := time.Second, " s"
	switch {
	case t == 0:
		return "0"
	case t < time.Millisecond:
		unit, name = time.Microsecond, " µs"
	case t < time.Second:
		unit, name = time.Millisecond, " ms"
	}
	digits := max(0, int(math.Ceil(math.Log10(float64(unit)/float64(max(step, 1)))-1e-9)))
	return trimmed(float64(t)/float64(unit), min(digits, 9)) + name
}

// px is a coordinate: a tenth of a pixel is enough.
func px(v float64) string {
	return strings.TrimSuffix(strconv.FormatFloat(v, 'f', 1, 64), ".0")
}
