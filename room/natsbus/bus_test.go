package natsbus

import (
	"context"
	"errors"
	"fmt"
	"net"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/nats-io/nats-server/v2/server"

	"sockeye.dev/room"
)

// Every Bus passes this, in whatever state its rooms of other names are.
func conform(t *testing.T, b room.Bus) {
	t.Run("order", func(t *testing.T) { t.Parallel(); testOrder(t, b) })
	t.Run("positions", func(t *testing.T) { t.Parallel(); testPositions(t, b) })
	t.Run("recent", func(t *testing.T) { t.Parallel(); testRecent(t, b) })
	t.Run("latest", func(t *testing.T) { t.Parallel(); testLatest(t, b) })
	t.Run("cancel", func(t *testing.T) { t.Parallel(); testCancel(t, b) })
	t.Run("contents", func(t *testing.T) { t.Parallel(); testContents(t, b) })
	t.Run("names", func(t *testing.T) { t.Parallel(); testNames(t, b) })
	t.Run("ctx", func(t *testing.T) { t.Parallel(); testCtx(t, b) })
}

func TestMem(t *testing.T)      { conform(t, &room.Mem{Keep: 5000}) }
func TestEmbedded(t *testing.T) { conform(t, openDir(t, Config{})) }

// Subscribers agree on the order, and each publisher's messages are in its own.
func testOrder(t *testing.T, b room.Bus) {
	const authors, each = 10, 100
	var in [3]*inbox
	for i := range in {
		in[i] = subscribe(t, b, "order", room.Latest)
	}
	var wg sync.WaitGroup
	for a := range uint64(authors) {
		wg.Go(func() {
			last := uint64(0)
			for i := range uint64(each) {
				seq, err := b.Publish(t.Context(), "order", room.Message{Kind: room.Kind(i % 6), Author: room.ID{Node: a, Member: i}})
				if err != nil || seq <= last {
					t.Errorf("Publish: %d after %d, %v", seq, last, err)
					return
				}
				last = seq
			}
		})
	}
	wg.Wait()
	first := in[0].wait(t, authors*each)
	next := [authors]uint64{}
	for i, m := range first {
		if m.Seq != uint64(i+1) || m.Time.IsZero() || m.Past {
			t.Fatalf("message %d is %+v", i+1, m)
		}
		if m.Author.Member != next[m.Author.Node] {
			t.Fatalf("of author %d message %d comes instead of %d", m.Author.Node, m.Author.Member, next[m.Author.Node])
		}
		next[m.Author.Node]++
	}
	for _, in := range in[1:] {
		if !slices.Equal(first, in.wait(t, authors*each)) {
			t.Error("the subscribers disagree")
		}
	}
}

func testPositions(t *testing.T, b room.Bus) {
	for i := range uint64(7) {
		if seq := say(t, b, "positions", ""); seq != i+1 {
			t.Errorf("message %d has Seq %d", i+1, seq)
		}
	}
	waiting := map[*inbox]uint64{}
	for since, first := range map[room.Position]uint64{
		{}: 8, room.Latest: 8, room.Recent(0): 8, room.After(0): 1, room.After(1): 2, room.After(6): 7, room.After(7): 8, room.After(70): 8,
	} {
		waiting[subscribe(t, b, "positions", since)] = first
	}
	say(t, b, "positions", "")
	for in, first := range waiting {
		for i, m := range in.upTo(t, 8) {
			if m.Seq != first+uint64(i) || m.Past != (m.Seq < 8) {
				t.Errorf("message %d from %d on is %+v", i, first, m)
			}
		}
	}
}

func testRecent(t *testing.T, b room.Bus) {
	var said []uint64
	for i := range 600 {
		m := room.Message{Kind: room.Join}
		switch {
		case i%100 == 50:
			m.Kind = room.Say
		case i%100 == 51:
			m.Kind = room.Emote
		}
		seq := publish(t, b, "recent", m)
		if m.Kind != room.Join {
			said = append(said, seq)
		}
	}
	for _, n := range []int{1, 2, 3, 11, 12, 13, 1000} {
		in := subscribe(t, b, "recent", room.Recent(n))
		got := seqs(in.upTo(t, 600))
		for _, seq := range said[max(0, len(said)-n):] {
			if !slices.Contains(got, seq) {
				t.Errorf("Recent(%d) begins with %d, without %d", n, got[0], seq)
			}
		}
		if least := said[max(0, len(said)-n)]; least > spare && got[0] < least-spare {
			t.Errorf("Recent(%d) begins with %d, far before %d", n, got[0], least)
		}
	}
	in := subscribe(t, b, "recent, but empty", room.Recent(20))
	if seq := say(t, b, "recent, but empty", ""); in.wait(t, 1)[0].Seq != seq {
		t.Error("not the first")
	}
}

