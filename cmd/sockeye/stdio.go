package main

import (
	"io"
	"os"

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
	in.R = r
	return in, func() { _ = r.Close() }
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
