// Command pipe measures file -> client -> server -> /dev/null over loopback TCP
// with sockeye, nc, ncat and socat, interleaved in one run, and prints each
// one's median and its ratio to the best:
//
//	go run ./bench/compare/pipe            # 1 GiB, 5 rounds
//	go run ./bench/compare/pipe -mib 256
//
// What is not installed is left out, and said.
package main

import (
	"flag"
	"fmt"
	"log"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"time"

	"sockeye.dev/bench/internal/measure"
)

// pair is a client and a server of one tool; both end with the transfer.
type pair struct {
	name           string
	server, client func(port string) []string
}

func main() {
	mib := flag.Int("mib", 1024, "size of the file in MiB")
	rounds := flag.Int("rounds", 5, "how often each tool runs")
	flag.Parse()
	dir, err := os.MkdirTemp("", "pipe")
	measure.Check(err)
	defer os.RemoveAll(dir)
	measure.Check(measure.Build(dir, measure.Sockeye))
	sockeye, file := filepath.Join(dir, "sockeye"), filepath.Join(dir, "data")
	measure.Check(os.WriteFile(file, make([]byte, *mib<<20), 0o600))

	pairs := []pair{
		{"sockeye", func(p string) []string { return []string{sockeye, "listen", "127.0.0.1:" + p, "--once"} },
			func(p string) []string { return []string{sockeye, "connect", "127.0.0.1:" + p} }},
		{"nc", func(p string) []string { return []string{"nc", "-l", "127.0.0.1", p} },
			func(p string) []string { return []string{"nc", "-N", "127.0.0.1", p} }},
		{"ncat", func(p string) []string { return []string{"ncat", "-l", "127.0.0.1", p} },
			func(p string) []string { return []string{"ncat", "127.0.0.1", p} }},
		{"socat -b262144", func(p string) []string {
			return []string{"socat", "-u", "-b262144", "TCP-LISTEN:" + p + ",bind=127.0.0.1", "-"}
		}, func(p string) []string { return []string{"socat", "-u", "-b262144", "-", "TCP:127.0.0.1:" + p} }},
	}
	pairs = slices.DeleteFunc(pairs, func(p pair) bool { return !measure.Installed(p.name, p.server("0")[0]) })
	took := make(map[string][]time.Duration)
	for range *rounds {
		for _, p := range pairs {
			took[p.name] = append(took[p.name], transfer(p, file))
		}
	}
	best := time.Duration(1<<63 - 1)
	for _, t := range took {
		best = min(best, measure.Median(t))
	}
	fmt.Printf("%-16s %8s %8s %8s %8s\n", "", "median", "min", "MB/s", "of best")
	for _, p := range pairs {
		t := took[p.name]
		median := measure.Median(t)
		fmt.Printf("%-16s %7.3fs %7.3fs %8.0f %7.0f%%\n", p.name, median.Seconds(), t[0].Seconds(),
			float64(*mib<<20)/1e6/median.Seconds(), 100*best.Seconds()/median.Seconds())
	}
}

// transfer is the time from the client's start until both have ended.
func transfer(p pair, file string) time.Duration {
	port := measure.FreePort()
	server := exec.Command(p.server(port)[0], p.server(port)[1:]...)
	measure.Check(server.Start()) // no input, output to /dev/null
	if !measure.AwaitListener(port) {
		log.Panicf("nothing listens on port %s", port)
	}
	in, err := os.Open(file)
	measure.Check(err)
	defer in.Close()
	client := exec.Command(p.client(port)[0], p.client(port)[1:]...)
	client.Stdin = in
	began := time.Now()
	measure.Check(client.Run())
	measure.Check(server.Wait())
	return time.Since(began)
}
