package endpoint

import (
	"crypto/tls"
	"errors"
	"io"
	"net"
	"sync"
	"sync/atomic"
	"time"
)

// A TLSConn is what a tls address yields, its handshake done.
//
// CloseWrite sends close_notify and leaves reading as it is (RFC 8446, section
// 6.1). Python's ssl and socat go on sending then; ncat and the openssl command
// end the conversation, as TLS 1.2 told them to: whoever wants their answer has
// to leave his side open until it is there.
//
// A peer may end its stream without close_notify: ncat and Python's ssl always
// do. At the end of a record that is io.EOF, as in crypto/tls, and CloseNotified
// tells the difference: somebody in between could have cut the stream short.
// With the option closenotify it is an error, and inside a record it always is.
//
// An expired read deadline does no harm. After an expired write deadline every
// later write fails: part of a record may be under way, and cannot be taken
// back (see crypto/tls.Conn.SetWriteDeadline).
type TLSConn interface {
	net.Conn
	CloseWrite() error

	// ConnectionState tells the version, the certificates, and the protocol
	// agreed on.
	ConnectionState() tls.ConnectionState

	// NetConn is the socket beneath, to look at: bytes written to it would
	// break the conversation.
	NetConn() net.Conn

	// CloseNotified reports whether reading has ended because the peer said so.
	CloseNotified() bool
}

// tlsConn is a tls.Conn that says in words what went wrong.
type tlsConn struct {
	*tls.Conn
	socket *tlsSocket
	client bool
	strict bool // the option closenotify
	eof    atomic.Bool
}

var _ TLSConn = (*tlsConn)(nil)

func newTLSConn(socket net.Conn, cfg *tls.Config, client, strict bool) *tlsConn {
	c := &tlsConn{socket: &tlsSocket{Conn: socket}, client: client, strict: strict}
	if client {
		c.Conn = tls.Client(c.socket, cfg)
	} else {
		c.Conn = tls.Server(c.socket, cfg)
	}
	return c
}

var (
	errNoCloseNotify = &PeerError{Reason: "the peer ended without close_notify: the end may have been cut off",
		Hint: "many programs end like that; closenotify=off takes it for the end", Err: io.ErrUnexpectedEOF}
	errInsideRecord = &PeerError{Reason: "the peer ended inside a TLS record: what it sent last is cut off", Err: io.ErrUnexpectedEOF}
)

func (c *tlsConn) Read(p []byte) (int, error) {
	n, err := c.Conn.Read(p)
	if err == nil {
		return n, nil
	}
	switch {
	case err == io.EOF:
		c.eof.Store(true)
		if c.strict && c.socket.ended.Load() {
			err = c.opError("read", errNoCloseNotify)
		}
	case err == io.ErrUnexpectedEOF:
		err = c.opError("read", errInsideRecord)
	default:
		if pe := alertReason(err, c.client); pe != nil {
			err = c.opError("read", pe)
		}
	}
	return n, err
}

func (c *tlsConn) Write(p []byte) (int, error) {
	n, err := c.Conn.Write(p)
	if pe := alertReason(err, c.client); pe != nil {
		err = c.opError("write", pe)
	}
	return n, err
}

func (c *tlsConn) opError(op string, err error) error {
	return &net.OpError{Op: op, Net: "tls", Source: c.LocalAddr(), Addr: c.RemoteAddr(), Err: err}
}

// CloseNotified implements TLSConn.
func (c *tlsConn) CloseNotified() bool { return c.eof.Load() && !c.socket.ended.Load() }

// NetConn implements TLSConn.
func (c *tlsConn) NetConn() net.Conn { return c.socket.Conn }

func (c *tlsConn) SetDeadline(t time.Time) error {
	return errors.Join(c.SetReadDeadline(t), c.SetWriteDeadline(t))
}

func (c *tlsConn) SetWriteDeadline(t time.Time) error { return c.socket.limitWrites(t) }

// closeWait is how long Close waits for room for a close_notify that was not
// sent yet. crypto/tls would wait 5 s for a peer that reads nothing.
const closeWait = 100 * time.Millisecond

// Close says close_notify, if CloseWrite did not, and closes the socket. That a
// peer which is gone already was not told is no error.
func (c *tlsConn) Close() error {
	c.socket.hurry(time.Now().Add(closeWait))
	if err := c.Conn.Close(); errors.Is(err, net.ErrClosed) {
		return err
	}
	return c.socket.closeErr
}

// A tlsSocket is the socket beneath a tls.Conn. It sees what crypto/tls does
// not tell: whether the socket ended. And it keeps crypto/tls, which sets a
// write deadline of its own for close_notify, within its owner's.
type tlsSocket struct {
	net.Conn
	ended    atomic.Bool
	closeErr error // of Close, which crypto/tls calls once

	mu    sync.Mutex
	limit time.Time // the owner's write deadline
}

func (s *tlsSocket) Read(p []byte) (int, error) {
	n, err := s.Conn.Read(p)
	if err == io.EOF {
		s.ended.Store(true)
	}
	return n, err
}

func (s *tlsSocket) Close() error {
	s.closeErr = s.Conn.Close()
	return s.closeErr
}

// SetWriteDeadline is called by crypto/tls.
func (s *tlsSocket) SetWriteDeadline(t time.Time) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if !s.limit.IsZero() && s.limit.Before(t) {
		t = s.limit
	}
	return s.Conn.SetWriteDeadline(t)
}

// limitWrites is SetWriteDeadline for the owner.
func (s *tlsSocket) limitWrites(t time.Time) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.limit = t
	return s.Conn.SetWriteDeadline(t)
}

// hurry sets the owner's write deadline to t unless it is earlier.
func (s *tlsSocket) hurry(t time.Time) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.limit.IsZero() || t.Before(s.limit) {
		s.limit = t
		_ = s.Conn.SetWriteDeadline(t)
	}
}
