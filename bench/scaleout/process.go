//go:build linux

package main

import (
	"bufio"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"time"

	"sockeye.dev/bench/internal/measure"
)

func stop(ps []*measure.Process) {
	for _, p := range ps {
		p.Stop()
	}
}

func total[T int | time.Duration](ps []*measure.Process, of func(*measure.Process) T) (sum T) {
	for _, p := range ps {
		sum += of(p)
	}
	return sum
}

// A meter tells what each kind of process has used since begin.
type meter struct {
	kinds [3][]*measure.Process
	since [3]time.Duration
}

func used(servers, nodes []*measure.Process) *meter {
	m := &meter{kinds: [3][]*measure.Process{servers, nodes}}
	m.begin()
	return m
}

func (m *meter) begin() {
	for i, ps := range m.kinds {
		m.since[i] = total(ps, (*measure.Process).CPU)
	}
}

func (m *meter) String() string {
	var s [3]float64
	for i, ps := range m.kinds {
		s[i] = (total(ps, (*measure.Process).CPU) - m.since[i]).Seconds()
	}
	return fmt.Sprintf("nats-servers %.1f, nodes %.1f, crowds %.1f", s[0], s[1], s[2])
}

// startServers starts three nats-servers and waits until they listen.
func startServers(dir string) (servers []*measure.Process, urls string, err error) {
	var ports [6]string
	var routes, clients []string
	for i := range ports {
		ports[i] = measure.FreePort()
		if i < 3 {
			clients = append(clients, fmt.Sprintf("nats://127.0.0.1:%s", ports[i]))
		} else {
			routes = append(routes, fmt.Sprintf("nats://127.0.0.1:%s", ports[i]))
		}
	}
	for i := range 3 {
		name := filepath.Join(dir, fmt.Sprintf("nats%d.conf", i))
		conf := fmt.Sprintf("server_name: n%d\nlisten: 127.0.0.1:%s\njetstream { store_dir: %q }\n"+
			"cluster { name: scaleout, listen: 127.0.0.1:%s, routes: [%s] }\n",
			i, ports[i], filepath.Join(dir, fmt.Sprint("store", i)), ports[3+i], strings.Join(routes, ", "))
		if err := os.WriteFile(name, []byte(conf), 0o600); err != nil {
			return servers, "", err
		}
		p, err := measure.Start(exec.Command(filepath.Join(dir, "nats-server"), "-c", name))
		if err != nil {
			return servers, "", err
		}
		servers = append(servers, p)
	}
	for i, p := range servers {
		if err := listens(p, ports[i]); err != nil {
			return servers, "", err
		}
	}
	return servers, strings.Join(clients, ","), nil
}

func listens(p *measure.Process, port string) error {
	for range 1000 {
		c, err := net.Dial("tcp", "127.0.0.1:"+port)
		if err == nil {
			return c.Close()
		}
		select {
		case <-p.Ended():
			return fmt.Errorf("nats-server has ended: %s", p.Words())
		case <-time.After(10 * time.Millisecond): // nobody tells
		}
	}
	return fmt.Errorf("nats-server does not listen: %s", p.Words())
}

var listening = regexp.MustCompile(`listening on tcp://(\S+)`)

// startNodes starts the sockeye processes and waits until they listen: at says where.
func startNodes(s *settings, urls string) (nodes []*measure.Process, at []string, err error) {
	for i := range s.nodes {
		cmd := exec.Command(s.sockeye, "serve", "--lang", "en", "--nats", urls, "--replicas", strconv.Itoa(s.replicas), "--listen", "tcp://127.0.0.1:0")
		words, in, err := os.Pipe()
		if err != nil {
			return nodes, at, err
		}
		cmd.Stderr = in
		p, err := measure.Start(cmd)
		in.Close()
		if err != nil {
			return nodes, at, err
		}
		nodes = append(nodes, p)
		found := make(chan string, 1)
		go func() {
			r := bufio.NewReader(words)
			for {
				line, err := r.ReadString('\n')
				_, _ = p.Write([]byte(line))
				if m := listening.FindStringSubmatch(line); m != nil {
					found <- m[1]
				}
				if err != nil {
					words.Close()
					return
				}
			}
		}()
		select {
		case addr := <-found:
			at = append(at, addr)
		case <-p.Ended():
			return nodes, at, fmt.Errorf("node %d has ended: %s", i, p.Words())
		case <-time.After(s.patience):
			return nodes, at, fmt.Errorf("node %d does not listen: %s", i, p.Words())
		}
	}
	return nodes, at, nil
}
