package lab

import (
	"bytes"
	"io"
	"time"

	"gvisor.dev/gvisor/pkg/tcpip"
	"gvisor.dev/gvisor/pkg/tcpip/network/ipv4"
	"gvisor.dev/gvisor/pkg/tcpip/transport/tcp"
	"gvisor.dev/gvisor/pkg/waiter"
)

// An end is one end of a TCP connection with the application that holds it. The
// application is a callback: step is called in an event of its own whenever the
// stack says that something may have changed, reads and writes what it can, and
// returns.
type end struct {
	app
	e     *engine
	flow  int
	host  *host
	ep    tcpip.Endpoint
	queue waiter.Queue
	state tcp.EndpointState

	made    int    // bytes of the text made, which are out or in rest
	chunk   []byte // where the text is made
	buf     bytes.Buffer
	dead    bool
	ticking bool
	waking  bool // at notUntil
	pending bool // a step is scheduled
}

// tick is how often a slow reader reads.
const tick = 10 * time.Millisecond

// engine is what runs flows.
type engine struct {
	*clock
	setup *Setup
	hosts []*host
	wire  *wire
	run   *Run
}

func (e *engine) newEnd(flow int, h *host, reply bool) *end {
	d := &end{app: newApp(e.setup.Seed, flow, h.index, reply), e: e, flow: flow, host: h}
	h.ends = append(h.ends, d)
	return d
}

// open gives the end its socket.
func (d *end) open(ep tcpip.Endpoint) {
	d.ep = ep
	ep.SocketOptions().SetDelayOption(d.e.setup.Stack.Nagle)
}

// watch has step called whenever something may have changed.
func (d *end) watch(q *waiter.Queue) {
	entry := waiter.NewFunctionEntry(waiter.WritableEvents|waiter.ReadableEvents|waiter.EventErr|waiter.EventHUp, func(waiter.EventMask) { d.wake() })
	q.EventRegister(&entry)
}

func (d *end) wake() {
	if !d.pending && !d.dead {
		d.pending = true
		d.e.after(0, d.host, func() {
			d.pending = false
			d.step()
		})
	}
}

// after schedules an application's doing.
func (e *engine) after(in time.Duration, h *host, f func()) {
	e.at(e.elapsed()+in, event{"app", h.index, f})
}

func (d *end) step() {
	if d.dead || d.ep == nil { // not yet accepted: closeat came first
		return
	}
	if err := d.ep.LastError(); err != nil {
		d.fail(err)
		return
	}
	switch tcp.EndpointState(d.ep.State()) {
	case tcp.StateSynSent, tcp.StateSynRecv, tcp.StateConnecting, tcp.StateInitial, tcp.StateBound:
		return
	}
	if f := &d.e.run.Flows[d.flow]; f.Established == Never {
		f.Established = d.e.elapsed()
	}
	d.read()
	d.write()
	if !d.dead && d.eof && d.shut {
		d.dead = true
		d.ep.Close()
	}
}

// fail ends it with an error that the stack reports to the application.
func (d *end) fail(err tcpip.Error) {
	d.dead, d.failure = true, err.String()
	d.ep.Close()
}

func (d *end) read() {
	switch now := d.e.elapsed(); {
	case d.dead || d.eof || d.ticking:
		return
	case now < d.notUntil:
		if !d.waking {
			d.waking = true
			d.e.after(d.notUntil-now, d.host, d.step)
		}
		return
	}
	buf := &d.buf
	for !d.dead {
		buf.Reset()
		_, err := d.ep.Read(&limited{buf, d.perTick}, tcpip.ReadOptions{})
		if buf.Len() > 0 {
			d.check.write(buf.Bytes())
			d.e.run.Progress = append(d.e.run.Progress, Progress{d.e.elapsed(), d.flow, d.host.index, d.check.r.Bytes})
			if d.heard != nil {
				d.heard(buf.Bytes())
			}
			if d.abortAt > 0 && d.check.r.Bytes >= d.abortAt {
				d.dead = true
				d.ep.SocketOptions().SetLinger(tcpip.LingerOption{Enabled: true}) // RST (POSIX: SO_LINGER 0)
				d.ep.Close()
				return
			}
		}
		switch err.(type) {
		case nil:
		case *tcpip.ErrWouldBlock:
			return
		case *tcpip.ErrClosedForReceive:
			d.eof = true
			if d.ended != nil {
				d.ended()
			}
			return
		default:
			d.fail(err)
			return
		}
		if d.perTick > 0 {
			d.ticking = true
			d.e.after(tick, d.host, func() {
				d.ticking = false
				d.step()
			})
			return
		}
	}
}

