package natsbus

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math"
	"net"
	"os"
	"path/filepath"
	"sync"
	"syscall"
	"time"

	"github.com/nats-io/nats-server/v2/server"
)

// embedded is a JetStream server in this process. It can be replaced while the client stays: the client reconnects.
type embedded struct {
	c       Config
	release func() error
	running context.Context // ends with close
	stop    context.CancelFunc
	mending sync.WaitGroup
	failing func(error) // told when the store fails, and with nil when it works again

	mu     sync.Mutex
	srv    *server.Server
	failed error // why the store takes nothing more
	closed bool
}

var errStopped = errors.New("the embedded server is stopped")

func startEmbedded(c Config, failing func(error)) (*embedded, error) {
	release, err := lock(c.Dir)
	if err != nil {
		return nil, err
	}
	e := &embedded{c: c, release: release, failing: failing}
	e.running, e.stop = context.WithCancel(context.Background())
	srv, err := e.start()
	if err != nil {
		e.stop()
		return nil, errors.Join(err, release())
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	e.srv = srv
	return e, nil
}

// start starts a server on the directory and returns when it is ready.
func (e *embedded) start() (*server.Server, error) {
	log := &serverLog{log: e.c.Log, storeFailed: e.storeFailed}
	srv, err := server.NewServer(&server.Options{
		ServerName: "sockeye",
		DontListen: true,
		NoSigs:     true,
		NoLog:      true,
		JetStream:  true,
		StoreDir:   e.c.Dir,
		// The limits of the rooms and the disk are the limits. JetStream would otherwise set MaxBytes of every room
		// aside and refuse further rooms when their sum is more than three quarters of what is free at the start.
		JetStreamMaxStore:      math.MaxInt64 / 4,
		JetStreamMaxMemory:     64 << 20, // consumers only
		SyncInterval:           e.c.SyncInterval,
		SyncAlways:             e.c.SyncAlways,
		NoSystemAccount:        true,
		DisableJetStreamBanner: true,
	})
	if err != nil {
		return nil, err
	}
	srv.SetLoggerV2(log, false, false, false)
	srv.Start()
	if err := log.fatal(); err != nil || !srv.JetStreamEnabled() {
		srv.Shutdown()
		srv.WaitForShutdown()
		return nil, errors.Join(errors.New("the embedded server does not start"), err)
	}
	return srv, nil
}

// InProcessConn connects to the server that is running at the time; it is what the client reconnects through.
func (e *embedded) InProcessConn() (net.Conn, error) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.srv == nil {
		return nil, errStopped
	}
	return e.srv.InProcessConn()
}

// broken returns why the store takes nothing at the moment, or nil.
func (e *embedded) broken() error {
	if e == nil {
		return nil
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	return e.failed
}

// storeFailed is called by the server's log. JetStream gives a stream up at its first failed write, without an answer to
// who published, and never tries again: only another server on the same directory does.
func (e *embedded) storeFailed(err error) {
	e.mu.Lock()
	first := e.failed == nil && e.srv != nil && !e.closed
	if first {
		e.failed = err
		e.mending.Go(e.mend) // with mu held: close has not begun to wait
	}
	e.mu.Unlock()
	if first {
		e.failing(err)
	}
}

// mend waits until the directory can be written again and puts a new server on it.
func (e *embedded) mend() {
	tick := time.NewTicker(500 * time.Millisecond)
	defer tick.Stop()
	for {
		select {
		case <-e.running.Done():
			return
		case <-tick.C:
		}
		if e.tryWrite() != nil || !e.restart() {
			continue
		}
		e.c.Log.Info("natsbus: the store works again", "dir", e.c.Dir)
		e.failing(nil)
		return
	}
}

// restart replaces the server and reports whether the new one runs. Until it does, failed stands.
func (e *embedded) restart() bool {
	e.mu.Lock()
	old := e.srv
	e.srv = nil
	e.mu.Unlock()
	if old != nil {
		old.Shutdown()
		old.WaitForShutdown()
	}
	srv, err := e.start()
	e.mu.Lock()
	defer e.mu.Unlock()
	if err != nil {
		e.c.Log.Error("natsbus: restart", "dir", e.c.Dir, "err", err)
		return false
	}
	e.srv, e.failed = srv, nil
	return true
}

// tryWrite fails as long as there is not even room for some messages.
func (e *embedded) tryWrite() error {
	f, err := os.CreateTemp(e.c.Dir, "probe-")
	if err != nil {
		return err
	}
	_, err = f.Write(make([]byte, 1<<20))
	return errors.Join(err, f.Close(), os.Remove(f.Name()))
}

// shutdown ends the server, waits for what it started, and gives the directory back.
func (e *embedded) shutdown() error {
	e.mu.Lock()
	e.closed = true
	e.mu.Unlock()
	e.stop()
	e.mending.Wait()
	if e.srv != nil {
		e.srv.Shutdown()
		e.srv.WaitForShutdown()
	}
	// A probe that was under way when a former process was killed.
	left, _ := filepath.Glob(filepath.Join(e.c.Dir, "probe-*"))
	for _, name := range left {
		_ = os.Remove(name)
	}
	return e.release()
}

// serverLog hands the server's log to slog and listens for what the server tells nobody else.
type serverLog struct {
	log         *slog.Logger
	storeFailed func(error)

	mu   sync.Mutex
	last error
}

var _ server.Logger = (*serverLog)(nil)

func (l *serverLog) put(level slog.Level, format string, v []any) {
	if l.log.Enabled(context.Background(), level) {
		l.log.Log(context.Background(), level, "nats-server: "+fmt.Sprintf(format, v...))
	}
}

func (l *serverLog) fatal() error {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.last
}

func (l *serverLog) Fatalf(format string, v ...any) {
	l.put(slog.LevelError, format, v)
	l.mu.Lock()
	defer l.mu.Unlock()
	l.last = fmt.Errorf(format, v...)
}

// Errorf recognises a failing store by the system's error among the arguments.
func (l *serverLog) Errorf(format string, v ...any) {
	l.put(slog.LevelError, format, v)
	for _, x := range v {
		var no syscall.Errno
		if err, ok := x.(error); ok && errors.As(err, &no) {
			l.storeFailed(no)
			return
		}
	}
}

func (l *serverLog) Noticef(format string, v ...any) { l.put(slog.LevelDebug, format, v) }
func (l *serverLog) Warnf(format string, v ...any)   { l.put(slog.LevelWarn, format, v) }
func (l *serverLog) Debugf(format string, v ...any)  { l.put(slog.LevelDebug, format, v) }
func (l *serverLog) Tracef(format string, v ...any)  { l.put(slog.LevelDebug, format, v) }
