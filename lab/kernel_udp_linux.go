package lab

import (
	"errors"
	"time"

	"golang.org/x/sys/unix"
)

// kernelUDP is a flow of datagrams.
type kernelUDP struct {
	k         *kernel
	flow      *FlowRun
	fd        int // the sender's; -1: none
	text      text
	sent      int // datagrams that the application has handed to the kernel, or tried to
	accepted  int // and that the kernel has taken
	receivers []*kernelReceiver
}

// A kernelReceiver is one that datagrams are for.
type kernelReceiver struct {
	k        *kernel
	flow     int
	fd       int
	check    streamCheck
	every    time.Duration // it reads one datagram so often; 0: all there are
	notUntil time.Duration
}

// startUDP sets a flow up as engine.startUDP does.
func (k *kernel) startUDP(i int, f Flow) kernelFlow {
	u := &kernelUDP{k: k, flow: &k.run.Flows[i], fd: -1, text: newText(k.setup.Seed, i, false)}
	for to := range k.hosts {
		if to != f.To && (f.To != Everyone || to == f.From) {
			continue
		}
		r := &kernelReceiver{k: k, flow: i, fd: -1, every: f.ReadEvery, check: streamCheck{text: u.text}}
		r.check.r.Host = to
		u.receivers = append(u.receivers, r)
		if f.Closed {
			continue
		}
		if f.Pause > 0 {
			r.pause(f.At + f.Pause)
		}
		if err := r.open(f, u.flow.Port); err != nil {
			u.flow.ServerError = err.Error()
			continue
		}
		k.sockets = append(k.sockets, r)
	}
	if err := u.open(f); err != nil {
		u.sent, u.flow.ClientError = f.Count, err.Error()
		return u
	}
	k.at(f.At, u.send)
	return u
}

func (u *kernelUDP) open(f Flow) (err error) {
	if u.fd, err = u.k.hosts[f.From].socket(unix.SOCK_DGRAM); err != nil {
		return err
	}
	if f.NoSum {
		if err = unix.SetsockoptInt(u.fd, unix.SOL_SOCKET, unix.SO_NO_CHECK, 1); err != nil {
			return err
		}
	}
	if f.To == Everyone {
		if err = unix.SetsockoptInt(u.fd, unix.SOL_SOCKET, unix.SO_BROADCAST, 1); err != nil {
			return err
		}
	}
	if err = unix.Bind(u.fd, sockaddr(f.From, u.flow.ClientPort)); err != nil {
		return err
	}
	return unix.Connect(u.fd, sockaddr(f.To, u.flow.Port))
}

// send sends the next datagram and sets itself for the one after it. The loop
// takes packets in between, whatever the interval.
func (u *kernelUDP) send() {
	f := u.flow.Flow
	p := u.text.datagram(uint32(u.sent), f.Size)
	now := u.k.elapsed()
	if u.sent == 0 {
		u.flow.Asked, u.flow.Established = now, now
	}
	u.sent++
	if _, err := unix.SendmsgN(u.fd, p, nil, nil, 0); err != nil {
		u.flow.ClientError = err.Error()
	} else {
		u.accepted++
		u.flow.SentBytes += len(p)
	}
	if u.sent < f.Count {
		u.k.at(max(f.At+time.Duration(u.sent)*f.Every, u.k.elapsed()), u.send)
	}
}

// over implements kernelFlow.
func (u *kernelUDP) over() bool {
	if u.sent < u.flow.Flow.Count {
		return false
	}
	for _, r := range u.receivers {
		if !r.drained() {
			return false
		}
	}
	return true
}

// finish implements kernelFlow.
func (u *kernelUDP) finish() {
	u.flow.Complete = true
	for _, r := range u.receivers {
		r.check.r.Sent = u.accepted
		u.flow.Receipts = append(u.flow.Receipts, r.check.r)
		u.flow.Complete = u.flow.Complete && r.check.r.Missing() == 0
		if r.fd >= 0 {
			unix.Close(r.fd)
		}
	}
	if u.fd >= 0 {
		unix.Close(u.fd)
	}
}

func (u *kernelUDP) ends() []*kernelEnd { return nil }

func (r *kernelReceiver) open(f Flow, port uint16) (err error) {
	if r.fd, err = r.k.hosts[r.check.r.Host].socket(unix.SOCK_DGRAM); err != nil {
		return err
	}
	if err = setBuffer(r.fd, f.Buffer); err != nil {
		return err
	}
	return unix.Bind(r.fd, &unix.SockaddrInet4{Port: int(port)}) // to any address: a broadcast is to none of its own
}

// waits implements kernelSocket.
func (r *kernelReceiver) waits() (fd int, events int16) {
	if r.k.elapsed() < r.notUntil {
		return r.fd, 0
	}
	return r.fd, unix.POLLIN
}

// ready implements kernelSocket.
func (r *kernelReceiver) ready() {
	for range kernelBatch {
		n, err := unix.Read(r.fd, r.k.buf[:])
		if err != nil {
			if !errors.Is(err, unix.EAGAIN) && !errors.Is(err, unix.EINTR) {
				r.k.run.Flows[r.flow].ServerError = err.Error()
			}
			return
		}
		now := r.k.elapsed()
		r.check.datagram(r.k.buf[:n])
		r.k.run.Progress = append(r.k.run.Progress, Progress{now, r.flow, r.check.r.Host, r.check.r.Bytes})
		if r.every > 0 {
			r.pause(now + r.every)
			return
		}
	}
}

// pause has nothing read until a time.
func (r *kernelReceiver) pause(until time.Duration) {
	r.notUntil = until
	r.k.at(until, func() {}) // for the loop to look
}

// drained reports whether nothing waits to be read.
func (r *kernelReceiver) drained() bool {
	if r.fd < 0 {
		return true
	}
	fds := []unix.PollFd{{Fd: int32(r.fd), Events: unix.POLLIN}}
	n, err := unix.Poll(fds, 0)
	return err == nil && n == 0
}
