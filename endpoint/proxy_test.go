package endpoint_test

import (
	"bufio"
	"encoding/binary"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"

	"sockeye.dev/endpoint"
)

// greeter says hello at once, in the packet in which a proxy may have answered,
// and then sends back what it is sent until that ends.
func greeter(t *testing.T) endpoint.Addr {
	return plainServer(t, func(c net.Conn) {
		io.WriteString(c, "hello ")
		io.Copy(c, c)
	})
}

// joined copies both ways, half-closes kept, after first was said to c.
func joined(c net.Conn, target string, first []byte) {
	type half interface{ CloseWrite() error }
	s, err := net.Dial("tcp", target)
	if err != nil {
		return
	}
	defer s.Close()
	greeting := make([]byte, len("hello "))
	io.ReadFull(s, greeting)
	c.Write(append(first, greeting...))
	done := make(chan struct{})
	go func() {
		defer close(done)
		io.Copy(s, c)
		s.(half).CloseWrite()
	}()
	io.Copy(c, s)
	c.(half).CloseWrite()
	<-done
}

// socks5Proxy is RFC 1928 for one kind of client. It maps names itself.
func socks5Proxy(t *testing.T, user, pass string, names map[string]string) endpoint.Addr {
	return plainServer(t, func(c net.Conn) {
		in := bufio.NewReader(c)
		head := make([]byte, 2)
		io.ReadFull(in, head)
		methods := make([]byte, head[1])
		io.ReadFull(in, methods)
		switch {
		case user == "":
			c.Write([]byte{5, 0})
		case !strings.Contains(string(methods), "\x02"):
			c.Write([]byte{5, 255})
			io.Copy(io.Discard, in)
			return
		default:
			c.Write([]byte{5, 2})
			in.ReadByte()
			if u, p := lengthPrefixed(in), lengthPrefixed(in); u != user || p != pass {
				c.Write([]byte{1, 1})
				io.Copy(io.Discard, in)
				return
			}
			c.Write([]byte{1, 0})
		}
		req := make([]byte, 4)
		io.ReadFull(in, req)
		host := ""
		switch req[3] {
		case 1:
			ip := make(net.IP, 4)
			io.ReadFull(in, ip)
			host = ip.String()
		case 3:
			host = names[lengthPrefixed(in)]
		}
		var port uint16
		binary.Read(in, binary.BigEndian, &port)
		if host == "" {
			c.Write([]byte{5, 5, 0, 1, 0, 0, 0, 0, 0, 0})
			io.Copy(io.Discard, in)
			return
		}
		joined(c, fmt.Sprintf("%s:%d", host, port), []byte{5, 0, 0, 1, 0, 0, 0, 0, 0, 0})
	})
}

func lengthPrefixed(in *bufio.Reader) string {
	n, _ := in.ReadByte()
	p := make([]byte, n)
	io.ReadFull(in, p)
	return string(p)
}

// socks4Proxy answers with code unless that is 90.
func socks4Proxy(t *testing.T, code byte, names map[string]string) endpoint.Addr {
	return plainServer(t, func(c net.Conn) {
		in := bufio.NewReader(c)
		req := make([]byte, 8)
		io.ReadFull(in, req)
		in.ReadString(0)
		host := net.IP(req[4:8]).String()
		if strings.HasPrefix(host, "0.0.0.") {
			name, _ := in.ReadString(0)
			host = names[strings.TrimSuffix(name, "\x00")]
		}
		if code != 90 {
			c.Write([]byte{0, code, 0, 0, 0, 0, 0, 0})
			io.Copy(io.Discard, in)
			return
		}
		joined(c, fmt.Sprintf("%s:%d", host, binary.BigEndian.Uint16(req[2:])), []byte{0, 90, 0, 0, 0, 0, 0, 0})
	})
}

// httpProxy answers with status unless that is "", and wants userinfo.
func httpProxy(t *testing.T, status, user, pass string, names map[string]string) endpoint.Addr {
	return plainServer(t, func(c net.Conn) {
		req, err := http.ReadRequest(bufio.NewReader(c))
		if err != nil {
			return
		}
		req.Header.Set("Authorization", req.Header.Get("Proxy-Authorization"))
		u, p, _ := req.BasicAuth()
		switch {
		case u != user || p != pass:
			status = "407 Proxy Authentication Required"
		case req.Method != "CONNECT" || req.Host != req.RequestURI:
			status = "400 Bad Request"
		}
		if status != "" {
			fmt.Fprintf(c, "HTTP/1.1 %s\r\nContent-Length: 2\r\n\r\nno", status)
			io.Copy(io.Discard, c)
			return
		}
		host, port, _ := net.SplitHostPort(req.Host)
		if names[host] != "" {
			host = names[host]
		}
		joined(c, net.JoinHostPort(host, port), []byte("HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 Connection established\r\nVia: x\r\n\r\n"))
	})
}

