package natsbus

import (
	"encoding/binary"
	"errors"
	"maps"
	"slices"
	"sync"

	"github.com/nats-io/nats.go"
)

// maxBeats is how many beats may wait: to be sent, while the connection is stuck, or to be heard. Further ones are lost.
const maxBeats = 256

// company is who is on the rooms, as far as this Bus knows, and who heeds their beats.
type company struct {
	mu      sync.Mutex
	on      map[string]int // the room's subscriptions, also those that are being made
	heeders map[string]map[*heeder]struct{}
	closed  bool

	unsent chan beat // on a cluster
}

// A beat is a room's subject and a node.
type beat struct {
	subject string
	node    uint64
}

func newCompany() company {
	return company{
		on:      make(map[string]int),
		heeders: make(map[string]map[*heeder]struct{}),
		unsent:  make(chan beat, maxBeats),
	}
}

func (c *company) enter(room string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.on[room]++
}

func (c *company) leave(room string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.on[room]--; c.on[room] == 0 {
		delete(c.on, room)
	}
}

// A heeder hands beats to f until it is stopped.
type heeder struct {
	mu      sync.Mutex // held while f runs
	f       func(node uint64)
	stopped bool
}

func (h *heeder) heed(node uint64) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if !h.stopped {
		h.f(node)
	}
}

func (h *heeder) stop() {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.stopped = true
}

// add returns nil when the bus is closed.
func (c *company) add(room string, f func(uint64)) *heeder {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.closed {
		return nil
	}
	h := &heeder{f: f}
	if c.heeders[room] == nil {
		c.heeders[room] = make(map[*heeder]struct{})
	}
	c.heeders[room][h] = struct{}{}
	return h
}

func (c *company) remove(room string, h *heeder) {
	h.stop()
	c.mu.Lock()
	defer c.mu.Unlock()
	if delete(c.heeders[room], h); len(c.heeders[room]) == 0 {
		delete(c.heeders, room)
	}
}

// of returns those who heed the room.
func (c *company) of(room string) []*heeder {
	c.mu.Lock()
	defer c.mu.Unlock()
	return slices.Collect(maps.Keys(c.heeders[room]))
}

// disband stops every heeder for good.
func (c *company) disband() {
	c.mu.Lock()
	c.closed = true
	all := c.heeders
	c.heeders = make(map[string]map[*heeder]struct{})
	c.mu.Unlock()
	for _, room := range all {
		for h := range room {
			h.stop()
		}
	}
}

// Alone implements room.Company. On a cluster nobody ever is; embedded, this Bus's subscriptions are all there are.
func (b *Bus) Alone(room string) bool {
	if b.server == nil {
		return false
	}
	b.company.mu.Lock()
	defer b.company.mu.Unlock()
	return b.company.on[room] < 2
}

// Beat implements room.Company. On a cluster beats do not go through JetStream: they are heard, or lost, while the room's
// stream has no quorum as well. It fails when the bus is closed, and when the connection has taken no beat for so long
// that too many wait; while there is none they are lost, which Watch tells of.
func (b *Bus) Beat(room string, node uint64) error {
	if b.running.Err() != nil {
		return ErrClosed
	}
	if b.server != nil {
		for _, h := range b.company.of(room) {
			h.heed(node)
		}
		return nil
	}
	select {
	case b.company.unsent <- beat{placeOf(room).beat, node}:
		return nil
	default:
		return errors.New("the connection takes no beats")
	}
}

// sendBeats waits in Beat's place: the client writes under a lock, for as long as the server's end of the connection is
// full.
func (b *Bus) sendBeats() {
	for {
		select {
		case <-b.running.Done():
			return
		case x := <-b.company.unsent:
			_ = b.nc.Publish(x.subject, binary.BigEndian.AppendUint64(nil, x.node)) // there is no connection
		}
	}
}

// Heed implements room.Company. Beats that f is too slow for are lost. On a cluster the first beats may be missed: Heed
// does not wait until the servers know of it. f must call neither stop nor, embedded, Beat.
func (b *Bus) Heed(room string, f func(node uint64)) (stop func(), err error) {
	h := b.company.add(room, f)
	if h == nil {
		return nil, ErrClosed
	}
	remove := func() { b.company.remove(room, h) }
	if b.server != nil {
		return remove, nil
	}
	// The client subscribes again at every reconnection.
	s, err := b.nc.Subscribe(placeOf(room).beat, func(m *nats.Msg) {
		if len(m.Data) == 8 {
			h.heed(binary.BigEndian.Uint64(m.Data))
		}
	})
	if err == nil {
		err = s.SetPendingLimits(maxBeats, 256*maxBeats)
	}
	if err != nil {
		remove()
		return nil, err
	}
	return func() {
		remove()
		_ = s.Unsubscribe() // it fails when the connection is closed
	}, nil
}
