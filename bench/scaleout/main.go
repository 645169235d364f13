//go:build linux

// Command scaleout has many people in one room of several sockeye processes on
// a NATS cluster of three, all on this machine, and checks that each of them
// sees each message once and all of them in one order:
//
//	go run ./bench/scaleout                       # 5 nodes, 15,000 members each
//	go run ./bench/scaleout -nodes 2 -members 100
//
// It exits with 1 when anything was lost, doubled or out of order.
//
//	speaker ─► node ─► NATS, three replicas ─► every node ─► its members
//
// The members of a node are one more process of this program, a crowd: each
// process may have so many descriptors only.
package main

import (
	"errors"
	"flag"
	"fmt"
	"log"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"syscall"
	"time"

	"sockeye.dev/bench/internal/measure"
)

type settings struct {
	nodes, members, atOnce   int
	messages, rate, speakers int
	replicas                 int
	patience                 time.Duration
	sockeye, dir             string
	each                     bool
}

func main() {
	log.SetFlags(log.Ltime)
	if len(os.Args) == 2 && os.Args[1] == crowdArg {
		crowdMain()
		return
	}
	runtime.LockOSThread() // whose end would be the others' end
	var s settings
	flag.IntVar(&s.nodes, "nodes", 5, "how many sockeye processes the room is on")
	flag.IntVar(&s.members, "members", 15000, "how many members each of them has")
	flag.IntVar(&s.atOnce, "at-once", 256, "how many of a node's members may be on their way in")
	flag.IntVar(&s.messages, "messages", 200, "how many messages are said")
	flag.IntVar(&s.rate, "rate", 20, "messages a second, of all speakers together; 0: as fast as they can")
	flag.IntVar(&s.speakers, "speakers", 3, "how many members say them, on different nodes")
	flag.IntVar(&s.replicas, "replicas", 3, "how many NATS servers keep the room")
	flag.DurationVar(&s.patience, "patience", time.Minute, "how long nothing may happen")
	flag.StringVar(&s.sockeye, "sockeye", "", "the `program` that serves; default built here")
	flag.StringVar(&s.dir, "dir", "", "the `directory` of the servers' stores; default a temporary one")
	flag.BoolVar(&s.each, "each", false, "print when the last member of each node had each message")
	flag.Parse()
	if s.nodes < 1 || s.members < 2 || s.speakers < 1 || s.messages < 1 || s.speakers > s.nodes*(s.members-1) {
		log.Fatal("there must be a node, a message, a speaker, and on each node a member who does not speak")
	}
	var files syscall.Rlimit
	measure.Check(syscall.Getrlimit(syscall.RLIMIT_NOFILE, &files))
	if uint64(s.members)+100 > files.Cur {
		log.Fatalf("%d members are more than %d descriptors allow", s.members, files.Cur)
	}
	if s.dir == "" {
		dir, err := os.MkdirTemp("", "scaleout")
		measure.Check(err)
		s.dir = dir
		defer os.RemoveAll(dir)
		measure.RemoveIfInterrupted(dir)
	}
	if err := s.run(); err != nil {
		log.Print(err)
		if s.dir != "" {
			_ = os.RemoveAll(s.dir)
		}
		os.Exit(1)
	}
}

func (s *settings) build() error {
	wanted := []string{measure.NATS}
	if s.sockeye == "" {
		s.sockeye = filepath.Join(s.dir, "sockeye")
		wanted = append(wanted, measure.Sockeye)
	}
	return measure.Build(s.dir, wanted...)
}

