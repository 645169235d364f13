package lab

import (
	_ "embed"
	"fmt"
	"html"
	"io"
	"slices"
	"strings"
	"time"
)

// PageOptions say what a page shows.
type PageOptions struct {
	Lang       string        // en (default) or zh
	From, To   time.Duration // the ladder shows what was sent in this time; To 0: to the end
	MaxPackets int           // that the ladder shows, from From on; default 400
}

const defaultMaxPackets = 400

func (o PageOptions) maxPackets() int { return orDefault(o.MaxPackets, defaultMaxPackets) }

// The look and the script of a run's page, shared with the browser lab.
var (
	//go:embed web/run.css
	runCSS string
	//go:embed web/run.js
	runJS string
)

// HTML writes the run as one page that needs nothing else: what there is to see,
// how to run it again, the scorecard, the ladder, plots, counts and the digest.
// Pointing at a packet tells all about it.
func (r *Run) HTML(w io.Writer, o PageOptions) error {
	p := &page{r: r, o: o}
	title := r.title(o.Lang)
	p.put(`<!doctype html>
<html lang="%s"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'; script-src 'unsafe-inline'">
<meta name="color-scheme" content="light dark"><title>%s</title><style>`, p.in("en", "zh-CN"), esc(title))
	p.b.WriteString(runCSS)
	p.put("</style></head>\n<body><main>\n<header><p class=\"brand\">sockeye lab</p><h1>%s</h1>", esc(title))
	if t := r.Setup.Text.In(o.Lang); t != "" {
		p.put(`<p class="lede">%s</p>`, esc(t))
	}
	p.put("</header>\n")
	p.setup()
	p.section(p.in("What the run says", "这次运行说明了什么"))
	p.score()
	if len(r.Packets) > o.maxPackets() { // then the ladder is but the beginning
		p.plots()
		p.ladder()
	} else {
		p.ladder()
		p.plots()
	}
	p.section(p.in("Counts", "计数"))
	p.counts()
	p.put(`<p class="digest">%s <code>%s</code></p>`, p.in("Digest: SHA-256 of every packet, its times and its fate. Equal setups have equal digests.", "摘要：所有包及其时间和遭遇的 SHA-256。设置相同，摘要必相同。"), r.Digest())
	p.put("</main>\n<aside id=\"panel\" hidden></aside>\n<script>")
	p.b.WriteString(runJS)
	p.put("</script></body></html>\n")
	_, err := io.WriteString(w, p.b.String())
	return err
}

// ladder writes the packets.
func (p *page) ladder() {
	p.section(p.in("Packets", "数据包"))
	p.put(`<p class="hint">%s</p>`, p.in("Time runs down. Slopes are true: the steeper, the longer on the way. Point at a packet to read all of it.", "时间向下；斜率真实：越陡，路上越久。指向一个包，可读到它的全部内容。"))
	p.put(`<div class="scroll">`)
	p.r.ladderSVG(&p.b, p.o)
	p.put("</div>\n")
}

// plots writes the curves, if there are any.
func (p *page) plots() {
	var plots strings.Builder
	if p.r.plots(&plots, p.o); plots.Len() > 0 {
		p.section(p.in("Over time", "随时间变化"))
		p.put(`<div class="scroll">%s</div>`, plots.String())
	}
}

// Parts are the parts of a run's page, each of them HTML but for Title and Text.
type Parts struct{ Title, Text, Score, Ladder, Plots, Counts string }

// Parts renders the run for a page that has its own frame; web/run.css is how
// they look.
func (r *Run) Parts(o PageOptions) Parts {
	part := func(write func(*page)) string {
		p := &page{r: r, o: o}
		write(p)
		return p.b.String()
	}
	return Parts{
		Title: r.title(o.Lang), Text: r.Setup.Text.In(o.Lang), Score: part((*page).score), Counts: part((*page).counts),
		Ladder: part(func(p *page) { r.ladderSVG(&p.b, o) }), Plots: part(func(p *page) { r.plots(&p.b, o) }),
	}
}

// Default is what to set the knob to so that it is as if it were not set; empty
// for one of which there are many.
func (k Knob) Default() string { return defaults[k.Name] }

// title is the scenario's, or else its name, or else the flows.
func (r *Run) title(lang string) string {
	if t := r.Setup.Title.In(lang); t != "" {
		return t
	}
	if r.Setup.Name != "" {
		return r.Setup.Name
	}
	return strings.Join(texts(r.Setup.Flows), ", ")
}

// A page is being written.
type page struct {
	r *Run
	o PageOptions
	b strings.Builder
}

func esc(s string) string { return html.EscapeString(s) }

// put writes what is HTML already. Texts from elsewhere go through esc before.
func (p *page) put(format string, args ...any) { fmt.Fprintf(&p.b, format, args...) }

func (p *page) in(en, zh string) string { return Text{en, zh}.In(p.o.Lang) }

func (p *page) section(title string) { p.put("<h2>%s</h2>\n", title) }

// setup writes what was run, and how to run it again.
func (p *page) setup() {
	p.put(`<dl class="setup">`)
	for _, k := range knobs {
		values := k.Get(p.r.Setup)
		if len(values) == 0 {
			continue
		}
		p.put(`<dt>%s</dt><dd>`, esc(k.Name))
		for _, v := range values {
			p.put(`<code>%s</code>`, esc(v))
		}
		p.put("</dd>")
	}
	p.put("<dt>%s</dt><dd><code>sockeye lab %s</code></dd></dl>\n", p.in("run it again", "再次运行"), esc(shellQuote(p.r.Setup.Share())))
}

