//go:build unix

package faulttest

import (
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
)

// A cluster is three nats-server processes on the loopback.
type cluster struct {
	t       *testing.T
	urls    [3]string
	configs [3]string
	servers [3]*process
}

func startCluster(t *testing.T) *cluster {
	t.Helper()
	c := &cluster{t: t}
	began := time.Now()
	defer func() { t.Logf("the servers are up after %v", time.Since(began).Round(time.Millisecond)) }()
	dir := t.TempDir()
	var outer, inner [3]string
	var routes []string
	for i := range 3 {
		outer[i], inner[i] = freePort(t), freePort(t)
		c.urls[i] = "nats://" + outer[i]
		routes = append(routes, "nats://"+inner[i])
	}
	for i := range 3 {
		c.configs[i] = filepath.Join(dir, fmt.Sprintf("%d.conf", i))
		conf := fmt.Sprintf("server_name: n%d\nlisten: %s\njetstream { store_dir: %q }\n"+
			"cluster { name: c, listen: %s, no_advertise: true, routes: [%s] }\n", // or clients go round their proxy
			i, outer[i], filepath.Join(dir, fmt.Sprint("store", i)), inner[i], strings.Join(routes, ", "))
		if err := os.WriteFile(c.configs[i], []byte(conf), 0o600); err != nil {
			t.Fatal(err)
		}
		c.start(i)
	}
	for _, p := range c.servers {
		p.says(0, "Server is ready")
	}
	c.servers[0].says(0, "metadata leader") // which takes an election
	return c
}

func (c *cluster) start(i int) {
	c.t.Helper()
	c.servers[i] = start(c.t, exec.Command(filepath.Join(programs, "nats-server"), "-c", c.configs[i]))
}

// freePort returns an address nothing listens on. Another process could take it before the server does.
func freePort(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return l.Addr().String()
}

// serve starts a node of these servers with a door for text, one for JSON, and further arguments.
func (c *cluster) serve(urls []string, args ...string) *node {
	c.t.Helper()
	return serve(c.t, 2, append([]string{"--nats", strings.Join(urls, ","), "--replicas", "3", "--listen", "tcp://127.0.0.1:0",
		"--listen", "tcp://127.0.0.1:0?json=on"}, args...)...)
}

// from are the servers' URLs, beginning with i.
func (c *cluster) from(i int) []string { return []string{c.urls[i], c.urls[(i+1)%3], c.urls[(i+2)%3]} }

// leader is which server leads the only room's stream.
func (c *cluster) leader() int {
	c.t.Helper()
	nc, err := nats.Connect(strings.Join(c.urls[:], ","))
	if err != nil {
		c.t.Fatal(err)
	}
	defer nc.Close()
	js, err := jetstream.New(nc)
	if err != nil {
		c.t.Fatal(err)
	}
	for c.t.Context().Err() == nil {
		if s, err := js.Stream(c.t.Context(), "sockeye-lobby"); err == nil {
			if at := s.CachedInfo().Cluster; at != nil && at.Leader != "" {
				return int(at.Leader[1] - '0')
			}
		}
	}
	c.t.Fatal("the room's stream has no leader")
	return 0
}
