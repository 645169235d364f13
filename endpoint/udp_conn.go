package endpoint

import (
	"io"
	"net"
	"sync"
	"syscall"
)

// A udpConn is a socket of the machine's connected to one peer. Refusals (ICMP)
// are read and write errors, ECONNREFUSED. Its SyscallConn lets a caller wait
// without a buffer; ReadMessage holds none while it waits, either.
type udpConn struct {
	*net.UDPConn
	raw   syscall.RawConn
	limit int
}

var _ MessageConn = (*udpConn)(nil)

func newUDPConn(c *net.UDPConn) (*udpConn, error) {
	raw, err := c.SyscallConn()
	if err != nil {
		c.Close()
		return nil, err
	}
	return &udpConn{c, raw, payloadLimit(c.RemoteAddr().(*net.UDPAddr).AddrPort().Addr())}, nil
}

// Read returns one message; see MessageConn.
func (c *udpConn) Read(p []byte) (int, error) {
	n, _, flags, _, err := c.ReadMsgUDPAddrPort(p, nil)
	if flags&msgTrunc != 0 || isErrno(err, syscall.EMSGSIZE) {
		return len(p), io.ErrShortBuffer
	}
	return n, err
}

// messageBuffers hold one datagram of any size, while it is being read.
var messageBuffers = sync.Pool{New: func() any { return new([maxDatagram]byte) }}

// Write sends p as one datagram.
func (c *udpConn) Write(p []byte) (int, error) {
	if len(p) > c.limit {
		return 0, c.opError("write", &MessageSizeError{Size: len(p), Limit: c.limit})
	}
	n, err := c.UDPConn.Write(p)
	if err != nil && isErrno(err, syscall.EMSGSIZE) {
		err = c.opError("write", sizeError(err, len(p), c.limit))
	}
	return n, err
}

func (c *udpConn) WriteMessage(p []byte) error {
	_, err := c.Write(p)
	return err
}

func (c *udpConn) opError(op string, err error) error {
	return &net.OpError{Op: op, Net: "udp", Source: c.LocalAddr(), Addr: c.RemoteAddr(), Err: err}
}
