package room

import (
	"sync"
)

// departures are the members that have left and whose Leave is still to be published. A goroutine of its own publishes
// them: whoever drops a member is in the middle of a fan-out and must not wait for the bus, and whoever calls Leave has
// usually no ctx left to wait with. It cannot grow beyond the number of members, each of which leaves once.
type departures struct {
	mu   sync.Mutex
	list []departure
	wake chan struct{} // holds one token when list may not be empty
}

type departure struct {
	member *Member
	reason string
}

// depart lets m see nothing more and has its leaving announced. It never blocks, and reports whether m was still there.
func (m *Member) depart(reason string) bool {
	if !m.gone.CompareAndSwap(false, true) {
		return false
	}
	d := &m.room.departures
	d.mu.Lock()
	d.list = append(d.list, departure{m, reason})
	d.mu.Unlock()
	select {
	case d.wake <- struct{}{}:
	default: // it is awake
	}
	return true
}

func (d *departures) take() []departure {
	d.mu.Lock()
	defer d.mu.Unlock()
	list := d.list
	d.list = nil
	return list
}

// announceDepartures publishes the members' leaving until the room closes.
func (r *Room) announceDepartures() {
	for {
		select {
		case <-r.departures.wake:
		case <-r.running.Done():
			return
		}
		for _, d := range r.departures.take() {
			_, err := r.publish(r.running, d.member, Leave, d.member.Nick(), d.reason)
			if err == nil || r.running.Err() != nil {
				continue
			}
			// The bus has failed, the member has left all the same.
			r.between(r.running, func() {
				r.forget(d.member)
				r.dropForgotten()
			})
		}
	}
}
