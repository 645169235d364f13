package handler

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/netip"
	"strings"
	"sync/atomic"
	"unicode/utf8"

	"sockeye.dev/charset"
	"sockeye.dev/frame"
	"sockeye.dev/room"
	"sockeye.dev/session"
)

// Chat is the door into a house of rooms: every message a peer sends is a line
// it says, and what the room shows is sent to it in its own encoding and
// framing. With [frame.Skip] as the session's Oversize who says too much stays,
// whatever the framing. One Chat serves any number of conversations at once; its
// fields are set before the first.
type Chat struct {
	// House is where the door leads.
	House *room.House
	// Room is where those who come in by this door begin. Default: the house's
	// first.
	Room string
	// JSON says that members speak and are spoken to in JSON, one object a
	// line; see [room.House] and docs/rooms.md. Others can ask for it with
	// /json. Default: text.
	JSON bool
	// Operator says who may do from the beginning what operators may. Default:
	// nobody.
	Operator func(s *session.Session) bool
	// Cookies asks datagram sources off this host to prove their address before
	// they are a member: see [Cookies]. Default: it does not matter who they
	// are.
	Cookies *Cookies
	// Throttle limits how often a source may join and speak; several doors may
	// share one. Default: as often as it likes.
	Throttle *Throttle
}

var _ session.Handler = (*Chat)(nil)

// ErrTooOften ends a conversation when more came from one source than Throttle
// allows.
var ErrTooOften = errors.New("the source has joined too often")

// Serve lets the peer in, and out again when it leaves or says /quit. It waits
// as long as the conversation lives, so it keeps its stack small.
func (h *Chat) Serve(ctx context.Context, s *session.Session) error {
	v := &visit{screen: screen{s: s}, chat: h}
	defer v.leave()
	if v.err = v.meet(ctx); v.err != nil {
		return v.err
	}
	apart(func() { v.err = v.enter(ctx) })
	for v.err == nil {
		var msg session.Message
		if msg, v.err = s.Recv(ctx); v.err == nil {
			if v.err = v.hear(ctx, msg); v.err == room.ErrClosed {
				v.err = nil // the room is about to say so, and then interrupts Recv
			}
		} else {
			v.lost(ctx)
		}
	}
	if errors.Is(v.err, room.ErrKicked) {
		return nil // as an operator wanted
	}
	return v.err
}

