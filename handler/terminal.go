package handler

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"sockeye.dev/charset"
	"sockeye.dev/frame"
	"sockeye.dev/session"
)

func isEOF(err error) bool { return errors.Is(err, io.EOF) }

// Terminal joins any number of conversations to one input and output: what any
// of them says is shown, and what is typed goes to all. Run reads the input,
// beside the server whose handler Terminal is.
type Terminal struct {
	// In is what is sent. It is not read until there is a conversation.
	In *Input
	// Out shows what is received.
	Out *Printer
	// Local are the commands understood, of which "/to N text" goes to
	// conversation N only. For people, not for data. Nil: none.
	Local *Local
	// Note tells the person at the terminal something. Default: nobody.
	Note func(format string, args ...any)

	mu     sync.Mutex
	here   []*session.Session
	came   chan struct{}           // closed when somebody comes
	hasten context.CancelCauseFunc // ends the wait for the only peer; nil: there is none
}

var _ session.Handler = (*Terminal)(nil)

func (h *Terminal) note(format string, args ...any) {
	if h.Note != nil {
		h.Note(format, args...)
	}
}

// Serve shows what one peer says until it leaves.
func (h *Terminal) Serve(ctx context.Context, s *session.Session) error {
	h.Local.greet(s)
	h.join(s)
	defer h.leave(s)
	if conn, ok := s.Conn(); ok && h.Out.direct() && h.Local == nil {
		return copyOut(ctx, h.Out, conn, s)
	}
	for {
		m, err := s.Recv(ctx)
		if errors.Is(err, errEnough) {
			return nil
		}
		if err != nil {
			return err
		}
		if err := h.Out.Print(s, m); err != nil {
			return err
		}
	}
}

// patience is how long an only peer may keep Run waiting once there is another.
const patience = time.Second

func (h *Terminal) join(s *session.Session) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.here = append(h.here, s)
	if h.came != nil {
		close(h.came)
		h.came = nil
	}
	if hasten := h.hasten; hasten != nil {
		h.hasten = nil
		time.AfterFunc(patience, func() { hasten(session.ErrOutboxFull) })
	}
}

func (h *Terminal) leave(s *session.Session) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.here = slices.DeleteFunc(h.here, func(o *session.Session) bool { return o == s })
}

