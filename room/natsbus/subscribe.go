package natsbus

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/nats-io/nats.go/jetstream"

	"sockeye.dev/room"
)

// subscription delivers a room's messages. Its consumer in the server has no state worth keeping: whenever anything is
// amiss, it is replaced by one that begins after the last message delivered.
//
// jetstream's own ordered consumer does the same, but begins anew with what is then the latest when it has to be replaced
// before its first message, does not wait for what it started, and is slow to notice that its consumer is gone.
type subscription struct {
	b       *Bus
	room    *roomStream
	deliver func(room.Message)
	head    uint64    // the last message when it was subscribed
	made    time.Time // when the stream was made

	ctx  context.Context // ends with cancel and with the bus
	stop context.CancelFunc
	done chan struct{} // closed when deliver is called no more

	// Used by one goroutine at a time: Subscribe's, then run's.
	last     uint64 // what has been delivered or skipped
	consumer string // its name in the server
	link     *link  // the connection the consumer was made on
}

// Subscribe implements room.Bus. It returns once the place to begin at is found and the server has a consumer there.
// Messages that cannot be decoded are counted, see Stats, and delivered as Notices without anything. At most 256 messages and 4 MiB are held for a
// deliver that blocks; publishers never wait for it.
//
// The subscription survives everything but the loss of what was stored: it is resumed after the last message it has
// delivered. When the stream itself was deleted, it goes on with the new one from its first message.
func (b *Bus) Subscribe(ctx context.Context, name string, since room.Position, deliver func(room.Message)) (func(), error) {
	s := &subscription{b: b, room: b.room(name), deliver: deliver, done: make(chan struct{})}
	b.company.enter(name)
	err := b.persist(ctx, func(ctx context.Context) error {
		s.link = b.currentLink()
		info, err := b.state(ctx, s.room)
		if err != nil {
			return err
		}
		s.made, s.head = info.Created, info.State.LastSeq
		if s.last, err = b.startAfter(ctx, s.room, since, info.State); err != nil {
			return err
		}
		return s.consume(ctx)
	})
	if err == nil {
		s.ctx, s.stop = context.WithCancel(b.running)
		if err = b.begin(s); err != nil {
			s.stop()
		}
	}
	if err != nil {
		b.company.leave(name)
		return nil, fmt.Errorf("room %s: subscribe: %w", name, err)
	}
	return func() { s.stop(); <-s.done }, nil
}

// consume makes a consumer that begins after the last message delivered.
func (s *subscription) consume(ctx context.Context) error {
	c, err := s.b.js.CreateConsumer(ctx, s.room.stream, jetstream.ConsumerConfig{
		DeliverPolicy:     jetstream.DeliverByStartSequencePolicy,
		OptStartSeq:       s.last + 1,
		AckPolicy:         jetstream.AckNonePolicy,
		InactiveThreshold: time.Minute, // for when nobody is left to delete it
		Replicas:          1,
		MemoryStorage:     true,
	})
	if err == nil {
		s.consumer = c.CachedInfo().Name
	}
	return err
}

func (s *subscription) run() {
	var pause time.Duration // for when nothing but failing comes of it
	for s.ctx.Err() == nil {
		began, last := time.Now(), s.last
		err := s.follow()
		if s.ctx.Err() != nil {
			break
		}
		if s.last > last || time.Since(began) > time.Second {
			pause = 0
		}
		s.wait(pause)
		pause = min(2*pause+10*time.Millisecond, time.Second)
		s.b.c.Log.Debug("natsbus: resume", "room", s.room.room, "after", s.last, "because", err)
		s.resume()
	}
	s.b.company.leave(s.room.room)
	close(s.done)
	s.stop()
	if s.link.ctx.Err() == nil && (s.b.server == nil || s.b.running.Err() == nil) {
		s.discard(s.consumer)
	}
	s.b.end(s)
}

// resume replaces the consumer, however long that takes, and tells the watchers if it takes long.
func (s *subscription) resume() {
	old := s.consumer
	for s.ctx.Err() == nil {
		err := s.b.persist(s.ctx, func(ctx context.Context) error {
			s.link = s.b.currentLink()
			info, err := s.b.state(ctx, s.room)
			if err == nil {
				if !info.Created.Equal(s.made) {
					s.b.c.Log.Warn("natsbus: the stream was made anew", "room", s.room.room, "stream", s.room.stream)
					s.made, s.last, s.head = info.Created, 0, 0
				}
				err = s.consume(ctx)
			}
			if errors.Is(context.Cause(ctx), errNoAnswer) {
				err = errNoAnswer
			}
			if err != nil && s.ctx.Err() == nil && !errors.Is(err, context.Canceled) && !disconnected(err) {
				s.b.down.set(s, fmt.Errorf("room %s: resume: %w", s.room.room, explained(err)))
			}
			return err
		})
		if err == nil {
			s.b.met.resumed.Add(1)
			s.b.down.set(s, nil)
			s.discard(old)
			return
		}
		s.wait(500 * time.Millisecond)
	}
}

// wait waits that long, or until the subscription ends.
func (s *subscription) wait(d time.Duration) {
	if d == 0 {
		return
	}
	select {
	case <-s.ctx.Done():
	case <-time.After(d):
	}
}

// discard deletes a consumer, or leaves that to the server, which does it after a minute.
func (s *subscription) discard(consumer string) {
	ctx, cancel := context.WithTimeout(s.link.ctx, time.Second)
	defer cancel()
	_ = s.b.js.DeleteConsumer(ctx, s.room.stream, consumer)
}
