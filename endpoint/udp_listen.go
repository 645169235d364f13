package endpoint

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/netip"
	"sync"
	"sync/atomic"
	"time"
)

// A packetSocket is the socket under a peerListener: the host's UDP or unixgram
// one, or Mem's. It hands what arrives to peerListener.deliver.
type packetSocket interface {
	network() string // "udp" or "unixgram"
	addr() place

	// source prepares answering from local; the result is kept for the conversation.
	source(remote place, local netip.Addr) []byte

	// limit is the largest message to remote.
	limit(remote place) int

	// send sends p to c's peer, from c's local address. It may wait for the
	// peer as long as c is writable.
	send(p []byte, c *peerConn) error

	// resolve finds the place a names from this socket; many says that it is
	// more than one, and the socket then ignores what it hears itself say.
	resolve(ctx context.Context, s settings, a Addr) (to place, many bool, err error)

	// close releases the socket; nothing is delivered once it has returned.
	close() error
}

// A place is where datagrams come from and go to: an address and port, or the
// name of a unix socket. The zero place is a unix socket without a name.
type place struct {
	netip.AddrPort
	path string
}

func (p place) netAddr(network string) net.Addr {
	if network == "unixgram" {
		return &net.UnixAddr{Name: p.path, Net: network}
	}
	return net.UDPAddrFromAddrPort(p.AddrPort)
}

// A peerListener keeps the conversations of one socket apart.
//
//	socket ─► deliver ─► peers[remote, local] ─► inbox ─► Read
//	   ▲                      └─ new ─► accept ─► Accept
//	   └──────────── send ◄────────────────────── Write
type peerListener struct {
	sock     packetSocket
	idle     time.Duration // 0: never
	maxPeers int
	maxBytes int
	began    time.Time
	queued   atomic.Int64
	accept   chan *peerConn // sent to under mu only, and never when full
	done     chan struct{}  // closed when the listener is, or accepts no more

	// sole is a socket of one dialed conversation: strangers are ignored, and
	// the socket ends with it.
	sole bool

	// anyone, if not nil, is given what arrives from whomever: the one
	// conversation of a socket that speaks to many at once. See multicast.go.
	anyone *peerConn

	mu      sync.Mutex
	peers   map[place]*peerConn // by remote; a chain for several locals
	count   int
	dropped uint64
	refused uint64
	ended   error // why the listener ended; nil while it is open
	deaf    bool  // to strangers: done is closed

	// room, on a socket whose senders wait (unixgram), is signalled when there
	// may be some again. Nil: what has no room is dropped at once.
	room    *sync.Cond
	stalled bool // nobody accepts
}

// patience is how long one conversation that nobody reads may hold up the
// others of a socket whose senders wait. It is then dropped from, without
// another wait until its reader takes something.
const patience = time.Second

var _ DatagramListener = (*peerListener)(nil)

func newPeerListener(sock packetSocket, s settings) *peerListener {
	if s.backlog == 0 {
		s.backlog = defaultBacklog
	}
	return &peerListener{
		sock: sock, idle: s.idle, maxPeers: s.peers, maxBytes: s.queue, began: time.Now(),
		accept: make(chan *peerConn, min(s.backlog, s.peers)),
		done:   make(chan struct{}),
		peers:  make(map[place]*peerConn),
	}
}

// deliver puts one datagram into the conversation it belongs to, beginning one
// if need be. It copies p and does not block, unless the socket's senders wait.
func (l *peerListener) deliver(remote place, local netip.Addr, p []byte) {
	l.mu.Lock()
	defer l.mu.Unlock()
	c, ok := l.deliverLocked(remote, local, p)
	if !ok && l.room != nil && !l.stalledLocked(c) {
		until := time.Now().Add(patience)
		timer := time.AfterFunc(patience, l.makeRoom)
		defer timer.Stop()
		for !ok && time.Now().Before(until) {
			l.room.Wait()
			c, ok = l.deliverLocked(remote, local, p)
		}
	}
	switch {
	case ok:
	case c == nil:
		l.refused++
		l.stalled = true
	default:
		l.dropped++
		c.stalled = true
		c.drop()
	}
}

func (l *peerListener) stalledLocked(c *peerConn) bool {
	return c == nil && l.stalled || c != nil && c.stalled
}

// deliverLocked reports whether the datagram is dealt with; if not, c is the
// conversation whose queue is full, or nil when there is no room for another.
func (l *peerListener) deliverLocked(remote place, local netip.Addr, p []byte) (c *peerConn, ok bool) {
	if l.ended != nil {
		return nil, true
	}
	var from net.Addr
	c = l.anyone
	if c != nil {
		from = remote.netAddr(l.sock.network())
	} else {
		c = l.findLocked(remote, local)
	}
	if c == nil {
		if l.sole || l.deaf {
			return nil, true
		}
		if l.count >= l.maxPeers || len(l.accept) == cap(l.accept) {
			return nil, false
		}
		c = l.addLocked(remote, local, l.idle)
		l.accept <- c
	}
	c.spoke()
	c.heard.Add(1)
	// Under l.mu, so that a conversation cannot end between being found and
	// being given the datagram.
	return c, c.put(p, from)
}

