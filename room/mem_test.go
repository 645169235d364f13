package room

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
)

func publish(t *testing.T, b Bus, room, text string) uint64 {
	t.Helper()
	seq, err := b.Publish(t.Context(), room, Message{Kind: Say, Text: text})
	if err != nil {
		t.Fatal(err)
	}
	return seq
}

// seqs subscribes and returns where the sequence numbers of what was delivered are gathered.
func seqs(t *testing.T, b Bus, room string, since Position) (got *[]uint64, cancel func()) {
	t.Helper()
	got = new([]uint64)
	cancel, err := b.Subscribe(t.Context(), room, since, func(m Message) { *got = append(*got, m.Seq) })
	if err != nil {
		t.Fatal(err)
	}
	return got, cancel
}

func TestMemPositions(t *testing.T) {
	for _, tt := range []struct {
		keep  int
		since Position
		want  []uint64
	}{
		{0, Latest, []uint64{8}},
		{0, After(0), []uint64{1, 2, 3, 4, 5, 6, 7, 8}},
		{0, After(5), []uint64{6, 7, 8}},
		{0, After(7), []uint64{8}},
		{0, After(70), []uint64{8}},
		{3, After(0), []uint64{5, 6, 7, 8}},
		{3, After(6), []uint64{7, 8}},
		{7, After(1), []uint64{2, 3, 4, 5, 6, 7, 8}},
		{-1, After(0), []uint64{8}},
	} {
		b := &Mem{Keep: tt.keep}
		publish(t, b, "other", "")
		for i := range uint64(7) {
			if seq := publish(t, b, "lobby", ""); seq != i+1 {
				t.Errorf("message %d has Seq %d", i+1, seq)
			}
		}
		got, cancel := seqs(t, b, "lobby", tt.since)
		publish(t, b, "lobby", "")
		cancel()
		cancel()
		publish(t, b, "lobby", "")
		if !slices.Equal(*got, tt.want) {
			t.Errorf("Keep %d, since %v: delivered %d, want %d", tt.keep, tt.since, *got, tt.want)
		}
	}
}

func TestMemOrder(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var b Mem
		var got [3][]Message
		for i := range got {
			cancel, err := b.Subscribe(t.Context(), "lobby", Latest, func(m Message) { got[i] = append(got[i], m) })
			if err != nil {
				t.Fatal(err)
			}
			defer cancel()
		}
		var wg sync.WaitGroup
		for i := range 10 {
			wg.Go(func() {
				for n := range 100 {
					publish(t, &b, "lobby", fmt.Sprint(i, n))
				}
			})
		}
		wg.Wait()
		for i, m := range got[0] {
			if m.Seq != uint64(i+1) || m.Time.IsZero() {
				t.Fatalf("message %d is %+v", i+1, m)
			}
		}
		if len(got[0]) != 1000 || !slices.Equal(got[0], got[1]) || !slices.Equal(got[0], got[2]) {
			t.Error("the subscribers disagree")
		}
	})
}

// A subscriber that is behind holds the publishers back; they can give up, and cancel waits for the delivery.
func TestMemBackPressure(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var b Mem
		gate, delivered := make(chan struct{}), 0
		cancel, err := b.Subscribe(t.Context(), "lobby", Latest, func(Message) {
			<-gate
			delivered++
		})
		if err != nil {
			t.Fatal(err)
		}
		var wg sync.WaitGroup
		wg.Go(func() { publish(t, &b, "lobby", "stuck") })
		synctest.Wait()

		publish(t, &b, "other", "another room is not held back")
		ctx, giveUp := context.WithCancelCause(t.Context())
		failed := 0
		for range 3 {
			wg.Go(func() {
				if _, err := b.Publish(ctx, "lobby", Message{}); !errors.Is(err, context.Canceled) {
					t.Errorf("Publish: %v", err)
				}
			})
		}
		wg.Go(func() {
			if _, err := b.Subscribe(ctx, "lobby", Latest, func(Message) { failed++ }); !errors.Is(err, context.Canceled) {
				t.Errorf("Subscribe: %v", err)
			}
		})
		synctest.Wait()
		giveUp(nil)
		synctest.Wait()

		cancelled := false
		wg.Go(func() { cancel(); cancelled = true })
		synctest.Wait()
		if cancelled {
			t.Error("cancel returned while deliver was running")
		}
		close(gate)
		wg.Wait()
		publish(t, &b, "lobby", "nobody is listening")
		if delivered != 1 || failed != 0 {
			t.Errorf("delivered %d and %d, want 1 and 0", delivered, failed)
		}
	})
}

func TestStrings(t *testing.T) {
	if got := fmt.Sprint(Notice, Say, Emote, Join, Leave, Rename, Back, Kind(99)); got != "notice say emote join leave rename back kind(99)" {
		t.Error(got)
	}
	if seq, ok := After(7).Seq(); seq != 7 || !ok {
		t.Errorf("After(7).Seq() = %d, %v", seq, ok)
	}
	if _, ok := Latest.Seq(); ok {
		t.Error("Latest has a Seq")
	}
}

// Recent begins early enough for what was said, however much else has happened.
func TestMemRecent(t *testing.T) {
	bus := Mem{Keep: 10}
	for i := range 30 {
		kind := Join
		if i%3 == 0 {
			kind = Say
		}
		if _, err := bus.Publish(t.Context(), "r", Message{Kind: kind}); err != nil {
			t.Fatal(err)
		}
	}
	for n, want := range map[int]int{0: 0, 1: 3, 2: 6, 3: 9, 4: 10, 100: 10} { // the last said is the 28th
		got := 0
		cancel, err := bus.Subscribe(t.Context(), "r", Recent(n), func(Message) { got++ })
		if err != nil {
			t.Fatal(err)
		}
		cancel()
		if got != want {
			t.Errorf("Recent(%d) delivers %d, want %d", n, got, want)
		}
	}
}

func TestMemCompany(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := new(Mem)
		if !b.Alone("lobby") {
			t.Error("an empty bus is not alone")
		}
		_, cancel := seqs(t, b, "lobby", Latest)
		_, cancelOther := seqs(t, b, "other", Latest)
		if !b.Alone("lobby") {
			t.Error("one subscriber is not alone")
		}
		entered, proceed := make(chan struct{}), make(chan struct{})
		cancelSecond, err := b.Subscribe(t.Context(), "lobby", Latest, func(Message) { close(entered); <-proceed })
		if err != nil {
			t.Fatal(err)
		}
		go b.Publish(t.Context(), "lobby", Message{})
		<-entered
		if b.Alone("lobby") { // and it does not wait for the publisher
			t.Error("two are alone")
		}
		close(proceed)
		cancelSecond()
		cancelSecond()
		if !b.Alone("lobby") {
			t.Error("one that is left is not alone")
		}
		cancel()
		cancelOther()

		var heard [3][]uint64
		var stops [3]func()
		for i, room := range []string{"lobby", "lobby", "other"} {
			stops[i], err = b.Heed(room, func(node uint64) { heard[i] = append(heard[i], node) })
			if err != nil {
				t.Fatal(err)
			}
		}
		beat := func(room string, node uint64) {
			if err := b.Beat(room, node); err != nil {
				t.Error(err)
			}
		}
		beat("lobby", 1)
		stops[0]()
		stops[0]()
		beat("lobby", 2)
		beat("other", 3)
		beat("nobody's", 4)
		if want := [3][]uint64{{1}, {1, 2}, {3}}; !slices.EqualFunc(heard[:], want[:], slices.Equal) {
			t.Errorf("heard %v, want %v", heard, want)
		}
	})
}
