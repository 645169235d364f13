package observe

import (
	"fmt"
	"sync/atomic"
)

// Counters is an [Observer] that counts. The zero value is ready, any number
// of goroutines may use it, and it must not be copied.
type Counters struct {
	in, out                      flow
	opened, closed, failed, lost atomic.Int64
}

type flow struct{ events, bytes atomic.Int64 }

func (f *flow) add(bytes int64) {
	f.events.Add(1)
	f.bytes.Add(bytes)
}

func (f *flow) count() Flow { return Flow{f.events.Load(), f.bytes.Load()} }

var _ Observer = (*Counters)(nil)

// Observe counts e.
func (c *Counters) Observe(e Event) {
	switch e.Kind {
	case Data:
		if e.Dir == In {
			c.in.add(int64(len(e.Data)))
		} else {
			c.out.add(int64(len(e.Data)))
		}
	case Open:
		c.opened.Add(1)
	case Close:
		c.closed.Add(1)
	case Error:
		c.failed.Add(1)
	case Lost:
		c.lost.Add(1)
	}
}

// Flow is how much went one way.
type Flow struct {
	Parts int64 // datagrams, or the parts in which a stream was read or written
	Bytes int64
}

// Counts is what [Counters] has counted.
type Counts struct {
	In, Out Flow
	Total   int64 // conversations that were opened
	Open    int64 // those of them that are not closed yet
	Errors  int64
	Gaps    int64 // Lost events
}

// Counts returns the counts now. While events arrive, they are each from a
// slightly different moment.
func (c *Counters) Counts() Counts {
	closed := c.closed.Load() // before opened: Open is never negative
	opened := c.opened.Load()
	return Counts{
		In:     c.in.count(),
		Out:    c.out.count(),
		Total:  opened,
		Open:   max(opened-closed, 0),
		Errors: c.failed.Load(),
		Gaps:   c.lost.Load(),
	}
}

// String returns a line such as
//
//	3 conversations (1 open), 120 bytes in, 64 bytes out, 1 error
func (c Counts) String() string {
	s := plural(c.Total, "conversation")
	if c.Open > 0 {
		s += fmt.Sprintf(" (%d open)", c.Open)
	}
	s += ", " + plural(c.In.Bytes, "byte") + " in, " + plural(c.Out.Bytes, "byte") + " out"
	if c.Errors > 0 {
		s += ", " + plural(c.Errors, "error")
	}
	if c.Gaps > 0 {
		s += ", " + plural(c.Gaps, "gap")
	}
	return s
}

func plural(n int64, what string) string {
	if n == 1 {
		return "1 " + what
	}
	return fmt.Sprintf("%d %ss", n, what)
}
