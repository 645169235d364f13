package handler

import (
	"context"
	"time"

	"sockeye.dev/frame"
	"sockeye.dev/session"
)

// ByMessage is the framing of conversations with clients of which nothing is
// known: a message is a line, or whatever came before 50 ms of quiet, so that
// clients that send no newline are answered too.
var ByMessage frame.Framer = frame.Quiet{Gap: 50 * time.Millisecond, Inner: frame.Line{}}

// Reply answers every message with Message. The answer to a message that came
// without a delimiter goes without one.
type Reply struct {
	// Message is the answer. A text is written in what the peer speaks.
	Message session.Message
	// Once ends the conversation after the first answer. Default: answer until
	// the peer leaves.
	Once bool
	// Out shows what was received. Default: nobody.
	Out *Printer
}

var _ session.Handler = (*Reply)(nil)

// Serve answers until the peer leaves, or once.
func (h *Reply) Serve(ctx context.Context, s *session.Session) error {
	for {
		m, err := s.Recv(ctx)
		if err != nil {
			return err
		}
		if h.Out == nil || !h.Out.decodes() {
			_, _ = m.Text() // for an automatic encoding to learn from
		}
		if h.Out != nil {
			if err := h.Out.Print(s, m); err != nil {
				return err
			}
		}
		if m.More {
			continue // it is answered when it is whole
		}
		answer := h.Message
		answer.Bare = m.Bare
		if err := s.Send(ctx, answer); err != nil {
			return err
		}
		if h.Once {
			return nil
		}
	}
}