// meet sees to it that the peer is none of those who are not let in. Inlined it
// would double the stack of everybody who waits in Serve.
//
//go:noinline
func (v *visit) meet(ctx context.Context) error {
	switch {
	case v.chat.Cookies != nil && v.s.Datagram() && !local(v.s):
		return v.prove(ctx)
	case v.s.Format().Encoding != charset.Hex: // a device may begin with anything
		v.s.LookFirst(opening)
	}
	return nil
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

// visit is one peer in the house.
type visit struct {
	screen
	chat    *Chat
	visit   *room.Visit
	source  *source // nil: it may speak as often as it likes
	tooLong bool    // what it says now
	warned  bool    // that its text is not UTF-8
	reason  string
	err     error
}

func (v *visit) enter(ctx context.Context) (err error) {
	h := v.chat
	v.operator = h.Operator != nil && h.Operator(v.s)
	if h.JSON {
		v.speakJSON()
	}
	if v.source, err = h.Throttle.join(v.s); err != nil {
		v.tell(h.House.Texts().TooOften)
		return err
	}
	v.entering.Store(true)
	if v.visit, err = h.House.Enter(ctx, h.Room, &v.screen, ""); err != nil {
		v.tell(h.House.Texts().Refusal(err))
	}
	v.entering.Store(false)
	return err
}

// tell says something to a peer that is not in a room.
func (v *visit) tell(text string) {
	_ = v.Show(&room.Block{Lines: []*room.Line{{Kind: room.Notice, Text: "* " + text, Body: text}}})
}

func (v *visit) leave() {
	v.chat.Throttle.left(v.source)
	if v.visit != nil {
		v.visit.Leave(v.reason)
	}
}

func (v *visit) member() *room.Member { return v.visit.Member() }

// hear has the room hear what the peer says.
//
//go:noinline
func (v *visit) hear(ctx context.Context, msg session.Message) error {
	switch {
	case msg.More:
		v.tooLong = true
		return nil
	case v.tooLong && v.json.Load():
		v.tooLong = false
		return v.reply(ctx, nil, 0, errLong)
	case v.tooLong:
		v.tooLong = false
		return v.member().Tell(ctx, v.chat.House.Texts().LineTooLong)
	}
	text, _ := msg.Text()
	if !msg.Bare {
		v.endsLines()
	}
	if err := v.warn(ctx, msg.Data, text); err != nil {
		return err
	}
	if ok, err := v.source.speak(ctx, v.s); err != nil || !ok {
		if err == nil { // a datagram; what comes over a stream waits
			err = v.member().Tell(ctx, v.chat.House.Texts().TooFast)
		}
		return err
	}
	if v.json.Load() {
		return v.hearJSON(ctx, text)
	}
	return v.line(ctx, text)
}

// endsLines is for who has ended a line: it ends them all, and no pause in the
// middle of one makes two of it, the first perhaps a whisper and the second said
// to everybody.
func (v *visit) endsLines() {
	if v.s.Format().Framing == ByMessage && !v.s.Bounded() {
		v.s.SetFraming(frame.Line{})
	}
}

// warn tells a member once that nobody can read its text: it is not UTF-8, and
// nobody has said what it is.
func (v *visit) warn(ctx context.Context, data []byte, text string) error {
	if v.warned || utf8.Valid(data) || !strings.Contains(text, `\x`) || !v.s.Format().Encoding.IsAuto() {
		return nil
	}
	v.warned = true
	return v.member().Tell(ctx, v.chat.House.Texts().NotUTF8)
}

// line has the room hear a line. What it does not take is told, not lost.
func (v *visit) line(ctx context.Context, text string) error {
	err := v.take(ctx, text)
	if lost := err != nil && err != io.EOF && ctx.Err() == nil && !errors.Is(err, net.ErrClosed); lost {
		t := v.chat.House.Texts()
		text := t.NotSent
		if errors.Is(err, room.ErrUnconfirmed) {
			text = t.Unconfirmed
		}
		err = v.member().Tell(ctx, fmt.Sprintf(text, t.Refusal(err)))
	}
	return err
}

// take has the room take a line, and does what is the door's to do.
func (v *visit) take(ctx context.Context, text string) error {
	if isJoin(text) && !v.source.join() { // which can open a room
		return v.member().Tell(ctx, v.chat.House.Texts().TooFast)
	}
	err := v.visit.Line(ctx, text)
	var to resume
	if errors.As(err, &to) {
		_, err = v.resume(ctx, to)
	}
	return err
}

// lost is called when nothing more comes.
//
//go:noinline
func (v *visit) lost(ctx context.Context) {
	t := v.chat.House.Texts()
	switch {
	case isEOF(v.err):
		_ = v.member().Flush(ctx) // the peer has ended its side only, and waits for its answers
	case unframed(v.err):
		v.reason = t.BadFrame
		_ = v.member().Tell(ctx, fmt.Sprintf(t.FrameLost, v.err))
		_ = v.member().Flush(ctx) // or Leave would cut that off
	case !session.Ended(v.err) && !isForeign(v.err):
		v.reason = t.Broken
	}
}

// unframed reports whether the peer has sent what is no message, so that nobody
// can know where the next one begins.
func unframed(err error) bool {
	var broken *frame.Error
	var long *frame.TooLongError
	return errors.As(err, &broken) || errors.As(err, &long)
}

// screen is how a conversation sees the room.
type screen struct {
	s        *session.Session
	json     atomic.Bool
	entering atomic.Bool
	operator bool
}

var (
	_ room.Screen     = (*screen)(nil)
	_ room.Ender      = (*screen)(nil)
	_ room.Prefetcher = (*screen)(nil)
	_ room.Visitor    = (*screen)(nil)
)

// Source is the peer's IP address.
func (c *screen) Source() netip.Addr { return AddressOf(c.s) }

// Operator is whether the door knows the peer as one.
func (c *screen) Operator() bool { return c.operator }

// AddressOf is the peer's IP address; the zero Addr where it has none.
func AddressOf(s *session.Session) netip.Addr {
	var a netip.AddrPort
	switch p := s.Peer().(type) {
	case *net.TCPAddr:
		a = p.AddrPort()
	case *net.UDPAddr:
		a = p.AddrPort()
	}
	return a.Addr().Unmap().WithZone("")
}

// local reports whether the peer is on this host, whose addresses nobody else
// can pretend to have.
func local(s *session.Session) bool {
	a := AddressOf(s)
	return !a.IsValid() || a.IsLoopback()
}

// Prefetch is for the Show that follows.
func (c *screen) Prefetch() { c.s.Prefetch() }

// Show sends b without waiting.
func (c *screen) Show(b *room.Block) error {
	format := c.s.Format()
	switch {
	case b.Past && c.entering.Load() && c.json.Load():
		return nil // a program says what it has seen already
	case b.Past && format.Send == charset.Hex:
		return nil // a device must not do again what it was told then
	}
	w, err := wireOf(b, format, c.json.Load())
	if err != nil || len(w.bytes) == 0 {
		return err
	}
	if !c.s.Bounded() {
		return c.s.TrySend(w.bytes)
	}
	at := 0
	for _, end := range w.ends {
		if end == at {
			continue
		}
		if err := c.s.TrySend(w.bytes[at:end:end]); err != nil {
			return err
		}
		at = end
	}
	return nil
}

// End makes Serve return. Who reads too slowly is told so, as the last thing.
func (c *screen) End(last *room.Line, reason error) {
	if !errors.Is(reason, session.ErrOutboxFull) {
		c.s.Interrupt(reason)
		return
	}
	w, err := wireOf(&room.Block{Lines: []*room.Line{last}}, c.s.Format(), c.json.Load())
	if err != nil {
		w.bytes = nil
	}
	c.s.Drop(reason, w.bytes)
}
