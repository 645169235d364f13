package lab

import (
	"context"
	"errors"
	"runtime"
	"time"

	"golang.org/x/sys/unix"

	"sockeye.dev/impair"
)

const (
	kernelTick   = 5 * time.Millisecond  // how often TCP_INFO is asked
	kernelSettle = 50 * time.Millisecond // of silence after all is over: a delayed acknowledgement takes 40
	kernelBatch  = 64                    // packets or datagrams taken at once from one descriptor
	timerSlack   = 1000                  // ns that the thread's waiting may be late; Linux's default is 50 µs
)

// kernel is a run under Linux. One goroutine does all of it, on one locked
// thread: it waits for packets, sockets and the next arrival in one ppoll, so
// nothing here needs a lock, and applications are callbacks as under gVisor.
type kernel struct {
	setup    *Setup
	run      *KernelRun
	wire     *wire
	hosts    []*kernelHost
	flows    []kernelFlow
	sockets  []kernelSocket
	begun    time.Time
	due      impair.Queue[func()]
	flying   int           // packets on the line
	last     time.Duration // when anything last happened
	buf      [64 << 10]byte
	seen     map[streamKey]announced
	canceled int // descriptor that becomes readable when the context is done
	failed   error
}

// A kernelFlow is a flow's applications.
type kernelFlow interface {
	over() bool // asked when the line is empty: whether nothing more will come
	finish()    // fills in the flow's run, and closes
	ends() []*kernelEnd
}

// A kernelSocket is one that may have to be waited for.
type kernelSocket interface {
	waits() (fd int, events int16) // no events: for nothing
	ready()
}

func runKernel(ctx context.Context, s Setup) (run *KernelRun, err error) {
	if err := s.Check(); err != nil {
		return nil, err
	}
	if s.Stack.Offload != "" {
		return nil, &SetupError{"offload", errors.New("the kernel cannot be made to pretend that it has such a card; gVisor can")}
	}
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	canceled, err := unix.Eventfd(0, unix.EFD_CLOEXEC|unix.EFD_NONBLOCK)
	if err != nil {
		return nil, &KernelError{"eventfd", err, ""}
	}
	told := make(chan struct{})
	stop := context.AfterFunc(ctx, func() {
		defer close(told)
		_, _ = unix.Write(canceled, []byte{1, 0, 0, 0, 0, 0, 0, 0})
	})
	done := make(chan struct{})
	go func() { // its thread goes from namespace to namespace: not the caller's
		defer close(done)
		run, err = onOwnThread(func() (*KernelRun, error) { return newKernel(s, canceled).do(ctx) })
	}()
	<-done
	if !stop() {
		<-told
	}
	return run, errors.Join(err, unix.Close(canceled))
}

// onOwnThread runs f on a locked thread that it may take to other namespaces. If
// the thread cannot be brought back it ends with its goroutine.
func onOwnThread(f func() (*KernelRun, error)) (*KernelRun, error) {
	runtime.LockOSThread()
	home, err := openNamespace()
	if err != nil {
		runtime.UnlockOSThread()
		return nil, &KernelError{"network namespace", err, "it needs /proc"}
	}
	_ = unix.Prctl(unix.PR_SET_TIMERSLACK, timerSlack, 0, 0, 0)
	defer func() {
		_ = unix.Prctl(unix.PR_SET_TIMERSLACK, 0, 0, 0, 0) // 0: the default
		if err := unix.Setns(home, unix.CLONE_NEWNET); err == nil || atHome(home) {
			runtime.UnlockOSThread()
		}
		unix.Close(home)
	}()
	return f()
}

// atHome reports whether the thread has not left a namespace: who may not make
// one may not go back to his own either.
func atHome(ns int) bool {
	var home, here unix.Stat_t
	return unix.Fstat(ns, &home) == nil && unix.Stat("/proc/thread-self/ns/net", &here) == nil && home.Ino == here.Ino
}

func newKernel(s Setup, canceled int) *kernel {
	k := &kernel{run: &KernelRun{Run: Run{Setup: s, outside: true}}, seen: make(map[streamKey]announced), canceled: canceled}
	k.setup = &k.run.Setup
	k.wire = newWire(k.setup)
	k.wire.now = k.elapsed
	k.wire.sent = k.sent
	k.wire.deliver = k.deliver
	k.wire.at = func(at time.Duration, _ int, f func()) {
		k.flying++
		k.at(at, func() {
			k.flying--
			f()
		})
	}
	return k
}

func (k *kernel) elapsed() time.Duration { return time.Since(k.begun) }

// at schedules what the loop is to do.
func (k *kernel) at(t time.Duration, f func()) { k.due.Push(t, f) }

