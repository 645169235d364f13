package room

import (
	"context"
	"fmt"
	"math"
	"slices"
	"sync"
)

// A Resume holds so much that has not been shown before it has the bus send it again: as many messages as can be waiting for
// the fan-out goroutine, as that is showing, and as many again, if they are not long.
const (
	maxBehind     = 4 * maxQueue
	maxBehindSize = 1 << 20 // bytes of text
)

// Resume shows m what was said since message after, as far as the bus has kept it, and from there on what is said now,
// without a gap and nothing twice; seq is the message up to which that goes. show is called for each line of the past, by
// the goroutine that calls Resume, and may wait; meanwhile the member's Screen is shown nothing that was said. Resume
// returns when the member has caught up.
//
// A member that asks for a message which has not been yet is told nothing of the past; seq is less than after then.
func (m *Member) Resume(ctx context.Context, after uint64, show func(*Line) error) (seq uint64, err error) {
	r := m.room
	if err := r.between(ctx, func() { m.seen = math.MaxUint64 }); err != nil {
		return 0, err
	}
	defer func() {
		_ = r.between(context.WithoutCancel(ctx), func() {
			if m.seen == math.MaxUint64 { // it has not caught up
				m.seen = 0
			}
		})
	}()
	out, asked := renderer{texts: r.texts}, after
	for {
		after = r.skipForgotten(ctx, after)
		var q backlog
		q.arrived = make(chan struct{}, 1)
		cancel, err := r.bus.Subscribe(ctx, r.name, After(after), q.put)
		if err != nil {
			return 0, fmt.Errorf("room %s: resume after %d: %w", r.name, after, err)
		}
		seq, err := m.catchUp(ctx, &q, asked, &after, &out, show)
		cancel()
		if seq > 0 || err != nil {
			return seq, err
		}
	}
}

// skipForgotten is after, or a later message if nothing since then is kept anywhere: it would be waited for in vain.
func (r *Room) skipForgotten(ctx context.Context, after uint64) uint64 {
	k, ok := r.bus.(Keeper)
	if !ok {
		return after
	}
	oldest, err := k.Oldest(ctx, r.name)
	if err != nil || oldest <= after+1 {
		return after // and what is wrong shows when it is asked for
	}
	answer := make(chan uint64, 1)
	if r.between(ctx, func() {
		if oldest > r.lastSeq && !r.remembersSince(after) {
			answer <- r.lastSeq // what comes after it, comes
		}
		close(answer)
	}) != nil {
		return after
	}
	select {
	case later := <-answer:
		return max(after, later)
	case <-r.running.Done():
		return after
	}
}

// catchUp shows what the subscription brings until the rest is what the room itself remembers, or until it has to be made
// anew; seq is 0 then.
func (m *Member) catchUp(ctx context.Context, q *backlog, asked uint64, after *uint64, out *renderer, show func(*Line) error) (seq uint64, err error) {
	r := m.room
	for {
		answer := make(chan uint64, 1)
		seen := *after
		err := r.between(ctx, func() {
			if !r.remembersSince(seen) {
				answer <- 0
				return
			}
			m.seen = 0
			if seen != asked { // it was shown that, and the room may not have got it yet
				m.seen = seen
			}
			r.showSince(m, seen)
			answer <- max(r.lastSeq, 1)
		})
		if err != nil {
			return 0, err
		}
		select {
		case seq := <-answer:
			if seq > 0 {
				return seq, nil
			}
		case <-r.running.Done():
			return 0, ErrClosed
		}
		select {
		case <-q.arrived:
		case <-ctx.Done():
			return 0, context.Cause(ctx)
		case <-r.running.Done():
			return 0, ErrClosed
		}
		messages, overflow := q.take()
		for _, msg := range messages {
			*after = msg.Seq
			if msg.Kind != Say && msg.Kind != Emote {
				continue
			}
			if err := show(out.line(msg)); err != nil {
				return 0, err
			}
		}
		if overflow {
			return 0, nil
		}
	}
}

// remembersSince reports whether everything that was said after message seq is among what the room remembers, and little
// enough to be shown at once. The fan-out goroutine's.
func (r *Room) remembersSince(seq uint64) bool {
	if seq >= r.lastSeq {
		return true
	}
	size := 0
	for _, l := range slices.Backward(r.past) {
		if l.Seq <= seq {
			return true
		}
		if size += len(l.Text); size > maxShown {
			return false
		}
	}
	return false
}

// showUnseen shows m what it has not seen of these lines of b, in which something was said.
func (r *Room) showUnseen(m *Member, b *Block, lines []*Line) {
	unseen := &Block{Of: b}
	for _, l := range lines {
		if !l.said() || l.Seq > m.seen {
			unseen.Lines = append(unseen.Lines, l)
		}
	}
	if b.Lines[len(b.Lines)-1].Seq > m.seen {
		m.seen = 0 // what comes now is new
	}
	if len(unseen.Lines) > 0 {
		r.showBlock(m, unseen)
	}
}

// showSince shows m what the room remembers since message seq.
func (r *Room) showSince(m *Member, seq uint64) {
	b, size := &Block{Past: true}, 0
	for _, l := range r.past {
		if l.Seq <= seq {
			continue
		}
		if size > 0 && size+len(l.Text) > MaxBlock {
			r.showBlock(m, b)
			b, size = &Block{Past: true}, 0
		}
		b.Lines = append(b.Lines, l)
		size += len(l.Text) + 1
	}
	if len(b.Lines) > 0 {
		r.showBlock(m, b)
	}
}

// backlog is what a subscription has brought and nobody has looked at. It never makes the bus wait: what does not fit is to
// be asked for again.
type backlog struct {
	arrived chan struct{} // holds one token when there is something

	mu       sync.Mutex
	messages []Message
	size     int // of their texts
	overflow bool
}

func (q *backlog) put(m Message) {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.overflow = q.overflow || len(q.messages) == maxBehind || len(q.messages) > 0 && q.size+len(m.Text) > maxBehindSize
	if !q.overflow {
		q.messages = append(q.messages, m)
		q.size += len(m.Text)
	}
	select {
	case q.arrived <- struct{}{}:
	default:
	}
}

func (q *backlog) take() (messages []Message, overflow bool) {
	q.mu.Lock()
	defer q.mu.Unlock()
	messages = q.messages
	q.messages, q.size = nil, 0
	return messages, q.overflow
}
