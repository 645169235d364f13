package room

import (
	"runtime"
	"sync"
	"time"
)

// maxQueue is how many events may wait for the fan-out goroutine before the bus, and so the speakers, have to wait.
const maxQueue = 1024

// An event is what the fan-out goroutine works on: a message from the bus, or something to do between two messages.
type event struct {
	msg Message
	do  func()
}

// A queue is what waits for the fan-out goroutine, which gets all of it at once. A quiet one takes next to no memory, for
// there may be thousands of rooms. Made by newQueue.
type queue struct {
	filled chan struct{} // has one for its reader whenever something waits that is not taken yet

	mu     sync.Mutex
	events []event
	space  chan struct{} // closed when there is room again; nil while there is
}

func newQueue() *queue { return &queue{filled: make(chan struct{}, 1)} }

// put adds e, and waits for room as long as neither channel is closed. It reports whether e is in; after the last take
// nobody will look at it.
func (q *queue) put(e event, done, running <-chan struct{}) bool {
	for {
		space := q.tryPut(e)
		if space == nil {
			return true
		}
		select {
		case <-space:
		case <-done:
			return false
		case <-running:
			return false
		}
	}
}

// tryPut adds e, or returns what to wait for.
func (q *queue) tryPut(e event) (space <-chan struct{}) {
	q.mu.Lock()
	defer q.mu.Unlock()
	if len(q.events) >= maxQueue {
		if q.space == nil {
			q.space = make(chan struct{})
		}
		return q.space
	}
	if q.events = append(q.events, e); len(q.events) == 1 {
		select {
		case q.filled <- struct{}{}:
		default: // nobody has heard of the last ones, and nobody will
		}
	}
	return nil
}

// take returns all that waits. What was taken before, and is done with, is where the next will wait.
func (q *queue) take(before []event) []event {
	q.mu.Lock()
	defer q.mu.Unlock()
	all := q.events
	q.events = before[:0]
	if q.space != nil {
		close(q.space)
		q.space = nil
	}
	return all
}

// spare is how many events a quiet queue has memory for, twice.
const spare = 64

// rest gives up the memory that a flood has taken, once nothing waits any more: of the queue, and of what was taken last.
func (q *queue) rest(taken []event) []event {
	q.mu.Lock()
	defer q.mu.Unlock()
	if len(q.events) > 0 {
		return taken
	}
	if cap(q.events) > spare {
		q.events = nil
	}
	if cap(taken) > spare {
		return nil
	}
	return taken
}

func (q *queue) len() int {
	q.mu.Lock()
	defer q.mu.Unlock()
	return len(q.events)
}

// gatherFor bounds gather where others want the processor, too.
const gatherFor = time.Millisecond

// gather lets those who are putting something in go on for a moment: what one read has brought then goes out at once.
func (q *queue) gather() {
	began := time.Now()
	for n := 0; n < q.len() && time.Since(began) < gatherFor; {
		n = q.len()
		runtime.Gosched()
	}
}
