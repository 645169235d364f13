package natsbus

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
)

// permanentError is an error that asking again does not help against.
type permanentError struct{ error }

func (e permanentError) Unwrap() error { return e.error }

func permanent(err error) error { return permanentError{err} }

// JetStream's error codes that pass.
const (
	codeClusterIncomplete  jetstream.ErrorCode = 10004 // servers are still finding each other
	codeNoSuitablePeers    jetstream.ErrorCode = 10005 // so many replicas find no place at the moment
	codeClusterUnavailable jetstream.ErrorCode = 10008 // no leader at the moment
	codeStreamOffline      jetstream.ErrorCode = 10118
	codeTooManyRequests    jetstream.ErrorCode = 10167
	codeStreamNotFound     jetstream.ErrorCode = 10059 // somebody has deleted it; it is made again
	codeStreamNameInUse    jetstream.ErrorCode = 10058
)

// passing reports whether err may go away by itself: the connection is lost, a leader is being elected, an answer is late.
func passing(err error) bool {
	var p permanentError
	if errors.As(err, &p) {
		return false
	}
	var api jetstream.JetStreamError
	if errors.As(err, &api) && api.APIError() != nil {
		switch api.APIError().ErrorCode {
		case codeClusterIncomplete, codeNoSuitablePeers, codeClusterUnavailable, codeStreamOffline, codeTooManyRequests,
			codeStreamNotFound, codeDuplicateInProcess:
			return true
		}
		return false
	}
	return !errors.Is(err, nats.ErrConnectionClosed) && !errors.Is(err, nats.ErrPermissionViolation)
}

var errNoAnswer = errors.New("no answer")

// persist tries until attempt succeeds, fails for good, ctx or the bus ends, or retryFor has passed. Each attempt begins
// with a connection; its ctx ends when that is lost or an answer has been missing for too long.
func (b *Bus) persist(ctx context.Context, attempt func(context.Context) error) error {
	var last error
	giveUp := func(why error) error {
		if last == nil || errors.Is(last, why) {
			return why
		}
		return fmt.Errorf("%w, and before that: %w", why, last)
	}
	var until time.Time          // from the first attempt on: before, nothing can be doubled
	var tooLate <-chan time.Time // ends a wait at that time, once an attempt has failed
	for pause := 10 * time.Millisecond; ; pause = min(2*pause, 500*time.Millisecond) {
		if err := b.ended(ctx); err != nil {
			return giveUp(err)
		}
		if err := b.server.broken(); err != nil {
			return storeError(err)
		}
		link := b.currentLink()
		select {
		case <-link.up:
		case <-link.ctx.Done():
			continue
		case <-tooLate:
			return last
		case <-ctx.Done():
			return giveUp(fmt.Errorf("%w: no connection to %s", context.Cause(ctx), b.c.where()))
		case <-b.running.Done():
			return giveUp(ErrClosed)
		}
		switch {
		case until.IsZero():
			until = time.Now().Add(retryFor)
		case time.Now().After(until):
			return last
		}
		err := b.once(ctx, link, attempt)
		if err == nil {
			return nil
		}
		if err := b.server.broken(); err != nil {
			return storeError(err)
		}
		if ended := b.ended(ctx); ended != nil {
			if last == nil && errors.Is(ended, context.DeadlineExceeded) {
				return fmt.Errorf("no answer from %s: %w", b.c.where(), ended)
			}
			return giveUp(ended)
		}
		last = explained(err)
		if !passing(err) {
			return last
		}
		if tooLate == nil {
			tooLate = time.After(time.Until(until))
		}
		select {
		case <-time.After(pause):
		case <-ctx.Done():
		case <-b.running.Done():
		}
	}
}

// once makes one attempt.
func (b *Bus) once(ctx context.Context, l *link, attempt func(context.Context) error) error {
	ctx, cancel := context.WithTimeoutCause(ctx, b.answer, errNoAnswer)
	defer cancel()
	// One of the two ends it early; both are rare, and cheaper to watch than to derive a context from.
	defer context.AfterFunc(l.ctx, cancel)()
	defer context.AfterFunc(b.running, cancel)()
	err := attempt(ctx)
	switch {
	case err == nil:
		return nil
	case l.ctx.Err() != nil:
		return context.Cause(l.ctx)
	case b.running.Err() != nil:
		return ErrClosed
	case errors.Is(context.Cause(ctx), errNoAnswer):
		return fmt.Errorf("%w within %v", errNoAnswer, b.answer)
	}
	return err
}

// ended returns why nothing more is to be tried, or nil.
func (b *Bus) ended(ctx context.Context) error {
	if b.running.Err() != nil {
		return ErrClosed
	}
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	return nil
}

// explained says in other words what the client says too shortly.
func explained(err error) error {
	if errors.Is(err, nats.ErrNoResponders) || errors.Is(err, jetstream.ErrNoStreamResponse) {
		return fmt.Errorf("no server leads the room's stream: %w", err)
	}
	if disconnected(err) {
		return errors.New("the connection is lost")
	}
	var api *jetstream.APIError
	if errors.As(err, &api) && api.ErrorCode == replicasUnsupported {
		return fmt.Errorf("the server is in no cluster, and can keep 1 replica: %w", err)
	}
	return err
}

// codeDuplicateInProcess answers a message that is sent again while the first is still on its way to a quorum.
const codeDuplicateInProcess = 10158

// replicasUnsupported is JetStream's code for more replicas than the server, which is alone, can have.
const replicasUnsupported = 10074

// disconnected reports whether err says no more than that there is no connection, which linkDown is told with the reason.
func disconnected(err error) bool {
	return errors.Is(err, nats.ErrReconnectBufExceeded) || errors.Is(err, nats.ErrDisconnected)
}
