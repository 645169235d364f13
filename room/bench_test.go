package room

import (
	"context"
	"fmt"
	"sync/atomic"
	"testing"
)

// counter is a Screen that only counts, to measure the room and nothing else.
type counter struct{ shown *int }

func (c counter) Show(b *Block) error { *c.shown += len(b.Lines); return nil }

func fill(b *testing.B, members int) (*Room, *Member, *int) {
	b.Helper()
	r, err := Open(b.Context(), Config{MaxMembers: members})
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { r.Close() })
	shown := new(int)
	var first *Member
	for range members {
		m, err := r.Join(b.Context(), counter{shown}, "")
		if err != nil {
			b.Fatal(err)
		}
		if first == nil {
			first = m
		}
	}
	settle(b, r)
	*shown = 0
	return r, first, shown
}

// settle waits until everything that is in the queue has been shown.
func settle(b *testing.B, r *Room) {
	b.Helper()
	done := make(chan struct{})
	if err := r.between(b.Context(), func() { close(done) }); err != nil {
		b.Fatal(err)
	}
	<-done
}

// BenchmarkFanOut is one member that speaks to the others. allocs/op must not grow with the members.
func BenchmarkFanOut(b *testing.B) {
	for _, members := range []int{2, 100, 1000, 15000} {
		b.Run(fmt.Sprint("members=", members), func(b *testing.B) {
			r, m, shown := fill(b, members)
			b.ReportAllocs()
			for b.Loop() {
				if err := m.Line(b.Context(), "the quick brown fox jumps over the lazy dog"); err != nil {
					b.Fatal(err)
				}
			}
			settle(b, r)
			b.ReportMetric(float64(*shown)/b.Elapsed().Seconds(), "deliveries/s")
		})
	}
}

// BenchmarkSpeakers is everybody speaking at once to 1,000 members.
func BenchmarkSpeakers(b *testing.B) {
	r, _, shown := fill(b, 1000)
	var next atomic.Uint64
	b.ReportAllocs()
	b.SetParallelism(100)
	b.RunParallel(func(pb *testing.PB) {
		r.mu.Lock()
		m := r.ids[next.Add(1)]
		r.mu.Unlock()
		for pb.Next() {
			if err := m.Line(context.Background(), "the quick brown fox jumps over the lazy dog"); err != nil {
				b.Error(err)
			}
		}
	})
	settle(b, r)
	b.ReportMetric(float64(*shown)/b.Elapsed().Seconds(), "deliveries/s")
}

// BenchmarkJoinStorm is that many members joining as fast as they can, each of them announced to all.
func BenchmarkJoinStorm(b *testing.B) {
	for _, members := range []int{1000, 15000} {
		b.Run(fmt.Sprint("members=", members), func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				r, _, _ := fill(b, members)
				r.Close()
			}
			b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N*members), "ns/join")
		})
	}
}

func BenchmarkMemPublish(b *testing.B) {
	var bus Mem
	got := 0
	cancel, err := bus.Subscribe(b.Context(), "lobby", Latest, func(Message) { got++ })
	if err != nil {
		b.Fatal(err)
	}
	defer cancel()
	b.ReportAllocs()
	for b.Loop() {
		if _, err := bus.Publish(b.Context(), "lobby", Message{Kind: Say, From: "alice", Text: "hello"}); err != nil {
			b.Fatal(err)
		}
	}
}
