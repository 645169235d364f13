//go:build unix

package faulttest

import (
	"slices"
	"sync"
	"testing"
	"time"
)

// A journal is what somebody has been shown, in order, and can be waited for. Its methods may be called by several
// goroutines at once.
type journal[T any] struct {
	mu    sync.Mutex
	all   []T
	more  chan struct{} // closed at the next entry, and at the end
	ended bool
}

func newJournal[T any]() *journal[T] { return &journal[T]{more: make(chan struct{})} }

func (j *journal[T]) add(entry T) {
	j.mu.Lock()
	defer j.mu.Unlock()
	j.all = append(j.all, entry)
	close(j.more)
	j.more = make(chan struct{})
}

func (j *journal[T]) end() {
	j.mu.Lock()
	defer j.mu.Unlock()
	j.ended = true
	close(j.more)
	j.more = make(chan struct{})
}

// now is all that is in the journal.
func (j *journal[T]) now() []T {
	j.mu.Lock()
	defer j.mu.Unlock()
	return slices.Clone(j.all)
}

// mark is a place in the journal: what comes from now on is after it.
func (j *journal[T]) mark() int {
	j.mu.Lock()
	defer j.mu.Unlock()
	return len(j.all)
}

// patience is how long anything is waited for that has no time limit of its own.
const patience = 40 * time.Second

// await waits for an entry after a mark that is as wanted.
func (j *journal[T]) await(t *testing.T, after int, what string, wanted func(T) bool) T {
	t.Helper()
	late := time.NewTimer(patience)
	defer late.Stop()
	for i := after; ; {
		j.mu.Lock()
		all, more, ended := j.all, j.more, j.ended
		j.mu.Unlock()
		for ; i < len(all); i++ {
			if wanted(all[i]) {
				return all[i]
			}
		}
		if ended {
			t.Fatalf("it ends without %s, after %+v", what, last(all[min(after, len(all)):]))
		}
		select {
		case <-more:
		case <-late.C:
			t.Fatalf("there is no %s, but %+v", what, last(all[min(after, len(all)):]))
		}
	}
}

// last is the end of what is too long to print.
func last[T any](all []T) []T { return all[max(0, len(all)-20):] }
