//go:build unix

package session

import (
	"io"
	"os"
	"syscall"

	"sockeye.dev/frame"
)

// rawReader reads a kernel socket without holding a buffer while it waits: it
// borrows one inside the callback that the poller runs, and gives it back when
// there was nothing to read. (To return false before having read can hang:
// the poller is edge-triggered.)
type rawReader struct {
	rc   syscall.RawConn
	in   *frame.Reader
	n    int
	err  error
	once func(fd uintptr) bool // r.attempt, bound once
}

func newRawReader(sc syscall.Conn) *rawReader {
	rc, err := sc.SyscallConn()
	if err != nil {
		return nil
	}
	r := &rawReader{rc: rc}
	r.once = r.attempt
	return r
}

func (r *rawReader) read(in *frame.Reader) (int, error) {
	r.in, r.n, r.err = in, 0, nil
	if err := r.rc.Read(r.once); err != nil {
		return 0, err
	}
	return r.n, r.err
}

func (r *rawReader) attempt(fd uintptr) bool {
	for {
		n, err := syscall.Read(int(fd), r.in.Space())
		switch {
		case err == syscall.EINTR:
			continue
		case err == syscall.EAGAIN:
			r.in.Release()
			return false
		case err != nil:
			r.err = os.NewSyscallError("read", err)
		case n == 0:
			r.err = io.EOF
		default:
			r.n = n
			r.in.Filled(n)
		}
		return true
	}
}

// tryWrite writes what the socket takes now. It must not run beside another
// write: RawConn.Write waits for that.
func (r *rawReader) tryWrite(p []byte) (n int, err error) {
	werr := r.rc.Write(func(fd uintptr) bool {
		for n < len(p) {
			var m int
			m, err = syscall.Write(int(fd), p[n:])
			if err == syscall.EINTR {
				continue
			}
			if err != nil {
				break
			}
			n += m
		}
		return true
	})
	switch {
	case werr != nil:
		return n, werr
	case err == syscall.EAGAIN:
		err = nil
	case err != nil:
		err = os.NewSyscallError("write", err)
	}
	return n, err
}
