package natsbus

import (
	"context"
	"errors"
	"fmt"
	"net"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
)

// connect connects the client, once through the list; from then on the client reconnects for ever.
func (b *Bus) connect(ctx context.Context) (*nats.Conn, error) {
	opts := []nats.Option{
		nats.Name("sockeye"),
		nats.MaxReconnects(-1),
		// Nothing is kept while there is no connection: who publishes waits, and may give up.
		nats.ReconnectBufSize(-1),
		nats.DisconnectErrHandler(func(_ *nats.Conn, err error) {
			if b.running.Err() == nil {
				b.c.Log.Warn("natsbus: connection lost", "to", b.c.where(), "err", err)
			}
			b.linkDown(err)
		}),
		nats.ReconnectHandler(func(nc *nats.Conn) {
			b.met.reconnects.Add(1)
			b.c.Log.Info("natsbus: connected again", "to", shownURL(nc.ConnectedUrl()))
			b.linkUp()
		}),
		nats.ErrorHandler(func(_ *nats.Conn, _ *nats.Subscription, err error) {
			b.c.Log.Warn("natsbus: client", "err", err)
		}),
	}
	if b.server != nil {
		opts = append(opts, nats.InProcessServer(b.server), nats.ReconnectWait(20*time.Millisecond),
			nats.ReconnectJitter(0, 0), nats.PingInterval(time.Minute))
		nc, err := nats.Connect("", opts...)
		if err == nil {
			close(b.online.up)
		}
		return nc, err
	}

	each := time.Until(deadline(ctx)) / time.Duration(len(b.c.URLs))
	d := &dialer{opening: ctx, failures: map[string]error{}}
	d.Timeout = min(each, 3*time.Second)
	opts = append(opts, b.c.clientOptions()...)
	opts = append(opts, nats.SetCustomDialer(d), nats.Timeout(d.Timeout))
	nc, err := nats.Connect("", append(opts, func(o *nats.Options) error {
		o.Servers = b.c.URLs
		return nil
	})...)
	failures := d.opened()
	switch {
	case err == nil:
	case context.Cause(ctx) != nil:
		return nil, errors.Join(append(failures, context.Cause(ctx))...)
	case errors.Is(err, nats.ErrNoServers) && len(failures) > 0:
		return nil, errors.Join(failures...)
	default:
		return nil, err
	}
	close(b.online.up)
	var major, minor int
	version := nc.ConnectedServerVersion()
	if _, err := fmt.Sscanf(version, "%d.%d", &major, &minor); err == nil && (major < 2 || major == 2 && minor < 11) {
		nc.Close()
		return nil, fmt.Errorf("%s is nats-server %s, 2.11 is needed", shownURL(nc.ConnectedUrl()), version)
	}
	return nc, nil
}

func deadline(ctx context.Context) time.Time {
	t, ok := ctx.Deadline()
	if !ok {
		return time.Now().Add(openFor)
	}
	return t
}

func (c Config) clientOptions() []nats.Option {
	opts := []nats.Option{
		nats.ReconnectWait(100 * time.Millisecond),
		nats.ReconnectJitter(100*time.Millisecond, 200*time.Millisecond),
		nats.PingInterval(2 * time.Second), // a peer that is silent for 6 s is gone
		nats.MaxPingsOutstanding(2),
		nats.FlusherTimeout(5 * time.Second), // how long a write may block
	}
	if c.CredentialsFile != "" {
		opts = append(opts, nats.UserCredentials(c.CredentialsFile))
	}
	if c.Token != "" {
		opts = append(opts, nats.Token(c.Token))
	}
	if c.CAFile != "" {
		opts = append(opts, nats.RootCAs(c.CAFile))
	}
	if c.CertFile != "" {
		opts = append(opts, nats.ClientCert(c.CertFile, c.KeyFile))
	}
	return opts
}

// dialer dials for the client. It lets ctx cut the first connecting short and keeps the reasons, which the client drops.
type dialer struct {
	net.Dialer

	mu       sync.Mutex
	opening  context.Context // nil afterwards
	pending  []func() bool
	failures map[string]error
}

func (d *dialer) Dial(network, addr string) (net.Conn, error) {
	d.mu.Lock()
	ctx := d.opening
	d.mu.Unlock()
	if ctx == nil {
		return d.Dialer.Dial(network, addr)
	}
	conn, err := d.DialContext(ctx, network, addr)
	d.mu.Lock()
	defer d.mu.Unlock()
	if err != nil {
		d.failures[addr] = err
		return nil, err
	}
	d.pending = append(d.pending, context.AfterFunc(ctx, func() { conn.Close() }))
	return conn, nil
}

// opened ends the ctx's say and returns why dialling failed, if it did.
func (d *dialer) opened() (failures []error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	for _, stop := range d.pending {
		stop()
	}
	d.opening, d.pending = nil, nil
	for _, err := range d.failures {
		failures = append(failures, err)
	}
	slices.SortFunc(failures, func(a, b error) int { return strings.Compare(a.Error(), b.Error()) })
	return failures
}

// checkJetStream waits until JetStream answers: a cluster that has just started elects its leader first.
func (b *Bus) checkJetStream(ctx context.Context) error {
	return b.persist(ctx, func(ctx context.Context) error {
		_, err := b.js.AccountInfo(ctx)
		switch {
		case errors.Is(err, jetstream.ErrJetStreamNotEnabled), errors.Is(err, jetstream.ErrJetStreamNotEnabledForAccount):
			if b.c.Domain != "" {
				return permanent(fmt.Errorf("JetStream is not enabled there, or has no domain %q", b.c.Domain))
			}
			return permanent(fmt.Errorf("JetStream is not enabled there, or not for our account"))
		case errors.Is(err, context.DeadlineExceeded), errors.Is(err, nats.ErrTimeout):
			return errors.New("JetStream does not answer")
		}
		return err
	})
}
