//go:build linux

package main

import (
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"sockeye.dev/internal/peertest"
)

// ncPatience is how long a step may take before the case has failed.
const ncPatience = 15 * time.Second

// TestNC runs the table against ours.
func TestNC(t *testing.T) {
	t.Parallel()
	for _, c := range ncCases(t) {
		t.Run(c.id(), func(t *testing.T) {
			t.Parallel()
			cmd := command(t, c.argv...)
			cmd.Args[0] = c.dialect
			if err := runNC(t, c, cmd, "ours"); err != nil {
				t.Error(err)
			}
		})
	}
}

// TestNCReal runs the table against the programs it was derived from. They race
// against their peers in places: what holds once in three is theirs.
func TestNCReal(t *testing.T) {
	t.Parallel()
	for _, c := range ncCases(t) {
		t.Run(c.id(), func(t *testing.T) {
			t.Parallel()
			var err error
			for range 3 {
				cmd := exec.CommandContext(t.Context(), peertest.Path(t, c.dialect), c.argv...)
				cmd.Env = append(os.Environ(), "LC_ALL=C.UTF-8")
				if err = runNC(t, c, cmd, "real"); err == nil {
					return
				}
				t.Logf("once more, after %v", err)
			}
			t.Error(err)
		})
	}
}

// ncRun is one case under way.
type ncRun struct {
	t         *testing.T
	cmd       *exec.Cmd
	vars      map[string]string
	stdin     io.WriteCloser
	out, errs ncOutput
	began     time.Time
	done      chan struct{} // closed when the program has ended
	over      bool          // quit or hangs: how it ended says nothing
	listeners ncListeners
	peers     map[string]*ncPeer
}

// runNC runs one case. The error says where it differs.
func runNC(t *testing.T, c *ncCase, cmd *exec.Cmd, program string) error {
	lines := c.of(program)
	r := &ncRun{t: t, cmd: cmd, vars: ncVars(t), done: make(chan struct{}), peers: make(map[string]*ncPeer)}
	r.out.init()
	r.errs.init()
	for _, w := range lines {
		if w[0] == "skip" {
			t.Skip(strings.Join(w[1:], " "))
		}
	}
	for attempt := range 5 { // a port that was free need not be now
		err := r.prepareAll(lines)
		if err == nil {
			break
		}
		if r.listeners.close(); attempt == 4 || !errors.Is(err, syscall.EADDRINUSE) {
			t.Fatal(err)
		}
		r.vars, r.listeners = ncVars(t), ncListeners{}
	}
	for i, arg := range cmd.Args[1:] {
		cmd.Args[i+1] = os.Expand(arg, ncLookup(r.vars))
	}
	for _, env := range c.env {
		cmd.Env = append(cmd.Env, os.Expand(env, ncLookup(r.vars)))
	}
	r.start(lines)
	defer r.end()
	err := r.script(lines)
	if err == nil {
		err = r.finish()
	}
	if err == nil {
		err = r.check(lines)
	}
	if err != nil {
		r.end()
		err = fmt.Errorf("%s.txt:%d: %w\n%v\nstdout %q\nstderr %q\n%v", c.file, c.line, err, cmd.Args, r.out.String(), r.errs.String(), cmd.ProcessState)
	}
	return err
}

func (r *ncRun) prepareAll(lines [][]string) error {
	for _, w := range lines {
		if err := r.prepare(w); err != nil {
			return fmt.Errorf("%v: %w", w, err)
		}
	}
	return nil
}

// prepare does what comes before the program starts.
func (r *ncRun) prepare(w []string) error {
	switch w[0] {
	case "listen":
		return r.listeners.open(r, w[1:])
	case "file":
		text, err := ncText(r.vars, w[2])
		if err != nil {
			return err
		}
		return os.WriteFile(filepath.Join(r.vars["DIR"], w[1]), []byte(text), 0o600)
	}
	return nil
}

func (r *ncRun) start(lines [][]string) {
	var err error
	if r.stdin, err = r.cmd.StdinPipe(); err != nil {
		r.t.Fatal(err)
	}
	r.cmd.Stdout, r.cmd.Stderr, r.cmd.WaitDelay = &r.out, &r.errs, time.Second
	r.cmd.Dir = r.vars["DIR"]
	if !filepath.IsAbs(r.cmd.Path) {
		r.t.Fatalf("%s is no absolute path", r.cmd.Path)
	}
	r.began = time.Now()
	if err := r.cmd.Start(); err != nil {
		r.t.Fatal(err)
	}
	go func() {
		_ = r.cmd.Wait()
		r.out.close()
		r.errs.close()
		close(r.done)
	}()
	if !slices.ContainsFunc(lines, func(w []string) bool { return w[0] == "type" || w[0] == "end" || w[0] == "hold" }) {
		_ = r.stdin.Close()
	}
}

