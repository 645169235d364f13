package endpoint

import (
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
	size int // index into datagramSizes
	buf  []byte
}

// datagramSizes keep a waiting message near its own size: ten thousand peers
// with a short message each hold 2 MB.
var datagramSizes = [...]int{128, 512, 2048, 8192, maxDatagram}

var datagramPools [len(datagramSizes)]sync.Pool

func newDatagram(p []byte) *datagram {
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
	d.next = nil
	datagramPools[d.size].Put(d)
}

// memory is what d takes, for the socket's bound.
func (d *datagram) memory() int64 { return int64(datagramSizes[d.size]) + 64 }

// An inbox is the bounded queue of messages that wait for one conversation's
// reader.
type inbox struct {
	mu    sync.Mutex
	ready sync.Cond // broadcast when a waiting reader has something to look at

	head, tail   *datagram
	bytes, count int
	maxBytes     int
	total        *atomic.Int64 // memory that waits behind the whole socket

	dropped  uint64
	fault    error // reported once, such as a refusal
	ended    error // reported for ever, once the queue is empty
	closed   bool
	reading  deadline
	writeEnd time.Time // the write deadline; writes do not block, so it is only compared
}

func (q *inbox) init(maxBytes int, total *atomic.Int64) {
	q.ready.L = &q.mu
	q.maxBytes, q.total = maxBytes, total
}

// put copies p into the queue, or drops it when that is full: the newest goes,
// as in the system's own queues, so that what was asked first is answered.
func (q *inbox) put(p []byte) bool {
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.closed || q.ended != nil {
		return false
	}
	// An empty queue takes one ordinary packet even when others have filled the
	// socket's share: a flood must not silence who is behaving.
	crowded := q.total.Load() >= maxQueuedBytes && (q.head != nil || len(p) > 2048)
	if crowded || q.count >= maxQueued || q.head != nil && q.bytes+len(p) > q.maxBytes {
		q.dropped++
		return false
	}
	d := newDatagram(p)
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
	return q.popLocked(), nil
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
