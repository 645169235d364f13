package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"sync"

	"github.com/spf13/cobra"

	"sockeye.dev/charset"
	"sockeye.dev/endpoint"
	"sockeye.dev/frame"
	"sockeye.dev/handler"
	"sockeye.dev/session"
)

type listenFlags struct {
	echo, once, interactive bool
	reply, run, shell       string
	max, maxPerSource       int
}

func (a *app) listenCmd() *cobra.Command {
	var t talk
	var tls secure
	var l listenFlags
	cmd := &cobra.Command{
		Use:   "listen ADDR...",
		Short: "Host conversations: at the terminal, echoing, or with a fixed reply",
		Long: `Listen hosts conversations. Without --echo or --reply it joins them to standard
input and output: what clients send is printed, and what is typed goes to all
of them (on a terminal, or with --interactive, "/to N text" goes to one, and
/encoding NAME, /hex, /record FILE and /close N are understood).
Standard input is not read until there is a client, and its end ends no
conversation. With --once it serves one conversation and exits with its truth;
there the input's end ends our side.

With --exec or --sh-exec each conversation is the input and output of a program
of its own, which finds who it talks to in SOCKEYE_REMOTE_ADDR and the like.
Whoever can connect can use that program: bind loopback, or demand certificates.`,
		Example: `  sockeye listen :7788
  sockeye listen tcp://:7788 udp://:7788 --reply 'thank you !'
  sockeye listen unix:./s.sock --echo
  sockeye listen tls://:7443 --sh-exec 'date; cat'`,
		Args: func(_ *cobra.Command, args []string) error {
			switch {
			case len(args) == 0:
				return usage("listen needs an address: sockeye listen :7788")
			case l.once && len(args) > 1:
				return usage("--once takes one address, not %d", len(args))
			}
			return nil
		},
		RunE: func(cmd *cobra.Command, args []string) error {
			if err := oneOf(cmd, "echo", "reply", "exec", "sh-exec"); err != nil {
				return err
			}
			return a.listen(cmd, args, &t, &tls, &l)
		},
	}
	f := cmd.Flags()
	t.register(f)
	t.registerInput(f)
	tls.registerListen(cmd)
	f.BoolVar(&l.echo, "echo", false, "send everything back")
	registerExec(cmd, &l.run, &l.shell)
	f.StringVar(&l.reply, "reply", "", "answer every message with `TEXT` (with --once: one, then close)")
	f.BoolVar(&l.once, "once", false, "serve one conversation, then exit with its truth")
	f.BoolVarP(&l.interactive, "interactive", "i", false, "understand /to N text and other commands although standard input is no terminal")
	f.IntVar(&l.max, "max", 0, "at most `N` conversations at once at each ADDR (default: as many as there are descriptors)")
	f.IntVar(&l.maxPerSource, "max-per-source", 0, "at most `N` of them from one source address (default: no limit)")
	return cmd
}

func (a *app) listen(cmd *cobra.Command, args []string, t *talk, tls *secure, l *listenFlags) (err error) {
	ctx := cmd.Context()
	replying := cmd.Flags().Changed("reply")
	var def frame.Framer = frame.Raw{}
	if replying {
		def = handler.ByMessage
	}
	var plans []plan
	for _, arg := range args {
		addr, err := address(arg)
		if err != nil {
			return err
		}
		p, err := a.hosting(t, addr, def)
		if err != nil {
			return err
		}
		plans = append(plans, p)
	}
	addrs := make([]*endpoint.Addr, len(plans))
	for i := range plans {
		addrs[i] = &plans[i].addr
	}
	if err := tls.apply(a, addrs...); err != nil {
		return err
	}
	in, closeIn := a.input()
	defer closeIn()
	var local *handler.Local
	typing := !l.echo && !replying && l.run == "" && l.shell == ""
	if typing {
		local = a.local(in, t, l.interactive)
		defer a.prompt(cmd.Context(), in, local)()
	}
	observer, closeRecord, err := a.observers(t, encodingOf(plans))
	if err != nil {
		return err
	}
	defer func() { err = and(err, closeRecord()) }()
	first := &plans[0]
	first.reading(in)
	out := a.printer(first)
	var h session.Handler
	var typed *handler.Terminal
	switch {
	case l.echo:
		h = handler.Echo
	case l.run != "", l.shell != "":
		h = a.exec(l.run, l.shell, first)
	case replying:
		m, err := a.message(first, l.reply)
		if err != nil {
			return err
		}
		h = &handler.Reply{Message: m, Once: l.once, Out: out}
	case l.once:
		h = &handler.Stdio{In: in, Out: out, Local: local, Note: a.note}
	default:
		typed = &handler.Terminal{In: in, Out: out, Local: local, Note: a.note}
		if out.Style == handler.Safe || out.Style == handler.Hex {
			out.Label = a.label()
		}
		if l.interactive && in.Read == nil {
			in.Read, in.KeepEnd = handler.TextLine, true
		}
		h = typed
	}
	var doors []door
	truth := truthful{Handler: h, note: a.note}
	for _, p := range plans {
		p.config.Observer = observer
		p.config.Format.Uncut = typing && out.Style == handler.Raw
		if !typing {
			p.config.Amplify = 3
		}
		doors = append(doors, door{p.addr, &session.Server{Handler: &truth, Config: p.config, MaxSessions: l.max, MaxPerSource: l.maxPerSource, Log: a.log()}})
	}
	if l.once {
		ln, err := a.open(ctx, doors[0].addr)
		if err != nil {
			return err
		}
		return doors[0].srv.ServeOne(ctx, ln)
	}
	var run func(context.Context) error
	if typed != nil {
		run = typed.Run
	}
	ctx, fail := context.WithCancelCause(ctx)
	defer fail(nil)
	w := &vital{Writer: out.W, fail: fail}
	out.W = w
	err = a.host(ctx, doors, nil, run)
	return and(and(err, w.err), truth.bad)
}

