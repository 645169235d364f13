package endpoint

import (
	"context"
	"net"
	"net/netip"
	"sync"
)

// A memListener accepts Mem's streams.
type memListener struct {
	m      *Mem
	key    memKey
	addr   net.Addr
	size   int // of a stream's direction
	accept chan *pipeConn
	done   chan struct{}
	once   sync.Once
}

var _ net.Listener = (*memListener)(nil)

func (m *Mem) listenStream(a Addr, s settings) (net.Listener, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	key := memKey{scheme: a.Scheme, path: a.Path}
	if a.Scheme == "tcp" {
		ip, err := m.hostLocked(a.Host, s.ip, anyAddr(s.ip))
		if err != nil {
			return nil, err
		}
		port := a.Port
		if port == 0 {
			if port, err = m.freePortLocked(); err != nil {
				return nil, err
			}
		}
		key.addr = netip.AddrPortFrom(ip, port)
	}
	if m.streams[key] != nil {
		return nil, errInUse
	}
	if m.streams == nil {
		m.streams = make(map[memKey]*memListener)
	}
	l := &memListener{
		m: m, key: key, addr: key.netAddr(),
		size:   max(s.rcvbuf, s.sndbuf),
		accept: make(chan *pipeConn, max(s.backlog, 128)),
		done:   make(chan struct{}),
	}
	if s.backlog > 0 {
		l.accept = make(chan *pipeConn, s.backlog)
	}
	if l.size == 0 {
		l.size = defaultPipe
	}
	m.streams[key] = l
	return l, nil
}

// netAddr is the address as package net has it.
func (k memKey) netAddr() net.Addr {
	switch k.scheme {
	case "tcp":
		return net.TCPAddrFromAddrPort(k.addr)
	case "unix":
		return &net.UnixAddr{Name: k.path, Net: "unix"}
	}
	return Addr{Scheme: k.scheme, Path: k.path}
}

func (m *Mem) dialStream(ctx context.Context, a Addr, s settings) (net.Conn, error) {
	l, local, remote, err := m.findStream(a, s)
	if err != nil {
		return nil, err
	}
	ours, theirs := newPipeConns(l.size, local, remote)
	select {
	case <-l.done:
		return nil, errRefused
	case <-ctx.Done(): // the backlog is full and stays so
		return nil, ctx.Err()
	case l.accept <- theirs:
	}
	select {
	case <-l.done: // closed meanwhile: nobody else may drain our conn
		l.drain()
	default:
	}
	return ours, nil
}

// findStream returns a's listener and the addresses of a conn with it.
func (m *Mem) findStream(a Addr, s settings) (l *memListener, local, remote net.Addr, err error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if a.Scheme != "tcp" {
		key := memKey{scheme: a.Scheme, path: a.Path}
		if l = m.streams[key]; l == nil {
			return nil, nil, nil, errRefused
		}
		// A client has no name of its own unless it binds one.
		client := memKey{scheme: a.Scheme, path: s.bind}
		return l, client.netAddr(), key.netAddr(), nil
	}
	ip, err := m.hostLocked(a.Host, s.ip, loopback(s.ip))
	if err != nil {
		return nil, nil, nil, err
	}
	for _, at := range reachable(netip.AddrPortFrom(ip, a.Port)) {
		if l = m.streams[memKey{scheme: "tcp", addr: at}]; l != nil {
			from, err := m.clientLocked(s, ip)
			if err != nil {
				return nil, nil, nil, err
			}
			return l, net.TCPAddrFromAddrPort(from), net.TCPAddrFromAddrPort(netip.AddrPortFrom(ip, a.Port)), nil
		}
	}
	return nil, nil, nil, errRefused
}

// reachable returns where a socket that to reaches may be bound, the closest
// first: to itself, every address, every address of its family.
func reachable(to netip.AddrPort) [3]netip.AddrPort {
	at := [3]netip.AddrPort{to, netip.AddrPortFrom(netip.IPv6Unspecified(), to.Port())}
	if to.Addr().Is4() {
		at[2] = netip.AddrPortFrom(netip.IPv4Unspecified(), to.Port())
	}
	return at
}

func (l *memListener) Accept() (net.Conn, error) {
	select {
	case <-l.done:
		return nil, l.opError("accept", net.ErrClosed)
	default:
	}
	select {
	case c := <-l.accept:
		return c, nil
	case <-l.done:
		return nil, l.opError("accept", net.ErrClosed)
	}
}

// Close ends what nobody has accepted yet, and leaves accepted conns alone.
func (l *memListener) Close() error {
	err := l.opError("close", net.ErrClosed)
	l.once.Do(func() {
		l.m.mu.Lock()
		delete(l.m.streams, l.key)
		l.m.mu.Unlock()
		close(l.done)
		l.drain()
		err = nil
	})
	return err
}

func (l *memListener) drain() {
	for {
		select {
		case c := <-l.accept:
			c.Close()
		default:
			return
		}
	}
}

func (l *memListener) Addr() net.Addr { return l.addr }

func (l *memListener) opError(op string, err error) error {
	return &net.OpError{Op: op, Net: l.key.scheme, Source: l.addr, Err: err}
}
