package endpoint_test

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"sockeye.dev/endpoint"
)

// What a server says to requests that are none of its own, and what it says of
// them.
func TestWSServerHandshake(t *testing.T) {
	good := wsRequest("/")
	without := func(line string) string {
		i := strings.Index(good, line)
		return good[:i] + good[i+strings.Index(good[i:], "\n")+1:]
	}
	for _, tt := range []struct {
		name, addr, request string
		status, body        string
		words, hint         string
	}{
		{"a browser's page", "ws://:80", "GET /x HTTP/1.1\r\nHost: h\r\n\r\n", "426 Upgrade Required",
			"This is a WebSocket server: connect with a WebSocket client (ws://).", `a plain HTTP request for "/x"`, ""},
		{"no connection", "ws://:80", without("Connection"), "426 Upgrade Required",
			"This is a WebSocket server: connect with a WebSocket client (ws://).", `a plain HTTP request for "/"`, ""},
		{"post", "ws://:80", strings.Replace(good, "GET", "POST", 1), "405 Method Not Allowed", "WebSocket begins with GET.", `the client asked to POST "/"`, ""},
		{"old http", "ws://:80", strings.Replace(good, "1.1", "1.0", 1), "505 HTTP Version Not Supported", "WebSocket needs HTTP/1.1.", "WebSocket needs HTTP/1.1.", ""},
		{"http/2", "ws://:80", "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", "505 HTTP Version Not Supported", "WebSocket needs HTTP/1.1.", "WebSocket needs HTTP/1.1.", ""},
		{"no host", "ws://:80", without("Host"), "400 Bad Request", "A request has one Host.", "A request has one Host.", ""},
		{"two hosts", "ws://:80", wsRequest("/", "Host: other"), "400 Bad Request", "A request has one Host.", "A request has one Host.", ""},
		{"no key", "ws://:80", without("Sec-WebSocket-Key"), "400 Bad Request", "Sec-WebSocket-Key is not 16 bytes in base64.", "Sec-WebSocket-Key is not 16 bytes in base64.", ""},
		{"short key", "ws://:80", strings.Replace(good, "dGhl", "", 1), "400 Bad Request", "Sec-WebSocket-Key is not 16 bytes in base64.", "Sec-WebSocket-Key is not 16 bytes in base64.", ""},
		{"old version", "ws://:80", strings.Replace(good, "Version: 13", "Version: 8", 1), "426 Upgrade Required",
			`This server speaks version 13 of the protocol, not "8".`, `This server speaks version 13 of the protocol, not "8".`, ""},
		{"another path", "ws://:80/chat", good, "404 Not Found", `There is no conversation at "/".`, `There is no conversation at "/".`, "names its path"},
		{"another query", "ws://:80/%3Froom=1", wsRequest("/?room=2"), "404 Not Found", `There is no conversation at "/?room=2".`, `There is no conversation at "/?room=2".`, "names its path"},
		{"no subprotocol", "ws://:80?protocol=a,b", good, "400 Bad Request", "This server speaks a, b (Sec-WebSocket-Protocol).",
			"no subprotocol in common: the client offers []", "protocol=*"},
		{"other subprotocols", "ws://:80?protocol=a", wsRequest("/", "Sec-WebSocket-Protocol: A, c"), "400 Bad Request", "This server speaks a (Sec-WebSocket-Protocol).",
			`no subprotocol in common: the client offers ["A" "c"]`, "protocol=*"},
		{"not http", "ws://:80", "hello\r\n", "400 Bad Request", "This server speaks WebSocket (RFC 6455) over HTTP/1.1 only.", `the client does not speak HTTP: it sent "hello\r\n"`, ""},
		{"tls", "ws://:80", "\x16\x03\x01", "400 Bad Request", "This server speaks WebSocket (RFC 6455) over HTTP/1.1 only.", "the client speaks TLS, not HTTP", "use wss://"},
		{"no line", "ws://:80", "GET\r\n\r\n", "400 Bad Request", "This server speaks WebSocket (RFC 6455) over HTTP/1.1 only.", `the client does not speak HTTP: it sent "GET\r\n\r\n"`, ""},
		{"no uri", "ws://:80", "GET  HTTP/1.1\r\nHost: h\r\n\r\n", "400 Bad Request", `The request begins with "GET  HTTP/1.1".`, `The request begins with "GET  HTTP/1.1".`, ""},
		{"a bad header", "ws://:80", "GET / HTTP/1.1\r\nno colon\r\n\r\n", "400 Bad Request", "This server speaks WebSocket (RFC 6455) over HTTP/1.1 only.",
			"the client sent a malformed header", ""},
		{"too large", "ws://:80", "GET / HTTP/1.1\r\nX: " + strings.Repeat("x", 17000), "431 Request Header Fields Too Large",
			"This server speaks WebSocket (RFC 6455) over HTTP/1.1 only.", "the client sent a head of more than 16384 bytes", ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				m := new(endpoint.Mem)
				l := listen(t, m, tt.addr)
				c := dial(t, m, "tcp://localhost:80")
				io.WriteString(c, tt.request)
				in := bufio.NewReader(c)
				lines, err := readHead(in)
				body, err2 := io.ReadAll(in)
				c.Close()
				if err != nil || err2 != nil || lines[0] != "HTTP/1.1 "+tt.status || string(body) != tt.body+"\n" {
					t.Errorf("%q, %v; body %q, %v", lines, err, body, err2)
				}
				head := strings.Join(lines, "\n") + "\n"
				if !strings.Contains(head, fmt.Sprintf("\nContent-Length: %d\n", len(body))) || strings.Contains(tt.status, "426") != strings.Contains(head, "\nUpgrade: websocket\n") {
					t.Error(head)
				}
				_, err = acceptStream(t, l).Read(make([]byte, 1))
				checkWords(t, err, "no WebSocket handshake: "+tt.words, tt.hint)
			})
		})
	}
}