// limited stops a read after n bytes; 0: not at all.
type limited struct {
	b *bytes.Buffer
	n int
}

var errEnough = io.ErrShortWrite

func (l *limited) Write(p []byte) (int, error) {
	if l.n > 0 && len(p) > l.n-l.b.Len() {
		p = p[:l.n-l.b.Len()]
		l.b.Write(p)
		return len(p), errEnough
	}
	return l.b.Write(p)
}

const writeSize = 64 << 10

func (d *end) write() {
	for !d.dead && !d.shut {
		if len(d.rest) == 0 && d.made < d.total {
			n := min(writeSize, d.total-d.made)
			if cap(d.chunk) < n {
				d.chunk = make([]byte, n)
			}
			d.rest = d.chunk[:n]
			d.text.fill(d.rest, d.made)
			d.made += n
		}
		if len(d.rest) == 0 {
			if d.finish {
				d.shut = true
				d.ep.Shutdown(tcpip.ShutdownWrite)
			}
			return
		}
		n, err := d.ep.Write(bytes.NewReader(d.rest), tcpip.WriteOptions{})
		d.rest = d.rest[n:]
		d.out += int(n)
		if err != nil {
			if _, wait := err.(*tcpip.ErrWouldBlock); !wait {
				d.fail(err)
			}
			return
		}
	}
}

// startTCP sets a flow up. It returns what to do when the run is over.
func (e *engine) startTCP(i int, f Flow) (finish func()) {
	flow := &e.run.Flows[i]
	client := e.newEnd(i, e.hosts[f.From], false)
	if f.To == Everyone {
		e.at(f.At, event{"app", f.From, func() { e.connect(client, f, Everyone) }})
		return func() { flow.settle(&client.app, nil) }
	}
	server := e.newEnd(i, e.hosts[f.To], true)
	f.cast(&client.app, &server.app)
	if f.together() {
		for _, d := range []*end{client, server} {
			e.at(f.At+f.CloseAt, event{"app", d.host.index, func() { d.finish = true; d.wake() }})
		}
	}
	if !f.Closed {
		e.at(0, event{"app", f.To, func() { e.listen(server, f, uint16(flow.Port)) }})
	}
	e.at(f.At, event{"app", f.From, func() { e.connect(client, f, f.To) }})
	return func() { flow.settle(&client.app, &server.app) }
}

func (e *engine) connect(d *end, f Flow, to int) {
	ep, err := d.host.stack.NewEndpoint(tcp.ProtocolNumber, ipv4.ProtocolNumber, &d.queue)
	if err == nil {
		d.open(ep)
		d.watch(&d.queue)
		flow := &e.run.Flows[d.flow]
		flow.Asked = e.elapsed()
		if err = ep.Bind(tcpip.FullAddress{Addr: addressOf(d.host.index), Port: flow.ClientPort}); err == nil {
			if to != Everyone {
				e.wire.streams.get(streamKey{d.host.index, to, flow.ClientPort, flow.Port}).flow = d.flow
				e.wire.streams.get(streamKey{to, d.host.index, flow.Port, flow.ClientPort}).flow = d.flow
			}
			err = ep.Connect(tcpip.FullAddress{Addr: addressOf(to), Port: flow.Port})
		}
	}
	if _, started := err.(*tcpip.ErrConnectStarted); err != nil && !started {
		d.dead, d.failure = true, err.String()
		if ep != nil {
			ep.Close()
		}
	}
}

func (e *engine) listen(d *end, f Flow, port uint16) {
	ep, err := d.host.stack.NewEndpoint(tcp.ProtocolNumber, ipv4.ProtocolNumber, &d.queue)
	if err == nil {
		if f.Buffer > 0 { // on the listener: later it would not bound the first window
			ep.SocketOptions().SetReceiveBufferSize(int64(f.Buffer), true)
		}
		if err = ep.Bind(tcpip.FullAddress{Port: port}); err == nil {
			err = ep.Listen(16)
		}
	}
	if err != nil {
		d.dead, d.failure = true, err.String()
		return
	}
	entry := waiter.NewFunctionEntry(waiter.ReadableEvents, func(waiter.EventMask) {
		e.after(0, d.host, func() {
			conn, queue, err := ep.Accept(nil)
			if err != nil {
				return
			}
			if d.ep != nil { // a flow is one connection
				conn.Close()
				return
			}
			d.open(conn)
			d.watch(queue)
			d.step()
		})
	})
	d.queue.EventRegister(&entry)
}
