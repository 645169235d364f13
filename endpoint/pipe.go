package endpoint

import (
	"io"
	"net"
	"os"
	"sync"
	"syscall"
	"time"
)

// defaultPipe is what one direction of a Mem stream holds before a writer has
// to wait, unless the options rcvbuf or sndbuf say otherwise.
const defaultPipe = 64 << 10

// A pipe is one direction of a stream in memory: a ring of bytes.
type pipe struct {
	mu      sync.Mutex
	changed sync.Cond // broadcast whenever a waiter may go on

	ring    []byte // nil while empty: an idle conversation holds no buffer
	start   int    // of the unread bytes
	length  int
	size    int
	writing bool // a write is under way: writes are not mixed

	noReader bool // the reading side has closed
	noWriter bool // the writing side has closed, or half-closed
	wClosed  bool // the writing side has closed altogether

	reading, writeEnd deadline
}

func newPipe(size int) *pipe {
	p := &pipe{size: size}
	p.changed.L = &p.mu
	return p
}

var rings = sync.Pool{New: func() any { return new([defaultPipe]byte) }}

// readableLocked waits until a read would not block.
func (p *pipe) readableLocked() error {
	for {
		switch {
		case p.noReader:
			return net.ErrClosed
		case p.reading.passed:
			return os.ErrDeadlineExceeded
		case p.length > 0 || p.noWriter:
			return nil
		}
		p.changed.Wait()
	}
}

func (p *pipe) wait() error {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.readableLocked()
}

func (p *pipe) read(dst []byte) (int, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if len(dst) == 0 && !p.noReader {
		return 0, nil
	}
	if err := p.readableLocked(); err != nil {
		return 0, err
	}
	if p.length == 0 {
		return 0, io.EOF
	}
	n := copy(dst, p.ring[p.start:min(p.start+p.length, len(p.ring))])
	if n < len(dst) && n < p.length { // the part that wraps around
		n += copy(dst[n:], p.ring[:p.length-n])
	}
	p.start = (p.start + n) % len(p.ring)
	if p.length -= n; p.length == 0 {
		p.releaseLocked()
	}
	p.changed.Broadcast()
	return n, nil
}

func (p *pipe) releaseLocked() {
	if len(p.ring) == defaultPipe {
		rings.Put((*[defaultPipe]byte)(p.ring))
	}
	p.ring, p.start, p.length = nil, 0, 0
}

// cannotWriteLocked says why no byte may be written now, nil if one may.
func (p *pipe) cannotWriteLocked() error {
	switch {
	case p.wClosed:
		return net.ErrClosed
	case p.writeEnd.passed:
		return os.ErrDeadlineExceeded
	case p.noWriter || p.noReader:
		return syscall.EPIPE
	}
	return nil
}

// write waits until all of src is in the pipe.
func (p *pipe) write(src []byte) (n int, err error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for p.writing {
		// Not a mutex: waiting for one would stop a synctest bubble's time.
		if err := p.cannotWriteLocked(); err != nil {
			return 0, err
		}
		p.changed.Wait()
	}
	p.writing = true
	defer func() {
		p.writing = false
		p.changed.Broadcast()
	}()
	for {
		if err := p.cannotWriteLocked(); err != nil {
			return n, err
		}
		n += p.fillLocked(src[n:])
		if n == len(src) {
			return n, nil
		}
		p.changed.Wait()
	}
}

// tryWrite puts into the pipe what fits.
func (p *pipe) tryWrite(src []byte) (int, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if err := p.cannotWriteLocked(); err != nil {
		return 0, err
	}
	if p.writing {
		return 0, nil
	}
	return p.fillLocked(src), nil
}

func (p *pipe) fillLocked(src []byte) int {
	src = src[:min(len(src), p.size-p.length)]
	if len(src) == 0 {
		return 0
	}
	if p.ring == nil {
		if p.size == defaultPipe {
			p.ring = rings.Get().(*[defaultPipe]byte)[:]
		} else {
			p.ring = make([]byte, p.size)
		}
	}
	end := (p.start + p.length) % len(p.ring)
	n := copy(p.ring[end:], src)
	copy(p.ring, src[n:])
	p.length += len(src)
	p.changed.Broadcast()
	return len(src)
}

// closeRead is the reading side's Close.
func (p *pipe) closeRead() bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.noReader {
		return false
	}
	p.noReader = true
	p.reading.stop()
	p.releaseLocked()
	p.changed.Broadcast()
	return true
}

// closeWrite ends the stream; what is in the pipe is still read. all is the
// writing side's Close, after which it may not write for another reason.
func (p *pipe) closeWrite(all bool) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.wClosed {
		return net.ErrClosed
	}
	p.noWriter = true
	if all {
		p.wClosed = true
		p.writeEnd.stop()
	}
	p.changed.Broadcast()
	return nil
}

// A pipeConn is one end of a stream in memory.
type pipeConn struct {
	in, out       *pipe
	local, remote net.Addr
}

var (
	_ net.Conn                        = (*pipeConn)(nil)
	_ Waiter                          = (*pipeConn)(nil)
	_ TryWriter                       = (*pipeConn)(nil)
	_ interface{ CloseWrite() error } = (*pipeConn)(nil)
)

// newPipeConns returns both ends of a stream whose directions hold size bytes each.
func newPipeConns(size int, a, b net.Addr) (*pipeConn, *pipeConn) {
	ab, ba := newPipe(size), newPipe(size)
	return &pipeConn{in: ba, out: ab, local: a, remote: b}, &pipeConn{in: ab, out: ba, local: b, remote: a}
}

func (c *pipeConn) Read(p []byte) (int, error) {
	n, err := c.in.read(p)
	return n, c.opError("read", err)
}

func (c *pipeConn) Write(p []byte) (int, error) {
	n, err := c.out.write(p)
	return n, c.opError("write", err)
}

func (c *pipeConn) WaitRead() error { return c.opError("read", c.in.wait()) }

func (c *pipeConn) TryWrite(p []byte) (int, error) {
	n, err := c.out.tryWrite(p)
	return n, c.opError("write", err)
}

// CloseWrite ends our direction; the other goes on.
func (c *pipeConn) CloseWrite() error { return c.opError("close", c.out.closeWrite(false)) }

// Close ends both directions. The peer still reads what we wrote; its own
// writes fail with EPIPE.
func (c *pipeConn) Close() error {
	err := c.out.closeWrite(true)
	c.in.closeRead()
	return c.opError("close", err)
}

func (c *pipeConn) LocalAddr() net.Addr  { return c.local }
func (c *pipeConn) RemoteAddr() net.Addr { return c.remote }

func (c *pipeConn) SetDeadline(t time.Time) error {
	if err := c.SetReadDeadline(t); err != nil {
		return err
	}
	return c.SetWriteDeadline(t)
}

func (c *pipeConn) SetReadDeadline(t time.Time) error {
	p := c.in
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.noReader {
		return c.opError("set", net.ErrClosed)
	}
	p.reading.set(&p.changed, t)
	return nil
}

func (c *pipeConn) SetWriteDeadline(t time.Time) error {
	p := c.out
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.wClosed {
		return c.opError("set", net.ErrClosed)
	}
	p.writeEnd.set(&p.changed, t)
	return nil
}

func (c *pipeConn) opError(op string, err error) error {
	if err == nil || err == io.EOF {
		return err
	}
	return &net.OpError{Op: op, Net: c.local.Network(), Source: c.local, Addr: c.remote, Err: err}
}
