package lab

import (
	"fmt"
	"html"
	"io"
	"math"
	"strings"
	"time"
)

// A chart is one plot: curves over the run's time.
type chart struct {
	title  Text
	unit   string
	curves []curve
	marks  []mark
	note   string
	until  time.Duration
	lang   string
	shade  period // the part that the ladder shows; empty: all
}

// A curve is a quantity over time. It stays as it is until its next point.
type curve struct {
	name     string
	colour   int // 1 to 6
	dashed   bool
	area     bool
	straight bool // from point to point, instead
	points   []point
}

type point struct {
	at time.Duration
	v  float64
}

// A mark is an instant at which something happened, on the axis of time.
type mark struct {
	at   time.Duration
	kind string // a look
}

const (
	plotWidth, plotHeight = 1200.0, 236.0
	plotLeft, plotRight   = 74.0, 1184.0
	plotTop, plotBottom   = 42.0, 196.0
	markEvery             = 3 // pixels
)

// svg writes the chart as an svg element.
func (c *chart) svg(w io.Writer) {
	top := 0.0
	for _, k := range c.curves {
		for _, p := range k.points {
			top = max(top, p.v)
		}
	}
	if top == 0 {
		top = 1
	}
	step := niceNumber(top / 5.5)
	top = math.Ceil(top/step*1.0001) * step
	x := func(t time.Duration) float64 {
		return plotLeft + (plotRight-plotLeft)*float64(t)/float64(max(c.until, 1))
	}
	y := func(v float64) float64 { return plotBottom - (plotBottom-plotTop)*v/top }
	title := c.title.In(c.lang)
	fmt.Fprintf(w, `<svg class="plot" xmlns="http://www.w3.org/2000/svg" viewBox="0 0 %v %v" role="img" aria-label="%s" data-left="%v" data-right="%v" data-top="%v" data-bottom="%v" data-until="%s">`+"\n",
		plotWidth, plotHeight, html.EscapeString(title), plotLeft, plotRight, plotTop, plotBottom, trimmed(float64(c.until)/1e6, 6))
	if c.shade.to > c.shade.from {
		fmt.Fprintf(w, `<rect class="shade" x="%s" y="%v" width="%s" height="%v"><title>%s</title></rect>`, px(x(c.shade.from)), plotTop, px(max(x(min(c.shade.to, c.until))-x(c.shade.from), 1)), plotBottom-plotTop,
			Text{"what the ladder shows", "时序图所示部分"}.In(c.lang))
	}
	fmt.Fprint(w, `<g class="axis">`)
	for v := 0.0; v <= top*1.0001; v += step {
		fmt.Fprintf(w, `<path d="M%v %sH%v"/><text x="%v" y="%s" text-anchor="end">%s</text>`, plotLeft, px(y(v)), plotRight, plotLeft-7, px(y(v)+4), trimmed(v, 3))
	}
	tick := niceStep(c.until / 12)
	for t := time.Duration(0); t <= c.until; t += tick {
		fmt.Fprintf(w, `<path class="tick" d="M%s %vv5"/><text x="%s" y="%v" text-anchor="middle">%s</text>`, px(x(t)), plotBottom, px(x(t)), plotBottom+18, tickText(t, tick))
	}
	fmt.Fprintf(w, `<text class="title" x="%v" y="16">%s<tspan class="unit" dx="7">%s</tspan></text></g>`+"\n", plotLeft, html.EscapeString(title), c.unit)
	c.legend(w)
	for _, k := range c.curves {
		k.draw(w, x, y)
	}
	c.drawMarks(w, x)
	fmt.Fprint(w, "</svg>\n")
}

