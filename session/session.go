// Package session is the heart of Sockeye: a conversation over a connection.
//
// A [Session] cuts what a connection brings into messages (package frame),
// reads them as text (package charset) when somebody asks for the text, and
// writes messages the other way. A [Handler] holds one conversation; a
// [Server] accepts conversations and hands each to its handler. It is not a
// way to the network: connections come from package endpoint or from anywhere
// else that makes a net.Conn.
//
//	srv := session.Server{Handler: session.HandlerFunc(func(ctx context.Context, s *session.Session) error {
//		m, err := s.Recv(ctx)
//		if err != nil {
//			return err
//		}
//		return s.Send(ctx, session.Text("heard "+m.String()))
//	})}
//	err := srv.Serve(ctx, listener)
package session

import (
	"context"
	"errors"
	"net"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/time/rate"

	"sockeye.dev/charset"
	"sockeye.dev/frame"
	"sockeye.dev/observe"
)

// Handler holds one conversation. Serve returns when the conversation is over:
// nil or io.EOF when it ended well. The server, not the handler, closes the
// connection.
type Handler interface {
	Serve(ctx context.Context, s *Session) error
}

// HandlerFunc is a function that is a [Handler].
type HandlerFunc func(ctx context.Context, s *Session) error

// Serve calls f.
func (f HandlerFunc) Serve(ctx context.Context, s *Session) error { return f(ctx, s) }

// Config is what every conversation of a command or server has in common. It
// is read, never written, after the first session uses it, so that one Config
// serves any number of sessions. The zero value is ready.
type Config struct {
	// Format is how each conversation begins. Default: raw (a datagram is a
	// message), text in UTF-8, strict.
	Format Format
	// MaxMessage is the longest message in bytes. Default: 1 MiB.
	MaxMessage int
	// Oversize says what becomes of longer ones. Default: pieces marked More.
	Oversize frame.Oversize
	// Idle ends a conversation in which nothing was received for so long:
	// Recv fails with [ErrIdle]. Default: never.
	Idle time.Duration
	// Outbox is how many bytes TrySend may hold back for a peer whose socket
	// is full. Default: 512 KiB.
	Outbox int
	// Linger is how long Close waits for what is on its way. Default: 2 s.
	Linger time.Duration
	// Amplify limits what is sent to a datagram peer that has not proved its
	// address to so many times what it sent us (RFC 9000, section 8.1), and to
	// 1,000 messages a second, so that two programs that answer everything
	// cannot keep each other busy. Loopback peers are exempt. A datagram over
	// the limit is dropped and observed as lost. Default: no limit.
	Amplify float64
	// Observer sees each conversation's events. Default: nobody.
	Observer observe.Observer
}

func (c *Config) outbox() int {
	if c.Outbox > 0 {
		return c.Outbox
	}
	return 512 << 10
}

func (c *Config) linger() time.Duration {
	if c.Linger > 0 {
		return c.Linger
	}
	return 2 * time.Second
}

// Errors that end a conversation. Both wrap what net would say.
var (
	// ErrIdle says that the peer was silent for longer than Config.Idle.
	ErrIdle error = &timeoutError{"the conversation was silent for too long"}
	// ErrOutboxFull says that the peer reads more slowly than we have to say.
	ErrOutboxFull = errors.New("the peer reads too slowly: its outbox is full")
	// ErrCut says that an earlier Send was interrupted inside a message: to
	// send more would tear the frame.
	ErrCut = errors.New("an earlier message was cut off while being sent")
)

type timeoutError struct{ s string }

func (e *timeoutError) Error() string { return e.s }
func (e *timeoutError) Timeout() bool { return true }

// Capabilities found on connections by assertion. See package endpoint.
type (
	messageConn interface {
		ReadMessage(dst []byte) ([]byte, error)
		WriteMessage(p []byte) error
	}
	readWaiter  interface{ WaitRead() error }
	tryWriter   interface{ TryWrite(p []byte) (int, error) }
	closeWriter interface{ CloseWrite() error }
	fromer      interface{ From() net.Addr }
)

// Session is one conversation over one connection. Recv is for one goroutine
// at a time; everything else may be called by any goroutine at any time. A
// session that waits for bytes holds no buffer.
type Session struct {
	// What TrySend needs stands together: of a thousand sessions that are
	// written to in turn, none is still in the processor's cache.
	format atomic.Pointer[settled]
	spoken atomic.Pointer[charset.Encoding] // what an auto peer has shown to speak
	cfg    *Config
	put    atomic.Int64 // bytes sent; owned, but for reading, by who has the outbox's token
	out    outbox
	from   source

	conn   net.Conn
	base   context.Context // the server's: it interrupts us itself when this ends
	served error           // what the server's handler returned
	id     uint64

	// Owned by the goroutine that calls Recv.
	in                 frame.Reader
	inAs               *settled // the format in and dec were made for
	dec                *charset.Decoder
	recvErr            error
	look               Opening      // nil: what the conversation begins with is known
	heard              time.Time    // when something came last, or was first waited for; with Config.Idle
	got                atomic.Int64 // bytes received
	gotEOF, recvFailed atomic.Bool

	// Deadlines of both directions, kept in step with contexts.
	read, write deadline

	// Owned by who has the outbox's token.
	enc    *charset.Encoder
	encAs  encoderKey
	limit  *rate.Limiter
	proved atomic.Bool

	// Owned by the goroutine that calls Recv; here they take no room.
	tail bool // the half character at the end was handed out
	held bool // what has come is no message yet: look has not made up its mind, or did not like it

	dropped atomic.Int64
	once    sync.Once
}

