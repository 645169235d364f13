package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/spf13/cobra"

	"sockeye.dev/frame"
	"sockeye.dev/handler"
	"sockeye.dev/session"
)

// errDone ends a wait for replies that has served its purpose.
var errDone = errors.New("done")

type sendFlags struct {
	wait, quiet, every duration
	replies, count     int
	noWait, keepOpen   bool
}

func (a *app) sendCmd() *cobra.Command {
	var t talk
	var tls secure
	var f sendFlags
	var again retries
	cmd := &cobra.Command{
		Use:   "send ADDR [TEXT...]",
		Short: "Send messages, print what comes back, exit with the truth",
		Long: `Send sends each TEXT as one message (without a newline unless the framing adds
one) or, without TEXT, standard input, and prints what comes back.

On streams it then ends our side, unless --keep-open. It ends at the peer's
close, after --replies messages (datagrams: 1, unless sent to many by broadcast
or multicast), or when the line stays quiet for --quiet after a reply. If nothing
comes within --wait the exit code is 3.`,
		Example: `  sockeye send 127.0.0.1:7788 'hello'
  sockeye send udp://127.0.0.1:8080 你好 --no-wait
  sockeye send 192.168.1.9:502 --hex '01 03 00 00 00 01 84 0a' --keep-open --replies 1`,
		Args: func(_ *cobra.Command, args []string) error {
			if len(args) == 0 {
				return usage("send needs an address: sockeye send 127.0.0.1:7788 hello")
			}
			return nil
		},
		RunE: func(cmd *cobra.Command, args []string) error {
			addr, err := address(args[0])
			if err != nil {
				return err
			}
			p, err := a.plan(&t, addr, frame.Raw{})
			if err != nil {
				return err
			}
			if err := tls.apply(a, &p.addr); err != nil {
				return err
			}
			switch {
			case f.every > 0 && len(args) == 1:
				return usage("--every repeats texts: give some")
			case f.every == 0 && cmd.Flags().Changed("count"):
				return usage("--count counts what --every repeats: give both")
			}
			var texts []session.Message
			for _, text := range args[1:] {
				m, err := a.message(&p, text)
				if err != nil {
					return err
				}
				texts = append(texts, m)
			}
			return a.converse(cmd.Context(), &t, &p, again, func(ctx context.Context, s *session.Session) error {
				return a.exchange(ctx, s, &p, &f, texts)
			})
		},
	}
	fs := cmd.Flags()
	t.register(fs)
	t.registerInput(fs)
	t.registerDial(fs)
	tls.registerDial(cmd)
	fs.Var(&f.wait, "wait", "wait this `time` for a first reply (default 5s, datagrams 1s)")
	fs.Var(&f.quiet, "quiet", "end after this `time` of silence after a reply (default 500ms)")
	fs.IntVar(&f.replies, "replies", 0, "end after `N` messages (default: datagrams 1, streams: no limit)")
	fs.BoolVar(&f.noWait, "no-wait", false, "expect no reply")
	fs.BoolVar(&f.keepOpen, "keep-open", false, "do not end our side after sending")
	fs.Var(&f.every, "every", "repeat at this `interval`")
	fs.IntVar(&f.count, "count", 0, "with --every: repeat `N` times in all (default: until interrupted)")
	fs.Var(&again, "retry", "try to connect `N` (or forever) times more, with growing pauses")
	return cmd
}

// exchange sends and prints, once or again and again.
func (a *app) exchange(ctx context.Context, s *session.Session, p *plan, f *sendFlags, texts []session.Message) error {
	out := a.printer(p)
	rounds := 1
	if f.every > 0 {
		rounds = f.count
	}
	for n := 1; ; n++ {
		r := round{s: s, out: out, sendFlags: f, next: time.Now().Add(time.Duration(f.every)), last: n == rounds, many: p.many}
		err := a.round(ctx, &r, func(ctx context.Context) error { return a.sendAll(ctx, s, p, texts) })
		if until := f.every > 0 && f.count == 0; until && ctx.Err() != nil && !errors.Is(err, session.ErrCut) {
			return context.Cause(ctx) // the end that was meant, be it between two texts
		}
		if err != nil || r.last {
			return err
		}
		next := r.next
		select {
		case <-time.After(time.Until(next)):
		case <-ctx.Done():
			return context.Cause(ctx)
		}
	}
}

// round is one sending and its replies.
type round struct {
	s   *session.Session
	out *handler.Printer
	*sendFlags
	next time.Time // when the next one begins
	last bool
	many bool // any number may answer
}

