package main

import (
	"context"
	"fmt"
	"log/slog"
	"net"
	"os"
	"os/signal"
	"runtime/debug"
	"slices"
	"strings"
	"sync"
	"syscall"
	"time"

	"github.com/spf13/cobra"

	"sockeye.dev/charset"
	"sockeye.dev/endpoint"
	"sockeye.dev/room"
	"sockeye.dev/workbench"
)

// serveFlags say on the command line what the file says at more length.
type serveFlags struct {
	talk      talk
	tls       secure
	listen    []string
	rooms     []string
	data      string
	noHistory bool
	nats      []string
	replicas  int
	creds     string
	broker    bool
	secret    string
	status    string

	encoding *charset.Encoding // that all doors have in common, for recordings; or nil
}

func (a *app) serveCmd() *cobra.Command {
	var f serveFlags
	cmd := &cobra.Command{
		Use:   "serve [FILE]",
		Short: "Chat rooms that any socket can join",
		Long: `Serve opens chat rooms to any TCP, UDP, Unix, TLS or WebSocket client: each
member in its own encoding, a line or 50 ms of silence ending a message. Members
type /help to see what they can do. What is said is kept in your directory for
state and shown to newcomers; with --nats a NATS cluster keeps it instead, and
any number of these processes are one chat.

FILE is YAML and says all that flags say, and more: sockeye serve --schema
prints its JSON Schema. SIGHUP has it read again; nobody is put out by that.`,
		Example: `  sockeye serve
  sockeye serve --listen tcp://127.0.0.1:9000 --listen unix:./room.sock
  sockeye serve --nats nats://a:4222,nats://b:4222 --replicas 3
  sockeye serve sockeye.yaml`,
		Args: cobra.MaximumNArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			if schema, _ := cmd.Flags().GetBool("schema"); schema {
				_, err := a.stdout.Write(workbench.Schema())
				return err
			}
			if len(args) == 0 {
				file, err := f.file(a, cmd)
				if err != nil {
					return err
				}
				return a.serve(cmd.Context(), &f, file, "")
			}
			if _, err := os.Stat(args[0]); err != nil && likeAddress(args[0]) {
				return usage("there is no file %s: did you mean --listen %[1]s?", args[0])
			}
			for _, name := range []string{"listen", "room", "data", "no-history", "nats", "replicas", "nats-creds", "broker", "secret-file", "status",
				"encoding", "send-encoding", "legacy", "errors", "frame", "idle", "cert", "key", "client-ca", "alpn", "keylog", "proxy-protocol"} {
				if cmd.Flags().Changed(name) {
					return usage("--%s and a file do not go together: write it into %s", name, args[0])
				}
			}
			file, err := workbench.Load(args[0])
			if err != nil {
				return usageError{err}
			}
			return a.serve(cmd.Context(), &f, file, args[0])
		},
	}
	f.talk.register(cmd.Flags())
	f.tls.registerListen(cmd)
	fs := cmd.Flags()
	fs.StringArrayVar(&f.listen, "listen", []string{"tcp://127.0.0.1:7788", "udp://127.0.0.1:7788"}, "`address` to listen on; may be repeated")
	fs.StringArrayVar(&f.rooms, "room", []string{"lobby"}, "`name` of a room that is always open; may be repeated\n(people enter the first)")
	fs.StringVar(&f.data, "data", "", "keep what is said in `directory` (default: sockeye in your directory for state)")
	fs.BoolVar(&f.noHistory, "no-history", false, "keep what is said in memory only")
	fs.StringSliceVar(&f.nats, "nats", nil, "keep the rooms on these NATS `servers`, with JetStream, and share them with others there")
	fs.IntVar(&f.replicas, "replicas", 3, "keep each room on `N` of the --nats servers: 1, 3 or 5")
	fs.StringVar(&f.creds, "nats-creds", "", "a .creds `file` for --nats")
	fs.BoolVar(&f.broker, "broker", false, "no rooms: what one sends goes to all others, byte for byte")
	fs.StringVar(&f.secret, "secret-file", "", "`file` with a secret: /op and it make an operator")
	fs.StringVar(&f.status, "status", "", "answer HTTP /metrics, /healthz and /readyz at this `address`")
	fs.Bool("schema", false, "print the JSON Schema of FILE, and end")
	return cmd
}

// likeAddress reports whether arg is an address, or begins as one: no name of a file does.
func likeAddress(arg string) bool {
	if strings.HasPrefix(arg, ":") || strings.Contains(arg, "://") {
		return true
	}
	_, err := endpoint.Parse(arg)
	return err == nil && strings.Contains(arg, ":")
}

