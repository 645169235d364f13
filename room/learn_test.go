package room

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"
)

// A topic that the configuration has taken away stays away: a node that was cut off knows the old one, and does not bring it
// back.
func TestClearedTopic(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var bus Mem
		here := open(t, Config{Bus: &wire{Mem: &bus}, Topic: "old"})
		line := &wire{Mem: &bus, lossy: true}
		there := open(t, Config{Bus: line})
		time.Sleep(time.Minute)
		if got := there.Topic(); got != "old" {
			t.Fatalf("the second node's topic is %q", got)
		}
		line.set(true)
		here.setTopic("")
		time.Sleep(time.Minute) // it is taken for dead meanwhile
		line.set(false)
		alice, _ := join(t, here, "alice")
		say(t, alice, "it comes back") // and sees that it has missed something
		time.Sleep(time.Minute)
		synctest.Wait()
		for i, r := range []*Room{here, there, open(t, Config{Bus: &wire{Mem: &bus}})} {
			if got := r.Topic(); got != "" {
				t.Errorf("node %d: topic %q", i, got)
			}
		}
		// One whose own configuration has a topic, which no other has, says so to all.
		last := open(t, Config{Bus: &wire{Mem: &bus}, Topic: "mine"})
		time.Sleep(time.Second)
		synctest.Wait()
		for i, r := range []*Room{here, there, last} {
			if got := r.Topic(); got != "mine" {
				t.Errorf("node %d: topic %q, want mine", i, got)
			}
		}
	})
}

// Who was barred in a room before a node came is barred from all the node's rooms, also where nothing is recorded.
func TestBarsLearned(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var bus Mem
		open(t, Config{Bus: &wire{Mem: &bus}, Name: "lobby"})
		publishKind(t, &bus, Message{Kind: Bar, From: "alice", Text: "192.0.2.7"})
		time.Sleep(time.Minute)
		line := &wire{Mem: &bus}
		h := openHouse(t, HouseConfig{Room: Config{Bus: struct {
			Bus
			Company
		}{line, line}}})
		for _, name := range []string{"", "den"} {
			if _, err := h.Enter(t.Context(), name, &guest{source: "192.0.2.7"}, "eve"); !errors.Is(err, ErrBarred) {
				t.Errorf("eve came into %q: %v", name, err)
			}
		}
	})
}

// stuck is a bus whose Publish of topics waits for its ctx to end.
type stuck struct{ *Mem }

func (b *stuck) Publish(ctx context.Context, room string, m Message) (uint64, error) {
	if m.Kind == Topic {
		<-ctx.Done()
		return 0, ctx.Err()
	}
	return b.Mem.Publish(ctx, room, m)
}

// A changed topic does not have its house wait while the bus takes nothing: the rest of a reload must not wait either.
func TestTopicDoesNotWait(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := openHouse(t, HouseConfig{Room: Config{Bus: &stuck{new(Mem)}}})
		if err := h.SetRooms(t.Context(), []Fixed{{"lobby", "new"}, {"second", ""}}); err != nil {
			t.Error(err)
		}
		if got := len(h.Rooms()); got != 2 {
			t.Errorf("%d rooms are open", got)
		}
	})
}
