package natsbus

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/nats-io/nats.go/jetstream"

	"sockeye.dev/room"
)

// What a subscription holds of messages that deliver has not taken yet.
const (
	maxPending      = 256
	maxPendingBytes = 4 << 20
)

// subscription delivers a room's messages. Its consumer in the server has no state worth keeping: whenever anything is
// amiss, it is replaced by one that begins after the last message delivered.
//
// jetstream's own ordered consumer does the same, but begins anew with what is then the latest when it has to be replaced
// before its first message, and does not wait for what it started.
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
	consumer jetstream.Consumer
	link     *link // the connection the consumer was made on
}

// Subscribe implements room.Bus. It returns once the place to begin at is found and the server has a consumer there.
// Messages that cannot be decoded are skipped and counted, see Stats. At most 256 messages and 4 MiB are held for a
// deliver that blocks; publishers never wait for it.
//
// The subscription survives everything but the loss of what was stored: it is resumed after the last message it has
// delivered. When the stream itself was deleted, it goes on with the new one from its first message.
func (b *Bus) Subscribe(ctx context.Context, name string, since room.Position, deliver func(room.Message)) (func(), error) {
	s := &subscription{b: b, room: b.room(name), deliver: deliver, done: make(chan struct{})}
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
		return nil, fmt.Errorf("room %s: subscribe: %w", name, err)
	}
	return func() { s.stop(); <-s.done }, nil
}

// consume makes a consumer that begins after the last message delivered.
func (s *subscription) consume(ctx context.Context) (err error) {
	s.consumer, err = s.b.js.CreateConsumer(ctx, s.room.stream, jetstream.ConsumerConfig{
		DeliverPolicy:     jetstream.DeliverByStartSequencePolicy,
		OptStartSeq:       s.last + 1,
		AckPolicy:         jetstream.AckNonePolicy,
		InactiveThreshold: time.Minute, // for when nobody is left to delete it
		Replicas:          1,
		MemoryStorage:     true,
	})
	return err
}

func (s *subscription) run() {
	for s.ctx.Err() == nil {
		err := s.follow()
		if s.ctx.Err() != nil {
			break
		}
		s.b.c.Log.Debug("natsbus: resume", "room", s.room.room, "after", s.last, "because", err)
		s.resume()
	}
	close(s.done)
	s.stop()
	if s.link.ctx.Err() == nil && (s.b.server == nil || s.b.running.Err() == nil) {
		s.discard(s.consumer)
	}
	s.b.end(s)
}

// follow delivers what the consumer has until something is amiss.
func (s *subscription) follow() error {
	messages, err := s.consumer.Messages(
		jetstream.PullMaxMessagesWithBytesLimit(maxPending, maxPendingBytes),
		jetstream.PullExpiry(max(30*time.Second, 2*s.b.heartbeat)),
		jetstream.PullHeartbeat(s.b.heartbeat))
	if err != nil {
		return err
	}
	defer messages.Stop()
	ctx, cancel := context.WithCancel(s.ctx)
	defer cancel()
	defer context.AfterFunc(s.link.ctx, cancel)()
	for n := uint64(1); ; n++ {
		msg, err := messages.Next(jetstream.NextContext(ctx))
		if err != nil {
			return err
		}
		at, err := msg.Metadata()
		if err != nil {
			return err
		}
		if at.Sequence.Consumer != n {
			return fmt.Errorf("message %d came instead of %d", at.Sequence.Consumer, n)
		}
		if ctx.Err() != nil {
			return ctx.Err() // cancel is waiting
		}
		if at.Sequence.Stream <= s.last {
			continue
		}
		s.last = at.Sequence.Stream
		m, err := decode(msg.Data())
		if err != nil {
			s.b.invalid.Add(1)
			s.b.c.Log.Warn("natsbus: skipped", "room", s.room.room, "seq", s.last, "err", err)
			continue
		}
		m.Seq, m.Past = s.last, s.last <= s.head
		s.deliver(m)
	}
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
			if err != nil && s.ctx.Err() == nil && !errors.Is(err, context.Canceled) {
				s.b.down.set(s, fmt.Errorf("room %s: resume: %w", s.room.room, explained(err)))
			}
			return err
		})
		if err == nil {
			s.b.down.set(s, nil)
			s.discard(old)
			return
		}
		select {
		case <-s.ctx.Done():
		case <-time.After(500 * time.Millisecond):
		}
	}
}

// discard deletes a consumer, or leaves that to the server, which does it after a minute.
func (s *subscription) discard(c jetstream.Consumer) {
	ctx, cancel := context.WithTimeout(s.link.ctx, time.Second)
	defer cancel()
	_ = s.b.js.DeleteConsumer(ctx, s.room.stream, c.CachedInfo().Name)
}
