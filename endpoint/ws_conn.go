package endpoint

import (
	"crypto/tls"
	"errors"
	"io"
	"net"
	"sync"
	"sync/atomic"
	"syscall"
	"time"
)

// A WSConn is what a ws or wss address yields, its handshake done: RFC 6455.
//
// Each message is one WebSocket message, and ReadMessage and WriteMessage are
// how to keep their boundaries. Read loses nothing: what a message has beyond
// the buffer comes with the next Read, and an empty message is passed over.
//
// A message is sent as text if it is valid UTF-8, else as binary, unless the
// option type says which. One that comes as text and is not UTF-8, one longer
// than the option max, and any breach of the protocol end reading with an error
// that says so, and the conversation with the close code for it.
//
// CloseWrite sends a Close frame, and reading goes on until the peer's. The
// peer's is io.EOF, and we may still write then: section 5.5.1 lets a side
// finish what it has to say before it answers a Close. Browsers and most
// libraries, however, read nothing more once they have sent theirs. A code that
// means trouble, and an end without a Close frame, are errors; the latter is an
// io.ErrUnexpectedEOF, unless we had closed already.
//
// Pings are answered while somebody reads. No extension is spoken: messages are
// never compressed.
//
// An expired read deadline does no harm, wherever in a frame. One that cuts a
// message which is being written ends all later writing.
type WSConn interface {
	MessageConn
	Waiter
	CloseWrite() error

	// Text reports whether the message that was read last came as text. It is
	// for the goroutine that reads.
	Text() bool

	// Subprotocol is what was agreed on, "" for none.
	Subprotocol() string

	// RequestURI is the path, with its query, that the client asked for.
	RequestURI() string

	// CloseCode is the code of the peer's Close frame, and its reason: 1005 if
	// it had none, 0 as long as none was read.
	CloseCode() (code int, reason string)

	// ConnectionState is that of the TLSConn beneath: it tells who the peer is.
	// For ws it is the zero value.
	ConnectionState() tls.ConnectionState

	// NetConn is the connection beneath, to look at: a TLSConn for wss.
	NetConn() net.Conn
}

// wsBuffer is what is read and written at once.
const wsBuffer = 32 << 10

var wsBuffers = sync.Pool{New: func() any { return new([wsBuffer]byte) }}

// closeLinger is how long Close waits for the peer's Close frame, so that our
// last words are not lost in a reset: section 7.1.1.
const closeLinger = time.Second

// wsConn is a conversation over a connection whose handshake is done.
type wsConn struct {
	transport net.Conn
	scheme    string
	client    bool
	kind      wsType
	protocol  string
	uri       string

	// Held by whoever reads: a lock that a synctest bubble sees through.
	reading chan struct{}
	in      wsInput
	readErr error  // for good
	rest    []byte // of a message that Read has begun to hand out
	text    bool

	// Held by whoever writes.
	writing   chan struct{}
	writeErr  error  // for good
	tail      []byte // of a control frame that was cut: it goes first
	sentClose atomic.Bool
	begun     atomic.Bool // somebody has read or written

	mu       sync.Mutex
	closed   bool
	answer   []byte // the Pong that is owed
	owed     bool
	replying bool // a goroutine is at it
	replies  sync.WaitGroup
	peerCode int
	reason   string
	ourCode  int // what to close with; 0: as the peer did, or 1000
}

var _ WSConn = (*wsConn)(nil)

// newWSConn begins the conversation; rest was read with the handshake.
func newWSConn(transport net.Conn, client bool, rest []byte, limit int) *wsConn {
	c := &wsConn{transport: transport, client: client, scheme: "ws",
		reading: make(chan struct{}, 1), writing: make(chan struct{}, 1)}
	c.in.init(transport, rest)
	c.in.decoder.server, c.in.decoder.max = !client, limit
	return c
}

func (c *wsConn) LocalAddr() net.Addr  { return c.transport.LocalAddr() }
func (c *wsConn) RemoteAddr() net.Addr { return c.transport.RemoteAddr() }
func (c *wsConn) NetConn() net.Conn    { return c.transport }
func (c *wsConn) Text() bool           { return c.text }
func (c *wsConn) Subprotocol() string  { return c.protocol }
func (c *wsConn) RequestURI() string   { return c.uri }

