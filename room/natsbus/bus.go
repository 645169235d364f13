package natsbus

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"net"
	"sync"
	"sync/atomic"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"sockeye.dev/room"
)

// ErrClosed is returned once the bus is closed. It wraps net.ErrClosed.
var ErrClosed = fmt.Errorf("the bus is closed: %w", net.ErrClosed)

// maxUnderWay bounds the messages that are sent and not answered; further Publishes wait. JetStream itself takes 10,000
// per stream.
const maxUnderWay = 4096

// Bus is a room.Bus over JetStream, and what else a bus may be: a Watcher, Lister, Keeper, Company and Records. Open makes
// one; all methods may be called by several goroutines at once.
type Bus struct {
	c        Config
	server   *embedded // nil on a cluster
	nc       *nats.Conn
	js       jetstream.JetStream
	api      string // what requests to JetStream begin with
	down     health
	company  company
	underWay chan struct{}

	answer    time.Duration // how long an answer may take before it counts as lost
	heartbeat time.Duration // how often a subscription hears of its consumer when there is nothing to deliver

	idPrefix string
	lastID   atomic.Uint64
	met      counts

	raising sync.Mutex // of what is kept under lastKey

	running context.Context // ends with Close
	stop    context.CancelCauseFunc
	tasks   sync.WaitGroup

	mu            sync.Mutex
	closed        bool
	rooms         map[string]*roomStream
	subscriptions map[*subscription]struct{}
	online        *link // replaced at every reconnection
}

var (
	_ room.Bus     = (*Bus)(nil)
	_ room.Watcher = (*Bus)(nil)
	_ room.Lister  = (*Bus)(nil)
	_ room.Company = (*Bus)(nil)
	_ room.Records = (*Bus)(nil)
)

// link is one life of the connection.
type link struct {
	up   chan struct{}   // closed when it is established
	ctx  context.Context // ends when it is lost
	lost context.CancelCauseFunc
}

func newLink() *link {
	l := &link{up: make(chan struct{})}
	l.ctx, l.lost = context.WithCancelCause(context.Background())
	return l
}

// Open starts the embedded server, or connects to a cluster, and returns when JetStream answers. It fails when no
// server can be reached, when the servers refuse us or have no JetStream, or when another process has the directory; the
// error says which. ctx bounds the opening, 10 s when it has no deadline, on a cluster 30 s. The bus is open until Close.
func Open(ctx context.Context, c Config) (*Bus, error) {
	c, err := c.withDefaults()
	if err != nil {
		return nil, err
	}
	b := &Bus{
		c:             c,
		underWay:      make(chan struct{}, maxUnderWay),
		answer:        3 * time.Second,
		heartbeat:     time.Second,
		idPrefix:      rand.Text()[:13] + "-",
		rooms:         make(map[string]*roomStream),
		subscriptions: make(map[*subscription]struct{}),
		online:        newLink(),
		company:       newCompany(),
	}
	if c.Dir != "" {
		// Nothing gets lost on the way to it: an answer that is late is late because the disk is slow.
		b.answer, b.heartbeat = 20*time.Second, 15*time.Second
	}
	b.running, b.stop = context.WithCancelCause(context.WithoutCancel(ctx))
	wait := openFor
	if c.Dir == "" {
		wait = electFor
	}
	ctx, cancel := context.WithTimeout(ctx, wait)
	defer cancel()
	if err := b.open(ctx); err != nil {
		return nil, fmt.Errorf("natsbus: open %s: %w", c.where(), errors.Join(err, b.Close()))
	}
	if b.server == nil {
		b.tasks.Go(b.probe)
		b.tasks.Go(b.sendBeats)
	}
	return b, nil
}

func (b *Bus) open(ctx context.Context) (err error) {
	if b.c.Dir != "" {
		if b.server, err = startEmbedded(b.c, b.storeFailing); err != nil {
			return err
		}
	}
	if b.nc, err = b.connect(ctx); err != nil {
		return err
	}
	b.api = "$JS.API."
	b.js, err = jetstream.New(b.nc)
	if b.c.Domain != "" && err == nil {
		b.api = "$JS." + b.c.Domain + ".API."
		b.js, err = jetstream.NewWithDomain(b.nc, b.c.Domain)
	}
	if err != nil {
		return err
	}
	return b.checkJetStream(ctx)
}

// storeError is the error of a store that could not be written.
func storeError(err error) error {
	if err == nil {
		return nil
	}
	return fmt.Errorf("store: %w", err)
}

// storeFailing is told that the embedded server's store has failed, or with nil that it works again. Whoever waits for an
// answer stops waiting: it will not come.
func (b *Bus) storeFailing(err error) {
	b.down.set(b.c.Dir, storeError(err))
	if err != nil {
		b.cut(storeError(err))
	}
}

// Watch implements room.Watcher: the bus is cut off while there is no connection, while a room's stream has no quorum or
// does not answer, and while the embedded store cannot be written. f must not call stop.
func (b *Bus) Watch(f func(down error)) (stop func()) { return b.down.watch(f) }

// Close ends the subscriptions and the heeding, as their cancel and stop do, and everything the bus started; the embedded server writes its
// books. Publishes under way fail with ErrClosed. Calling Close again returns nil.
func (b *Bus) Close() error {
	b.mu.Lock()
	if b.closed {
		b.mu.Unlock()
		return nil
	}
	b.closed = true
	b.mu.Unlock()
	b.stop(ErrClosed)
	b.company.disband()
	b.tasks.Wait()
	if b.nc != nil {
		closed := make(chan struct{})
		b.nc.SetClosedHandler(func(*nats.Conn) { close(closed) })
		b.nc.Close()
		<-closed
	}
	if b.server != nil {
		if err := b.server.shutdown(); err != nil {
			return fmt.Errorf("natsbus: close %s: %w", b.c.Dir, err)
		}
	}
	return nil
}

// begin registers a subscription and starts its goroutine, unless the bus is closed.
func (b *Bus) begin(s *subscription) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.closed {
		return ErrClosed
	}
	b.subscriptions[s] = struct{}{}
	b.tasks.Go(s.run)
	return nil
}

func (b *Bus) end(s *subscription) {
	b.mu.Lock()
	delete(b.subscriptions, s)
	b.mu.Unlock()
	b.down.set(s, nil)
}

// currentLink returns the connection as it is: established, or being established.
func (b *Bus) currentLink() *link {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.online
}

// linkUp and linkDown are called by the client, one at a time and in turns.
func (b *Bus) linkUp() {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.closed {
		return // and so was cut: this one is up
	}
	close(b.online.up)
	b.down.set(b, nil)
}

func (b *Bus) linkDown(why error) {
	if why == nil {
		why = errors.New("the server closed the connection")
	}
	b.cut(fmt.Errorf("no connection to %s: %w", b.c.where(), why))
}

// cut ends the attempts that are under way. Further ones wait for linkUp, and every subscription resumes then.
func (b *Bus) cut(why error) {
	b.mu.Lock()
	if b.closed {
		b.mu.Unlock()
		return
	}
	b.down.set(b, why)
	l := b.online
	b.online = newLink()
	for s := range b.subscriptions {
		b.down.set(s, why) // until it is resumed: only then has nothing been lost
	}
	b.mu.Unlock()
	l.lost(why)
}
