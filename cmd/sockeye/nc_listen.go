package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"net"
	"slices"
	"sync"

	"sockeye.dev/endpoint"
	"sockeye.dev/frame"
	"sockeye.dev/handler"
	"sockeye.dev/session"
)

// listen hosts one conversation, or many.
func (n *ncProgram) listen(ctx context.Context) error {
	p := n.plan
	ln, err := n.open(ctx)
	if err != nil {
		return err
	}
	n.sayListening(ln.Addr())
	l := &ncListener{Listener: ln, n: n, ctx: ctx}
	defer l.Close()
	stop := context.AfterFunc(ctx, func() { _ = l.Close() })
	defer stop()
	switch {
	case p.proxyServer:
		return n.serve(ctx, l, &ncProxy{n: n}, nil)
	case p.broker:
		b := &handler.Broker{Chat: p.chat}
		return n.serve(ctx, l, b, func(ctx context.Context) error { return n.announce(ctx, b) })
	case p.keep:
		return n.keep(ctx, l)
	}
	conn, err := l.Accept()
	if err != nil {
		if ctx.Err() != nil {
			return context.Cause(ctx)
		}
		return p.d.failure("accept: %s", ncReason(err))
	}
	if !p.datagrams() {
		_ = ln.Close()
	}
	return n.hold(ctx, conn)
}

// open opens the listener.
func (n *ncProgram) open(ctx context.Context) (net.Listener, error) {
	p := n.plan
	var port uint16
	if len(p.ports) > 0 {
		port = p.ports[0]
	}
	if p.host != "" && !p.unix {
		if _, err := p.lookup(ctx, p.host); err != nil {
			return nil, n.undialed(err, p.host, port)
		}
	}
	a := p.addr(p.host, port)
	if p.udp {
		a.Options.Set("idle", "0")
	}
	a.Options.Take("broadcast")
	ln, err := n.app.network.Listen(ctx, a)
	switch {
	case err == nil:
		return ln, nil
	case !p.d.long:
		return nil, p.d.failure("%s", ncReason(err))
	case p.unix:
		return nil, p.d.wrong("bind to %s: %s", p.path, ncReason(err))
	}
	return nil, p.d.wrong("bind to %s: %s", net.JoinHostPort(p.host, fmt.Sprint(port)), ncReason(err))
}

// keep joins standard input and output, or a program each, to all who come:
// ncat's at once, nc's one after another.
func (n *ncProgram) keep(ctx context.Context, l *ncListener) error {
	p := n.plan
	if p.exec != nil {
		return n.serve(ctx, l, &handler.Exec{Command: p.exec, Stderr: n.app.stderr}, nil)
	}
	l.inTurn = !p.d.long && !p.udp
	settled, err := n.app.plan(&talk{}, p.addr("", 0), frame.Raw{})
	if err != nil {
		return err
	}
	in, done := n.input(&settled)
	defer done()
	out := n.printer(&settled)
	ctx, fail := context.WithCancelCause(ctx)
	defer fail(nil)
	out.W = &vital{Writer: out.W, fail: fail}
	h := &handler.Terminal{In: in, Out: out}
	if p.udp { // nc -luk only hears
		return n.serve(ctx, l, h, nil)
	}
	here := &ncPresent{Handler: h}
	return n.serve(ctx, l, here, func(ctx context.Context) error {
		err := h.Run(ctx)
		switch {
		case err != nil || p.noInput || p.recvOnly:
		case p.sendOnly:
			return errNCSent // there is nothing left to do
		case p.shutdown:
			here.closeWrite()
		}
		return err
	})
}

// An ncPresent is a handler of many that knows who is here.
type ncPresent struct {
	session.Handler
	mu  sync.Mutex
	all map[*session.Session]bool
}

// Serve lists s while it lasts.
func (h *ncPresent) Serve(ctx context.Context, s *session.Session) error {
	h.set(s, true)
	defer h.set(s, false)
	return h.Handler.Serve(ctx, s)
}

func (h *ncPresent) set(s *session.Session, here bool) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.all == nil {
		h.all = make(map[*session.Session]bool)
	}
	if here {
		h.all[s] = true
	} else {
		delete(h.all, s)
	}
}

// closeWrite ends our side of every conversation, once what waits is sent.
func (h *ncPresent) closeWrite() {
	h.mu.Lock()
	all := slices.Collect(maps.Keys(h.all))
	h.mu.Unlock()
	for _, s := range all {
		_ = s.CloseWrite() // one that is gone is no loss of ours
	}
}

