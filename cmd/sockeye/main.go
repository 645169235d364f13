// Command sockeye holds, hosts and shows socket conversations. This package
// only wires the library together and prints; see the module's doc.go for the
// parts.
package main

import (
	"cmp"
	"context"
	"errors"
	"io"
	"log/slog"
	"os"
	"os/signal"
	"slices"
	"sync/atomic"
	"syscall"

	"github.com/spf13/cobra"

	"sockeye.dev/endpoint"
	"sockeye.dev/internal/typo"
	"sockeye.dev/term"
)

func main() { os.Exit(run()) }

// run is main without the exit, for tests that run it as a command.
func run() int {
	a := &app{stdin: os.Stdin, stdout: os.Stdout, stderr: os.Stderr, getenv: os.Getenv, environ: os.Environ(), network: &endpoint.Host{}}
	ctx, stop := a.signals()
	defer stop()
	if dialect, args := ncCall(os.Args); dialect != nil {
		return a.nc(ctx, dialect, args)
	}
	a.speak(os.Args[1:])
	root := a.root()
	cmd, err := root.ExecuteContextC(ctx)
	a.command = cmd.CommandPath()
	if err == errInterrupted {
		err = nil // a person's Ctrl-C is an end like others, if nothing was lost by it
	}
	return a.report(err)
}

// errInterrupted is the cause of a context ended by a signal.
var errInterrupted = errors.New("interrupted")

// signals ends the context at the first SIGINT or SIGTERM, and the program at
// the second. A prompt, at which Ctrl-C is a key, says so by a.interrupt.
func (a *app) signals() (context.Context, func()) {
	ctx, cancel := context.WithCancelCause(context.Background())
	c := make(chan os.Signal, 2)
	a.interrupt = func() {
		select {
		case c <- os.Interrupt:
		default: // two are waiting
		}
	}
	signal.Notify(c, os.Interrupt, syscall.SIGTERM)
	done := make(chan struct{})
	go func() {
		for {
			select {
			case <-c:
				if ctx.Err() != nil {
					if p := a.restore.Load(); p != nil {
						p.Restore()
					}
					os.Exit(exitFailure)
				}
				cancel(errInterrupted)
			case <-done:
				return
			}
		}
	}()
	return ctx, func() { signal.Stop(c); close(done); cancel(nil) }
}

// app is what commands share: the program's surroundings and the flags that
// are everybody's.
type app struct {
	stdin          *os.File
	stdout, stderr io.Writer
	getenv         func(string) string
	environ        []string
	interrupt      func()                      // as Ctrl-C does
	restore        atomic.Pointer[term.Prompt] // who has the terminal; nil: nobody
	network        endpoint.Network
	lang           *catalogue // nil: English
	command        string     // that was given, for hints
	json           bool
	verbose        int
}

func (a *app) root() *cobra.Command {
	root := &cobra.Command{
		Use:   "sockeye",
		Short: "Hold, host and see any socket conversation, in any text encoding",
		Long: `Sockeye holds (connect, send, chat), hosts (listen, serve) and shows socket
conversations over TCP, UDP, Unix sockets, TLS and WebSocket, in any text
encoding.

Addresses: tcp://host:port  udp://host:port  unix:///path  unixgram:///path
           tls://host:port  ws://host/path  wss://host/path  host:port (tcp)
           :port listens on every interface; IPv6 goes in brackets; socat's
           TCP:host:port,opt=val is understood; options follow as a query:
           tcp://host:7788?encoding=gbk&frame=line`,
		Example: `  sockeye serve                                  a chat room on 127.0.0.1:7788, TCP and UDP
  sockeye connect 127.0.0.1:7788                 talk to it
  sockeye listen :7788 --reply 'thank you !'     answer every message
  sockeye send udp://127.0.0.1:8080 你好 --encoding gbk`,
		SuggestionsMinimumDistance: 2,
		SilenceErrors:              true,
		SilenceUsage:               true,
		Args: func(cmd *cobra.Command, args []string) error {
			if len(args) > 0 {
				near := cmd.SuggestionsFor(args[0])
				if len(near) == 0 {
					return usage("there is no command %q", args[0])
				}
				slices.SortStableFunc(near, func(a, b string) int {
					return cmp.Compare(typo.Distance(args[0], a, 1), typo.Distance(args[0], b, 1))
				})
				return usage("there is no command %q: did you mean %s?", args[0], near[0])
			}
			return nil
		},
		RunE: func(cmd *cobra.Command, _ []string) error {
			return cmd.Help()
		},
		CompletionOptions: cobra.CompletionOptions{DisableDefaultCmd: true},
	}
	root.SetOut(a.stdout)
	root.SetErr(a.stderr)
	root.SetIn(a.stdin)
	// What cobra refuses before a command runs is wrong usage.
	root.SetFlagErrorFunc(func(_ *cobra.Command, err error) error { return usage("%v", err) })
	root.PersistentFlags().Var(new(language), "lang", "`language` of help, hints and questions: en, zh (default: the locale's)")
	root.PersistentFlags().BoolVar(&a.json, "json", false, "results and errors as JSON, an object a line")
	root.PersistentFlags().CountVarP(&a.verbose, "verbose", "v", "say on stderr what happens: -v conversations, -vv every message")
	root.AddCommand(a.connectCmd(), a.sendCmd(), a.listenCmd(), a.serveCmd(), a.chatCmd(), a.labCmd(), a.textCmd(), a.ncCmd(), a.addressesCmd(), a.completionCmd(), a.manCmd(), a.versionCmd())
	root.SetHelpTemplate(helpTemplate + a.lang.text(exitCodes) + "\n")
	usageOfArgs(root)
	completes(root)
	a.lang.translate(root)
	return root
}

// usageOfArgs makes too many or too few arguments wrong usage everywhere.
func usageOfArgs(cmd *cobra.Command) {
	if check := cmd.Args; check != nil {
		cmd.Args = func(cmd *cobra.Command, args []string) error {
			if err := check(cmd, args); err != nil {
				return usageError{err}
			}
			return nil
		}
	}
	for _, sub := range cmd.Commands() {
		usageOfArgs(sub)
	}
}

const helpTemplate = `{{with (or .Long .Short)}}{{. | trimTrailingWhitespaces}}

{{end}}{{if or .Runnable .HasSubCommands}}{{.UsageString}}{{end}}
`

const exitCodes = `Exit codes: 0 done; 1 the network failed, or something is known to be lost;
            2 wrong usage; 3 timed out, no reply came; 4 text that could not be
            encoded or decoded under --errors strict`

func (a *app) log() *slog.Logger {
	level := slog.LevelWarn
	switch {
	case a.verbose > 1:
		level = slog.LevelDebug
	case a.verbose == 1:
		level = slog.LevelInfo
	}
	o := &slog.HandlerOptions{Level: level}
	if a.json {
		return slog.New(slog.NewJSONHandler(a.stderr, o))
	}
	o.ReplaceAttr = func(groups []string, attr slog.Attr) slog.Attr {
		if attr.Key == slog.TimeKey && len(groups) == 0 {
			return slog.Attr{} // a person at a terminal knows the time
		}
		return attr
	}
	return slog.New(slog.NewTextHandler(a.stderr, o))
}