func (s *settings) run() error {
	if err := s.build(); err != nil {
		return fmt.Errorf("build: %w", err)
	}
	servers, urls, err := startServers(s.dir)
	defer stop(servers)
	if err != nil {
		return err
	}
	nodes, at, err := startNodes(s, urls)
	defer stop(nodes)
	if err != nil {
		return err
	}
	empty := total(nodes, (*measure.Process).RSS)
	began, used := time.Now(), used(servers, nodes)
	crowds, err := startCrowds(s, nodes, at)
	defer func() { stop(processes(crowds)) }()
	if err != nil {
		return err
	}
	all := s.nodes * s.members
	fmt.Printf("%d nodes, %d members each, %d in all; 3 nats-servers, %d replicas; %d cores\n",
		s.nodes, s.members, all, s.replicas, runtime.NumCPU())

	used.kinds[2] = processes(crowds) // which have used nothing before
	if err := await(crowds, "in", all, func(a *answer) bool { return a.Joined }); err != nil {
		return err
	}
	in := time.Since(began)
	fmt.Printf("all in after %.1f s: %.0f joins/s; CPU s: %s\n", in.Seconds(), float64(all)/in.Seconds(), used)

	// What the joining has left behind is not to be measured with the messages.
	tell(crowds, order{Settle: true})
	if err := await(crowds, "", 0, func(a *answer) bool { return a.Settled }); err != nil {
		return err
	}
	settled := time.Since(began)
	var lines, bytes uint64
	for _, c := range crowds {
		lines, bytes = lines+c.last.Notices, bytes+c.last.Bytes
	}
	full := total(nodes, (*measure.Process).RSS)
	fmt.Printf("quiet after %.1f s; each member has read %.0f notices, %.1f KiB\n", settled.Seconds()-quiet.Seconds(),
		float64(lines)/float64(all), float64(bytes)/float64(all)/1024)
	fmt.Printf("nodes: %d MiB each, %.1f KiB a member (%d MiB without members); nats-servers: %d MiB each\n",
		full/s.nodes>>10, float64(full-empty)/float64(all), empty/s.nodes>>10, total(servers, (*measure.Process).RSS)/len(servers)>>10)

	used.begin()
	start := time.Now().Add(200 * time.Millisecond)
	tell(crowds, order{Start: start.UnixNano()})
	deliveries := all*s.messages - s.messages
	if err := await(crowds, "delivered", deliveries, func(a *answer) bool { return a.Done }); err != nil {
		return err
	}
	spoken := used.String()
	r := gather(crowds)
	fmt.Printf("%d messages by %d speakers, %d a second: %d deliveries, %.0f/s, in %.2f s; CPU s: %s\n",
		s.messages, s.speakers, s.rate, r.deliveries, float64(r.deliveries)/r.took.Seconds(), r.took.Seconds(), spoken)
	fmt.Printf("delay: p50 %.1f ms, p99 %.1f ms, most %.1f ms\n", r.delays.quantile(0.5), r.delays.quantile(0.99), r.delays.quantile(1))
	for n := 0; s.each && n < s.messages; n++ {
		fmt.Printf("message %d, ms:", n)
		for _, c := range crowds {
			fmt.Printf(" %6.1f", float64(c.last.Slowest[n])/1000)
		}
		fmt.Println()
	}
	fmt.Printf("nodes: %d MiB each; nats-servers: %d MiB each\n", total(nodes, (*measure.Process).RSS)/s.nodes>>10, total(servers, (*measure.Process).RSS)/len(servers)>>10)
	fmt.Printf("lost %d, doubled %d, out of order %d, members gone %d, strange lines %d\n", r.lost, r.doubled, r.disordered, r.gone, r.strange)
	for _, w := range r.words {
		fmt.Printf("  %s\n", w)
	}
	if r.lost+r.doubled+r.disordered+r.gone+r.strange > 0 {
		return errors.New("that is not what a room is for")
	}
	return nil
}

// A report is what all crowds have seen.
type report struct {
	deliveries, lost, doubled, disordered, gone, strange uint64
	took                                                 time.Duration
	delays                                               histogram
	words                                                []string
}

func gather(crowds []*crowdProcess) (r report) {
	var last int64
	for i, c := range crowds {
		a := &c.last
		r.deliveries += a.Deliveries
		r.lost += a.Lost
		r.doubled += a.Doubled
		r.disordered += a.Disordered
		r.gone += a.Gone
		r.strange += a.Strange
		if a.Word != "" {
			r.words = append(r.words, fmt.Sprintf("node %d: %s", i, a.Word))
		}
		last = max(last, a.Last-a.Start)
		for j, n := range a.Delays {
			r.delays[j] += n
		}
		if !slices.Equal(a.Order, crowds[0].last.Order) {
			r.disordered++
			r.words = append(r.words, fmt.Sprintf("nodes 0 and %d have different orders: %v and %v", i, crowds[0].last.Order, a.Order))
		}
	}
	r.took = time.Duration(last)
	return r
}
