package natsbus

import (
	"context"
	"errors"
	"sync"
	"testing"
	"time"

	"sockeye.dev/room"
)

// ear gathers the beats on a room.
type ear struct {
	stop func()

	mu    sync.Mutex
	heard map[uint64]int // how often a node was
	more  chan struct{}  // closed at the next beat
}

func heed(t testing.TB, b *Bus, name string) *ear {
	t.Helper()
	e := &ear{heard: make(map[uint64]int), more: make(chan struct{})}
	var err error
	e.stop, err = b.Heed(name, func(node uint64) {
		e.mu.Lock()
		defer e.mu.Unlock()
		e.heard[node]++
		close(e.more)
		e.more = make(chan struct{})
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(e.stop)
	return e
}

func (e *ear) count(node uint64) int {
	e.mu.Lock()
	defer e.mu.Unlock()
	return e.heard[node]
}

// further waits for n more beats of node.
func (e *ear) further(t testing.TB, node uint64, n int) {
	t.Helper()
	late := time.After(40 * time.Second)
	for until := e.count(node) + n; ; {
		e.mu.Lock()
		now, more := e.heard[node], e.more
		e.mu.Unlock()
		if now >= until {
			return
		}
		select {
		case <-more:
		case <-late:
			t.Fatalf("no beat of node %d", node)
		}
	}
}

// silent waits until nothing is heard of node while another one beats ten times.
func (e *ear) silent(t testing.TB, node, other uint64) {
	t.Helper()
	for range 100 {
		before := e.count(node)
		e.further(t, other, 10)
		if e.count(node) == before {
			return
		}
	}
	t.Fatalf("node %d does not fall silent", node)
}

const beatEvery = 20 * time.Millisecond

// beats has b beat as node until the test ends, or until stop is called.
func beats(t testing.TB, b *Bus, name string, node uint64) (stop func()) {
	end, ended := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(ended)
		tick := time.NewTicker(beatEvery)
		defer tick.Stop()
		for {
			select {
			case <-end:
				return
			case <-tick.C:
				if err := b.Beat(name, node); err != nil && !errors.Is(err, ErrClosed) {
					t.Error(err)
				}
			}
		}
	}()
	stop = sync.OnceFunc(func() { close(end); <-ended })
	t.Cleanup(stop)
	return stop
}

// beater is the process that TestCompanySilent stops and kills.
func beater(url string) {
	b, err := Open(context.Background(), Config{URLs: []string{url}})
	if err != nil {
		panic(err)
	}
	for range time.Tick(beatEvery) {
		_ = b.Beat("company", 9)
	}
}

func TestEmbeddedCompany(t *testing.T) {
	b := openDir(t, Config{})
	alone := func(want bool, when string) {
		t.Helper()
		if b.Alone("lobby") != want {
			t.Errorf("Alone is %v %s", !want, when)
		}
	}
	alone(true, "on an empty bus")
	one := subscribe(t, b, "lobby", room.Latest)
	subscribe(t, b, "other", room.Latest)
	alone(true, "with one subscription")
	two := subscribe(t, b, "lobby", room.Recent(5))
	alone(false, "with two")
	two.cancel()
	two.cancel()
	alone(true, "with one left")
	one.cancel()
	alone(true, "with none left")

	here, there := heed(t, b, "lobby"), heed(t, b, "other")
	if err := b.Beat("lobby", 7); err != nil {
		t.Error(err)
	}
	if here.count(7) != 1 || there.count(7) != 0 {
		t.Errorf("heard %v and %v", here.heard, there.heard)
	}
	here.stop()
	here.stop()
	if err := b.Beat("lobby", 7); err != nil || here.count(7) != 1 {
		t.Errorf("after stop: %v, heard %v", err, here.heard)
	}
	if err := b.Close(); err != nil {
		t.Error(err)
	}
	if err := b.Beat("other", 7); !errors.Is(err, ErrClosed) || there.count(7) != 0 {
		t.Errorf("after Close: %v, heard %v", err, there.heard)
	}
	if _, err := b.Heed("other", func(uint64) {}); !errors.Is(err, ErrClosed) {
		t.Errorf("Heed after Close: %v", err)
	}
	there.stop()
}

// Two on a cluster hear each other and themselves, whatever happens to the servers they are connected to.
func TestCompany(t *testing.T) {
	c := startCluster(t)
	one, two := c.open(t, 0), c.open(t, 1)
	if subscribe(t, one, "company", room.Latest); one.Alone("company") || two.Alone("company") {
		t.Error("alone on a cluster")
	}
	ears := [2]*ear{heed(t, one, "company"), heed(t, two, "company")}
	stopOne := beats(t, one, "company", 1)
	beats(t, two, "company", 2)
	both := func() {
		t.Helper()
		for _, e := range ears {
			e.further(t, 1, 3)
			e.further(t, 2, 3)
		}
	}
	both()
	for i := range c.nodes { // both have to go elsewhere at least once
		c.kill(i)
		both()
		c.start(t, i)
	}
	both()
	stopOne()
	ears[1].silent(t, 1, 2)
	ears[0].stop()
	before := ears[0].count(2)
	ears[1].further(t, 2, 10)
	if ears[0].count(2) != before {
		t.Error("a beat after stop")
	}
	other := heed(t, one, "another")
	if err := one.Beat("company", 3); err != nil {
		t.Error(err)
	}
	ears[1].further(t, 2, 5)
	if ears[1].count(3) != 1 || other.count(3) != 0 {
		t.Errorf("heard %d, in another room %d", ears[1].count(3), other.count(3))
	}
}
