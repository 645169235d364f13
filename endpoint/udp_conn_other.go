//go:build !unix

package endpoint

// msgTrunc is not reported here: the read fails with EMSGSIZE instead.
const msgTrunc = 0

// ReadMessage appends one whole message to dst.
func (c *udpConn) ReadMessage(dst []byte) ([]byte, error) {
	buf := messageBuffers.Get().(*[maxDatagram]byte)
	defer messageBuffers.Put(buf)
	n, err := c.UDPConn.Read(buf[:])
	return append(dst, buf[:n]...), err
}