// legend names the curves and marks, from the right edge.
func (c *chart) legend(w io.Writer) {
	at := plotLeft
	fmt.Fprint(w, `<g class="legend">`)
	for _, k := range c.curves {
		class := fmt.Sprintf("c%d", k.colour)
		if k.dashed {
			class += " dashed"
		}
		fmt.Fprintf(w, `<path class="%s" d="M%s 31h20"/><text x="%s" y="35">%s</text>`, class, px(at), px(at+26), html.EscapeString(k.name))
		at += 44 + textWidth(k.name)
	}
	seen := make(map[string]bool)
	for _, m := range c.marks {
		if seen[m.kind] {
			continue
		}
		seen[m.kind] = true
		for _, l := range looks {
			if l.name == m.kind {
				name := l.text.In(c.lang)
				fmt.Fprintf(w, `<g class="p %s"><path d="M%s 27v8"/></g><text x="%s" y="35">%s</text>`, m.kind, px(at+3), px(at+10), name)
				at += 30 + textWidth(name)
			}
		}
	}
	if c.note != "" {
		fmt.Fprintf(w, `<text class="aside" x="%s" y="35">%s</text>`, px(at), html.EscapeString(c.note))
	}
	fmt.Fprint(w, "</g>\n")
}

// draw draws a curve as steps. Of the points within one pixel only the first,
// the last, the least and the greatest are drawn: no more can be seen.
func (k *curve) draw(w io.Writer, x func(time.Duration) float64, y func(float64) float64) {
	if len(k.points) == 0 {
		return
	}
	var d strings.Builder
	class := fmt.Sprintf("c%d", k.colour)
	if k.dashed {
		class += " dashed"
	}
	x0 := px(x(k.points[0].at))
	fmt.Fprintf(&d, "M%s %s", x0, px(y(k.points[0].v)))
	lastX, lastY := x0, px(y(k.points[0].v))
	to := func(at, v string) {
		if k.straight && at != lastX && v != lastY {
			fmt.Fprintf(&d, "L%s %s", at, v)
			lastX, lastY = at, v
			return
		}
		if at != lastX {
			fmt.Fprintf(&d, "H%s", at)
		}
		if v != lastY {
			fmt.Fprintf(&d, "V%s", v)
		}
		lastX, lastY = at, v
	}
	for i := 0; i < len(k.points); {
		column := math.Floor(x(k.points[i].at))
		low, high, j := k.points[i].v, k.points[i].v, i
		for ; j < len(k.points) && math.Floor(x(k.points[j].at)) == column; j++ {
			low, high = min(low, k.points[j].v), max(high, k.points[j].v)
		}
		first, last := k.points[i], k.points[j-1]
		to(px(x(first.at)), px(y(first.v)))
		if j-i > 2 {
			to(px(x(last.at)), px(y(low)))
			to(px(x(last.at)), px(y(high)))
		}
		to(px(x(last.at)), px(y(last.v)))
		i = j
	}
	if k.straight {
		class += " thin"
	}
	if k.area {
		fmt.Fprintf(w, `<path class="area %s" d="%sV%vH%sz"/>`, class, d.String(), plotBottom, x0)
	}
	fmt.Fprintf(w, `<path class="%s" d="%s"/>`+"\n", class, d.String())
}

// drawMarks draws the marks below the axis, those too near to each other as one.
func (c *chart) drawMarks(w io.Writer, x func(time.Duration) float64) {
	last := make(map[string]float64)
	paths := make(map[string]*strings.Builder)
	for _, m := range c.marks {
		at := x(m.at)
		if before, ok := last[m.kind]; ok && at-before < markEvery {
			continue
		}
		last[m.kind] = at
		if paths[m.kind] == nil {
			paths[m.kind] = new(strings.Builder)
		}
		up := plotBottom - 9
		if m.kind == "again" {
			up = plotBottom - 18
		}
		fmt.Fprintf(paths[m.kind], "M%s %vv8", px(at), up)
	}
	for _, l := range looks {
		if p := paths[l.name]; p != nil {
			fmt.Fprintf(w, `<g class="p %s marks"><path d="%s"/></g>`, l.name, p)
		}
	}
	fmt.Fprintln(w)
}
