package main

import (
	"errors"
	"testing"
	"testing/synctest"

	"github.com/muesli/cancelreader"
)

// thrownAway reads from a terminal that has thrown away the line it had told of.
type thrownAway struct {
	cancelreader.CancelReader
	next chan struct{}
}

func (r thrownAway) Read(p []byte) (int, error) { <-r.next; return copy(p, "next\n"), nil }
func (thrownAway) Cancel() bool                 { return true }

// Ctrl-C ends a read also when it took away what was to be read.
func TestCancelThrownAway(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		next := make(chan struct{})
		defer close(next)
		r := newTypedReader(thrownAway{next: next})
		done := make(chan error)
		go func() { _, err := r.Read(make([]byte, 10)); done <- err }()
		synctest.Wait()
		r.Cancel()
		if err := <-done; !errors.Is(err, cancelreader.ErrCanceled) {
			t.Errorf("Read: %v", err)
		}
		if err := r.Close(); err != nil { // the read still needs it
			t.Error(err)
		}
	})
}
