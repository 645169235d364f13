package endpoint

import (
	"crypto/rand"
	"errors"
	"net"
	"unicode/utf8"
)

// wsType is the option type: which kind of message ours are.
type wsType uint8

const (
	wsTypeAuto wsType = iota // text if it is UTF-8
	wsTypeText
	wsTypeBinary
)

var errNotText = errors.New("a message that is not UTF-8 cannot be sent as text (type=text)")

// WriteMessage sends p as one message, in one frame. If a deadline cuts it,
// every later write fails.
func (c *wsConn) WriteMessage(p []byte) error {
	_, err := c.Write(p)
	return err
}

// Write sends p as one message; n is how much of it is known to be under way.
func (c *wsConn) Write(p []byte) (n int, err error) {
	op := byte(wsBinary)
	if c.kind != wsTypeBinary && utf8.Valid(p) { // section 5.6
		op = wsText
	}
	if c.kind == wsTypeText && op != wsText {
		return 0, c.opError("write", errNotText)
	}
	c.writing <- struct{}{}
	defer func() { <-c.writing }()
	c.begun.Store(true)
	n, err = c.send(op, p)
	if err != nil && c.isClosed() {
		err = net.ErrClosed
	}
	return n, c.opError("write", err)
}

// CloseWrite sends a Close frame: we have nothing more to say.
func (c *wsConn) CloseWrite() error {
	c.writing <- struct{}{}
	defer func() { <-c.writing }()
	if c.isClosed() {
		return c.opError("close", net.ErrClosed)
	}
	return c.opError("close", c.closeWriteHeld())
}

// closeWriteHeld says that we end: with the code of the peer's Close if that
// came first (section 5.5.1), with that of its fault, or with 1000.
func (c *wsConn) closeWriteHeld() error {
	if c.sentClose.Load() {
		return c.sendTail()
	}
	c.mu.Lock()
	code := wsNormal
	switch {
	case c.ourCode != 0:
		code = c.ourCode
	case c.peerCode != 0:
		code = c.peerCode
	}
	c.mu.Unlock()
	_, err := c.send(wsClose, appendWSClose(nil, code))
	return err
}

// send writes one frame, with the right to write held.
func (c *wsConn) send(op byte, p []byte) (n int, err error) {
	if c.writeErr != nil {
		return 0, c.writeErr
	}
	if c.sentClose.Load() {
		return 0, errBrokenPipe
	}
	if err := c.sendTail(); err != nil {
		return 0, err
	}
	buf := wsBuffers.Get().(*[wsBuffer]byte)
	defer wsBuffers.Put(buf)
	h := wsHeader{fin: true, op: op, masked: c.client, length: int64(len(p))}
	if h.masked {
		rand.Read(h.mask[:]) // it never fails
	}
	out := appendWSHeader(buf[:0], h)
	sent, overhead := 0, len(out)
	for rest, pos := p, int64(0); ; {
		at := len(out)
		part := rest[:min(len(rest), wsBuffer-at)]
		out, rest = append(out, part...), rest[len(part):]
		if h.masked {
			maskWS(out[at:], h.mask, pos)
			pos += int64(len(part))
		}
		m, err := c.transport.Write(out)
		if sent += m; err != nil {
			c.cut(op, sent, out[m:])
			return max(sent-overhead, 0), err
		}
		if len(rest) == 0 {
			break
		}
		out = buf[:0]
		if !h.masked { // the rest goes as it is
			m, err := c.transport.Write(rest)
			if sent += m; err != nil {
				c.cut(op, sent, nil)
				return sent - overhead, err
			}
			break
		}
	}
	if op == wsClose {
		c.sentClose.Store(true)
	}
	return len(p), nil
}

// cut says what it means that a frame was sent in part. The tail of a control
// frame is short, and ours: it is kept for later.
func (c *wsConn) cut(op byte, sent int, left []byte) {
	switch {
	case sent == 0: // it was not begun
	case op < wsClose:
		c.writeErr = errWSCut
	default:
		c.tail = append(c.tail, left...)
		if op == wsClose {
			c.sentClose.Store(true)
		}
	}
}

// sendTail writes what is left of a control frame.
func (c *wsConn) sendTail() error {
	if len(c.tail) == 0 {
		return nil
	}
	n, err := c.transport.Write(c.tail)
	if c.tail = c.tail[n:]; len(c.tail) == 0 {
		c.tail = nil
	}
	return err
}

// owe makes a Pong with payload be sent as soon as nobody else writes. Of
// several that are owed only the last is (section 5.5.3): a peer that sends
// pings and reads nothing costs us no memory. The reader does not send it
// itself, for then a peer that reads nothing would not be read from, either.
func (c *wsConn) owe(payload []byte) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.closed || c.sentClose.Load() {
		return
	}
	c.answer, c.owed = append(c.answer[:0], payload...), true
	if !c.replying {
		c.replying = true
		c.replies.Add(1) // Close waits for it
		go c.reply()
	}
}

// reply sends what is owed. A Pong that cannot be sent now is not sent at all:
// whoever writes next finds out why.
func (c *wsConn) reply() {
	defer c.replies.Done()
	var pong [maxWSControl]byte
	for {
		c.writing <- struct{}{}
		c.mu.Lock()
		n := copy(pong[:], c.answer)
		if c.replying = c.owed && !c.closed; !c.replying {
			c.answer = nil
			c.mu.Unlock()
			<-c.writing
			return
		}
		c.owed = false
		c.mu.Unlock()
		_, _ = c.send(wsPong, pong[:n])
		<-c.writing
	}
}
