package room

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"sync/atomic"
	"unicode/utf8"
)

// A Member is somebody in a Room, made by Join. Its methods may be called by several goroutines at once; lines are said
// in the order in which the calls of Line are made, so two calls at once have no order among them.
type Member struct {
	screen Screen
	gone   atomic.Bool // it shall not see anything any more; set once

	// The fan-out goroutine's.
	spoke bool   // it has said some of what is being shown, and is not to see that
	seen  uint64 // what was said up to this message it is not shown: it has seen it, or sees it now; see Resume

	room    *Room
	id      uint64
	refused string // what to say about a wish that was not granted

	// Guarded by Room.mu.
	nick            string
	operator, muted bool
	going, putOut   bool        // to another room; by an operator
	forgotten       bool        // not in the books any more
	answer          chan string // a Join or Rename that has not come back yet; gets why not, or ""
}

// ID returns what the member's messages carry as their Author.
func (m *Member) ID() ID { return ID{Node: m.room.node, Member: m.id} }

// Room returns the room the member has joined.
func (m *Member) Room() *Room { return m.room }

// Screen returns what the member sees the room by.
func (m *Member) Screen() Screen { return m.screen }

// Nick returns what the member calls itself now.
func (m *Member) Nick() string {
	m.room.mu.Lock()
	defer m.room.mu.Unlock()
	return m.nick
}

// Line takes one line the member has typed, with or without its line ending: it says it to the others, or runs the
// command it is if it begins with a slash. A line that begins with // is said, with one slash. A blank line is nothing.
//
// What a member has done wrong (a command that does not exist, a line that is too long) it is told on its Screen, and
// Line returns nil. Line returns io.EOF after /quit, ErrLeft or ErrClosed when the member is not in the room any more,
// ctx's error when that ends first, ErrCutOff while the room is cut off, and the bus's when the line could not be published.
func (m *Member) Line(ctx context.Context, text string) error {
	if err := m.here(); err != nil {
		return err
	}
	text = strings.TrimRight(text, "\r\n")
	if strings.TrimSpace(text) == "" {
		return nil
	}
	if limit := int(m.room.maxMessage.Load()); len(text) > limit { // the bytes first: they are for free
		if n := utf8.RuneCountInString(text); n > limit {
			return m.Tell(ctx, fmt.Sprintf(m.room.texts.TooLong, n, limit))
		}
	}
	name, rest, isCommand := parse(text)
	if isCommand {
		return m.command(ctx, name, rest)
	}
	return m.say(ctx, Say, rest)
}

// Say says text, whatever it begins with, and returns the number it has in the room's order. It returns once the message is
// as durable as the bus promises. A member that has been silenced gets ErrMuted.
func (m *Member) Say(ctx context.Context, text string) (seq uint64, err error) {
	if err := m.here(); err != nil {
		return 0, err
	}
	if limit := int(m.room.maxMessage.Load()); len(text) > limit {
		if n := utf8.RuneCountInString(text); n > limit {
			return 0, fmt.Errorf(m.room.texts.TooLong, n, limit)
		}
	}
	return m.publish(ctx, Say, text)
}

// say publishes text as the member's.
func (m *Member) say(ctx context.Context, k Kind, text string) error {
	_, err := m.publish(ctx, k, text)
	if errors.Is(err, ErrMuted) {
		return m.Tell(ctx, m.room.texts.Muted)
	}
	return err
}

// publish has the others told, unless the member has been silenced.
func (m *Member) publish(ctx context.Context, k Kind, text string) (uint64, error) {
	m.room.mu.Lock()
	muted := m.muted
	m.room.mu.Unlock()
	if muted && k != Rename {
		return 0, ErrMuted
	}
	seq, err := m.room.publish(ctx, m, k, text)
	if err != nil {
		return 0, fmt.Errorf("room %s: %s: %w", m.room.name, k, err)
	}
	return seq, nil
}

// here returns why the member cannot do anything any more.
func (m *Member) here() error {
	m.room.mu.Lock()
	defer m.room.mu.Unlock()
	switch {
	case m.room.closed:
		return ErrClosed
	case m.gone.Load():
		return ErrLeft
	}
	return nil
}

// Tell shows text to this member alone, as a notice: it is how commands answer. It returns once the line is queued.
func (m *Member) Tell(ctx context.Context, text string) error {
	return m.room.between(ctx, func() { m.room.showOne(m, m.room.out.notice(text)) })
}

// Flush waits until everything that was queued for the member has been shown: answers to its commands, and what the bus
// had delivered. Whoever reads the member's last line calls it before Leave, which cuts off what is not shown yet.
func (m *Member) Flush(ctx context.Context) error {
	done := make(chan struct{})
	if err := m.room.between(ctx, func() { close(done) }); err != nil {
		return err
	}
	select {
	case <-done:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	case <-m.room.running.Done():
		return ErrClosed
	}
}

// Leave ends the membership. The others are told, with the reason unless it is empty; the nick is free again once they
// have been. Leave does not wait for that, and does nothing if the member has left already.
func (m *Member) Leave(reason string) { m.depart(reason) }

// goAway is Leave that waits until the others know, so that the member can come back under its nick.
// It reports whether the member was still there, and not put out meanwhile.
func (m *Member) goAway(ctx context.Context, reason string) bool {
	answer := make(chan string, 1)
	m.room.mu.Lock()
	if m.forgotten {
		answer <- ""
	}
	m.answer, m.going = answer, true
	m.room.mu.Unlock()
	if !m.depart(reason) {
		return false
	}
	select {
	case <-answer:
	case <-ctx.Done():
	case <-m.room.running.Done():
	}
	m.room.mu.Lock()
	defer m.room.mu.Unlock()
	return !m.putOut
}

// rename asks the others to call the member nick. It returns when they do, or will not.
func (m *Member) rename(ctx context.Context, wish string) error {
	r, t := m.room, m.room.texts
	nick, why := t.checkNick(wish)
	if why != "" {
		return m.Tell(ctx, why)
	}
	answer := make(chan string, 1)
	r.mu.Lock()
	if m.forgotten { // and nobody would answer
		r.mu.Unlock()
		return ErrLeft
	}
	busy, old := m.answer != nil, m.nick
	holder := r.roster.find(nick)
	taken := holder != nil && holder.id != m.ID() // or so it seems already
	if !busy && !taken && nick != old {
		m.answer = answer
	}
	r.mu.Unlock()
	switch {
	case busy:
		return m.Tell(ctx, t.NickBusy)
	case nick == old:
		return m.Tell(ctx, fmt.Sprintf(t.NickSame, nick))
	case taken:
		return m.Tell(ctx, fmt.Sprintf(t.NickTaken, nick))
	}
	if _, err := m.publish(ctx, Rename, nick); err != nil {
		r.mu.Lock()
		m.answer = nil
		r.mu.Unlock()
		return err
	}
	select {
	case why := <-answer:
		if why != "" {
			return m.Tell(ctx, why)
		}
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	case <-r.running.Done():
		return ErrClosed
	}
}

// quit leaves once the answers to earlier commands have been shown.
func (m *Member) quit(ctx context.Context, reason string) error {
	if err := m.Flush(ctx); err != nil {
		return err
	}
	m.depart(reason)
	return io.EOF
}

// end tells the screen that the room has ended the membership. The fan-out goroutine calls it, after gone was set.
func (m *Member) end(last string, reason error) {
	if e, ok := m.screen.(Ender); ok {
		e.End(m.room.out.notice(last), reason)
	}
}