// makeRoom wakes who waits in deliver.
func (l *peerListener) makeRoom() {
	if l.room != nil {
		l.mu.Lock()
		l.room.Broadcast()
		l.mu.Unlock()
	}
}

// findLocked returns the conversation of remote with local. One that we began
// knows no local address and takes them all.
func (l *peerListener) findLocked(remote place, local netip.Addr) *peerConn {
	for c := l.peers[remote]; c != nil; c = c.next {
		if c.local == local || !c.local.IsValid() {
			return c
		}
	}
	return nil
}

func (l *peerListener) addLocked(remote place, local netip.Addr, idle time.Duration) *peerConn {
	c := &peerConn{l: l, remote: remote, local: local, next: l.peers[remote]}
	if local.IsValid() {
		c.source = l.sock.source(remote, local)
	}
	c.inbox.init(l.maxBytes, &l.queued)
	l.peers[remote] = c
	l.count++
	c.spoke()
	if idle > 0 {
		c.idle = time.AfterFunc(idle, func() { l.expire(c) })
	}
	return c
}

// expire ends c if nobody who counts has spoken for the idle time, and else comes back
// when that could be so: a timer reset for each datagram would cost more.
func (l *peerListener) expire(c *peerConn) {
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
func (l *peerListener) forget(c *peerConn) error {
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

func (l *peerListener) removeLocked(c *peerConn) {
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
	if l.room != nil {
		l.stalled = false
		l.room.Broadcast()
	}
}

// Accept waits for the next peer that speaks and has no conversation.
func (l *peerListener) Accept() (net.Conn, error) {
	select {
	case <-l.done:
		return nil, l.acceptError()
	default:
	}
	select {
	case c := <-l.accept:
		if l.room != nil {
			l.mu.Lock()
			l.stalled = false
			l.mu.Unlock()
			l.makeRoom()
		}
		return c, nil
	case <-l.done:
		return nil, l.acceptError()
	}
}

func (l *peerListener) acceptError() error {
	l.mu.Lock()
	defer l.mu.Unlock()
	err := l.ended
	if err == nil {
		err = net.ErrClosed
	}
	return &net.OpError{Op: "accept", Net: l.sock.network(), Source: l.Addr(), Err: err}
}

// StopAccepting is for an orderly end: see DatagramListener.
func (l *peerListener) StopAccepting() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.stopLocked()
}

func (l *peerListener) stopLocked() {
	if !l.deaf {
		l.deaf = true
		close(l.done)
	}
	if l.room != nil {
		l.room.Broadcast()
	}
}

// Dial begins a conversation from the listener's socket, of which the options
// ip and timeout are the only ones left to choose. If the peer has one already
// the error wraps ErrPeerExists.
//
// A conversation with a multicast group or a broadcast address only sends: what
// anybody says, in answer or not, is a conversation with them, at Accept.
func (l *peerListener) Dial(ctx context.Context, a Addr) (net.Conn, error) {
	s, err := readSettingsFor("dial", a, dialFromSocket)
	if err != nil {
		return nil, err
	}
	switch {
	case a.Scheme != l.sock.network():
		return nil, opError("dial", a, fmt.Errorf("a %s socket speaks %[1]s only", l.sock.network()))
	case a.Scheme == "udp" && a.Port == 0:
		return nil, opError("dial", a, errPortZero)
	}
	if s.timeout > 0 {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, s.timeout)
		defer cancel()
	}
	remote, many, err := l.sock.resolve(ctx, s, a)
	if err != nil {
		return nil, opError("dial", a, err)
	}
	idle := l.idle
	if many {
		idle = 0 // there is no peer whose silence would tell anything
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
	return l.addLocked(remote, netip.Addr{}, idle), nil
}

// Addr returns the socket's address, with the port the system chose.
func (l *peerListener) Addr() net.Addr { return l.sock.addr().netAddr(l.sock.network()) }

// Stats may be called at any time, after Close too.
func (l *peerListener) Stats() DatagramStats {
	l.mu.Lock()
	defer l.mu.Unlock()
	return DatagramStats{Peers: l.count, Dropped: l.dropped, Refused: l.refused}
}

// Close ends the listener and all its conversations, and waits until nothing
// reads the socket any more.
func (l *peerListener) Close() error {
	closed := l.shut(net.ErrClosed)
	err := l.sock.close()
	if !closed && !l.sole {
		return &net.OpError{Op: "close", Net: l.sock.network(), Source: l.Addr(), Err: net.ErrClosed}
	}
	return err
}

// shut ends everything but the socket; reason is what Accept says. It reports
// whether the listener was open.
func (l *peerListener) shut(reason error) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.ended != nil {
		return false
	}
	l.ended = reason
	l.stopLocked()
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
