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
// forgets what was said after a while; these it keeps beside, as Records, and every house on it hears of them. Once it is
// known what was recorded before, they say who is barred, and no room's roster does.
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
	unkept   map[string][]byte
	underWay string // the key that is being recorded
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
		defer c.heedAll()()
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

// heedAll has heed told what is recorded, as soon as the bus can, until stop is called.
func (c *common) heedAll() (stop func()) {
	d := c.decrees
	for {
		var mu sync.Mutex
		told := make(map[string]bool) // nil once that was all
		ctx, cancel := context.WithTimeout(d.running, 10*time.Second)
		stop, err := d.records.HeedRecords(ctx, func(key string, value []byte) {
			mu.Lock()
			if told != nil {
				told[key] = true
			}
			mu.Unlock()
			c.heed(key, value)
		})
		cancel()
		if err == nil {
			mu.Lock()
			c.lift(told)
			told = nil
			mu.Unlock()
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

// lift is for bars that rooms have heard of while the records were not known, and that are not among them: they were lifted
// where we did not hear it.
func (c *common) lift(recorded map[string]bool) {
	for _, source := range c.bars() {
		if key := barKey + source.String(); !recorded[key] && !c.decrees.isUnkept(key) {
			c.bar(source, false)
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

// overrule is for what another node has decreed, and records. What this one is about to record, or is recording, is older:
// it may come later and must not stand, so that the newer is recorded from here as well.
func (c *common) overrule(key string, value []byte) {
	d := c.decrees
	if d == nil {
		return
	}
	d.mu.Lock()
	_, older := d.unkept[key]
	older = older || d.underWay == key
	d.mu.Unlock()
	if older {
		c.record(key, value)
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
	for {
		key, value := d.next()
		if key == "" {
			return nil
		}
		if err := d.records.Record(ctx, key, value); err != nil {
			d.mu.Lock()
			defer d.mu.Unlock()
			d.underWay = ""
			if _, newer := d.unkept[key]; !newer {
				d.unkept[key] = value
			}
			return err
		}
	}
}

// next is what is to be recorded now; no key: nothing is.
func (d *decrees) next() (key string, value []byte) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.underWay = ""
	for key, value := range d.unkept {
		delete(d.unkept, key)
		d.underWay = key
		return key, value
	}
	return "", nil
}

// decree is for a Bar or Unbar by somebody on this node.
func (c *common) decree(k Kind, source netip.Prefix, by string) {
	c.record(barRecord(k, source, by)) // first: lift leaves it alone then
	c.bar(source, k == Bar)
}

// barRecord is how a Bar or Unbar is recorded.
func barRecord(k Kind, source netip.Prefix, by string) (key string, value []byte) {
	if k == Bar {
		value = []byte(by)
	}
	return barKey + source.String(), value
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
