package room

import (
	"context"
	"errors"
	"fmt"
	"net"
	"runtime"
	"slices"
)

// deliver is the room's end of the subscription.
func (r *Room) deliver(m Message) {
	r.queue.put(event{msg: m}, nil, r.running.Done())
}

// between has do called by the fan-out goroutine between two messages.
func (r *Room) between(ctx context.Context, do func()) error {
	if r.running.Err() != nil {
		return ErrClosed // although the queue may have room
	}
	if r.queue.put(event{do: do}, ctx.Done(), r.running.Done()) {
		return nil
	}
	if r.running.Err() != nil {
		return ErrClosed
	}
	return ctx.Err()
}

// crowd is how many members are so many that showing them something takes milliseconds. From then on the fan-out goroutine
// has a thread of its own: moved from thread to thread, and so from processor to processor, each time it wakes, its p99 was
// an eighth longer and its rate a sixth lower (bench/compare/fanout, 2026-11-29).
const crowd = 256

// fanOut is the only goroutine that shows anything, and the only one that changes r.members.
func (r *Room) fanOut() {
	var batch []event
	flood := false // several events waited at once
	alone := false // on its thread
	defer func() {
		if alone {
			runtime.UnlockOSThread()
		}
	}()
	for {
		select {
		case <-r.queue.filled:
			if crowded := len(r.members) >= crowd; crowded && !alone {
				runtime.LockOSThread()
				alone = true
			} else if alone && !crowded {
				runtime.UnlockOSThread()
				alone = false
			}
			if alone && flood { // who says something now and then does not pay for it
				r.queue.gather()
			}
			batch = r.queue.take(batch)
			flood = len(batch) > 1
			r.checkSeq(batch)
			r.handleAll(batch)
			batch = r.queue.rest(batch)
		case <-r.running.Done():
			r.handleAll(r.queue.take(batch))
			r.farewell()
			return
		}
	}
}

// checkSeq notices when messages are missing. Of the past, the bus may have forgotten some and kept older ones.
func (r *Room) checkSeq(batch []event) {
	for i := range batch {
		if batch[i].do != nil {
			continue
		}
		seq := batch[i].msg.Seq
		if r.lastSeq != 0 && seq != r.lastSeq+1 && !batch[i].msg.Past {
			r.missed()
		}
		r.lastSeq = seq
	}
}

func (r *Room) handleAll(batch []event) {
	defer clear(batch) // do not keep texts alive while the room is quiet
	for len(batch) > 0 {
		n := runLength(batch)
		if k := batch[0].msg.Kind; batch[0].do != nil || k != Say && k != Emote || r.holds() {
			r.flush() // what follows may change who is here
		}
		r.handle(batch[:n])
		batch = batch[n:]
	}
	r.flush()
}

// runLength returns how many events at the start of batch are summed up in one line.
func runLength(batch []event) int {
	kind := batch[0].msg.Kind
	if batch[0].do != nil || kind != Join && kind != Leave || batch[0].msg.Past {
		return 1
	}
	n := 1
	for n < len(batch) && batch[n].do == nil && batch[n].msg.Kind == kind && !batch[n].msg.Past {
		n++
	}
	if n < sumUpFrom {
		return 1
	}
	return n
}

// handle works on one event, or on several arrivals or departures in a row.
func (r *Room) handle(run []event) {
	if run[0].do != nil {
		run[0].do()
		return
	}
	if r.holds() || run[0].msg.Past {
		for i := range run {
			r.handleEarly(run[i].msg)
		}
		return
	}
	msg := run[len(run)-1].msg
	switch msg.Kind {
	case Join:
		r.arrive(run)
	case Leave:
		r.part(run)
	case Rename:
		r.renamed(msg)
	case Say, Emote:
		r.spoken(msg)
	case Whisper, Kick, Ban, Mute, Unmute, Promote, Demote, Topic, Bar, Unbar:
		r.moderate(msg)
	case Hello, Gone, Back:
		r.meet(msg)
	} // or of a kind that a newer version on the same bus knows
}

// handleEarly takes what is from before the room was opened, or comes while it does not know yet who is there.
func (r *Room) handleEarly(msg Message) {
	switch {
	case msg.Past:
		r.recall(msg)
	case r.holds():
		r.arriving(msg)
	default: // the one before has ended it
		r.handleAll([]event{{msg: msg}})
	}
}

// spoken is for what somebody has said.
func (r *Room) spoken(msg Message) {
	r.said.Add(1)
	l := r.out.line(msg)
	r.remember(l)
	r.say(l, r.unlessEcho(msg))
}

// saying is what was said and is not shown yet. The fan-out goroutine collects it while there is more, so that a room in
// which much is said writes to each member once for all of it.
type saying struct {
	lines   []*Line
	authors []*Member // of lines, who are not to see them again; nil: everybody is
	size    int
}

