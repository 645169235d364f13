//go:build !unix

package endpoint

import "net"

// A wsSource reads a connection.
type wsSource struct {
	transport net.Conn
	waiter    Waiter
	small     []byte
}

func (s *wsSource) init(transport net.Conn) {
	s.transport = transport
	s.waiter, _ = transport.(Waiter)
}

// read waits for bytes and returns them in a borrowed buffer, n of them; with
// none it keeps the buffer and returns why.
func (s *wsSource) read() (buf *[wsBuffer]byte, n int, err error) { return s.readAny() }