func (c *wsConn) ConnectionState() tls.ConnectionState {
	if t, ok := c.transport.(TLSConn); ok {
		return t.ConnectionState()
	}
	return tls.ConnectionState{}
}

func (c *wsConn) CloseCode() (code int, reason string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.peerCode, c.reason
}

func (c *wsConn) SetDeadline(t time.Time) error {
	return errors.Join(c.SetReadDeadline(t), c.SetWriteDeadline(t))
}

func (c *wsConn) SetReadDeadline(t time.Time) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.closed {
		return c.opError("set", net.ErrClosed)
	}
	return c.transport.SetReadDeadline(t)
}

func (c *wsConn) SetWriteDeadline(t time.Time) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.closed {
		return c.opError("set", net.ErrClosed)
	}
	return c.transport.SetWriteDeadline(t)
}

func (c *wsConn) isClosed() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.closed
}

// opError is err as package net would put it. Once we have closed that is the
// reason for everything.
func (c *wsConn) opError(op string, err error) error {
	if err == nil || err == io.EOF {
		return err
	}
	var already *net.OpError
	if errors.As(err, &already) && already.Op == op {
		return err
	}
	return &net.OpError{Op: op, Net: c.scheme, Source: c.LocalAddr(), Addr: c.RemoteAddr(), Err: err}
}

// Close sends a Close frame, if CloseWrite did not, waits a second at most for
// the peer's, and closes the connection. Who reads or writes meanwhile fails
// with net.ErrClosed at once. A conversation that nobody has begun to read or
// write is not waited for.
func (c *wsConn) Close() error {
	c.mu.Lock()
	if c.closed {
		c.mu.Unlock()
		return c.opError("close", net.ErrClosed)
	}
	c.closed = true
	_ = c.transport.SetReadDeadline(past) // who reads leaves now
	_ = c.transport.SetWriteDeadline(time.Now().Add(closeWait))
	c.mu.Unlock()
	c.writing <- struct{}{}
	said := c.closeWriteHeld() == nil
	<-c.writing
	c.reading <- struct{}{}
	if said && c.begun.Load() {
		c.linger()
	}
	<-c.reading
	err := c.transport.Close()
	c.replies.Wait()
	return c.opError("close", err)
}

// lingerLimit is how much Close reads away.
const lingerLimit = 1 << 20

// linger reads until the peer's Close frame, or, if the peer was at fault, until
// it ends the connection.
func (c *wsConn) linger() {
	if code, _ := c.CloseCode(); code != 0 || c.readErr == io.EOF {
		return
	}
	if c.readErr != nil { // a fault: a peer that still sends would be reset
		if half, ok := c.transport.(interface{ CloseWrite() error }); !ok || half.CloseWrite() != nil {
			return
		}
	}
	_ = c.transport.SetReadDeadline(time.Now().Add(closeLinger))
	for total := 0; total < lingerLimit; {
		if c.in.r == c.in.w {
			if c.in.fill() != nil {
				return
			}
			total += c.in.w
		}
		if c.readErr != nil {
			c.in.release()
			continue
		}
		n, ev, err := c.in.decoder.next(c.in.unread())
		c.in.take(n)
		c.in.decoder.message = nil
		switch {
		case err != nil:
			c.readErr = err
		case ev == wsControl && c.in.decoder.frame.op == wsClose:
			return
		}
	}
}

var (
	errWSCut   = errors.New("an earlier message was cut off while being sent")
	errNoClose = &PeerError{Reason: "the peer ended without a close frame: the end may have been cut off",
		Hint: "it crashed, or something in between gave up", Err: io.ErrUnexpectedEOF}
	errInsideMessage = &PeerError{Reason: "the peer ended inside a message: what it sent last is cut off", Err: io.ErrUnexpectedEOF}
)

// errBrokenPipe is what writing after our own end is, as with other conns.
var errBrokenPipe error = syscall.EPIPE
