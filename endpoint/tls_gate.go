package endpoint

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"slices"
	"sync"
	"time"
)

// Bounds of a gate. What is in a handshake costs about 40 KiB.
const (
	maxPending = 1024 // handshakes at once
	maxReady   = 1024 // conns that wait for Accept

	// A refused peer gets this long to read why, and may say this much
	// meanwhile: closing with unread input would reset it.
	lingerTime  = time.Second
	lingerBytes = 64 << 10
)

var errCrowded = fmt.Errorf("it gave way to a newer one: %d peers had not finished their handshakes", maxPending)

// A gate is a listener whose conns have something to say before they are
// conversations: a PROXY header, a TLS handshake. Accept yields only those that
// have said it, so that a slow or silent peer delays nobody, its address and
// certificate are known from the beginning, and no deadline of a conversation
// can end a handshake for good. When too many are at it, the one that has
// waited longest gives way.
//
//	listener ─► run ─► one goroutine each: prepare ─► ready ─► Accept
//	                     └─ too slow, refused ─► a refusedConn, which says why
//
// A conn that was refused is accepted too, closed already: its Read and Write
// fail with the reason, so that whoever holds conversations reports it where it
// reports every other failure.
type gate struct {
	net.Listener
	patience time.Duration
	prepare  func(context.Context, net.Conn) (net.Conn, error)

	mu      sync.Mutex
	changed sync.Cond
	pending []*arrival // in the order they came
	ready   []net.Conn
	failed  error // of the listener's Accept, until a caller of ours takes it
	callers int   // in Accept
	closed  bool
	running sync.WaitGroup
}

// An arrival is a conn that is being prepared.
type arrival struct{ cancel context.CancelCauseFunc }

func newGate(ln net.Listener, patience time.Duration, prepare func(context.Context, net.Conn) (net.Conn, error)) *gate {
	g := &gate{Listener: ln, patience: patience, prepare: prepare}
	g.changed.L = &g.mu
	g.running.Add(1)
	go g.run()
	return g
}

// run accepts until the gate is closed. Close waits for it.
func (g *gate) run() {
	defer g.running.Done()
	for {
		conn, err := g.Listener.Accept()
		if !g.arrived(conn, err) {
			return
		}
	}
}

// arrived takes what the listener's Accept has returned, and reports whether to
// go on, once there is room.
func (g *gate) arrived(conn net.Conn, err error) bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	switch {
	case err != nil:
		// Whoever calls Accept decides when to try again: there may be a lack
		// of descriptors.
		for g.failed = err; !g.closed && (g.failed != nil || g.callers == 0); {
			g.changed.Broadcast()
			g.changed.Wait()
		}
	case g.closed:
		conn.Close()
	default:
		if len(g.pending) == maxPending {
			g.pending[0].cancel(errCrowded)
			g.pending = slices.Delete(g.pending, 0, 1)
		}
		ctx, cancel := context.WithCancelCause(context.Background())
		at := &arrival{cancel}
		g.pending = append(g.pending, at)
		g.running.Add(1)
		go g.admit(ctx, at, conn)
		for !g.closed && len(g.ready) >= maxReady {
			g.changed.Wait()
		}
	}
	return !g.closed
}

// admit prepares one conn and hands it to Accept.
func (g *gate) admit(ctx context.Context, at *arrival, conn net.Conn) {
	defer g.running.Done()
	defer at.cancel(nil)
	ctx, stop := context.WithTimeout(ctx, g.patience)
	defer stop()
	ready, err := g.prepare(ctx, conn)
	if err != nil {
		if errors.Is(context.Cause(ctx), errCrowded) {
			err = &PeerError{Reason: errCrowded.Error(), Err: errCrowded}
		}
		linger(ctx, conn)
		conn.Close()
		ready = &refusedConn{conn.LocalAddr(), conn.RemoteAddr(), err}
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	g.pending = slices.DeleteFunc(g.pending, func(a *arrival) bool { return a == at })
	if g.closed {
		ready.Close()
		return
	}
	g.ready = append(g.ready, ready)
	g.changed.Broadcast()
}

// linger lets a peer read why it was refused: our end, then its, or no more
// than a moment.
func linger(ctx context.Context, conn net.Conn) {
	c, ok := conn.(interface{ CloseWrite() error })
	if !ok || ctx.Err() != nil || c.CloseWrite() != nil {
		return
	}
	ctx, cancel := context.WithTimeout(ctx, lingerTime)
	defer cancel()
	_ = within(ctx, conn, func() error {
		_, err := io.CopyN(io.Discard, conn, lingerBytes)
		return err
	})
}

// Accept returns the next conn that is ready.
func (g *gate) Accept() (net.Conn, error) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.callers++
	defer func() { g.callers-- }()
	g.changed.Broadcast()
	for {
		switch {
		case g.closed:
			return nil, &net.OpError{Op: "accept", Net: g.Addr().Network(), Addr: g.Addr(), Err: net.ErrClosed}
		case len(g.ready) > 0:
			conn := g.ready[0]
			g.ready = slices.Delete(g.ready, 0, 1)
			g.changed.Broadcast()
			return conn, nil
		case g.failed != nil:
			err := g.failed
			g.failed = nil
			return nil, err
		}
		g.changed.Wait()
	}
}

// Close ends the listener and everything that was not accepted yet.
func (g *gate) Close() error {
	g.mu.Lock()
	left := g.ready
	g.ready, g.closed = nil, true
	for _, at := range g.pending {
		at.cancel(net.ErrClosed)
	}
	g.changed.Broadcast()
	g.mu.Unlock()
	err := g.Listener.Close()
	for _, conn := range left {
		conn.Close()
	}
	g.running.Wait()
	return err
}

// Refused is a conn that a listener hands out although nobody is to talk to
// it: a handshake failed, and this is who it was and why. Its reads and writes
// fail with the same reason.
type Refused interface {
	net.Conn
	Refused() error
}

// A refusedConn is what is left of a conn that did not get through a gate.
type refusedConn struct {
	local, remote net.Addr
	err           error
}

var _ Refused = (*refusedConn)(nil)

func (c *refusedConn) Refused() error { return c.err }

func (c *refusedConn) fail(op string) error {
	return &net.OpError{Op: op, Net: c.remote.Network(), Source: c.local, Addr: c.remote, Err: c.err}
}

func (c *refusedConn) Read([]byte) (int, error)         { return 0, c.fail("read") }
func (c *refusedConn) Write([]byte) (int, error)        { return 0, c.fail("write") }
func (c *refusedConn) CloseWrite() error                { return c.fail("close") }
func (c *refusedConn) Close() error                     { return nil }
func (c *refusedConn) LocalAddr() net.Addr              { return c.local }
func (c *refusedConn) RemoteAddr() net.Addr             { return c.remote }
func (c *refusedConn) SetDeadline(time.Time) error      { return nil }
func (c *refusedConn) SetReadDeadline(time.Time) error  { return nil }
func (c *refusedConn) SetWriteDeadline(time.Time) error { return nil }
