package room

import (
	"context"
	"errors"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"
)

// picky is a bus that does not take some messages.
type picky struct {
	*Mem
	takes func(Message) bool
}

func (b *picky) Publish(ctx context.Context, room string, m Message) (uint64, error) {
	if !b.takes(m) {
		return 0, errors.New("the message is too large")
	}
	return b.Mem.Publish(ctx, room, m)
}

// What the bus will never take does not keep those behind it from being known to have left; but their leaving is tried for as
// long as it takes.
func TestErrandsRefused(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var full atomic.Bool
		full.Store(true)
		bus := &picky{Mem: new(Mem)}
		bus.takes = func(m Message) bool { return m.Kind != Bar && (m.Kind != Leave || !full.Load()) }
		r := open(t, Config{Bus: bus})
		alice, a := join(t, r, "alice")
		bob, _ := join(t, r, "bob")
		a.take()
		r.errand(Message{Kind: Bar, Text: "192.0.2.1"})
		bob.Leave("")
		time.Sleep(time.Hour)
		synctest.Wait()
		want(t, "alice", a.take())
		full.Store(false)
		time.Sleep(2 * time.Second)
		synctest.Wait()
		want(t, "alice", a.take(), "* bob left")
		say(t, alice, "/who")
		want(t, "alice", a.take(), "* 1 here: alice")
	})
}
