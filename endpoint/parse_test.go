package endpoint_test

import (
	"errors"
	"testing"

	"github.com/google/go-cmp/cmp"

	"sockeye.dev/endpoint"
)

func TestParse(t *testing.T) {
	for _, tt := range []struct{ in, canonical string }{
		{"tcp://localhost:7788", "tcp://localhost:7788"},
		{"TCP://LocalHost:7788/", "tcp://localhost:7788"},
		{"tcp://192.0.2.7:http", "tcp://192.0.2.7:80"},
		{"tcp://[fe80::1%eth0]:7788", "tcp://[fe80::1%eth0]:7788"},
		{"tcp://[fe80::1%25eth0]:7788", "tcp://[fe80::1%eth0]:7788"},
		{"tcp://[0:0:0:0:0:0:0:1]:1", "tcp://[::1]:1"},
		{"tcp://:7788", "tcp://:7788"},
		{"tcp://localhost:0", "tcp://localhost:0"},
		{"tcp4://h:1", "tcp://h:1?ip=4"},
		{"udp6://h:1?idle=2s", "udp://h:1?ip=6&idle=2s"},
		{"udp://host:7890?idle=10s&peers=50", "udp://host:7890?idle=10s&peers=50"},
		{"udp://239.1.2.3:7890?iface=eth0", "udp://239.1.2.3:7890?iface=eth0"},
		{"tcp://h:1?encoding=gbk&frame=line+quiet:50ms", "tcp://h:1?encoding=gbk&frame=line+quiet:50ms"},
		{"tcp://h:1?frame=delim:%26%25", "tcp://h:1?frame=delim:%26%25"},
		{"tcp://h:1?nodelay&x=", "tcp://h:1?nodelay&x"},
		{"tcp://你好.example:1", "tcp://你好.example:1"},
		{"unix:///run/app.sock", "unix:///run/app.sock"},
		{"unix:/run/app.sock", "unix:///run/app.sock"},
		{"unix:./app.sock", "unix:./app.sock"},
		{"unix://app.sock", "unix:app.sock"},
		{"UNIX:app.sock", "unix:app.sock"},
		{"unix:@name", "unix:@name"},
		{"unix:./@name", "unix:./@name"},
		{"unix:/tmp/100%", "unix:///tmp/100%25"},
		{"unix:/tmp/a%3fb c?backlog=5", "unix:///tmp/a%3Fb%20c?backlog=5"},
		{"unixgram:///run/app.sock", "unixgram:///run/app.sock"},
		{"unixgram:./app.sock", "unixgram:./app.sock"},
		{"unixgram:@name?bind=./c", "unixgram:@name?bind=./c"},
		{"mem://name", "mem://name"},
		{"mem:name", "mem://name"},
		{"localhost:7788", "tcp://localhost:7788"},
		{":7788", "tcp://:7788"},
		{"[::1]:80", "tcp://[::1]:80"},
		{"system:80", "tcp://system:80"},
		{":7788?encoding=gbk", "tcp://:7788?encoding=gbk"},
		{"[::1%2525x]:1", "tcp://[::1%2525x]:1"},
	} {
		checkParse(t, tt.in, tt.canonical)
	}
}