// What is published after Subscribe has returned is delivered, however soon, and nothing that was published before.
func testLatest(t *testing.T, b room.Bus) {
	var wg sync.WaitGroup
	defer wg.Wait()
	for i := range 20 {
		wg.Go(func() {
			before, err := b.Publish(t.Context(), "latest", room.Message{})
			if err != nil {
				t.Error(err)
				return
			}
			in := &inbox{more: make(chan struct{})}
			cancel, err := b.Subscribe(t.Context(), "latest", room.Latest, in.deliver)
			if err != nil {
				t.Error(err)
				return
			}
			defer cancel()
			seq, err := b.Publish(t.Context(), "latest", room.Message{Text: fmt.Sprint(i)})
			if err != nil {
				t.Error(err)
				return
			}
			got := in.upTo(t, seq)
			if got[0].Seq <= before {
				t.Errorf("%d was published before", got[0].Seq)
			}
			for j, m := range got {
				if m.Seq != got[0].Seq+uint64(j) {
					t.Errorf("Seq %d is missing", got[0].Seq+uint64(j))
					break
				}
			}
		})
	}
}

func testCancel(t *testing.T, b room.Bus) {
	in := subscribe(t, b, "cancel", room.Latest)
	seq := say(t, b, "cancel", "heard")
	in.upTo(t, seq)
	in.cancel()
	in.cancel()
	other := subscribe(t, b, "cancel", room.Latest)
	other.upTo(t, say(t, b, "cancel", "nobody hears"))
	if got := in.wait(t, 1); len(got) != 1 {
		t.Errorf("delivered %v", texts(got))
	}

	// cancel waits for a deliver that is running.
	gate, started, cancelled := make(chan struct{}), make(chan struct{}), make(chan struct{})
	var once sync.Once
	var late bool
	cancel, err := b.Subscribe(t.Context(), "cancel", room.Latest, func(room.Message) {
		once.Do(func() { close(started) })
		<-gate
		select {
		case <-cancelled:
			late = true
		default:
		}
	})
	if err != nil {
		t.Fatal(err)
	}
	var wg sync.WaitGroup
	wg.Go(func() { say(t, b, "cancel", "stuck") })
	<-started
	wg.Go(func() { cancel(); close(cancelled) })
	close(gate)
	wg.Wait()
	if late {
		t.Error("cancel returned while deliver was running")
	}
}

func testContents(t *testing.T, b room.Bus) {
	in := subscribe(t, b, "contents", room.Latest)
	at := time.Date(1969, 7, 20, 20, 17, 40, 123456789, time.UTC)
	want := []room.Message{
		{Time: at, Kind: room.Say, From: "alice", Text: "hello", Author: room.ID{Node: 1, Member: 2}},
		{Time: at, Kind: room.Emote, From: "爱丽丝", Text: "\x00\xff\xed\xb0\x80 not UTF-8", Author: room.ID{Node: 1<<64 - 1, Member: 1<<64 - 1}},
		{Time: at, Kind: room.Rename, From: "", Text: ""},
		{Time: at, Kind: 200, From: "\xff", Text: strings.Repeat("long ", 100_000)},
		{Time: time.Time{}.Add(1), Kind: room.Leave, Text: "the year 1"},
	}
	for i := range want {
		want[i].Seq = publish(t, b, "contents", want[i])
	}
	for i, m := range in.wait(t, len(want)) {
		if !m.Time.Equal(want[i].Time) {
			t.Errorf("message %d is of %v, want %v", i, m.Time, want[i].Time)
		}
		m.Time = want[i].Time
		if m != want[i] {
			t.Errorf("message %d: %.200v, want %.200v", i, m, want[i])
		}
	}
}

