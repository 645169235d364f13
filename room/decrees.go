package room

import (
	"context"
	"fmt"
	"log/slog"
	"net/netip"
	"slices"
	"strings"
	"sync"
	"time"
)

// decrees are what operators have decreed until somebody decrees otherwise: who is barred, and what rooms are about. A bus
// forgets what was said after a while; these it keeps beside, as Records, and every house on it hears of them. Where there
// are decrees, they say who is barred, and no room's roster does.
type decrees struct {
	records Records
	log     *slog.Logger
	known   chan struct{} // closed once what was recorded before has been told
	running context.Context
	stop    context.CancelFunc
	work    sync.WaitGroup

	wake chan struct{} // holds one token when unkept may not be empty
	mu   sync.Mutex
	// What is not recorded yet, by its key: nil is to be forgotten, and only the last of each key counts.
	unkept, underWay map[string][]byte
}

// The keys of records.
const (
	barKey   = "bar/"   // and a source; the value is who has barred it
	topicKey = "topic/" // and a room's name
)

// keep has the bus keep what is decreed, if it can, until close. It returns when it is known what was decreed before, or with
// an error when ctx ends; then it is heard of later.
func (c *common) keep(ctx context.Context, bus Bus, log *slog.Logger) error {
	records, ok := bus.(Records)
	if !ok {
		return nil
	}
	d := &decrees{records: records, log: log, known: make(chan struct{}), wake: make(chan struct{}, 1), unkept: make(map[string][]byte)}
	d.running, d.stop = context.WithCancel(context.WithoutCancel(ctx))
	c.decrees = d
	d.work.Go(func() {
		defer d.heed(c.heed)()
		d.write()
	})
	select {
	case <-d.known:
		return nil
	case <-ctx.Done():
		return fmt.Errorf("who is barred is not known yet: %w", context.Cause(ctx))
	}
}

// close waits a moment for what is not recorded yet.
func (c *common) close() {
	if d := c.decrees; d != nil {
		d.stop()
		d.work.Wait()
	}
}

// heed has f told what is recorded, as soon as the bus can, until stop is called.
func (d *decrees) heed(f func(key string, value []byte)) (stop func()) {
	for {
		ctx, cancel := context.WithTimeout(d.running, 10*time.Second)
		stop, err := d.records.HeedRecords(ctx, f)
		cancel()
		if err == nil {
			close(d.known)
			return stop
		}
		if d.running.Err() == nil {
			d.log.Warn("who is barred is not known yet", "reason", err)
		}
		select {
		case <-time.After(time.Second):
		case <-d.running.Done():
			return func() {}
		}
	}
}

// heed is told what is recorded, and what becomes of it.
func (c *common) heed(key string, value []byte) {
	if c.decrees.isUnkept(key) { // what we know is newer
		return
	}
	if text, ok := strings.CutPrefix(key, barKey); ok {
		if source, ok := parseSource(text); ok && barrable(source) {
			c.bar(source, value != nil)
		}
	} else if room, ok := strings.CutPrefix(key, topicKey); ok {
		c.mu.Lock()
		defer c.mu.Unlock()
		if c.topics == nil {
			c.topics = make(map[string]string)
		}
		if c.topics[room] = string(value); value == nil {
			delete(c.topics, room)
		}
	}
}

// topic is what an operator has made a room be about, when it was open last.
func (c *common) topic(room string) string {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.topics[room]
}

// record has value kept, or forgotten if it is nil. It never blocks.
func (c *common) record(key string, value []byte) {
	d := c.decrees
	if d == nil {
		return
	}
	d.mu.Lock()
	d.unkept[key] = value
	d.mu.Unlock()
	select {
	case d.wake <- struct{}{}:
	default: // it is awake
	}
}

// overrule is for what another node has decreed, and records: what is still to be recorded here is older.
func (c *common) overrule(key string) {
	if d := c.decrees; d != nil {
		d.mu.Lock()
		defer d.mu.Unlock()
		delete(d.unkept, key)
		delete(d.underWay, key)
	}
}

// isKnown reports whether d says who is barred; until then rosters do, too.
func (d *decrees) isKnown() bool {
	if d == nil {
		return false
	}
	select {
	case <-d.known:
		return true
	default:
		return false
	}
}

func (d *decrees) isUnkept(key string) bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	_, is := d.unkept[key]
	return is
}

// write records what there is to record, until close. What the bus does not take is tried again.
func (d *decrees) write() {
	var again <-chan time.Time
	for d.running.Err() == nil {
		select {
		case <-d.wake:
		case <-again:
		case <-d.running.Done():
			continue
		}
		again = nil
		if err := d.writeAll(d.running); err != nil && d.running.Err() == nil {
			d.log.Warn("a ban or a topic is not kept yet", "reason", err)
			again = time.After(time.Minute)
		}
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(d.running), time.Second)
	defer cancel()
	if err := d.writeAll(ctx); err != nil {
		d.log.Error("bans or topics are not kept", "reason", err)
	}
}

func (d *decrees) writeAll(ctx context.Context) error {
	d.mu.Lock()
	all := d.unkept
	d.unkept, d.underWay = make(map[string][]byte), all
	keys := make([]string, 0, len(all))
	for key := range all {
		keys = append(keys, key)
	}
	d.mu.Unlock()
	var failed error
	for _, key := range keys {
		d.mu.Lock()
		value, wanted := d.underWay[key] // or it has been overruled
		d.mu.Unlock()
		if wanted && failed == nil {
			failed = d.records.Record(ctx, key, value)
		}
		d.mu.Lock()
		if _, newer := d.unkept[key]; failed != nil && !newer {
			if value, wanted := d.underWay[key]; wanted {
				d.unkept[key] = value
			}
		}
		d.mu.Unlock()
	}
	return failed
}

// decree is for a Bar or Unbar by somebody on this node.
func (c *common) decree(k Kind, source netip.Prefix, by string) {
	c.bar(source, k == Bar)
	if k == Bar {
		c.record(barKey+source.String(), []byte(by))
	} else {
		c.record(barKey+source.String(), nil)
	}
}

// bar has a source barred, or not any more.
func (c *common) bar(source netip.Prefix, barred bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	switch {
	case slices.Contains(c.barred, source) == barred:
	case barred:
		c.barred = append(c.barred, source)
	default:
		c.barred = slices.DeleteFunc(c.barred, func(p netip.Prefix) bool { return p == source })
	}
}

// bars returns all that are barred, in the order in which they were.
func (c *common) bars() []netip.Prefix {
	c.mu.Lock()
	defer c.mu.Unlock()
	return slices.Clone(c.barred)
}
