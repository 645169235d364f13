package room

import (
	"context"
	"time"
)

// Who opens rooms and says nothing in them must not use up the rooms that a house may have: what is kept of such a room is
// that it was there. The bus forgets it once nobody is in it, as it does a room of which everything has expired.

// forgetAll forgets what there is to forget of the rooms that nobody has opened yet. Whoever comes meanwhile waits for one
// of them at most.
func (h *House) forgetAll() {
	l, ok := h.c.Room.Bus.(Lister)
	if _, forgets := h.c.Room.Bus.(Forgetter); !ok || !forgets {
		return
	}
	ctx, cancel := context.WithTimeout(context.Background(), forgetFor)
	defer cancel()
	names, err := l.Rooms(ctx)
	if err != nil {
		return // they are forgotten another time
	}
	for _, name := range names {
		p := &place{ready: make(chan struct{}), gone: make(chan struct{})}
		close(p.ready)
		h.mu.Lock()
		if h.closed {
			h.mu.Unlock()
			return
		}
		here := h.places[name] != nil
		if !here {
			h.places[name] = p
		}
		h.mu.Unlock()
		if here {
			continue
		}
		h.forget(name)
		h.mu.Lock()
		delete(h.places, name)
		close(p.gone)
		h.mu.Unlock()
	}
}

const forgetFor = 10 * time.Second

// forget has the bus forget a room that is not open, if it can.
func (h *House) forget(name string) {
	if f, ok := h.c.Room.Bus.(Forgetter); ok {
		ctx, cancel := context.WithTimeout(context.Background(), forgetFor)
		defer cancel()
		if err := f.Forget(ctx, name); err != nil && h.c.Room.Log != nil {
			h.c.Room.Log.Info("a room that nothing was said in is not forgotten", "room", name, "reason", err)
		}
	}
}

// present is the place of that name, or nil, once it is not being closed or forgotten. It returns with h.mu held.
func (h *House) present(ctx context.Context, name string) (*place, error) {
	h.mu.Lock()
	for {
		p := h.places[name]
		if p == nil || p.gone == nil || h.closed {
			return p, nil
		}
		h.mu.Unlock()
		select {
		case <-p.gone:
			h.mu.Lock()
		case <-ctx.Done():
			h.mu.Lock()
			return nil, context.Cause(ctx)
		}
	}
}

// openRooms counts the rooms that are open. h.mu is held.
func (h *House) openRooms() int {
	n := 0
	for _, p := range h.places {
		if p.gone == nil {
			n++
		}
	}
	return n
}
