package main

import (
	"context"
	"log/slog"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"time"

	"sockeye.dev/room"
	"sockeye.dev/room/natsbus"
	"sockeye.dev/workbench"
)

// bus is what carries the rooms: a cluster, a directory, or nil, which is memory. Who has written a file, or has systemd
// provide the directory, relies on it; who has only typed serve has rooms in any case.
func (a *app) bus(ctx context.Context, file *workbench.File, written bool, log *slog.Logger) (_ room.Bus, done func() error, err error) {
	none := func() error { return nil }
	limit := func(n int64) int64 {
		if n == 0 {
			return -1 // none, to natsbus
		}
		return n
	}
	h, n := file.History, file.NATS
	c := natsbus.Config{
		Log: log, MaxMessages: limit(int64(h.Messages)), MaxBytes: limit(int64(h.Bytes)), MaxAge: time.Duration(limit(int64(h.Age))),
		URLs: n.Servers, CredentialsFile: n.Credentials, Token: string(n.Token), CAFile: n.CA, CertFile: n.Certificate, KeyFile: n.Key,
		Domain: n.Domain, Replicas: n.Replicas,
	}
	byDefault := false
	if len(n.Servers) == 0 {
		if !h.Keep {
			return nil, none, nil
		}
		if c.Dir = h.Data; c.Dir == "" {
			rooms := slices.ContainsFunc(file.Listen, func(d workbench.Door) bool { return !d.Broker })
			written = rooms && (written || a.getenv("STATE_DIRECTORY") != "")
			switch c.Dir = a.stateDir(); {
			case c.Dir == "" && written:
				return nil, none, usage("there is no directory for state: write data under history, or keep: false")
			case c.Dir == "":
				a.note("what is said is kept in memory only: there is no directory for state; --data names one")
				return nil, none, nil
			}
			byDefault = !written
		}
	}
	bus, err := natsbus.Open(ctx, c)
	switch {
	case err != nil && byDefault && ctx.Err() == nil:
		a.note("what is said is kept in memory only: %v", err)
		return nil, none, nil
	case err != nil:
		return nil, none, err
	}
	return bus, bus.Close, nil
}

// stateDir is where rooms are kept unless a directory is named: systemd's, the XDG one, or the system's own.
func (a *app) stateDir() string {
	if dir := a.getenv("STATE_DIRECTORY"); dir != "" {
		dir, _, _ = strings.Cut(dir, ":")
		return filepath.Join(dir, "rooms")
	}
	if dir := a.getenv("XDG_STATE_HOME"); filepath.IsAbs(dir) {
		return filepath.Join(dir, "sockeye", "rooms")
	}
	if dir := a.getenv("LocalAppData"); runtime.GOOS == "windows" && dir != "" {
		return filepath.Join(dir, "sockeye", "rooms")
	}
	home := a.getenv("HOME")
	switch {
	case home == "":
		return ""
	case runtime.GOOS == "darwin":
		return filepath.Join(home, "Library", "Application Support", "sockeye", "rooms")
	}
	return filepath.Join(home, ".local", "state", "sockeye", "rooms")
}
