package endpoint_test

import (
	"bufio"
	"io"
	"net/url"
	"strings"
	"testing"
	"testing/synctest"

	"sockeye.dev/endpoint"
)

// The request is what the address says.
func TestWSRequest(t *testing.T) {
	for _, tt := range []struct{ addr, line, lines string }{
		{"ws://server.example", "GET / HTTP/1.1", "Host: server.example"},
		{"ws://server.example:8080/a%20b/你%3fx=1&y?type=text", "GET /a%20b/%E4%BD%A0?x=1&y HTTP/1.1", "Host: server.example:8080"},
		{"ws://me:p%40ss@server.example/?origin=https://Page.example&protocol=chat,v2&header=X-A:%201%0AUser-Agent:u", "GET / HTTP/1.1",
			"Host: server.example|Sec-WebSocket-Protocol: chat, v2|Origin: https://page.example|Authorization: Basic bWU6cEBzcw==|X-A: 1|User-Agent: u"},
		{"ws://[2001:db8::1]:8080?header=Host:virtual", "GET / HTTP/1.1", "Host: virtual"},
		{"ws://[2001:db8::1]", "GET / HTTP/1.1", "Host: [2001:db8::1]"},
		{"wss://server.example", "GET / HTTP/1.1", "Host: server.example"},
		{"wss://server.example:80", "GET / HTTP/1.1", "Host: server.example:80"},
	} {
		synctest.Test(t, func(t *testing.T) {
			m := new(endpoint.Mem)
			a := parse(t, tt.addr)
			scheme := map[string]string{"ws": "tcp", "wss": "tls"}[a.Scheme]
			l := listen(t, m, strings.TrimSuffix(endpoint.Addr{Scheme: scheme, Host: a.Host, Port: a.Port}.String(), "/"))
			if f, ok := l.(endpoint.Fingerprinter); ok {
				a.Options.Set("pin", f.Fingerprint())
			}
			wait := inBackground(t, func() {
				c := acceptStream(t, l)
				lines, _ := readHead(bufio.NewReader(c))
				c.Close()
				var rest []string
				for _, line := range lines[1:] {
					if !strings.HasPrefix(line, "Upgrade:") && !strings.HasPrefix(line, "Connection:") && !strings.HasPrefix(line, "Sec-WebSocket-Key:") && line != "Sec-WebSocket-Version: 13" {
						rest = append(rest, line)
					}
				}
				if lines[0] != tt.line || strings.Join(rest, "|") != tt.lines || len(lines)-1-len(rest) != 4 {
					t.Errorf("%s: %q", tt.addr, lines)
				}
			})
			m.Dial(t.Context(), a)
			wait()
		})
	}
}

// Both of ours agree, and know what they agreed on.
func TestWSAgree(t *testing.T) {
	for _, tt := range []struct{ listen, dial, uri, protocol string }{
		{"ws://127.0.0.1:0", "", "/", ""},
		{"ws://127.0.0.1:0/chat?protocol=b,a", "protocol=a,b", "/chat", "b"},
		{"ws://127.0.0.1:0/%3Froom=1?protocol=*", "protocol=a,b&proxyproto=off", "/?room=1", "a"},
		{"ws://127.0.0.1:0?protocol=*", "", "/", ""},
		{"ws://127.0.0.1:0?proxyproto=on", "proxyproto=2", "/", ""},
		{"wss://127.0.0.1:0/s", "alpn=http/1.1", "/s", ""},
		{"wss://127.0.0.1:0?proxyproto=on", "proxyproto=1&keepalive=10s", "/", ""},
	} {
		if strings.Contains(tt.dial, "alpn") {
			tt.listen += "?alpn=http/1.1,h2"
		}
		client, server := wsPair(t, tt.listen, tt.dial)
		for _, c := range []endpoint.WSConn{client, server} {
			if c.RequestURI() != tt.uri || c.Subprotocol() != tt.protocol {
				t.Errorf("%s: %q, %q", tt.listen, c.RequestURI(), c.Subprotocol())
			}
			if _, ok := c.NetConn().(endpoint.TLSConn); ok != strings.HasPrefix(tt.listen, "wss") {
				t.Errorf("%T", c.NetConn())
			}
		}
		if client.LocalAddr().String() != server.RemoteAddr().String() {
			t.Errorf("%v, %v", client.LocalAddr(), server.RemoteAddr())
		}
		send(t, client, "question")
		client.CloseWrite()
		receive(t, server, "question")
		if _, err := server.ReadMessage(nil); err != io.EOF {
			t.Error(err)
		}
		send(t, server, "late reply")
		server.Close()
		receive(t, client, "late reply")
		if _, err := client.ReadMessage(nil); err != io.EOF {
			t.Error(err)
		}
		client.Close()
	}
}

// Who has shown a certificate is known by it through a WebSocket, too, and nobody else is.
func TestWSConnectionState(t *testing.T) {
	ca := newAuthority(t)
	file, der := ca.issue(t, nil)
	client, server := wsPair(t, "wss://127.0.0.1:0?cert="+file+"&clientca="+ca.file, "ca="+ca.file+"&cert="+file)
	for _, c := range []endpoint.WSConn{client, server} {
		got := c.ConnectionState()
		if len(got.VerifiedChains) == 0 || endpoint.Fingerprint(got.PeerCertificates[0].Raw) != endpoint.Fingerprint(der) {
			t.Errorf("%v saw %d certificates", c.LocalAddr(), len(got.PeerCertificates))
		}
		c.Close()
	}
	_, server = wsPair(t, "wss://127.0.0.1:0", "cert="+file)
	if got := server.ConnectionState(); !got.HandshakeComplete || len(got.VerifiedChains) > 0 {
		t.Errorf("a certificate nobody asked for: %v", got.VerifiedChains)
	}
	_, server = wsPair(t, "ws://127.0.0.1:0", "")
	if got := server.ConnectionState(); got.HandshakeComplete || len(got.VerifiedChains) > 0 {
		t.Errorf("without TLS: %+v", got)
	}
}

