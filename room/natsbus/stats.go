package natsbus

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync/atomic"

	"github.com/nats-io/nats.go/jetstream"
)

// Stats counts what a Bus has met since Open.
type Stats struct {
	Published  uint64 // messages that Publish has returned for without an error
	Failed     uint64 // those it has returned an error for, which may have been stored nevertheless
	Delivered  uint64 // messages handed to subscriptions; one that two subscribe to counts twice
	Invalid    uint64 // stored messages not shown because they are not of a version this program knows
	Resumed    uint64 // times a subscription began anew after the last message it had delivered
	Reconnects uint64 // times the connection was lost and is back
}

// counts is Stats while it is counted.
type counts struct{ published, failed, delivered, invalid, resumed, reconnects atomic.Uint64 }

// Stats returns the counts as of now.
func (b *Bus) Stats() Stats {
	return Stats{
		Published:  b.met.published.Load(),
		Failed:     b.met.failed.Load(),
		Delivered:  b.met.delivered.Load(),
		Invalid:    b.met.invalid.Load(),
		Resumed:    b.met.resumed.Load(),
		Reconnects: b.met.reconnects.Load(),
	}
}

// Rooms implements room.Lister: the rooms that have a stream, in the order of their names. It asks once, as Kept does.
func (b *Bus) Rooms(ctx context.Context) (names []string, err error) {
	if err = b.ended(ctx); err == nil {
		err = storeError(b.server.broken())
	}
	if err == nil {
		err = b.once(ctx, b.currentLink(), func(ctx context.Context) error {
			list := b.js.StreamNames(ctx, jetstream.WithStreamListSubject("sockeye.room.>"))
			for stream := range list.Name() {
				if e, ours := strings.CutPrefix(stream, streamPrefix); ours {
					if name, ok := unescape(e); ok {
						names = append(names, name)
					}
				}
			}
			return list.Err()
		})
	}
	if err != nil {
		return nil, fmt.Errorf("list the rooms: %w", explained(err))
	}
	slices.Sort(names)
	return names, nil
}

// Kept asks how many messages of the room are kept and how many bytes they take in each replica: none if the room has no
// stream. It asks once, and fails when there is no connection or no answer within 3 s (embedded 20 s).
func (b *Bus) Kept(ctx context.Context, room string) (messages, bytes uint64, err error) {
	state, err := b.kept(ctx, room)
	return state.Msgs, state.Bytes, err
}

// Oldest implements room.Keeper. It asks as Kept does.
func (b *Bus) Oldest(ctx context.Context, room string) (seq uint64, err error) {
	state, err := b.kept(ctx, room)
	if state.Msgs == 0 {
		return state.LastSeq + 1, err
	}
	return state.FirstSeq, err
}

func (b *Bus) kept(ctx context.Context, room string) (state jetstream.StreamState, err error) {
	if err = b.ended(ctx); err == nil {
		err = storeError(b.server.broken())
	}
	if err == nil {
		err = b.once(ctx, b.currentLink(), func(ctx context.Context) error {
			s, err := b.js.Stream(ctx, placeOf(room).stream)
			switch {
			case errors.Is(err, jetstream.ErrStreamNotFound):
				return nil
			case err == nil:
				state = s.CachedInfo().State
			}
			return err
		})
	}
	if err != nil {
		return state, fmt.Errorf("room %s: what is kept: %w", room, explained(err))
	}
	return state, nil
}
