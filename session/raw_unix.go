//go:build unix

package session

import (
	"io"
	"os"
	"sync"
	"syscall"

	"sockeye.dev/frame"
)

// rawConn reads and writes a kernel socket. One goroutine may read while
// another writes. While it waits to read it holds no buffer: the
// buffer is borrowed before the poller is asked, and given back inside its
// callback when there was nothing to read. (To return false before having read
// can hang: the poller is edge-triggered.) Once woken up the callback only says
// so, and the read begins anew: to borrow inside the poller would cost every
// idle conversation a larger stack.
type rawConn struct {
	rc   syscall.RawConn
	in   *frame.Reader
	room []byte // borrowed from in; nil once given back
	n    int
	err  error

	out     []byte
	sent    int
	sendErr error

	onReadable, onWritable func(fd uintptr) bool // tryReceive and trySend, bound once
}

func newRawConn(sc syscall.Conn) *rawConn {
	rc, err := sc.SyscallConn()
	if err != nil {
		return nil
	}
	r := &rawConn{rc: rc}
	r.onReadable, r.onWritable = r.tryReceive, r.trySend
	return r
}

func (r *rawConn) read(in *frame.Reader) (int, error) {
	r.in = in
	for {
		r.room, r.n, r.err = in.Space(), 0, nil
		if err := r.rc.Read(r.onReadable); err != nil {
			r.room = nil
			in.Release()
			return 0, err
		}
		if r.room != nil {
			r.room = nil
			in.Filled(r.n)
			return r.n, r.err
		}
	}
}

func (r *rawConn) tryReceive(fd uintptr) bool {
	if r.room == nil {
		return true // woken up
	}
	for {
		n, err := receiveNow(int(fd), r.room)
		switch {
		case err == syscall.EINTR:
			continue
		case err == syscall.EAGAIN:
			r.room = nil
			r.in.Release()
			return false
		case err != nil:
			r.err = os.NewSyscallError("read", err)
		case n == 0:
			r.err = io.EOF
		default:
			r.n = n
		}
		return true
	}
}

// write writes all of p, as conn.Write would; it is here because the stack of
// conn.Write is larger than an idle conversation's should become.
func (r *rawConn) write(p []byte) (int, error) {
	r.out, r.sent, r.sendErr = p, 0, nil
	err := r.rc.Write(r.onWritable)
	if err == nil {
		err = r.sendErr
	}
	r.out = nil
	return r.sent, err
}

// tryWrite writes what the socket takes now. It must not run beside another
// write. It asks neither the poller nor a deadline, for it never waits.
func tryWrite(rc syscall.RawConn, p []byte) (int, error) {
	w := atOnce.Get().(*nowWriter)
	w.p = p
	err := rc.Control(w.write)
	if err == nil {
		err = w.err
	}
	n := w.n
	w.p, w.n, w.err = nil, 0, nil
	atOnce.Put(w)
	return n, err
}

// A nowWriter is the state of one tryWrite. It is not the conversation's: who
// writes to a thousand in turn has the same one at hand each time, while what
// belongs to them has to be fetched from memory.
type nowWriter struct {
	p     []byte
	n     int
	err   error
	write func(fd uintptr) // try, bound once
}

var atOnce = sync.Pool{New: func() any {
	w := new(nowWriter)
	w.write = w.try
	return w
}}

func (w *nowWriter) try(fd uintptr) {
	for w.n < len(w.p) {
		n, err := sendNow(int(fd), w.p[w.n:min(len(w.p), w.n+maxSend)])
		w.n += max(n, 0)
		switch {
		case err == syscall.EINTR:
		case err == syscall.EAGAIN:
			return
		case err != nil:
			w.err = os.NewSyscallError("write", err)
			return
		}
	}
}

func (r *rawConn) trySend(fd uintptr) (done bool) {
	for r.sent < len(r.out) {
		n, err := syscall.Write(int(fd), r.out[r.sent:min(len(r.out), r.sent+maxWrite)])
		switch {
		case err == syscall.EINTR:
		case err == syscall.EAGAIN:
			return false
		case err != nil:
			r.sendErr = os.NewSyscallError("write", err)
			return true
		default:
			r.sent += n
		}
	}
	return true
}

// keepRoom has the kernel take less than it could.
func (r *rawConn) keepRoom() { _ = r.rc.Control(func(fd uintptr) { keepRoom(int(fd)) }) }

// makeRoom lets a socket that is full take a little more.
func (r *rawConn) makeRoom() { _ = r.rc.Control(func(fd uintptr) { makeRoom(int(fd)) }) }

// drainNow reads away what has come already, at most max bytes.
func (r *rawConn) drainNow(max int) {
	buf := make([]byte, 4<<10)
	_ = r.rc.Control(func(fd uintptr) {
		for max > 0 {
			n, err := syscall.Read(int(fd), buf)
			if err == syscall.EINTR {
				continue
			}
			if err != nil || n == 0 {
				return
			}
			max -= n
		}
	})
}

// maxSend is the most that is sent at once without Go's scheduler knowing: a
// tenth of a millisecond over loopback.
const maxSend = 256 << 10

// maxWrite is the most that is written at once: some systems refuse more than
// 2 GiB (as internal/poll has it).
const maxWrite = 1 << 30