// Rooms are told apart by every byte of their names, also where a file system does not.
func testNames(t *testing.T, b room.Bus) {
	names := []string{
		"", "_", ".", "..", "*", ">", "a.b", "a/b", `a\b`, "a b", "a\nb", "Lobby", "lobby", "LOBBY", "大厅", "\xff", "\xfe", "_h",
		strings.Repeat("x", 180), strings.Repeat("x", 5000), strings.Repeat("x", 5001), strings.Repeat("大", 60), "con", "null\x00",
	}
	in := make([]*inbox, len(names))
	for i, name := range names {
		in[i] = subscribe(t, b, "names "+name, room.Latest)
	}
	for _, name := range names {
		if seq := say(t, b, "names "+name, name); seq != 1 {
			t.Errorf("the first message of %q has Seq %d", name, seq)
		}
	}
	for i, name := range names {
		if got := in[i].wait(t, 1); len(got) != 1 || got[0].Text != name {
			t.Errorf("%q gets %q", name, texts(got))
		}
	}
}

func testCtx(t *testing.T, b room.Bus) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := b.Publish(ctx, "ctx", room.Message{}); !errors.Is(err, context.Canceled) {
		t.Errorf("Publish: %v", err)
	}
	if _, err := b.Subscribe(ctx, "ctx", room.Latest, func(room.Message) {}); !errors.Is(err, context.Canceled) {
		t.Errorf("Subscribe: %v", err)
	}
	if seq := say(t, b, "ctx", ""); seq != 1 {
		t.Errorf("Seq %d: what was given up has been published", seq)
	}
	// The subscription outlives the ctx it was made with.
	ctx, cancel = context.WithCancel(t.Context())
	in := &inbox{more: make(chan struct{})}
	stop, err := b.Subscribe(ctx, "ctx", room.Latest, in.deliver)
	if err != nil {
		t.Fatal(err)
	}
	defer stop()
	cancel()
	in.upTo(t, say(t, b, "ctx", ""))
}

// Closing ends the subscriptions; afterwards everything fails with net.ErrClosed.
func TestClosed(t *testing.T) {
	b := openDir(t, Config{})
	in := subscribe(t, b, "r", room.Latest)
	in.upTo(t, say(t, b, "r", ""))
	var wg sync.WaitGroup
	for range 10 {
		wg.Go(func() {
			for {
				if _, err := b.Publish(t.Context(), "r", room.Message{}); err != nil {
					if !errors.Is(err, net.ErrClosed) {
						t.Errorf("Publish: %v", err)
					}
					return
				}
			}
		})
	}
	in.wait(t, 100)
	for range 2 {
		if err := b.Close(); err != nil {
			t.Error(err)
		}
	}
	wg.Wait()
	if _, err := b.Subscribe(t.Context(), "r", room.Latest, in.deliver); !errors.Is(err, net.ErrClosed) || !errors.Is(err, ErrClosed) {
		t.Errorf("Subscribe: %v", err)
	}
	in.cancel()
}

// A deliver that blocks holds a bounded number of messages and nobody else.
func TestSlowSubscriber(t *testing.T) {
	b := openDir(t, Config{})
	gate := make(chan struct{})
	slow := subscribeGated(t, b, "r", room.Latest, gate)
	const n = 3000
	var wg sync.WaitGroup
	for range 10 {
		wg.Go(func() {
			for range n / 10 {
				if _, err := b.Publish(t.Context(), "r", room.Message{Text: "x"}); err != nil {
					t.Error(err)
				}
			}
		})
	}
	wg.Wait()
	if got := b.nc.Stats().InMsgs; got > n+n/2 { // the answers, and what is pending
		t.Errorf("the client has got %d messages", got)
	}
	close(gate)
	for i, m := range slow.wait(t, n) {
		if m.Seq != uint64(i+1) {
			t.Fatalf("message %d has Seq %d", i+1, m.Seq)
		}
	}
}

// Messages that are larger together, or alone, than what a subscription asks for at once.
func TestLargeMessages(t *testing.T) {
	_, url := serve(t, server.Options{JetStream: true, MaxPayload: 8 << 20})
	b := openDir(t, Config{URLs: []string{url}})
	for _, size := range []int{1 << 20, 6 << 20, 3 << 20, 3 << 20, 7 << 20, 1, 1} {
		publish(t, b, "r", room.Message{Text: strings.Repeat("x", size)})
	}
	for i, m := range subscribe(t, b, "r", room.After(0)).wait(t, 7) {
		if m.Seq != uint64(i+1) {
			t.Errorf("message %d has Seq %d", i+1, m.Seq)
		}
	}
}
