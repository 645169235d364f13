package natsbus

import (
	"context"
	"errors"
	"sync/atomic"

	"github.com/nats-io/nats.go/jetstream"
)

// roomStream is a room that has been published or subscribed to.
type roomStream struct {
	place
	made atomic.Bool // its stream exists, as far as we know
}

func (b *Bus) room(name string) *roomStream {
	b.mu.Lock()
	defer b.mu.Unlock()
	r := b.rooms[name]
	if r == nil {
		r = &roomStream{place: placeOf(name)}
		b.rooms[name] = r
	}
	return r
}

// ensure makes the room's stream unless it exists. Embedded, one that exists gets the limits of this Config.
func (b *Bus) ensure(ctx context.Context, r *roomStream) error {
	if r.made.Load() {
		return nil
	}
	c := jetstream.StreamConfig{
		Name:              r.stream,
		Description:       r.description(),
		Subjects:          []string{r.say, r.event},
		Storage:           jetstream.FileStorage,
		Discard:           jetstream.DiscardOld,
		MaxMsgsPerSubject: b.c.MaxMessages, // so that those who come and go do not push out what was said
		MaxBytes:          b.c.MaxBytes,
		MaxAge:            b.c.MaxAge,
		Replicas:          b.c.Replicas,
		Duplicates:        remembers,
		AllowDirect:       true, // see beforeLast
	}
	if b.c.MaxAge > 0 {
		c.Duplicates = min(c.Duplicates, b.c.MaxAge)
	}
	var err error
	if b.server != nil {
		err = b.makeHere(ctx, c)
	} else {
		_, err = b.js.CreateStream(ctx, c)
		var api jetstream.JetStreamError
		if errors.As(err, &api) && api.APIError() != nil && api.APIError().ErrorCode == codeStreamNameInUse {
			b.c.Log.Info("natsbus: the stream exists with other limits, which stand", "room", r.room, "stream", r.stream)
			err = nil
		}
	}
	if err == nil {
		r.made.Store(true)
	}
	return err
}

// state asks for the stream's state and makes the stream if it is missing.
func (b *Bus) state(ctx context.Context, r *roomStream) (*jetstream.StreamInfo, error) {
	if err := b.ensure(ctx, r); err != nil {
		return nil, err
	}
	s, err := b.js.Stream(ctx, r.stream)
	if err != nil {
		if errors.Is(err, jetstream.ErrStreamNotFound) {
			r.made.Store(false)
		}
		return nil, err
	}
	return s.CachedInfo(), nil
}
