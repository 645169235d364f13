package session

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/netip"
	"runtime/debug"
	"sync"
	"sync/atomic"
	"time"

	"sockeye.dev/endpoint"
	"sockeye.dev/observe"
)

// ErrServerClosed is what Serve returns after its context has ended.
var ErrServerClosed = errors.New("the server is closed")

// Server accepts conversations and gives each to its Handler, on a goroutine
// of its own. The exported fields are set before the first Serve. The zero
// value with a Handler is ready; one Server may serve several listeners.
type Server struct {
	// Handler holds each conversation.
	Handler Handler
	// Config is what the conversations have in common.
	Config Config
	// MaxSessions is how many conversations are held at once; those beyond are
	// closed as they come. Default: as many as there are descriptors for.
	MaxSessions int
	// MaxPerSource is the same for one source: an IPv4 address, or the /64 of an
	// IPv6 one, for whoever has one address of that has them all. Default: no
	// limit.
	MaxPerSource int
	// Quota limits the conversations of several servers together. Default: no
	// limit.
	Quota *Quota
	// Grace is how long conversations have to end after Serve's context has;
	// what is left then is cut. Default: 2 s.
	Grace time.Duration
	// Log tells when conversations begin and end, at level Info, and of what no
	// handler can: refused ones, panics, a lack of descriptors. Default: nobody.
	Log *slog.Logger

	mu       sync.Mutex
	sessions map[*Session]struct{}
	held     int // admitted and not removed
	sources  map[netip.Prefix]int
	refused  int64
	retired  map[net.Listener]bool

	settled atomic.Pointer[settled] // Config.Format, as the last conversation had it
}

func (srv *Server) log() *slog.Logger {
	if srv.Log == nil {
		return slog.New(slog.DiscardHandler)
	}
	return srv.Log
}

func (srv *Server) grace() time.Duration {
	if srv.Grace > 0 {
		return srv.Grace
	}
	return 2 * time.Second
}

// Serve accepts conversations from ln, which it closes, until ctx ends or ln
// fails. When ctx ends it stops accepting, interrupts every Recv, waits Grace
// for the handlers, closes what is left, and returns ErrServerClosed. Nothing
// is left running.
func (srv *Server) Serve(ctx context.Context, ln net.Listener) error {
	base, cancel := context.WithCancelCause(ctx)
	defer cancel(ErrServerClosed)
	defer ln.Close()
	stop := context.AfterFunc(base, func() {
		if d, ok := ln.(endpoint.DatagramListener); ok {
			d.StopAccepting() // its conversations have its socket
		} else {
			_ = ln.Close()
		}
	})
	defer stop()

	var held sync.WaitGroup
	err := srv.accept(base, ln, &held)
	if srv.isRetired(ln) { // who is here may stay
		gone := make(chan struct{})
		go func() { held.Wait(); close(gone) }()
		select {
		case <-gone:
		case <-base.Done():
		}
		err = ErrServerClosed
		defer func() { <-gone }()
	}
	cancel(ErrServerClosed)
	for _, s := range srv.of(base) {
		s.Interrupt(ErrServerClosed)
	}
	cut := make(chan struct{})
	timer := time.AfterFunc(srv.grace(), func() {
		defer close(cut)
		var all sync.WaitGroup // at once: a conn's Close may take a moment
		for _, s := range srv.of(base) {
			all.Go(func() { s.abort(ErrServerClosed) })
		}
		all.Wait()
	})
	held.Wait()
	if !timer.Stop() {
		<-cut
	}
	if ctx.Err() != nil {
		return ErrServerClosed
	}
	return err
}

// Retire makes Serve accept no more conversations from ln, which is closed.
// Those that are held go on; Serve returns ErrServerClosed after the last.
func (srv *Server) Retire(ln net.Listener) {
	srv.mu.Lock()
	if srv.retired == nil {
		srv.retired = make(map[net.Listener]bool)
	}
	srv.retired[ln] = true
	srv.mu.Unlock()
	if d, ok := ln.(endpoint.DatagramListener); ok {
		d.StopAccepting()
	} else {
		_ = ln.Close()
	}
}

