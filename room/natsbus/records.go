package natsbus

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/nats-io/nats.go/jetstream"
)

// bucket is the key-value bucket of JetStream's that the records are in. Its keys are the records' own, escaped, and its
// values begin with the key as it was and a zero byte: a long one is escaped into a hash.
const bucket = "sockeye"

// records opens the bucket, and makes it unless it exists.
func (b *Bus) records(ctx context.Context) (kv jetstream.KeyValue, err error) {
	c := jetstream.KeyValueConfig{
		Bucket: bucket, Description: "Sockeye: who is barred, and what rooms are about",
		History: 1, Storage: jetstream.FileStorage, Replicas: b.c.Replicas,
	}
	if b.server != nil {
		return b.js.CreateOrUpdateKeyValue(ctx, c)
	}
	kv, err = b.js.KeyValue(ctx, bucket) // whoever has made it may have given it other limits
	if errors.Is(err, jetstream.ErrBucketNotFound) {
		if kv, err = b.js.CreateKeyValue(ctx, c); errors.Is(err, jetstream.ErrBucketExists) { // by now
			kv, err = b.js.KeyValue(ctx, bucket)
		}
	}
	return kv, err
}

// Record implements room.Records. It waits and tries again as Publish does.
func (b *Bus) Record(ctx context.Context, key string, value []byte) error {
	err := b.persist(ctx, func(ctx context.Context) error {
		kv, err := b.records(ctx)
		switch {
		case err != nil:
		case value == nil:
			err = kv.Purge(ctx, escape(key))
		default:
			_, err = kv.Put(ctx, escape(key), append(append([]byte(key), 0), value...))
		}
		return err
	})
	if err != nil {
		return fmt.Errorf("record %s: %w", key, err)
	}
	return nil
}

// HeedRecords implements room.Records. What is lost on the way, because the bucket or its leader is gone for a while, is told
// when it is back.
func (b *Bus) HeedRecords(ctx context.Context, f func(key string, value []byte)) (stop func(), err error) {
	c := &clerk{b: b, f: f, keys: make(map[string]string), ended: make(chan struct{})}
	c.running, c.stop = context.WithCancel(b.running)
	if err = c.open(ctx); err == nil {
		if err = b.start(c.run); err == nil {
			return func() { c.stop(); <-c.ended }, nil
		}
		c.leave()
	}
	c.stop()
	return nil, fmt.Errorf("heed the records: %w", err)
}

// A clerk tells f of the records.
type clerk struct {
	b       *Bus
	f       func(key string, value []byte)
	keys    map[string]string // of records, by those of the bucket
	running context.Context
	stop    context.CancelFunc
	ended   chan struct{}

	watcher jetstream.KeyWatcher
	unwatch context.CancelFunc // ends what watcher is bound to
}

// open watches the bucket and tells of everything in it, within ctx.
func (c *clerk) open(ctx context.Context) error {
	if err := c.b.persist(ctx, c.watch); err != nil {
		return err
	}
	err := c.tellAll(ctx)
	if err != nil {
		c.leave()
	}
	return err
}

// watch begins to watch, within ctx.
func (c *clerk) watch(ctx context.Context) error {
	kv, err := c.b.records(ctx)
	if err != nil {
		return err
	}
	var watching context.Context
	watching, c.unwatch = context.WithCancel(c.running)
	inTime := context.AfterFunc(ctx, c.unwatch)
	c.watcher, err = kv.WatchAll(watching)
	if late := !inTime(); err == nil && late {
		c.leave()
		err = context.Cause(ctx)
	}
	if err != nil {
		c.unwatch()
	}
	return err
}

// leave ends what watch has begun; the client unsubscribes by itself. It may be waiting to hand over a change, and does not
// always say that there are no more.
func (c *clerk) leave() {
	c.unwatch()
	for {
		select {
		case _, more := <-c.watcher.Updates():
			if !more {
				return
			}
		case <-time.After(time.Second):
			return
		}
	}
}

var errWatch = errors.New("the watch of the bucket has ended")

// tellAll tells of everything that is there, and of what is there no more.
func (c *clerk) tellAll(ctx context.Context) error {
	there := make(map[string]bool)
	for {
		select {
		case e, ok := <-c.watcher.Updates():
			if !ok {
				return errWatch
			}
			if e != nil {
				c.tell(e)
				there[e.Key()] = true
				continue
			}
			for at, key := range c.keys { // nil: that was all
				if !there[at] {
					delete(c.keys, at)
					c.f(key, nil)
				}
			}
			return nil
		case <-ctx.Done():
			return context.Cause(ctx)
		case <-c.running.Done():
			return ErrClosed
		}
	}
}

// run tells of every change until stop is called.
func (c *clerk) run() {
	defer close(c.ended)
	for {
		c.follow()
		c.leave()
		for {
			if c.running.Err() != nil {
				return
			}
			err := c.open(c.running)
			if err == nil {
				break
			}
			if c.running.Err() != nil {
				return
			}
			c.b.c.Log.Warn("natsbus: the records are not heard of", "because", err)
			select {
			case <-time.After(time.Second):
			case <-c.running.Done():
			}
		}
	}
}

// follow tells of every change until stop is called or the client gives the watch up.
func (c *clerk) follow() {
	for {
		select {
		case e, ok := <-c.watcher.Updates():
			if !ok {
				return
			}
			if e != nil && c.running.Err() == nil {
				c.tell(e)
			}
		case <-c.running.Done():
			return
		}
	}
}

func (c *clerk) tell(e jetstream.KeyValueEntry) {
	if e.Operation() != jetstream.KeyValuePut {
		if key, known := c.keys[e.Key()]; known {
			delete(c.keys, e.Key())
			c.f(key, nil)
		}
	} else if key, value, ok := bytes.Cut(e.Value(), []byte{0}); ok {
		c.keys[e.Key()] = string(key)
		c.f(string(key), append([]byte{}, value...))
	}
}

// start runs f on a goroutine that Close waits for, unless the bus is closed.
func (b *Bus) start(f func()) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.closed {
		return ErrClosed
	}
	b.tasks.Go(f)
	return nil
}
