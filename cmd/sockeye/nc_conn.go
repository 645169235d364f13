package main

import (
	"context"
	"errors"
	"io"
	"net"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	"sockeye.dev/endpoint"
	"sockeye.dev/observe"
)

// Why a netcat ends a conversation. The handler's Serve returns them.
var (
	errNCIdle = errors.New("nothing was said for too long")
	errNCQuit = errors.New("the time after the input's end is over")
	errNCSent = errors.New("everything is sent, and nothing is to be received")
)

// quitGrace is the least time that -q leaves for a reply: netcat itself waits
// for the peer's end, whatever the number.
const quitGrace = 500 * time.Millisecond

// An ncConn is a connection with a netcat's manners: what the input's end means
// to it, how long it may be silent, whether it answers Telnet.
type ncConn struct {
	net.Conn
	p      *ncPlan
	idle   *ncIdle
	watch  observe.Observer // for -o and -x; may be nil
	telnet telnet
	left   int // datagrams still to be received; with -W

	mu     sync.Mutex
	end    context.CancelCauseFunc // ends the conversation; nil: it is a server's
	quit   *time.Timer
	done   atomic.Bool // reads find the end
	closed func()      // told of Close; may be nil
}

// ncWrap gives conn a netcat's manners.
func ncWrap(conn net.Conn, p *ncPlan, idle *ncIdle, watch observe.Observer) (net.Conn, *ncConn) {
	c := &ncConn{Conn: conn, p: p, idle: idle, watch: watch, left: p.recvLimit}
	if m, ok := conn.(endpoint.MessageConn); ok {
		return &ncMessages{c, m}, c
	}
	seen := p.telnet || watch != nil || idle.after > 0
	if socket, ok := conn.(syscall.Conn); ok && !seen {
		return &ncSocket{c, socket}, c
	}
	return c, c
}

// An ncSocket is an ncConn of which nobody looks at the bytes: the session
// may use the socket itself, and then knows what the peer's kernel has got.
type ncSocket struct {
	*ncConn
	syscall.Conn
}

// ncConnOf is the ncConn that conn is, or nil.
func ncConnOf(conn net.Conn) *ncConn {
	switch c := conn.(type) {
	case *ncConn:
		return c
	case *ncSocket:
		return c.ncConn
	case *ncMessages:
		return c.ncConn
	}
	return nil
}

// during tells c how its conversation can be ended; the function returned ends
// that.
func (c *ncConn) during(end context.CancelCauseFunc) func() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.end = end
	return func() {
		c.mu.Lock()
		defer c.mu.Unlock()
		c.end = nil
		if c.quit != nil {
			c.quit.Stop()
		}
	}
}

// cut makes reads find the end, so that closing waits for nobody.
func (c *ncConn) cut() {
	c.done.Store(true)
	_ = c.Conn.SetReadDeadline(time.Unix(1, 0))
}

// Read reads what is not Telnet's, if that is answered.
func (c *ncConn) Read(b []byte) (int, error) {
	for {
		if c.done.Load() {
			return 0, io.EOF
		}
		n, err := c.Conn.Read(b)
		if n > 0 {
			c.idle.touch()
			c.saw(observe.In, b[:n])
		} else if c.done.Load() {
			return 0, io.EOF
		}
		if !c.p.telnet || n == 0 {
			return n, err
		}
		n, answer := c.telnet.strip(b[:n])
		if len(answer) > 0 {
			if _, werr := c.Conn.Write(answer); err == nil {
				err = werr
			}
		}
		if n > 0 || err != nil {
			return n, err
		}
	}
}

// saw tells the recordings. What is sent is recorded before it goes, so that no
// answer can stand before it.
func (c *ncConn) saw(dir observe.Direction, b []byte) {
	if c.watch != nil {
		c.watch.Observe(observe.Event{Kind: observe.Data, Dir: dir, Time: time.Now(), Data: b})
	}
}

func (c *ncConn) Write(b []byte) (int, error) {
	c.saw(observe.Out, b)
	n, err := c.Conn.Write(b)
	if n > 0 {
		c.idle.touch()
	}
	return n, err
}

// CloseWrite is told that the input has ended. What that means is the
// dialect's.
func (c *ncConn) CloseWrite() error {
	c.mu.Lock()
	end := c.end
	if end != nil && c.p.quit >= 0 {
		c.quit = time.AfterFunc(max(c.p.quit, quitGrace), func() { end(errNCQuit) })
	}
	c.mu.Unlock()
	if end != nil && c.p.sendOnly {
		defer end(errNCSent)
	}
	half, ok := c.Conn.(interface{ CloseWrite() error })
	if !ok || end != nil && (!c.p.shutdown || c.p.noInput || c.p.recvOnly) {
		return nil
	}
	return half.CloseWrite()
}

func (c *ncConn) Close() error {
	if c.closed != nil {
		c.closed()
	}
	return c.Conn.Close()
}

// An ncMessages is an ncConn that keeps message boundaries.
type ncMessages struct {
	*ncConn
	messages endpoint.MessageConn
}

var _ endpoint.MessageConn = (*ncMessages)(nil)

// ReadMessage reads one datagram, or finds the end after as many as -W allows.
func (c *ncMessages) ReadMessage(dst []byte) ([]byte, error) {
	if c.done.Load() || c.p.recvLimit > 0 && c.left == 0 {
		return dst, io.EOF
	}
	had := len(dst)
	dst, err := c.messages.ReadMessage(dst)
	if err == nil {
		c.saw(observe.In, dst[had:])
		c.left--
		c.idle.touch()
	}
	return dst, err
}

func (c *ncMessages) WriteMessage(b []byte) error {
	c.saw(observe.Out, b)
	err := c.messages.WriteMessage(b)
	if err == nil {
		c.idle.touch()
	}
	return err
}

// CloseWrite sends nothing: a datagram conversation has no end to tell of.
func (c *ncMessages) CloseWrite() error { return c.ncConn.CloseWrite() }

// An ncIdle ends a program in which nothing was said for too long. It begins
// with the first conversation.
type ncIdle struct {
	after time.Duration // 0: never
	end   context.CancelCauseFunc

	mu    sync.Mutex
	timer *time.Timer
}

func (i *ncIdle) touch() {
	if i.after == 0 {
		return
	}
	i.mu.Lock()
	defer i.mu.Unlock()
	if i.timer == nil {
		i.timer = time.AfterFunc(i.after, func() { i.end(errNCIdle) })
		return
	}
	i.timer.Reset(i.after)
}

func (i *ncIdle) stop() {
	i.mu.Lock()
	defer i.mu.Unlock()
	if i.timer != nil {
		i.timer.Stop()
	}
}
