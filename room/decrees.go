package room

import (
	"context"
	"log/slog"
	"net/netip"
	"slices"
	"strings"
	"sync"
	"time"
)

// decrees are what operators have decreed until somebody decrees otherwise: who is barred, and what rooms are about. A bus
// forgets what was said after a while; these it keeps beside, as Records, and every house on it hears of them.
type decrees struct {
	records Records
	log     *slog.Logger
	unheed  func()
	running context.Context
	stop    context.CancelFunc
	writing sync.WaitGroup

	wake chan struct{} // holds one token when unkept may not be empty
	mu   sync.Mutex
	// unkept is what is not recorded yet, by its key; nil is to be forgotten. Only the last of each key counts.
	unkept map[string][]byte
}

// The keys of records.
const (
	barKey   = "bar/"   // and a source; the value is who has barred it
	topicKey = "topic/" // and a room's name
)

// keep has the bus keep what is decreed from now on, if it can, and returns when it is known what was before. close ends it.
func (c *common) keep(ctx context.Context, bus Bus, log *slog.Logger) error {
	records, ok := bus.(Records)
	if !ok {
		return nil
	}
	unheed, err := records.HeedRecords(ctx, c.heed)
	if err != nil {
		return err
	}
	d := &decrees{records: records, log: log, unheed: unheed, wake: make(chan struct{}, 1), unkept: make(map[string][]byte)}
	d.running, d.stop = context.WithCancel(context.WithoutCancel(ctx))
	d.writing.Go(d.run)
	c.decrees = d
	return nil
}

// close waits a moment for what is not recorded yet.
func (c *common) close() {
	if d := c.decrees; d != nil {
		d.stop()
		d.writing.Wait()
		d.unheed()
	}
}

// heed is told what is recorded, and what becomes of it.
func (c *common) heed(key string, value []byte) {
	if text, ok := strings.CutPrefix(key, barKey); ok {
		if source, err := netip.ParsePrefix(text); err == nil {
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

// topic is what a room was about when somebody was in it last.
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

// run records what there is to record. What the bus does not take is tried again.
func (d *decrees) run() {
	var again <-chan time.Time
	for {
		select {
		case <-d.wake:
		case <-again:
		case <-d.running.Done():
			ctx, cancel := context.WithTimeout(context.WithoutCancel(d.running), time.Second)
			defer cancel()
			_ = d.write(ctx)
			return
		}
		again = nil
		if err := d.write(d.running); err != nil {
			d.log.Warn("a ban or a topic is not kept yet", "reason", err)
			again = time.After(time.Minute)
		}
	}
}

func (d *decrees) write(ctx context.Context) error {
	d.mu.Lock()
	unkept := d.unkept
	d.unkept = make(map[string][]byte)
	d.mu.Unlock()
	var failed error
	for key, value := range unkept {
		if failed == nil {
			failed = d.records.Record(ctx, key, value)
		}
		if failed != nil {
			d.mu.Lock()
			if _, newer := d.unkept[key]; !newer {
				d.unkept[key] = value
			}
			d.mu.Unlock()
		}
	}
	return failed
}

// bar reports whether it was not so already.
func (c *common) bar(source netip.Prefix, barred bool) (changed bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if slices.Contains(c.barred, source) == barred {
		return false
	}
	if barred {
		c.barred = append(c.barred, source)
	} else {
		c.barred = slices.DeleteFunc(c.barred, func(p netip.Prefix) bool { return p == source })
	}
	return true
}

// bars returns all that are barred, in the order in which they were.
func (c *common) bars() []netip.Prefix {
	c.mu.Lock()
	defer c.mu.Unlock()
	return slices.Clone(c.barred)
}