var proxyNames = map[string]string{"far.example": "127.0.0.1"}

func TestProxies(t *testing.T) {
	target := greeter(t)
	for _, tt := range []struct {
		proxy string
		at    endpoint.Addr
		host  string
	}{
		{"socks5://%s", socks5Proxy(t, "", "", proxyNames), "127.0.0.1"},
		{"socks5://%s", socks5Proxy(t, "", "", proxyNames), "far.example"},
		{"socks5h://me:p%%2540s%%252Fw@%s/", socks5Proxy(t, "me", "p@s/w", proxyNames), "far.example"},
		{"socks5://me:p@s/w&@%s", socks5Proxy(t, "me", "p@s/w&", proxyNames), "far.example"},
		{"socks4://%s", socks4Proxy(t, 90, proxyNames), "127.0.0.1"},
		{"socks4://me@%s", socks4Proxy(t, 90, proxyNames), "localhost"},
		{"socks4a://%s", socks4Proxy(t, 90, proxyNames), "far.example"},
		{"http://%s", httpProxy(t, "", "", "", proxyNames), "127.0.0.1"},
		{"http://me:p:w@%s", httpProxy(t, "", "me", "p:w", proxyNames), "far.example"},
	} {
		url := fmt.Sprintf(tt.proxy, fmt.Sprintf("%s:%d", tt.at.Host, tt.at.Port))
		a := parse(t, fmt.Sprintf("tcp://%s:%d?proxy=%s", tt.host, target.Port, strings.ReplaceAll(url, "&", "%26")))
		c := dialAddr(t, endpoint.Host{}, a)
		if _, ok := c.(*net.TCPConn); !ok {
			t.Errorf("%s: %T, want *net.TCPConn", url, c)
		}
		io.WriteString(c, "there")
		c.(interface{ CloseWrite() error }).CloseWrite()
		if got, err := io.ReadAll(c); string(got) != "hello there" || err != nil {
			t.Errorf("%s to %s: read %q, %v", url, tt.host, got, err)
		}
	}
}

// answering answers the first bytes it gets with s, and ends.
func answering(t *testing.T, s string) endpoint.Addr {
	return plainServer(t, func(c net.Conn) {
		c.Read(make([]byte, 1024))
		io.WriteString(c, s)
		c.(interface{ CloseWrite() error }).CloseWrite()
		io.Copy(io.Discard, c)
	})
}

