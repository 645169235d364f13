package room

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"sync"
	"time"
)

// HouseConfig says what a House is like. The zero HouseConfig is a usable house with one room, the lobby.
type HouseConfig struct {
	// Room is what every room is like, but for its Name and Topic.
	Room Config

	// Rooms are always open, the first is where people enter. Default the lobby.
	Rooms []Fixed

	// MaxRooms is how many rooms may be open at once. Default 100.
	MaxRooms int

	// Closed says that members cannot open rooms besides Rooms.
	Closed bool
}

// A Fixed is a room that is always open.
type Fixed struct{ Name, Topic string }

// A House is rooms on one bus, between which people go. OpenHouse makes one. All methods may be called by several goroutines
// at once.
type House struct {
	texts   *Texts
	closing sync.WaitGroup // of rooms that nobody is in any more

	mu     sync.Mutex
	c      HouseConfig
	closed bool
	first  string
	places map[string]*place
	was    Stats // of rooms that are closed
}

// A place is a room of a house that is open, or being opened.
type place struct {
	ready  chan struct{} // closed when room or err is set
	room   *Room         // nil: it is only being forgotten
	err    error
	gone   chan struct{} // closed when it can be opened anew; nil unless it is being closed or forgotten
	fixed  bool
	topic  string // that it was opened with, or has been given by SetRooms
	guests int    // who is in it, or on the way in
}

// OpenHouse opens the rooms that are always open. The house is open until Close.
func OpenHouse(ctx context.Context, c HouseConfig) (*House, error) {
	if len(c.Rooms) == 0 {
		c.Rooms = []Fixed{{Name: cmp.Or(c.Room.Name, "lobby"), Topic: c.Room.Topic}}
	}
	c.MaxRooms = cmp.Or(c.MaxRooms, 100)
	c.Room.Texts = cmp.Or(c.Room.Texts, &English)
	if c.Room.Bus == nil {
		c.Room.Bus = new(Mem)
	}
	h := &House{places: make(map[string]*place)}
	t := c.Room.Texts
	c.Room.Commands = append([]Command{
		{"join", "ROOM", t.HelpJoin, false, func(_ context.Context, _ *Member, args string) error { return moveTo(args) }},
		{"leave", "", t.HelpLeave, false, func(context.Context, *Member, string) error { return moveTo("") }},
		{"rooms", "", t.HelpRooms, false, h.list},
	}, c.Room.Commands...)
	c.Room.common = new(common)
	h.c, h.texts = c, t
	if err := h.keep(ctx); err != nil && c.Room.Log != nil {
		c.Room.Log.Warn("rooms are opened without", "reason", err)
	}
	if err := h.SetRooms(ctx, c.Rooms); err != nil {
		h.Close()
		return nil, err
	}
	h.closing.Go(h.forgetAll)
	return h, nil
}

// keep begins to keep what is decreed. A bus that cannot do that yet is not waited for long: rooms are possible without.
func (h *House) keep(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, 5*time.Second)
	defer cancel()
	return h.c.Room.common.keep(ctx, h.c.Room.Bus, cmp.Or(h.c.Room.Log, slog.New(slog.DiscardHandler)))
}

// Texts is what is said in this house.
func (h *House) Texts() *Texts { return h.texts }

// Adjust changes what can be changed while the house is open: of c.Room what Room.Adjust changes, MaxRooms and Closed.
func (h *House) Adjust(c HouseConfig) {
	h.mu.Lock()
	h.c.MaxRooms, h.c.Closed = cmp.Or(c.MaxRooms, 100), c.Closed
	now := &h.c.Room
	now.MaxMembers, now.MaxMessage, now.History = c.Room.MaxMembers, c.Room.MaxMessage, c.Room.History
	now.Secret, now.Barred = c.Room.Secret, c.Room.Barred
	h.mu.Unlock()
	for _, r := range h.Rooms() {
		r.Adjust(c.Room)
	}
}

