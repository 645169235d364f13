package workbench

import (
	"bytes"
	"fmt"
	"maps"
	"runtime"
	"slices"
	"strconv"
	"strings"
)

// metrics writes Prometheus' text exposition format, version 0.0.4:
//
//	# HELP sockeye_sessions Conversations held now.
//	# TYPE sockeye_sessions gauge
//	sockeye_sessions{door="tcp://127.0.0.1:7788"} 3
//
// It is written by hand as no client library comes for free: merely linking one takes 0.5 to 1 ms of every start of the
// program, of `send` too (VictoriaMetrics/metrics 1.44, client_golang 1.25; November 2026), which is what a Go program
// takes to start at all.
type metrics struct{ *bytes.Buffer }

// family begins a metric; its samples follow.
func (m metrics) family(name, kind, help string) {
	fmt.Fprintf(m, "# HELP %s %s\n# TYPE %s %s\n", name, help, name, kind)
}

// labels are escaped as the format wants it.
var labels = strings.NewReplacer(`\`, `\\`, `"`, `\"`, "\n", `\n`)

// sample writes one value; label is "" for none.
func (m metrics) sample(name, label, value string, n float64) {
	m.WriteString(name)
	if label != "" {
		fmt.Fprintf(m, `{%s="%s"}`, label, labels.Replace(strings.ToValidUTF8(value, "\uFFFD")))
	}
	m.WriteByte(' ')
	m.WriteString(strconv.FormatFloat(n, 'g', -1, 64))
	m.WriteByte('\n')
}

func (m metrics) gauge(name, help string, n float64) {
	m.family(name, "gauge", help)
	m.sample(name, "", "", n)
}

func (m metrics) counter(name, help string, n float64) {
	m.family(name, "counter", help)
	m.sample(name, "", "", n)
}

func (s *Status) writeMetrics(b *bytes.Buffer) {
	m := metrics{b}
	m.family("sockeye_info", "gauge", "Always 1; the version is a label.")
	m.sample("sockeye_info", "version", s.Version, 1)
	now := s.snapshot()
	m.gauge("sockeye_rooms", "Rooms that are open.", float64(now.Rooms))
	m.gauge("sockeye_members", "Members in all rooms.", float64(now.Members))
	m.family("sockeye_sessions", "gauge", "Conversations held now, by door.")
	for _, d := range now.Doors {
		m.sample("sockeye_sessions", "door", d.Address, float64(d.Sessions))
	}
	m.family("sockeye_refused_total", "counter", "Conversations turned away, by door.")
	for _, d := range now.Doors {
		m.sample("sockeye_refused_total", "door", d.Address, float64(d.Refused))
	}
	m.counter("sockeye_messages_said_total", "Messages that members have said.", float64(now.Said))
	m.counter("sockeye_deliveries_total", "Messages given to members: each once for everybody who gets it.", float64(now.Deliveries))
	m.family("sockeye_members_lost_total", "counter", "Members that were dropped, by reason.")
	for _, reason := range slices.Sorted(maps.Keys(now.Lost)) {
		m.sample("sockeye_members_lost_total", "reason", reason, float64(now.Lost[reason]))
	}
	down := 0.0
	if now.Bus != nil {
		down = 1
	}
	m.gauge("sockeye_bus_down", "1 while what is said cannot be kept and passed on.", down)
	if now.Kept >= 0 {
		m.gauge("sockeye_history_messages", "Messages that the history holds.", float64(now.Kept))
	}
	m.runtime()
	m.process()
}

// runtime writes what Go knows of itself, by the names that Prometheus' own client has made usual.
func (m metrics) runtime() {
	m.family("go_info", "gauge", "Always 1; Go's version is a label.")
	m.sample("go_info", "version", runtime.Version(), 1)
	m.gauge("go_goroutines", "Goroutines that exist.", float64(runtime.NumGoroutine()))
	var mem runtime.MemStats
	runtime.ReadMemStats(&mem)
	m.gauge("go_memstats_heap_alloc_bytes", "Bytes of the heap in use.", float64(mem.HeapAlloc))
	m.gauge("go_memstats_stack_inuse_bytes", "Bytes of stacks in use.", float64(mem.StackInuse))
	m.gauge("go_memstats_sys_bytes", "Bytes obtained from the system.", float64(mem.Sys))
	m.counter("go_memstats_alloc_bytes_total", "Bytes allocated so far, freed ones included.", float64(mem.TotalAlloc))
	m.counter("go_memstats_mallocs_total", "Allocations so far.", float64(mem.Mallocs))
	m.family("go_gc_duration_seconds", "summary", "Pauses of the garbage collector.")
	m.sample("go_gc_duration_seconds_sum", "", "", float64(mem.PauseTotalNs)/1e9)
	m.sample("go_gc_duration_seconds_count", "", "", float64(mem.NumGC))
}
