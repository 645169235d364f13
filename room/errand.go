package room

import (
	"sync"
	"time"
)

// errands are messages that the room itself has to publish: the leaving of members, and what nodes tell each other. A
// goroutine of its own publishes them: whoever drops a member is in the middle of a fan-out and must not wait for the bus,
// and whoever calls Leave has usually no ctx left to wait with. They cannot pile up without bound: each member leaves
// once, and nodes only speak when others come or go.
type errands struct {
	mu   sync.Mutex
	list []Message
	wake chan struct{} // holds one token when list may not be empty
}

// errand has m published. It never blocks.
func (r *Room) errand(m Message) {
	r.errands.mu.Lock()
	r.errands.list = append(r.errands.list, m)
	r.errands.mu.Unlock()
	select {
	case r.errands.wake <- struct{}{}:
	default: // it is awake
	}
}

func (e *errands) take() []Message {
	e.mu.Lock()
	defer e.mu.Unlock()
	list := e.list
	e.list = nil
	return list
}

// runErrands publishes them until the room closes. What a failing bus does not take is tried again: the other nodes must
// know that somebody has left.
func (r *Room) runErrands() {
	for {
		select {
		case <-r.errands.wake:
		case <-r.running.Done():
			return
		}
		for _, m := range r.errands.take() {
			for {
				m.Time = time.Now()
				if _, err := r.bus.Publish(r.running, r.name, m); err == nil {
					break
				}
				select {
				case <-time.After(time.Second):
				case <-r.running.Done():
					return
				}
			}
		}
	}
}

// depart lets m see nothing more and has its leaving announced. It never blocks, and reports whether m was still there.
func (m *Member) depart(reason string) bool {
	if !m.gone.CompareAndSwap(false, true) {
		return false
	}
	m.room.errand(Message{Kind: Leave, From: m.Nick(), Text: reason, Author: m.ID()})
	return true
}
