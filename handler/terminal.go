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
	// Commands makes "/to N text" go to conversation N only. "//" begins a line
	// that begins with a slash. For people, not for data.
	Commands bool
	// Note tells the person at the terminal something. Default: nobody.
	Note func(format string, args ...any)

	mu    sync.Mutex
	here  []*session.Session
	first chan struct{}
	began bool
}

var _ session.Handler = (*Terminal)(nil)

func (h *Terminal) note(format string, args ...any) {
	if h.Note != nil {
		h.Note(format, args...)
	}
}

// started is closed once there has been a conversation.
func (h *Terminal) started() chan struct{} {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.first == nil {
		h.first = make(chan struct{})
	}
	return h.first
}

// Serve shows what one peer says until it leaves.
func (h *Terminal) Serve(ctx context.Context, s *session.Session) error {
	first := h.started()
	h.mu.Lock()
	h.here = append(h.here, s)
	if !h.began {
		h.began = true
		close(first)
	}
	h.mu.Unlock()
	defer func() {
		h.mu.Lock()
		defer h.mu.Unlock()
		h.here = slices.DeleteFunc(h.here, func(o *session.Session) bool { return o == s })
	}()
	if conn, ok := s.Conn(); ok && h.Out.direct() {
		return copyOut(ctx, h.Out, conn, s)
	}
	for {
		m, err := s.Recv(ctx)
		if err != nil {
			return err
		}
		if err := h.Out.Print(s, m); err != nil {
			return err
		}
	}
}

// Run sends the input to whoever is there, until it ends or ctx does. The end
// of the input ends no conversation. The error is ctx's cause, or says what
// could not be sent or read.
func (h *Terminal) Run(ctx context.Context) error {
	select {
	case <-h.started():
	case <-ctx.Done():
		return context.Cause(ctx)
	}
	stop := context.AfterFunc(ctx, h.In.Stop)
	defer stop()
	for {
		err := h.relay(ctx)
		switch {
		case ctx.Err() != nil:
			return context.Cause(ctx)
		case isEOF(err):
			return nil
		case err != nil && h.In.Source != Typed:
			return err
		case err != nil:
			h.note("%v", err) // a person may try again
		}
	}
}

// relay sends the next piece of input to everybody, or to the one it names.
func (h *Terminal) relay(ctx context.Context) error {
	if h.In.Read == nil || !h.Commands {
		m, err := h.In.Next()
		if err != nil {
			return err
		}
		return h.send(ctx, h.everybody(), m)
	}
	line, err := h.In.line()
	if err != nil {
		return err
	}
	to, line, err := h.address(h.everybody(), line)
	if err != nil {
		return err
	}
	m, err := h.In.Read(line)
	if err != nil {
		return err
	}
	return h.send(ctx, to, m)
}

func (h *Terminal) everybody() []*session.Session {
	h.mu.Lock()
	defer h.mu.Unlock()
	return slices.Clone(h.here)
}

// send waits for one peer, but not for the slowest of several: that one has
// its outbox, and then it goes.
func (h *Terminal) send(ctx context.Context, to []*session.Session, m session.Message) error {
	switch len(to) {
	case 0:
		return errors.New("nobody is here: not sent")
	case 1:
		return to[0].Send(ctx, m)
	}
	var errs []error
	for _, s := range to {
		if err := s.Post(m); err != nil {
			if errors.Is(err, session.ErrOutboxFull) {
				s.Interrupt(err)
			}
			errs = append(errs, fmt.Errorf("to conversation %d (%v): %w", s.ID(), s.Peer(), err))
		}
	}
	return errors.Join(errs...)
}

// address reads "/to N text".
func (h *Terminal) address(all []*session.Session, line []byte) (to []*session.Session, rest []byte, err error) {
	command, ok := bytes.CutPrefix(line, []byte("/"))
	if !ok {
		return all, line, nil
	}
	if bytes.HasPrefix(command, []byte("/")) {
		return all, command, nil
	}
	name, rest, _ := bytes.Cut(command, []byte(" "))
	number, rest, _ := bytes.Cut(bytes.TrimLeft(rest, " "), []byte(" "))
	if string(name) != "to" {
		return nil, nil, fmt.Errorf("there is no command /%s; there is: /to N text (begin with // to say a slash)", bytes.TrimSpace(name))
	}
	id, err := strconv.ParseUint(string(number), 10, 64)
	if err != nil {
		return nil, nil, fmt.Errorf("/to needs the number of a conversation, not %q; here: %s", number, numbers(all))
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
