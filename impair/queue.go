package impair

import (
	"container/heap"
	"time"
)

// A Queue holds what is due later and gives it out in the order of time; what is
// due at the same time comes out as it went in. The zero Queue is empty. It is
// not safe for concurrent use.
type Queue[T any] struct {
	items items[T]
	n     uint64
}

// An Item is what Queue.Push has queued.
type Item[T any] struct {
	At    time.Duration
	Value T
	n     uint64
	index int // -1: in no queue
}

// Push queues v for at.
func (q *Queue[T]) Push(at time.Duration, v T) *Item[T] {
	q.n++
	it := &Item[T]{At: at, Value: v, n: q.n}
	heap.Push(&q.items, it)
	return it
}

// Next is when the first item is due; false: nothing is queued.
func (q *Queue[T]) Next() (time.Duration, bool) {
	if len(q.items) == 0 {
		return 0, false
	}
	return q.items[0].At, true
}

// Pop takes the first item out. There must be one.
func (q *Queue[T]) Pop() *Item[T] { return heap.Pop(&q.items).(*Item[T]) }

// Remove takes an item out before its time and reports whether it was still in.
func (q *Queue[T]) Remove(it *Item[T]) bool {
	if it == nil || it.index < 0 {
		return false
	}
	heap.Remove(&q.items, it.index)
	return true
}

// Len is how many items are queued.
func (q *Queue[T]) Len() int { return len(q.items) }

// items is the heap of a Queue.
type items[T any] []*Item[T]

func (h items[T]) Len() int { return len(h) }

func (h items[T]) Less(i, j int) bool {
	return h[i].At < h[j].At || h[i].At == h[j].At && h[i].n < h[j].n
}

func (h items[T]) Swap(i, j int) {
	h[i], h[j] = h[j], h[i]
	h[i].index, h[j].index = i, j
}

func (h *items[T]) Push(x any) {
	it := x.(*Item[T])
	it.index = len(*h)
	*h = append(*h, it)
}

func (h *items[T]) Pop() any {
	old := *h
	it := old[len(old)-1]
	old[len(old)-1], it.index = nil, -1
	*h = old[:len(old)-1]
	return it
}