// end leaves nothing running.
func (r *ncRun) end() {
	_ = r.cmd.Process.Kill()
	<-r.done
	for _, p := range r.peers {
		p.close()
	}
	r.listeners.close()
}

// script does the steps in order.
func (r *ncRun) script(lines [][]string) error {
	for _, w := range lines {
		if err := r.step(w); err != nil {
			return fmt.Errorf("%s: %w", strings.Join(w, " "), err)
		}
	}
	return nil
}

func (r *ncRun) step(w []string) error {
	switch w[0] {
	case "type":
		text, err := ncText(r.vars, w[1])
		if err == nil {
			_, _ = io.WriteString(r.stdin, text) // whoever should have got it says that it did not
		}
		return err
	case "end":
		_ = r.stdin.Close()
		return nil
	case "see":
		return r.out.await(r.vars, w[1])
	case "say":
		return r.errs.await(r.vars, w[1])
	case "exits":
		return r.exits()
	case "quit":
		r.over = true
		_ = r.cmd.Process.Kill()
		return nil
	case "interrupt":
		return r.cmd.Process.Signal(os.Interrupt)
	case "pause":
		<-time.After(100 * time.Millisecond)
		return nil
	case "hangs":
		r.over = true
		select {
		case <-r.done:
			return errors.New("it has ended")
		case <-time.After(300 * time.Millisecond):
			return r.cmd.Process.Kill()
		}
	case "listen", "file", "hold", "out", "err", "code", "cat", "least":
		return nil
	}
	if len(w[0]) != 1 {
		return errors.New("there is no such step")
	}
	p := r.peers[w[0]]
	if p == nil {
		p = &ncPeer{run: r}
		r.peers[w[0]] = p
	}
	for _, words := range ncSteps(w[1:]) {
		if err := p.do(words); err != nil {
			return fmt.Errorf("%v: %w", words, err)
		}
	}
	return nil
}

// ncSteps cuts a peer's line at its commas.
func ncSteps(w []string) (steps [][]string) {
	for len(w) > 0 {
		i := slices.Index(w, ",")
		if i < 0 {
			return append(steps, w)
		}
		steps, w = append(steps, w[:i]), w[i+1:]
	}
	return steps
}

func (r *ncRun) exits() error {
	select {
	case <-r.done:
		return nil
	case <-time.After(ncPatience):
		return errors.New("it has not ended")
	}
}

// finish waits for the program's end.
func (r *ncRun) finish() error { return r.exits() }

// check compares what came out in the end.
func (r *ncRun) check(lines [][]string) error {
	code, out := "0", `""`
	var errs []error
	for _, w := range lines {
		switch w[0] {
		case "code":
			code = w[1]
		case "out":
			out = w[1]
		case "err":
			errs = append(errs, ncMatches(r.vars, w[1], r.errs.String()))
		case "cat":
			text, err := os.ReadFile(filepath.Join(r.vars["DIR"], w[1]))
			if err == nil {
				err = ncMatches(r.vars, w[2], string(text))
			}
			errs = append(errs, err)
		case "least":
			d, err := time.ParseDuration(w[1])
			if took := time.Since(r.began); err == nil && took < d {
				err = fmt.Errorf("it took %v", took)
			}
			errs = append(errs, err)
		}
	}
	if got := strconv.Itoa(r.cmd.ProcessState.ExitCode()); !r.over && !slices.Contains(strings.Split(code, "|"), got) {
		errs = append(errs, fmt.Errorf("exit code %s, want %s", got, code))
	}
	if err := ncMatches(r.vars, out, r.out.String()); err != nil {
		errs = append(errs, fmt.Errorf("stdout: %w", err))
	}
	return errors.Join(errs...)
}

// ncOutput collects what a program prints.
type ncOutput struct {
	mu      sync.Mutex
	changed *sync.Cond
	text    []byte
	seen    int
	ended   bool
}

func (o *ncOutput) init() { o.changed = sync.NewCond(&o.mu) }

func (o *ncOutput) Write(p []byte) (int, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.text = append(o.text, p...)
	o.changed.Broadcast()
	return len(p), nil
}

func (o *ncOutput) close() {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.ended = true
	o.changed.Broadcast()
}

func (o *ncOutput) String() string {
	o.mu.Lock()
	defer o.mu.Unlock()
	return string(o.text)
}

// await waits until what was not yet awaited is the text, or matches.
func (o *ncOutput) await(vars map[string]string, want string) error {
	late := time.AfterFunc(ncPatience, o.close)
	defer late.Stop()
	o.mu.Lock()
	defer o.mu.Unlock()
	for {
		err := ncMatches(vars, want, string(o.text[o.seen:]))
		if err == nil {
			o.seen = len(o.text)
			return nil
		}
		if o.ended {
			return err
		}
		o.changed.Wait()
	}
}
