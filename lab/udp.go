package lab

import (
	"bytes"

	"gvisor.dev/gvisor/pkg/tcpip"
	"gvisor.dev/gvisor/pkg/tcpip/network/ipv4"
	"gvisor.dev/gvisor/pkg/tcpip/transport/udp"
	"gvisor.dev/gvisor/pkg/waiter"
)

// startUDP sets a flow of datagrams up. It returns what to do when the run is
// over.
func (e *engine) startUDP(i int, f Flow) (finish func(), err error) {
	flow := &e.run.Flows[i]
	var checks []*streamCheck
	for to := range e.hosts {
		if to == f.To || f.To == Everyone && to != f.From {
			c := &streamCheck{text: newText(e.setup.Seed, i, false)}
			c.r.Host = to
			checks = append(checks, c)
			if err := e.receiveUDP(i, f, e.hosts[to], c); err != nil {
				return nil, err
			}
		}
	}
	var queue waiter.Queue
	h := e.hosts[f.From]
	ep, tcpErr := h.stack.NewEndpoint(udp.ProtocolNumber, ipv4.ProtocolNumber, &queue)
	if tcpErr == nil {
		ep.SocketOptions().SetNoChecksum(f.NoSum)
		ep.SocketOptions().SetBroadcast(f.To == Everyone)
		if tcpErr = ep.Bind(tcpip.FullAddress{Addr: addressOf(f.From), Port: flow.ClientPort}); tcpErr == nil {
			tcpErr = ep.Connect(tcpip.FullAddress{Addr: addressOf(f.To), Port: flow.Port})
		}
	}
	if tcpErr != nil {
		return nil, &SetupError{"flow " + f.String(), stackError{tcpErr}}
	}
	sent, accepted := 0, 0
	payload := newText(e.setup.Seed, i, false)
	var send func()
	send = func() {
		p := payload.datagram(uint32(sent), f.Size)
		if sent == 0 {
			flow.Asked, flow.Established = e.elapsed(), e.elapsed()
		}
		sent++
		if _, err := ep.Write(bytes.NewReader(p), tcpip.WriteOptions{}); err != nil {
			flow.ClientError = err.String()
		} else {
			accepted++
			flow.SentBytes += len(p)
		}
		if sent < f.Count {
			e.after(f.Every, h, send)
		}
	}
	e.at(f.At, event{"app", h.index, send})
	return func() {
		flow.Complete = true
		for _, c := range checks {
			c.r.Sent = accepted
			flow.Receipts = append(flow.Receipts, c.r)
			flow.Complete = flow.Complete && c.r.Missing() == 0
		}
	}, nil
}

func (e *engine) receiveUDP(i int, f Flow, h *host, c *streamCheck) error {
	if f.Closed {
		return nil
	}
	queue := new(waiter.Queue)
	ep, err := h.stack.NewEndpoint(udp.ProtocolNumber, ipv4.ProtocolNumber, queue)
	if err == nil {
		if f.Buffer > 0 {
			ep.SocketOptions().SetReceiveBufferSize(int64(f.Buffer), true)
		}
		err = ep.Bind(tcpip.FullAddress{Port: e.run.Flows[i].Port})
	}
	if err != nil {
		return &SetupError{"flow " + f.String(), stackError{err}}
	}
	read := func() bool {
		var b bytes.Buffer
		if _, err := ep.Read(&b, tcpip.ReadOptions{}); err != nil {
			return false
		}
		c.datagram(b.Bytes())
		e.run.Progress = append(e.run.Progress, Progress{e.elapsed(), i, h.index, c.r.Bytes})
		return true
	}
	// A slow reader looks every so often while there is something, and is woken
	// when there is something again.
	pending := false
	var step func()
	step = func() {
		pending = false
		if wait := f.At + f.Pause - e.elapsed(); wait > 0 {
			pending = true
			e.after(wait, h, step)
			return
		}
		for read() {
			if f.ReadEvery > 0 {
				pending = true
				e.after(f.ReadEvery, h, step)
				return
			}
		}
	}
	entry := waiter.NewFunctionEntry(waiter.ReadableEvents, func(waiter.EventMask) {
		if !pending {
			pending = true
			e.after(0, h, step)
		}
	})
	queue.EventRegister(&entry)
	return nil
}

// stackError is a stack's error as Go's.
type stackError struct{ of tcpip.Error }

func (e stackError) Error() string { return e.of.String() }

// portOf gives flow i its ports.
func portOf(f Flow, i int) (client, server uint16) {
	if f.Proto == "udp" {
		return uint16(50000 + i), uint16(7890 + i)
	}
	return uint16(40000 + i), uint16(7788 + i)
}
