package handler

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
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
	h.once.Do(func() { h.fan = &fanout{framed: make(map[session.Format]framed)} })
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
			if lost := err != nil && err != io.EOF && ctx.Err() == nil && !errors.Is(err, net.ErrClosed); lost {
				err = m.Tell(ctx, "not sent: "+err.Error())
			}
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

// Show sends b without waiting.
func (c *screen) Show(b *room.Block) error {
	f, err := c.fan.encode(b, c.s.Format())
	if err != nil {
		return err
	}
	if !c.s.Bounded() {
		return c.s.TrySend(f.bytes)
	}
	at := 0
	for _, end := range f.ends {
		if err := c.s.TrySend(f.bytes[at:end:end]); err != nil {
			return err
		}
		at = end
	}
	return nil
}

// End makes Serve return. Who reads too slowly is told so, as the last thing.
func (c *screen) End(reason error) {
	if !errors.Is(reason, session.ErrOutboxFull) {
		c.s.Interrupt(reason)
		return
	}
	last, err := c.s.Format().AppendText(nil, "* lost: you read too slowly")
	if err != nil {
		last = nil
	}
	c.s.Drop(reason, last)
}

// fanout keeps the last block as it goes over the wire, once for each format.
// The room shows a block to one member at a time, so it needs no lock.
type fanout struct {
	block  *room.Block
	framed map[session.Format]framed
}

// framed is a block on the wire: all of it, and where each line ends.
type framed struct {
	bytes []byte
	ends  []int
}

func (f *fanout) encode(b *room.Block, format session.Format) (framed, error) {
	if f.block != b {
		f.block = b
		clear(f.framed)
	}
	if done, ok := f.framed[format]; ok {
		return done, nil
	}
	var out framed
	for _, l := range b.Lines {
		var err error
		if out.bytes, err = format.AppendText(out.bytes, l.Text); err != nil {
			return framed{}, err
		}
		out.ends = append(out.ends, len(out.bytes))
	}
	f.framed[format] = out
	return out, nil
}
