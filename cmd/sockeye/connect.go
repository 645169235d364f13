package main

import (
	"bytes"
	"context"
	"fmt"
	"net"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"sockeye.dev/endpoint"
	"sockeye.dev/frame"
	"sockeye.dev/handler"
	"sockeye.dev/session"
	"sockeye.dev/term"
)

func (a *app) connectCmd() *cobra.Command {
	var t talk
	var tls secure
	var run, shell string
	var wait duration
	var again retries
	cmd := &cobra.Command{
		Use:   "connect ADDR",
		Short: "Join standard input and output to one socket",
		Long: `Connect joins standard input and output to one socket.

The end of the input ends our side, and the reply is waited for, however late.
The peer's end ends the program once everything is printed; a file on standard
input is still sent to its end, and a pipe until it has been silent for 1 s.
Over UDP one line is one datagram; after the input's end replies are waited for
until it has been quiet for --wait.

Without an address, on a terminal, it asks for host, port and a first text, as
the course's client does; that text goes as it is, without a newline. There a
line may also be a command to sockeye itself: /encoding NAME, /hex [on|off],
/record FILE, /close; // begins a line that begins with a slash.`,
		Example: `  sockeye connect 127.0.0.1:7788
  echo hello | sockeye connect udp://127.0.0.1:7788
  sockeye connect tcp://192.168.1.7:8080 --encoding gbk --frame crlf`,
		Args: cobra.MaximumNArgs(1),
		RunE: func(cmd *cobra.Command, args []string) (err error) {
			in, closeIn := a.input()
			defer closeIn()
			asked := len(args) == 0
			if asked {
				if in.Source != handler.Typed {
					return usage("connect needs an address: sockeye connect 127.0.0.1:7788")
				}
				if args, err = a.ask(cmd.Context(), in); err != nil {
					return err
				}
			}
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
			if err := oneOf(cmd, "exec", "sh-exec"); err != nil {
				return err
			}
			if run != "" || shell != "" {
				return a.converse(cmd.Context(), &t, &p, again, a.exec(run, shell, &p).Serve)
			}
			local := a.local(in, &t, false)
			defer a.prompt(cmd.Context(), in, local)()
			p.reading(in)
			out := a.printer(&p)
			p.config.Format.Uncut = out.Style == handler.Raw
			h := &handler.Stdio{In: in, Out: out, Local: local, Wait: time.Duration(wait), Note: a.note}
			return a.converse(cmd.Context(), &t, &p, again, func(ctx context.Context, s *session.Session) error {
				if asked {
					a.askText(in)
				}
				return h.Serve(ctx, s)
			})
		},
	}
	t.register(cmd.Flags())
	t.registerInput(cmd.Flags())
	t.registerDial(cmd.Flags())
	tls.registerDial(cmd)
	registerExec(cmd, &run, &shell)
	cmd.Flags().Var(&wait, "wait", "datagrams: end after this `time` of silence once the input has ended (default 1s)")
	cmd.Flags().Var(&again, "retry", "try to connect `N` (or forever) times more, with growing pauses")
	return cmd
}

// ask asks a person for the address, as the course's client does.
func (a *app) ask(ctx context.Context, in *handler.Input) ([]string, error) {
	stop := context.AfterFunc(ctx, in.Stop)
	defer stop()
	in.Read = handler.TextLine
	var answers [2]string
	questions := [2]string{a.lang.format("host: "), a.lang.format("port: ")}
	for i, what := range []string{"host", "port"} {
		fmt.Fprint(a.stderr, questions[i])
		m, err := in.Next()
		switch {
		case ctx.Err() != nil:
			return nil, context.Cause(ctx)
		case err != nil:
			return nil, fmt.Errorf("read the %s: %w", what, err)
		}
		answers[i] = strings.TrimSpace(m.String())
	}
	return []string{net.JoinHostPort(answers[0], answers[1])}, nil
}

// askText asks for a text and makes the next line of in that: a message
// without a newline, as the course's client sends it.
func (a *app) askText(in *handler.Input) {
	if _, prompt := a.stdout.(*term.Prompt); prompt {
		a.note("text:")
	} else {
		fmt.Fprint(a.stderr, a.lang.format("text: "))
	}
	usual := in.Read
	in.Read = func(line []byte) (session.Message, error) {
		in.Read = usual
		return usual(bytes.TrimRight(line, "\r\n"))
	}
}

// converse dials, lets hold hold the conversation, and closes it. The error is
// hold's, or else what closing could not deliver; what a recording has lost
// comes with it.
func (a *app) converse(ctx context.Context, t *talk, p *plan, again retries, hold func(context.Context, *session.Session) error) (err error) {
	observer, closeRecord, err := a.observers(t, p.config.Format.Encoding)
	if err != nil {
		return err
	}
	defer func() { err = and(err, closeRecord()) }()
	p.config.Observer = observer
	conn, err := a.dial(ctx, t, p.addr, again)
	if err != nil {
		return err
	}
	_, p.many = conn.(endpoint.Fromer)
	s := session.New(conn, &p.config)
	err = hold(ctx, s)
	a.log().Info("conversation over", "conv", s.ID(), "peer", s.Peer().String(), "received", s.Received(), "sent", s.Sent())
	if errClose := s.Close(); err == nil || err == errInterrupted {
		err = and(err, errClose)
	}
	return err
}
