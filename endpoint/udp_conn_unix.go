//go:build unix

package endpoint

import (
	"os"
	"sync"
	"syscall"
)

const msgTrunc = syscall.MSG_TRUNC

// ReadMessage appends one whole message to dst. The 64 KiB any message fits in
// are borrowed only once there is one.
func (c *udpConn) ReadMessage(dst []byte) ([]byte, error) {
	r := messageReaders.Get().(*messageReader)
	defer messageReaders.Put(r)
	r.dst, r.err = dst, nil
	err := c.raw.Read(r.read)
	if err == nil && r.err != nil {
		err = os.NewSyscallError("read", r.err)
	}
	got := r.dst
	r.dst = nil
	if err != nil {
		return dst, c.opError("read", bareError(err))
	}
	return got, nil
}

// A messageReader is one ReadMessage at work. It is pooled with its method
// value, which would be an allocation a message.
type messageReader struct {
	dst  []byte
	err  error
	read func(fd uintptr) bool
}

var messageReaders = sync.Pool{New: func() any {
	r := new(messageReader)
	r.read = r.tryRead
	return r
}}

// tryRead reads without blocking; false waits for the socket to be readable.
func (r *messageReader) tryRead(fd uintptr) bool {
	if free := r.dst[len(r.dst):cap(r.dst)]; len(free) >= maxDatagram {
		n, again := r.readInto(fd, free)
		r.dst = r.dst[:len(r.dst)+n]
		return !again
	}
	buf := messageBuffers.Get().(*[maxDatagram]byte)
	defer messageBuffers.Put(buf)
	n, again := r.readInto(fd, buf[:])
	r.dst = append(r.dst, buf[:n]...)
	return !again
}

func (r *messageReader) readInto(fd uintptr, p []byte) (n int, again bool) {
	for {
		n, err := syscall.Read(int(fd), p)
		switch err {
		case nil:
			return n, false
		case syscall.EINTR:
			continue
		case syscall.EAGAIN:
			return 0, true
		}
		r.err = err
		return 0, false
	}
}
