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

// Serve lets the peer in, and out again when it leaves or says /quit. It waits
// as long as the conversation lives, so it keeps its stack small.
func (h *Chat) Serve(ctx context.Context, s *session.Session) error {
	v := &visit{screen: screen{s: s}}
	defer v.leave()
	apart(func() { v.err = h.enter(ctx, v) })
	for v.err == nil {
		var msg session.Message
		if msg, v.err = s.Recv(ctx); v.err == nil {
			v.err = v.hear(ctx, msg)
		} else {
			v.lost(ctx)
		}
	}
	return v.err
}

// apart calls f on another goroutine and waits for it: a stack that has grown
// stays grown, and a member of a room mostly waits.
func apart(f func()) {
	done := make(chan any)
	go func() {
		defer func() { done <- recover() }()
		f()
	}()
	if p := <-done; p != nil {
		panic(p)
	}
}

// visit is one peer in the room.
type visit struct {
	screen
	member  *room.Member
	heard   bool // that it speaks, and not HTTP
	tooLong bool // what it says now
	reason  string
	err     error
}

func (h *Chat) enter(ctx context.Context, v *visit) (err error) {
	h.once.Do(func() { h.fan = &fanout{framed: make(map[session.Format]framed)} })
	v.fan = h.fan
	if v.member, err = h.Room.Join(ctx, &v.screen, ""); err != nil {
		return fmt.Errorf("join %s: %w", h.Room.Name(), err)
	}
	return nil
}

func (v *visit) leave() {
	if v.member != nil {
		v.member.Leave(v.reason)
	}
}

// hear has the room hear what the peer says.
//
//go:noinline
func (v *visit) hear(ctx context.Context, msg session.Message) error {
	first := !v.heard
	v.heard = true
	text, _ := msg.Text()
	switch {
	case first && requestLine.MatchString(text):
		return ErrHTTP
	case msg.More:
		v.tooLong = true
		return nil
	case v.tooLong:
		v.tooLong = false
		return v.member.Tell(ctx, "not sent: the line is too long")
	}
	err := v.member.Line(ctx, text)
	if lost := err != nil && err != io.EOF && ctx.Err() == nil && !errors.Is(err, net.ErrClosed); lost {
		err = v.member.Tell(ctx, "not sent: "+err.Error())
	}
	return err
}

// lost is called when nothing more comes.
//
//go:noinline
func (v *visit) lost(ctx context.Context) {
	switch {
	case isEOF(v.err):
		_ = v.member.Flush(ctx) // the peer has ended its side only, and waits for its answers
	case !session.Ended(v.err):
		v.reason = "connection lost"
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

	last   session.Format // most members have the same: no need to hash it
	lastAs framed         // block in that format; nothing if bytes is nil
}

// framed is a block on the wire: all of it, and where each line ends.
type framed struct {
	bytes []byte
	ends  []int
}

func (f *fanout) encode(b *room.Block, format session.Format) (framed, error) {
	if f.block != b {
		f.block, f.lastAs = b, framed{}
		clear(f.framed)
	}
	if f.lastAs.bytes != nil && f.last == format {
		return f.lastAs, nil
	}
	if done, ok := f.framed[format]; ok {
		f.last, f.lastAs = format, done
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
	f.framed[format], f.last, f.lastAs = out, format, out
	return out, nil
}