func TestProxyErrors(t *testing.T) {
	closed, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	closed.Close()
	nowhere := endpoint.AddrOf("tcp", closed.Addr())
	locked := socks5Proxy(t, "me", "pw", nil)
	lockedHTTP := httpProxy(t, "", "me", "pw", nil)
	for _, tt := range []struct {
		proxy string // %s is at
		at    endpoint.Addr
		words string
		hint  string
	}{
		{"socks5://%s", nowhere, "the proxy socks5://%s cannot be reached: dial tcp %[1]s: connect: connection refused", "proxy's address"},
		{"socks5://%s", locked, "the proxy socks5://%s wants a user and a password", "user:password"},
		{"socks5://me:no@%s", locked, "the proxy socks5://%s does not accept the user and the password", "user:password"},
		{"socks5://me:pw@%s", locked, "the proxy socks5://%s could not connect: connection refused", "behind it"},
		{"socks5://%s", answering(t, ""), "the proxy socks5://%s closed the connection without an answer", "of that kind"},
		{"socks5://%s", answering(t, "HTTP/1.1 400 Bad Request\r\n\r\n"), "the proxy socks5://%s does not speak SOCKS5", "http or"},
		{"http://%s", answering(t, "\x05\x00\r\n"), "the proxy http://%s does not speak HTTP: it sent \"\\x05\\x00\"", "socks5?"},
		{"http://%s", lockedHTTP, "the proxy http://%s wants a user and a password: \"407 Proxy Authentication Required\"", "user:password"},
		{"http://me:no@%s", lockedHTTP, "the proxy http://%s does not accept the user and the password: \"407 Proxy Authentication Required\"", "user:password"},
		{"http://%s", httpProxy(t, "403 Forbidden", "", "", nil), "the proxy http://%s refused to connect: \"403 Forbidden\"", "behind it"},
		{"socks4a://%s", socks4Proxy(t, 91, nil), "the proxy socks4a://%s could not connect, or may not", "behind it"},
		{"socks4a://me@%s", socks4Proxy(t, 93, nil), "the proxy socks4a://%s does not accept the user \"me\"", "user:password"},
		{"socks4a://%s", greeter(t), "the proxy socks4a://%s does not speak SOCKS4", "another kind"},
	} {
		where := fmt.Sprintf("%s:%d", tt.at.Host, tt.at.Port)
		a := parse(t, "tcp://nowhere.example:80?proxy="+fmt.Sprintf(tt.proxy, where))
		_, err := endpoint.Host{}.Dial(t.Context(), a)
		words := fmt.Sprintf(tt.words, where)
		checkWords(t, err, words, tt.hint)
		if err != nil && !strings.HasPrefix(err.Error(), "dial tcp nowhere.example:80: ") {
			t.Error(err)
		}
	}
	silent := plainServer(t, func(c net.Conn) { io.Copy(io.Discard, c) })
	for _, scheme := range []string{"socks5", "socks4a", "http"} {
		where := fmt.Sprintf("%s://127.0.0.1:%d", scheme, silent.Port)
		_, err := endpoint.Host{}.Dial(t.Context(), parse(t, "tcp://nowhere.example:80?timeout=50ms&proxy="+where))
		checkWords(t, err, "the proxy "+where+" did not answer in time", "timeout=DURATION")
	}
}

func TestProxyTLS(t *testing.T) {
	l, a := tlsListen(t, "")
	at := plainServer(t, func(c net.Conn) {
		http.ReadRequest(bufio.NewReader(c))
		s, err := net.Dial("tcp", l.Addr().String())
		if err != nil {
			return
		}
		defer s.Close()
		io.WriteString(c, "HTTP/1.0 200 OK\r\n\r\n")
		go io.Copy(s, c)
		io.Copy(c, s)
	})
	a.Options.Set("proxy", fmt.Sprintf("http://127.0.0.1:%d", at.Port))
	c := dialAddr(t, endpoint.Host{}, a)
	io.WriteString(c, "through")
	c.(endpoint.TLSConn).CloseWrite()
	s := acceptStream(t, l)
	if got, err := io.ReadAll(s); string(got) != "through" || err != nil {
		t.Errorf("read %q, %v", got, err)
	}
	c.Close()
}

func TestProxyOptionErrors(t *testing.T) {
	const want = "want a proxy: socks5://, socks4://, socks4a:// or http://[user:pass@]host:port"
	for _, tt := range []struct{ addr, err string }{
		{"tcp://h:1?proxy=h:1", `dial tcp://h:1: option "proxy=h:1": ` + want},
		{"tcp://h:1?proxy=https://h:1", `dial tcp://h:1: option "proxy=https://h:1": ` + want},
		{"tcp://h:1?proxy=socks5://u:secret@h", `dial tcp://h:1: option "proxy=socks5://u:xxxxx@h": ` + want},
		{"tcp://h:1?proxy=socks4://u:secret@h:1", `dial tcp://h:1: option "proxy=socks4://u:xxxxx@h:1": want a user alone: socks4 knows no passwords`},
		{"tcp://h:1?proxy=socks5://:secret@h:1", `dial tcp://h:1: option "proxy=socks5://:xxxxx@h:1": want a proxy with a user's name before the password`},
		{"udp://h:1?proxy=socks5://h:1", `dial udp://h:1: option "proxy=socks5://h:1": it means nothing when dialing udp`},
		{"tcp://h:1?proxyproto=3", `dial tcp://h:1: option "proxyproto=3": want 1 or 2 to send a header of that version, on to ask for one`},
	} {
		_, err := endpoint.Host{}.Dial(t.Context(), parse(t, tt.addr))
		if err == nil || err.Error() != tt.err {
			t.Errorf("%s:\n got %v\nwant %s", tt.addr, err, tt.err)
		}
	}
	a := parse(t, "tcp://h:1?proxy=http://me:secret@p:80&idle=1")
	if got := a.Redacted().String(); got != "tcp://h:1?proxy=http://me:xxxxx@p:80&idle=1" {
		t.Errorf("Redacted = %s", got)
	}
}
