package natsbus

import (
	"context"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"sockeye.dev/internal/peertest"
	"sockeye.dev/room"
)

// cluster is three nats-server processes on the loopback.
type cluster struct {
	exe     string
	dir     string
	ports   [3]int
	configs [3]string
	nodes   [3]*exec.Cmd
}

func startCluster(t *testing.T) *cluster {
	t.Helper()
	if testing.Short() {
		t.Skip("three servers take their time")
	}
	t.Parallel() // they wait most of the time: for elections
	c := &cluster{dir: t.TempDir()}
	var err error
	if c.exe, err = buildServer(); err != nil {
		if peertest.Required() {
			t.Fatal(err)
		}
		t.Skip("no nats-server:", err)
	}
	var routes []string
	var inner [3]int
	for i := range 3 {
		c.ports[i], inner[i] = freePort(t), freePort(t)
		routes = append(routes, fmt.Sprintf("nats://127.0.0.1:%d", inner[i]))
	}
	for i := range c.nodes {
		c.configs[i] = filepath.Join(c.dir, fmt.Sprintf("%d.conf", i))
		conf := fmt.Sprintf("server_name: n%d\nlisten: 127.0.0.1:%d\njetstream { store_dir: %q }\n"+
			"cluster { name: c, listen: 127.0.0.1:%d, routes: [%s] }\n",
			i, c.ports[i], filepath.Join(c.dir, fmt.Sprint("store", i)), inner[i], strings.Join(routes, ", "))
		if err := os.WriteFile(c.configs[i], []byte(conf), 0o600); err != nil {
			t.Fatal(err)
		}
		c.start(t, i)
	}
	t.Cleanup(func() {
		for i := range c.nodes {
			c.kill(i)
		}
	})
	return c
}

// serverDir is where the server that is tested against is built; TestMain removes it.
var serverDir string

var buildServer = sync.OnceValues(func() (string, error) {
	var err error
	if serverDir, err = os.MkdirTemp("", "natsbus"); err != nil {
		return "", err
	}
	exe := filepath.Join(serverDir, "nats-server.exe")
	if out, err := exec.Command("go", "build", "-o", exe, "github.com/nats-io/nats-server/v2").CombinedOutput(); err != nil {
		return "", fmt.Errorf("%w: %s", err, out)
	}
	return exe, nil
})

func (c *cluster) start(t *testing.T, i int) {
	t.Helper()
	log, err := os.OpenFile(filepath.Join(c.dir, fmt.Sprintf("%d.log", i)), os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o600)
	if err != nil {
		t.Fatal(err)
	}
	defer log.Close()
	c.nodes[i] = exec.Command(c.exe, "-c", c.configs[i])
	c.nodes[i].Stderr = log
	if err := c.nodes[i].Start(); err != nil {
		t.Fatal(err)
	}
}

// kill is kill -9.
func (c *cluster) kill(i int) {
	_ = c.nodes[i].Process.Kill()
	_ = c.nodes[i].Wait()
}

// freePort returns a port nothing listens on. Another process could take it before the server does.
func freePort(t *testing.T) int {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return l.Addr().(*net.TCPAddr).Port
}

// open connects to the servers, the first of them first.
func (c *cluster) open(t *testing.T, servers ...int) *Bus {
	t.Helper()
	var urls []string
	for _, i := range servers {
		urls = append(urls, fmt.Sprintf("nats://127.0.0.1:%d", c.ports[i]))
	}
	for { // the processes have been started, no more: they do not listen yet
		b, err := Open(t.Context(), Config{URLs: urls, Replicas: 3, MaxMessages: -1})
		if err == nil {
			t.Cleanup(func() {
				began := time.Now()
				if err := b.Close(); err != nil {
					t.Error(err)
				}
				if took := time.Since(began); took > 2*time.Second {
					t.Errorf("Close takes %v", took)
				}
			})
			return b
		}
		if !strings.Contains(err.Error(), "refused") || t.Context().Err() != nil {
			t.Fatal(err)
		}
	}
}

func TestCluster(t *testing.T) {
	c := startCluster(t)
	b := c.open(t, 0, 1, 2)
	t.Run("conform", func(t *testing.T) { conform(t, b) })
	t.Run("rooms", func(t *testing.T) { testRooms(t, b, c.open(t, 1)) })
}

func TestRooms(t *testing.T) {
	b := openDir(t, Config{})
	testRooms(t, b, b)
}

