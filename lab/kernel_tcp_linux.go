package lab

import (
	"errors"
	"time"

	"golang.org/x/sys/unix"
)

// A kernelEnd is one end of a TCP connection with the application that holds it:
// end, for Linux.
type kernelEnd struct {
	app
	k    *kernel
	flow int
	host int

	fd         int // -1: none yet, or none any more
	connecting bool
	dead       bool // the application is done with it
	broken     bool // and not in good order: it failed, or aborted

	// What is seen of it.
	state          string
	finCame, reset bool // the peer's FIN arrived; a RST did
	told           KernelInfo
	tellsWindow    bool
}

func (k *kernel) newEnd(flow, host int, reply bool) *kernelEnd {
	d := &kernelEnd{app: newApp(k.setup.Seed, flow, host, reply), k: k, flow: flow, host: host, fd: -1, state: stateClosed}
	k.sockets = append(k.sockets, d)
	return d
}

// waits implements kernelSocket. An end that is closed both ways would always be
// ready: its state is looked at when packets come.
func (d *kernelEnd) waits() (fd int, events int16) {
	switch {
	case d.fd < 0 || d.dead:
		return d.fd, 0
	case d.connecting:
		return d.fd, unix.POLLOUT
	}
	if !d.eof && d.k.elapsed() >= d.notUntil {
		events |= unix.POLLIN
	}
	if !d.shut && (len(d.rest) > 0 || d.out < d.total || d.finish) {
		events |= unix.POLLOUT
	}
	return d.fd, events
}

// ready implements kernelSocket.
func (d *kernelEnd) ready() {
	if d.connecting {
		n, err := unix.GetsockoptInt(d.fd, unix.SOL_SOCKET, unix.SO_ERROR)
		if err == nil && n != 0 {
			err = unix.Errno(n)
		}
		if err != nil {
			d.fail(err)
			return
		}
		d.connecting = false
		d.k.run.Flows[d.flow].Established = d.k.elapsed()
	}
	if !d.eof && d.k.elapsed() >= d.notUntil {
		d.read()
	}
	if !d.dead {
		d.write()
	}
	if !d.dead && d.eof && d.shut {
		d.dead = true // but not closed: its state is still to be seen
	}
}

// fail ends it with an error that the kernel reports to the application.
func (d *kernelEnd) fail(err error) {
	d.dead, d.broken, d.failure = true, true, err.Error()
	d.look()
	d.close()
}

// abort ends it with a RST (POSIX: SO_LINGER 0), whatever it has still to say.
func (d *kernelEnd) abort() {
	d.dead = true
	if d.fd >= 0 {
		_ = unix.SetsockoptLinger(d.fd, unix.SOL_SOCKET, unix.SO_LINGER, &unix.Linger{Onoff: 1})
		d.close()
	}
}

func (d *kernelEnd) close() {
	unix.Close(d.fd)
	d.fd = -1
	d.becomes(stateClosed)
}

func (d *kernelEnd) read() {
	buf := d.k.buf[:]
	if d.perTick > 0 {
		buf = buf[:min(d.perTick, len(buf))]
	}
	n, err := unix.Read(d.fd, buf)
	switch {
	case errors.Is(err, unix.EAGAIN) || errors.Is(err, unix.EINTR):
		return
	case err != nil:
		d.fail(err)
		return
	case n == 0:
		d.eof = true
		if d.ended != nil {
			d.ended()
		}
		return
	}
	d.check.write(buf[:n])
	d.k.run.Progress = append(d.k.run.Progress, Progress{d.k.elapsed(), d.flow, d.host, d.check.r.Bytes})
	if d.heard != nil {
		d.heard(buf[:n])
	}
	if d.abortAt > 0 && d.check.r.Bytes >= d.abortAt {
		d.broken = true
		d.abort()
		return
	}
	if d.perTick > 0 {
		d.pause(tick)
	}
}

// pause has nothing read for a time.
func (d *kernelEnd) pause(t time.Duration) {
	d.notUntil = d.k.elapsed() + t
	d.k.at(d.notUntil, func() {}) // for the loop to look
}