// SetRooms changes which rooms are always open, and their topics where they differ from what SetRooms has said before. Those
// that are not any more stay open as long as somebody is in them. At least one room must be given; on an error nothing has
// changed.
func (h *House) SetRooms(ctx context.Context, rooms []Fixed) error {
	if len(rooms) == 0 {
		return errors.New("a house needs at least one room")
	}
	opened := make(map[string]*place, len(rooms))
	undo := func() {
		for _, p := range opened {
			h.left(p)
		}
	}
	first := ""
	for _, f := range rooms {
		name, why := h.texts.checkRoom(f.Name)
		if why != "" {
			undo()
			return fmt.Errorf("room %q: %s", f.Name, why)
		}
		first = cmp.Or(first, name)
		if opened[name] != nil {
			undo()
			return fmt.Errorf("room %s is given twice", name)
		}
		p, err := h.open(ctx, name, f.Topic, true)
		if err != nil {
			undo()
			return err
		}
		opened[name] = p
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	h.first = first
	for _, f := range rooms {
		name, _ := h.texts.checkRoom(f.Name)
		if p := opened[name]; p.topic != f.Topic {
			p.topic = f.Topic
			p.room.setTopic(f.Topic)
		}
	}
	for name, p := range h.places {
		switch {
		case opened[name] != nil && !p.fixed:
			p.fixed = true // and is held by what open has counted
		case opened[name] != nil:
			p.guests-- // twice is once
		case p.fixed:
			p.fixed = false
			h.leftLocked(p)
		}
	}
	return nil
}

// CheckName returns the name of a room as it is kept, or an error that says why it cannot be one.
func CheckName(wish string) (name string, err error) {
	name, why := English.checkRoom(wish)
	if why != "" {
		return "", errors.New(why)
	}
	return name, nil
}

// checkRoom is CheckName in the room's language.
func (t *Texts) checkRoom(wish string) (name, why string) {
	name, why = t.checkNick(strings.TrimPrefix(strings.TrimSpace(wish), "#"))
	if why != "" {
		return "", fmt.Sprintf(t.BadRoom, wish, why)
	}
	return strings.ToLower(name), ""
}

// open returns the room of that name with one more guest, and opens it if need be.
func (h *House) open(ctx context.Context, name, topic string, fixed bool) (*place, error) {
	p, err := h.present(ctx, name)
	switch {
	case err != nil:
		h.mu.Unlock()
		return nil, err
	case h.closed:
		h.mu.Unlock()
		return nil, ErrClosed
	case p != nil:
		p.guests++
		h.mu.Unlock()
		select {
		case <-p.ready:
		case <-ctx.Done():
			h.left(p)
			return nil, context.Cause(ctx)
		}
		if p.err != nil {
			return nil, p.err
		}
		return p, nil
	case !fixed && h.c.Closed:
		h.mu.Unlock()
		return nil, refusal(fmt.Sprintf(h.texts.NoSuchRoom, name))
	case h.openRooms() >= h.c.MaxRooms:
		h.mu.Unlock()
		return nil, refusal(fmt.Sprintf(h.texts.TooManyRooms, h.c.MaxRooms))
	}
	p = &place{ready: make(chan struct{}), topic: topic, guests: 1}
	h.places[name] = p
	c, limit := h.c.Room, h.c.MaxRooms
	h.mu.Unlock()

	c.Name, c.Topic = name, topic
	var r *Room
	if !fixed {
		err = h.roomFor(ctx, c.Bus, name, limit)
	}
	if err == nil {
		r, err = Open(ctx, c)
	}
	h.mu.Lock()
	p.room, p.err = r, err
	if err != nil {
		delete(h.places, name)
	}
	h.mu.Unlock()
	close(p.ready)
	if err != nil {
		return nil, err
	}
	return p, nil
}

// roomFor says why a member cannot open a room: what is said in one is kept, so that the bus must not get ever more.
func (h *House) roomFor(ctx context.Context, bus Bus, name string, limit int) error {
	l, ok := bus.(Lister)
	if !ok {
		return nil
	}
	all, err := l.Rooms(ctx)
	if err == nil && len(all) >= limit && !slices.Contains(all, name) {
		err = refusal(fmt.Sprintf(h.texts.TooManyRooms, limit))
	}
	return err
}

// left takes a guest away, and closes the room after the last one.
func (h *House) left(p *place) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.leftLocked(p)
}

func (h *House) leftLocked(p *place) {
	p.guests--
	if p.guests > 0 || h.closed || p.room == nil {
		return
	}
	p.gone = make(chan struct{})
	h.closing.Go(func() {
		_ = p.room.Close()
		h.forget(p.room.name)
		s := p.room.Stats()
		h.mu.Lock()
		defer h.mu.Unlock()
		h.was.add(s)
		delete(h.places, p.room.name)
		close(p.gone)
	})
}

func (s *Stats) add(o Stats) {
	s.Members += o.Members
	s.People += o.People
	s.Said += o.Said
	s.Shown += o.Shown
	s.Lost += o.Lost
}

// refusal is an error that is the member's own, and is told to it.
type refusal string

func (r refusal) Error() string { return string(r) }

// Rooms returns the rooms that are open now, by name.
func (h *House) Rooms() []*Room {
	h.mu.Lock()
	defer h.mu.Unlock()
	var rooms []*Room
	for _, p := range h.places {
		if p.room != nil && p.gone == nil {
			rooms = append(rooms, p.room)
		}
	}
	slices.SortFunc(rooms, func(a, b *Room) int { return strings.Compare(a.name, b.name) })
	return rooms
}

// Stats is the sum over all rooms there have been; Members and People are those present now.
func (h *House) Stats() Stats {
	h.mu.Lock()
	sum := h.was
	var rooms []*Room // also those that are being closed
	for _, p := range h.places {
		if p.room != nil {
			rooms = append(rooms, p.room)
		}
	}
	h.mu.Unlock()
	sum.Members, sum.People = 0, 0
	for _, r := range rooms {
		sum.add(r.Stats())
	}
	return sum
}

// Close closes every room. It may be called again, and returns nil.
func (h *House) Close() error {
	h.mu.Lock()
	h.closed = true
	places := make([]*place, 0, len(h.places))
	for _, p := range h.places {
		places = append(places, p)
	}
	h.mu.Unlock()
	var all sync.WaitGroup
	for _, p := range places {
		all.Go(func() {
			<-p.ready
			if p.room != nil {
				_ = p.room.Close()
			}
		})
	}
	all.Wait()
	h.closing.Wait()
	h.c.Room.common.close()
	return nil
}

// list is /rooms.
func (h *House) list(ctx context.Context, m *Member, _ string) error {
	var names []string
	for _, r := range h.Rooms() {
		names = append(names, fmt.Sprintf("%s (%d)", r.name, r.Stats().People))
	}
	answer := fmt.Sprintf(h.texts.RoomList, strings.Join(names, ", "))
	if bus, ok := m.room.bus.(Lister); ok {
		if all, err := bus.Rooms(ctx); err == nil { // or those here must do
			all = slices.DeleteFunc(all, func(name string) bool {
				return slices.ContainsFunc(names, func(n string) bool { return strings.HasPrefix(n, name+" ") })
			})
			if n := len(all); n > 0 {
				answer += fmt.Sprintf(h.texts.RoomsElsewhere, h.texts.names(all, n, namesAsked))
			}
		}
	}
	return m.Tell(ctx, answer)
}
