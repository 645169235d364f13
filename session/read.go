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
	conn    net.Conn
	message messageConn
	waiter  readWaiter
	raw     *rawReader
}

func (c *source) init(conn net.Conn) {
	c.conn = conn
	c.message, _ = conn.(messageConn)
	c.waiter, _ = conn.(readWaiter)
	if c.message == nil && c.waiter == nil {
		if sc, ok := conn.(syscall.Conn); ok {
			c.raw = newRawReader(sc)
		}
	}
}

// datagrams are buffers for one datagram of any size.
var datagrams = sync.Pool{New: func() any { return new([64 << 10]byte) }}

// read waits, borrows a buffer, and reads once.
func (c *source) read(in *frame.Reader) (int, error) {
	if c.waiter != nil {
		if err := c.waiter.WaitRead(); err != nil {
			return 0, err
		}
	}
	switch {
	case c.message != nil:
		buf := datagrams.Get().(*[64 << 10]byte)
		defer datagrams.Put(buf)
		p, err := c.message.ReadMessage(buf[:0])
		if err != nil {
			return 0, err
		}
		in.Feed(p)
		in.Flush()
		return len(p), nil
	case c.raw != nil:
		return c.raw.read(in)
	}
	n, err := c.conn.Read(in.Space())
	in.Filled(n)
	if n > 0 {
		err = nil // it comes again
	}
	return n, err
}
