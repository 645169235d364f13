package session

import (
	"context"
	"errors"
	"syscall"
	"time"
)

// exhausted reports whether accepting failed for a lack that may pass, or for
// a peer that left before we could accept it.
func exhausted(err error) bool {
	for _, e := range []error{
		syscall.EMFILE, syscall.ENFILE, syscall.ENOBUFS, syscall.ENOMEM, // accept(2): no room
		syscall.ECONNABORTED, syscall.ECONNRESET, // accept(2): the peer is gone
		// accept(2), error handling: what Linux passes on from the new socket,
		// and a firewall's refusal.
		syscall.EPROTO, syscall.ENETDOWN, syscall.ENOPROTOOPT, syscall.EHOSTDOWN, syscall.EHOSTUNREACH,
		syscall.EOPNOTSUPP, syscall.ENETUNREACH, syscall.ETIMEDOUT, syscall.EPERM,
	} {
		if errors.Is(err, e) {
			return true
		}
	}
	return false
}

// backoff is how long accepting pauses: from 5 ms, doubled up to 1 s, as
// net/http does it.
type backoff struct{ d time.Duration }

func (b *backoff) first() bool { return b.d == 0 }

func (b *backoff) wait(ctx context.Context) {
	b.d = min(max(5*time.Millisecond, 2*b.d), time.Second)
	t := time.NewTimer(b.d)
	defer t.Stop()
	select {
	case <-t.C:
	case <-ctx.Done():
	}
}

// reset reports whether there had been a pause.
func (b *backoff) reset() bool {
	paused := b.d > 0
	b.d = 0
	return paused
}
