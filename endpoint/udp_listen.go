package endpoint

import (
	"context"
	"errors"
	"io"
	"net"
	"net/netip"
	"sync"
	"sync/atomic"
	"time"
)

// A packetSocket is the socket under a udpListener: the host's or Mem's. It
// hands what arrives to udpListener.deliver.
type packetSocket interface {
	addr() netip.AddrPort

	// source prepares answering from local; the result is kept for the conversation.
	source(remote, local netip.Addr) []byte

	// send sends p to c's peer, from c's local address.
	send(p []byte, c *peerConn) error

	// resolve finds the address a names from this socket.
	resolve(ctx context.Context, ip string, a Addr) (netip.AddrPort, error)

	// close releases the socket; nothing is delivered once it has returned.
	close() error
}

// A udpListener keeps the conversations of one socket apart.
//
//	socket ─► deliver ─► peers[remote, local] ─► inbox ─► Read
//	   ▲                      └─ new ─► accept ─► Accept
//	   └──────────── send ◄────────────────────── Write
type udpListener struct {
	sock     packetSocket
	idle     time.Duration // 0: never
	maxPeers int
	maxBytes int
	began    time.Time
	queued   atomic.Int64
	accept   chan *peerConn // sent to under mu only, and never when full
	done     chan struct{}  // closed when the listener is

	// sole is a socket of one dialed conversation: strangers are ignored, and
	// the socket ends with it.
	sole bool

	mu      sync.Mutex
	peers   map[netip.AddrPort]*peerConn // by remote; a chain for several locals
	count   int
	dropped uint64
	refused uint64
	ended   error // why the listener ended; nil while it is open
}

var _ DatagramListener = (*udpListener)(nil)

func newUDPListener(sock packetSocket, s settings) *udpListener {
	if s.backlog == 0 {
		s.backlog = defaultBacklog
	}
	return &udpListener{
		sock: sock, idle: s.idle, maxPeers: s.peers, maxBytes: s.queue, began: time.Now(),
		accept: make(chan *peerConn, min(s.backlog, s.peers)),
		done:   make(chan struct{}),
		peers:  make(map[netip.AddrPort]*peerConn),
	}
}

// deliver puts one datagram into the conversation it belongs to, beginning one
// if need be. It copies p and does not block.
func (l *udpListener) deliver(remote netip.AddrPort, local netip.Addr, p []byte) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.ended != nil {
		return
	}
	c := l.findLocked(remote, local)
	if c == nil {
		if l.sole {
			return
		}
		if l.count >= l.maxPeers || len(l.accept) == cap(l.accept) {
			l.refused++
			return
		}
		c = l.addLocked(remote, local)
		l.accept <- c
	}
	c.spoke()
	// Under l.mu, so that a conversation cannot end between being found and
	// being given the datagram.
	if !c.put(p) {
		l.dropped++
	}
}

// findLocked returns the conversation of remote with local. One that we began
// knows no local address and takes them all.
func (l *udpListener) findLocked(remote netip.AddrPort, local netip.Addr) *peerConn {
	for c := l.peers[remote]; c != nil; c = c.next {
		if c.local == local || !c.local.IsValid() {
			return c
		}
	}
	return nil
}

func (l *udpListener) addLocked(remote netip.AddrPort, local netip.Addr) *peerConn {
	c := &peerConn{l: l, remote: remote, local: local, next: l.peers[remote]}
	if local.IsValid() {
		c.source = l.sock.source(remote.Addr(), local)
	}
	c.inbox.init(l.maxBytes, &l.queued)
	l.peers[remote] = c
	l.count++
	c.spoke()
	if l.idle > 0 {
		c.idle = time.AfterFunc(l.idle, func() { l.expire(c) })
	}
	return c
}

// expire ends c if nobody has spoken for the idle time, and else comes back
// when that could be so: a timer reset for each datagram would cost more.
func (l *udpListener) expire(c *peerConn) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if c.gone {
		return
	}
	silent := time.Since(l.began) - time.Duration(c.lastSpoke.Load())
	if silent < l.idle {
		c.idle.Reset(l.idle - silent)
		return
	}
	l.removeLocked(c)
	c.end(io.EOF)
}

