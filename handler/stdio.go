package handler

import (
	"context"
	"errors"
	"fmt"
	"net"
	"sync/atomic"
	"time"

	"sockeye.dev/session"
)

// ErrNoReply says that messages were sent and nothing came back in time.
var ErrNoReply = errors.New("no reply came")

// Stdio joins one conversation to a program's input and output, with an end
// that can be relied on. The end of the input ends our side, and what the peer
// still has to say is waited for, however late. The peer's end ends the
// conversation once all of it is shown, but a file is sent to its end and a
// pipe as long as it yields bytes, because the peer may only have ended its
// side. Stdio serves one conversation only.
type Stdio struct {
	// In is what is sent.
	In *Input
	// Out shows what is received.
	Out *Printer
	// Hold is how long a pipe may be silent after the peer's end before it
	// counts as ended. Default: 1 s.
	Hold time.Duration
	// Local are the commands understood. For people, not for data. Nil: none.
	Local *Local
	// Note tells a person, at once, of input that cannot be sent. Default:
	// nobody.
	Note func(format string, args ...any)
	// Wait is how long, after the input's end, a datagram conversation that
	// has no end of its own goes on in silence. Default: 1 s.
	Wait time.Duration
}

var _ session.Handler = (*Stdio)(nil)

func or(d, def time.Duration) time.Duration {
	if d > 0 {
		return d
	}
	return def
}

// errInputDone ends a Recv so that the rest of the conversation can be timed.
var errInputDone = errors.New("the input has ended")

// Serve holds the conversation. The error is nil only if everything read from
// the input was sent and everything received was shown; it is [ErrNoReply]
// where datagrams were sent and none came.
func (h *Stdio) Serve(ctx context.Context, s *session.Session) error {
	sending, stopSending := context.WithCancelCause(ctx)
	defer stopSending(nil)
	inputDone, endInput := context.WithCancelCause(ctx)
	defer endInput(nil)
	conn, direct := s.Conn() // asked before anything is received
	sent := make(chan struct{})
	var messages int
	var sendErr error
	go func() {
		defer close(sent)
		if direct && h.In.Read == nil {
			sendErr = h.copyIn(sending, s, conn)
		} else {
			messages, sendErr = h.send(sending, s)
		}
		endInput(errInputDone)
	}()
	var received int
	var err error
	if direct && h.Out.direct() && h.Local == nil {
		err = copyOut(ctx, h.Out, conn, s)
	} else {
		received, err = h.receive(ctx, inputDone, s)
	}
	if err != nil {
		stopSending(err) // it may be waiting for a peer that does not read
	} else if !s.Datagram() {
		h.In.finish(ctx, or(h.Hold, time.Second), sent)
	}
	h.In.Stop()
	<-sent
	switch {
	case errors.Is(err, errEnough):
		return nil
	case err != nil && (ctx.Err() == nil || sendErr == nil):
		return err
	case sendErr != nil: // an end from outside does not excuse what was lost by it
		return fmt.Errorf("not everything was sent: %w", sendErr)
	case s.Datagram() && messages > 0 && received == 0:
		return fmt.Errorf("%w from %v in %v", ErrNoReply, s.Peer(), or(h.Wait, time.Second))
	}
	return nil
}

// send sends the input to its end and ends our side. What cannot be sent for
// what it is a person may correct; else it ends our side too, and the peer's
// answer to what was sent is waited for.
func (h *Stdio) send(ctx context.Context, s *session.Session) (messages int, err error) {
	for {
		m, err := h.next(s)
		switch {
		case errors.Is(err, errLocal):
			continue
		case errors.Is(err, errCanceled):
			return messages, h.unread(ctx)
		case isEOF(err):
			return messages, s.CloseWrite()
		case err == nil:
			if err = s.Send(ctx, m); err == nil {
				messages++
				continue
			}
			if !mistaken(err) {
				return messages, err
			}
			err = &mistakeError{err}
		}
		var mistake *mistakeError
		if h.In.Source == Typed && errors.As(err, &mistake) {
			h.note("not sent: %v", err)
			continue
		}
		h.note("not sent, and nothing after it: %v", err)
		return messages, errors.Join(err, s.CloseWrite())
	}
}

// next is the next message. A line that begins as a command, but is none, may
// be one of the peer's.
func (h *Stdio) next(s *session.Session) (session.Message, error) {
	if h.Local == nil || h.In.Read == nil {
		return h.In.Next()
	}
	line, err := h.In.line()
	if err != nil {
		return session.Message{}, err
	}
	if name, arg, ok := h.Local.split(line); ok && name != "to" {
		if err := h.Local.run(name, arg, h.In, h.Out, []*session.Session{s}); err != nil {
			return session.Message{}, &mistakeError{err}
		}
		return session.Message{}, errLocal
	}
	if _, _, ok := h.Local.split(h.Local.plain(line)); ok {
		line = h.Local.plain(line)
	}
	m, err := h.In.Read(line)
	if err != nil {
		err = &mistakeError{err}
	}
	return m, err
}

func (h *Stdio) note(format string, args ...any) {
	if h.Note != nil {
		h.Note(format, args...)
	}
}

// unread is why input was not read to its end, where that is a loss: a pipe or
// a person may have been through.
func (h *Stdio) unread(ctx context.Context) error {
	if h.In.Source != File {
		return nil
	}
	return context.Cause(ctx)
}

// copyIn is sending for input that is bytes as they are.
func (h *Stdio) copyIn(ctx context.Context, s *session.Session, conn net.Conn) error {
	stop := context.AfterFunc(ctx, func() { _ = conn.SetWriteDeadline(time.Unix(1, 0)) })
	defer stop()
	var n atomic.Int64
	err := session.Copy(conn, reader{h.In}, &n)
	s.Count(0, n.Load())
	switch {
	case errors.Is(err, errCanceled):
		return h.unread(ctx)
	case err != nil && ctx.Err() != nil:
		return context.Cause(ctx)
	case err != nil:
		return err
	}
	return s.CloseWrite()
}

// receive shows what comes until the peer has ended its side, or, as nobody
// ends a datagram conversation, until that has been silent for Wait after the
// input's end.
func (h *Stdio) receive(ctx, inputDone context.Context, s *session.Session) (messages int, err error) {
	wait, cancel := context.WithCancel(ctx)
	if s.Datagram() {
		wait = inputDone
	}
	defer func() { cancel() }()
	for {
		m, err := s.Recv(wait)
		switch {
		case err == nil:
			messages++
			if err := h.Out.Print(s, m); err != nil {
				return messages, err
			}
		case isEOF(err), errors.Is(err, context.DeadlineExceeded) && ctx.Err() == nil:
			return messages, nil
		case !errors.Is(err, errInputDone):
			return messages, err
		}
		if s.Datagram() && inputDone.Err() != nil && ctx.Err() == nil {
			cancel()
			wait, cancel = h.silence(ctx)
		}
	}
}

// silence bounds the wait for one more datagram.
func (h *Stdio) silence(ctx context.Context) (context.Context, context.CancelFunc) {
	return context.WithTimeout(ctx, or(h.Wait, time.Second))
}

// copyOut is receiving for output that shows bytes as they are.
func copyOut(ctx context.Context, out *Printer, conn net.Conn, s *session.Session) error {
	stop := context.AfterFunc(ctx, func() { _ = conn.SetReadDeadline(time.Unix(1, 0)) })
	defer stop()
	var n atomic.Int64
	err := session.Copy(out, conn, &n)
	s.Count(n.Load(), 0)
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	return err
}
