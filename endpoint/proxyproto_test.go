package endpoint_test

import (
	"fmt"
	"io"
	"net"
	"strings"
	"syscall"
	"testing"

	"sockeye.dev/endpoint"
)

func TestProxyHeaderBothWays(t *testing.T) {
	for _, scheme := range []string{"tcp", "tls"} {
		for _, version := range []string{"1", "2", "on"} {
			l := listen(t, endpoint.Host{}, scheme+"://127.0.0.1:0?proxyproto=on")
			a := endpoint.AddrOf(scheme, l.Addr())
			a.Options.Set("proxyproto", version)
			if f, ok := l.(endpoint.Fingerprinter); ok {
				a.Options.Set("pin", f.Fingerprint())
			}
			c := dialAddr(t, endpoint.Host{}, a)
			s := acceptStream(t, l)
			if c.LocalAddr().String() != s.RemoteAddr().String() || c.RemoteAddr().String() != s.LocalAddr().String() {
				t.Errorf("%s, version %s: %v to %v, the header said %v to %v", scheme, version,
					c.LocalAddr(), c.RemoteAddr(), s.RemoteAddr(), s.LocalAddr())
			}
			fmt.Fprint(c, "question")
			c.(interface{ CloseWrite() error }).CloseWrite()
			if got, err := io.ReadAll(s); string(got) != "question" || err != nil {
				t.Errorf("read %q, %v", got, err)
			}
			fmt.Fprint(s, "reply")
			s.(interface{ CloseWrite() error }).CloseWrite()
			if got, err := io.ReadAll(c); string(got) != "reply" || err != nil {
				t.Errorf("read %q, %v", got, err)
			}
		}
	}
}

const signature2 = "\r\n\r\n\x00\r\nQUIT\n"

func TestProxyHeader(t *testing.T) {
	for _, tt := range []struct{ sent, remote, local, data string }{
		{"PROXY TCP4 192.0.2.1 192.0.2.2 1234 80\r\nhi", "192.0.2.1:1234", "192.0.2.2:80", "hi"},
		{"PROXY TCP6 2001:db8::1 2001:db8::2 1234 80\r\n", "[2001:db8::1]:1234", "[2001:db8::2]:80", ""},
		{"PROXY UNKNOWN\r\nhi", "", "", "hi"},
		{"PROXY UNKNOWN ffff::1 ffff::2 1 2\r\nhi", "", "", "hi"},
		{signature2 + "\x21\x11\x00\x0c\xc0\x00\x02\x01\xc0\x00\x02\x02\x04\xd2\x00\x50hi", "192.0.2.1:1234", "192.0.2.2:80", "hi"},
		{signature2 + "\x21\x11\x00\x10\xc0\x00\x02\x01\xc0\x00\x02\x02\x04\xd2\x00\x50\x04\x00\x01xhi", "192.0.2.1:1234", "192.0.2.2:80", "hi"},
		{signature2 + "\x20\x00\x00\x00hi", "", "", "hi"}, // LOCAL: a health check
	} {
		for _, pieces := range []int{len(tt.sent), 1} { // at once, and byte by byte
			l, c := headerPair(t)
			for p := tt.sent; p != ""; {
				n := min(pieces, len(p))
				io.WriteString(c, p[:n])
				p = p[n:]
			}
			s := acceptStream(t, l)
			remote, local := tt.remote, tt.local
			if remote == "" {
				remote, local = c.LocalAddr().String(), c.RemoteAddr().String()
			}
			if s.RemoteAddr().String() != remote || s.LocalAddr().String() != local {
				t.Errorf("%q: %v to %v", tt.sent, s.RemoteAddr(), s.LocalAddr())
			}
			if _, ok := s.(syscall.Conn); !ok {
				t.Errorf("%T is no socket any more", s)
			}
			c.CloseWrite()
			if got, err := io.ReadAll(s); string(got) != tt.data || err != nil {
				t.Errorf("%q: read %q, %v", tt.sent, got, err)
			}
		}
	}
}

// headerPair is a listener that asks for headers, and a plain conn to it.
func headerPair(t *testing.T) (net.Listener, *net.TCPConn) {
	t.Helper()
	l := listen(t, endpoint.Host{}, "tcp://127.0.0.1:0?proxyproto=on")
	return l, dialAddr(t, endpoint.Host{}, endpoint.AddrOf("tcp", l.Addr())).(*net.TCPConn)
}

func TestProxyHeaderErrors(t *testing.T) {
	for _, tt := range []struct{ sent, words string }{
		{"hello\n", `no PROXY header: the peer began with "hello\n"`},
		{"P", "no PROXY header: the peer ended the connection"},
		{"", "no PROXY header: the peer ended the connection"},
		{"PROXY TCP4 192.0.2.1", "the PROXY header is cut off"},
		{signature2 + "\x21", "the PROXY header is cut off"},
		{signature2 + "\x21\x11\xff\xff", "the PROXY header is too large: 65551 bytes"},
		{"PROXY TCP4 " + strings.Repeat("1", 200), "the PROXY header's line does not end within 107 bytes"},
		{"PROXY TCP4 192.0.2.1 192.0.2.2 99999 80\r\n", `the PROXY header is wrong: proxyproto: invalid port number: strconv.ParseUint: parsing "99999": value out of range`},
	} {
		l, c := headerPair(t)
		io.WriteString(c, tt.sent)
		c.CloseWrite()
		s := acceptStream(t, l)
		_, err := s.Read(make([]byte, 1))
		checkWords(t, err, tt.words, "proxyproto=on")
		if s.RemoteAddr().String() != c.LocalAddr().String() {
			t.Errorf("%q: RemoteAddr %v", tt.sent, s.RemoteAddr())
		}
	}
	// Who is in no hurry holds nobody up, and is dropped in the end.
	l := listen(t, endpoint.Host{}, "tcp://127.0.0.1:0?proxyproto=on&timeout=50ms")
	dialAddr(t, endpoint.Host{}, endpoint.AddrOf("tcp", l.Addr()))
	_, err := acceptStream(t, l).Read(make([]byte, 1))
	checkWords(t, err, "no PROXY header came in time", "proxyproto=on")
}
