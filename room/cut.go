package room

import (
	"fmt"
	"sync"
	"time"
)

// tellAfter is how long the bus is cut off before the members are told: a cluster that chooses a new leader needs a second
// or two, in which what is said just waits.
const tellAfter = 3 * time.Second

// A cut is what a Room knows of its bus being cut off from what carries its messages.
type cut struct {
	mu      sync.Mutex
	why     error
	told    bool
	changed chan struct{} // holds one token after a change
}

// cutOff is why the bus carries nothing now, or nil.
func (r *Room) cutOff() error {
	r.cut.mu.Lock()
	defer r.cut.mu.Unlock()
	return r.cut.why
}

// refusing is why nothing can be said now and everybody knows it, or nil.
func (r *Room) refusing() error {
	r.cut.mu.Lock()
	defer r.cut.mu.Unlock()
	if r.cut.told {
		return r.cut.why
	}
	return nil
}

// watch is told by the bus.
func (r *Room) watch(down error) {
	r.cut.mu.Lock()
	r.cut.why = down
	r.cut.mu.Unlock()
	select {
	case r.cut.changed <- struct{}{}:
	default:
	}
}

// tellCuts tells the members when the room has been cut off, and when it is back.
func (r *Room) tellCuts() {
	var wait <-chan time.Time
	for {
		select {
		case <-r.cut.changed:
		case <-wait:
			wait = nil
			r.tellCut()
			continue
		case <-r.running.Done():
			return
		}
		if r.cutOff() == nil {
			wait = nil
			r.tellCut()
		} else if wait == nil {
			wait = time.After(tellAfter)
		}
	}
}

// tellCut tells them once of each change.
func (r *Room) tellCut() {
	r.cut.mu.Lock()
	why := r.cut.why
	changed := r.cut.told != (why != nil)
	r.cut.told = why != nil
	r.cut.mu.Unlock()
	if !changed {
		return
	}
	text := r.texts.Restored
	if why != nil {
		text = fmt.Sprintf(r.texts.CutOff, why)
	}
	_ = r.between(r.running, func() {
		r.flush()
		r.show(&Block{Lines: []*Line{r.out.notice(text)}})
	})
}
