package endpoint

import (
	"bytes"
	"io"
	"net"
	"os"
	"sync"
	"sync/atomic"
	"time"
)

// A datagram is one message that waits to be read. Its memory is pooled by size.
type datagram struct {
	next *datagram
	size int // index into datagramSizes; -1 when larger than all of them
	buf  []byte
	from net.Addr // the sender, when the conversation is with many; else nil
}

// datagramSizes keep a waiting message near its own size: ten thousand peers
// with a short message each hold 2 MB.
var datagramSizes = [...]int{128, 512, 2048, 8192, maxDatagram}

var datagramPools [len(datagramSizes)]sync.Pool

func newDatagram(p []byte) *datagram {
	if len(p) > maxDatagram {
		return &datagram{size: -1, buf: bytes.Clone(p)}
	}
	size := 0
	for datagramSizes[size] < len(p) {
		size++
	}
	d, _ := datagramPools[size].Get().(*datagram)
	if d == nil {
		d = &datagram{size: size, buf: make([]byte, 0, datagramSizes[size])}
	}
	d.buf = append(d.buf[:0], p...)
	return d
}

func (d *datagram) free() {
	d.next, d.from = nil, nil
	if d.size < 0 {
		return
	}
	datagramPools[d.size].Put(d)
}

// memory is what d takes, for the socket's bound.
func (d *datagram) memory() int64 { return int64(cap(d.buf)) + 64 }

// An inbox is the bounded queue of messages that wait for one conversation's
// reader.
type inbox struct {
	mu    sync.Mutex
	ready sync.Cond // broadcast when a waiting reader has something to look at

	head, tail   *datagram
	bytes, count int
	maxBytes     int
	total        *atomic.Int64 // memory that waits behind the whole socket

	from     net.Addr // who sent what was taken last; nil when it is clear
	dropped  uint64
	fault    error // reported once, such as a refusal
	ended    error // reported for ever, once the queue is empty
	closed   bool
	reading  deadline
	writeEnd time.Time // the write deadline, which is only compared
}

func (q *inbox) init(maxBytes int, total *atomic.Int64) {
	q.ready.L = &q.mu
	q.maxBytes, q.total = maxBytes, total
}

// put copies p into the queue, unless that is full: of what is dropped it is
// the newest that goes, as in the system's own queues, so that what was asked
// first is answered.
func (q *inbox) put(p []byte, from net.Addr) bool {
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.closed || q.ended != nil {
		return false
	}
	// An empty queue takes one ordinary packet even when others have filled the
	// socket's share: a flood must not silence who is behaving.
	crowded := q.total.Load() >= maxQueuedBytes && (q.head != nil || len(p) > 2048)
	if crowded || q.count >= maxQueued || q.head != nil && q.bytes+len(p) > q.maxBytes {
		return false
	}
	d := newDatagram(p)
	d.from = from
	q.total.Add(d.memory())
	if q.head == nil {
		q.head = d
		q.ready.Broadcast()
	} else {
		q.tail.next = d
	}
	q.tail = d
	q.bytes += len(p)
	q.count++
	return true
}

// drop counts a message that had no room.
func (q *inbox) drop() {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.dropped++
}

// take waits for the next message. The caller frees it.
func (q *inbox) take() (*datagram, error) {
	q.mu.Lock()
	defer q.mu.Unlock()
	if err := q.waitLocked(); err != nil {
		return nil, err
	}
	if err := q.fault; err != nil {
		q.fault = nil
		return nil, err
	}
	if q.head == nil {
		return nil, q.ended
	}
	d := q.popLocked()
	q.from = d.from
	return d, nil
}

// wait blocks until take would not.
func (q *inbox) wait() error {
	q.mu.Lock()
	defer q.mu.Unlock()
	return q.waitLocked()
}

func (q *inbox) waitLocked() error {
	for {
		switch {
		case q.closed:
			return net.ErrClosed
		case q.reading.passed:
			return os.ErrDeadlineExceeded
		case q.head != nil || q.fault != nil || q.ended != nil:
			return nil
		}
		q.ready.Wait()
	}
}

func (q *inbox) popLocked() *datagram {
	d := q.head
	q.head = d.next
	if q.head == nil {
		q.tail = nil
	}
	q.bytes -= len(d.buf)
	q.count--
	q.total.Add(-d.memory())
	return d
}

// end lets the reader have what is queued, and then err.
func (q *inbox) end(err error) {
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.ended == nil {
		q.ended = err
	}
	q.ready.Broadcast()
}

// fail reports err to the next reader only.
func (q *inbox) fail(err error) {
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.ended == nil && !q.closed {
		q.fault = err
		q.ready.Broadcast()
	}
}

// close drops everything; it reports whether it was open.
func (q *inbox) close() bool {
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.closed {
		return false
	}
	q.closed = true
	for q.head != nil {
		q.popLocked().free()
	}
	q.reading.stop()
	q.ready.Broadcast()
	return true
}

// mayWait returns how long a write may still wait, or why not at all.
func (q *inbox) mayWait() (time.Duration, error) {
	if err := q.writable(); err != nil {
		return 0, err
	}
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.writeEnd.IsZero() {
		return 1<<63 - 1, nil
	}
	return time.Until(q.writeEnd), nil
}

// writable says why a write must not be tried, nil if it may.
func (q *inbox) writable() error {
	q.mu.Lock()
	defer q.mu.Unlock()
	switch {
	case q.closed:
		return net.ErrClosed
	case q.ended != nil && q.ended != io.EOF:
		return q.ended
	case !q.writeEnd.IsZero() && !time.Now().Before(q.writeEnd):
		return os.ErrDeadlineExceeded
	}
	return nil
}
