//go:build unix

package session

import (
	"io"
	"os"
	"sync/atomic"
	"syscall"
)

// copySocket is Copy from a kernel socket.
func copySocket(dst io.Writer, sc syscall.Conn, _ io.Reader, count *atomic.Int64) error {
	rc, err := sc.SyscallConn()
	if err != nil {
		return err
	}
	var buf *[copySize]byte
	var n int
	var readErr error
	attempt := func(fd uintptr) bool {
		buf = copies.Get().(*[copySize]byte)
		for {
			n, readErr = syscall.Read(int(fd), buf[:])
			switch readErr {
			case syscall.EINTR:
				continue
			case syscall.EAGAIN:
				copies.Put(buf)
				return false
			}
			return true
		}
	}
	for {
		if err := rc.Read(attempt); err != nil {
			return err
		}
		if readErr != nil || n == 0 {
			copies.Put(buf)
			if readErr != nil {
				return os.NewSyscallError("read", readErr)
			}
			return nil
		}
		m, err := dst.Write(buf[:n])
		copies.Put(buf)
		count.Add(int64(m))
		if err != nil {
			return err
		}
	}
}
