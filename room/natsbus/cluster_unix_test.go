//go:build unix

package natsbus

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"testing"
	"time"

	"sockeye.dev/room"
)

func (c *cluster) signal(t *testing.T, i int, s syscall.Signal) {
	t.Helper()
	if err := c.nodes[i].Process.Signal(s); err != nil {
		t.Fatal(err)
	}
}

// serverOf returns the server b is connected to.
func (c *cluster) serverOf(t *testing.T, b *Bus) int {
	for i, p := range c.ports {
		if strings.HasSuffix(b.nc.ConnectedUrl(), fmt.Sprint(":", p)) {
			return i
		}
	}
	t.Fatal("connected nowhere")
	return 0
}

// A server that says nothing any more, but keeps its connections: its clients notice, go to another one, and catch up.
func TestServerStopped(t *testing.T) {
	c := startCluster(t)
	one, two := c.open(t, 0), c.open(t, 1)
	silent := c.serverOf(t, one)
	told := watch(t, one)
	l := startLoad(t, "stopped", one, two)
	l.further(t, 300)
	began := time.Now()
	c.signal(t, silent, syscall.SIGSTOP)
	defer c.signal(t, silent, syscall.SIGCONT)
	down := told.next(t)
	if down == nil {
		t.Error("Watch tells that nothing is wrong")
	}
	t.Logf("after %v: %v", time.Since(began).Round(time.Millisecond), down)
	for down != nil {
		down = told.next(t)
	}
	t.Logf("back after %v", time.Since(began).Round(time.Millisecond))
	l.further(t, 300)
	l.check(t)
}

// Two of three servers fall silent. Whoever is connected to the third is told so, also when it publishes nothing, and
// nothing is acknowledged until they are back.
func TestNoQuorum(t *testing.T) {
	c := startCluster(t)
	b := c.open(t, 0)
	here := c.serverOf(t, b)
	in := subscribe(t, b, "quorum", room.Latest)
	in.upTo(t, say(t, b, "quorum", "before"))
	told := watch(t, b)
	began := time.Now()
	for i := range c.nodes {
		if i != here {
			c.signal(t, i, syscall.SIGSTOP)
			defer c.signal(t, i, syscall.SIGCONT)
		}
	}
	down := told.next(t)
	if down == nil || !strings.Contains(down.Error(), "room quorum: ") {
		t.Errorf("Watch tells %v", down)
	}
	t.Logf("after %v: %v", time.Since(began).Round(time.Millisecond), down)
	ctx, cancel := context.WithTimeout(t.Context(), time.Second)
	defer cancel()
	_, err := b.Publish(ctx, "quorum", room.Message{Text: "given up"})
	if err == nil || !strings.HasPrefix(err.Error(), "room quorum: ") || !errors.Is(err, room.ErrUnconfirmed) {
		t.Errorf("Publish: %v", err)
	}
	t.Log(err)
	for i := range c.nodes {
		if i != here {
			c.signal(t, i, syscall.SIGCONT)
		}
	}
	began = time.Now()
	for down != nil {
		down = told.next(t)
	}
	t.Logf("back after %v", time.Since(began).Round(time.Millisecond))
	in.upTo(t, say(t, b, "quorum", "after"))
}

// Another process falls silent while it is stopped, and when it is killed; and so does whoever is connected to a server
// that is stopped, until it has noticed and gone to another one.
func TestCompanySilent(t *testing.T) {
	c := startCluster(t)
	one, two := c.open(t, 0), c.open(t, 1)
	e := heed(t, two, "company")
	beats(t, one, "company", 1)
	beats(t, two, "company", 2)
	cmd := startBeater(t, fmt.Sprintf("nats://127.0.0.1:%d", c.ports[2]))
	for _, s := range []syscall.Signal{syscall.SIGSTOP, syscall.SIGKILL} {
		e.further(t, 9, 3)
		if err := cmd.Process.Signal(s); err != nil {
			t.Fatal(err)
		}
		e.silent(t, 9, 2)
		_ = cmd.Process.Signal(syscall.SIGCONT)
	}

	e.further(t, 1, 3)
	server := c.serverOf(t, one)
	if server == c.serverOf(t, two) {
		t.Fatal("both are connected to one server")
	}
	c.signal(t, server, syscall.SIGSTOP)
	defer c.signal(t, server, syscall.SIGCONT)
	began := time.Now()
	e.silent(t, 1, 2)
	e.further(t, 1, 3)
	t.Logf("beats again after %v", time.Since(began).Round(time.Millisecond))
}

// startBeater starts another process that beats as node 9.
func startBeater(t *testing.T, url string) *exec.Cmd {
	t.Helper()
	cmd := exec.Command(os.Args[0])
	cmd.Env = append(os.Environ(), "NATSBUS_BEATER="+url)
	cmd.Stderr = new(strings.Builder)
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = cmd.Process.Kill(); _ = cmd.Wait() })
	return cmd
}
