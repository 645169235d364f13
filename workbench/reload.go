package workbench

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"sockeye.dev/endpoint"
)

// Reload makes the workbench be as another file says, without putting anybody out: doors that are new are opened, those
// that are not in it any more closed, and those that differ closed and opened anew; who has come in by one stays, as it
// was when it came. Doors that stay read their certificates anew; one that cannot be as the file says, its certificate
// being no good, stays as it is. Rooms, operators, bans and the limits of a room are as the file says at once. What else
// is different needs a restart, and is returned by its key. When a door cannot be opened the others are as the file says,
// and the error tells of it.
func (w *Workbench) Reload(ctx context.Context, f *File) (restart []string, err error) {
	secret, err := f.Operators.ReadSecret()
	if err != nil {
		return nil, err
	}
	w.mu.Lock()
	old := w.file
	w.mu.Unlock()
	if err := w.house.SetRooms(ctx, fixed(f.Rooms)); err != nil {
		return nil, err
	}
	unready := w.unready(f.Listen)
	var faults []error
	w.mu.Lock()
	w.file, w.secret = f, string(secret)
	c := w.houseConfig(f)
	var closing []Door
	var staying []*door
	open, kept := make(map[string]bool), make(map[string]bool)
	for _, d := range w.doors {
		switch {
		case d.retired:
		case slices.Contains(f.Listen, d.spec):
			open[d.spec.Address.String()] = true
			staying = append(staying, d)
		case d.datagrams() && slices.ContainsFunc(f.Listen, func(o Door) bool { return same(o.Address, d.spec.Address) }):
			// Its members have its socket: another cannot be opened beside it.
			open[d.spec.Address.String()] = true
			restart = append(restart, "listen: "+d.spec.Address.Redacted().String())
		case unready[placeOf(d.spec.Address)] != nil: // better the old door than none
			faults = append(faults, fmt.Errorf("the door %v stays as it is: %w", d.spec.Address.Redacted(), unready[placeOf(d.spec.Address)]))
			kept[placeOf(d.spec.Address)] = true
		default:
			closing = append(closing, d.spec)
		}
	}
	w.mu.Unlock()
	w.house.Adjust(c)
	for _, d := range staying {
		faults = append(faults, w.renew(d))
	}
	for _, d := range closing {
		faults = append(faults, w.CloseDoor(d.Address))
	}
	for _, d := range f.Listen {
		if !open[d.Address.String()] && !kept[placeOf(d.Address)] {
			faults = append(faults, w.OpenDoor(ctx, d))
		}
	}
	return append(restart, needsRestart(old, f)...), errors.Join(faults...)
}

// placeOf names a door by its socket and what is spoken there: a tcp door does not stay for a tls one.
func placeOf(a endpoint.Addr) string { return a.Scheme + " " + socketOf(a) }

// unready is what keeps doors from being opened that can be known before, by their places.
func (w *Workbench) unready(doors []Door) map[string]error {
	why := make(map[string]error)
	for _, d := range doors {
		addr, _, err := w.settle(d)
		if err == nil {
			err = tellOf(addr.CheckFiles(), ours)
		}
		if err != nil && socketOf(addr) != "" {
			why[placeOf(addr)] = err
		}
	}
	return why
}

// renew has a door read the files of its certificates anew.
func (w *Workbench) renew(d *door) error {
	ln, ok := d.ln.(endpoint.Renewer)
	if !ok {
		return nil
	}
	shown := func() string { return d.ln.(endpoint.Fingerprinter).Fingerprint() }
	before := shown()
	if err := ln.Renew(); err != nil {
		return fmt.Errorf("the door %v stays with the certificates it has: %w", d.spec.Address.Redacted(), err)
	}
	if now := shown(); now != before {
		w.o.Log.Info("a door has a new certificate", "door", d.spec.Address.Redacted().String(), "fingerprint", now)
	}
	return nil
}

// needsRestart are the keys of what Reload does not change.
func needsRestart(a, b *File) (keys []string) {
	history := func(h History) History { h.Newcomers = 0; return h }
	if history(a.History) != history(b.History) {
		keys = append(keys, "history")
	}
	if !slices.Equal(a.NATS.Servers, b.NATS.Servers) || a.NATS.Replicas != b.NATS.Replicas || a.NATS.Domain != b.NATS.Domain ||
		a.NATS.Credentials != b.NATS.Credentials || a.NATS.Token != b.NATS.Token || a.NATS.CA != b.NATS.CA ||
		a.NATS.Certificate != b.NATS.Certificate || a.NATS.Key != b.NATS.Key {
		keys = append(keys, "nats")
	}
	for key, differs := range map[string]bool{
		"drain":           a.Drain != b.Drain,
		"limits.sessions": a.Limits.Sessions != b.Limits.Sessions, "limits.per-source": a.Limits.PerSource != b.Limits.PerSource,
		"limits.lines-per-second": a.Limits.LinesPerSecond != b.Limits.LinesPerSecond,
		"limits.joins-per-second": a.Limits.JoinsPerSecond != b.Limits.JoinsPerSecond,
		"status":                  !same(a.Status, b.Status), "log": a.Log != b.Log, "language": a.Language != b.Language,
	} {
		if differs {
			keys = append(keys, key)
		}
	}
	slices.Sort(keys)
	return keys
}
