package natsbus

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/nats-io/nats.go/jetstream"
)

const (
	probeEvery = 2 * time.Second
	probeRooms = 16 // at a time, any ones
	silentFor  = 4 * time.Second
)

// probe looks after the rooms of a cluster. A consumer goes on while its stream has lost its quorum, and then only a
// Publish would notice.
func (b *Bus) probe() {
	tick := time.NewTicker(probeEvery)
	defer tick.Stop()
	for {
		select {
		case <-b.running.Done():
			return
		case <-tick.C:
		}
		rooms := b.watched()
		for _, r := range rooms[:min(probeRooms, len(rooms))] {
			if err := b.look(r); err != nil && b.running.Err() == nil {
				b.down.set(r, fmt.Errorf("room %s: %w", r.room, explained(err)))
				break // the others would make us wait as long
			}
			b.down.set(r, nil)
		}
	}
}

// watched returns the rooms that somebody subscribes to or that are down, in random order.
func (b *Bus) watched() (rooms []*roomStream) {
	b.mu.Lock()
	defer b.mu.Unlock()
	in := make(map[*roomStream]bool, len(b.subscriptions))
	for s := range b.subscriptions {
		in[s.room] = true
	}
	for _, r := range b.rooms {
		if in[r] || b.down.isDown(r) {
			rooms = append(rooms, r)
		}
	}
	return rooms
}

// look returns why r's stream takes nothing now, or nil.
func (b *Bus) look(r *roomStream) error {
	link := b.currentLink()
	select {
	case <-link.up:
	default:
		return nil // which is told already
	}
	ctx, cancel := context.WithTimeoutCause(b.running, probeEvery, errNoAnswer)
	defer cancel()
	s, err := b.js.Stream(ctx, r.stream)
	switch {
	case errors.Is(err, jetstream.ErrStreamNotFound):
		return nil // the next Publish or resumption makes it
	case err != nil && ctx.Err() != nil:
		return context.Cause(ctx)
	case err != nil:
		return err
	}
	return quorum(s.CachedInfo())
}

// quorum tells a leader that its followers have left before it notices itself, which takes it 10 s.
func quorum(info *jetstream.StreamInfo) error {
	c := info.Cluster
	if c == nil || len(c.Replicas) == 0 {
		return nil
	}
	if c.Leader == "" {
		return errors.New("the stream has no leader")
	}
	live := 1
	for _, p := range c.Replicas {
		if !p.Offline && p.Active < silentFor {
			live++
		}
	}
	if all := len(c.Replicas) + 1; live <= all/2 {
		return fmt.Errorf("%d of %d servers that keep it are reachable", live, all)
	}
	return nil
}
