package handler

import (
	"context"
	"net/netip"
	"strings"
	"sync"
	"unicode"

	"golang.org/x/time/rate"

	"sockeye.dev/room"
	"sockeye.dev/session"
)

// Throttle limits how often one source may join and speak, through all doors
// that share it together: an IPv4 address, or the /64 of an IPv6 one. Loopback and Unix sockets are exempt. The zero
// Throttle limits nothing, and so does none.
type Throttle struct {
	// Lines is how many lines a source may say in a second; five seconds' worth
	// may come at once. More wait, or are refused if they are datagrams.
	// Default: no limit.
	Lines float64
	// Joins is the same for becoming a member; more are refused. Default: no
	// limit.
	Joins float64

	mu      sync.Mutex
	sources map[netip.Prefix]*source
}

// source is what is known of one of them.
type source struct {
	lines, joins *rate.Limiter
	members      int
}

// burst is how many seconds' worth may come at once.
const burst = 5

func limiter(perSecond float64) *rate.Limiter {
	if perSecond <= 0 {
		return rate.NewLimiter(rate.Inf, 0)
	}
	return rate.NewLimiter(rate.Limit(perSecond), max(int(burst*perSecond), 1))
}

// join counts a member, or refuses it.
func (t *Throttle) join(s *session.Session) (*source, error) {
	if t == nil || local(s) || t.Lines <= 0 && t.Joins <= 0 {
		return nil, nil
	}
	addr := room.Source(AddressOf(s))
	t.mu.Lock()
	defer t.mu.Unlock()
	src := t.sources[addr]
	if src == nil {
		if t.sources == nil {
			t.sources = make(map[netip.Prefix]*source)
		}
		t.sweep()
		src = &source{lines: limiter(t.Lines), joins: limiter(t.Joins)}
		t.sources[addr] = src
	}
	if !src.joins.Allow() {
		return nil, ErrTooOften
	}
	src.members++
	return src, nil
}

// Allow counts a peer that comes to something else than a room, and says why it
// may not: [ErrTooOften].
func (t *Throttle) Allow(s *session.Session) error {
	src, err := t.join(s)
	if err == nil {
		t.left(src)
	}
	return err
}

// join reports whether the source may go to another room, which counts as joining.
func (src *source) join() bool { return src == nil || src.joins.Allow() }

// isJoin reports whether a line is /join. As the room does, it takes the name in any case, up to a space of any kind.
func isJoin(line string) bool {
	if !strings.HasPrefix(line, "/") {
		return false
	}
	if i := strings.IndexFunc(line, unicode.IsSpace); i >= 0 {
		line = line[:i]
	}
	return strings.ToLower(line) == "/join"
}

func (t *Throttle) left(src *source) {
	if src == nil {
		return
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	src.members--
}

// sweep forgets sources that have done nothing for so long that they may do
// everything again. It runs when there are many, so that a source costs little
// on average.
func (t *Throttle) sweep() {
	const many = 1024
	if n := len(t.sources); n < many || n&(n-1) != 0 {
		return
	}
	for addr, src := range t.sources {
		if src.members == 0 && src.joins.Tokens() >= float64(src.joins.Burst()) {
			delete(t.sources, addr)
		}
	}
}

// speak waits until the source may say another line. A datagram is refused
// rather than kept.
func (src *source) speak(ctx context.Context, s *session.Session) (ok bool, err error) {
	if src == nil {
		return true, nil
	}
	if s.Datagram() {
		return src.lines.Allow(), nil
	}
	return true, src.lines.Wait(ctx)
}
