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
