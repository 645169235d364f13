package session

import (
	"fmt"
	"net/netip"
	"sync"
)

// Quota is a limit that servers share. Its fields are set before the first
// conversation.
type Quota struct {
	// Max is how many conversations are held at once. Default: no limit.
	Max int
	// PerSource is the same for one source, an IPv4 address or the /64 of an
	// IPv6 one; loopback and Unix sockets are exempt. Default: no limit.
	PerSource int

	mu      sync.Mutex
	held    int
	sources map[netip.Prefix]int
}

// take counts a conversation, or says why it may not begin.
func (q *Quota) take(from netip.Prefix) (refusal string) {
	if q == nil {
		return ""
	}
	q.mu.Lock()
	defer q.mu.Unlock()
	switch {
	case q.Max > 0 && q.held >= q.Max:
		return fmt.Sprintf("%d conversations at all listeners are the limit", q.Max)
	case q.PerSource > 0 && from.IsValid() && q.sources[from] >= q.PerSource:
		return fmt.Sprintf("%d conversations per source are the limit", q.PerSource)
	}
	q.held++
	if from.IsValid() {
		if q.sources == nil {
			q.sources = make(map[netip.Prefix]int)
		}
		q.sources[from]++
	}
	return ""
}

func (q *Quota) give(from netip.Prefix) {
	if q == nil {
		return
	}
	q.mu.Lock()
	defer q.mu.Unlock()
	q.held--
	if q.sources[from] > 1 {
		q.sources[from]--
	} else {
		delete(q.sources, from)
	}
}