func TestParseSocat(t *testing.T) {
	for _, tt := range []struct{ in, canonical string }{
		{"TCP:example.org:80", "tcp://example.org:80"},
		{"tcp:example.org:http,nodelay", "tcp://example.org:80?nodelay=on"},
		{"TCP4:h:80", "tcp://h:80?ip=4"},
		{"TCP6:[::1]:80,connect-timeout=3", "tcp://[::1]:80?ip=6&timeout=3"},
		{"TCP-CONNECT:h:80,bind=127.0.0.1:99", "tcp://h:80?bind=127.0.0.1:99"},
		{"TCP:h:80,sourceport=99", "tcp://h:80?bind=:99"},
		{"TCP-LISTEN:7788,fork,reuseaddr", "tcp://:7788?reuseaddr=on"},
		{"TCP-L:7788,bind=LOCALHOST,so-keepalive=0", "tcp://localhost:7788?keepalive=off"},
		{"tcp6-listen:7788,bind=[::1],backlog=9", "tcp://[::1]:7788?ip=6&backlog=9"},
		{"TCP-LISTEN:localhost:7788", "tcp://localhost:7788"},
		{"TCP4-LISTEN:7788,pf=ip4", "tcp://:7788?ip=4"},
		{"TCP-LISTEN:7788,pf=ip6", "tcp://:7788?ip=6"},
		{"UDP:host:7890", "udp://host:7890"},
		{"UDP4-SENDTO:host:7890,sp=7890", "udp://host:7890?ip=4&bind=:7890"},
		{"UDP-LISTEN:7890,fork,encoding=gbk", "udp://:7890?encoding=gbk"},
		{"UDP:h:1,so-rcvbuf=1000,sndbuf=2000", "udp://h:1?rcvbuf=1000&sndbuf=2000"},
		{"UNIX-CONNECT:/tmp/x", "unix:///tmp/x"},
		{`UNIX-LISTEN:./a\,b,fork`, "unix:./a,b"},
		{"UNIX-CLIENT:x", "unix:x"},
		{"ABSTRACT-CONNECT:name", "unix:@name"},
		{"abstract-listen:name,backlog=3", "unix:@name?backlog=3"},
		{"UDP-RECVFROM:7890,fork", "udp://:7890"},
		{"UDP4-RECV:7890,ip-add-membership=239.1.2.3:eth0", "udp://239.1.2.3:7890?ip=4&iface=eth0"},
		{"UDP6-RECV:7890,ipv6-join-group=[ff02::7]:eth0", "udp://[ff02::7]:7890?ip=6&iface=eth0"},
		{"UDP4-DATAGRAM:239.1.2.3:7890,ip-multicast-ttl=4,ip-multicast-loop=0,ip-multicast-if=192.0.2.1",
			"udp://239.1.2.3:7890?ip=4&ttl=4&loop=off&iface=192.0.2.1"},
		{"UDP-DATAGRAM:192.0.2.255:7890,broadcast", "udp://192.0.2.255:7890?broadcast=on"},
		{"UNIX-SENDTO:/tmp/x,bind=/tmp/y", "unixgram:///tmp/x?bind=/tmp/y"},
		{"UNIX-RECVFROM:./x,fork", "unixgram:./x"},
		{"UNIX-RECV:./x", "unixgram:./x"},
		{"ABSTRACT-SENDTO:x", "unixgram:@x"},
		{"TCP:h:80,,nodelay=1", "tcp://h:80?nodelay=on"},
		{"TCP:h:80?encoding=gbk", "tcp://h:80?encoding=gbk"},
	} {
		checkParse(t, tt.in, tt.canonical)
	}
}

func checkParse(t *testing.T, in, canonical string) {
	t.Helper()
	a, err := endpoint.Parse(in)
	if err != nil {
		t.Errorf("Parse(%q): %v", in, err)
		return
	}
	if got := a.String(); got != canonical {
		t.Errorf("Parse(%q) = %s, want %s", in, got, canonical)
	}
	if again, err := endpoint.Parse(canonical); err != nil || again != a {
		t.Errorf("Parse(%q) = %#v, %v; want %#v", canonical, again, err, a)
	}
}

