//go:build linux

package main

import "math/bits"

// A histogram counts delays in microseconds, 3 % apart from 64 on.
type histogram [64 * 32]uint64

func slot(us uint64) int {
	if us < 64 {
		return int(us)
	}
	e := bits.Len64(us) - 6
	return 32*e + int(us>>e)
}

// value is the least delay of a slot.
func value(slot int) uint64 {
	if slot < 64 {
		return uint64(slot)
	}
	e := slot/32 - 1
	return uint64(32+slot%32) << e
}

func (h *histogram) add(us uint64) { h[slot(us)]++ }

// quantile is in milliseconds.
func (h *histogram) quantile(q float64) float64 {
	var all, sum uint64
	for _, n := range h {
		all += n
	}
	most := 0.0
	for i, n := range h {
		if n == 0 {
			continue
		}
		most = float64(value(i)) / 1000
		if sum += n; float64(sum) >= q*float64(all) {
			break
		}
	}
	return most
}
