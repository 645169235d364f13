//go:build unix

package endpoint

import (
	"io"
	"net"
	"os"
	"syscall"
)

// A wsSource reads a connection. From a socket it borrows a buffer only once
// there is something to read: see [Waiter].
type wsSource struct {
	transport net.Conn
	waiter    Waiter
	raw       syscall.RawConn
	try       func(fd uintptr) bool // tryRead, bound once
	small     []byte                // for a connection that cannot be waited for

	buf *[wsBuffer]byte
	n   int
	err error
}

func (s *wsSource) init(transport net.Conn) {
	s.transport = transport
	s.waiter, _ = transport.(Waiter)
	if sc, ok := transport.(syscall.Conn); ok {
		if raw, err := sc.SyscallConn(); err == nil {
			s.raw, s.try = raw, s.tryRead
		}
	}
}

// read waits for bytes and returns them in a borrowed buffer, n of them; with
// none it keeps the buffer and returns why.
func (s *wsSource) read() (buf *[wsBuffer]byte, n int, err error) {
	if s.raw == nil {
		return s.readAny()
	}
	if err := s.raw.Read(s.try); err != nil {
		return nil, 0, err
	}
	buf, n, err = s.buf, s.n, s.err
	s.buf, s.err = nil, nil
	if err == nil && n == 0 {
		err = io.EOF
	}
	return buf, n, err
}

// tryRead reads without blocking; false waits for the socket to be readable.
func (s *wsSource) tryRead(fd uintptr) bool {
	buf := wsBuffers.Get().(*[wsBuffer]byte)
	for {
		n, err := syscall.Read(int(fd), buf[:])
		switch {
		case err == syscall.EINTR:
			continue
		case err == nil && n > 0:
			s.buf, s.n = buf, n
			return true
		}
		wsBuffers.Put(buf)
		if err == syscall.EAGAIN {
			return false
		}
		s.n, s.err = 0, os.NewSyscallError("read", err)
		return true
	}
}
