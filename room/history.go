package room

import (
	"context"
	"fmt"
	"strconv"
)

// maxPast is how many things that were said a room remembers by itself, for newcomers and /history.
const maxPast = 200

// remembered is how many things the room wants to know that were said before it was opened.
func (r *Room) remembered() int {
	if r.history.Load() == 0 {
		return 0
	}
	return maxPast
}

// recall is for a message from before the room was opened: what was said is remembered; who came and went then is
// nobody's business now. The topic stays, unless the configuration has one or it is recorded elsewhere.
func (r *Room) recall(msg Message) {
	switch msg.Kind {
	case Say, Emote:
		r.remember(r.out.line(msg))
	case Topic:
		if r.topical || r.common.decrees.isKnown() {
			return
		}
		r.mu.Lock()
		r.roster.topic = msg.Text
		r.mu.Unlock()
	}
}

// remember keeps l for newcomers, with the time at which it was said.
func (r *Room) remember(l *Line) {
	if r.history.Load() == 0 {
		return
	}
	if len(r.past) == 2*maxPast { // seldom, so that not every line moves all others
		n := copy(r.past, r.past[maxPast:])
		clear(r.past[n:])
		r.past = r.past[:n]
	}
	r.past = append(r.past, l)
}

// maxShown is how many bytes of the past are shown at once: long lines must not overflow the outbox of who has just come.
const maxShown = MaxBlock

// showPast shows m the last n things that were said, or fewer if they are long, each with its time, at once.
func (r *Room) showPast(m *Member, n int) {
	first, shown := len(r.past), 0
	for ; first > 0 && len(r.past)-first < min(n, maxPast); first-- {
		if shown += len(r.past[first-1].Text); shown > maxShown {
			break
		}
	}
	if first == len(r.past) {
		return
	}
	b, size := &Block{Past: true}, 0
	for _, l := range r.past[first:] {
		dated := *l
		dated.Text = l.Time.Local().Format("[2006-01-02 15:04] ") + l.Text
		if size > 0 && size+len(dated.Text) > MaxBlock {
			r.showBlock(m, b)
			b, size = &Block{Past: true}, 0
		}
		b.Lines = append(b.Lines, &dated)
		size += len(dated.Text) + 1
	}
	r.showBlock(m, b)
}

func history(ctx context.Context, m *Member, args string) error {
	r, n := m.room, int(m.room.history.Load())
	if args != "" {
		var err error
		if n, err = strconv.Atoi(args); err != nil || n < 1 {
			return m.Tell(ctx, fmt.Sprintf(r.texts.BadNumber, args))
		}
	}
	return r.between(ctx, func() {
		if len(r.past) == 0 {
			r.showOne(m, r.out.notice(r.texts.NoHistory))
			return
		}
		r.showPast(m, n)
	})
}
