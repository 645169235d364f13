package session

import (
	"context"
	"errors"
	"io"
	"net"
	"os"
	"time"

	"sockeye.dev/frame"
	"sockeye.dev/observe"
)

// Recv waits for the next message. It fails with io.EOF when the peer has
// ended its side, with [ErrIdle] when Config.Idle has passed in silence, with
// ctx's cause when ctx ends (the session stays usable), and with the
// connection's error else. A datagram conversation that expires ends with
// io.EOF.
func (s *Session) Recv(ctx context.Context) (Message, error) {
	for {
		if f := s.format.Load(); f != s.inAs {
			s.reread(f)
		}
		var m frame.Message
		var ok bool
		var err error
		if !s.held {
			m, ok, err = s.in.Next()
		}
		if ok {
			_, raw := s.inAs.in.(frame.Raw)
			return Message{Data: m.Data, Bare: m.Bare, More: m.More, final: !m.More && !raw, from: s}, nil
		}
		if err == nil {
			err = s.fill(ctx)
		}
		if err == io.EOF && s.recvErr != nil {
			err = s.recvErr // what was pending when the connection failed is out
		}
		if err != nil {
			if err == io.EOF && s.dec != nil && s.dec.Pending() > 0 && !s.tail {
				// Half a character was the last thing we got: let the policy speak.
				s.tail = true
				return Message{Bare: true, final: true, from: s}, nil
			}
			return Message{}, err
		}
	}
}

// reread makes what is received from now on be read in another format.
func (s *Session) reread(f *settled) {
	if s.inAs == nil || s.inAs.Encoding != f.Encoding || s.inAs.Decode != f.Decode {
		s.dec = nil
	}
	s.inAs = f
	s.in.Framer, s.in.Encoding = f.in, f.Encoding
}

// fill waits for more bytes and hands them to s.in. An idle conversation waits
// inside it and keeps its stack frame, so that others do all but the waiting.
func (s *Session) fill(ctx context.Context) error {
	quiet, err := s.await(ctx)
	if err != nil {
		return err
	}
	var n int
	if s.from.raw != nil {
		n, err = s.from.raw.read(&s.in)
	} else {
		n, err = s.from.read(&s.in)
	}
	s.read.disarm()
	if n > 0 || s.from.message != nil && err == nil {
		s.received(n)
	}
	if err == nil {
		return nil
	}
	return s.readFailed(ctx, err, quiet)
}

// await gets ready to wait, and reports whether a silence will end a message.
//
//go:noinline
func (s *Session) await(ctx context.Context) (quiet bool, err error) {
	if s.recvErr != nil {
		return false, s.recvErr
	}
	s.in.Release()
	wait := s.cfg.Idle
	if wait > 0 {
		if s.heard.IsZero() {
			s.heard = time.Now()
		}
		wait = max(time.Until(s.heard.Add(wait)), 1)
	}
	gap, quiet := s.in.Quiet()
	if quiet && (wait == 0 || gap < wait) {
		wait = gap
	} else {
		quiet = false
	}
	if s.held && (wait == 0 || openingPause < wait) {
		wait, quiet = openingPause, false
	}
	return quiet, s.read.arm(ctx, s.base, wait)
}

// received counts and shows what was read.
//
//go:noinline
func (s *Session) received(n int) {
	if s.cfg.Idle > 0 {
		s.heard = time.Now()
	}
	off := s.got.Add(int64(n)) - int64(n)
	if s.cfg.Observer != nil {
		s.observe(observe.Event{Kind: observe.Data, Dir: observe.In, Offset: off, Data: s.in.Latest(n)})
	}
	if s.look != nil {
		s.opens(s.in.Latest(n))
	}
}

// readFailed says what the failure of a read means for Recv; nil that s.in has
// a message now, or its end.
//
//go:noinline
func (s *Session) readFailed(ctx context.Context, err error, quiet bool) error {
	switch {
	case err == io.EOF:
		s.held = false
		s.in.End()
		s.gotEOF.Store(true)
		s.observe(observe.Event{Kind: observe.EOF, Dir: observe.In, Offset: s.got.Load()})
		return nil // s.in still has what ended with the stream
	case errors.Is(err, os.ErrDeadlineExceeded):
		if why := s.read.interrupted(); why != nil {
			return why
		}
		if ctx.Err() != nil {
			return context.Cause(ctx)
		}
		if s.held || quiet {
			s.held = false
			if quiet {
				s.in.Flush()
			}
			return nil
		}
		if s.cfg.Idle > 0 {
			return ErrIdle
		}
	}
	s.held = false
	s.recvErr = s.opError("read", err)
	s.recvFailed.Store(true)
	s.observe(observe.Event{Kind: observe.Error, Dir: observe.In, Err: s.recvErr})
	s.in.End()
	return nil // s.in still has what was not ended, and then we fail
}

// opError is err as package net would put it.
func (s *Session) opError(op string, err error) error {
	var already *net.OpError
	if errors.As(err, &already) {
		if already.Op == op {
			return err
		}
		err = already.Err
	}
	remote := s.conn.RemoteAddr()
	network := ""
	if remote != nil {
		network = remote.Network()
	}
	return &net.OpError{Op: op, Net: network, Source: s.conn.LocalAddr(), Addr: remote, Err: err}
}

// Interrupt makes the Recv under way, and every later one, fail with why.
// Sending goes on, so that a last word can be said before Close.
func (s *Session) Interrupt(why error) { s.read.interrupt(why) }
