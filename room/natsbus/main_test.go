package natsbus

import (
	"context"
	"os"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"

	"sockeye.dev/room"
)

// TestMain also is the process that tests kill: see TestKilled.
func TestMain(m *testing.M) {
	if dir := os.Getenv("NATSBUS_VICTIM"); dir != "" {
		victim(dir)
	}
	if dir := os.Getenv("NATSBUS_RIVAL"); dir != "" {
		rival(dir)
	}
	if url := os.Getenv("NATSBUS_BEATER"); url != "" {
		beater(url)
	}
	goleak.VerifyTestMain(m, goleak.Cleanup(func(code int) {
		_ = os.RemoveAll(serverDir) // "" removes nothing
		os.Exit(code)
	}))
}

// openDir opens an embedded bus that is closed with the test.
func openDir(t testing.TB, c Config) *Bus {
	t.Helper()
	if c.Dir == "" && c.URLs == nil {
		c.Dir = t.TempDir()
	}
	b, err := Open(t.Context(), c)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := b.Close(); err != nil {
			t.Error(err)
		}
	})
	return b
}

func say(t testing.TB, b room.Bus, name, text string) uint64 {
	t.Helper()
	return publish(t, b, name, room.Message{Kind: room.Say, Text: text})
}

func publish(t testing.TB, b room.Bus, name string, m room.Message) uint64 {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	defer cancel()
	seq, err := b.Publish(ctx, name, m)
	if err != nil {
		t.Fatal(err)
	}
	return seq
}

// inbox gathers what a subscription delivers.
type inbox struct {
	cancel func()

	mu    sync.Mutex
	got   []room.Message
	more  chan struct{} // closed at the next message
	gate  chan struct{} // when set, deliver waits for it to be closed
	inUse bool
	twice bool // deliver was called while it was running
}

func subscribe(t testing.TB, b room.Bus, name string, since room.Position) *inbox {
	t.Helper()
	return subscribeGated(t, b, name, since, nil)
}

func subscribeGated(t testing.TB, b room.Bus, name string, since room.Position, gate chan struct{}) *inbox {
	t.Helper()
	in := &inbox{more: make(chan struct{}), gate: gate}
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	defer cancel()
	var err error
	if in.cancel, err = b.Subscribe(ctx, name, since, in.deliver); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(in.cancel)
	return in
}

func (in *inbox) deliver(m room.Message) {
	in.mu.Lock()
	in.twice = in.twice || in.inUse
	in.inUse = true
	gate := in.gate
	in.mu.Unlock()
	if gate != nil {
		<-gate
	}
	in.mu.Lock()
	defer in.mu.Unlock()
	in.inUse = false
	in.got = append(in.got, m)
	close(in.more)
	in.more = make(chan struct{})
}

// wait returns what has been delivered once that is n messages.
func (in *inbox) wait(t testing.TB, n int) []room.Message {
	t.Helper()
	return in.until(t, func(got []room.Message) bool { return len(got) >= n })
}

// upTo returns what has been delivered once the message seq is.
func (in *inbox) upTo(t testing.TB, seq uint64) []room.Message {
	t.Helper()
	return in.until(t, func(got []room.Message) bool { return len(got) > 0 && got[len(got)-1].Seq >= seq })
}

func (in *inbox) until(t testing.TB, enough func([]room.Message) bool) []room.Message {
	t.Helper()
	late := time.After(40 * time.Second)
	for {
		in.mu.Lock()
		got, more, twice := in.got, in.more, in.twice
		in.mu.Unlock()
		if twice {
			t.Fatal("deliver was called while it was running")
		}
		if enough(got) {
			return got
		}
		select {
		case <-more:
		case <-late:
			t.Fatalf("only %d messages were delivered", len(got))
		}
	}
}

func seqs(got []room.Message) (s []uint64) {
	for _, m := range got {
		s = append(s, m.Seq)
	}
	return s
}

func texts(got []room.Message) (s []string) {
	for _, m := range got {
		s = append(s, m.Text)
	}
	return s
}

// ups awaits what a Watcher tells.
type ups chan error

func watch(t testing.TB, b room.Watcher) ups {
	t.Helper()
	c := make(ups, 1000)
	t.Cleanup(b.Watch(func(down error) { c <- down }))
	return c
}

func (c ups) next(t testing.TB) error {
	t.Helper()
	select {
	case down := <-c:
		return down
	case <-time.After(40 * time.Second):
		t.Fatal("Watch tells nothing")
		return nil
	}
}
