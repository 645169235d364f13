package main

import (
	"io"
	"os"
	"sync"
	"time"

	"github.com/muesli/cancelreader"
	"golang.org/x/term"

	"sockeye.dev/handler"
	prompt "sockeye.dev/term"
)

// input is standard input, cancelable where the system can do that. close
// gives back what that took.
func (a *app) input() (in *handler.Input, close func()) {
	in = &handler.Input{R: a.stdin, Source: source(a.stdin)}
	if in.Source == handler.File {
		return in, func() {} // reading a file does not block
	}
	r, err := cancelreader.NewReader(a.stdin)
	if err != nil {
		return in, func() {}
	}
	if in.Source == handler.Typed {
		r = newTypedReader(r)
	}
	in.R = r
	return in, func() { _ = r.Close() }
}

// A typedReader cancels a read that its CancelReader cannot: Ctrl-C has the terminal throw away what was typed, and if that is
// after it has told of a line and before the line is read, the read waits for the next one.
type typedReader struct {
	cancelreader.CancelReader
	canceled chan struct{}
	cancel   func()

	mu     sync.Mutex
	behind bool // a read was left behind, which still needs the CancelReader
}

func newTypedReader(r cancelreader.CancelReader) *typedReader {
	c := make(chan struct{})
	return &typedReader{CancelReader: r, canceled: c, cancel: sync.OnceFunc(func() { close(c) })}
}

func (r *typedReader) Read(p []byte) (int, error) {
	buf := make([]byte, len(p)) // p is not ours any more when a read that was left behind ends
	ended := make(chan struct{})
	var m int
	var why error
	go func() {
		defer close(ended)
		m, why = r.CancelReader.Read(buf)
	}()
	select {
	case <-ended:
		return copy(p, buf[:m]), why
	case <-r.canceled:
	}
	select {
	case <-ended: // as nearly always
		return copy(p, buf[:m]), why
	case <-time.After(time.Second / 10):
		r.mu.Lock()
		defer r.mu.Unlock()
		r.behind = true
		return 0, cancelreader.ErrCanceled
	}
}

func (r *typedReader) Cancel() bool {
	defer r.cancel()
	return r.CancelReader.Cancel()
}

func (r *typedReader) Close() error {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.behind {
		return nil
	}
	return r.CancelReader.Close()
}

func source(f *os.File) handler.Source {
	if term.IsTerminal(int(f.Fd())) {
		return handler.Typed
	}
	if st, err := f.Stat(); err == nil && (st.Mode().IsRegular() || st.Mode()&os.ModeDevice != 0) {
		return handler.File
	}
	return handler.Pipe
}

func isTerminal(w io.Writer) bool {
	if _, ok := w.(*prompt.Prompt); ok {
		return true
	}
	f, ok := w.(*os.File)
	return ok && term.IsTerminal(int(f.Fd()))
}
