package endpoint

import (
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"strings"
	"unicode/utf8"
)

// ReadMessage appends the next message to dst.
func (c *wsConn) ReadMessage(dst []byte) ([]byte, error) {
	c.reading <- struct{}{}
	defer func() { <-c.reading }()
	got, err := c.read(dst)
	return got, c.readError(err)
}

// Read returns as much of the next message as p holds; the rest comes next.
func (c *wsConn) Read(p []byte) (int, error) {
	c.reading <- struct{}{}
	defer func() { <-c.reading }()
	if len(p) == 0 && !c.isClosed() {
		return 0, nil
	}
	for {
		m, err := c.read(p[:0:len(p)])
		if err != nil {
			return 0, c.readError(err)
		}
		if len(m) > 0 {
			n := copy(p, m)
			if n < len(m) { // it has outgrown p
				c.rest = m[n:]
			}
			return n, nil
		}
	}
}

// WaitRead waits, without a buffer, until a message is there or none will come.
func (c *wsConn) WaitRead() error {
	c.reading <- struct{}{}
	defer func() { <-c.reading }()
	if len(c.rest) > 0 && !c.isClosed() {
		return nil
	}
	err := c.wait()
	if err != nil && (errors.Is(err, os.ErrDeadlineExceeded) || c.isClosed()) {
		return c.readError(err)
	}
	return nil
}

func (c *wsConn) readError(err error) error {
	if err != nil && c.isClosed() {
		err = net.ErrClosed
	}
	return c.opError("read", err)
}

// read appends a message, or what Read has left of one.
func (c *wsConn) read(dst []byte) ([]byte, error) {
	if len(c.rest) > 0 && !c.isClosed() {
		dst = append(dst, c.rest...)
		c.rest = nil
		return dst, nil
	}
	if err := c.wait(); err != nil {
		return dst, err
	}
	d := &c.in.decoder
	if !c.in.ready { // it is whole in the buffer: straight to where it belongs
		d.message = dst[len(dst):]
		n, _, err := d.next(c.in.unread())
		c.in.take(n)
		if err != nil { // longer than allowed, or masked wrongly
			d.message = nil
			return dst, c.fault(err)
		}
	}
	m, text := d.message, d.text
	d.message, c.in.ready = nil, false
	if text && !utf8.Valid(m) { // section 8.1
		return dst, c.fault(&wsFault{wsInvalidData, "the peer sent a text message that is not UTF-8"})
	}
	c.text = text
	if len(m) > 0 && cap(dst) > len(dst) && &m[0] == &dst[:len(dst)+1][len(dst)] {
		return dst[:len(dst)+len(m)], nil
	}
	return append(dst, m...), nil
}

// wait returns nil once read needs nothing more from the connection. Meanwhile
// it answers what is no message.
func (c *wsConn) wait() error {
	in := &c.in
	c.begun.Store(true)
	for {
		switch {
		case c.isClosed():
			return net.ErrClosed
		case in.ready:
			return nil
		case c.readErr != nil:
			return c.readErr
		case in.r == in.w:
			if err := in.fill(); err != nil {
				return c.ended(err)
			}
		case in.decoder.whole(in.unread()):
			return nil
		default:
			n, ev, err := in.decoder.next(in.unread())
			in.take(n)
			switch {
			case err != nil:
				return c.fault(err)
			case ev == wsMessage:
				in.ready = true
			case ev == wsControl:
				c.control(in.decoder.frame.op, in.decoder.control)
			}
		}
	}
}

// ended says what the failure of a read from the connection means.
func (c *wsConn) ended(err error) error {
	switch {
	case errors.Is(err, os.ErrDeadlineExceeded):
		return err
	case err != io.EOF:
	case c.in.decoder.inside():
		err = errInsideMessage
	case c.sentClose.Load(): // it was asked to
	default:
		err = errNoClose
	}
	c.readErr = err
	return err
}

// fault ends reading because of what the peer did. Close tells it.
func (c *wsConn) fault(err error) error {
	var f *wsFault
	if errors.As(err, &f) {
		pe := &PeerError{Reason: f.reason, Err: err}
		switch f.code {
		case wsTooBig:
			pe.Hint = "max=SIZE allows longer messages"
		case wsInvalidData:
			pe.Hint = "another encoding belongs into binary messages"
		}
		err = pe
		c.mu.Lock()
		c.ourCode = f.code
		c.mu.Unlock()
	}
	c.readErr = err
	c.in.release()
	return err
}

// control handles a control frame: section 5.5.
func (c *wsConn) control(op byte, payload []byte) {
	switch op {
	case wsPing:
		c.owe(payload)
	case wsClose:
		code, reason, wrong := parseWSClose(payload)
		if wrong != "" {
			_ = c.fault(&wsFault{wsProtocol, "the peer breaks the WebSocket protocol: " + wrong})
			return
		}
		c.mu.Lock()
		c.peerCode, c.reason = code, reason
		c.mu.Unlock()
		c.in.release() // what follows means nothing
		c.readErr = closeReason(code, reason)
	}
}

// closeReason is what a Close frame means for who reads.
func closeReason(code int, reason string) error {
	if code == wsNormal || code == wsGoingAway || code == wsNoStatus {
		return io.EOF
	}
	said := ""
	if reason != "" {
		said = fmt.Sprintf(": %q", strings.TrimSpace(reason))
	}
	return &PeerError{Reason: "the peer closed with code " + wsCode(code) + said}
}

// A wsInput is what has come and was not understood yet. It borrows a buffer
// only while there is something in it.
type wsInput struct {
	decoder wsDecoder
	ready   bool // decoder.message is whole
	source  wsSource
	buf     *[wsBuffer]byte
	r, w    int
}

func (in *wsInput) init(transport net.Conn, rest []byte) {
	in.source.init(transport)
	if len(rest) > 0 {
		in.buf = wsBuffers.Get().(*[wsBuffer]byte)
		in.w = copy(in.buf[:], rest)
	}
}

func (in *wsInput) unread() []byte { return in.buf[in.r:in.w] }

// take marks n bytes as understood.
func (in *wsInput) take(n int) {
	if in.r += n; in.r == in.w {
		in.release()
	}
}

// release gives the buffer back, with what is in it.
func (in *wsInput) release() {
	if in.buf != nil {
		wsBuffers.Put(in.buf)
	}
	in.buf, in.r, in.w = nil, 0, 0
}

// fill waits for bytes. There are none unread.
func (in *wsInput) fill() error {
	buf, n, err := in.source.read()
	if n == 0 {
		if err == nil {
			err = io.ErrNoProgress
		}
		return err
	}
	in.buf, in.r, in.w = buf, 0, n
	return nil // an error comes again
}
