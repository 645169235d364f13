//go:build linux

// Command fanout measures what it costs a hub to pass on what one says to many:
// sockeye serve and its brokers, nats-server, mosquitto, ngircd and ncat, each
// as a process of its own over loopback TCP, interleaved in one run. It prints
// Markdown tables of the medians:
//
//	go run ./bench/compare/fanout                 # 1,000 members, 3 rounds
//	go run ./bench/compare/fanout -members 10000 -hubs 'serve|nats|mosq'
//
// What is not installed is left out, and said.
package main

import (
	"cmp"
	"flag"
	"fmt"
	"log"
	"os"
	"path/filepath"
	"regexp"
	"runtime"
	"runtime/debug"
	"slices"
	"strconv"
	"strings"
	"time"

	"sockeye.dev/bench/internal/measure"
)

// A sample is one hub in one round.
type sample struct {
	rate       float64 // deliveries a second
	cpu        float64 // seconds a million deliveries
	cores      float64
	empty      int     // KiB, of the hub without members
	idle, full float64 // KiB a member
	p50, p99   float64 // milliseconds
	most       float64
	busy       float64   // cores, at the paced rate
	wider      []float64 // deliveries a second, with each wider window
	failed     error
}

type settings struct {
	members, window, rate int
	wider                 []int // windows that are only flooded with
	last, paced           time.Duration
	slowKiB               int
	slowPaced             time.Duration
}

func main() {
	runtime.LockOSThread() // whose end would be the hubs' end
	debug.SetGCPercent(400)
	var s settings
	flag.IntVar(&s.members, "members", 1000, "how many hear the speaker")
	flag.IntVar(&s.window, "window", 48, "how many messages the speaker may be ahead of the slowest member")
	flag.Func("wider", "and how many more in further floods, as `N,N`, by hubs that do not cut messages", func(list string) error {
		for n := range strings.SplitSeq(list, ",") {
			window, err := strconv.Atoi(n)
			if err != nil || window < 1 || window > ring/2 {
				return fmt.Errorf("%q is not between 1 and %d", n, ring/2)
			}
			s.wider = append(s.wider, window)
		}
		return nil
	})
	flag.IntVar(&s.rate, "rate", 100, "paced messages a second")
	flag.DurationVar(&s.last, "last", 3*time.Second, "how long the speaker speaks as fast as it can")
	flag.DurationVar(&s.paced, "paced", 3*time.Second, "how long it speaks at the rate")
	flag.IntVar(&s.slowKiB, "slow", 1024, "KiB for a member that does not read")
	flag.DurationVar(&s.slowPaced, "slow-paced", 12*time.Second, "how long the others are paced beside it")
	rounds := flag.Int("rounds", 3, "how often each hub runs")
	slowRounds := flag.Int("slow-rounds", 1, "how often each runs with a member that does not read")
	only := flag.String("hubs", "", "only hubs whose name matches this `pattern`")
	var also []string
	flag.Func("also", "another build of sockeye, whose serve is measured beside; can be given again", func(path string) error {
		also = append(also, path)
		return nil
	})
	flag.Parse()

	dir, err := os.MkdirTemp("", "fanout")
	measure.Check(err)
	defer os.RemoveAll(dir)
	measure.Check(os.Chmod(dir, 0o755)) // ngircd is not root
	measure.RemoveIfInterrupted(dir)
	measure.Check(measure.Build(dir, measure.Sockeye, measure.NATS))
	all := hubs(filepath.Join(dir, "sockeye"), filepath.Join(dir, "nats-server"))
	for _, path := range also {
		all = slices.Insert(all, 1, hub{name: "sockeye serve, " + filepath.Base(path), ours: true, proto: roomProto, argv: serve(path)})
	}
	pattern := regexp.MustCompile(*only)
	os.Setenv("PATH", os.Getenv("PATH")+":/usr/sbin")
	all = slices.DeleteFunc(all, func(h hub) bool {
		if !pattern.MatchString(h.name) || h.most > 0 && s.members > h.most {
			return true
		}
		program := h.argv(dir, "1")[0]
		return !measure.Installed(program, program)
	})

	samples := make(map[string][]sample)
	slows := make(map[string][]slow)
	for round := range *rounds {
		for _, h := range all {
			r := h.measure(dir, s)
			if r.failed != nil {
				log.Printf("round %d: %s: %v", round+1, h.name, r.failed)
				if r.rate == 0 {
					continue
				}
			}
			log.Printf("round %d: %-24s %8.0f deliveries/s %6.2f s CPU/million, p99 %.2f ms", round+1, h.name, r.rate, r.cpu, r.p99)
			samples[h.name] = append(samples[h.name], r)
		}
	}
	for range *slowRounds {
		for _, h := range all {
			r := h.measureSlow(dir, s)
			if r.failed != nil {
				log.Printf("slow: %s: %v", h.name, r.failed)
			}
			slows[h.name] = append(slows[h.name], r)
		}
	}
	report(all, s, samples, slows)
}

