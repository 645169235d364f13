package endpoint_test

import (
	"net"
	"testing"

	"github.com/google/go-cmp/cmp"

	"sockeye.dev/endpoint"
)

func TestOptions(t *testing.T) {
	a := parse(t, "tcp://h:1?encoding=gbk&bind=:99&nodelay")
	before := a
	if v, ok := a.Options.Take("encoding"); v != "gbk" || !ok {
		t.Errorf("Take = %q, %v", v, ok)
	}
	if v, ok := a.Options.Take("encoding"); v != "" || ok {
		t.Errorf("second Take = %q, %v", v, ok)
	}
	if before.Options.Get("encoding") != "gbk" {
		t.Error("taking from a copy changed the original")
	}
	a.Options.Set("bind", "a&b=c")
	a.Options.Set("idle", "1s")
	if diff := cmp.Diff([]string{"bind", "nodelay", "idle"}, a.Options.Keys()); diff != "" {
		t.Error(diff)
	}
	if got := a.Options.Get("bind"); got != "a&b=c" {
		t.Errorf("Get = %q", got)
	}
	if a.Options.Len() != 3 || !a.Options.Has("nodelay") || a.Options.Has("encoding") {
		t.Errorf("options = %v", a.Options)
	}
	if parse(t, a.String()) != a {
		t.Errorf("%s parses to another address", a)
	}
}

func TestAddrOf(t *testing.T) {
	for _, tt := range []struct {
		addr net.Addr
		want string
	}{
		{&net.TCPAddr{IP: net.IPv6unspecified, Port: 7788}, "tcp://:7788"},
		{&net.TCPAddr{IP: net.IPv4(127, 0, 0, 1), Port: 7788}, "tcp://127.0.0.1:7788"},
		{&net.UDPAddr{IP: net.ParseIP("fe80::1"), Zone: "eth0", Port: 1}, "udp://[fe80::1%eth0]:1"},
		{&net.UnixAddr{Name: "/run/x", Net: "unix"}, "unix:///run/x"},
		{endpoint.Addr{Scheme: "mem", Path: "x"}, "mem://x"},
	} {
		if got := endpoint.AddrOf("", tt.addr).String(); got != tt.want {
			t.Errorf("AddrOf(%v) = %s, want %s", tt.addr, got, tt.want)
		}
	}
	if got := endpoint.AddrOf("ws", &net.TCPAddr{Port: 80}); got.Scheme != "ws" || got.Port != 80 {
		t.Errorf("AddrOf = %#v", got)
	}
}
