package observe

import (
	"fmt"
	"io"
	"sync"
	"time"
	"unsafe"
)

// LogOptions are the settings of a [Log].
type LogOptions struct {
	// Limit bounds the queue, in bytes. One event is let in however large it
	// is, if the queue is empty. Default: 4 MiB.
	Limit int
	// Block makes Observe wait while the queue is full: a recording slows the
	// traffic rather than lose bytes. Default: what does not fit is dropped and
	// counted, and a Lost event stands in its place.
	Block bool
}

// Log writes events to a writer, in order, from a goroutine of its own and
// through a bounded queue. Any number of goroutines may call its methods.
// Whoever made it closes it; the writer stays the caller's.
//
//	Observe ──copy──► queue ──swap──► batch ──format──► text ──► Write
type Log struct {
	w     io.Writer
	f     Formatter
	limit int
	block bool
	done  chan struct{} // closed when the goroutine is over

	// The goroutine's own: what is about to be written, the events in it, and
	// what they take of limit.
	text     []byte
	inText   flowCount
	textUsed int

	mu     sync.Mutex
	more   sync.Cond // the queue is no longer empty, or closed
	room   sync.Cond // used has shrunk, or err or closed has changed
	queue  batch
	used   int       // of limit: by the queue and by the batch being written
	gap    flowCount // what was dropped since the last event in the queue
	since  time.Time // and when that began
	lost   flowCount
	err    error
	closed bool
}

// batch is events with their data, one behind the other.
type batch struct {
	events []queued
	data   []byte
}

type queued struct {
	Event
	size   int  // of Data, which lies in batch.data
	marker bool // our own, for a gap
}

type flowCount struct{ events, bytes int64 }

func (c *flowCount) add(size int) {
	c.events++
	c.bytes += int64(size)
}

// eventSize is what an event without data takes of the limit.
const eventSize = int(unsafe.Sizeof(queued{}))

// enough is how much text is written at once, if there is that much.
const enough = 64 << 10

var _ Observer = (*Log)(nil)

// NewLog returns a Log that writes to w what f makes of each event. It starts
// a goroutine that ends with [Log.Close].
func NewLog(w io.Writer, f Formatter, o LogOptions) *Log {
	l := &Log{w: w, f: f, limit: o.Limit, block: o.Block, done: make(chan struct{})}
	if l.limit <= 0 {
		l.limit = 4 << 20
	}
	l.more.L, l.room.L = &l.mu, &l.mu
	go l.run()
	return l
}

// Observe queues a copy of e. When the queue is full it waits or drops, as the
// options say. After Close or a failed write, e is lost.
func (l *Log) Observe(e Event) {
	size := eventSize + len(e.Data)
	l.mu.Lock()
	defer l.mu.Unlock()
	for l.block && l.full(size) {
		l.room.Wait()
	}
	if l.closed || l.err != nil {
		l.lost.add(len(e.Data))
		return
	}
	if l.gap.events > 0 {
		size += eventSize // of the event that says so
	}
	if l.full(size) {
		if l.gap.events == 0 {
			l.since = e.Time
		}
		l.gap.add(len(e.Data))
		l.lost.add(len(e.Data))
		return
	}
	l.markGap()
	l.push(false, e)
}

// full reports whether so many bytes more are too many just now.
func (l *Log) full(size int) bool {
	return l.used > 0 && l.used+size > l.limit && !l.closed && l.err == nil
}

// markGap queues the event that stands for what was dropped.
func (l *Log) markGap() {
	if l.gap.events == 0 {
		return
	}
	l.push(true, Event{Kind: Lost, Time: l.since, N: l.gap.events,
		Text: fmt.Sprintf("%s with %s not recorded: the writer was too slow",
			plural(l.gap.events, "event"), plural(l.gap.bytes, "byte"))})
	l.gap = flowCount{}
}

func (l *Log) push(marker bool, e Event) {
	q := queued{e, len(e.Data), marker}
	q.Data = nil
	l.queue.data = append(l.queue.data, e.Data...)
	l.queue.events = append(l.queue.events, q)
	l.used += eventSize + q.size
	if len(l.queue.events) == 1 {
		l.more.Signal()
	}
}

// run writes batch after batch until the Log is closed and the queue empty.
func (l *Log) run() {
	defer close(l.done)
	var b batch
	for {
		l.mu.Lock()
		for len(l.queue.events) == 0 && !l.closed {
			l.more.Wait()
		}
		b, l.queue = l.queue, b
		failed := l.err != nil
		l.mu.Unlock()
		if len(b.events) == 0 {
			return
		}
		l.write(&b, failed)
		clear(b.events)
		b.events, b.data = b.events[:0], b.data[:0]
	}
}

// write formats and writes all of b, or only counts it once a write has failed.
func (l *Log) write(b *batch, failed bool) {
	data := b.data
	for i := range b.events {
		q := &b.events[i]
		q.Data, data = data[:q.size:q.size], data[q.size:]
		l.textUsed += eventSize + q.size
		if !q.marker {
			l.inText.add(q.size)
		}
		if !failed {
			l.text = l.f.AppendEvent(l.text, &q.Event)
		}
		if len(l.text) >= enough || i == len(b.events)-1 {
			failed = l.flush() || failed
		}
	}
}

// flush writes the text and gives back what it took of the limit.
func (l *Log) flush() (failed bool) {
	var err error
	l.mu.Lock()
	dead := l.err != nil
	l.mu.Unlock()
	if !dead && len(l.text) > 0 {
		var n int
		if n, err = l.w.Write(l.text); err == nil && n < len(l.text) {
			err = io.ErrShortWrite
		}
	}
	l.text = l.text[:0]
	l.mu.Lock()
	defer l.mu.Unlock()
	if err != nil {
		l.err = err
	}
	if l.err != nil {
		l.lost.events += l.inText.events
		l.lost.bytes += l.inText.bytes
	}
	l.used -= l.textUsed
	l.inText, l.textUsed = flowCount{}, 0
	l.room.Broadcast()
	return l.err != nil
}

// Lost returns how many events, with how many bytes of data, have not been
// written and will not be.
func (l *Log) Lost() (events, bytes int64) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.lost.events, l.lost.bytes
}

// LostError says that a [Log] lost events that it could not keep up with.
type LostError struct {
	Events int64
	Bytes  int64 // of their data
}

func (e *LostError) Error() string {
	return fmt.Sprintf("%s with %s not recorded", plural(e.Events, "event"), plural(e.Bytes, "byte"))
}

// Close writes what is queued and waits until that is done. It returns the
// first error of the writer or, if events were lost, a *[LostError]. Called
// again it returns the same, with what was observed too late added.
func (l *Log) Close() error {
	l.mu.Lock()
	if !l.closed {
		l.markGap()
		l.closed = true
		l.more.Signal()
		l.room.Broadcast()
	}
	l.mu.Unlock()
	<-l.done
	l.mu.Lock()
	defer l.mu.Unlock()
	switch {
	case l.err != nil:
		return l.err
	case l.lost.events > 0:
		return &LostError{l.lost.events, l.lost.bytes}
	}
	return nil
}
