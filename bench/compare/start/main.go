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
	"log"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"time"
)

func main() {
	rounds := flag.Int("rounds", 100, "how often each program starts")
	flag.Parse()
	dir, err := os.MkdirTemp("", "start")
	check(err)
	defer os.RemoveAll(dir)
	sockeye := filepath.Join(dir, "sockeye")
	build := exec.Command("go", "build", "-o", sockeye, "sockeye.dev/cmd/sockeye")
	build.Stderr = os.Stderr
	check(build.Run())

	programs := [][]string{{sockeye, "version"}, {"nc", "-h"}, {"ncat", "--version"}, {"socat", "-V"}, {"true"}}
	programs = slices.DeleteFunc(programs, func(p []string) bool {
		_, err := exec.LookPath(p[0])
		if err != nil {
			fmt.Printf("%s is not installed\n", p[0])
		}
		return err != nil
	})
	took := make([][]time.Duration, len(programs))
	for range *rounds {
		for i, p := range programs {
			cmd := exec.Command(p[0], p[1:]...)
			began := time.Now()
			if err := cmd.Run(); cmd.ProcessState == nil {
				check(err)
			}
			took[i] = append(took[i], time.Since(began))
		}
	}
	fmt.Printf("%-16s %8s %8s %9s\n", "", "median", "min", "× true")
	base := took[len(took)-1]
	slices.Sort(base)
	for i, p := range programs {
		t := took[i]
		slices.Sort(t)
		median := t[len(t)/2]
		fmt.Printf("%-16s %6.1fms %6.1fms %9.1f\n", filepath.Base(p[0])+" "+fmt.Sprint(p[1:]),
			median.Seconds()*1e3, t[0].Seconds()*1e3, median.Seconds()/base[len(base)/2].Seconds())
	}
}

func check(err error) {
	if err != nil {
		log.Fatal(err)
	}
}
