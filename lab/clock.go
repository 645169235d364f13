package lab

import (
	"context"
	"encoding/binary"
	"errors"
	"math/rand"
	randv2 "math/rand/v2"
	"sync"
	"time"

	"gvisor.dev/gvisor/pkg/tcpip"

	"sockeye.dev/impair"
)

// clock is virtual time: a queue of events and the time of the last. One
// goroutine runs the events; stacks may schedule from their own.
type clock struct {
	mu     sync.Mutex
	now    time.Duration
	q      impair.Queue[event]
	events int
}

type event struct {
	kind string // app, timer, packet
	host int    // whose stack it concerns; -1: none
	run  func()
}

// epoch is virtual time zero as wall-clock time: 2026-01-01.
var epoch = time.Unix(1767225600, 0).UTC()

// maxAtOnce is how many timers one instant may have. More are one that sets
// itself for now, for ever.
const maxAtOnce = 100_000

var errStuck = errors.New("virtual time stands still: a timer of the stack sets itself for now, again and again")

func (c *clock) elapsed() time.Duration {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.now
}

// at schedules an event; those of one time run in the order of scheduling.
func (c *clock) at(t time.Duration, e event) *impair.Item[event] {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.q.Push(max(t, c.now), e)
}

// run runs the events until time, they or ctx end. It calls step with each.
func (c *clock) run(ctx context.Context, until time.Duration, step func(event)) error {
	atOnce := 0
	for ctx.Err() == nil {
		c.mu.Lock()
		next, ok := c.q.Next()
		if !ok || next > until {
			c.mu.Unlock()
			return nil
		}
		if next > c.now {
			atOnce = 0
		}
		c.now = next
		c.events++
		e := c.q.Pop().Value
		c.mu.Unlock()
		if e.kind == "timer" {
			if atOnce++; atOnce > maxAtOnce {
				return errStuck
			}
		}
		step(e)
	}
	return context.Cause(ctx)
}

// hostClock is the clock as one host's stack sees it: its timers are events of
// that host. It implements tcpip.Clock.
type hostClock struct {
	*clock
	host int
}

func (c hostClock) Now() time.Time { return epoch.Add(c.elapsed()) }

// NowMonotonic begins an hour after its zero, which gVisor takes for "never".
func (c hostClock) NowMonotonic() tcpip.MonotonicTime {
	var zero tcpip.MonotonicTime
	return zero.Add(time.Hour + c.elapsed())
}

func (c hostClock) AfterFunc(d time.Duration, f func()) tcpip.Timer {
	t := &timer{c: c, f: f}
	t.Reset(d)
	return t
}

type timer struct {
	c    hostClock
	f    func()
	item *impair.Item[event]
}

func (t *timer) Stop() bool {
	t.c.mu.Lock()
	defer t.c.mu.Unlock()
	return t.c.q.Remove(t.item)
}

// Reset rounds up to whole microseconds: gVisor computes timeouts in floating
// point, whose last bits differ between processors. Rounding to the nearest
// would let a timer fire before its time, and set itself again for ever.
func (t *timer) Reset(d time.Duration) {
	d = max(d, 0)
	d = (d + time.Microsecond - 1) / time.Microsecond * time.Microsecond
	t.c.mu.Lock()
	defer t.c.mu.Unlock()
	t.c.q.Remove(t.item)
	t.item = t.c.q.Push(t.c.now+d, event{"timer", t.c.host, t.f})
}

// source is a stack's own chance: initial sequence numbers, ports, IP
// identifications. It implements rand.Source64 and io.Reader.
type source struct {
	mu sync.Mutex
	r  *randv2.ChaCha8
}

var _ rand.Source64 = (*source)(nil)

func newSource(seed uint64, host int) *source {
	var key [32]byte
	binary.LittleEndian.PutUint64(key[:], seed)
	binary.LittleEndian.PutUint64(key[8:], uint64(host))
	return &source{r: randv2.NewChaCha8(key)}
}

func (s *source) Uint64() uint64 {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.r.Uint64()
}

func (s *source) Int63() int64 { return int64(s.Uint64() >> 1) }
func (s *source) Seed(int64)   {}

func (s *source) Read(p []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.r.Read(p)
}
