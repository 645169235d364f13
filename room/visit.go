package room

import (
	"context"
	"errors"
	"fmt"
	"strings"
)

// moveTo is what /join and /leave return: the room to go to, the first one if empty.
type moveTo string

func (moveTo) Error() string { return "going to another room" }

// A Visit is somebody's way through the rooms of a house, being in one at a time. Its methods are for one goroutine at a
// time.
type Visit struct {
	house  *House
	place  *place
	member *Member
}

// Enter lets whoever looks at s into a room, the first one if name is empty. It fails as Room.Join does.
func (h *House) Enter(ctx context.Context, name string, s Screen, wish string) (*Visit, error) {
	if name == "" {
		h.mu.Lock()
		name = h.first
		h.mu.Unlock()
	}
	p, err := h.open(ctx, strings.ToLower(name), "", false)
	if err != nil {
		return nil, err
	}
	m, err := p.room.Join(ctx, s, wish)
	if err != nil {
		h.left(p)
		return nil, err
	}
	return &Visit{h, p, m}, nil
}

// Member is who the visitor is now, in the room it is in.
func (v *Visit) Member() *Member { return v.member }

// Line takes one line the visitor has typed, as Member.Line does; /join and /leave lead to other rooms.
func (v *Visit) Line(ctx context.Context, text string) error {
	err := v.member.Line(ctx, text)
	if to, ok := err.(moveTo); ok {
		return v.move(ctx, string(to))
	}
	return err
}

// Leave ends the visit, as Member.Leave does.
func (v *Visit) Leave(reason string) {
	v.member.Leave(reason)
	v.house.left(v.place)
}

// move goes to another room. Where that fails, the visitor stays where it is.
func (v *Visit) move(ctx context.Context, to string) error {
	h, old, t := v.house, v.member, v.house.c.Room.Texts
	h.mu.Lock()
	first := h.first
	h.mu.Unlock()
	name, why := first, ""
	if to != "" {
		name, why = t.checkRoom(to)
	}
	switch {
	case why != "":
		return old.Tell(ctx, why)
	case name == old.room.name && to == "":
		return old.Tell(ctx, fmt.Sprintf(t.InFirst, name))
	case name == old.room.name:
		return old.Tell(ctx, fmt.Sprintf(t.InAlready, name))
	}
	next, err := h.open(ctx, name, "", false)
	if err != nil {
		return v.stay(ctx, err)
	}
	wish := old.Nick()
	if isGuest(wish) {
		wish = ""
	}
	as := old.standing()
	_ = old.Flush(ctx) // answers to earlier commands
	m, announcement, err := next.room.enter(old.screen, wish, as)
	if err != nil {
		h.left(next)
		return v.stay(ctx, err)
	}
	if !old.goAway(ctx, fmt.Sprintf(t.WentTo, name)) { // it was put out just now
		next.room.forget(m)
		h.left(next)
		return ErrLeft
	}
	if err = next.room.appear(ctx, m, announcement); err == nil {
		h.left(v.place)
		v.place, v.member = next, m
		return nil
	}
	h.left(next)
	back, backErr := v.place.room.join(ctx, old.screen, wish, as)
	if backErr != nil {
		return err
	}
	v.member = back
	return v.stay(ctx, err)
}

// stay tells the visitor why it cannot go, if that is its own affair.
func (v *Visit) stay(ctx context.Context, err error) error {
	var own refusal
	if errors.As(err, &own) || errors.Is(err, ErrFull) || errors.Is(err, ErrBarred) {
		return v.member.Tell(ctx, v.house.texts.Refusal(err))
	}
	return err
}