// A listener's path is asked for in other spellings, too, and with any query.
func TestWSPaths(t *testing.T) {
	for _, tt := range []struct{ addr, uri string }{
		{"ws://:80", "/anything?at=all"},
		{"ws://:80/", "/"},
		{"ws://:80/chat", "/chat?room=1"},
		{"ws://:80/chat", "http://server.example/chat"},
		{"ws://:80/你%7e", "/%e4%BD%a0%7E"},
		{"ws://:80/%3Froom=1", "/?room=1"},
	} {
		synctest.Test(t, func(t *testing.T) {
			m := new(endpoint.Mem)
			l := listen(t, m, tt.addr)
			c := dial(t, m, "tcp://localhost:80")
			io.WriteString(c, wsRequest(tt.uri))
			lines, err := readHead(bufio.NewReader(c))
			if err != nil || lines[0] != "HTTP/1.1 101 Switching Protocols" {
				t.Errorf("%s: %s: %q, %v", tt.addr, tt.uri, lines, err)
			}
			if s, ok := acceptStream(t, l).(endpoint.WSConn); !ok || s.RequestURI() != tt.uri {
				t.Errorf("%s: %s was asked for", tt.addr, tt.uri)
			}
		})
	}
}

// Who may connect: section 10.2, and no rebinding of names.
func TestWSOrigin(t *testing.T) {
	for _, tt := range []struct {
		addr, host, origin string
		status             string
	}{
		{"ws://:80", "anything", "", "101"},
		{"ws://:80", "localhost:80", "http://localhost:80", "101"},
		{"ws://:80", "LOCALHOST:80", "http://LocalHost:80", "101"},
		{"ws://:80", "app.localhost:80", "http://app.localhost:80", "101"},
		{"ws://:80", "192.0.2.7:80", "http://192.0.2.7:80", "101"},
		{"ws://:80", "[2001:db8::1]:80", "http://[2001:db8::1]:80", "101"},
		{"ws://:80", "[2001:db8::1]", "http://[2001:db8::1]", "101"},
		{"ws://:80", "evil.example:80", "http://evil.example:80", "403"}, // its name points at us now
		{"ws://:80", "localhost.evil.example:80", "http://localhost.evil.example:80", "403"},
		{"ws://:80", "127.0.0.1.evil.example:80", "http://127.0.0.1.evil.example:80", "403"},
		{"ws://:80", "localhost.:80", "http://localhost.:80", "403"},
		{"ws://:80", ":80", "http://:80", "403"},
		{"ws://127.0.0.1:80", "evil.example:80", "http://evil.example:80", "403"},
		{"ws://localhost:80", "evil.example:80", "http://evil.example:80", "403"},
		{"ws://127.0.0.1:80", "evil.example:80", "", "101"}, // no browser
		{"ws://:80", "localhost:80", "http://evil.example", "403"},
		{"ws://:80", "localhost:80", "http://localhost:81", "403"},
		{"ws://:80", "localhost:80", "null", "403"},
		{"ws://:80", "localhost:80", "localhost:80", "403"},
		{"ws://pc7.example:80", "pc7.example:80", "http://pc7.example:80", "101"},
		{"ws://:80?hosts=a.lan,Chat.example", "chat.example", "https://chat.example", "101"},
		{"ws://:80?hosts=a.lan", "b.lan", "http://b.lan", "403"},
		{"ws://:80?origin=https://a.example,http://b.example:8080/", "internal", "https://a.example", "101"},
		{"ws://:80?origin=https://a.example,http://b.example:8080/", "internal", "HTTP://b.example:8080", "101"},
		{"ws://:80?origin=https://a.example", "a.example", "http://a.example", "403"},
		{"ws://:80?origin=https://a.example", "localhost", "http://localhost", "403"},
		{"ws://:80?origin=null", "localhost", "null", "101"},
		{"ws://:80?origin=*", "evil.example", "http://evil.example", "101"},
	} {
		synctest.Test(t, func(t *testing.T) {
			m := new(endpoint.Mem)
			l := listen(t, m, tt.addr)
			c := dialAddr(t, m, endpoint.AddrOf("tcp", l.Addr()))
			more := []string{"Origin: " + tt.origin}
			if tt.origin == "" {
				more = nil
			}
			io.WriteString(c, strings.Replace(wsRequest("/", more...), "server.example", tt.host, 1))
			lines, err := readHead(bufio.NewReader(c))
			if err != nil || !strings.HasPrefix(lines[0], "HTTP/1.1 "+tt.status) {
				t.Errorf("%s, Host %s, Origin %s: %q, %v", tt.addr, tt.host, tt.origin, lines, err)
			}
			c.Close()
			acceptStream(t, l)
		})
	}
}