// await waits until somebody is here.
func (h *Terminal) await(ctx context.Context) error {
	h.mu.Lock()
	if len(h.here) > 0 {
		h.mu.Unlock()
		return nil
	}
	if h.came == nil {
		h.came = make(chan struct{})
	}
	came := h.came
	h.mu.Unlock()
	select {
	case <-came:
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

// Run sends the input to whoever is there, until it ends or ctx does. The end
// of the input ends no conversation, and neither do peers that cannot be sent
// to: they are told of in a note. Input that no person types waits while nobody
// is there, and what of it did not reach everybody is Run's error once ctx has
// ended. Else that is ctx's cause, nil, or why input cannot be read or sent.
func (h *Terminal) Run(ctx context.Context) error {
	stop := context.AfterFunc(ctx, h.In.Stop)
	defer stop()
	if err := h.await(ctx); err != nil {
		return err
	}
	var lost error
	for {
		err := h.relay(ctx, &lost)
		var mistake *mistakeError
		switch {
		case err == nil:
		case ctx.Err() != nil || isEOF(err):
			if lost != nil {
				<-ctx.Done()
				return fmt.Errorf("not everything was sent: %w", lost)
			}
			return context.Cause(ctx) // nil, if the input has ended
		case errors.As(err, &mistake) && (h.In.Source == Typed || h.Local != nil):
			h.note("%v", err) // a person may try again
		default:
			return err
		}
	}
}

var errNobody = errors.New("nobody is here: not sent")

// mistakeError is input that cannot be sent as it is.
type mistakeError struct{ error }

func (e *mistakeError) Unwrap() error { return e.error }

// mistaken reports whether sending failed for what was to be sent.
func mistaken(err error) bool {
	var enc *charset.EncodeError
	var framing *frame.Error
	return errors.As(err, &enc) || errors.As(err, &framing)
}

// relay sends the next piece of input to everybody, or to the one it names.
// The first that could not be sent to somebody is kept in lost.
func (h *Terminal) relay(ctx context.Context, lost *error) error {
	typed := h.In.Source == Typed
	if !typed {
		if err := h.await(ctx); err != nil {
			return err
		}
	}
	m, to, err := h.next()
	if errors.Is(err, errLocal) {
		return nil
	}
	if err != nil {
		return err
	}
	for len(to) == 0 {
		if typed {
			return &mistakeError{errNobody}
		}
		if err := h.await(ctx); err != nil {
			*lost = errNobody
			return err
		}
		to = h.everybody()
	}
	for _, err := range h.send(ctx, to, m) {
		switch {
		case mistaken(err):
			return &mistakeError{err}
		case ctx.Err() == nil:
			h.note("%v", err)
		}
		if *lost == nil && !typed {
			*lost = err
		}
	}
	return nil
}

// next is the next message and whom it goes to.
func (h *Terminal) next() (m session.Message, to []*session.Session, err error) {
	if h.In.Read == nil {
		m, err = h.In.Next()
		return m, h.everybody(), err
	}
	line, err := h.In.line()
	if err != nil {
		return m, nil, err
	}
	to = h.everybody()
	if h.Local != nil {
		to, line, err = h.address(to, line)
	}
	if errors.Is(err, errLocal) {
		return m, nil, err
	}
	if err == nil {
		m, err = h.In.Read(line)
	}
	if err != nil {
		err = &mistakeError{err}
	}
	return m, to, err
}

func (h *Terminal) everybody() []*session.Session {
	h.mu.Lock()
	defer h.mu.Unlock()
	return slices.Clone(h.here)
}

// send waits for an only peer, but not for the slowest of several: that one has
// its outbox, and then it goes.
func (h *Terminal) send(ctx context.Context, to []*session.Session, m session.Message) (errs []error) {
	patient, hasten := context.WithCancelCause(ctx)
	defer hasten(nil)
	alone := h.alone(hasten)
	defer h.alone(nil)
	for _, s := range to {
		var err error
		if !alone {
			err = s.Post(m)
			if errors.Is(err, session.ErrOutboxFull) && h.In.Source != Typed {
				err = h.press(ctx, s, m) // input comes as fast as it is taken
			}
		} else if err = s.Send(patient, m); err != nil && patient.Err() != nil {
			err = context.Cause(patient) // torn or not, this is why
		}
		if errors.Is(err, session.ErrOutboxFull) {
			s.Interrupt(err)
		}
		if err != nil {
			if !mistaken(err) && !s.Datagram() {
				h.leave(s) // its stream is broken: that is said once
			}
			errs = append(errs, fmt.Errorf("to conversation %d (%v): %w", s.ID(), s.Peer(), err))
		}
	}
	return errs
}

// press sends m to one of several peers that has more to take than its outbox
// holds. A program's input waits for it, though not long.
func (h *Terminal) press(ctx context.Context, s *session.Session, m session.Message) error {
	patient, cancel := context.WithTimeoutCause(ctx, patience, session.ErrOutboxFull)
	defer cancel()
	err := s.Send(patient, m)
	if err != nil && patient.Err() != nil {
		err = context.Cause(patient)
	}
	return err
}

// alone reports whether there is one peer only. If another comes, hasten is
// called.
func (h *Terminal) alone(hasten context.CancelCauseFunc) bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	if len(h.here) > 1 {
		return false
	}
	h.hasten = hasten
	return true
}

// address reads "/to N text", and does what other commands say.
func (h *Terminal) address(all []*session.Session, line []byte) (to []*session.Session, rest []byte, err error) {
	name, arg, local := h.Local.split(line)
	switch {
	case !bytes.HasPrefix(line, []byte("/")) || bytes.HasPrefix(line, []byte("//")):
		return all, h.Local.plain(line), nil
	case !local:
		return nil, nil, fmt.Errorf("there is no command /%s; there are /to N text, /encoding, /hex, /close, /record (begin with // to say a slash)", name)
	case name != "to":
		if err := h.Local.run(name, arg, h.In, h.Out, all); err != nil {
			return nil, nil, err
		}
		return nil, nil, errLocal
	}
	_, rest, _ = bytes.Cut(line, []byte(" "))
	number, rest, hasText := bytes.Cut(bytes.TrimLeft(rest, " "), []byte(" "))
	number = bytes.TrimSpace(number)
	id, err := strconv.ParseUint(string(number), 10, 64)
	if err != nil {
		return nil, nil, fmt.Errorf("/to needs the number of a conversation, not %q; here: %s", number, numbers(all))
	}
	if !hasText {
		return nil, nil, fmt.Errorf("/to %d needs a text to send", id)
	}
	for _, s := range all {
		if s.ID() == id {
			return []*session.Session{s}, rest, nil
		}
	}
	return nil, nil, fmt.Errorf("there is no conversation %d; here: %s", id, numbers(all))
}

func numbers(of []*session.Session) string {
	if len(of) == 0 {
		return "none"
	}
	var b strings.Builder
	for i, s := range of {
		if i > 0 {
			b.WriteString(", ")
		}
		fmt.Fprintf(&b, "%d (%v)", s.ID(), s.Peer())
	}
	return b.String()
}