// measure runs one hub once.
func (h *hub) measure(dir string, s settings) (r sample) {
	p := h.start(dir)
	defer p.stop()
	empty := p.Anon()
	r.empty = empty
	c := newCrowd(h.proto, p.port, s.window)
	defer c.close()
	if r.failed = c.join(s.members); r.failed != nil {
		r.failed = fmt.Errorf("join: %w %s", r.failed, p.Words())
		return r
	}
	r.idle = float64(p.Anon()-empty) / float64(s.members)

	until := time.Now().Add(s.last / 10) // warm
	inTime := func(uint64) bool { return time.Now().Before(until) }
	if _, _, r.failed = c.flood(s.window, shortest, inTime); r.failed != nil {
		r.failed = fmt.Errorf("warming up: %w %s", r.failed, p.Words())
		return r
	}
	used := p.CPU()
	until = time.Now().Add(s.last)
	messages, took, err := c.flood(s.window, shortest, inTime)
	if r.failed = err; err != nil {
		return r
	}
	spent := (p.CPU() - used).Seconds()
	deliveries := float64(messages) * float64(c.heard)
	r.rate, r.cpu, r.cores = deliveries/took.Seconds(), spent/deliveries*1e6, spent/took.Seconds()
	r.full = float64(p.Anon()-empty) / float64(s.members)

	for _, window := range s.wider {
		if h.cuts {
			break
		}
		until = time.Now().Add(s.last)
		messages, took, err := c.flood(window, shortest, inTime)
		if r.failed = err; err != nil {
			return r
		}
		r.wider = append(r.wider, float64(messages)*float64(c.heard)/took.Seconds())
	}

	used, began := p.CPU(), time.Now()
	delays, leftOut, err := c.pace(s.rate, int(s.paced.Seconds()*float64(s.rate)))
	r.busy = (p.CPU() - used).Seconds() / time.Since(began).Seconds()
	if r.failed = err; err == nil && c.lost+c.twice+uint64(leftOut) > 0 {
		r.failed = fmt.Errorf("%d lost, %d twice, %d not sent", c.lost, c.twice, leftOut)
	}
	r.p50, r.p99, r.most = quantiles(delays)
	return r
}

func quantiles(sorted []uint32) (p50, p99, most float64) {
	if len(sorted) == 0 {
		return
	}
	at := func(i int) float64 { return float64(sorted[i]) / 1000 }
	return at(len(sorted) / 2), at(len(sorted) * 99 / 100), at(len(sorted) - 1)
}

func median[T any](all []T, of func(T) float64) float64 {
	v := make([]float64, len(all))
	for i, s := range all {
		v[i] = of(s)
	}
	return measure.Median(v)
}

