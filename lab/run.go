package lab

import (
	"context"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"
	"hash"
	"time"

	"gvisor.dev/gvisor/pkg/tcpip"
	"gvisor.dev/gvisor/pkg/tcpip/transport/tcp"
)

// A Run is what happened in a setup, all of it. It is not changed any more.
type Run struct {
	Setup    Setup
	Packets  []*Packet // in the order of sending
	Flows    []FlowRun // as in Setup.Flows
	States   []StateChange
	Samples  []Sample
	Queue    []QueueSample
	Progress []Progress
	Virtual  time.Duration // when the last event was
	Events   int

	counters []counters // of the hosts' stacks, at the end
	cutShort bool       // the time was up before all had happened
	outside  bool       // reasons and verdicts are what can be seen from outside the stacks
	udpFull  int        // datagrams that a kernel has dropped at full sockets, whichever they were
}

// A FlowRun is how a flow went.
type FlowRun struct {
	Flow        Flow
	ClientPort  uint16
	Port        uint16
	Asked       time.Duration // when the application asked to connect, or sent its first datagram
	Established time.Duration // when it could send; Never
	SentBytes   int           // what the sending application has handed to its stack
	Complete    bool          // all was sent, and came undamaged
	Stalled     bool          // TCP came to rest before all had come, and no application was told
	Receipts    []Receipt     // of each receiver; of TCP the server's and the client's
	ClientError string        // what the stack told the application, if not that all is well
	ServerError string
}

// A StateChange is a TCP endpoint's step from one state to another (RFC 9293,
// 3.3.2), as the application can see it.
type StateChange struct {
	At       time.Duration
	Host     int
	Flow     int
	State    string // as in the RFC: FIN-WAIT-1
	Inferred bool   // from the segment sent: the endpoint is not yet the application's
}

// Progress is how much of a flow an application has received, in bytes.
type Progress struct {
	At    time.Duration
	Flow  int
	Host  int
	Bytes int
}

// maxPackets bounds a run's memory: all of them are kept.
const maxPackets = 1 << 21

// Do runs a setup. Its errors are *SetupError, but for a run that stands still
// and for ctx's own, after which there is no run.
func Do(ctx context.Context, s Setup) (*Run, error) {
	if err := s.Check(); err != nil {
		return nil, err
	}
	if s.Stack.Congestion == "bbr" {
		return nil, &SetupError{"cc", errors.New("gVisor has no bbr; the kernel may have it")}
	}
	run := &Run{Setup: s}
	e := &engine{clock: new(clock), setup: &run.Setup, run: run}
	e.wire = newWire(&run.Setup)
	e.wire.now = e.elapsed
	e.wire.sample = func(s Sample) { run.Samples = append(run.Samples, s) }
	ctx, stop := context.WithCancelCause(ctx)
	defer stop(nil)
	x := new(explainer)
	e.wire.at = func(at time.Duration, host int, f func()) { e.at(at, event{"packet", host, f}) }
	e.wire.sent = func(p *Packet, again bool) {
		if p.ID > maxPackets {
			stop(&SetupError{"setup", fmt.Errorf("more than %d packets", maxPackets)})
		}
		x.fresh = append(x.fresh, sending{p, again, e.hosts[p.From].counters()})
	}
	e.wire.deliver = func(p *Packet) {
		e.wire.cause, x.rx = Cause{"packet", p.ID}, p
		e.hosts[p.To].receive(p.received())
	}
	defer func() {
		for _, h := range e.hosts {
			h.stack.Destroy()
		}
	}()
	for i := range s.hosts() {
		h, err := newHost(i, &run.Setup, e.clock, e.wire)
		if err != nil {
			return nil, err
		}
		e.hosts = append(e.hosts, h)
	}
	x.hosts = e.hosts

	var finish []func()
	run.Flows = make([]FlowRun, len(s.Flows))
	for i, f := range s.Flows {
		flow := &run.Flows[i]
		flow.Flow, flow.Established, flow.Asked = f, Never, Never
		flow.ClientPort, flow.Port = portOf(f, i)
		if f.Proto == "udp" {
			done, err := e.startUDP(i, f)
			if err != nil {
				return nil, err
			}
			finish = append(finish, done)
		} else {
			finish = append(finish, e.startTCP(i, f))
		}
	}
	err := e.clock.run(ctx, s.until(), func(ev event) {
		var h *host
		if ev.host >= 0 {
			h = e.hosts[ev.host]
		}
		x.begin(h)
		e.wire.cause = Cause{Kind: ev.kind}
		ev.run()
		if h != nil {
			h.rest()
			x.end(h, ev.kind)
			for _, p := range x.fresh {
				if p.Why == WhyAccept { // RFC 9293, 3.10.7.2
					run.States = append(run.States, StateChange{e.elapsed(), h.index, p.Flow, "SYN-RECEIVED", true})
				}
			}
			e.watch(h, ev.kind == "timer" && len(x.fresh) > 0)
		}
	})
	if ctx.Err() != nil {
		return nil, context.Cause(ctx)
	}
	for _, f := range finish {
		f()
	}
	for _, h := range e.hosts {
		run.counters = append(run.counters, h.counters())
	}
	run.Packets, run.Queue, run.Virtual, run.Events = e.wire.packets, e.wire.queue, e.elapsed(), e.events
	_, run.cutShort = e.q.Next()
	for i := range run.Flows {
		f := &run.Flows[i]
		whole := f.Flow.Proto == "tcp" && f.Flow.Bytes > 0 && f.Established != Never
		f.Stalled = whole && !f.Complete && !f.told() && !run.cutShort && f.outstanding() > 0
	}
	for _, p := range run.Packets {
		if p.Header.Proto == "UDP" {
			if p.Flow = run.flowOf(p); p.Flow >= 0 && p.Header.Len >= minDatagram {
				payload := p.Raw[len(p.Raw)-p.Header.Len:]
				p.Header.Number = int(binary.BigEndian.Uint32(payload)) + 1
			}
		}
	}
	return run, err
}

