package natsbus

import (
	"fmt"
	"sync"
	"testing"

	"sockeye.dev/room"
)

func fill(b *testing.B, dir string, n int) {
	bus, err := Open(b.Context(), Config{Dir: dir})
	if err != nil {
		b.Fatal(err)
	}
	var wg sync.WaitGroup
	for range 100 {
		wg.Go(func() {
			for i := range n / 100 {
				m := room.Message{Kind: room.Kind(1 + i%5), From: "alice", Text: "a line of a chat, as long as such lines are"}
				if _, err := bus.Publish(b.Context(), "lobby", m); err != nil {
					b.Error(err)
				}
			}
		})
	}
	wg.Wait()
	if err := bus.Close(); err != nil {
		b.Fatal(err)
	}
}

// From nothing to a bus that has found the lobby's end among 10,000 messages.
func BenchmarkOpen(b *testing.B) {
	dir := b.TempDir()
	fill(b, dir, 10_000)
	for b.Loop() {
		bus, err := Open(b.Context(), Config{Dir: dir})
		if err != nil {
			b.Fatal(err)
		}
		cancel, err := bus.Subscribe(b.Context(), "lobby", room.Latest, func(room.Message) {})
		if err != nil {
			b.Fatal(err)
		}
		b.StopTimer()
		cancel()
		if err := bus.Close(); err != nil {
			b.Fatal(err)
		}
		b.StartTimer()
	}
}

func BenchmarkPublish(b *testing.B) {
	for _, sync := range []bool{false, true} {
		for _, n := range []int{1, 10, 100} {
			b.Run(fmt.Sprintf("SyncAlways=%v/%d", sync, n), func(b *testing.B) {
				benchPublish(b, openDir(b, Config{SyncAlways: sync}), n)
			})
		}
	}
}

func benchPublish(b *testing.B, bus *Bus, goroutines int) {
	m := room.Message{Kind: room.Say, From: "alice", Text: "a line of a chat, as long as such lines are"}
	if _, err := bus.Publish(b.Context(), "lobby", m); err != nil {
		b.Fatal(err)
	}
	var wg sync.WaitGroup
	b.ReportAllocs()
	b.ResetTimer()
	for g := range goroutines {
		wg.Go(func() {
			for i := g; i < b.N; i += goroutines {
				if _, err := bus.Publish(b.Context(), "lobby", m); err != nil {
					b.Error(err)
					return
				}
			}
		})
	}
	wg.Wait()
}

func BenchmarkRecent(b *testing.B) {
	dir := b.TempDir()
	fill(b, dir, 10_000)
	bus := openDir(b, Config{Dir: dir})
	for b.Loop() {
		done := make(chan struct{})
		cancel, err := bus.Subscribe(b.Context(), "lobby", room.Recent(20), func(m room.Message) {
			if m.Seq == 10_000 {
				close(done)
			}
		})
		if err != nil {
			b.Fatal(err)
		}
		<-done
		cancel()
	}
}

// One message from Publish to deliver.
func BenchmarkRound(b *testing.B) {
	bus := openDir(b, Config{})
	got := make(chan room.Message, 1)
	cancel, err := bus.Subscribe(b.Context(), "lobby", room.Latest, func(m room.Message) { got <- m })
	if err != nil {
		b.Fatal(err)
	}
	defer cancel()
	for b.Loop() {
		if _, err := bus.Publish(b.Context(), "lobby", room.Message{Kind: room.Say, Text: "x"}); err != nil {
			b.Fatal(err)
		}
		<-got
	}
}
