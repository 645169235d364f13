//go:build linux

package main

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"sockeye.dev/bench/internal/measure"
)

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
	if len(s.wider) > 0 {
		reportWindows(all, s, samples)
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
		fmt.Printf("| %s | %.2f | %.2f | %.1f | %.0f | %s | %s |\n", h.name, median(r, func(r slow) float64 { return r.without }),
			median(r, func(r slow) float64 { return r.p99 }), median(r, func(r slow) float64 { return r.most }),
			median(r, func(r slow) float64 { return float64(r.grown) }), last.dropped, last.words)
	}
}

// reportWindows prints the rates with each window, and compares the hubs by what each makes with the one that suits it.
func reportWindows(all []hub, s settings, samples map[string][]sample) {
	windows := append([]int{s.window}, s.wider...)
	fmt.Printf("\nThousands of deliveries a second by how many messages the speaker may be ahead (least to most):\n\n|")
	for _, w := range windows {
		fmt.Printf(" | %d", w)
	}
	fmt.Print(" | at its best | of best peer |\n|---|")
	fmt.Println(strings.Repeat("---:|", len(windows)+2))
	best, bestPeer := make(map[string]float64), 0.0
	rows := make(map[string]string)
	for _, h := range all {
		for i := range windows {
			var rates []float64
			for _, r := range samples[h.name] {
				if of := append([]float64{r.rate}, r.wider...); i < len(of) {
					rates = append(rates, of[i]/1e3)
				}
			}
			if len(rates) == 0 {
				rows[h.name] += " |"
				continue
			}
			rate := measure.Median(rates)
			best[h.name] = max(best[h.name], rate)
			rows[h.name] += fmt.Sprintf(" %.0f (%.0f to %.0f) |", rate, slices.Min(rates), slices.Max(rates))
		}
		if !h.ours {
			bestPeer = max(bestPeer, best[h.name])
		}
	}
	for _, h := range all {
		fmt.Printf("| %s |%s %.0f | %.2f |\n", h.name, rows[h.name], best[h.name], best[h.name]/bestPeer)
	}
}