// outstanding is how many units never came, of what was to be sent; those that
// came damaged have come.
func (f *FlowRun) outstanding() (n int) {
	for _, c := range f.Receipts {
		n += max(c.Missing()-c.Damaged, 0)
	}
	return n
}

// flowOf is the flow of a datagram, by its ports.
func (r *Run) flowOf(p *Packet) int {
	for i, f := range r.Flows {
		if f.Flow.Proto == "udp" && f.Port == p.Header.DstPort && f.ClientPort == p.Header.SrcPort {
			return i
		}
	}
	return -1
}

// watch notes what an event has changed in the states of h's connections, and
// after a timer how the sender stands: the probe tells only of what arrives.
func (e *engine) watch(h *host, timerSent bool) {
	for _, d := range h.ends {
		if d.ep == nil {
			continue
		}
		if timerSent {
			e.sampleEnd(d)
		}
		now := tcp.EndpointState(d.ep.State())
		if now != d.state {
			d.state = now
			if name, ok := stateNames[now]; ok {
				e.run.States = append(e.run.States, StateChange{At: e.elapsed(), Host: h.index, Flow: d.flow, State: name})
			}
		}
	}
}

// sampleEnd asks an endpoint how its sender stands.
func (e *engine) sampleEnd(d *end) {
	var info tcpip.TCPInfoOption
	if err := d.ep.GetSockOpt(&info); err != nil || info.SndCwnd == 0 {
		return
	}
	s := Sample{At: e.elapsed(), Flow: d.flow, Host: d.host.index, Cwnd: int(info.SndCwnd), Ssthresh: threshold(int(info.SndSsthresh)),
		Outstanding: -1, SndWnd: -1, SRTT: info.RTT, RTO: info.RTO}
	for i := len(e.run.Samples) - 1; i >= 0; i-- {
		if last := e.run.Samples[i]; last.Flow == s.Flow && last.Host == s.Host {
			s.MSS = last.MSS
			break
		}
	}
	e.run.Samples = append(e.run.Samples, s)
}

// stateNames are RFC 9293's. What gVisor has beside them happens within an
// instant, or is before and after the connection.
var stateNames = map[tcp.EndpointState]string{
	tcp.StateSynSent: "SYN-SENT", tcp.StateSynRecv: "SYN-RECEIVED", tcp.StateEstablished: "ESTABLISHED",
	tcp.StateFinWait1: "FIN-WAIT-1", tcp.StateFinWait2: "FIN-WAIT-2", tcp.StateTimeWait: "TIME-WAIT", tcp.StateCloseWait: "CLOSE-WAIT",
	tcp.StateLastAck: "LAST-ACK", tcp.StateClosing: "CLOSING", tcp.StateClose: "CLOSED", tcp.StateError: "CLOSED",
}

// Digest is one number for the whole log: a SHA-256 over every packet's bytes at
// both taps, its times, fate, reason and verdict. Equal digests are equal runs.
func (r *Run) Digest() string {
	h := sha256.New()
	for _, p := range r.Packets {
		p.hash(h)
	}
	return hex.EncodeToString(h.Sum(nil))
}

func (p *Packet) hash(h hash.Hash) {
	fmt.Fprintf(h, "%d %d %d %d %d %d %d %s|%s|%s|%s|", p.ID, p.From, p.To, p.CopyOf, p.Sent, p.Start, p.Arrived, p.Fate, p.Why, p.Cause.Kind, p.Verdict)
	var n [8]byte
	for _, b := range [][]byte{p.Raw, p.Got} {
		binary.BigEndian.PutUint64(n[:], uint64(len(b)))
		h.Write(n[:])
		h.Write(b)
	}
}
