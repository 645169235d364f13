package endpoint_test

import (
	"context"
	"path/filepath"
	"strings"
	"testing"

	"sockeye.dev/endpoint"
)

// TestCheck: what Check refuses, Dial and Listen refuse with the same words.
func TestCheck(t *testing.T) {
	long := strings.Repeat("x", 200)
	for _, tt := range []struct{ op, addr, err string }{
		{"listen", "tcp://:0", ""},
		{"listen", "tcp://no.such.host.invalid:1?backlog=9&proxyproto=on&timeout=1s", ""},
		{"listen", "wss://:443/chat?cert=/none&key=/none&hosts=a.example", ""},
		{"listen", "udp://239.1.2.3:1?iface=none0&source=192.0.2.1", ""},
		{"listen", "unix:/none/at/all", ""},
		{"listen", "mem:x", ""},
		{"dial", "mem:x", ""},
		{"dial", "tls://h:1?ca=/none", ""},
		{"dial", "udp://h:1", ""},

		{"listen", "tcp://:1?nodely=1", `listen tcp://:1: option "nodely=1": unknown`},
		{"listen", "tcp://:1?encoding=gbk", `listen tcp://:1: option "encoding=gbk": unknown`},
		{"listen", "tcp://:1?timeout=1", `listen tcp://:1: option "timeout=1": it means nothing when listening tcp`},
		{"listen", "tcp://:1?cert=x", `listen tcp://:1: option "cert=x": it means nothing when listening tcp`},
		{"listen", "udp://:1?peers=0", `listen udp://:1: option "peers=0": want a number from 1`},
		{"listen", "udp://:1?ttl=2", `listen udp://:1: option "ttl=2": the address is not a multicast group`},
		{"listen", "udp://239.1.2.3:1?source=::1", `listen udp://239.1.2.3:1: option "source=::1": it is of the other family than the group`},
		{"listen", "udp://239.1.2.3:1?ip=6", `listen udp 239.1.2.3:1: address 239.1.2.3: not an IPv6 address`},
		{"listen", "tls://:1?key=k", `listen tls://:1: option "key=k": a key without its certificate`},
		{"listen", "ws://:1?origin=a", `listen ws://:1: option "origin=a": want sites with commas between them: https://a.example,http://localhost:8080; or *`},
		{"dial", "ws://h:1?protocol=*", `dial ws://h:1: option "protocol=*": want names to offer`},
		{"dial", "wss://h:0", `dial wss h:0: port 0 is for listening only`},
		{"dial", "udp://h:0", `dial udp h:0: port 0 is for listening only`},
		{"dial", "tcp://h:0?proxy=http://p:1", `dial tcp h:0: port 0 is for listening only`},
		{"dial", "tcp://h:1?proxy=http://u:secret@p", `dial tcp://h:1: option "proxy=http://u:xxxxx@p": want a proxy: socks5://, socks4://, socks4a:// or http://[user:pass@]host:port`},
		{"listen", "unix:" + long, "listen unix " + long + ": path of 200 bytes exceeds the limit of "},
		{"dial", "unixgram:" + long, "dial unixgram " + long + ": path of 200 bytes exceeds the limit of "},
	} {
		a := parse(t, tt.addr)
		err := a.Check(tt.op)
		if tt.err == "" {
			if err != nil {
				t.Errorf("%s %s: %v", tt.op, tt.addr, err)
			}
			continue
		}
		if err == nil || !strings.HasPrefix(err.Error(), tt.err) {
			t.Errorf("%s %s:\n got %v\nwant %s", tt.op, tt.addr, err, tt.err)
			continue
		}
		var same error
		if tt.op == "dial" {
			_, same = endpoint.Host{}.Dial(context.Background(), a)
		} else {
			_, same = endpoint.Host{}.Listen(context.Background(), a)
		}
		if same == nil || same.Error() != err.Error() || endpoint.Hint(same) != endpoint.Hint(err) {
			t.Errorf("%s %s:\n  got %v\nCheck %v", tt.op, tt.addr, same, err)
		}
	}
	for _, op := range []string{"dial", "listen"} {
		if err := (endpoint.Addr{}).Check(op); err == nil {
			t.Errorf("%s of no address is taken", op)
		}
		if err := (endpoint.Addr{Scheme: "sctp"}).Check(op); err == nil || !strings.Contains(err.Error(), "unknown network sctp") {
			t.Errorf("%s sctp: %v", op, err)
		}
	}
}

// TestCheckOpensNothing: it leaves no file, and says nothing of those there are.
func TestCheckOpensNothing(t *testing.T) {
	dir := t.TempDir()
	a := endpoint.Addr{Scheme: "tls", Port: 1}
	a.Options.Set("keylog", filepath.Join(dir, "keys"))
	if err := a.Check("listen"); err != nil {
		t.Error(err)
	}
	if left, _ := filepath.Glob(filepath.Join(dir, "*")); left != nil {
		t.Errorf("left %q", left)
	}
}