func TestParseErrors(t *testing.T) {
	for _, tt := range []struct{ in, reason, hint string }{
		{"", "it is empty", "write tcp://host:port, udp://host:port or unix:/path"},
		{"-", "- is not an address", "standard input and output are always the other side here: leave it out"},
		{"localhost", "missing port", "write tcp://localhost:port"},
		{"tcp://", "missing host and port", "write tcp://host:port"},
		{"tcp://localhost", "missing port", "write tcp://localhost:port"},
		{"tcp://localhost:", "missing port", "write tcp://localhost:port"},
		{"tcp://[::1]", "missing port", "write tcp://[::1]:port"},
		{"tcp:80", "missing port", "write tcp:host:port, or tcp://:80"},
		{"7788", "a port alone needs its colon", "write :7788"},
		{"tcp://h:65536", "port 65536 is out of range", "ports are 0 to 65535"},
		{"tcp://h:-1", "port -1 is out of range", "ports are 0 to 65535"},
		{"tcp://h:htttp", `unknown service "htttp"`, "write the port as a number"},
		{"tcp://h:80/index", `"80/index" is not a port`, "tcp addresses end after the port"},
		{"tcp://h:8 0", `"8 0" is not a port`, "write a number from 0 to 65535"},
		{"tpc://h:80", `unknown scheme "tpc"`, "did you mean tcp?"},
		{"tpc:h:80", `unknown scheme "tpc"`, "did you mean tcp?"},
		{"gopher://h:80", `unknown scheme "gopher"`, "the schemes are tcp, tls, ws, wss, udp, unix, unixgram and mem"},
		{"tcp-listen://:80", `unknown scheme "tcp-listen"`, "write tcp://: what is done with the address decides whether it listens"},
		{"quic://h:443", "this version does not speak quic yet", "it speaks tcp, tls, ws, wss, udp, unix, unixgram and mem"},
		{"unixgram:", "missing path", "write unixgram:/absolute/path, unixgram:./relative or unixgram:@abstract"},
		{"tcp://::1:80", "an IPv6 address needs brackets", "write [::1]:80"},
		{"::1", "an IPv6 address needs brackets", "write [::1]:port"},
		{"tcp://fe80::1", "an IPv6 address needs brackets", "write [fe80::1]:port"},
		{"tcp://a:b:80", `too many colons in "a:b:80"`, "write host:port, an IPv6 address in brackets"},
		{"tcp://[::1:80", "missing ]", "write [address]:port"},
		{"tcp://[::1]80", `"80" follows ] where a colon belongs`, "write [address]:port"},
		{"tcp://[localhost]:80", `"localhost" is not an IPv6 address`, "brackets are for IPv6 addresses: [::1]"},
		{"tcp://*:80", "* is not a host", "leave the host empty to listen on every address"},
		{"tcp://me@h:80", "an address has no user", "leave out me@"},
		{"tcp://999.1.1.1:80", `"999.1.1.1" is not an IPv4 address`, "an IPv4 address has four numbers up to 255"},
		{"tcp://a b:80", `"a b" is not a host`, ""},
		{"/tmp/x.sock", "a path needs its scheme", "write unix:/tmp/x.sock"},
		{"unix:", "missing path", "write unix:/absolute/path, unix:./relative or unix:@abstract"},
		{"unix:@", "missing path", "write unix:/absolute/path, unix:./relative or unix:@abstract"},
		{"mem://", "missing name", "write mem://name"},
		{"unix:a%00b", "the path contains a zero byte", ""},
		{"exec:cat", "socat's EXEC is not an address here", "the socket addresses are tcp, tls, ws, wss, udp, unix, unixgram and mem"},
		{"UDP-DATAGRAM:239.1.2.3:7890,ip-add-membership=239.1.2.3:eth0", "a group is joined by listening at its address", "listen at udp://group:port?iface=eth0"},
		{"TCP:h:80,crnl", `socat's option "crnl" has no equal here`, "use frame=crlf"},
		{"UNIX-LISTEN:x,unlink-early", `socat's option "unlink-early" has no equal here`, "a stale socket file is removed by itself"},
		{"TCP:h:80,pf=ipx", `option "pf=ipx" has no meaning here`, "use pf=ip4 or pf=ip6"},
		{"tcp://h:80?a=1&a=2", `option "a" is given twice`, ""},
		{"tcp4://h:80?ip=6", `option "ip" is given twice`, ""},
		{"tcp://h:80?=1", "an option has no name", "options are key=value, with & between them"},
		{"tcp://h:80?a b=1", `"a b" is not an option's name`, "options are key=value, with & between them"},
	} {
		_, err := endpoint.Parse(tt.in)
		var got *endpoint.AddrError
		if !errors.As(err, &got) {
			t.Errorf("Parse(%q): %v, want an AddrError", tt.in, err)
			continue
		}
		want := &endpoint.AddrError{Input: tt.in, Reason: tt.reason, Hint: tt.hint}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("Parse(%q) (-want +got):\n%s", tt.in, diff)
		}
	}
}

func TestAddrErrorText(t *testing.T) {
	_, err := endpoint.Parse("tcp://localhost")
	if got, want := err.Error(), `parse address "tcp://localhost": missing port`; got != want {
		t.Errorf("Error() = %s, want %s", got, want)
	}
	if got, want := endpoint.Hint(err), "write tcp://localhost:port"; got != want {
		t.Errorf("Hint = %s, want %s", got, want)
	}
}

func FuzzParse(f *testing.F) {
	for _, s := range []string{"tcp://[fe80::1%25eth0]:7788?a=b", "unix:./a%?b", "TCP-LISTEN:80,bind=[::1],fork",
		":80", "mem:x", "UNIX-LISTEN:a\\,b,mode=1", "udp4://1.2.3.4:domain", "[::1%2525]:1", "unix:////x"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		a, err := endpoint.Parse(s)
		if err != nil {
			if a != (endpoint.Addr{}) {
				t.Fatalf("Parse(%q) = %#v beside the error %v", s, a, err)
			}
			return
		}
		again, err := endpoint.Parse(a.String())
		if err != nil || again != a {
			t.Fatalf("Parse(%q) = %#v, but its String %q parses to %#v, %v", s, a, a.String(), again, err)
		}
		for _, k := range a.Options.Keys() {
			v, had := a.Options.Get(k), a.Options.Has(k)
			if got, ok := a.Options.Take(k); got != v || !ok || !had || a.Options.Has(k) {
				t.Fatalf("%q: Take(%q) = %q, %v; Get was %q", s, k, got, ok, v)
			}
		}
		if a.Options != (endpoint.Options{}) {
			t.Fatalf("%q: options left: %v", s, a.Options)
		}
	})
}