// file is what the flags say, as a file would.
func (f *serveFlags) file(a *app, cmd *cobra.Command) (*workbench.File, error) {
	file := workbench.Default()
	for _, option := range []struct{ a, b string }{{"data", "no-history"}, {"data", "nats"}, {"no-history", "nats"}, {"broker", "data"}, {"broker", "nats"}, {"broker", "room"}} {
		if err := oneOf(cmd, option.a, option.b); err != nil {
			return nil, err
		}
	}
	if cmd.Flags().Changed("nats") && (len(f.nats) == 0 || slices.Contains(f.nats, "")) {
		return nil, usage("--nats is empty: it takes servers, as nats://HOST:4222")
	}
	for _, server := range f.nats {
		if err := workbench.CheckServer(server); err != nil {
			return nil, usage("--nats: %w", err)
		}
	}
	for _, name := range []string{"replicas", "nats-creds"} {
		if cmd.Flags().Changed(name) && len(f.nats) == 0 {
			return nil, usage("--%s is about the servers of --nats", name)
		}
	}
	if !slices.Contains([]int{1, 3, 5}, f.replicas) {
		return nil, usage("--replicas is 1, 3 or 5, not %d", f.replicas)
	}
	var addrs []*endpoint.Addr
	var plans []plan
	file.Listen = nil
	for _, arg := range f.listen {
		addr, err := address(arg)
		if err != nil {
			return nil, err
		}
		p, err := a.hosting(&f.talk, addr, nil) // which finds what is wrong with the flags
		if err != nil {
			return nil, err
		}
		plans = append(plans, p)
		file.Listen = append(file.Listen, workbench.Door{
			Address: addr, Broker: f.broker, Cookies: true, Encoding: f.talk.encoding, SendEncoding: f.talk.sendEncoding,
			Legacy: f.talk.legacy, Errors: f.talk.errors, Frame: f.talk.frame, Idle: time.Duration(f.talk.idle),
		})
	}
	f.encoding = encodingOf(plans)
	for i := range file.Listen {
		addrs = append(addrs, &file.Listen[i].Address)
	}
	if err := f.tls.apply(a, addrs...); err != nil {
		return nil, err
	}
	file.Rooms = nil
	kept := make(map[string]bool)
	for _, name := range f.rooms {
		as, err := room.CheckName(name)
		if err != nil {
			return nil, usage("--room: %w", err)
		}
		if kept[as] {
			return nil, usage("--room %s is there twice", name)
		}
		kept[as] = true
		file.Rooms = append(file.Rooms, workbench.Room{Name: name})
	}
	file.History.Data, file.History.Keep = f.data, !f.noHistory && !f.broker
	file.NATS.Servers, file.NATS.Credentials = f.nats, f.creds
	if len(f.nats) > 0 {
		file.NATS.Replicas = f.replicas
	}
	file.Operators.SecretFile = f.secret
	if _, err := file.Operators.ReadSecret(); err != nil {
		return nil, usage("--secret-file: %w", err)
	}
	if f.status != "" {
		var err error
		if file.Status, err = address(f.status); err != nil {
			return nil, err
		}
		if scheme := file.Status.Scheme; scheme != "tcp" && scheme != "unix" {
			return nil, usage("--status is HTTP over tcp or unix, not %s", scheme)
		}
	}
	return file, nil
}

// serve runs what a file says; path is where it can be read again.
func (a *app) serve(ctx context.Context, f *serveFlags, file *workbench.File, path string) (err error) {
	if a.getenv("GOGC") == "" {
		// Most of what lives is members who wait; what is said costs little. So the garbage may be half of them, not as
		// much again: at 15,000 members 0.3 to 0.5 KiB less for each.
		defer debug.SetGCPercent(debug.SetGCPercent(50))
	}
	log := a.log()
	if path != "" {
		log = a.fileLog(file.Log)
	}
	hangups := make(chan os.Signal, 1)
	if path != "" {
		signal.Notify(hangups, syscall.SIGHUP) // from the beginning: until then it kills
	}
	observer, closeRecord, err := a.observers(&f.talk, f.encoding)
	if err != nil {
		return err
	}
	defer func() { err = and(err, closeRecord()) }()
	bus, closeBus, err := a.bus(ctx, file, path != "", log)
	if err != nil {
		return err
	}
	defer func() { err = and(err, closeBus()) }()
	network := a.network
	sockets, err := workbench.Inherit(os.LookupEnv, os.Getpid())
	if err != nil {
		return err
	}
	defer sockets.Close()
	if len(sockets.Left()) > 0 {
		network = endpoint.Host{Inherited: sockets.Take}
	}
	var listeners []net.Listener
	legacy := charset.LegacyFor(a.locale())
	w, err := workbench.New(ctx, workbench.Options{
		Network: network, Bus: bus, Texts: a.lang.roomTexts(file.Language), Legacy: legacy, Observer: observer, Log: log,
		Opened: func(d workbench.Door, ln net.Listener) {
			a.announce(d.Address, ln)
			listeners = append(listeners, ln)
		},
	}, file)
	if err != nil {
		return err
	}
	notifier, err := workbench.NewNotifier(os.LookupEnv, os.Getpid())
	if err != nil {
		log.Warn("systemd cannot be told", "reason", err)
	}
	ctx, fail := context.WithCancelCause(ctx)
	defer fail(nil)
	status, err := a.status(ctx, network, w, file.Status, fail)
	if err != nil {
		fail(err)
		return and(err, w.Run(ctx))
	}
	defer status()
	for _, left := range sockets.Left() {
		log.Warn("systemd has opened a socket that is no door", "socket", left)
	}
	if !f.broker {
		a.howTo(listeners)
	}
	defer a.obey(ctx, hangups, w, notifier, path, log)()
	_ = notifier.Ready()
	defer answerWatchdog(ctx, notifier, log)()
	defer sayStopping(ctx, notifier)()
	if err := w.Run(ctx); err != nil {
		return err
	}
	if cause := context.Cause(ctx); cause != errInterrupted {
		return cause
	}
	return nil
}