// truthful remembers, for the exit code, the first text that was refused as it
// could not be decoded, which ends its conversation.
type truthful struct {
	session.Handler
	note func(format string, args ...any)

	mu  sync.Mutex
	bad error
}

func (h *truthful) Serve(ctx context.Context, s *session.Session) error {
	err := h.Handler.Serve(ctx, s)
	var bad *charset.DecodeError
	if errors.As(err, &bad) {
		h.note("conversation %d (%v) is over: %v", s.ID(), s.Peer(), err)
		h.mu.Lock()
		defer h.mu.Unlock()
		if h.bad == nil {
			h.bad = err
		}
	}
	return err
}

// vital is output without which hosting makes no sense. Its owner writes from
// one goroutine at a time.
type vital struct {
	io.Writer
	fail context.CancelCauseFunc
	err  error
}

func (v *vital) Write(p []byte) (int, error) {
	n, err := v.Writer.Write(p)
	if err != nil && v.err == nil {
		v.err = err
		v.fail(err)
	}
	return n, err
}

// encodingOf is the encoding that all plans have in common, or nil.
func encodingOf(plans []plan) *charset.Encoding {
	enc := plans[0].config.Format.Encoding
	for _, p := range plans[1:] {
		if p.config.Format.Encoding != enc {
			return nil
		}
	}
	return enc
}

// message is text from an argument as the flags want it read.
func (a *app) message(p *plan, text string) (session.Message, error) {
	m, err := p.reader()([]byte(text))
	if err != nil {
		return m, usageError{err}
	}
	return m, nil
}

// door is a listener to be opened and who serves there.
type door struct {
	addr endpoint.Addr
	srv  *session.Server
}

// open listens and announces where.
func (a *app) open(ctx context.Context, addr endpoint.Addr) (net.Listener, error) {
	ln, err := a.network.Listen(ctx, addr)
	if err != nil {
		return nil, fmt.Errorf("listen on %v: %w", addr.Redacted(), err)
	}
	a.announce(addr, ln)
	return ln, nil
}

// host serves all doors, and runs run beside them, until ctx ends or one
// fails. All doors are open before the first conversation begins; ready is
// told then.
func (a *app) host(ctx context.Context, doors []door, ready func([]net.Listener), run func(context.Context) error) error {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	var listeners []net.Listener
	for _, d := range doors {
		ln, err := a.open(ctx, d.addr)
		if err != nil {
			for _, ln := range listeners {
				_ = ln.Close()
			}
			return err
		}
		listeners = append(listeners, ln)
	}
	if ready != nil {
		ready(listeners)
	}
	var all sync.WaitGroup
	errs := make([]error, len(doors)+1)
	for i, d := range doors {
		all.Go(func() {
			errs[i] = d.srv.Serve(ctx, listeners[i])
			cancel(errs[i])
		})
	}
	if run != nil {
		all.Go(func() {
			if err := run(ctx); err != nil && err != context.Cause(ctx) {
				errs[len(doors)] = err
				cancel(err)
			}
		})
	}
	all.Wait()
	for i, err := range errs {
		if errors.Is(err, session.ErrServerClosed) {
			errs[i] = nil
		}
	}
	return errors.Join(errs...)
}