// shellQuote is s as one word for a shell.
func shellQuote(s string) string { return "'" + strings.ReplaceAll(s, "'", `'\''`) + "'" }

// score writes the scorecard.
func (p *page) score() {
	p.put(`<div class="scroll"><table class="score"><thead><tr><th>%s</th>`, p.in("claim", "论断"))
	rows := p.r.Score()
	columns := []struct {
		name string
		of   func(Row) Cell
	}{{"TCP", func(r Row) Cell { return r.TCP }}, {"UDP", func(r Row) Cell { return r.UDP }}}
	shown := columns[:0]
	for _, c := range columns {
		if slices.ContainsFunc(rows, func(r Row) bool { return c.of(r).Outcome != "" }) {
			shown = append(shown, c)
			p.put("<th>%s</th>", c.name)
		}
	}
	p.put("</tr></thead><tbody>")
	for _, row := range rows {
		p.put("<tr><th>%s</th>", esc(row.Claim.In(p.o.Lang)))
		for _, column := range shown {
			c := column.of(row)
			class := map[Outcome]string{Proven: "proven", Refuted: "refuted"}[c.Outcome]
			p.put(`<td data-column="%s"><b class="outcome %s">%s</b> <span>%s</span></td>`, column.name, class, esc(c.Outcome.In(p.o.Lang)), esc(c.Numbers.In(p.o.Lang)))
		}
		p.put("</tr>\n")
	}
	p.put("</tbody></table></div>\n")
}

// counts writes what became of flows, and of packets line by line.
func (p *page) counts() {
	p.put(`<div class="scroll"><table class="counts"><thead><tr><th>%s</th><th>%s</th><th>%s</th></tr></thead><tbody>`, p.in("flow", "流"), p.in("received", "收到"), p.in("outcome", "结果"))
	for _, f := range p.r.Flows {
		var got []string
		for _, c := range f.Receipts {
			if c.Sent > 0 || c.Bytes > 0 {
				got = append(got, fmt.Sprintf("%s: %d B", Host(c.Host), c.Bytes))
			}
		}
		p.put("<tr><th><code>%s</code></th><td>%s</td><td>%s</td></tr>\n", esc(f.Flow.String()), strings.Join(got, ", "), esc(f.outcome(p.o.Lang)))
	}
	p.put("</tbody></table></div>\n")
	p.put(`<div class="scroll"><table class="counts numbers"><thead><tr><th>%s</th>`, p.in("line", "线路"))
	for _, t := range []string{p.in("packets", "包"), p.in("bytes", "字节"), p.in("arrived", "到达"), p.in("lost", "丢失"), p.in("queue full", "队列满"), p.in("damaged", "受损"), p.in("copies", "副本"), p.in("overtaken", "被超过"), p.in("retransmissions", "重传")} {
		p.put("<th>%s</th>", t)
	}
	p.put("</tr></thead><tbody>")
	lines, order := p.r.countLines()
	for _, line := range order {
		p.put("<tr><th>%s → %s</th>", Host(line[0]), Host(line[1]))
		for _, n := range lines[line] {
			class := ""
			if n == 0 {
				class = ` class="none"`
			}
			p.put("<td%s>%d</td>", class, n)
		}
		p.put("</tr>\n")
	}
	p.put("</tbody></table></div>\n<p class=\"hint\">")
	p.put(p.in("%d packets and %d events in %s of virtual time.", "共 %d 个包、%d 个事件，虚拟时间 %s。"), len(p.r.Packets), p.r.Events, clockText(p.r.Virtual))
	p.put("</p>\n")
}

// countLines counts packets line by line, in the order of first use.
func (r *Run) countLines() (lines map[[2]int][]int, order [][2]int) {
	lines = make(map[[2]int][]int)
	for _, p := range r.Packets {
		key := [2]int{p.From, p.To}
		if lines[key] == nil {
			lines[key] = make([]int, 9)
			order = append(order, key)
		}
		n := lines[key]
		copied := p.Fate.Has(Duplicate) && p.CopyOf != 0
		for i, is := range []bool{!copied, false, p.Delivered(), p.Fate.Has(Lost), p.Fate.Has(QueueDrop), p.Fate.Has(Corrupt) || p.Fate.Has(Swapped), copied, p.Fate.Has(Reordered), p.Retransmission()} {
			if is {
				n[i]++
			}
		}
		if !copied {
			n[1] += len(p.Raw)
		}
	}
	return lines, order
}

// outcome is how a flow ended, in words.
func (f *FlowRun) outcome(lang string) string {
	var out []string
	if f.Flow.Proto == "tcp" && f.Established != Never {
		out = append(out, fmt.Sprintf(Text{"connected after %s", "%s 后建立连接"}.In(lang), clockText(f.Established-f.Asked)))
	}
	if f.Complete {
		out = append(out, Text{"complete and undamaged", "完整无损"}.In(lang))
	} else {
		out = append(out, Text{"not complete", "不完整"}.In(lang))
	}
	for _, e := range []struct{ who, what string }{{Host(f.Flow.From), f.ClientError}, {Host(f.Flow.To), f.ServerError}} {
		if e.what != "" {
			out = append(out, e.who+": "+e.what)
		}
	}
	return strings.Join(out, Text{"; ", "；"}.In(lang))
}
