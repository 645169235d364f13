//go:build unix

package endpoint

import (
	"context"
	"crypto/rand"
	"errors"
	"io"
	"net"
	"net/netip"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"sync"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// dialUnixgram connects to the socket at a path. The option bind is the name we
// are answered at. Without it, Linux gives the socket a name of its abstract
// namespace (autobind, unix(7)), which any server in the same network namespace
// can answer; elsewhere it is a file among the temporary ones, removed by Close.
func (s settings) dialUnixgram(ctx context.Context, a Addr) (net.Conn, error) {
	d := s.dialer()
	name := s.bind
	switch {
	case name == "" && runtime.GOOS == "linux":
		d.Control = after(s.control, autobind)
	case name == "":
		name = filepath.Join(os.TempDir(), "sockeye-"+rand.Text()[:12])
	case name[0] != '@':
		// A server answers the name it sees, from its own working directory.
		if abs, err := filepath.Abs(name); err == nil && checkUnixPath(abs) == nil {
			name = abs
		}
	}
	c, file, err := s.dialFrom(ctx, a, name, d)
	if err != nil {
		return nil, err
	}
	u := &unixgramConn{UnixConn: c.(*net.UnixConn), file: file}
	if u.raw, err = u.SyscallConn(); err == nil {
		u.limit, err = largestUnixgram(u.raw)
	}
	if err != nil {
		u.Close()
		return nil, opError("dial", a, err)
	}
	return u, nil
}

// autobind binds a socket to a free name of the system's choice: bind(2) with
// no more of an address than its family.
func autobind(fd uintptr) error {
	return os.NewSyscallError("bind", syscall.Bind(int(fd), &syscall.SockaddrUnix{}))
}

// largestUnixgram is the largest message the socket sends. Linux keeps 32 bytes
// of the send buffer back (unix_dgram_sendmsg).
func largestUnixgram(raw syscall.RawConn) (limit int, err error) {
	cerr := raw.Control(func(fd uintptr) {
		limit, err = unix.GetsockoptInt(int(fd), unix.SOL_SOCKET, unix.SO_SNDBUF)
	})
	if runtime.GOOS == "linux" {
		limit -= 32
	}
	return limit, errors.Join(cerr, os.NewSyscallError("getsockopt", err))
}

// A unixgramConn is a socket of the machine's connected to one peer. Writes wait
// for a peer that does not read.
type unixgramConn struct {
	*net.UnixConn
	raw   syscall.RawConn
	limit int
	file  socketFile
}

var _ MessageConn = (*unixgramConn)(nil)

// Read returns one message; see MessageConn.
func (c *unixgramConn) Read(p []byte) (int, error) {
	n, _, flags, _, err := c.ReadMsgUnix(p, nil)
	if flags&msgTrunc != 0 {
		return len(p), io.ErrShortBuffer
	}
	return n, err
}

// ReadMessage appends one whole message to dst. It holds no buffer while it waits.
func (c *unixgramConn) ReadMessage(dst []byte) ([]byte, error) {
	got := dst
	var err error
	rerr := c.raw.Read(func(fd uintptr) bool {
		got, _, err = receiveUnixgram(int(fd), dst)
		return err != syscall.EAGAIN
	})
	if rerr == nil {
		rerr = os.NewSyscallError("recvfrom", err)
	}
	if rerr != nil {
		return dst, c.opError("read", bareError(rerr))
	}
	return got, nil
}

// Write sends p as one message.
func (c *unixgramConn) Write(p []byte) (int, error) {
	if len(p) > c.limit {
		return 0, c.opError("write", &MessageSizeError{Size: len(p), Limit: c.limit})
	}
	n, err := c.UnixConn.Write(p)
	if err != nil && isErrno(err, syscall.EMSGSIZE) {
		err = c.opError("write", sizeError(err, len(p), c.limit))
	}
	return n, err
}

func (c *unixgramConn) WriteMessage(p []byte) error {
	_, err := c.Write(p)
	return err
}

// Close closes the socket and removes the file it was bound to, if any.
func (c *unixgramConn) Close() error {
	err := c.UnixConn.Close()
	if err == nil {
		err = c.file.remove()
	}
	return err
}

func (c *unixgramConn) opError(op string, err error) error {
	return &net.OpError{Op: op, Net: "unixgram", Source: c.LocalAddr(), Addr: c.RemoteAddr(), Err: err}
}

// receiveUnixgram appends one whole message to dst, without waiting, and returns
// the name of who sent it. Unix datagrams may be larger than any of UDP's.
func receiveUnixgram(fd int, dst []byte) (got []byte, from string, err error) {
	for {
		size, err := nextUnixgram(fd)
		if err == nil {
			dst = slices.Grow(dst, size)
			var n int
			var sa syscall.Sockaddr
			if n, sa, err = syscall.Recvfrom(fd, dst[len(dst):len(dst)+size], 0); err == nil {
				if u, ok := sa.(*syscall.SockaddrUnix); ok {
					from = u.Name
				}
				return dst[:len(dst)+n], from, nil
			}
		}
		if err != syscall.EINTR {
			return dst, "", err
		}
	}
}

// A unixSocket is the machine's unixgram socket under a peerListener.
type unixSocket struct {
	conn   *net.UnixConn
	raw    syscall.RawConn
	bound  place
	file   socketFile
	max    int
	reader sync.WaitGroup
}

var _ packetSocket = (*unixSocket)(nil)

// listenUnixgram listens at a path, of which a stale socket file is removed.
func (s settings) listenUnixgram(ctx context.Context, a Addr) (net.Listener, error) {
	var pc net.PacketConn
	err := overStale(ctx, a.Path, func() (err error) {
		pc, err = s.listenConfig().ListenPacket(ctx, "unixgram", a.Path)
		return err
	})
	if err != nil {
		return nil, opError("listen", a, bareError(err))
	}
	return s.serveUnixgram(a, pc.(*net.UnixConn), place{path: a.Path}, fileOf(a.Path))
}

// serveUnixgram keeps the conversations of a socket that is bound, and removes
// file when it ends.
func (s settings) serveUnixgram(a Addr, conn *net.UnixConn, bound place, file socketFile) (_ net.Listener, err error) {
	sock := &unixSocket{conn: conn, bound: bound, file: file}
	if sock.raw, err = sock.conn.SyscallConn(); err == nil {
		sock.max, err = largestUnixgram(sock.raw)
	}
	if err != nil {
		sock.close()
		return nil, opError("listen", a, err)
	}
	l := newPeerListener(sock, s)
	l.room = sync.NewCond(&l.mu)
	sock.reader.Go(func() {
		if err := sock.receive(l); !errors.Is(err, net.ErrClosed) {
			l.shut(bareError(err))
		}
	})
	return l, nil
}

// receive hands every message to l until the socket fails or is closed.
func (s *unixSocket) receive(l *peerListener) error {
	var buf []byte
	for {
		var from string
		var err error
		rerr := s.raw.Read(func(fd uintptr) bool {
			buf, from, err = receiveUnixgram(int(fd), buf[:0])
			return err != syscall.EAGAIN
		})
		if rerr == nil && err != nil && !transient(err) {
			rerr = os.NewSyscallError("recvfrom", err)
		}
		if rerr != nil {
			return rerr
		}
		if err == nil {
			l.deliver(place{path: from}, netip.Addr{}, buf)
		}
	}
}

func (s *unixSocket) network() string { return "unixgram" }

func (s *unixSocket) addr() place { return s.bound }

func (s *unixSocket) source(place, netip.Addr) []byte { return nil }

func (s *unixSocket) limit(place) int { return s.max }

// How long a write waits before it looks again whether there is room.
const (
	firstLook = 50 * time.Microsecond
	laterLook = 20 * time.Millisecond
)

// send sends p to c's peer. For room in a full queue it looks again and again:
// Linux tells an unconnected socket nothing when the queue of one of its peers
// has room again (unix_dgram_sendmsg asks for the wake-up only for the peer
// connected to), and waiting in the poller, as package net would, never ends
// then, while every other conversation's write waits behind it. The systems of
// the BSD family say ENOBUFS and do not wait at all.
func (s *unixSocket) send(p []byte, c *peerConn) error {
	if c.remote.path == "" {
		return errUnnamed
	}
	to := &unix.SockaddrUnix{Name: c.remote.path}
	for wait := firstLook; ; wait = min(2*wait, laterLook) {
		var err error
		rerr := s.raw.Write(func(fd uintptr) bool {
			for {
				if err = unix.Sendto(int(fd), p, unix.MSG_DONTWAIT, to); err != unix.EINTR {
					return true
				}
			}
		})
		switch {
		case rerr != nil:
			return rerr
		case err != unix.EAGAIN && err != unix.ENOBUFS:
			return os.NewSyscallError("sendto", err)
		}
		left, werr := c.mayWait()
		if werr != nil {
			return werr
		}
		time.Sleep(min(wait, left))
	}
}

func (s *unixSocket) resolve(_ context.Context, _ settings, a Addr) (place, bool, error) {
	if err := checkUnixPath(a.Path); err != nil {
		return place{}, false, err
	}
	return place{path: a.Path}, false, nil
}

// close closes the socket and removes its file.
func (s *unixSocket) close() error {
	err := s.conn.Close()
	s.reader.Wait()
	if err == nil {
		err = s.file.remove()
	}
	return err
}
