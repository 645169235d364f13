//go:build linux

package main

import (
	"encoding/json"
	"fmt"
	"log"
	"os"
	"os/exec"
	"time"

	"sockeye.dev/bench/internal/measure"
)

// crowdArg makes a process a crowd.
const crowdArg = "-be-a-crowd"

// A task is the first thing a crowd is told.
type task struct {
	Addr, Source string // where to join, and from which address
	Members      int
	AtOnce       int
	Node         int // its number
	Nodes        int
	Messages     int
	Rate         int
	Speakers     int
	Patience     time.Duration
}

// An order is what a crowd is told later.
type order struct {
	Settle bool  // say when it has become quiet
	Start  int64 // when the first message is to be said, in nanoseconds since 1970
}

// An answer is what a crowd says: what it has come to, and how far it is.
type answer struct {
	Joined, Settled, Done bool
	Error                 string
	In                    int // members that are in, or deliveries

	Notices, Bytes uint64 // read while nobody spoke

	Start, Last                                          int64 // of all deliveries
	Deliveries, Lost, Doubled, Disordered, Gone, Strange uint64
	Word                                                 string // the first that was amiss
	Order                                                []int32
	Delays                                               []uint64
	Slowest                                              []int64 // of each message, in microseconds
}

// A crowdProcess is a crowd as main sees it.
type crowdProcess struct {
	*measure.Process
	node    *measure.Process
	number  int
	orders  *json.Encoder
	answers chan answer
	last    answer
}

func processes(crowds []*crowdProcess) (ps []*measure.Process) {
	for _, c := range crowds {
		ps = append(ps, c.Process)
	}
	return ps
}

func startCrowds(s *settings, nodes []*measure.Process, at []string) (crowds []*crowdProcess, err error) {
	exe, err := os.Executable()
	if err != nil {
		return nil, err
	}
	for i, n := range nodes {
		cmd := exec.Command(exe, crowdArg)
		in, err := cmd.StdinPipe()
		if err != nil {
			return crowds, err
		}
		out, say, err := os.Pipe()
		if err != nil {
			return crowds, err
		}
		cmd.Stdout, cmd.Stderr = say, os.Stderr
		p, err := measure.Start(cmd)
		say.Close()
		if err != nil {
			return crowds, err
		}
		c := &crowdProcess{Process: p, node: n, number: i, orders: json.NewEncoder(in), answers: make(chan answer, 100)}
		crowds = append(crowds, c)
		go func() {
			defer close(c.answers)
			for d := json.NewDecoder(out); ; {
				var a answer
				if d.Decode(&a) != nil {
					return
				}
				if a.Joined || a.Settled || a.Done || a.Error != "" {
					c.answers <- a
					continue
				}
				select { // it is only how far they are
				case c.answers <- a:
				default:
				}
			}
		}()
		t := task{
			Addr: at[i], Source: fmt.Sprintf("127.0.1.%d", 1+i), Members: s.members, AtOnce: s.atOnce, Node: i, Nodes: s.nodes,
			Messages: s.messages, Rate: s.rate, Speakers: s.speakers, Patience: s.patience,
		}
		if err := c.orders.Encode(t); err != nil {
			return crowds, err
		}
	}
	return crowds, nil
}

func tell(crowds []*crowdProcess, o order) {
	for _, c := range crowds {
		_ = c.orders.Encode(o) // one that has ended is noticed by await
	}
}

// await waits until each crowd has given the answer that is waited for, and says every five seconds how far they are.
func await(crowds []*crowdProcess, what string, of int, done func(*answer) bool) error {
	shown := time.Now()
	for _, c := range crowds {
		for c.last = (answer{}); !done(&c.last); {
			a, ok := <-c.answers
			switch {
			case !ok:
				return fmt.Errorf("the crowd of node %d has ended; its node: %s", c.number, c.node.Words())
			case a.Error != "":
				return fmt.Errorf("the crowd of node %d: %s; its node: %s", c.number, a.Error, c.node.Words())
			}
			c.last = a
			if what != "" && time.Since(shown) > 5*time.Second {
				shown = time.Now()
				log.Printf("node %d: %d of %d %s", c.number, a.In, of/len(crowds), what)
			}
		}
	}
	return nil
}
