package impair

import (
	"math/rand/v2"
	"strings"
	"time"
)

// A Unit is what travels over a line: a packet, a datagram.
type Unit struct {
	N     uint64        // its ordinal number on the line, from 0
	Data  []byte        // shared by copies; a rule that damages it makes its own
	Sent  time.Duration // when it was handed to the line
	Start time.Duration // when its first bit left: later than Sent if it had to wait
	At    time.Duration // when its last bit arrives
	Fate  Fate
}

// A Rule says when, and how often, a unit is delivered; no result drops it. It
// may keep state, is called for each unit of its line in the order of sending,
// and must not change u.Data in place.
type Rule func(u Unit) []Unit

// A Fate is what a line did to a unit, as a set. Zero: it was carried as it is.
type Fate uint8

const (
	Lost       Fate = 1 << iota // on the line, after taking its share of it
	Overflowed                  // the queue before the line was full
	Duplicated                  // this is a copy that the line made
	Corrupted                   // bits are not as they were sent
	Hurried                     // it was let past others that were sent before
)

var fates = []string{"lost", "overflowed", "duplicated", "corrupted", "hurried"}

// Has reports whether all of g is in f.
func (f Fate) Has(g Fate) bool { return f&g == g }

// String is the names of f's members joined by "+"; nothing is "carried".
func (f Fate) String() string {
	if f == 0 {
		return "carried"
	}
	var names []string
	for i, name := range fates {
		if f.Has(1 << i) {
			names = append(names, name)
		}
	}
	return strings.Join(names, "+")
}

// A Line is one direction of a network under a [Spec]. It is not safe for
// concurrent use.
type Line struct {
	steps []step
	n     uint64
	began time.Duration
	rate  *transmitter
}

type step struct {
	rule  Rule
	drops Fate // what it means when nothing comes out
}

// NewLine is a line as spec says, its chances drawn from seed. What faults drop
// is lost; they come behind the queue and before chance, as on a real line.
func NewLine(spec Spec, seed uint64, faults ...Rule) *Line {
	l := &Line{rate: &transmitter{spec: spec}}
	l.steps = append(l.steps, step{l.rate.rule, Overflowed})
	for _, f := range faults {
		l.steps = append(l.steps, step{f, Lost})
	}
	add := func(on bool, drops Fate, r Rule) {
		if on {
			l.steps = append(l.steps, step{r, drops})
		}
	}
	add(spec.Loss > 0, Lost, spec.lose(seed))
	add(spec.Corrupt > 0, 0, spec.corrupt(seed))
	add(spec.Delay > 0 || spec.Jitter > 0, 0, spec.delay(seed))
	add(spec.Duplicate > 0, 0, spec.duplicate(seed))
	return l
}

// Send hands a unit to the line at now, which must not be before the last one's,
// and returns what arrives, or else what became of it: Lost or Overflowed. The
// units share data.
func (l *Line) Send(now time.Duration, data []byte) (units []Unit, dropped Fate) {
	units = []Unit{{N: l.n, Data: data, Sent: now, Start: now, At: now}}
	l.n++
	for _, s := range l.steps {
		l.began = units[0].Start
		var out []Unit
		for _, u := range units {
			out = append(out, s.rule(u)...)
		}
		if len(out) == 0 {
			return nil, s.drops
		}
		units = out
	}
	return units, 0
}

// Began is when the unit that was sent last began to leave, whatever became of
// it behind the queue.
func (l *Line) Began() time.Duration { return l.began }

// Waiting is how many units and bytes wait at now for the line to be free.
func (l *Line) Waiting(now time.Duration) (units, bytes int) { return l.rate.waiting(now) }

// Which rule a chance is for: part of where it is drawn from.
const (
	chanceLoss = iota + 1
	chanceCorrupt
	chanceDelay
	chanceReorder
	chanceDuplicate
)

// A dice gives the chances of one rule. They hang on nothing but the seed, the
// rule and the unit's number.
type dice struct {
	seed, rule uint64
	pcg        rand.PCG
	*rand.Rand
}

func newDice(seed, rule uint64) *dice {
	d := &dice{seed: seed, rule: rule}
	d.Rand = rand.New(&d.pcg)
	return d
}

// of is the dice for u.
func (d *dice) of(u Unit) *rand.Rand {
	d.pcg.Seed(d.seed, d.rule<<56^u.N)
	return d.Rand
}

// transmitter is the line's rate and the queue before it.
type transmitter struct {
	spec Spec
	busy time.Duration // until when the line is taken
	held []held        // what has not left yet, in order
	size int           // the bytes of held
}

type held struct {
	leaves time.Duration
	bytes  int
}

func (t *transmitter) waiting(now time.Duration) (units, bytes int) {
	for len(t.held) > 0 && t.held[0].leaves <= now {
		t.size -= t.held[0].bytes
		t.held = t.held[1:]
	}
	return len(t.held), t.size
}

func (t *transmitter) rule(u Unit) []Unit {
	if t.spec.Rate <= 0 {
		return []Unit{u}
	}
	units, bytes := t.waiting(u.Sent)
	if t.spec.Limit > 0 && units >= t.spec.Limit || t.spec.LimitBytes > 0 && bytes+len(u.Data) > t.spec.LimitBytes {
		return nil
	}
	u.Start = max(u.Sent, t.busy)
	// In whole numbers: rounded down, and the same on every processor. A unit of
	// less than 1 GB does not overflow.
	t.busy = u.Start + time.Duration(int64(len(u.Data))*8*1e9/t.spec.Rate)
	u.At = t.busy
	t.held = append(t.held, held{t.busy, len(u.Data)})
	t.size += len(u.Data)
	return []Unit{u}
}

func (s Spec) lose(seed uint64) Rule {
	d := newDice(seed, chanceLoss)
	return func(u Unit) []Unit {
		if d.of(u).Float64() < s.Loss {
			return nil
		}
		return []Unit{u}
	}
}

// corrupt turns one bit over, as netem does.
func (s Spec) corrupt(seed uint64) Rule {
	d := newDice(seed, chanceCorrupt)
	return func(u Unit) []Unit {
		r := d.of(u)
		if r.Float64() >= s.Corrupt || len(u.Data) <= s.Spare {
			return []Unit{u}
		}
		bit := r.IntN((len(u.Data) - s.Spare) * 8)
		u.Data = append([]byte(nil), u.Data...)
		u.Data[s.Spare+bit/8] ^= 1 << (bit % 8)
		u.Fate |= Corrupted
		return []Unit{u}
	}
}

// delay is the time on the way. Jitter is uniform around the delay, as netem's
// is, and may reorder.
func (s Spec) delay(seed uint64) Rule {
	jitter, reorder := newDice(seed, chanceDelay), newDice(seed, chanceReorder)
	return func(u Unit) []Unit {
		d := s.Delay
		if s.Jitter > 0 {
			d += time.Duration((jitter.of(u).Float64()*2 - 1) * float64(s.Jitter))
		}
		if s.Reorder > 0 && reorder.of(u).Float64() < s.Reorder {
			by := s.ReorderBy
			if by == 0 {
				by = s.Delay
			}
			d -= by
			u.Fate |= Hurried
		}
		u.At += max(d, 0)
		return []Unit{u}
	}
}

func (s Spec) duplicate(seed uint64) Rule {
	d := newDice(seed, chanceDuplicate)
	return func(u Unit) []Unit {
		if d.of(u).Float64() >= s.Duplicate {
			return []Unit{u}
		}
		twin := u
		twin.Fate |= Duplicated
		return []Unit{u, twin}
	}
}