// Twenty rooms at once do not mix.
func testRooms(t *testing.T, one, other *Bus) {
	var wg sync.WaitGroup
	for i := range 20 {
		wg.Go(func() {
			name := fmt.Sprint("room ", i)
			in := &inbox{more: make(chan struct{})}
			cancel, err := other.Subscribe(t.Context(), name, room.Latest, in.deliver)
			if err != nil {
				t.Error(err)
				return
			}
			defer cancel()
			for range 50 {
				if _, err := one.Publish(t.Context(), name, room.Message{Kind: room.Say, Text: name}); err != nil {
					t.Error(err)
					return
				}
			}
			for j, m := range in.wait(t, 50) {
				if m.Seq != uint64(j+1) || m.Text != name {
					t.Errorf("%s gets %+v", name, m)
				}
			}
		})
	}
	wg.Wait()
}

// load publishes from several goroutines over two clients until it is told to stop, and checks afterwards that what was
// acknowledged has been delivered once, in one order, to a subscriber on either client.
type load struct {
	room  string
	buses [2]*Bus
	in    [2]*inbox
	ctx   context.Context
	stop  context.CancelFunc
	wg    sync.WaitGroup
	count atomic.Int64
	slow  atomic.Int64 // the longest Publish, in nanoseconds

	mu    sync.Mutex
	acked map[string]uint64
	more  chan struct{}
}

func startLoad(t *testing.T, name string, buses ...*Bus) *load {
	l := &load{room: name, buses: [2]*Bus(buses), acked: map[string]uint64{}, more: make(chan struct{}, 1)}
	l.ctx, l.stop = context.WithCancel(t.Context())
	for i, b := range buses {
		l.in[i] = subscribe(t, b, name, room.Latest)
	}
	for g := range 4 {
		l.wg.Go(func() {
			for i := 0; l.ctx.Err() == nil; i++ {
				text := fmt.Sprint(g, "/", i)
				began := time.Now()
				seq, err := buses[g%2].Publish(t.Context(), name, room.Message{Kind: room.Say, Text: text})
				if err != nil {
					t.Errorf("Publish: %v", err)
					return
				}
				if took := int64(time.Since(began)); took > l.slow.Load() {
					l.slow.Store(took)
				}
				l.mu.Lock()
				l.acked[text] = seq
				l.mu.Unlock()
				l.count.Add(1)
				select {
				case l.more <- struct{}{}:
				default:
				}
			}
		})
	}
	return l
}

// further waits for n more acknowledgements.
func (l *load) further(t *testing.T, n int64) {
	t.Helper()
	late := time.After(30 * time.Second)
	for until := l.count.Load() + n; l.count.Load() < until; {
		select {
		case <-l.more:
		case <-late:
			t.Fatal("nothing is acknowledged any more")
		}
	}
}

func (l *load) check(t *testing.T) {
	t.Helper()
	l.stop()
	l.wg.Wait()
	end := say(t, l.buses[0], l.room, "end")
	got := l.in[0].upTo(t, end)
	if !slices.EqualFunc(got, l.in[1].upTo(t, end), func(a, b room.Message) bool { return a.Seq == b.Seq && a.Text == b.Text }) {
		t.Error("the subscribers disagree")
	}
	seen := map[string]uint64{}
	for i, m := range got {
		if m.Seq != got[0].Seq+uint64(i) {
			t.Fatalf("%d is delivered after %d", m.Seq, got[i-1].Seq)
		}
		if seen[m.Text] != 0 {
			t.Errorf("%q is there as %d and %d", m.Text, seen[m.Text], m.Seq)
		}
		seen[m.Text] = m.Seq
	}
	for text, seq := range l.acked {
		if seen[text] != seq {
			t.Errorf("%q was acknowledged as %d and is there as %d", text, seq, seen[text])
		}
	}
	t.Logf("%d acknowledged, %d there, the slowest after %v", len(l.acked), len(seen)-1, time.Duration(l.slow.Load()).Round(time.Millisecond))
}

// leader returns the server that leads the room's stream.
func (c *cluster) leader(t *testing.T, b *Bus, name string) int {
	t.Helper()
	for {
		info, err := b.state(t.Context(), b.room(name))
		if err == nil && info.Cluster != nil && info.Cluster.Leader != "" {
			return int(info.Cluster.Leader[1] - '0')
		}
		if t.Context().Err() != nil {
			t.Fatal(err)
		}
	}
}

// The leader of the room's stream is killed with -9 while everybody publishes.
func TestServerKilled(t *testing.T) {
	c := startCluster(t)
	one, two := c.open(t, 0, 1, 2), c.open(t, 1, 2, 0)
	l := startLoad(t, "killed", one, two)
	l.further(t, 300)
	victim := c.leader(t, one, "killed")
	c.kill(victim)
	l.further(t, 1000)
	c.start(t, victim)
	l.further(t, 300)
	l.check(t)
}