func report(all []hub, s settings, samples map[string][]sample, slows map[string][]slow) {
	best := 0.0
	for _, h := range all {
		if !h.ours {
			best = max(best, median(samples[h.name], func(r sample) float64 { return r.rate }))
		}
	}
	fmt.Printf("%d members, %d-byte messages, at most %d ahead; paced: %d a second\n\n", s.members, shortest, s.window, s.rate)
	fmt.Println("| | deliveries/s | of best peer | least, most | CPU s/million | cores | KiB a member, idle | after | p50 ms | p99 ms | max ms | cores, paced |")
	fmt.Println("|---|---:|---:|---:|---:|---:|---:|---:|---:|---:|---:|---:|")
	for _, h := range all {
		r := samples[h.name]
		if len(r) == 0 {
			fmt.Printf("| %s | failed | | | | | | | | | | |\n", h.name)
			continue
		}
		of := func(f func(sample) float64) float64 { return median(r, f) }
		slices.SortFunc(r, func(a, b sample) int { return cmp.Compare(a.rate, b.rate) })
		rate := of(func(r sample) float64 { return r.rate })
		ratio := "-"
		if best > 0 {
			ratio = fmt.Sprintf("%.2f", rate/best)
		}
		fmt.Printf("| %s | %.0f k | %s | %.0f, %.0f k | %.2f | %.2f | %.1f | %.1f | %.2f | %.2f | %.1f | %.2f |\n", h.name, rate/1e3, ratio,
			r[0].rate/1e3, r[len(r)-1].rate/1e3, of(func(r sample) float64 { return r.cpu }), of(func(r sample) float64 { return r.cores }),
			of(func(r sample) float64 { return r.idle }), of(func(r sample) float64 { return r.full }),
			of(func(r sample) float64 { return r.p50 }), of(func(r sample) float64 { return r.p99 }), of(func(r sample) float64 { return r.most }),
			of(func(r sample) float64 { return r.busy }))
	}
	for i, window := range s.wider {
		reportWider(all, samples, i, window)
	}
	if len(slows) == 0 {
		return
	}
	fmt.Printf("\nOne more member does not read, %d KiB being sent to each, then paced:\n\n", s.slowKiB)
	fmt.Println("| | p99 ms of the others, without | with | max ms | hub grows by KiB | the slow one is | and last reads |")
	fmt.Println("|---|---:|---:|---:|---:|---|---|")
	for _, h := range all {
		r := slows[h.name]
		if len(r) == 0 {
			continue
		}
		last := r[len(r)-1]
		if last.failed != nil {
			last.words = "(" + last.failed.Error() + ") " + last.words
		}
		fmt.Printf("| %s | %.2f | %.2f | %.1f | %.0f | %s | %s |\n", h.name, median(samples[h.name], func(r sample) float64 { return r.p99 }),
			median(r, func(r slow) float64 { return r.p99 }), median(r, func(r slow) float64 { return r.most }),
			median(r, func(r slow) float64 { return float64(r.grown) }), last.dropped, last.words)
	}
}

// reportWider prints the rates with the i-th wider window.
func reportWider(all []hub, samples map[string][]sample, i, window int) {
	rates := make(map[string][]float64)
	best := 0.0
	for _, h := range all {
		for _, r := range samples[h.name] {
			if i < len(r.wider) {
				rates[h.name] = append(rates[h.name], r.wider[i])
			}
		}
		if !h.ours {
			best = max(best, median(rates[h.name], func(x float64) float64 { return x }))
		}
	}
	fmt.Printf("\nAt most %d ahead:\n\n| | deliveries/s | of best peer | least, most |\n|---|---:|---:|---:|\n", window)
	for _, h := range all {
		if x := rates[h.name]; len(x) > 0 {
			rate := median(x, func(x float64) float64 { return x })
			fmt.Printf("| %s | %.0f k | %.2f | %.0f, %.0f k |\n", h.name, rate/1e3, rate/best, slices.Min(x)/1e3, slices.Max(x)/1e3)
		}
	}
}
