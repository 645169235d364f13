package main

import (
	"bytes"
	"errors"
	"io"
	"os"
	"os/exec"
	"regexp"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"
)

// running is a command under way, whose output can be waited for.
type running struct {
	t         *testing.T
	cmd       *exec.Cmd
	in        io.WriteCloser // nil if the test gave the command its input
	terminal  bool           // errs is empty: a terminal shows all in one
	out, errs watched
	ended     chan struct{} // closed once code is known
	code      int
}

// begin starts cmd. It is killed when the test ends, if it still runs then.
func begin(t *testing.T, cmd *exec.Cmd) *running {
	t.Helper()
	return beginAt(t, cmd, nil)
}

// beginAt is begin for a command whose output comes from elsewhere, or nil.
func beginAt(t *testing.T, cmd *exec.Cmd, output io.Reader) *running {
	t.Helper()
	r := &running{t: t, cmd: cmd, terminal: output != nil, ended: make(chan struct{})}
	r.out.changed.L, r.errs.changed.L = &r.out.mu, &r.errs.mu
	if cmd.Stdin == nil {
		var err error
		if r.in, err = cmd.StdinPipe(); err != nil {
			t.Fatal(err)
		}
	}
	if cmd.Stdout == nil {
		cmd.Stdout = &r.out
	}
	if cmd.Stderr == nil {
		cmd.Stderr = &r.errs
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	copied := make(chan struct{})
	go func() {
		defer close(copied)
		if output != nil {
			_, _ = io.Copy(&r.out, output)
		}
	}()
	go func() {
		defer close(r.ended)
		err := cmd.Wait()
		<-copied
		var exit *exec.ExitError
		if err != nil && !errors.As(err, &exit) {
			t.Errorf("wait: %v", err)
		}
		r.code = cmd.ProcessState.ExitCode()
		r.out.end()
		r.errs.end()
	}()
	t.Cleanup(func() {
		_ = cmd.Process.Kill()
		<-r.ended
		if t.Failed() {
			t.Logf("%q printed %q and said\n%s", cmd.Args[1:], r.out.String(), r.errs.String())
		}
	})
	return r
}

// say writes to the command's input.
func (r *running) say(text string) {
	r.t.Helper()
	if _, err := io.WriteString(r.in, text); err != nil {
		r.t.Fatal(err)
	}
}

// interrupt is Ctrl-C.
func (r *running) interrupt() {
	r.t.Helper()
	if runtime.GOOS == "windows" {
		r.t.Skip("Windows interrupts no other process")
	}
	if err := r.cmd.Process.Signal(os.Interrupt); err != nil {
		r.t.Fatal(err)
	}
}

// wait waits for the command's end.
func (r *running) wait() (stdout, stderr string, code int) {
	<-r.ended
	return r.out.String(), r.errs.String(), r.code
}

// stop interrupts the command, which has to end well then, and returns all it
// has printed.
func (r *running) stop() (stdout string) {
	r.t.Helper()
	r.interrupt()
	stdout, stderr, code := r.wait()
	if code != 0 {
		r.t.Errorf("exit %d\n%s", code, stderr)
	}
	return stdout
}

// hears waits until the command has printed text, and sees until it has said
// text on standard error. Both return all that was printed by then.
func (r *running) hears(text string) string {
	r.t.Helper()
	return r.out.until(r.t, text, func(all string) bool { return strings.Contains(all, text) })
}

func (r *running) sees(text string) string {
	r.t.Helper()
	return r.errs.until(r.t, text, func(all string) bool { return strings.Contains(all, text) })
}

// addresses waits for so many addresses to be announced.
func (r *running) addresses(n int) (addrs []string) {
	r.t.Helper()
	said := &r.errs
	if r.terminal {
		said = &r.out
	}
	said.until(r.t, "where it listens", func(all string) bool {
		addrs = nil
		for _, found := range announcement.FindAllStringSubmatch(all, -1) {
			addrs = append(addrs, found[1])
		}
		return len(addrs) == n
	})
	return addrs
}

// announcement is what says where a command listens, in words or in JSON.
var announcement = regexp.MustCompile(`listening on ([^"\s]+)["}\r]*\n`)

// address is the only one.
func (r *running) address() string { r.t.Helper(); return r.addresses(1)[0] }

// watched is output that can be waited for.
type watched struct {
	mu      sync.Mutex
	changed sync.Cond
	buf     bytes.Buffer
	over    bool
}

func (w *watched) Write(p []byte) (int, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.changed.Broadcast()
	return w.buf.Write(p)
}

func (w *watched) end() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.over = true
	w.changed.Broadcast()
}

func (w *watched) String() string {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.buf.String()
}

// until waits for output that is enough: what says which.
func (w *watched) until(t *testing.T, what string, enough func(all string) bool) string {
	t.Helper()
	guard := time.AfterFunc(time.Minute, w.end)
	defer guard.Stop()
	w.mu.Lock()
	defer w.mu.Unlock()
	for {
		all := w.buf.String()
		if enough(all) {
			return all
		}
		if w.over {
			t.Fatalf("the command has not said %q, but: %q", what, all)
		}
		w.changed.Wait()
	}
}
