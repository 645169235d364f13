package main

import (
	"context"
	"fmt"
	"math"
	"net"
	"strconv"
	"time"

	"github.com/spf13/pflag"

	"sockeye.dev/endpoint"
)

// registerDial adds the flags of commands that dial.
func (t *talk) registerDial(fs *pflag.FlagSet) {
	fs.StringVar(&t.bind, "bind", "", "our own `address` (host, host:port or :port)")
	fs.Var(&t.timeout, "timeout", "give up connecting after this `time` (default: the system's)")
}

// dialOptions puts --bind and --timeout where the endpoint reads them.
func (t *talk) dialOptions(addr *endpoint.Addr) {
	if t.bind != "" {
		addr.Options.Set("bind", t.bind)
	}
	if t.timeout > 0 {
		addr.Options.Set("timeout", time.Duration(t.timeout).String())
	}
}

// dial connects, again and again with growing pauses if told so.
func (a *app) dial(ctx context.Context, t *talk, addr endpoint.Addr, again retries) (net.Conn, error) {
	t.dialOptions(&addr)
	for n := 0; ; n++ {
		conn, err := a.network.Dial(ctx, addr)
		switch {
		case err == nil:
			a.log().Info("connected", "to", addr.Redacted(), "from", conn.LocalAddr().String())
			return conn, nil
		case ctx.Err() != nil:
			return nil, context.Cause(ctx)
		case n >= int(again):
			return nil, fmt.Errorf("connect to %v: %w", addr.Redacted(), err)
		}
		pause := min(100*time.Millisecond<<min(n, 8), 10*time.Second)
		a.log().Info("connecting failed; trying again", "in", pause, "reason", err)
		select {
		case <-time.After(pause):
		case <-ctx.Done():
			return nil, context.Cause(ctx)
		}
	}
}

// retries is the flag --retry N|forever.
type retries int

func (r *retries) String() string { return strconv.Itoa(int(*r)) }
func (r *retries) Type() string   { return "N|forever" }

func (r *retries) Set(s string) error {
	if s == "forever" {
		*r = math.MaxInt
		return nil
	}
	n, err := strconv.Atoi(s)
	if err != nil || n < 0 {
		return fmt.Errorf("%q is neither a number nor forever", s)
	}
	*r = retries(n)
	return nil
}
