//go:build unix

package faulttest

import (
	"bytes"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"
)

// A process is a program under way.
type process struct {
	t     *testing.T
	cmd   *exec.Cmd
	errs  *journal[string] // the lines of its standard error
	ended chan struct{}    // closed once it has ended, and code is known
	code  int
}

// start starts cmd. It is killed when the test ends, if it still runs then.
func start(t *testing.T, cmd *exec.Cmd) *process {
	t.Helper()
	p := &process{t: t, cmd: cmd, errs: newJournal[string](), ended: make(chan struct{})}
	cmd.Stderr = &writer{journal: p.errs}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	go func() {
		defer close(p.ended)
		_ = cmd.Wait() // the code tells
		p.code = cmd.ProcessState.ExitCode()
		p.errs.end()
	}()
	t.Cleanup(func() {
		p.kill()
		if t.Failed() {
			t.Logf("%s %q said\n%s", filepath.Base(cmd.Path), cmd.Args[1:], strings.Join(last(p.errs.now()), "\n"))
		}
	})
	return p
}

// kill is kill -9. It returns when the process is gone.
func (p *process) kill() {
	_ = p.cmd.Process.Kill()
	<-p.ended
}

func (p *process) signal(s syscall.Signal) {
	p.t.Helper()
	if err := p.cmd.Process.Signal(s); err != nil {
		p.t.Fatal(err)
	}
}

// ends waits for the process to end by itself.
func (p *process) ends() (code int) {
	p.t.Helper()
	select {
	case <-p.ended:
	case <-time.After(patience):
		p.t.Fatal("it does not end")
	}
	return p.code
}

// says waits for a line of its standard error after a mark.
func (p *process) says(after int, part string) string {
	p.t.Helper()
	return p.errs.await(p.t, after, part, func(line string) bool { return strings.Contains(line, part) })
}

// A writer keeps a journal of the lines that are written to it.
type writer struct {
	*journal[string]
	rest []byte
}

func (w *writer) Write(p []byte) (int, error) {
	w.rest = append(w.rest, p...)
	for {
		line, rest, ok := bytes.Cut(w.rest, []byte("\n"))
		if !ok {
			return len(p), nil
		}
		w.add(string(bytes.TrimSuffix(line, []byte("\r"))))
		w.rest = rest
	}
}

// A node is one process of sockeye serve.
type node struct {
	*process
	doors []string // in the order of the arguments, as addresses
}

// serve starts sockeye serve, which is to open so many doors.
func serve(t *testing.T, doors int, args ...string) *node {
	t.Helper()
	return serveBy(t, doors, exec.Command(filepath.Join(programs, "sockeye"), append([]string{"serve"}, args...)...))
}

// serveBy is serve by a command that becomes it.
func serveBy(t *testing.T, doors int, cmd *exec.Cmd) *node {
	t.Helper()
	cmd.Env = append(cmd.Environ(), "LC_ALL=C.UTF-8", "LANGUAGE=", "GORACE=atexit_sleep_ms=0")
	n := &node{process: start(t, cmd)}
	n.more(0, doors)
	return n
}

// more waits for so many doors to be announced after a mark of the node's standard error.
func (n *node) more(after, doors int) {
	n.t.Helper()
	for range doors {
		n.errs.await(n.t, after, "a door", func(line string) bool {
			after++
			_, at, ok := strings.Cut(line, "listening on ")
			if ok {
				n.doors = append(n.doors, at)
			}
			return ok
		})
	}
}

// tcp is where the node's door i listens, as HOST:PORT.
func (n *node) tcp(i int) string {
	_, at, _ := strings.Cut(n.doors[i], "://")
	at, _, _ = strings.Cut(at, "?")
	return at
}