// TestWSRebinding: a page of evil.example, whose name its server has made to
// mean 127.0.0.1 (DNS rebinding), says so in Host and Origin, which are then
// equal. It gets in nowhere; a program that is no browser sends no Origin and may
// call us what it likes, as it could lie anyway.
func TestWSRebinding(t *testing.T) {
	for _, tt := range []struct {
		options, host, origin string
		want                  string
	}{
		{"", "evil.example:@", "//evil.example:@", "403 Forbidden"},
		{"", "evil.example", "//evil.example", "403 Forbidden"},
		{"", "evil.example:@", "", "101 Switching Protocols"},
		{"", "127.0.0.1:@", "//127.0.0.1:@", "101 Switching Protocols"},
		{"", "localhost:@", "//localhost:@", "101 Switching Protocols"},
		{"", "127.0.0.1:@", "//evil.example:@", "403 Forbidden"},
		{"?hosts=pc7.lan", "pc7.lan:@", "//pc7.lan:@", "101 Switching Protocols"},
		{"?hosts=pc7.lan", "evil.example:@", "//evil.example:@", "403 Forbidden"},
	} {
		for _, scheme := range []string{"ws", "wss"} {
			l := listen(t, endpoint.Host{}, scheme+"://127.0.0.1:0"+tt.options)
			at := endpoint.AddrOf(map[string]string{"ws": "tcp", "wss": "tls"}[scheme], l.Addr())
			more, page := []string(nil), map[string]string{"ws": "http:", "wss": "https:"}[scheme]
			port := strings.NewReplacer("@", fmt.Sprint(at.Port))
			if tt.origin != "" {
				more = []string{"Origin: " + page + port.Replace(tt.origin)}
			}
			if scheme == "wss" {
				at.Options.Set("insecure", "on")
			}
			c := dialAddr(t, endpoint.Host{}, at)
			io.WriteString(c, strings.Replace(wsRequest("/", more...), "server.example", port.Replace(tt.host), 1))
			lines, err := readHead(bufio.NewReader(c))
			if err != nil || lines[0] != "HTTP/1.1 "+tt.want {
				t.Errorf("%s%s, Host %s, Origin %s: %q, %v", scheme, tt.options, tt.host, tt.origin, lines, err)
			}
			c.Close()
			s := acceptStream(t, l)
			if refused, is := s.(endpoint.Refused); is != (tt.want[0] == '4') {
				t.Errorf("a %T is accepted", s)
			} else if is && tt.host == "evil.example" {
				_, err := refused.Read(nil)
				checkWords(t, err, `no WebSocket handshake: This server does not know the name "evil.example".`, "hosts=NAME says that the name is ours")
			}
		}
	}
}