// write hands on once what the kernel takes. The loop must come to its packets
// before too many are queued, so that is not all there is.
func (d *kernelEnd) write() {
	var p []byte
	switch {
	case d.shut:
		return
	case len(d.rest) > 0:
		p = d.rest
	case d.out < d.total:
		p = d.k.buf[:min(writeSize, d.total-d.out)]
		d.text.fill(p, d.out)
	default:
		if d.finish {
			d.shut = true
			if err := unix.Shutdown(d.fd, unix.SHUT_WR); err != nil {
				d.fail(err)
				return
			}
			d.look()
		}
		return
	}
	n, err := unix.SendmsgN(d.fd, p, nil, nil, unix.MSG_NOSIGNAL)
	switch {
	case errors.Is(err, unix.EAGAIN) || errors.Is(err, unix.EINTR):
		return
	case err != nil:
		d.fail(err)
		return
	}
	if len(d.rest) > 0 {
		d.rest = d.rest[n:]
	} else {
		d.out += n
	}
}

// idle reports whether nothing is in flight from it, and nothing waits to be read
// or to be sent.
func (d *kernelEnd) idle() bool {
	if d.fd < 0 {
		return true
	}
	if !d.eof {
		fds := []unix.PollFd{{Fd: int32(d.fd), Events: unix.POLLIN}}
		if n, err := unix.Poll(fds, 0); n != 0 || err != nil {
			return false
		}
	}
	t, err := unix.GetsockoptTCPInfo(d.fd, unix.IPPROTO_TCP, unix.TCP_INFO)
	return err == nil && t.Unacked == 0 && t.Notsent_bytes == 0
}

// closed reports whether the connection is over at this end.
func (d *kernelEnd) closed() bool { return d.dead && (d.fd < 0 || d.state == stateClosed) }

// A kernelListener waits for a flow's connection.
type kernelListener struct {
	fd int
	of *kernelEnd
}

func (l *kernelListener) waits() (fd int, events int16) { return l.fd, unix.POLLIN }

func (l *kernelListener) ready() {
	fd, _, err := unix.Accept4(l.fd, unix.SOCK_NONBLOCK|unix.SOCK_CLOEXEC)
	switch d := l.of; {
	case errors.Is(err, unix.EAGAIN) || errors.Is(err, unix.ECONNABORTED) || errors.Is(err, unix.EINTR):
	case err != nil:
		d.dead, d.broken, d.failure = true, true, err.Error()
	case d.fd >= 0 || d.dead: // a flow is one connection
		unix.Close(fd)
	default:
		d.fd = fd
		d.look()
	}
}

// kernelTCP is a flow over TCP.
type kernelTCP struct {
	k        *kernel
	flow     *FlowRun
	started  bool
	client   *kernelEnd
	server   *kernelEnd // nil: it is for everyone, which TCP cannot
	both     []*kernelEnd
	listener *kernelListener
}

func (t *kernelTCP) ends() []*kernelEnd { return t.both }

// over implements kernelFlow. Where one end is gone without a farewell, or its
// last word was lost, the other might wait for ever.
func (t *kernelTCP) over() bool {
	c, s := t.client, t.server
	switch {
	case !t.started:
		return false
	case s == nil || s.fd < 0 && !s.dead: // no connection was accepted
		return c.closed()
	case c.closed() && s.closed():
		return true
	case c.broken:
		return s.idle()
	case s.broken:
		return c.idle()
	}
	return false
}

// finish implements kernelFlow. What is still open is aborted, so that the kernel
// keeps nothing of it.
func (t *kernelTCP) finish() {
	if t.server == nil {
		t.flow.settle(&t.client.app, nil)
	} else {
		t.flow.settle(&t.client.app, &t.server.app)
	}
	for _, d := range t.ends() {
		if d.fd >= 0 {
			unix.Close(d.abandon())
		}
	}
	if t.listener != nil {
		unix.Close(t.listener.fd)
	}
}

// abandon gives up the end's descriptor, set to abort; the run is over, and what
// becomes of it is not its business any more.
func (d *kernelEnd) abandon() (fd int) {
	_ = unix.SetsockoptLinger(d.fd, unix.SOL_SOCKET, unix.SO_LINGER, &unix.Linger{Onoff: 1})
	fd, d.fd = d.fd, -1
	return fd
}