func TestWSOptionErrors(t *testing.T) {
	for _, tt := range []struct{ op, addr, words, hint string }{
		{"dial", "ws://h?type=blob", `option "type=blob": want text, binary or auto`, ""},
		{"dial", "ws://h?max=x", `option "max=x": want a size up to 1024M: 65536, 64k, 1M`, ""},
		{"dial", "ws://h?protocol=a,,b", `option "protocol=a,,b": want the names of subprotocols with commas between them: chat,mqtt`, ""},
		{"dial", "ws://h?protocol=*", `option "protocol=*": want names to offer`, ""},
		{"dial", "ws://h?origin=a.example", `option "origin=a.example": want sites with commas between them: https://a.example,http://localhost:8080; or *`, ""},
		{"dial", "ws://h?origin=https://a,https://b", `option "origin=https://a,https://b": want one site, whose page we seem to be`, ""},
		{"dial", "ws://h?hosts=a", `option "hosts=a": it means nothing when dialing ws`, "it is for listening"},
		{"dial", "ws://me:secret@h?header=authorization:x", `option "header=Authorization": there is a user and a password already`, ""},
		{"dial", "ws://h?header=Upgrade:x", `option "header": want a header that is no part of the handshake; protocol= names subprotocols`, ""},
		{"dial", "ws://h?header=a", `option "header": want Name:value, with %0A before another`, ""},
		{"dial", "ws://h?header=a:%0D%0Ab", `option "header": want Name:value, with %0A before another`, ""},
		{"dial", "ws://h?token=abc", `option "token=abc": unknown`, "/path%3Ftoken=..."},
		{"dial", "ws://h?cert=x", `option "cert=x": it means nothing when dialing ws`, "it is for tls"},
		{"dial", "tcp://h:1?type=text", `option "type=text": it means nothing when dialing tcp`, "it is for ws"},
		{"listen", "ws://h?auth=a:b", `option "auth": it means nothing when listening ws`, "it is for dialing"},
		{"dial", "wss://h?ca=/none", `option "ca=/none": open /none: no such file or directory`, "PEM"},
	} {
		var err error
		if tt.op == "dial" {
			_, err = endpoint.Host{}.Dial(t.Context(), parse(t, tt.addr))
		} else {
			_, err = endpoint.Host{}.Listen(t.Context(), parse(t, tt.addr))
		}
		if err == nil || !strings.HasSuffix(err.Error(), ": "+tt.words) || !strings.Contains(endpoint.Hint(err), tt.hint) || strings.Contains(err.Error(), "secret") {
			t.Errorf("%s: %v\n%s", tt.addr, err, endpoint.Hint(err))
		}
	}
}

func TestWSParse(t *testing.T) {
	for _, tt := range []struct{ in, canonical string }{
		{"ws://h", "ws://h:80"},
		{"WSS://H/", "wss://h:443"},
		{"ws://:7788", "ws://:7788"},
		{"ws://[::1]", "ws://[::1]:80"},
		{"ws://[::1]:http/x", "ws://[::1]:80/x"},
		{"ws6://h/x", "ws://h:80/x?ip=6"},
		{"ws://h:80/a/b%2fc%3fx=1&y=2%3f?max=1k", "ws://h:80/a/b%2Fc%3Fx=1&y=2%3F?max=1k"},
		{"ws://h/100%/你 好", "ws://h:80/100%25/%E4%BD%A0%20%E5%A5%BD"},
		{"ws://h/a@b:c", "ws://h:80/a@b:c"},
		{"ws://u:p%40%2F:x@h/", "ws://h:80?auth=u:p@/:x"},
		{"ws://u@h/", "ws://h:80?auth=u:"},
	} {
		checkParse(t, tt.in, tt.canonical)
	}
	for _, tt := range []struct{ in, reason, hint string }{
		{"ws://", "missing host and port", "write ws://host:port"},
		{"ws:///x", "missing host and port", "write ws://host:port"},
		{"ws://h/a#b", "a WebSocket address has no fragment", "write it as %23 if it belongs to the path"},
		{"ws://:p@h", "the user has no name that can be sent", "write ws://user:password@host"},
		{"ws://::1/x", "an IPv6 address needs brackets", "write [::1]:port"},
		{"ws:h:80", "ws addresses are URLs", "write ws:// in front"},
	} {
		_, err := endpoint.Parse(tt.in)
		if err == nil || !strings.HasSuffix(err.Error(), ": "+tt.reason) || endpoint.Hint(err) != tt.hint {
			t.Errorf("%s: %v; %s", tt.in, err, endpoint.Hint(err))
		}
	}
	a := parse(t, "ws://u:secret@h/?header=Authorization:secret&proxy=http://u:secret@p:1")
	if s := a.Redacted().String(); strings.Contains(s, "secret") || strings.Count(s, "xxxxx") != 3 {
		t.Error(s)
	}
	if _, err := url.Parse(a.String()); err != nil {
		t.Error(err)
	}
}
