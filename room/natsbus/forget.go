package natsbus

import (
	"context"
	"errors"
	"fmt"
	"strconv"

	"github.com/nats-io/nats.go/jetstream"

	"sockeye.dev/room"
)

var _ room.Forgetter = (*Bus)(nil)

// lastKey is the key in the bucket under which the highest number is that a forgotten room has given. No record is escaped to
// it.
const lastKey = "forgotten.last"

// Forget implements room.Forgetter. On a cluster it does nothing, for another node may be in the room.
func (b *Bus) Forget(ctx context.Context, name string) error {
	if b.server == nil {
		return nil
	}
	if err := b.ended(ctx); err != nil {
		return err
	}
	if err := b.server.broken(); err != nil {
		return storeError(err)
	}
	if err := b.once(ctx, b.currentLink(), func(ctx context.Context) error { return b.forget(ctx, placeOf(name)) }); err != nil {
		return fmt.Errorf("room %s: forget: %w", name, explained(err))
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	if r := b.rooms[name]; r != nil {
		r.made.Store(false)
		delete(b.rooms, name)
	}
	return nil
}

func (b *Bus) forget(ctx context.Context, p place) error {
	s, err := b.js.Stream(ctx, p.stream)
	if errors.Is(err, jetstream.ErrStreamNotFound) {
		return nil
	}
	if err != nil {
		return err
	}
	info, err := s.Info(ctx, jetstream.WithSubjectFilter(p.say))
	if err != nil || len(info.State.Subjects) > 0 {
		return err
	}
	if err := b.raise(ctx, info.State.LastSeq); err != nil { // first: the other way round, a number could be given twice
		return err
	}
	return b.js.DeleteStream(ctx, p.stream)
}

// raise makes new rooms begin after last, if they do not already.
func (b *Bus) raise(ctx context.Context, last uint64) error {
	b.raising.Lock() // several rooms may be forgotten at once
	defer b.raising.Unlock()
	kv, err := b.records(ctx)
	if err != nil {
		return err
	}
	highest, err := lastForgotten(ctx, kv)
	if err == nil && last > highest {
		_, err = kv.PutString(ctx, lastKey, strconv.FormatUint(last, 10))
	}
	return err
}

// lastForgotten is the highest number that a forgotten room has given; 0: none has been forgotten.
func lastForgotten(ctx context.Context, kv jetstream.KeyValue) (uint64, error) {
	e, err := kv.Get(ctx, lastKey)
	if errors.Is(err, jetstream.ErrKeyNotFound) {
		return 0, nil
	}
	if err != nil {
		return 0, err
	}
	return strconv.ParseUint(string(e.Value()), 10, 64)
}

// makeHere makes or updates a stream of the embedded server's. A new one begins after all that were forgotten, which it may
// have been: a client that resumes after what it had seen there must not miss what is said now.
func (b *Bus) makeHere(ctx context.Context, c jetstream.StreamConfig) error {
	s, err := b.js.Stream(ctx, c.Name)
	if err == nil {
		c.FirstSeq = s.CachedInfo().Config.FirstSeq
		_, err = b.js.UpdateStream(ctx, c)
	}
	if !errors.Is(err, jetstream.ErrStreamNotFound) {
		return err
	}
	kv, err := b.records(ctx)
	if err != nil {
		return err
	}
	last, err := lastForgotten(ctx, kv)
	if err != nil {
		return err
	}
	if last > 0 {
		c.FirstSeq = last + 1
	}
	_, err = b.js.CreateStream(ctx, c)
	return err
}
