package room

import (
	"context"
	"errors"
	"fmt"
	"net"
	"slices"
)

// queueLen is how many events may wait for the fan-out goroutine before the bus, and so the speakers, have to wait.
const queueLen = 128

// sumUpFrom is how many arrivals, or departures, in a row are announced in one line instead of one each. N members who
// come at once would otherwise cost N*N lines: 15,000 who reconnect after a failure, 112 million. It happens only when
// they wait in the queue together, so a room at rest announces everybody by name.
const sumUpFrom = 8

// An event is what the fan-out goroutine works on: a message from the bus, or something to do between two messages.
type event struct {
	msg Message
	do  func()
}

// deliver is the room's end of the subscription.
func (r *Room) deliver(m Message) {
	select {
	case r.queue <- event{msg: m}:
	case <-r.running.Done():
	}
}

// between has do called by the fan-out goroutine between two messages.
func (r *Room) between(ctx context.Context, do func()) error {
	if r.running.Err() != nil {
		return ErrClosed // although the queue may have room
	}
	select {
	case r.queue <- event{do: do}:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	case <-r.running.Done():
		return ErrClosed
	}
}

// fanOut is the only goroutine that shows anything, and the only one that changes r.members.
func (r *Room) fanOut() {
	batch := make([]event, 0, queueLen)
	for {
		select {
		case e := <-r.queue:
			batch = r.drain(append(batch[:0], e))
			r.handleAll(batch)
		case <-r.running.Done():
			r.handleAll(r.drain(batch[:0]))
			r.farewell()
			return
		}
	}
}

// drain appends what is in the queue already.
func (r *Room) drain(batch []event) []event {
	for len(batch) < cap(batch) {
		select {
		case e := <-r.queue:
			batch = append(batch, e)
		default:
			return batch
		}
	}
	return batch
}

func (r *Room) handleAll(batch []event) {
	defer clear(batch) // do not keep texts alive while the room is quiet
	for len(batch) > 0 {
		n := runLength(batch)
		if k := batch[0].msg.Kind; batch[0].do != nil || k != Say && k != Emote {
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
	msg := run[len(run)-1].msg
	if msg.Past {
		r.recall(msg)
		return
	}
	switch msg.Kind {
	case Join:
		for i := range run {
			r.admit(run[i].msg)
		}
		r.sumUp(run, &msg)
	case Leave:
		r.dismiss(run)
		r.sumUp(run, &msg)
	case Rename:
		if m := r.find(msg.Author); m != nil {
			r.mu.Lock()
			r.release(m, msg.From)
			r.mu.Unlock()
		}
	case Say, Emote:
		r.said.Add(1)
		l := r.out.line(msg)
		r.remember(l)
		r.say(l, r.unlessEcho(msg))
		return
	default:
		return // of a kind that a newer version on the same bus knows
	}
	r.show(&Block{[]*Line{r.out.line(msg)}})
}

// saying is what was said and is not shown yet. The fan-out goroutine collects it while there is more, so that a room in
// which much is said writes to each member once for all of it.
type saying struct {
	lines   []*Line
	authors []*Member // of lines, who are not to see them again; nil: everybody is
	size    int
}

// maxSaying is how many bytes are shown at once: a member that has fallen behind must have room for them.
const maxSaying = 32 << 10

// say has l shown to everybody except its author.
func (r *Room) say(l *Line, author *Member) {
	p := &r.saying
	if p.size > 0 && p.size+len(l.Text) > maxSaying {
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
		if m != nil && m.apart == nil {
			m.apart = p.without(m)
		}
	}
	r.show(&Block{slices.Clone(p.lines)})
	for i, m := range p.authors {
		if m != nil {
			m.apart = nil
		}
		p.lines[i], p.authors[i] = nil, nil
	}
	p.lines, p.authors, p.size = p.lines[:0], p.authors[:0], 0
}

// without is what was said by others than m.
func (p *saying) without(m *Member) *Block {
	b := new(Block)
	for i, l := range p.lines {
		if p.authors[i] != m {
			b.Lines = append(b.Lines, l)
		}
	}
	return b
}

// unlessEcho returns whom msg is not shown to. Who types at a plain terminal has seen the line already; what an emote
// looks like its author has not.
func (r *Room) unlessEcho(msg Message) *Member {
	if msg.Kind == Say {
		return r.find(msg.Author)
	}
	return nil
}

// sumUp makes msg, the last of run, speak for all of it.
func (r *Room) sumUp(run []event, msg *Message) {
	if len(run) == 1 {
		return
	}
	nicks := make([]string, 0, namesGreeted)
	for i := range run[:min(len(run), namesGreeted)] {
		nicks = append(nicks, run[i].msg.From)
	}
	msg.From = r.texts.names(nicks, len(run), namesGreeted)
	msg.Text = ""
}

// admit greets a member whose Join has come back, and lets it see the room from now on.
func (r *Room) admit(msg Message) {
	m := r.find(msg.Author)
	if m == nil || m.gone.Load() {
		return // it is another Room's, or has left already
	}
	r.mu.Lock()
	total := len(r.members)
	here := nicksOf(r.members[:min(total, namesGreeted)])
	r.members = append(r.members, m)
	r.mu.Unlock()

	with := r.texts.Alone
	if total > 0 {
		with = fmt.Sprintf(r.texts.WithYou, r.texts.names(here, total, namesGreeted))
	}
	r.showOne(m, r.out.notice(fmt.Sprintf(r.texts.Welcome, r.name, msg.From, with)))
	r.showOne(m, r.out.notice(r.texts.HelpHint))
	if m.refused != "" {
		r.showOne(m, r.out.notice(m.refused))
	}
	r.showPast(m, r.history)
}

// dismiss takes the members whose Leave has come back off the list.
func (r *Room) dismiss(run []event) {
	found := false
	for i := range run {
		if m := r.find(run[i].msg.Author); m != nil {
			r.forget(m)
			found = true
		}
	}
	if found {
		r.dropForgotten()
	}
}

func (r *Room) dropForgotten() {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.members = slices.DeleteFunc(r.members, func(m *Member) bool { return m.forgotten })
}

// show shows b to every member, or what it is to see instead.
func (r *Room) show(b *Block) {
	for _, m := range r.members {
		switch {
		case m.apart == nil:
			r.showBlock(m, b)
		case len(m.apart.Lines) > 0:
			r.showBlock(m, m.apart)
		}
	}
}

func (r *Room) showOne(m *Member, l *Line) { r.showBlock(m, &Block{[]*Line{l}}) }

func (r *Room) showBlock(m *Member, b *Block) {
	if m.gone.Load() {
		return
	}
	if err := m.screen.Show(b); err != nil {
		r.lose(m, err)
	}
}

// lose drops a member that cannot be shown anything any more.
func (r *Room) lose(m *Member, err error) {
	why := err
	var op *net.OpError
	if errors.As(err, &op) && op.Err != nil {
		why = op.Err // without the addresses, which are nobody's business
	}
	if m.depart(fmt.Sprintf(r.texts.Lost, why)) {
		r.lost.Add(1)
		m.end(err)
	}
}

// farewell ends every membership, also of those whose Join has not come back.
func (r *Room) farewell() {
	r.show(&Block{[]*Line{r.out.notice(r.texts.Closing)}})
	r.mu.Lock()
	all := r.ids
	r.ids, r.members = nil, nil
	clear(r.nicks)
	for _, m := range all {
		m.keys, m.forgotten = nil, true
	}
	r.mu.Unlock()
	for _, m := range all {
		if m.gone.CompareAndSwap(false, true) {
			m.end(ErrClosed)
		}
	}
}