// do makes the hosts, runs the flows and takes all down again.
func (k *kernel) do(ctx context.Context) (*KernelRun, error) {
	defer func() {
		for _, h := range k.hosts {
			h.close()
		}
	}()
	for i := range k.setup.hosts() {
		h, err := newKernelHost(i, k.setup)
		k.hosts = append(k.hosts, h)
		if err != nil {
			return nil, err
		}
	}
	if err := k.hosts[0].checkCongestion(k.setup); err != nil {
		return nil, err
	}
	k.begun = time.Now()
	k.run.Flows = make([]FlowRun, len(k.setup.Flows))
	for i, f := range k.setup.Flows {
		flow := &k.run.Flows[i]
		flow.Flow, flow.Established, flow.Asked = f, Never, Never
		flow.ClientPort, flow.Port = portOf(f, i)
		if f.Proto == "udp" {
			k.flows = append(k.flows, k.startUDP(i, f))
		} else {
			k.flows = append(k.flows, k.startTCP(i, f))
		}
	}
	err := k.loop(ctx)
	k.run.Packets, k.run.Queue, k.run.Virtual = k.wire.packets, k.wire.queue, k.elapsed()
	for _, h := range k.hosts {
		c, dropped, failure := h.counters()
		k.run.Counters = append(k.run.Counters, c)
		k.run.Dropped += dropped
		k.run.udpFull += int(c["UdpRcvbufErrors"])
		if err == nil {
			err = failure
		}
	}
	for _, f := range k.flows {
		f.finish()
	}
	for _, p := range k.run.Packets {
		if p.Header.Proto == "UDP" {
			p.Flow = k.run.flowOf(p)
		}
	}
	k.infer()
	return k.run, err
}

// loop runs until all is over, the setup's time is, or ctx is done.
func (k *kernel) loop(ctx context.Context) error {
	var fds []unix.PollFd
	var ready []func()
	wait := func(fd int, events int16, f func()) {
		fds = append(fds, unix.PollFd{Fd: int32(fd), Events: events})
		ready = append(ready, f)
	}
	for next := k.elapsed(); k.failed == nil; {
		now := k.elapsed()
		if now >= next {
			k.ask()
			next = now + kernelTick
		}
		for at, ok := k.due.Next(); ok && at <= now; at, ok = k.due.Next() {
			k.happens(k.due.Pop().Value)
		}
		if k.elapsed() >= k.setup.until() || k.over() {
			return nil
		}
		until := next
		if at, ok := k.due.Next(); ok {
			until = min(until, at)
		}
		fds, ready = fds[:0], ready[:0]
		wait(k.canceled, unix.POLLIN, func() {})
		for _, h := range k.hosts {
			wait(h.tun, unix.POLLIN, func() { k.receive(h) })
		}
		for _, s := range k.sockets {
			if fd, events := s.waits(); events != 0 {
				wait(fd, events, s.ready)
			}
		}
		timeout := unix.NsecToTimespec(int64(max(until-k.elapsed(), 0)))
		if _, err := unix.Ppoll(fds, &timeout, nil); err != nil {
			if errors.Is(err, unix.EINTR) { // Go's own signals
				continue
			}
			return &KernelError{"wait for packets", err, ""}
		}
		if fds[0].Revents != 0 {
			return ctx.Err()
		}
		for i := range fds {
			if fds[i].Revents != 0 {
				k.happens(ready[i])
			}
		}
	}
	return k.failed
}

// happens runs what is due or ready.
func (k *kernel) happens(f func()) {
	f()
	k.run.Events++
	k.last = k.elapsed()
}

// over reports whether nothing more will happen.
func (k *kernel) over() bool {
	if k.flying > 0 || k.elapsed() < k.last+kernelSettle {
		return false
	}
	for _, f := range k.flows {
		if !f.over() {
			return false
		}
	}
	return true
}

// receive takes what a host has sent.
func (k *kernel) receive(h *kernelHost) {
	for range kernelBatch {
		n, err := unix.Read(h.tun, k.buf[:])
		if err != nil {
			if !errors.Is(err, unix.EAGAIN) && !errors.Is(err, unix.EINTR) {
				k.fail(h, "read from the TUN device", err)
			}
			return
		}
		raw := k.buf[:n]
		if n < 20 || raw[0]>>4 != 4 || raw[16] != 10 { // a kernel also looks for routers and groups
			continue
		}
		if to, ok := receiver(raw, len(k.hosts)); ok && to != h.index {
			k.wire.transmit(h.index, to, append([]byte(nil), raw...))
		}
	}
}

// deliver hands a packet to its host.
func (k *kernel) deliver(p *Packet) {
	h := k.hosts[p.To]
	if _, err := unix.Write(h.tun, p.received()); err != nil {
		k.fail(h, "write to the TUN device", err)
		return
	}
	k.watch(p, p.To)
}

func (k *kernel) fail(h *kernelHost, what string, err error) {
	if k.failed == nil {
		k.failed = &KernelError{"host " + Host(h.index) + ": " + what, err, ""}
	}
}
