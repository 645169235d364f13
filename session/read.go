package session

import (
	"net"
	"sync"
	"syscall"

	"sockeye.dev/frame"
)

// source is where a session's bytes come from, by what the connection can do:
// keep boundaries, be waited for, or only be read.
type source struct {
	raw     *rawConn
	message messageConn
	ends    bool // message conns: our side and the peer's can be ended
	waits   bool // message conns: a write may wait for the peer to read
	waiter  readWaiter
	conn    net.Conn
}

func (c *source) init(conn net.Conn) {
	c.conn = conn
	c.message, _ = conn.(messageConn)
	c.waiter, _ = conn.(readWaiter)
	_, c.ends = conn.(closeWriter)
	c.waits = c.message != nil && c.ends
	if a := conn.LocalAddr(); a != nil && a.Network() == "unixgram" {
		c.ends, c.waits = false, true // its CloseWrite it only has from its kind
	}
	if c.message == nil && c.waiter == nil {
		if sc, ok := conn.(syscall.Conn); ok {
			c.raw = newRawConn(sc)
		}
	}
}

// datagrams are buffers for one datagram of any size.
var datagrams = sync.Pool{New: func() any { return new([64 << 10]byte) }}

// read waits, borrows a buffer, and reads once. Where there is a raw reader,
// that does it.
func (c *source) read(in *frame.Reader) (int, error) {
	if c.waiter != nil {
		if err := c.waiter.WaitRead(); err != nil {
			return 0, err
		}
	}
	if c.message != nil {
		return c.readMessage(in)
	}
	n, err := c.conn.Read(in.Space())
	in.Filled(n)
	if n > 0 {
		err = nil // it comes again
	}
	return n, err
}

// readMessage reads one message. A connection that cannot be waited for waits
// in ReadMessage, and would keep what is lent to it: that makes its own.
func (c *source) readMessage(in *frame.Reader) (int, error) {
	var dst []byte
	if c.waiter != nil {
		buf := datagrams.Get().(*[64 << 10]byte)
		defer datagrams.Put(buf)
		dst = buf[:0]
	}
	p, err := c.message.ReadMessage(dst)
	if err != nil {
		return 0, err
	}
	in.Feed(p)
	in.Flush()
	return len(p), nil
}