// serve hosts conversations until ctx ends, with run beside them.
func (n *ncProgram) serve(ctx context.Context, l *ncListener, h session.Handler, run func(context.Context) error) error {
	settled, err := n.app.plan(&talk{}, n.plan.addr("", 0), frame.Raw{})
	if err != nil {
		return err
	}
	srv := &session.Server{Handler: h, Config: settled.config}
	ctx, end := context.WithCancelCause(ctx)
	defer end(nil)
	var beside sync.WaitGroup
	var errRun error
	if run != nil {
		beside.Go(func() {
			if errRun = run(ctx); errRun != nil && errRun != context.Cause(ctx) {
				end(errRun)
			}
		})
	}
	err = srv.Serve(ctx, l)
	switch {
	case errors.Is(err, net.ErrClosed) && l.ctx.Err() != nil: // whose end closes l, perhaps before ctx knows
		err = context.Cause(l.ctx)
	case errors.Is(err, session.ErrServerClosed):
		err = context.Cause(ctx)
	}
	end(err)
	beside.Wait()
	return and(err, notCause(ctx, errRun))
}

// notCause is err unless it only repeats why ctx ended.
func notCause(ctx context.Context, err error) error {
	if err == context.Cause(ctx) {
		return nil
	}
	return err
}

// announce tells everybody at the broker what is typed.
func (n *ncProgram) announce(ctx context.Context, b *handler.Broker) error {
	settled, err := n.app.plan(&talk{}, n.plan.addr("", 0), frame.Raw{})
	if err != nil {
		return err
	}
	in, done := n.input(&settled)
	defer done()
	stop := context.AfterFunc(ctx, in.Stop)
	defer stop()
	for {
		m, err := in.Next()
		switch {
		case errors.Is(err, io.EOF):
			return nil
		case ctx.Err() != nil:
			return context.Cause(ctx)
		case err != nil:
			return err
		}
		b.Say(m.Data)
	}
}

// An ncListener lets in whom the plan allows, tells who has come, and gives
// each conn the plan's manners.
type ncListener struct {
	net.Listener
	n      *ncProgram
	ctx    context.Context
	inTurn bool // the next one waits until the one before has gone

	mu   sync.Mutex
	here int
	gone chan struct{} // closed when one of those here goes
	// admitted counts those who came in, as sessions are numbered.
	admitted int
}

// Accept waits for the next who may come in.
func (l *ncListener) Accept() (net.Conn, error) {
	p := l.n.plan
	for {
		if l.inTurn && !l.await() {
			return nil, net.ErrClosed
		}
		conn, err := l.Listener.Accept()
		if err != nil {
			return nil, err
		}
		if r, refused := conn.(endpoint.Refused); refused {
			if p.verbose > 0 {
				p.say("Failed SSL connection from %v: %v", conn.RemoteAddr(), r.Refused())
			}
			continue
		}
		l.n.sayAccepted(conn, l.admitted+1)
		if why := l.refusal(conn.RemoteAddr()); why != "" {
			if p.verbose > 0 {
				p.say("New connection denied: %s", why)
			}
			_ = conn.Close()
			continue
		}
		l.admitted++
		idle := l.n.idle
		if l.inTurn { // the silence of one does not end the others
			idle = &ncIdle{after: p.idle}
		}
		l.n.tune(conn)
		kept, c := ncWrap(conn, p, idle, l.n.observer)
		if l.inTurn {
			idle.end = func(error) { c.cut() }
		}
		idle.touch()
		l.mu.Lock()
		l.here++
		l.mu.Unlock()
		c.closed = sync.OnceFunc(func() {
			if l.inTurn {
				idle.stop()
			}
			l.leave()
		})
		return kept, nil
	}
}

// refusal is why somebody may not come in, or "".
func (l *ncListener) refusal(from net.Addr) string {
	p := l.n.plan
	l.mu.Lock()
	defer l.mu.Unlock()
	switch {
	case p.max > 0 && l.here >= p.max:
		return fmt.Sprintf("connection limit reached (%d)", l.here)
	case p.allow.given && !p.allow.contain(from), p.deny.contain(from):
		return "not allowed"
	}
	return ""
}

func (l *ncListener) leave() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.here--
	if l.gone != nil {
		close(l.gone)
		l.gone = nil
	}
}

// await waits until nobody is here, and reports false if the program ends.
func (l *ncListener) await() bool {
	for {
		l.mu.Lock()
		if l.here == 0 {
			l.mu.Unlock()
			return true
		}
		if l.gone == nil {
			l.gone = make(chan struct{})
		}
		gone := l.gone
		l.mu.Unlock()
		select {
		case <-gone:
		case <-l.ctx.Done():
			return false
		}
	}
}
