package session

import (
	"context"
	"net"
	"sync"
	"time"
)

// deadline keeps one direction's deadline in step with the contexts and
// durations of the calls that use it. Its AfterFunc stays registered while the
// calls bring the same context, because registering allocates twice.
type deadline struct {
	mu    sync.Mutex
	done  <-chan struct{} // of the context that stop belongs to
	stop  func() bool
	write bool
	dirty bool      // the connection has a deadline
	final time.Time // the conversation is being closed and ends then
	why   error     // it was interrupted: every call fails with this
}

// past is long gone: a deadline that ends a call at once.
var past = time.Unix(1, 0)

func (t *deadline) set(conn net.Conn, at time.Time) error {
	t.dirty = !at.IsZero()
	if t.write {
		return conn.SetWriteDeadline(at)
	}
	return conn.SetReadDeadline(at)
}

// arm makes the next call on conn end when ctx does, and after d if that is
// not 0. A past deadline that lost its race is cleared here, or the next call
// would fail for nothing. Contexts with the done channel of base are not
// watched: whoever ends base calls expire itself.
func (t *deadline) arm(ctx, base context.Context, conn net.Conn, d time.Duration) error {
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
			t.stop = context.AfterFunc(ctx, func() { t.expire(conn, done) })
		}
	}
	switch {
	case !t.final.IsZero():
		return t.set(conn, t.final)
	case d > 0:
		return t.set(conn, time.Now().Add(d))
	case t.dirty:
		return t.set(conn, time.Time{})
	}
	return nil
}

// interrupt makes the call in progress and all later ones fail with why.
func (t *deadline) interrupt(conn net.Conn, why error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.why == nil {
		t.why = why
	}
	_ = t.set(conn, past)
}

func (t *deadline) interrupted() error {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.why
}

// finish bounds the call in progress and all later ones.
func (t *deadline) finish(conn net.Conn, at time.Time) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.final = at
	_ = t.set(conn, at)
}

// expire ends the call in progress, unless the calls have moved on to another
// context.
func (t *deadline) expire(conn net.Conn, done <-chan struct{}) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.done == done {
		_ = t.set(conn, past)
	}
}

func (t *deadline) release() {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.stop != nil {
		t.stop()
		t.stop, t.done = nil, nil
	}
}
