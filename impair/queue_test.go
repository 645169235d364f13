package impair_test

import (
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"sockeye.dev/impair"
)

func TestQueue(t *testing.T) {
	var q impair.Queue[string]
	if _, ok := q.Next(); ok || q.Len() != 0 {
		t.Error("the zero queue is not empty")
	}
	q.Push(2*ms, "d")
	b := q.Push(ms, "b")
	q.Push(ms, "c")
	q.Push(0, "a")
	q.Push(2*ms, "e")
	if at, ok := q.Next(); !ok || at != 0 {
		t.Errorf("next is at %v, %v", at, ok)
	}
	if !q.Remove(b) || q.Remove(b) || q.Remove(nil) {
		t.Error("an item can be removed once")
	}
	got := ""
	for q.Len() > 0 {
		it := q.Pop()
		got += it.Value
		if q.Remove(it) {
			t.Errorf("%s was taken out and removed", it.Value)
		}
	}
	if got != "acde" {
		t.Errorf("in the order %s, want acde", got)
	}
}

// The queue does what a sorted list does.
func TestQueueModel(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	var q impair.Queue[int]
	var model []*impair.Item[int] // in order
	for i := range 50000 {
		switch r.IntN(5) {
		case 0, 1, 2:
			at := time.Duration(r.IntN(50)) // many ties
			it := q.Push(at, i)
			n, _ := slices.BinarySearchFunc(model, at, func(m *impair.Item[int], at time.Duration) int {
				if m.At <= at {
					return -1
				}
				return 1
			})
			model = slices.Insert(model, n, it)
		case 3:
			if len(model) > 0 {
				if at, ok := q.Next(); !ok || at != model[0].At {
					t.Fatalf("step %d: next at %v, want %v", i, at, model[0].At)
				}
				if it := q.Pop(); it != model[0] {
					t.Fatalf("step %d: item %d of %v, want %d of %v", i, it.Value, it.At, model[0].Value, model[0].At)
				}
				model = model[1:]
			}
		case 4:
			if len(model) > 0 {
				n := r.IntN(len(model))
				if !q.Remove(model[n]) {
					t.Fatalf("step %d: an item is not there", i)
				}
				model = slices.Delete(model, n, n+1)
			}
		}
		if q.Len() != len(model) {
			t.Fatalf("step %d: %d items, want %d", i, q.Len(), len(model))
		}
	}
	for _, want := range model {
		if it := q.Pop(); it != want {
			t.Fatalf("at the end: item %d, want %d", it.Value, want.Value)
		}
	}
}
