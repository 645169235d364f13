package session

import (
	"net/netip"
	"testing"
)

// Servers share a quota; what ends makes room.
func TestQuota(t *testing.T) {
	var none *Quota
	if why := none.take(netip.Addr{}); why != "" {
		t.Error(why)
	}
	none.give(netip.Addr{})
	q := &Quota{Max: 3, PerSource: 2}
	a, b := netip.MustParseAddr("192.0.2.1"), netip.MustParseAddr("192.0.2.2")
	for i, try := range []struct {
		from  netip.Addr
		taken bool
	}{{a, true}, {a, true}, {a, false}, {b, true}, {b, false}, {netip.Addr{}, false}} {
		if why := q.take(try.from); (why == "") != try.taken {
			t.Errorf("%d: %q", i, why)
		}
	}
	q.give(a)
	if why := q.take(netip.Addr{}); why != "" {
		t.Error(why)
	}
	q.give(netip.Addr{})
	if why := q.take(a); why != "" {
		t.Error(why)
	}
	for _, from := range []netip.Addr{a, a, b} {
		q.give(from)
	}
	if q.held != 0 || len(q.sources) != 0 {
		t.Errorf("left over: %+v", q)
	}
}