// status answers questions about w at an address, if there is one, until done is called.
func (a *app) status(ctx context.Context, network endpoint.Network, w *workbench.Workbench, at endpoint.Addr, fail context.CancelCauseFunc) (done func(), err error) {
	if at == (endpoint.Addr{}) {
		return func() {}, nil
	}
	ln, err := network.Listen(ctx, at)
	if err != nil {
		return nil, fmt.Errorf("status: listen on %v: %w", at, err)
	}
	a.note("status at http://%v/metrics", ln.Addr())
	v, _ := buildVersion()
	s := &workbench.Status{Snapshot: w.Snapshot, Version: v, Ready: func() error { return context.Cause(ctx) }}
	serving, stop := context.WithCancel(context.WithoutCancel(ctx)) // it answers until the last has gone
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		if err := s.Serve(serving, ln); serving.Err() == nil {
			fail(err)
		}
	}()
	return func() { stop(); <-ended }, nil
}

// answerWatchdog answers systemd's watchdog until stop is called.
func answerWatchdog(ctx context.Context, n *workbench.Notifier, log *slog.Logger) (stop func()) {
	ctx, cancel := context.WithCancel(context.WithoutCancel(ctx)) // also while the last are leaving
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		if err := n.Run(ctx, nil); err != nil && ctx.Err() == nil {
			log.Warn("systemd's watchdog", "reason", err)
		}
	}()
	return func() { cancel(); <-ended }
}

// sayStopping tells systemd when ctx ends. Once wait returns it has been told.
func sayStopping(ctx context.Context, n *workbench.Notifier) (wait func()) {
	told := make(chan struct{})
	stop := context.AfterFunc(ctx, func() {
		defer close(told)
		_ = n.Stopping()
	})
	return func() {
		if !stop() {
			<-told
		}
	}
}

// obey has the file read again at every SIGHUP that c brings, until stop is called; from then on SIGHUP does nothing. Without a
// file SIGHUP ends the program as Ctrl-C does, unless nohup has it ignored.
func (a *app) obey(ctx context.Context, c chan os.Signal, w *workbench.Workbench, n *workbench.Notifier, path string, log *slog.Logger) (stop func()) {
	if path == "" {
		if signal.Ignored(syscall.SIGHUP) {
			return func() {}
		}
		signal.Notify(c, syscall.SIGHUP)
	}
	interrupt := sync.OnceFunc(a.interrupt) // the kernel and the shell both tell of it; a second Ctrl-C would cut us short
	done, ended := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(ended)
		for {
			select {
			case <-c:
			case <-done:
				return
			}
			if path == "" { // the terminal is gone, and nobody would see us
				interrupt()
				continue
			}
			_ = n.Reloading()
			a.reload(ctx, w, path, log)
			_ = n.Ready()
		}
	}()
	return func() { close(done); <-ended } // and no signal.Stop: SIGHUP would kill us at once
}

func (a *app) reload(ctx context.Context, w *workbench.Workbench, path string, log *slog.Logger) {
	file, err := workbench.Load(path)
	if err != nil {
		log.Error("the file was not taken; everything is as it was", "file", path, "reason", err)
		return
	}
	restart, err := w.Reload(ctx, file)
	if err != nil {
		log.Error("the file was taken in part", "file", path, "reason", err)
		return
	}
	for _, key := range restart {
		log.Warn("this takes a restart", "file", path, "key", key)
	}
	log.Info("the file was taken", "file", path)
}

// fileLog is where a file's log goes.
func (a *app) fileLog(c workbench.Log) *slog.Logger {
	o := &slog.HandlerOptions{Level: min(c.Slog(), slog.LevelWarn-slog.Level(4*a.verbose))}
	if c.Format == "json" {
		return slog.New(slog.NewJSONHandler(a.stderr, o))
	}
	return slog.New(slog.NewTextHandler(a.stderr, o))
}

// howTo says how to talk to the room.
func (a *app) howTo(listeners []net.Listener) {
	for _, ln := range listeners {
		at, ok := ln.Addr().(*net.TCPAddr)
		if !ok {
			continue
		}
		host, port := "127.0.0.1", fmt.Sprint(at.Port)
		if !at.IP.IsUnspecified() {
			host = at.IP.String()
		}
		a.note(`talk to it:
  nc %s %s
  sockeye connect %s
  python3 -c 'import socket; s=socket.create_connection(("%s",%s)); s.sendall("你好\n".encode()); print(s.recv(1024).decode())'`,
			host, port, net.JoinHostPort(host, port), host, port)
		return
	}
}
