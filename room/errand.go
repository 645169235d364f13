package room

import (
	"sync"
	"time"
)

// errands are messages that the room itself has to publish: the leaving of members, and what nodes tell each other. A
// goroutine of its own publishes them: whoever drops a member is in the middle of a fan-out and must not wait for the bus,
// and whoever calls Leave has usually no ctx left to wait with. While the bus takes nothing they pile up: one for each member
// that leaves, and those can be no more than have joined.
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

// errandTries is how often the bus may refuse an errand that can be done without, while it is not cut off: something is wrong
// with the errand itself then, and those behind it wait.
const errandTries = 10

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
			for refused := 0; ; {
				m.Time = time.Now()
				_, err := r.bus.Publish(r.running, r.name, m)
				if err == nil {
					break
				}
				switch m.Kind {
				case Here, Bar, Topic: // who misses an answer to its Hello asks again
					if r.cutOff() == nil {
						refused++
					}
				}
				if refused == errandTries {
					r.log.Warn("given up", "kind", m.Kind, "reason", err)
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
