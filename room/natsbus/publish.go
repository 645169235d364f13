package natsbus

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"sockeye.dev/room"
)

// Publish implements room.Bus. It returns once JetStream has stored m: embedded, as Config.SyncInterval and SyncAlways
// say; on a cluster, on a quorum of the replicas. While there is no connection, or no leader, it waits and sends m again,
// for up to 45 s or until ctx ends; the server stores it once however often it was sent. It fails at once when the store
// cannot be written, and when m is larger than the server takes (1 MiB unless configured otherwise).
//
// Those that are published at the same time travel together: many goroutines publish much faster than one.
func (b *Bus) Publish(ctx context.Context, name string, m room.Message) (uint64, error) {
	seq, err := b.publish(ctx, b.room(name), m)
	if err != nil {
		b.met.failed.Add(1)
		return 0, fmt.Errorf("room %s: %w", name, err)
	}
	b.met.published.Add(1)
	return seq, nil
}

func (b *Bus) publish(ctx context.Context, r *roomStream, m room.Message) (seq uint64, err error) {
	if err := b.ended(ctx); err != nil {
		return 0, err
	}
	select {
	case b.underWay <- struct{}{}:
		defer func() { <-b.underWay }()
	case <-ctx.Done():
		return 0, context.Cause(ctx)
	}
	if m.Time.IsZero() {
		m.Time = time.Now()
	}
	subject := r.event
	if m.Kind == room.Say || m.Kind == room.Emote {
		subject = r.say
	}
	msg := &nats.Msg{Subject: subject, Data: encode(m), Header: nats.Header{
		nats.MsgIdHdr: {b.idPrefix + strconv.FormatUint(b.lastID.Add(1), 36)},
	}}
	unanswered := false
	err = b.persist(ctx, func(ctx context.Context) error {
		err := b.ensure(ctx, r)
		if err == nil {
			seq, err = b.store(ctx, msg)
			unanswered = unanswered || err != nil && !isAnswer(err)
		}
		switch {
		case err == nil:
			if b.down.isDown(r) {
				b.down.set(r, nil)
			}
		case errors.Is(err, nats.ErrNoResponders):
			r.made.Store(false) // it may have been deleted
		case errors.Is(context.Cause(ctx), errNoAnswer) && b.server == nil:
			b.down.set(r, fmt.Errorf("room %s: %w within %v", r.room, errNoAnswer, b.answer))
		}
		return err
	})
	if err != nil && unanswered && b.server.broken() == nil {
		err = fmt.Errorf("%w (%w)", err, room.ErrUnconfirmed)
	}
	return seq, err
}

// isAnswer reports whether err is of a message that has certainly not been stored.
func isAnswer(err error) bool {
	var said permanentError
	var api *jetstream.APIError
	return errors.As(err, &said) || errors.As(err, &api) || errors.Is(err, nats.ErrNoResponders)
}

// store sends msg to its stream and returns the number it has got.
func (b *Bus) store(ctx context.Context, msg *nats.Msg) (uint64, error) {
	answer, err := b.nc.RequestMsgWithContext(ctx, msg)
	if errors.Is(err, nats.ErrMaxPayload) {
		return 0, permanent(fmt.Errorf("%d bytes are more than the server's limit of %d", len(msg.Data), b.nc.MaxPayload()))
	}
	if err != nil {
		return 0, err
	}
	var ack struct {
		Seq   uint64              `json:"seq"`
		Error *jetstream.APIError `json:"error"`
	}
	if err := json.Unmarshal(answer.Data, &ack); err != nil {
		return 0, fmt.Errorf("the server's answer %.80q: %w", answer.Data, err)
	}
	if ack.Error != nil {
		if passing(ack.Error) {
			return 0, ack.Error
		}
		return 0, permanent(fmt.Errorf("store: %s (JetStream error %d)", ack.Error.Description, ack.Error.ErrorCode))
	}
	if ack.Seq == 0 {
		return 0, fmt.Errorf("the server's answer %.80q has no number", answer.Data)
	}
	return ack.Seq, nil
}
