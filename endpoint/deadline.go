package endpoint

import (
	"sync"
	"time"
)

// A deadline wakes a condition's waiters when a time has come. All fields are
// guarded by the condition's lock.
type deadline struct {
	passed bool
	timer  *time.Timer // nil when none is running
}

// set replaces the deadline; the zero time is none. The caller holds cond.L.
func (d *deadline) set(cond *sync.Cond, t time.Time) {
	if d.timer != nil {
		d.timer.Stop()
		d.timer = nil
	}
	d.passed = false
	switch wait := time.Until(t); {
	case t.IsZero():
	case wait <= 0:
		d.passed = true
	default:
		var timer *time.Timer
		timer = time.AfterFunc(wait, func() {
			cond.L.Lock()
			defer cond.L.Unlock()
			if d.timer == timer { // else it was replaced while firing
				d.passed = true
				cond.Broadcast()
			}
		})
		d.timer = timer
	}
	cond.Broadcast()
}

// stop forgets a running timer, at Close. The caller holds the lock.
func (d *deadline) stop() {
	if d.timer != nil {
		d.timer.Stop()
		d.timer = nil
	}
}