// What a client says of servers that are none.
func TestWSClientHandshake(t *testing.T) {
	const ok = "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: $\r\n"
	for _, tt := range []struct{ name, options, answer, words, hint string }{
		{"page", "", "HTTP/1.1 200 OK\r\n\r\n<html>", "not a WebSocket server: 200 OK", ""},
		{"none there", "", "HTTP/1.1 404 Not Found\r\nContent-Type: text/html\r\nContent-Length: 3\r\n\r\n404", "not a WebSocket server: 404 Not Found", "%3F"},
		{"with text", "", "HTTP/1.0 503 Busy\r\nContent-Type: text/plain\r\nContent-Length: 12\r\n\r\ncome back\nx\n", `not a WebSocket server: 503 Busy: "come back"`, ""},
		{"redirect", "", "HTTP/1.1 301 Moved Permanently\r\nLocation: https://h/x\r\n\r\n",
			`the server redirects (301 Moved Permanently) to "https://h/x", which is not followed`, "dial that address"},
		{"user wanted", "", "HTTP/1.1 401 Unauthorized\r\n\r\n", "the server wants a user and a password: 401 Unauthorized", "user:password@"},
		{"wrong user", "auth=me:x", "HTTP/1.1 401 Unauthorized\r\n\r\n", "the server does not accept the user and the password: 401 Unauthorized", ""},
		{"forbidden", "", "HTTP/1.1 403 Forbidden\r\n\r\n", "the server refuses us: 403 Forbidden", "origin="},
		{"control", "", "HTTP/1.1 500 \x1b[2J\r\n\r\n", "not a WebSocket server: 500 ?[2J", ""},
		{"not http", "", "220 ftp ready\r\n", `not a WebSocket server: it does not speak HTTP: it sent "220 ftp ready\r\n"`, ""},
		{"not http after all", "", "HTTP/x\r\n\r\n", `not a WebSocket server: it does not speak HTTP: it sent "HTTP/x"`, ""},
		{"tls", "", "\x15\x03\x01\x00\x02\x02\x46", "not a WebSocket server: it speaks TLS, not HTTP", "use wss://"},
		{"closed", "", "", "not a WebSocket server: it closed the connection without an answer", "wss://"},
		{"cut", "", "HTTP/1.1 101 Switching", "not a WebSocket server: it closed the connection without an answer", "wss://"},
		{"endless", "", "HTTP/1.1 101 Switching Protocols\r\nX: " + strings.Repeat("x", 17000), "not a WebSocket server: it sent a head of more than 16384 bytes", ""},
		{"other upgrade", "", "HTTP/1.1 101 Switching Protocols\r\nUpgrade: h2c\r\nConnection: Upgrade\r\n\r\n", "not a WebSocket server: it upgrades to something else", "proxy"},
		{"wrong accept", "", strings.Replace(ok, "$", "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=", 1) + "\r\n", "not a WebSocket server: its Sec-WebSocket-Accept is wrong", "proxy"},
		{"extension", "", ok + "Sec-WebSocket-Extensions: permessage-deflate\r\n\r\n", "not a WebSocket server: it insists on an extension that was not offered", "proxy"},
		{"subprotocol", "protocol=a,b", ok + "Sec-WebSocket-Protocol: c\r\n\r\n", `not a WebSocket server: it chose the subprotocol "c", which was not offered`, "proxy"},
		{"no subprotocol", "protocol=a,b", ok + "\r\n", "the server agreed to none of the subprotocols a, b", "leave protocol out"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				m := new(endpoint.Mem)
				l := listen(t, m, "tcp://server.example:80")
				inBackground(t, func() {
					c := acceptStream(t, l)
					lines, _ := readHead(bufio.NewReader(c))
					io.WriteString(c, strings.Replace(tt.answer, "$", wsAccept(lines), 1))
					c.Close()
				})
				begin := time.Now()
				_, err := m.Dial(t.Context(), parse(t, "ws://server.example/?"+tt.options))
				if err == nil {
					t.Fatal("it was taken")
				}
				checkWords(t, err, tt.words, tt.hint)
				if !strings.HasPrefix(err.Error(), "dial ws server.example:80: ") || time.Since(begin) != 0 {
					t.Errorf("%v after %v", err, time.Since(begin))
				}
			})
		})
	}
}

