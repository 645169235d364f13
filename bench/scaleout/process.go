//go:build linux

package main

import (
	"bufio"
	"bytes"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"time"
)

// A process is a server, a node or a crowd.
type process struct {
	cmd   *exec.Cmd
	ended chan struct{}
	at    string // where a node listens

	mu   sync.Mutex
	said bytes.Buffer // its last words
}

func start(cmd *exec.Cmd) (*process, error) {
	p := &process{cmd: cmd, ended: make(chan struct{})}
	cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL} // main holds its thread
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

// Write keeps the end of what the process says.
func (p *process) Write(b []byte) (int, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.said.Len()+len(b) > 64<<10 {
		p.said.Reset()
	}
	return p.said.Write(b)
}

func (p *process) words() string {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.said.String()
}

func stop(ps []*process) {
	for _, p := range ps {
		_ = p.cmd.Process.Kill()
		<-p.ended
	}
}

func (p *process) proc(name string) []byte {
	b, _ := os.ReadFile(fmt.Sprintf("/proc/%d/%s", p.cmd.Process.Pid, name))
	return b
}

var vmRSS = regexp.MustCompile(`VmRSS:\s+(\d+) kB`)

// rss is what the process keeps in memory, in KiB.
func (p *process) rss() int {
	m := vmRSS.FindSubmatch(p.proc("status"))
	if m == nil {
		return 0 // it has ended
	}
	n, _ := strconv.Atoi(string(m[1]))
	return n
}

// cpu is what the process has used, in milliseconds.
func (p *process) cpu() int {
	b := p.proc("stat")
	f := strings.Fields(string(b[bytes.LastIndexByte(b, ')')+1:]))
	if len(f) < 13 {
		return 0
	}
	user, _ := strconv.Atoi(f[11])
	kernel, _ := strconv.Atoi(f[12])
	return 10 * (user + kernel)
}

func total(ps []*process, of func(*process) int) (sum int) {
	for _, p := range ps {
		sum += of(p)
	}
	return sum
}

// A meter tells what each kind of process has used since begin.
type meter struct {
	kinds [3][]*process
	since [3]int
}

func used(servers, nodes []*process) *meter {
	m := &meter{kinds: [3][]*process{servers, nodes}}
	m.begin()
	return m
}

func (m *meter) begin() {
	for i, ps := range m.kinds {
		m.since[i] = total(ps, (*process).cpu)
	}
}

func (m *meter) String() string {
	var s [3]float64
	for i, ps := range m.kinds {
		s[i] = float64(total(ps, (*process).cpu)-m.since[i]) / 1000
	}
	return fmt.Sprintf("nats-servers %.1f, nodes %.1f, crowds %.1f", s[0], s[1], s[2])
}

// startServers starts three nats-servers and waits until they listen.
func startServers(dir string) (servers []*process, urls string, err error) {
	var ports [6]int
	var routes, clients []string
	for i := range ports {
		if ports[i], err = freePort(); err != nil {
			return nil, "", err
		}
		if i < 3 {
			clients = append(clients, fmt.Sprintf("nats://127.0.0.1:%d", ports[i]))
		} else {
			routes = append(routes, fmt.Sprintf("nats://127.0.0.1:%d", ports[i]))
		}
	}
	for i := range 3 {
		name := filepath.Join(dir, fmt.Sprintf("nats%d.conf", i))
		conf := fmt.Sprintf("server_name: n%d\nlisten: 127.0.0.1:%d\njetstream { store_dir: %q }\n"+
			"cluster { name: scaleout, listen: 127.0.0.1:%d, routes: [%s] }\n",
			i, ports[i], filepath.Join(dir, fmt.Sprint("store", i)), ports[3+i], strings.Join(routes, ", "))
		if err := os.WriteFile(name, []byte(conf), 0o600); err != nil {
			return servers, "", err
		}
		p, err := start(exec.Command(filepath.Join(dir, "nats-server"), "-c", name))
		if err != nil {
			return servers, "", err
		}
		servers = append(servers, p)
	}
	for i, p := range servers {
		if err := p.listens(ports[i]); err != nil {
			return servers, "", err
		}
	}
	return servers, strings.Join(clients, ","), nil
}

// freePort returns a port nothing listens on. Another process could take it before the server does.
func freePort() (int, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return 0, err
	}
	defer l.Close()
	return l.Addr().(*net.TCPAddr).Port, nil
}

func (p *process) listens(port int) error {
	for range 1000 {
		c, err := net.Dial("tcp", fmt.Sprintf("127.0.0.1:%d", port))
		if err == nil {
			return c.Close()
		}
		select {
		case <-p.ended:
			return fmt.Errorf("nats-server has ended: %s", p.words())
		case <-time.After(10 * time.Millisecond): // nobody tells
		}
	}
	return fmt.Errorf("nats-server does not listen: %s", p.words())
}

var listening = regexp.MustCompile(`listening on tcp://(\S+)`)

// startNodes starts the sockeye processes and waits until they listen.
func startNodes(s *settings, urls string) (nodes []*process, err error) {
	for i := range s.nodes {
		cmd := exec.Command(s.sockeye, "serve", "--lang", "en", "--nats", urls, "--replicas", strconv.Itoa(s.replicas), "--listen", "tcp://127.0.0.1:0")
		words, in, err := os.Pipe()
		if err != nil {
			return nodes, err
		}
		cmd.Stderr = in
		p, err := start(cmd)
		in.Close()
		if err != nil {
			return nodes, err
		}
		nodes = append(nodes, p)
		at := make(chan string, 1)
		go func() {
			r := bufio.NewReader(words)
			for {
				line, err := r.ReadString('\n')
				_, _ = p.Write([]byte(line))
				if m := listening.FindStringSubmatch(line); m != nil {
					at <- m[1]
				}
				if err != nil {
					words.Close()
					return
				}
			}
		}()
		select {
		case p.at = <-at:
		case <-p.ended:
			return nodes, fmt.Errorf("node %d has ended: %s", i, p.words())
		case <-time.After(s.patience):
			return nodes, fmt.Errorf("node %d does not listen: %s", i, p.words())
		}
	}
	return nodes, nil
}

var _ io.Writer = (*process)(nil)
