package session

import (
	"net"
	"net/netip"
	"testing"
)

// Servers share a quota; what ends makes room.
func TestQuota(t *testing.T) {
	var none *Quota
	var nowhere netip.Prefix
	if why := none.take(nowhere); why != "" {
		t.Error(why)
	}
	none.give(nowhere)
	q := &Quota{Max: 3, PerSource: 2}
	a, b := netip.MustParsePrefix("192.0.2.1/32"), netip.MustParsePrefix("192.0.2.2/32")
	for i, try := range []struct {
		from  netip.Prefix
		taken bool
	}{{a, true}, {a, true}, {a, false}, {b, true}, {b, false}, {nowhere, false}} {
		if why := q.take(try.from); (why == "") != try.taken {
			t.Errorf("%d: %q", i, why)
		}
	}
	q.give(a)
	if why := q.take(nowhere); why != "" {
		t.Error(why)
	}
	q.give(nowhere)
	if why := q.take(a); why != "" {
		t.Error(why)
	}
	for _, from := range []netip.Prefix{a, a, b} {
		q.give(from)
	}
	if q.held != 0 || len(q.sources) != 0 {
		t.Errorf("left over: %+v", q)
	}
}

// Who has one address of a /64 has them all; IPv4 addresses are counted each by itself, however they are written.
func TestSourceOf(t *testing.T) {
	for address, want := range map[string]string{
		"192.0.2.1:5": "192.0.2.1/32", "[::ffff:192.0.2.1]:5": "192.0.2.1/32",
		"[2001:db8:1:2:3:4:5:6]:7": "2001:db8:1:2::/64", "[fe80::1%eth0]:7": "fe80::/64",
	} {
		at := netip.MustParseAddrPort(address)
		for _, a := range []net.Addr{net.TCPAddrFromAddrPort(at), net.UDPAddrFromAddrPort(at)} {
			if got := sourceOf(a); got.String() != want {
				t.Errorf("%v: %v, want %v", a, got, want)
			}
		}
	}
	if got := sourceOf(&net.UnixAddr{Name: "x"}); got.IsValid() {
		t.Error(got)
	}
}

// This host's own peers are not counted: they are everybody who comes by a tunnel or a proxy.
func TestElsewhere(t *testing.T) {
	for address, want := range map[string]bool{
		"192.0.2.1:5": true, "[2001:db8::1]:5": true, "127.0.0.1:5": false, "127.3.4.5:5": false, "[::1]:5": false, "[::ffff:127.0.0.1]:5": false,
	} {
		at := netip.MustParseAddrPort(address)
		for _, a := range []net.Addr{net.TCPAddrFromAddrPort(at), net.UDPAddrFromAddrPort(at)} {
			if got := elsewhere(a); got.IsValid() != want {
				t.Errorf("%v: %v", a, got)
			}
		}
	}
	if got := elsewhere(&net.UnixAddr{Name: "x"}); got.IsValid() {
		t.Error(got)
	}
}
