package room

import (
	"context"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
)

// forgetful is a bus that knows its rooms, and forgets those in which nothing was said.
type forgetful struct {
	Mem
	mu    sync.Mutex
	rooms map[string]bool // whether something was said
	hold  chan struct{}   // Forget waits for it; nil: it does not
}

func (b *forgetful) Publish(ctx context.Context, room string, m Message) (uint64, error) {
	b.mu.Lock()
	b.rooms[room] = b.rooms[room] || m.Kind == Say
	b.mu.Unlock()
	return b.Mem.Publish(ctx, room, m)
}

func (b *forgetful) Rooms(context.Context) (names []string, _ error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	for name := range b.rooms {
		names = append(names, name)
	}
	slices.Sort(names)
	return names, nil
}

func (b *forgetful) Forget(_ context.Context, room string) error {
	if b.hold != nil {
		<-b.hold
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	if !b.rooms[room] {
		delete(b.rooms, room)
	}
	return nil
}

// Rooms in which nothing was said use up nothing, and those that an earlier run has left are forgotten.
func TestForget(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		bus := &forgetful{rooms: map[string]bool{"lobby": false, "empty": false, "old": true}}
		config := HouseConfig{Room: Config{Bus: bus}, MaxRooms: 4}
		h := openHouse(t, config)
		synctest.Wait()
		rooms := func(want ...string) {
			t.Helper()
			if got, _ := bus.Rooms(t.Context()); !slices.Equal(got, want) {
				t.Errorf("kept are %q, want %q", got, want)
			}
		}
		rooms("lobby", "old")
		alice, a := enter(t, h, "", "alice")
		for _, name := range []string{"a", "b", "c", "d", "e", "f"} {
			alice.do(t, "/join "+name)
			if got := alice.Member().Room().Name(); got != name {
				t.Errorf("in %s, and sees %q", got, a.take())
			}
		}
		rooms("f", "lobby", "old")
		alice.do(t, "something", "/join")
		rooms("f", "lobby", "old")
	})
}

// Who comes while a room is being forgotten waits for that.
func TestForgetWhileOpening(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		bus := &forgetful{rooms: make(map[string]bool)}
		h := openHouse(t, HouseConfig{Room: Config{Bus: bus}})
		synctest.Wait()
		alice, _ := enter(t, h, "den", "alice")
		bus.hold = make(chan struct{})
		alice.Leave("")
		synctest.Wait()
		if got := h.Rooms(); len(got) != 1 {
			t.Errorf("%d rooms are open", len(got))
		}
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		if _, err := h.Enter(ctx, "den", new(recorder), ""); err != context.Canceled {
			t.Errorf("who cannot wait is told %v", err)
		}
		entered := make(chan *Visit)
		go func() {
			v, err := h.Enter(t.Context(), "den", new(recorder), "bob")
			if err != nil {
				t.Error(err)
			}
			entered <- v
		}()
		synctest.Wait()
		select {
		case <-entered:
			t.Error("bob is in a room that is being forgotten")
		default:
		}
		close(bus.hold)
		bob := <-entered
		bob.do(t, "hello")
		if got, _ := bus.Rooms(t.Context()); !slices.Contains(got, "den") {
			t.Errorf("kept are %q", got)
		}
		bob.Leave("")
	})
}
