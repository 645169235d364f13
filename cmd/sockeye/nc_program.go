package main

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"net"
	"time"

	"golang.org/x/net/ipv4"
	"golang.org/x/net/ipv6"

	"sockeye.dev/frame"
	"sockeye.dev/handler"
	"sockeye.dev/observe"
	"sockeye.dev/session"
)

// An ncProgram is a netcat at work: its plan on this program's machinery.
type ncProgram struct {
	app      *app
	plan     *ncPlan
	observer observe.Observer
	idle     *ncIdle
	began    time.Time
}

// run does what the plan wants.
func (n *ncProgram) run(ctx context.Context) (err error) {
	p := n.plan
	n.began = time.Now()
	observer, done, err := n.observers()
	if err != nil {
		return err
	}
	defer func() { err = and(err, done()) }()
	n.observer = observer
	ctx, end := context.WithCancelCause(ctx)
	defer end(nil)
	n.idle = &ncIdle{after: p.idle, end: end}
	defer n.idle.stop()
	if p.d.long && p.verbose > 0 {
		fmt.Fprint(n.app.stderr, ncatBanner())
	}
	switch {
	case p.listen:
		err = n.listen(ctx)
	default:
		err = n.connect(ctx)
	}
	return n.outcome(err)
}

// outcome is err without the ends that are none to complain of. What was lost
// by them is wrapped, and stays.
func (n *ncProgram) outcome(err error) error {
	switch {
	case err == errNCQuit, err == errNCSent, errors.Is(err, handler.ErrNoReply):
		return nil
	case err == errNCIdle && n.plan.idleCode == exitOK:
		return nil
	case err == errNCIdle:
		return &ncError{code: n.plan.idleCode, text: fmt.Sprintf("Idle timeout expired (%d ms)", n.plan.idle.Milliseconds())}
	}
	return err
}

// connect holds a conversation at each port, or only finds out whether one
// could be held. It succeeds if it does at any.
func (n *ncProgram) connect(ctx context.Context) error {
	p := n.plan
	ports := p.ports
	if p.unix {
		ports = []uint16{0}
	}
	if p.random {
		rand.Shuffle(len(ports), func(i, j int) { ports[i], ports[j] = ports[j], ports[i] })
	}
	var first error
	succeeded := false
	for i, port := range ports {
		if i > 0 && p.lineDelay > 0 {
			select {
			case <-time.After(p.lineDelay):
			case <-ctx.Done():
				return context.Cause(ctx)
			}
		}
		err := n.connectPort(ctx, port)
		switch {
		case ctx.Err() != nil:
			return err
		case err == nil:
			succeeded = true
		case first == nil:
			first = err
		}
		var e *ncError
		if errors.As(err, &e) && e.text != "" && len(ports) > 1 {
			_ = n.app.ncReport(p.d, err)
			first = &ncError{code: e.code}
		}
	}
	if succeeded {
		return nil
	}
	return first
}

func (n *ncProgram) connectPort(ctx context.Context, port uint16) error {
	conn, err := n.dial(ctx, port)
	if err != nil {
		return err
	}
	if n.plan.scan {
		return n.probe(conn, port)
	}
	n.sayConnected(conn, port)
	return n.hold(ctx, conn)
}

// hold holds one conversation to its end and closes it.
func (n *ncProgram) hold(ctx context.Context, conn net.Conn) error {
	p := n.plan
	ctx, end := context.WithCancelCause(ctx)
	defer end(nil)
	kept, c := n.wrap(conn)
	settled, err := n.app.plan(&talk{}, p.addr("", 0), frame.Raw{})
	if err != nil {
		return err
	}
	s := session.New(kept, &settled.config)
	h, done := n.handler(&settled)
	defer done()
	over := func() {}
	if c != nil && p.exec == nil {
		over = c.during(end)
	}
	err = h.Serve(ctx, s)
	over()
	if cause := context.Cause(ctx); cause != nil && cause != errNCSent && c != nil {
		c.cut()
	}
	if errClose := s.Close(); session.Ended(err) {
		err = errClose
	}
	if p.d.long && p.verbose > 0 && !p.listen {
		p.say("%d bytes sent, %d bytes received in %.2f seconds.", s.Sent(), s.Received(), time.Since(n.began).Seconds())
	}
	return err
}

// handler is what a conversation is held with.
func (n *ncProgram) handler(settled *plan) (session.Handler, func()) {
	p := n.plan
	if p.exec != nil {
		return &handler.Exec{Command: p.exec, Stderr: n.app.stderr}, func() {}
	}
	in, done := n.input(settled)
	h := &handler.Stdio{In: in, Out: n.printer(settled), Wait: p.wait}
	if p.listen {
		h.Hold = time.Millisecond // netcats that listen end with their client
	}
	return h, done
}

// wrap gives conn the plan's manners. Where it asks for none, conn stays what
// it is, and c is nil.
func (n *ncProgram) wrap(conn net.Conn) (kept net.Conn, c *ncConn) {
	if already := ncConnOf(conn); already != nil {
		return conn, already
	}
	p := n.plan
	n.tune(conn)
	n.idle.touch()
	plain := p.shutdown && p.quit < 0 && p.idle == 0 && !p.telnet && !p.sendOnly && !p.recvOnly && !p.noInput &&
		p.recvLimit == 0 && n.observer == nil
	if plain && !p.listen {
		return conn, nil
	}
	return ncWrap(conn, p, n.idle, n.observer)
}

// tune sets what only an open socket takes; that a system does not is no error
// to netcats either.
func (n *ncProgram) tune(conn net.Conn) {
	p := n.plan
	if p.unix || p.ttl < 0 && p.tos < 0 {
		return
	}
	four, six := ipv4.NewConn(conn), ipv6.NewConn(conn)
	if p.ttl > 0 {
		_ = four.SetTTL(p.ttl)
		_ = six.SetHopLimit(p.ttl)
	}
	if p.tos >= 0 {
		_ = four.SetTOS(p.tos)
		_ = six.SetTrafficClass(p.tos)
	}
}

// printer shows what is received: bytes, or harmless text on a terminal.
func (n *ncProgram) printer(settled *plan) *handler.Printer {
	out := n.app.printer(settled)
	out.Undecodable = nil
	if n.plan.sendOnly {
		out = &handler.Printer{W: nowhere{}}
	}
	return out
}

// nowhere takes everything.
type nowhere struct{}

func (nowhere) Write(b []byte) (int, error) { return len(b), nil }
