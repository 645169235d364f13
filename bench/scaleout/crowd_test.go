//go:build linux

package main

import (
	"encoding/json"
	"fmt"
	"io"
	"slices"
	"strings"
	"testing"
)

// What members read is judged rightly. Member 0 of three is a speaker and says message 0; the others are other nodes'.
func TestJudge(t *testing.T) {
	say := func(numbers ...int) (lines string) {
		for _, n := range numbers {
			lines += fmt.Sprintf("<guest-1> %s%08x%016x%s\n", mark, n, 1000, strings.Repeat("x", size-filledAt))
		}
		return "* a, b and 3 more joined\n" + lines
	}
	type counts struct{ lost, doubled, disordered, strange uint64 }
	for _, tt := range []struct {
		read [3]string
		want counts
	}{
		{[3]string{say(2, 1), say(2, 0, 1), say(2, 0, 1)}, counts{}},
		{[3]string{say(2), say(2, 0, 1), say(2, 0, 1)}, counts{lost: 1}},
		{[3]string{say(2, 1), say(2, 0), say(2, 1)}, counts{lost: 2}},
		{[3]string{say(2, 0, 1), say(2, 0, 1), say(2, 0, 1)}, counts{doubled: 1}}, // its own
		{[3]string{say(2, 1), say(2, 0, 2, 1), say(2, 0, 1)}, counts{doubled: 1}},
		{[3]string{say(1, 2), say(2, 0, 1), say(2, 0, 1)}, counts{disordered: 1}},
		{[3]string{say(2, 1), say(2, 0, 1), say(2, 1, 0)}, counts{disordered: 1}},
		{[3]string{say(2, 1), say(2, 0, 1) + "<x> hello\n", say(2, 0, 1)}, counts{strange: 1}},
		{[3]string{say(2, 1), say(2, 0, 1), strings.Replace(say(2, 0, 1), "x\n", "y\n", 1)}, counts{strange: 1, lost: 1}},
	} {
		c := &crowd{task: task{Members: 3, Node: 0, Nodes: 3, Messages: 3, Speakers: 3}, out: json.NewEncoder(io.Discard)}
		c.place, c.answer.Slowest = make([]uint32, 3), make([]int64, 3)
		for i := range 3 {
			c.members = append(c.members, member{id: i, got: make([]uint64, 1)})
		}
		for i := range tt.read { // the speaker reads first
			for _, part := range cut(tt.read[i]) {
				c.lines(&c.members[i], []byte(part), 2_000_000)
			}
		}
		if err := c.finish(3*3 - 1); err != nil {
			t.Fatal(err)
		}
		a := &c.answer
		if got := (counts{a.Lost, a.Doubled, a.Disordered, a.Strange}); got != tt.want {
			t.Errorf("%q:\ngot %+v, want %+v: %s", tt.read, got, tt.want, a.Word)
		}
	}
}

// cut cuts s where a read might.
func cut(s string) []string {
	return []string{s[:len(s)/3], s[len(s)/3 : len(s)/2], s[len(s)/2:]}
}

func TestHistogram(t *testing.T) {
	var h histogram
	for us := uint64(1); us < 1<<40; us = us*5/4 + 1 {
		if v := value(slot(us)); v > us || float64(v) < 0.96*float64(us) {
			t.Errorf("%d is counted as %d", us, v)
		}
	}
	for i := range uint64(1000) {
		h.add(1000 * (i + 1))
	}
	var got []string
	for _, q := range []float64{0, 0.5, 0.99, 1} {
		got = append(got, fmt.Sprintf("%.0f", h.quantile(q)))
	}
	if want := []string{"1", "500", "983", "999"}; !slices.Equal(got, want) {
		t.Errorf("got %v, want %v", got, want)
	}
}