func (srv *Server) isRetired(ln net.Listener) bool {
	srv.mu.Lock()
	defer srv.mu.Unlock()
	return srv.retired[ln]
}

// accept starts conversations until ln fails for good.
func (srv *Server) accept(base context.Context, ln net.Listener, held *sync.WaitGroup) error {
	var pause backoff
	for {
		conn, err := ln.Accept()
		if err != nil {
			if base.Err() != nil {
				return ErrServerClosed
			}
			if !exhausted(err) {
				return fmt.Errorf("accept on %v: %w", ln.Addr(), err)
			}
			if pause.first() {
				srv.log().Warn("accepting is paused", "listener", ln.Addr().String(), "reason", err)
			}
			pause.wait(base)
			continue
		}
		if pause.reset() {
			srv.log().Info("accepting again", "listener", ln.Addr().String())
		}
		if why := srv.admit(conn); why != "" {
			srv.log().Warn("refused a conversation", "peer", conn.RemoteAddr().String(), "reason", why)
			_ = conn.Close()
			continue
		}
		s := begin(conn, &srv.Config, &srv.settled)
		s.base = base
		srv.add(s)
		held.Add(1)
		go srv.hold(s, held)
	}
}

// hold runs one conversation to its end; a panic in the handler ends this
// conversation only. It waits as long as the conversation lives, so its stack
// frame is kept small: what comes after is done by others.
func (srv *Server) hold(s *Session, held *sync.WaitGroup) {
	defer srv.finish(s, held)
	srv.begun(s)
	s.served = srv.Handler.Serve(s.base, s)
}

// finish, deferred, closes a conversation and tells what went wrong.
func (srv *Server) finish(s *Session, held *sync.WaitGroup) {
	defer held.Done()
	defer srv.remove(s)
	err := s.served
	if p := recover(); p != nil {
		err = srv.panicked(s, p)
	}
	if Ended(err) || s.base.Err() != nil {
		err = nil
	}
	srv.ended(s, both(err, s.Close()))
}

// both is why a conversation ended and what Close found, which may be the same.
func both(err, closing error) error {
	switch {
	case closing == nil || errors.Is(err, closing):
		return err
	case errors.Is(closing, err):
		return closing
	}
	return errors.Join(err, closing)
}

// begun and ended log a conversation.
//
//go:noinline
func (srv *Server) begun(s *Session) {
	if srv.Log != nil && srv.Log.Enabled(s.base, slog.LevelInfo) {
		srv.Log.Info("conversation begun", "conv", s.ID(), "peer", s.Peer().String())
	}
}

func (srv *Server) ended(s *Session, err error) {
	if srv.Log == nil || !srv.Log.Enabled(s.base, slog.LevelInfo) {
		return
	}
	args := []any{"conv", s.ID(), "peer", s.Peer().String(), "in", s.Received(), "out", s.Sent()}
	if err != nil {
		args = append(args, "reason", err)
	}
	srv.Log.Info("conversation ended", args...)
}

// serve calls the handler for ServeOne.
func (srv *Server) serve(ctx context.Context, s *Session) (err error) {
	defer func() {
		if p := recover(); p != nil {
			err = srv.panicked(s, p)
		}
	}()
	return srv.Handler.Serve(ctx, s)
}

func (srv *Server) panicked(s *Session, p any) error {
	err := fmt.Errorf("the handler panicked: %v", p)
	s.observe(observe.Event{Kind: observe.Error, Err: err})
	srv.log().Error("a handler panicked", "conv", s.ID(), "panic", p, "stack", string(debug.Stack()))
	return err
}

// ServeOne accepts one conversation from ln and holds it to its end, then
// closes ln. Its error is the handler's, or else what Close could not deliver.
func (srv *Server) ServeOne(ctx context.Context, ln net.Listener) error {
	defer ln.Close()
	stop := context.AfterFunc(ctx, func() { _ = ln.Close() })
	conn, err := srv.acceptOne(ln)
	if !stop() {
		if err == nil {
			_ = conn.Close()
		}
		return context.Cause(ctx)
	}
	if err != nil {
		return fmt.Errorf("accept on %v: %w", ln.Addr(), err)
	}
	s := New(conn, &srv.Config)
	if !s.Datagram() { // those have one socket with their listener
		_ = ln.Close()
	}
	srv.add(s)
	defer srv.remove(s)
	srv.begun(s)
	err = srv.serve(ctx, s)
	if errClose := s.Close(); Ended(err) {
		err = errClose
	}
	srv.ended(s, err)
	return err
}

