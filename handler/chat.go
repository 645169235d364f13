package handler

import (
	"context"
	"errors"
	"fmt"
	"regexp"
	"sync"

	"sockeye.dev/room"
	"sockeye.dev/session"
)

// Chat is the door into a room: every message a peer sends is a line it says,
// and what the room shows is sent to it in its own encoding and framing.
type Chat struct {
	// Room is where the door leads.
	Room *room.Room

	once sync.Once
	fan  *fanout
}

var _ session.Handler = (*Chat)(nil)

// ErrHTTP says that the peer speaks HTTP: a web page can make a browser post
// into a raw port, so such strangers are not let in.
var ErrHTTP = errors.New("the peer speaks HTTP, not to a chat room")

var requestLine = regexp.MustCompile(`^[A-Z]{3,16} \S+ HTTP/[0-9.]+$`)

// Serve lets the peer in, and out again when it leaves or says /quit.
func (h *Chat) Serve(ctx context.Context, s *session.Session) error {
	h.once.Do(func() { h.fan = &fanout{framed: make(map[session.Format][]byte)} })
	m, err := h.Room.Join(ctx, &screen{s, h.fan}, "")
	if err != nil {
		return fmt.Errorf("join %s: %w", h.Room.Name(), err)
	}
	reason := ""
	defer func() { m.Leave(reason) }()
	tooLong := false
	for first := true; ; first = false {
		msg, err := s.Recv(ctx)
		if err != nil {
			switch {
			case isEOF(err):
				_ = m.Flush(ctx) // the peer has ended its side only, and waits for its answers
			case !session.Ended(err):
				reason = "connection lost"
			}
			return err
		}
		text, _ := msg.Text()
		switch {
		case first && requestLine.MatchString(text):
			return ErrHTTP
		case msg.More:
			tooLong = true
			continue
		case tooLong:
			tooLong = false
			err = m.Tell(ctx, "not sent: the line is too long")
		default:
			err = m.Line(ctx, text)
		}
		if err != nil {
			return err
		}
	}
}

// screen is how a conversation sees the room.
type screen struct {
	s   *session.Session
	fan *fanout
}

var (
	_ room.Screen = (*screen)(nil)
	_ room.Ender  = (*screen)(nil)
)

// Show sends l without waiting.
func (c *screen) Show(l *room.Line) error {
	framed, err := c.fan.encode(l, c.s.Format())
	if err != nil {
		return err
	}
	return c.s.TrySend(framed)
}

// End makes Serve return.
func (c *screen) End(reason error) { c.s.Interrupt(reason) }

// fanout keeps the last line as it goes over the wire, once for each format.
// The room shows a line to one member at a time, so it needs no lock.
type fanout struct {
	line   *room.Line
	framed map[session.Format][]byte
}

func (f *fanout) encode(l *room.Line, format session.Format) ([]byte, error) {
	if f.line != l {
		f.line = l
		clear(f.framed)
	}
	if b, ok := f.framed[format]; ok {
		return b, nil
	}
	b, err := format.AppendText(nil, l.Text)
	if err == nil {
		f.framed[format] = b
	}
	return b, err
}
