package session

import (
	"io"
	"net"
	"sync"
	"sync/atomic"
	"syscall"
)

// copySize is the buffer of bulk copies. Measured on loopback (Linux 6.18, 2
// cores, 2026-11): see bench/compare/pipe.
const copySize = 256 << 10

var copies = sync.Pool{New: func() any { return new([copySize]byte) }}

// Copy moves bytes that nobody looks at from src to dst until src ends, and
// adds what dst has taken to count, if that is not nil. A source that is a
// kernel socket is waited for without a buffer. The error is src's, unless it
// is io.EOF, or dst's.
func Copy(dst io.Writer, src io.Reader, count *atomic.Int64) error {
	if count == nil {
		count = new(atomic.Int64)
	}
	if conn, ok := src.(syscall.Conn); ok {
		if _, socket := src.(net.Conn); socket {
			return copySocket(dst, conn, src, count)
		}
	}
	buf := copies.Get().(*[copySize]byte)
	defer copies.Put(buf)
	for {
		n, err := src.Read(buf[:])
		if n > 0 {
			m, werr := dst.Write(buf[:n])
			count.Add(int64(m))
			if werr != nil {
				return werr
			}
		}
		if err != nil {
			return noEOF(err)
		}
	}
}

func noEOF(err error) error {
	if err == io.EOF {
		return nil
	}
	return err
}