// acceptOne accepts the first conversation that may begin.
func (srv *Server) acceptOne(ln net.Listener) (net.Conn, error) {
	for {
		conn, err := ln.Accept()
		if err != nil {
			return nil, err
		}
		why := srv.admit(conn)
		if why == "" {
			return conn, nil
		}
		srv.log().Warn("refused a conversation", "peer", conn.RemoteAddr().String(), "reason", why)
		_ = conn.Close()
	}
}

// admit counts a conversation that may begin, or says why it may not.
func (srv *Server) admit(conn net.Conn) (refusal string) {
	srv.mu.Lock()
	defer srv.mu.Unlock()
	if r, ok := conn.(endpoint.Refused); ok { // by its listener: no handler is to see it
		srv.refused++
		return r.Refused().Error()
	}
	if srv.MaxSessions > 0 && srv.held >= srv.MaxSessions {
		srv.refused++
		return fmt.Sprintf("%d conversations are the limit", srv.MaxSessions)
	}
	if from := sourceOf(conn.RemoteAddr()); srv.MaxPerSource > 0 && from.IsValid() {
		if srv.sources[from] >= srv.MaxPerSource {
			srv.refused++
			return fmt.Sprintf("%d conversations per source are the limit", srv.MaxPerSource)
		}
		if srv.sources == nil {
			srv.sources = make(map[netip.Prefix]int)
		}
		srv.sources[from]++
	}
	if why := srv.Quota.take(elsewhere(conn.RemoteAddr())); why != "" {
		srv.refused++
		srv.forgetSource(sourceOf(conn.RemoteAddr()))
		return why
	}
	srv.held++
	return ""
}

func (srv *Server) forgetSource(from netip.Prefix) {
	if srv.MaxPerSource > 0 && from.IsValid() {
		if srv.sources[from]--; srv.sources[from] == 0 {
			delete(srv.sources, from)
		}
	}
}

// add lists a conversation that was admitted.
func (srv *Server) add(s *Session) {
	srv.mu.Lock()
	defer srv.mu.Unlock()
	if srv.sessions == nil {
		srv.sessions = make(map[*Session]struct{})
	}
	srv.sessions[s] = struct{}{}
}

func (srv *Server) remove(s *Session) {
	srv.mu.Lock()
	defer srv.mu.Unlock()
	delete(srv.sessions, s)
	srv.held--
	srv.forgetSource(sourceOf(s.Peer()))
	srv.Quota.give(elsewhere(s.Peer()))
}

// of returns the conversations of one Serve.
func (srv *Server) of(base context.Context) (all []*Session) {
	srv.mu.Lock()
	defer srv.mu.Unlock()
	for s := range srv.sessions {
		if s.base == base {
			all = append(all, s)
		}
	}
	return all
}

// Counts says how many conversations are held now and how many were refused by
// a limit so far.
func (srv *Server) Counts() (held int, refused int64) {
	srv.mu.Lock()
	defer srv.mu.Unlock()
	return srv.held, srv.refused
}

// ipOf is the IP address of a; Unix sockets and memory have none.
func ipOf(a net.Addr) netip.Addr {
	switch a := a.(type) {
	case *net.TCPAddr:
		return a.AddrPort().Addr().Unmap().WithZone("")
	case *net.UDPAddr:
		return a.AddrPort().Addr().Unmap().WithZone("")
	}
	return netip.Addr{}
}

// elsewhere is what a Quota counts by: sourceOf, but of other hosts only.
func elsewhere(a net.Addr) netip.Prefix {
	if ipOf(a).IsLoopback() {
		return netip.Prefix{}
	}
	return sourceOf(a)
}

// sourceOf is what MaxPerSource counts by.
func sourceOf(a net.Addr) netip.Prefix {
	from := ipOf(a)
	bits := from.BitLen()
	if from.Is6() {
		bits = 64
	}
	p, _ := from.Prefix(bits)
	return p
}
