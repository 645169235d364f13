package natsbus

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"

	"github.com/nats-io/nats.go/jetstream"

	"sockeye.dev/room"
)

// spare is how many messages a Recent subscription may begin too early. Finding the place exactly takes eight requests
// more and saves less than one batch.
const spare = 256

// startAfter returns the number of the last message that a subscription from since on does not deliver.
func (b *Bus) startAfter(ctx context.Context, r *roomStream, since room.Position, s jetstream.StreamState) (uint64, error) {
	if n := since.Said(); n > 0 {
		return b.beforeLast(ctx, r, uint64(n), s)
	}
	if seq, ok := since.Seq(); ok {
		return min(seq, s.LastSeq), nil // a number the room has not come to yet means no past
	}
	return s.LastSeq, nil
}

// beforeLast returns a number such that n things have been said after it, if so many are kept. It asks how much was said
// from some message on, first in growing steps back from the end, then between the last two steps. The cost depends on
// the logarithm of how far it is, not on how much is in between.
func (b *Bus) beforeLast(ctx context.Context, r *roomStream, n uint64, s jetstream.StreamState) (uint64, error) {
	first, end := max(s.FirstSeq, 1), s.LastSeq+1
	early, late := end, end // enough was said from early on, not enough from late on
	for step := n; ; step *= 4 {
		early = first
		if step < end-min(first, end) {
			early = end - step
		}
		said, err := b.saidFrom(ctx, r, early)
		if err != nil {
			return 0, err
		}
		if said >= n || early == first {
			break
		}
		late = early
	}
	for late-early > spare && early > first {
		middle := early + (late-early)/2
		said, err := b.saidFrom(ctx, r, middle)
		if err != nil {
			return 0, err
		}
		if said >= n {
			early = middle
		} else {
			late = middle
		}
	}
	return early - 1, nil
}

// saidFrom returns how many things were said in message seq and those after it. Any replica may answer; one that is
// behind knows of fewer, which makes a subscription begin earlier, never too late.
func (b *Bus) saidFrom(ctx context.Context, r *roomStream, seq uint64) (uint64, error) {
	ask, err := json.Marshal(struct {
		Seq   uint64 `json:"seq"`
		Next  string `json:"next_by_subj"`
		Batch int    `json:"batch"` // only then the answer counts
	}{seq, r.say, 1})
	if err != nil {
		return 0, err
	}
	answer, err := b.nc.RequestWithContext(ctx, b.api+"DIRECT.GET."+r.stream, ask)
	if err != nil {
		return 0, err
	}
	switch status := answer.Header.Get("Status"); status {
	case "":
	case "404":
		return 0, nil
	default:
		return 0, fmt.Errorf("count what was said: status %s %s", status, answer.Header.Get("Description"))
	}
	after, err := strconv.ParseUint(answer.Header.Get("Nats-Num-Pending"), 10, 64)
	if err != nil {
		return 0, permanent(errors.New("count what was said: the server's answer has no count"))
	}
	return after + 1, nil
}
