package session

import (
	"context"
	"net"
	"sync"
	"time"
)

// deadline keeps one direction's deadline of a connection in step with the
// contexts and durations of the calls that use it. A context is heeded while a
// call that brought it is under way, and never after. Its AfterFunc stays
// registered while the calls bring the same context, because registering
// allocates twice.
type deadline struct {
	conn  net.Conn
	write bool // the direction

	mu    sync.Mutex
	done  <-chan struct{} // of the context that stop belongs to
	stop  func() bool
	busy  bool      // a call is under way
	set   bool      // the connection has a deadline
	final time.Time // the conversation is being closed and ends then
	why   error     // it was interrupted: every call fails with this
}

// past is long gone: a deadline that ends a call at once.
var past = time.Unix(1, 0)

func (t *deadline) put(at time.Time) error {
	t.set = !at.IsZero()
	if t.write {
		return t.conn.SetWriteDeadline(at)
	}
	return t.conn.SetReadDeadline(at)
}

// arm makes the call that follows end when ctx does, and after d if that is
// not 0. disarm ends it. Contexts with the done channel of base are not
// watched: whoever ends base interrupts us itself.
func (t *deadline) arm(ctx, base context.Context, d time.Duration) error {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.why != nil {
		return t.why
	}
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	if done := ctx.Done(); done != t.done {
		if t.stop != nil {
			t.stop()
		}
		t.done, t.stop = done, nil
		if done != nil && (base == nil || done != base.Done()) {
			t.stop = context.AfterFunc(ctx, func() { t.expire(done) })
		}
	}
	t.busy = true
	switch {
	case !t.final.IsZero():
		return t.put(t.final)
	case d > 0:
		return t.put(time.Now().Add(d))
	case t.set:
		return t.put(time.Time{})
	}
	return nil
}

// disarm says that the call is over. A writer's deadline that has passed is
// taken back at once, for TrySend, which has none.
func (t *deadline) disarm() {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.busy = false
	if t.write && t.set && t.final.IsZero() {
		_ = t.put(time.Time{})
	}
}

// expire ends the call under way, if it came with that context.
func (t *deadline) expire(done <-chan struct{}) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.busy && t.done == done {
		_ = t.put(past)
	}
}

// interrupt makes the call under way and all later ones fail with why, unless
// the conversation is being closed, which has its own end.
func (t *deadline) interrupt(why error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.why != nil || !t.final.IsZero() {
		return
	}
	t.why = why
	_ = t.put(past)
}

func (t *deadline) interrupted() error {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.why
}

// finish bounds the call under way and all later ones.
func (t *deadline) finish(at time.Time) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.final = at
	_ = t.put(at)
}

func (t *deadline) release() {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.stop != nil {
		t.stop()
		t.stop, t.done = nil, nil
	}
}