// say has l shown to everybody except its author.
func (r *Room) say(l *Line, author *Member) {
	p := &r.saying
	for _, l := range r.traffic.take(r) { // nobody is heard before being announced
		p.lines, p.authors = append(p.lines, l), append(p.authors, nil)
		p.size += len(l.Text) + 1
	}
	if p.size > 0 && p.size+len(l.Text) > MaxBlock || len(p.lines) >= MaxBlockLines {
		r.flush()
	}
	p.lines, p.authors = append(p.lines, l), append(p.authors, author)
	p.size += len(l.Text) + 1
}

// flush shows what was said.
func (r *Room) flush() {
	p := &r.saying
	if len(p.lines) == 0 {
		return
	}
	for _, m := range p.authors {
		if m != nil {
			m.spoke = true
		}
	}
	r.show(&Block{Lines: slices.Clone(p.lines), said: true})
	for i, m := range p.authors {
		if m != nil {
			m.spoke = false
		}
		p.lines[i], p.authors[i] = nil, nil
	}
	p.lines, p.authors, p.size = p.lines[:0], p.authors[:0], 0
}

// without is b, which has all of p, without what m has said.
func (p *saying) without(m *Member, b *Block) *Block {
	part := &Block{Of: b, Lines: make([]*Line, 0, len(b.Lines))}
	i := 0
	for _, l := range b.Lines {
		own := false
		if i < len(p.lines) && p.lines[i] == l {
			own = p.authors[i] == m
			i++
		}
		if !own {
			part.Lines = append(part.Lines, l)
		}
	}
	return part
}

// unlessEcho returns whom msg is not shown to. Who types at a plain terminal has seen the line already; what an emote
// looks like its author has not.
func (r *Room) unlessEcho(msg Message) *Member {
	if msg.Kind == Say {
		return r.find(msg.Author)
	}
	return nil
}

// show shows b to every member, or what it is to see instead.
func (r *Room) show(b *Block) {
	if lines := r.traffic.take(r); len(lines) > 0 { // whom b is about may be among them
		b = &Block{Lines: append(lines, b.Lines...), said: b.said}
	}
	b.Room = r.name
	for i, m := range r.members {
		if i%ahead == 0 {
			prefetch(r.members[i:min(i+ahead, len(r.members))])
		}
		shown := b
		if m.spoke {
			shown = r.saying.without(m, b)
		}
		switch {
		case m.seen != 0 && b.said:
			r.showUnseen(m, b, shown.Lines)
		case len(shown.Lines) > 0:
			r.showBlock(m, shown)
		}
	}
}

// ahead is how many members are looked at together before each is shown something. One is in some six cache lines, none of
// which a thousand others have left in the cache: read one after the other they took 4 % of the fan-out's time (of 13 %
// that were not the kernel's) more than those of sixteen members at once (bench/compare/fanout, 2026-11-30).
const ahead = 16

func prefetch(members []*Member) {
	screens := make([]Screen, 0, ahead)
	for _, m := range members {
		if !m.gone.Load() {
			screens = append(screens, m.screen)
		}
	}
	for _, s := range screens {
		if p, ok := s.(Prefetcher); ok {
			p.Prefetch()
		}
	}
}

func (r *Room) showOne(m *Member, l *Line) { r.showBlock(m, &Block{Lines: []*Line{l}}) }

func (r *Room) showBlock(m *Member, b *Block) {
	if m.gone.Load() {
		return
	}
	if b.Room == "" { // once: who was shown it before may read it now
		b.Room = r.name
	}
	if err := m.screen.Show(b); err != nil {
		r.lose(m, err)
		return
	}
	r.shown.Add(uint64(len(b.Lines)))
}

// lose drops a member that cannot be shown anything any more.
func (r *Room) lose(m *Member, err error) {
	why := err
	var op *net.OpError
	if errors.As(err, &op) && op.Err != nil {
		why = op.Err // without the addresses, which are nobody's business
	}
	lost := fmt.Sprintf(r.texts.Lost, why)
	if m.depart(lost) {
		r.lost.Add(1)
		m.end(lost, err)
	}
}

// farewell ends every membership, also of those whose Join has not come back.
func (r *Room) farewell() {
	r.show(&Block{Lines: []*Line{r.out.notice(r.texts.Closing)}})
	r.mu.Lock()
	all := r.ids
	r.ids, r.members = nil, nil
	r.roster = newRoster()
	for _, m := range all {
		m.forgotten = true
	}
	r.mu.Unlock()
	for _, m := range all {
		if m.gone.CompareAndSwap(false, true) {
			m.end(r.texts.Closing, ErrClosed)
		}
	}
}
