package room

import (
	"context"
	"fmt"
	"net/netip"
	"strings"
	"time"
)

// Join makes whoever looks at s a member. It returns once the announcement has come back from the bus and the member has
// been greeted.
//
// A wish that is empty gives a guest's nick; so does one that is unfit or taken, and the greeting then says why. Join
// fails with ErrFull, ErrBarred, ErrClosed, or when the announcement could not be published; s is then not shown anything
// more.
func (r *Room) Join(ctx context.Context, s Screen, wish string) (*Member, error) {
	return r.join(ctx, s, wish, standing{})
}

// standing is what becomes of a member that has come from another room of the house.
type standing struct{ moved, operator, muted bool }

func (r *Room) join(ctx context.Context, s Screen, wish string, as standing) (*Member, error) {
	m, announcement, err := r.enter(s, wish, as)
	if err != nil {
		return nil, fmt.Errorf("join room %s: %w", r.name, err)
	}
	if err := r.appear(ctx, m, announcement); err != nil {
		return nil, err
	}
	return m, nil
}

// appear has a member announced that is in the books, and waits until it has been greeted.
func (r *Room) appear(ctx context.Context, m *Member, announcement Message) (err error) {
	r.mu.Lock()
	answer := m.answer // which the fan-out goroutine takes away
	r.mu.Unlock()
	if answer == nil {
		return nil // comeBack has announced it
	}
	if _, err := r.bus.Publish(ctx, r.name, announcement); err != nil {
		r.forget(m)
		r.errand(Message{Kind: Leave, Author: m.ID()}) // it may have been published all the same
		return fmt.Errorf("join room %s: %w", r.name, err)
	}
	select {
	case <-answer:
		return nil
	case <-ctx.Done():
		err = context.Cause(ctx)
	case <-r.running.Done():
		err = ErrClosed
	}
	m.depart("")
	return fmt.Errorf("join room %s: %w", r.name, err)
}

// enter writes a new member into the books, and returns what is to be published of it.
func (r *Room) enter(s Screen, wish string, as standing) (*Member, Message, error) {
	if why := r.refusing(); why != nil {
		return nil, Message{}, fmt.Errorf("%w: %w", ErrCutOff, why)
	}
	m := &Member{room: r, screen: s, operator: as.operator, muted: as.muted, answer: make(chan string, 1)}
	if wish != "" {
		m.nick, m.refused = r.texts.checkNick(wish)
	}
	var from netip.Addr
	if v, ok := s.(Visitor); ok {
		from = v.Source().Unmap().WithZone("")
		m.operator = as.operator || !as.moved && v.Operator()
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	switch {
	case r.closed:
		return nil, Message{}, ErrClosed
	case among(r.prefixes, from), among(r.barred(), from):
		return nil, Message{}, ErrBarred
	case len(r.ids) >= r.maxMembers:
		return nil, Message{}, ErrFull
	}
	r.lastID++
	m.id = r.lastID
	r.ids[m.id] = m
	return m, m.announcement(), nil
}

// announcement is the Join of a member, who wishes to be called by its nick.
func (m *Member) announcement() Message {
	msg := Message{Time: time.Now(), Kind: Join, From: m.nick, Author: m.ID()}
	var as []string
	if m.operator {
		as = append(as, asOperator)
	}
	if m.muted {
		as = append(as, asMuted)
	}
	msg.Text = strings.Join(as, " ")
	return msg
}

// The words in the Text of a Join of somebody who is an operator, or has been silenced, from the beginning.
const (
	asOperator = "operator"
	asMuted    = "muted"
)

// forget takes m out of the books. What it says meanwhile is still published, but nobody looks for it any more: what it
// waits for does not come.
func (r *Room) forget(m *Member) {
	m.gone.Store(true)
	r.mu.Lock()
	defer r.mu.Unlock()
	delete(r.ids, m.id)
	m.forgotten = true
	if m.answer != nil {
		m.answer <- r.texts.NickLater // which it is not shown
		m.answer = nil
	}
}
