package room

import (
	"net/netip"
	"slices"
	"strings"
	"sync"
	"time"
)

// A source is where members come from, as bars and limits count it: an IPv4 address, the /64 of an IPv6 one, for whoever has
// one address of that has them all (RFC 4291, section 2.5.4), or a network that an operator has named.

// parseSource reads what an operator types: an address or a network.
func parseSource(text string) (netip.Prefix, bool) {
	text = strings.TrimSpace(text)
	if p, err := netip.ParsePrefix(text); err == nil {
		if a := p.Addr(); a.Is4In6() && p.Bits() >= 96 {
			p = netip.PrefixFrom(a.Unmap(), p.Bits()-96)
		}
		return p.Masked(), true
	}
	a, err := netip.ParseAddr(text)
	return Source(a), err == nil
}

// meantAsSource reports whether text, which is nobody's nick and no source, was meant as one.
func meantAsSource(text string) bool {
	return text != "" && (strings.ContainsAny(text, "/:") || strings.Trim(text, "0123456789.") == "")
}

// Source is the source that an address belongs to; the zero Prefix for the zero Addr.
func Source(a netip.Addr) netip.Prefix {
	a = a.Unmap().WithZone("")
	bits := a.BitLen()
	if a.Is6() && !a.IsLoopback() {
		bits = 64
	}
	p, _ := a.Prefix(bits)
	return p
}

// sourceText is how a source is shown, and what parseSource reads as the same.
func sourceText(p netip.Prefix) string {
	if p.IsSingleIP() && p == Source(p.Addr()) {
		return p.Addr().String()
	}
	return p.String()
}

// barrable reports whether a source can be shut out: everybody on this machine has the same.
func barrable(p netip.Prefix) bool {
	return p.IsValid() && !p.Addr().IsLoopback() && !p.Contains(netip.IPv6Loopback()) && !p.Contains(netip.AddrFrom4([4]byte{127, 0, 0, 1}))
}

// source is where m comes from, or the zero Prefix.
func (m *Member) source() netip.Prefix {
	if v, ok := m.screen.(Visitor); ok {
		return Source(v.Source())
	}
	return netip.Prefix{}
}

// from is where m comes from, for a log.
func (m *Member) from() string {
	if p := m.source(); p.IsValid() {
		return sourceText(p)
	}
	return "this machine"
}

// among reports whether one of the networks has a.
func among(networks []netip.Prefix, a netip.Addr) bool {
	return slices.ContainsFunc(networks, func(p netip.Prefix) bool { return p.Contains(a) })
}

// common is what the rooms of a house have in common: who is barred in any of them, what they are about while nobody is in
// them, and who tries secrets. The zero common is ready.
type common struct {
	decrees *decrees // nil: nothing is kept

	mu      sync.Mutex
	barred  []netip.Prefix
	topics  map[string]string
	guesses map[netip.Prefix]time.Time // when all that a source has guessed is forgotten
}

// How often a secret may be guessed: a few times at once, and then one every guessEvery.
const (
	guessEvery   = 10 * time.Second
	guessAtOnce  = 5
	guessSources = 1024 // so many are remembered before those are forgotten that may guess as they like
)

// mayGuess reports whether a source may try a secret once more now.
func (c *common) mayGuess(from netip.Prefix, now time.Time) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.guesses == nil {
		c.guesses = make(map[netip.Prefix]time.Time)
	}
	free := c.guesses[from]
	if free.Before(now) {
		free = now
	}
	free = free.Add(guessEvery)
	if free.Sub(now) > guessAtOnce*guessEvery {
		return false
	}
	if n := len(c.guesses); n >= guessSources && n&(n-1) == 0 {
		for p, t := range c.guesses {
			if t.Before(now) {
				delete(c.guesses, p)
			}
		}
	}
	c.guesses[from] = free
	return true
}
