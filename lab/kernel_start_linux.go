package lab

import (
	"errors"

	"golang.org/x/sys/unix"
)

// startTCP sets a flow up as engine.startTCP does.
func (k *kernel) startTCP(i int, f Flow) kernelFlow {
	t := &kernelTCP{k: k, flow: &k.run.Flows[i], client: k.newEnd(i, f.From, false)}
	t.both = []*kernelEnd{t.client}
	k.at(f.At, func() { t.connect() })
	if f.To == Everyone {
		return t
	}
	t.server = k.newEnd(i, f.To, true)
	t.both = append(t.both, t.server)
	f.cast(&t.client.app, &t.server.app)
	if f.together() {
		k.at(f.At+f.CloseAt, func() { t.client.finish, t.server.finish = true, true })
	}
	if f.Pause > 0 {
		k.at(t.server.notUntil, func() {}) // for the loop to look
	}
	if !f.Closed {
		t.listen()
	}
	return t
}

func (t *kernelTCP) listen() {
	d := t.server
	fd, err := t.k.hosts[d.host].tcpSocket(t.k.setup)
	if err == nil {
		t.listener = &kernelListener{fd, d}
		if err = setBuffer(fd, t.flow.Flow.Buffer); err == nil { // on the listener: later it would not bound the first window
			if err = unix.Bind(fd, sockaddr(d.host, t.flow.Port)); err == nil {
				err = unix.Listen(fd, 16)
			}
		}
	}
	if err != nil {
		d.dead, d.broken, d.failure = true, true, err.Error()
		return
	}
	t.k.sockets = append(t.k.sockets, t.listener)
}

func (t *kernelTCP) connect() {
	t.started = true
	k, d, to := t.k, t.client, t.flow.Flow.To
	t.flow.Asked = k.elapsed()
	fd, err := k.hosts[d.host].tcpSocket(k.setup)
	if err != nil {
		d.dead, d.broken, d.failure = true, true, err.Error()
		return
	}
	d.fd = fd
	if err = unix.Bind(fd, sockaddr(d.host, t.flow.ClientPort)); err == nil {
		if to != Everyone {
			k.wire.streams.get(streamKey{d.host, to, t.flow.ClientPort, t.flow.Port}).flow = d.flow
			k.wire.streams.get(streamKey{to, d.host, t.flow.Port, t.flow.ClientPort}).flow = d.flow
		}
		err = unix.Connect(fd, sockaddr(to, t.flow.Port))
	}
	if err != nil && !errors.Is(err, unix.EINPROGRESS) {
		d.fail(err)
		return
	}
	d.connecting = true
	d.look()
}
