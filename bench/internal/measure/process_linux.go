package measure

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"time"
)

// A Process is a program that runs beside us. Its methods may be called at
// once, and once it has ended, too.
type Process struct {
	cmd   *exec.Cmd
	ended chan struct{}

	mu   sync.Mutex
	said bytes.Buffer
}

// Start starts cmd. What it says on its standard error is kept, unless
// cmd.Stderr is set. It is killed when the thread that has started it ends, so
// that it does not outlive us: who calls Start has to hold its thread.
func Start(cmd *exec.Cmd) (*Process, error) {
	p := &Process{cmd: cmd, ended: make(chan struct{})}
	cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	if cmd.Stderr == nil {
		cmd.Stderr = p
	}
	if err := cmd.Start(); err != nil {
		return nil, err
	}
	go func() {
		_ = cmd.Wait()
		close(p.ended)
	}()
	return p, nil
}

// Stop kills the process and returns once it has ended.
func (p *Process) Stop() {
	_ = p.cmd.Process.Kill()
	<-p.ended
}

// Ended is closed when the process has ended.
func (p *Process) Ended() <-chan struct{} { return p.ended }

// Write keeps the end of what the process says.
func (p *Process) Write(b []byte) (int, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.said.Len()+len(b) > 64<<10 {
		p.said.Reset()
	}
	return p.said.Write(b)
}

// Words returns the last words that Write has kept.
func (p *Process) Words() string {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.said.String()
}

// Files is how many files the process has open.
func (p *Process) Files() int {
	names, _ := os.ReadDir(p.proc("fd"))
	return len(names)
}

// CPU is what the process has used, in ticks of 10 ms; 0 once it has ended.
func (p *Process) CPU() time.Duration {
	b, _ := os.ReadFile(p.proc("stat"))
	f := strings.Fields(string(b[bytes.LastIndexByte(b, ')')+1:]))
	if len(f) < 13 {
		return 0
	}
	user, err := strconv.Atoi(f[11])
	Check(err)
	kernel, err := strconv.Atoi(f[12])
	Check(err)
	return time.Duration(user+kernel) * 10 * time.Millisecond
}

// RSS is what the process keeps in memory, in KiB; 0 once it has ended.
func (p *Process) RSS() int { return p.memory(vmRSS) }

// Anon is what the process keeps in memory of its own, in KiB: not the pages
// of its file. It is 0 once the process has ended.
func (p *Process) Anon() int { return p.memory(rssAnon) }

var (
	vmRSS   = regexp.MustCompile(`VmRSS:\s+(\d+) kB`)
	rssAnon = regexp.MustCompile(`RssAnon:\s+(\d+) kB`)
)

func (p *Process) memory(line *regexp.Regexp) int {
	b, _ := os.ReadFile(p.proc("status"))
	m := line.FindSubmatch(b)
	if m == nil {
		return 0
	}
	n, _ := strconv.Atoi(string(m[1]))
	return n
}

func (p *Process) proc(name string) string {
	return fmt.Sprintf("/proc/%d/%s", p.cmd.Process.Pid, name)
}
