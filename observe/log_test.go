package observe_test

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"strings"
	"sync"
	"testing"
	"testing/synctest"

	"sockeye.dev/observe"
)

// gate is a writer that lets nothing through until it is opened.
type gate struct {
	open chan struct{}
	err  error
	bytes.Buffer
}

func newGate() *gate { return &gate{open: make(chan struct{})} }

func (g *gate) Write(p []byte) (int, error) {
	<-g.open
	if g.err != nil {
		return 0, g.err
	}
	return g.Buffer.Write(p)
}

// lines is a Formatter that shows data only, and what was lost.
type lines struct{}

func (lines) AppendEvent(dst []byte, e *observe.Event) []byte {
	if e.Kind == observe.Lost {
		return fmt.Appendf(dst, "lost %d: %s\n", e.N, e.Text)
	}
	return append(append(dst, e.Data...), '\n')
}

func event(format string, args ...any) observe.Event {
	return observe.Event{Kind: observe.Data, Conv: 1, Time: start, Data: fmt.Appendf(nil, format, args...)}
}

func TestLogKeepsOrderAndCopies(t *testing.T) {
	var w, want bytes.Buffer
	l := observe.NewLog(&w, lines{}, observe.LogOptions{})
	buf := make([]byte, 0, 16)
	for i := range 10_000 {
		buf = fmt.Appendf(buf[:0], "event %d", i)
		l.Observe(observe.Event{Kind: observe.Data, Data: buf})
		clear(buf)
		fmt.Fprintf(&want, "event %d\n", i)
	}
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	if w.String() != want.String() {
		t.Error("what was written is not what was observed")
	}
}

// A recording slows the traffic rather than lose bytes.
func TestLogBlocks(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newGate()
		l := observe.NewLog(w, lines{}, observe.LogOptions{Limit: 4 << 10, Block: true})
		observed := 0
		var traffic sync.WaitGroup
		traffic.Go(func() {
			for range 100 {
				l.Observe(event("%100d", 0))
				observed++
			}
		})
		synctest.Wait()
		if observed == 0 || observed == 100 {
			t.Errorf("%d of 100 events went into a queue of 4 KiB", observed)
		}
		close(w.open)
		traffic.Wait()
		if err := l.Close(); err != nil {
			t.Error(err)
		}
		if n := strings.Count(w.String(), "\n"); n != 100 {
			t.Errorf("%d events were written", n)
		}
	})
}

func TestCloseReleasesTheTraffic(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newGate()
		l := observe.NewLog(w, lines{}, observe.LogOptions{Limit: 1, Block: true})
		var traffic sync.WaitGroup
		for range 3 {
			traffic.Go(func() { l.Observe(event("12345")) })
		}
		synctest.Wait() // one is being written, the others wait
		var err error
		var closing sync.WaitGroup
		closing.Go(func() { err = l.Close() })
		traffic.Wait()
		close(w.open)
		closing.Wait()
		var lost *observe.LostError
		if !errors.As(err, &lost) || *lost != (observe.LostError{Events: 2, Bytes: 10}) {
			t.Errorf("Close: %v", err)
		}
		if w.String() != "12345\n" {
			t.Errorf("wrote %q", w.String())
		}
	})
}

func TestWriteErrorReleasesTheTraffic(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newGate()
		w.err = errors.New("disk full")
		l := observe.NewLog(w, lines{}, observe.LogOptions{Limit: 1, Block: true})
		var traffic sync.WaitGroup
		traffic.Go(func() {
			for range 5 {
				l.Observe(event("12345"))
			}
		})
		synctest.Wait()
		close(w.open)
		traffic.Wait()
		if err := l.Close(); err != w.err {
			t.Errorf("Close: %v", err)
		}
		if events, n := l.Lost(); events != 5 || n != 25 {
			t.Errorf("%d events with %d bytes were lost", events, n)
		}
		if err := l.Close(); err != w.err {
			t.Errorf("Close again: %v", err)
		}
	})
}

func TestShortWriteIsAnError(t *testing.T) {
	l := observe.NewLog(short{}, lines{}, observe.LogOptions{})
	l.Observe(event("12345"))
	if err := l.Close(); err != io.ErrShortWrite {
		t.Errorf("Close: %v", err)
	}
}

type short struct{}

func (short) Write(p []byte) (int, error) { return len(p) - 1, nil }

// What does not fit is dropped, counted, and said where it is missing.
func TestLogDrops(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newGate()
		l := observe.NewLog(w, lines{}, observe.LogOptions{Limit: 3 << 10})
		for i := range 100 {
			l.Observe(event("%5d", i))
		}
		events, n := l.Lost()
		if events == 0 || n != 5*events {
			t.Errorf("%d events with %d bytes were lost", events, n)
		}
		close(w.open)
		synctest.Wait() // there is room again
		l.Observe(event("after"))
		err := l.Close()
		var lost *observe.LostError
		if !errors.As(err, &lost) || *lost != (observe.LostError{Events: events, Bytes: n}) {
			t.Errorf("Close: %v", err)
		}
		var want strings.Builder
		for i := range 100 - events {
			fmt.Fprintf(&want, "%5d\n", i)
		}
		fmt.Fprintf(&want, "lost %d: %d events with %d bytes not recorded: the writer was too slow\nafter\n", events, events, n)
		if w.String() != want.String() {
			t.Errorf("wrote\n%swant\n%s", w.String(), want.String())
		}
	})
}

func TestCloseSaysWhatIsMissingAtTheEnd(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newGate()
		l := observe.NewLog(w, lines{}, observe.LogOptions{Limit: 1})
		l.Observe(event("a"))
		l.Observe(event("b"))
		close(w.open)
		err := l.Close()
		if want := "1 event with 1 byte not recorded"; err == nil || err.Error() != want {
			t.Errorf("Close: %v, want %s", err, want)
		}
		if want := "a\nlost 1: 1 event with 1 byte not recorded: the writer was too slow\n"; w.String() != want {
			t.Errorf("wrote %q, want %q", w.String(), want)
		}
	})
}

func TestObserveAfterClose(t *testing.T) {
	l := observe.NewLog(io.Discard, lines{}, observe.LogOptions{Block: true})
	if err := l.Close(); err != nil {
		t.Error(err)
	}
	l.Observe(event("late"))
	if events, n := l.Lost(); events != 1 || n != 4 {
		t.Errorf("%d events with %d bytes were lost", events, n)
	}
}

func TestLogForManyGoroutines(t *testing.T) {
	var w bytes.Buffer
	l := observe.NewLog(&w, &observe.JSONL{}, observe.LogOptions{Limit: 8 << 10, Block: true})
	var traffic sync.WaitGroup
	for g := range 4 {
		traffic.Go(func() {
			for i := range 1000 {
				l.Observe(event("%d %d", g, i))
				l.Lost()
			}
		})
	}
	traffic.Wait()
	if err := l.Close(); err != nil {
		t.Error(err)
	}
	if n := strings.Count(w.String(), "\n"); n != 4000 {
		t.Errorf("%d lines", n)
	}
}