// A proxy connects us like any other.
func TestWSThroughProxy(t *testing.T) {
	l := listen(t, endpoint.Host{}, "wss://127.0.0.1:0")
	proxy := plainServer(t, func(c net.Conn) {
		lines, _ := readHead(bufio.NewReader(c))
		target := strings.Fields(lines[0])[1]
		s, err := net.Dial("tcp", target)
		if err != nil {
			t.Error(err)
			return
		}
		defer s.Close()
		io.WriteString(c, "HTTP/1.1 200 OK\r\n\r\n")
		done := make(chan struct{})
		go func() { defer close(done); io.Copy(s, c); s.(*net.TCPConn).CloseWrite() }()
		io.Copy(c, s)
		c.(*net.TCPConn).CloseWrite()
		<-done
	})
	a := wsAddrOf(t, "wss://127.0.0.1:0", l)
	a.Options.Set("proxy", fmt.Sprintf("http://127.0.0.1:%d", proxy.Port))
	c := dialAddr(t, endpoint.Host{}, a)
	s := accept(t, l)
	send(t, c, "hello")
	receive(t, s, "hello")
	s.Close()
	c.Close()
}

// Who says nothing is dropped after 10 s, and delays nobody.
func TestWSSilentPeers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := new(endpoint.Mem)
		l := listen(t, m, "ws://server.example:80")
		begin := time.Now()
		dial(t, m, "tcp://server.example:80")
		io.WriteString(dial(t, m, "tcp://server.example:80"), "GET / HT")
		c := dial(t, m, "ws://server.example:80")
		if s := acceptStream(t, l); s.RemoteAddr().String() != c.LocalAddr().String() || time.Since(begin) != 0 {
			t.Errorf("accepted %v after %v", s.RemoteAddr(), time.Since(begin))
		}
		for range 2 {
			_, err := acceptStream(t, l).Read(make([]byte, 1))
			checkWords(t, err, "the client did not finish the WebSocket handshake in time", "timeout=DURATION")
			if time.Since(begin) != 10*time.Second {
				t.Errorf("after %v", time.Since(begin))
			}
		}
		listen(t, m, "tcp://mute.example:80")
		begin = time.Now()
		_, err := m.Dial(t.Context(), parse(t, "ws://mute.example?timeout=3s"))
		checkWords(t, err, "the server did not answer the WebSocket handshake in time", "timeout=DURATION")
		if time.Since(begin) != 3*time.Second {
			t.Errorf("after %v", time.Since(begin))
		}
	})
}
