package endpoint

import (
	"context"
	"net"
)

// A Network opens addresses. The two in this package are Host, the machine's
// own sockets, and Mem, a network in memory.
//
// Dial and Listen take every option that is still in the Addr; one they do not
// know, or that does not apply to what is being done, is an *OptionError.
// System errors are *net.OpError, or wrap it. The context bounds Dial and
// Listen themselves, not what they return. Both may be called by any number of
// goroutines at once; whoever calls closes what is returned.
type Network interface {
	Dial(ctx context.Context, a Addr) (net.Conn, error)
	Listen(ctx context.Context, a Addr) (net.Listener, error)
}

// A Dialer begins conversations from a socket that is already open: a datagram
// listener is one. The peer then sees the listener's port as ours.
type Dialer interface {
	Dial(ctx context.Context, a Addr) (net.Conn, error)
}

// A MessageConn keeps message boundaries: each write is one message, and each
// read yields one. A message may be empty.
//
// Read fills a buffer too small for the message, returns io.ErrShortBuffer and
// drops the rest; ReadMessage has no such limit. A [WSConn], which is reliable,
// loses nothing: there the rest comes with the next Read.
type MessageConn interface {
	net.Conn

	// ReadMessage appends one whole message to dst and returns the result. On
	// error it returns dst as it was.
	ReadMessage(dst []byte) ([]byte, error)

	// WriteMessage sends p as one message, or nothing. A message too large for
	// the transport is a *MessageSizeError that names the limit.
	WriteMessage(p []byte) error
}

// A Fromer tells who sent the message that was read last. In a conversation
// with many - a multicast group or a broadcast address that was dialed -
// RemoteAddr is the address spoken to and anyone may answer; in others From is
// RemoteAddr. It is for the goroutine that reads.
type Fromer interface {
	From() net.Addr
}

// A Waiter can wait for input without holding a buffer for it.
type Waiter interface {
	// WaitRead blocks until a read would not block, because of data, the end
	// of the stream or an error, and returns nil. It returns an error that
	// wraps os.ErrDeadlineExceeded when the read deadline passes first, and
	// net.ErrClosed when the conn is closed on our side.
	WaitRead() error
}

// A TryWriter can write without blocking.
type TryWriter interface {
	// TryWrite writes as much of p as fits now and returns how much that was;
	// 0 and nil when nothing fits.
	TryWrite(p []byte) (n int, err error)
}