var lastID atomic.Uint64

// New begins a conversation over conn, which stays the caller's to close, best
// through [Session.Close]. A nil cfg is the zero Config; it must not change
// while the session lives.
func New(conn net.Conn, cfg *Config) *Session {
	return begin(conn, cfg, nil)
}

// begin is New; of those who begin with the same cfg and last, one after the
// other, each takes over the settled format of the one before.
func begin(conn net.Conn, cfg *Config, last *atomic.Pointer[settled]) *Session {
	if cfg == nil {
		cfg = new(Config)
	}
	s := &Session{conn: conn, cfg: cfg, id: lastID.Add(1)}
	s.from.init(conn)
	if s.from.raw != nil {
		s.out.kernel = s.from.raw.rc
	}
	s.read.conn, s.write.conn, s.write.write = conn, conn, true
	s.in.Max, s.in.Oversize = cfg.MaxMessage, cfg.Oversize
	if last == nil {
		s.SetFormat(cfg.Format)
	} else if f := last.Load(); f != nil && f.messages == (s.from.message != nil) {
		s.format.Store(f)
	} else {
		s.SetFormat(cfg.Format)
		last.Store(s.format.Load())
	}
	if cfg.Amplify > 0 && s.Datagram() && !loopback(conn.RemoteAddr()) {
		s.limit = rate.NewLimiter(1000, 1000)
	}
	s.observe(observe.Event{Kind: observe.Open})
	return s
}

// ID tells this conversation from all others of the process, in the order in
// which they began, from 1.
func (s *Session) ID() uint64 { return s.id }

// Peer is the address at the other end.
func (s *Session) Peer() net.Addr { return s.conn.RemoteAddr() }

// From is who sent the message that was received last: Peer, but where we
// speak to many (broadcast, multicast) and any of them may answer. For the
// goroutine that calls Recv.
func (s *Session) From() net.Addr {
	if c, ok := s.conn.(fromer); ok {
		if a := c.From(); a != nil {
			return a
		}
	}
	return s.Peer()
}

// Local is our own address.
func (s *Session) Local() net.Addr { return s.conn.LocalAddr() }

// Datagram reports whether what is sent are messages of their own, each of
// which arrives or does not, and nobody says that there are no more. (A
// WebSocket has messages, and an end.)
func (s *Session) Datagram() bool { return s.from.message != nil && !s.from.ends }

// Bounded reports whether what is sent at once is one message to the peer, as
// with datagrams and WebSockets.
func (s *Session) Bounded() bool { return s.from.message != nil }

// Received and Sent count the bytes of the connection so far.
func (s *Session) Received() int64 { return s.got.Load() }

// Sent counts the bytes written to the connection so far.
func (s *Session) Sent() int64 { return s.put.Load() }

// Conn is the connection itself, for bytes that nobody looks at: ok is false
// where somebody does (an observer, an idle limit), where the connection has
// boundaries of its own, or where bytes were already received. It is asked
// before the first Recv. Whoever takes it leaves Recv and Send alone and tells
// [Session.Count] what went by.
func (s *Session) Conn() (conn net.Conn, ok bool) {
	return s.conn, s.cfg.Observer == nil && s.cfg.Idle == 0 && s.from.message == nil && s.in.Buffered() == 0
}

// Count adds bytes that went past the session on its raw connection.
func (s *Session) Count(received, sent int64) {
	s.got.Add(received)
	s.put.Add(sent)
}

func (s *Session) observe(e observe.Event) {
	if s.cfg.Observer == nil {
		return
	}
	e.Conv, e.Time = s.id, time.Now()
	e.Local, e.Remote = s.conn.LocalAddr(), s.conn.RemoteAddr()
	if e.Remote != nil {
		e.Network = e.Remote.Network()
	}
	s.cfg.Observer.Observe(e)
}

func loopback(a net.Addr) bool {
	switch a := a.(type) {
	case *net.UDPAddr:
		return a.IP.IsLoopback()
	case *net.TCPAddr:
		return a.IP.IsLoopback()
	}
	return true // a Unix socket or memory: there is no address to forge
}
