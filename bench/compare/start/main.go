// Command start measures how long programs take to start: `sockeye version`
// beside its peers' cheapest commands, interleaved in one run:
//
//	go run ./bench/compare/start           # 100 rounds
//
// What is not installed is left out, and said.
package main

import (
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"time"

	"sockeye.dev/bench/internal/measure"
)

func main() {
	rounds := flag.Int("rounds", 100, "how often each program starts")
	flag.Parse()
	dir, err := os.MkdirTemp("", "start")
	measure.Check(err)
	defer os.RemoveAll(dir)
	measure.Check(measure.Build(dir, measure.Sockeye))
	sockeye := filepath.Join(dir, "sockeye")

	programs := [][]string{{sockeye, "version"}, {"nc", "-h"}, {"ncat", "--version"}, {"socat", "-V"}, {"true"}}
	programs = slices.DeleteFunc(programs, func(p []string) bool { return !measure.Installed(p[0], p[0]) })
	took := make([][]time.Duration, len(programs))
	for range *rounds {
		for i, p := range programs {
			cmd := exec.Command(p[0], p[1:]...)
			began := time.Now()
			if err := cmd.Run(); cmd.ProcessState == nil {
				measure.Check(err)
			}
			took[i] = append(took[i], time.Since(began))
		}
	}
	fmt.Printf("%-16s %8s %8s %9s\n", "", "median", "min", "× true")
	base := measure.Median(took[len(took)-1])
	for i, p := range programs {
		t := took[i]
		median := measure.Median(t)
		fmt.Printf("%-16s %6.1fms %6.1fms %9.1f\n", filepath.Base(p[0])+" "+fmt.Sprint(p[1:]),
			median.Seconds()*1e3, t[0].Seconds()*1e3, median.Seconds()/base.Seconds())
	}
}