// round sends, and prints what comes back meanwhile and afterwards: a peer that
// answers while it is spoken to would not go on listening else.
func (a *app) round(ctx context.Context, r *round, send func(context.Context) error) error {
	sending, stopSending := context.WithCancelCause(ctx)
	defer stopSending(nil)
	sent, done := context.WithCancel(context.WithoutCancel(ctx))
	var sendErr, endErr error
	go func() {
		defer done()
		if sendErr = send(sending); sendErr == nil && r.last && !r.keepOpen {
			endErr = r.s.CloseWrite() // a peer that is gone may have said something before
		}
	}()
	var err error
	if !r.noWait {
		if err = a.replies(ctx, r, sent); err != nil {
			stopSending(err)
		}
	}
	<-sent.Done()
	switch {
	case sendErr != nil && (err == nil || ctx.Err() != nil || !errors.Is(sendErr, err)):
		return sendErr // which is not merely because nobody listens any more
	case err != nil:
		return err
	}
	return endErr
}

// sendAll sends the texts or, without any, standard input.
func (a *app) sendAll(ctx context.Context, s *session.Session, p *plan, texts []session.Message) error {
	for _, m := range texts {
		if err := send(ctx, s, m); err != nil {
			return err
		}
	}
	if texts != nil {
		return nil
	}
	in, closeIn := a.input()
	defer closeIn()
	p.reading(in)
	stop := context.AfterFunc(ctx, in.Stop)
	defer stop()
	for {
		m, err := in.Next()
		switch {
		case errors.Is(err, io.EOF):
			return nil
		case err == nil:
			err = send(ctx, s, m)
		case ctx.Err() != nil && in.Source != handler.File:
			err = context.Cause(ctx) // who typed may have been through
		case ctx.Err() != nil:
			err = fmt.Errorf("not everything was sent: %w", context.Cause(ctx))
		}
		if err != nil {
			return err
		}
	}
}

func send(ctx context.Context, s *session.Session, m session.Message) error {
	if err := s.Send(ctx, m); err != nil {
		return fmt.Errorf("not everything was sent: %w", err)
	}
	return nil
}

// errSent ends a wait for replies that began while something was being sent.
var errSent = errors.New("all is sent")

// replies prints what comes back until it is enough; if nobody said how much
// that is, all but the last round end when the next one begins. How long to
// wait counts from the end of the sending.
func (a *app) replies(ctx context.Context, r *round, sent context.Context) error {
	s, f := r.s, r.sendFlags
	wait, quiet, enough := 5*time.Second, 500*time.Millisecond, f.replies
	if s.Datagram() {
		wait = time.Second
		if enough == 0 && !r.many { // of many, each may answer
			enough = 1
		}
	}
	if f.wait > 0 {
		wait = time.Duration(f.wait)
	}
	if f.quiet > 0 {
		quiet = time.Duration(f.quiet)
	}
	until := wait
	for n := 0; ; {
		m, err := recvWithin(ctx, s, sent, until)
		switch {
		case errors.Is(err, errSent):
			continue
		case errors.Is(err, errDone) && n == 0:
			return fmt.Errorf("%w from %v in %v", handler.ErrNoReply, s.Peer(), wait)
		case errors.Is(err, errDone) && n < f.replies:
			return fmt.Errorf("%w: %d of %d from %v", handler.ErrNoReply, n, f.replies, s.Peer())
		case errors.Is(err, errDone):
			return nil
		case errors.Is(err, io.EOF):
			if n < f.replies {
				return fmt.Errorf("%w: %d of %d before %v closed", handler.ErrNoReply, n, f.replies, s.Peer())
			}
			if !r.last {
				return fmt.Errorf("%v closed", s.Peer())
			}
			return nil
		case err != nil:
			return err
		}
		if err := r.out.Print(s, m); err != nil {
			return err
		}
		a.log().Info("reply", "from", s.From().String(), "bytes", len(m.Data))
		if n++; n == enough {
			return nil
		}
		if until = quiet; !r.last && f.replies == 0 {
			until = min(quiet, time.Until(r.next))
		}
	}
}

// recvWithin waits until all is sent, and then so long.
func recvWithin(ctx context.Context, s *session.Session, sent context.Context, until time.Duration) (session.Message, error) {
	if sent.Err() == nil {
		patience, cancel := context.WithCancelCause(ctx)
		defer cancel(nil)
		stop := context.AfterFunc(sent, func() { cancel(errSent) })
		defer stop()
		return s.Recv(patience)
	}
	patience, cancel := context.WithTimeoutCause(ctx, until, errDone)
	defer cancel()
	return s.Recv(patience)
}
