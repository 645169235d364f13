package room

import (
	"context"
	"slices"
	"sync"
	"sync/atomic"
	"time"
)

// Mem is a Bus inside one process. Its zero value is ready to use; it has no goroutine of its own and needs no closing.
//
// The publisher delivers: it waits for its turn, numbers the message, and calls every subscriber before Publish returns.
// So a subscriber that blocks slows all publishers of that room, and nothing piles up in between. Waiting for the turn
// ends with the ctx and is fair. Works inside testing/synctest bubbles.
type Mem struct {
	// Keep is how many messages of each room are kept for subscribers that start in the past. Default 256; negative
	// keeps none. Not to be changed once the bus is in use.
	Keep int

	mu     sync.Mutex
	topics map[string]*topic

	recording sync.Mutex // held while the clerks are called
	records   map[string][]byte
	clerks    []*clerk
}

var (
	_ Bus     = (*Mem)(nil)
	_ Company = (*Mem)(nil)
	_ Records = (*Mem)(nil)
)

// topic is one room on the bus. Its fields belong to whoever holds the turn, except those that say otherwise.
type topic struct {
	turn chan struct{} // full while held: a mutex whose waiting can be cut short, and which a bubble sees through
	seq  uint64
	kept []Message // a ring once it is full: message n is at (n-1) % keep
	subs []*subscriber

	on atomic.Int32 // how many subscribe; for Alone, which must not wait for the turn

	beats   sync.Mutex // held while the heeders are called
	heeders []*heeder  // guarded by beats
}

type subscriber struct{ deliver func(Message) }

type heeder struct{ f func(node uint64) }

type clerk struct {
	f func(key string, value []byte)
}

// Publish implements Bus. It fails only when ctx ends before the message's turn has come; then it was not published.
func (b *Mem) Publish(ctx context.Context, room string, m Message) (uint64, error) {
	t := b.topic(room)
	if err := t.take(ctx); err != nil {
		return 0, err
	}
	defer t.pass()
	t.seq++
	m.Seq = t.seq
	if m.Time.IsZero() {
		m.Time = time.Now()
	}
	b.remember(t, m)
	for _, s := range t.subs {
		s.deliver(m)
	}
	return m.Seq, nil
}

// Subscribe implements Bus. What is kept from the past is delivered before it returns.
func (b *Mem) Subscribe(ctx context.Context, room string, since Position, deliver func(Message)) (func(), error) {
	t := b.topic(room)
	if err := t.take(ctx); err != nil {
		return nil, err
	}
	defer t.pass()
	t.on.Add(1)
	seq, ok := since.Seq()
	if n := since.Said(); n > 0 {
		seq, ok = t.beforeLast(n), true
	}
	if ok {
		for n := max(seq, t.forgotten()) + 1; n <= t.seq; n++ {
			m := t.at(n)
			m.Past = true
			deliver(m)
		}
	}
	s := &subscriber{deliver}
	t.subs = append(t.subs, s)
	return func() {
		t.turn <- struct{}{}
		defer t.pass()
		t.subs = slices.DeleteFunc(t.subs, func(x *subscriber) bool { return x == s })
		t.on.Store(int32(len(t.subs)))
	}, nil
}

// Oldest implements Keeper.
func (b *Mem) Oldest(ctx context.Context, room string) (uint64, error) {
	t := b.topic(room)
	if err := t.take(ctx); err != nil {
		return 0, err
	}
	defer t.pass()
	return t.forgotten() + 1, nil
}

// Alone implements Company. A subscriber counts from when it is delivered the past.
func (b *Mem) Alone(room string) bool { return b.topic(room).on.Load() < 2 }

// Beat implements Company: it calls the heeders, and never fails.
func (b *Mem) Beat(room string, node uint64) error {
	t := b.topic(room)
	t.beats.Lock()
	defer t.beats.Unlock()
	for _, h := range t.heeders {
		h.f(node)
	}
	return nil
}

// Heed implements Company. f must call neither stop nor Beat.
func (b *Mem) Heed(room string, f func(node uint64)) (stop func(), err error) {
	t := b.topic(room)
	t.beats.Lock()
	defer t.beats.Unlock()
	h := &heeder{f}
	t.heeders = append(t.heeders, h)
	return func() {
		t.beats.Lock()
		defer t.beats.Unlock()
		t.heeders = slices.DeleteFunc(t.heeders, func(x *heeder) bool { return x == h })
	}, nil
}

// Record implements Records: it calls those who heed, and never fails.
func (b *Mem) Record(_ context.Context, key string, value []byte) error {
	b.recording.Lock()
	defer b.recording.Unlock()
	if b.records == nil {
		b.records = make(map[string][]byte)
	}
	if b.records[key] = value; value == nil {
		delete(b.records, key)
	}
	for _, c := range b.clerks {
		c.f(key, value)
	}
	return nil
}

// HeedRecords implements Records. f must call neither stop nor Record.
func (b *Mem) HeedRecords(_ context.Context, f func(key string, value []byte)) (stop func(), err error) {
	b.recording.Lock()
	defer b.recording.Unlock()
	for key, value := range b.records {
		f(key, value)
	}
	c := &clerk{f}
	b.clerks = append(b.clerks, c)
	return func() {
		b.recording.Lock()
		defer b.recording.Unlock()
		b.clerks = slices.DeleteFunc(b.clerks, func(x *clerk) bool { return x == c })
	}, nil
}

// forgotten is the last message that is no longer kept.
func (t *topic) forgotten() uint64 { return t.seq - uint64(len(t.kept)) }

// at is message n, which must be kept.
func (t *topic) at(n uint64) Message { return t.kept[(n-1)%uint64(len(t.kept))] }

// beforeLast is the message before the last n that were said.
func (t *topic) beforeLast(n int) uint64 {
	seq := t.seq
	for ; seq > t.forgotten() && n > 0; seq-- {
		if k := t.at(seq).Kind; k == Say || k == Emote {
			n--
		}
	}
	return seq
}

func (b *Mem) topic(room string) *topic {
	b.mu.Lock()
	defer b.mu.Unlock()
	t := b.topics[room]
	if t == nil {
		if b.topics == nil {
			b.topics = make(map[string]*topic)
		}
		t = &topic{turn: make(chan struct{}, 1)}
		b.topics[room] = t
	}
	return t
}

func (b *Mem) remember(t *topic, m Message) {
	keep := b.Keep
	if keep == 0 {
		keep = 256
	}
	switch {
	case keep < 0:
	case len(t.kept) < keep:
		t.kept = append(t.kept, m)
	default:
		t.kept[(m.Seq-1)%uint64(keep)] = m
	}
}

// take waits for the turn. A ctx that has ended already loses even when the turn is free.
func (t *topic) take(ctx context.Context) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	select {
	case t.turn <- struct{}{}:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

func (t *topic) pass() { <-t.turn }
