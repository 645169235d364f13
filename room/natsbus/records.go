package natsbus

import (
	"bytes"
	"context"
	"errors"
	"fmt"

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
	if kv, err = b.js.KeyValue(ctx, bucket); errors.Is(err, jetstream.ErrBucketNotFound) {
		if kv, err = b.js.CreateKeyValue(ctx, c); errors.Is(err, jetstream.ErrBucketExists) { // by now, and made with other limits
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

// HeedRecords implements room.Records.
func (b *Bus) HeedRecords(ctx context.Context, f func(key string, value []byte)) (stop func(), err error) {
	c := &clerk{f: f, keys: make(map[string]string)}
	err = b.persist(ctx, func(ctx context.Context) error { return c.watch(ctx, b) })
	if err == nil {
		if err = c.tellAll(ctx); err == nil {
			err = b.start(c.run)
		}
		if err != nil {
			c.stop()
		}
	}
	if err != nil {
		return nil, fmt.Errorf("heed the records: %w", err)
	}
	return func() { c.stop(); <-c.ended }, nil
}

// A clerk tells f of the records.
type clerk struct {
	f       func(key string, value []byte)
	keys    map[string]string // of records, by those of the bucket
	watcher jetstream.KeyWatcher
	heeding context.Context // as long as which the watcher lives
	stop    context.CancelFunc
	ended   chan struct{}
}

// watch begins to watch the bucket, within ctx.
func (c *clerk) watch(ctx context.Context, b *Bus) error {
	kv, err := b.records(ctx)
	if err != nil {
		return err
	}
	c.ended = make(chan struct{})
	c.heeding, c.stop = context.WithCancel(b.running)
	inTime := context.AfterFunc(ctx, c.stop)
	c.watcher, err = kv.WatchAll(c.heeding)
	if !inTime() && err == nil {
		err = context.Cause(ctx)
	}
	if err != nil {
		c.stop()
	}
	return err
}

// tellAll tells of everything that is there.
func (c *clerk) tellAll(ctx context.Context) error {
	for {
		select {
		case e := <-c.watcher.Updates():
			if e == nil {
				return nil // that was all
			}
			c.tell(e)
		case <-ctx.Done():
			return context.Cause(ctx)
		case <-c.heeding.Done():
			return ErrClosed
		}
	}
}

// run tells of every change until stop is called.
func (c *clerk) run() {
	defer close(c.ended)
	defer c.watcher.Stop()
	for {
		select {
		case e := <-c.watcher.Updates():
			if e != nil && c.heeding.Err() == nil {
				c.tell(e)
			}
		case <-c.heeding.Done():
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
