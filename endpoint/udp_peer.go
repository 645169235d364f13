package endpoint

import (
	"io"
	"net"
	"net/netip"
	"sync/atomic"
	"time"
)

// A peerConn is the conversation with one peer over a socket many share.
type peerConn struct {
	inbox
	l       *peerListener
	remote  place
	local   netip.Addr // the address the peer asks; invalid when the socket or system decides
	source  []byte     // local as a control message for the socket, nil when needless
	next    *peerConn  // the same remote, another local; guarded by l.mu
	gone    bool       // no longer l's; guarded by l.mu
	stalled bool       // its reader was waited for in vain; guarded by l.mu

	// lastSpoke is when either side last spoke, since l.began. What we say to
	// a peer that has spoken once does not count: its address may be forged,
	// and nobody there.
	lastSpoke atomic.Int64
	heard     atomic.Int64 // how often the peer has spoken
	idle      *time.Timer
}

var (
	_ MessageConn = (*peerConn)(nil)
	_ Waiter      = (*peerConn)(nil)
	_ Dropper     = (*peerConn)(nil)
	_ Fromer      = (*peerConn)(nil)
)

func (c *peerConn) spoke() { c.lastSpoke.Store(int64(time.Since(c.l.began))) }

// Read returns one message; see MessageConn.
func (c *peerConn) Read(p []byte) (int, error) {
	d, err := c.receive()
	if err != nil {
		return 0, c.opError("read", err)
	}
	defer d.free()
	n := copy(p, d.buf)
	if n < len(d.buf) {
		return n, io.ErrShortBuffer
	}
	return n, nil
}

func (c *peerConn) ReadMessage(dst []byte) ([]byte, error) {
	d, err := c.receive()
	if err != nil {
		return dst, c.opError("read", err)
	}
	defer d.free()
	return append(dst, d.buf...), nil
}

// receive takes the next message, which the caller frees.
func (c *peerConn) receive() (*datagram, error) {
	d, err := c.take()
	if c.l.room != nil {
		c.l.mu.Lock()
		c.stalled = false
		c.l.mu.Unlock()
		c.l.makeRoom()
	}
	return d, err
}

func (c *peerConn) WaitRead() error {
	if err := c.wait(); err != nil {
		return c.opError("read", err)
	}
	return nil
}

// Write sends p as one datagram. It works on after the conversation has ended
// for want of words: the peer's address is still known.
func (c *peerConn) Write(p []byte) (int, error) {
	if err := c.WriteMessage(p); err != nil {
		return 0, err
	}
	return len(p), nil
}

func (c *peerConn) WriteMessage(p []byte) error {
	if err := c.writable(); err != nil {
		return c.opError("write", err)
	}
	limit := c.l.sock.limit(c.remote)
	if len(p) > limit {
		return c.opError("write", &MessageSizeError{Size: len(p), Limit: limit})
	}
	if c.heard.Load() != 1 {
		c.spoke()
	}
	if err := c.l.sock.send(p, c); err != nil {
		return c.opError("write", sizeError(bareError(err), len(p), limit))
	}
	return nil
}

// Close ends the conversation on our side; the peer is not told.
func (c *peerConn) Close() error {
	if !c.inbox.close() {
		return c.opError("close", net.ErrClosed)
	}
	return c.l.forget(c)
}

// Dropped counts the messages that found the queue full.
func (c *peerConn) Dropped() uint64 {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.dropped
}

// LocalAddr is the address the peer asked, or the socket's own.
func (c *peerConn) LocalAddr() net.Addr {
	own := c.l.sock.addr()
	if c.local.IsValid() {
		own.AddrPort = netip.AddrPortFrom(c.local, own.Port())
	}
	return own.netAddr(c.l.sock.network())
}

// RemoteAddr is the peer's address; its name is empty if it is a unix socket
// without one.
func (c *peerConn) RemoteAddr() net.Addr { return c.remote.netAddr(c.l.sock.network()) }

// From is who sent the message that was read last; see Fromer.
func (c *peerConn) From() net.Addr {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.from != nil {
		return c.from
	}
	return c.RemoteAddr()
}

func (c *peerConn) SetDeadline(t time.Time) error {
	return c.setDeadlines(func() { c.reading.set(&c.ready, t); c.writeEnd = t })
}

func (c *peerConn) SetReadDeadline(t time.Time) error {
	return c.setDeadlines(func() { c.reading.set(&c.ready, t) })
}

// SetWriteDeadline bounds when a write may begin: over UDP it does not wait for
// the peer, only for the socket all conversations share. A unixgram peer that
// does not read is waited for no longer than this, or than Close.
func (c *peerConn) SetWriteDeadline(t time.Time) error {
	return c.setDeadlines(func() { c.writeEnd = t })
}

func (c *peerConn) setDeadlines(set func()) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.closed {
		return c.opError("set", net.ErrClosed)
	}
	set()
	return nil
}

func (c *peerConn) opError(op string, err error) error {
	if err == io.EOF {
		return err
	}
	return &net.OpError{Op: op, Net: c.l.sock.network(), Source: c.LocalAddr(), Addr: c.RemoteAddr(), Err: err}
}

// bareError takes package net's *net.OpError off, whose addresses are the
// socket's and not the conversation's.
func bareError(err error) error {
	if oe, ok := err.(*net.OpError); ok {
		return oe.Err
	}
	return err
}
