package natsbus

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/nats-io/nats.go"
)

// What a subscription holds of messages that deliver has not taken yet: what one request to the consumer asks for.
const (
	maxPending      = 256
	maxPendingBytes = 4 << 20
	pullFor         = 30 * time.Second // how long the server keeps a request that is not filled
)

// pull is a request to a consumer for its next messages.
type pull struct {
	Batch     int           `json:"batch"`
	MaxBytes  int           `json:"max_bytes,omitempty"`
	Expires   time.Duration `json:"expires"`
	Heartbeat time.Duration `json:"idle_heartbeat"`
}

// What ends a pull after which there is to be another.
var (
	errAgain = errors.New("the request has ended")
	errLarge = errors.New("the next message is larger than what is left of the request")
)

// follow delivers what the consumer has until something is amiss. There is one request at a time; the next one is sent
// when it is filled, so what is held is bounded, and a deliver that blocks just sends none.
func (s *subscription) follow() error {
	inbox, err := s.b.nc.SubscribeSync(s.b.nc.NewInbox())
	if err != nil {
		return err
	}
	defer inbox.Unsubscribe()
	ctx, cancel := context.WithCancel(s.ctx)
	defer cancel()
	defer context.AfterFunc(s.link.ctx, cancel)()
	defer context.AfterFunc(ctx, func() { _ = inbox.Unsubscribe() })() // which wakes NextMsg
	usual := pull{Batch: maxPending, MaxBytes: maxPendingBytes, Expires: pullFor, Heartbeat: s.b.heartbeat}
	ask, next := usual, uint64(1)
	for {
		before := next
		switch err := s.pull(ctx, inbox, ask, &next); {
		case err == errLarge && next == before: // larger than any request: it comes alone
			ask.Batch, ask.MaxBytes = 1, 0
		case err == errLarge || err == errAgain:
			ask = usual
		default:
			return err
		}
	}
}

// pull sends one request and delivers what comes. next is the consumer's number of the next message; a gap means that
// one was lost on the way.
func (s *subscription) pull(ctx context.Context, inbox *nats.Subscription, ask pull, next *uint64) error {
	data, err := json.Marshal(ask)
	if err != nil {
		return err
	}
	subject := s.b.api + "CONSUMER.MSG.NEXT." + s.room.stream + "." + s.consumer
	if err := s.b.nc.PublishRequest(subject, inbox.Subject, data); err != nil {
		return err
	}
	for range ask.Batch {
		msg, err := nextMessage(inbox, 2*s.b.heartbeat)
		if err != nil {
			return err
		}
		at, err := msg.Metadata()
		if err != nil {
			return err
		}
		if at.Sequence.Consumer != *next {
			return fmt.Errorf("message %d came instead of %d", at.Sequence.Consumer, *next)
		}
		*next++
		if ctx.Err() != nil {
			return ctx.Err() // cancel is waiting
		}
		s.take(at.Sequence.Stream, msg.Data)
	}
	return errAgain
}

// take delivers one message, unless it has been delivered before. One that cannot be decoded is delivered as nothing but
// its number: rooms would take the gap for a loss, and all ask anew who is there.
func (s *subscription) take(seq uint64, data []byte) {
	if seq <= s.last {
		return
	}
	s.last = seq
	m, err := decode(data)
	if err != nil {
		s.b.met.invalid.Add(1)
		s.b.c.Log.Warn("natsbus: not decoded", "room", s.room.room, "seq", seq, "err", err)
	}
	m.Seq, m.Past = seq, seq <= s.head
	s.b.met.delivered.Add(1)
	s.deliver(m)
}

// nextMessage returns what a consumer has sent, errAgain or errLarge when the request has ended, or what is amiss: silence,
// or what the server says of the consumer.
func nextMessage(inbox *nats.Subscription, silence time.Duration) (*nats.Msg, error) {
	for {
		msg, err := inbox.NextMsg(silence)
		if err != nil {
			return nil, err
		}
		status, description := msg.Header.Get("Status"), msg.Header.Get("Description")
		switch {
		case status == "" || len(msg.Data) > 0:
			return msg, nil
		case status == "100": // a heartbeat
		case status == "408", status == "409" && strings.Contains(description, "Batch Completed"):
			return nil, errAgain
		case status == "409" && strings.Contains(description, "Exceeds MaxBytes"):
			return nil, errLarge
		case status == "503":
			return nil, nats.ErrNoResponders
		default:
			return nil, fmt.Errorf("the consumer: %s %s", status, description)
		}
	}
}