// forget takes a closed conversation out.
func (l *udpListener) forget(c *peerConn) error {
	l.mu.Lock()
	if !c.gone {
		l.removeLocked(c)
	}
	l.mu.Unlock()
	if l.sole {
		return l.Close()
	}
	return nil
}

func (l *udpListener) removeLocked(c *peerConn) {
	c.gone = true
	if c.idle != nil {
		c.idle.Stop()
	}
	l.count--
	first := l.peers[c.remote]
	switch {
	case first != c:
		for first.next != c {
			first = first.next
		}
		first.next = c.next
	case c.next != nil:
		l.peers[c.remote] = c.next
	default:
		delete(l.peers, c.remote)
	}
	c.next = nil
}

// Accept waits for the next peer that speaks and has no conversation.
func (l *udpListener) Accept() (net.Conn, error) {
	select {
	case <-l.done:
		return nil, l.acceptError()
	default:
	}
	select {
	case c := <-l.accept:
		return c, nil
	case <-l.done:
		return nil, l.acceptError()
	}
}

func (l *udpListener) acceptError() error {
	l.mu.Lock()
	defer l.mu.Unlock()
	return &net.OpError{Op: "accept", Net: "udp", Source: l.Addr(), Err: l.ended}
}

// Dial begins a conversation from the listener's socket, of which the options
// ip and timeout are the only ones left to choose. If the peer has one already
// the error wraps ErrPeerExists.
func (l *udpListener) Dial(ctx context.Context, a Addr) (net.Conn, error) {
	s, err := readSettingsFor("dial", a, dialFromSocket)
	if err != nil {
		return nil, err
	}
	switch {
	case a.Scheme != "udp":
		return nil, opError("dial", a, errors.New("a udp socket speaks udp only"))
	case isMulticast(a.Host):
		return nil, opError("dial", a, errMulticast)
	case a.Port == 0:
		return nil, opError("dial", a, errPortZero)
	}
	if s.timeout > 0 {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, s.timeout)
		defer cancel()
	}
	remote, err := l.sock.resolve(ctx, s.ip, a)
	if err != nil {
		return nil, opError("dial", a, err)
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	switch {
	case l.ended != nil:
		return nil, opError("dial", a, l.ended)
	case l.peers[remote] != nil:
		return nil, opError("dial", a, ErrPeerExists)
	case l.count >= l.maxPeers:
		return nil, opError("dial", a, errors.New("the socket has as many conversations as its option peers allows"))
	}
	return l.addLocked(remote, netip.Addr{}), nil
}

// Addr returns the socket's address, with the port the system chose.
func (l *udpListener) Addr() net.Addr { return net.UDPAddrFromAddrPort(l.sock.addr()) }

// Stats may be called at any time, after Close too.
func (l *udpListener) Stats() DatagramStats {
	l.mu.Lock()
	defer l.mu.Unlock()
	return DatagramStats{Peers: l.count, Dropped: l.dropped, Refused: l.refused}
}

// Close ends the listener and all its conversations, and waits until nothing
// reads the socket any more.
func (l *udpListener) Close() error {
	closed := l.shut(net.ErrClosed)
	err := l.sock.close()
	if !closed && !l.sole {
		return &net.OpError{Op: "close", Net: "udp", Source: l.Addr(), Err: net.ErrClosed}
	}
	return err
}

// shut ends everything but the socket; reason is what Accept says. It reports
// whether the listener was open.
func (l *udpListener) shut(reason error) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.ended != nil {
		return false
	}
	l.ended = reason
	close(l.done)
	for _, c := range l.peers {
		for c != nil {
			next := c.next
			l.removeLocked(c)
			if reason == net.ErrClosed {
				c.inbox.close()
			} else {
				c.end(reason)
			}
			c = next
		}
	}
	return true
}
