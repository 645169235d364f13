package endpoint_test

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"strings"
	"testing"
	"time"

	"sockeye.dev/endpoint"
)

// Each thing that can be wrong with a peer has words of its own, on our side
// and, where it is told why, on the other.
func TestTLSErrors(t *testing.T) {
	ca, other := newAuthority(t), newAuthority(t)
	good, goodDER := ca.issue(t, nil)
	stranger, _ := other.issue(t, nil)
	expired, _ := ca.issue(t, func(c *x509.Certificate) { c.NotAfter = time.Date(2020, 1, 2, 3, 4, 5, 0, time.UTC) })
	future, _ := ca.issue(t, func(c *x509.Certificate) {
		c.NotBefore, c.NotAfter = time.Date(2090, 1, 2, 3, 4, 5, 0, time.UTC), time.Date(2091, 1, 1, 0, 0, 0, 0, time.UTC)
	})
	named, _ := ca.issue(t, func(c *x509.Certificate) { c.DNSNames = []string{"a.example", "b.example"}; c.IPAddresses = nil })
	goodPin := endpoint.Fingerprint(goodDER)
	wrongPin := "sha256:" + strings.Repeat("ab", 32)
	for _, tt := range []struct {
		name, dial, listen string
		client, hint       string // of Dial, or else of the first Read
		server             string // of the accepted conn; "" when it is fine
	}{
		{"unknown authority", "", "cert=" + good,
			"the server's certificate is signed by an authority that is not known here", "pin=" + goodPin,
			"the client refused: it does not accept our certificate (bad certificate)"},
		{"expired", "ca=" + ca.file, "cert=" + expired,
			"the server's certificate has expired on 2020-01-02 03:04:05 UTC", "clock", "the client refused: it does not accept our certificate (bad certificate)"},
		{"not yet valid", "ca=" + ca.file, "cert=" + future,
			"the server's certificate is not valid before 2090-01-02 03:04:05 UTC", "clock", "the client refused: it does not accept our certificate (bad certificate)"},
		{"another name", "ca=" + ca.file, "cert=" + named,
			"the certificate is for a.example, b.example, not for 127.0.0.1", "sni=NAME", "the client refused: it does not accept our certificate (bad certificate)"},
		{"another pin", "pin=" + wrongPin, "cert=" + good,
			"the certificate's fingerprint is " + goodPin + ", not the pinned " + wrongPin, "in between",
			"the client refused: it does not accept our certificate (bad certificate)"},
		{"pin beside ca", "pin=" + goodPin + "&ca=" + other.file, "cert=" + good,
			"the server's certificate is signed by an authority that is not known here", "ca=FILE",
			"the client refused: it does not accept our certificate (bad certificate)"},
		{"no client certificate", "insecure=on", "cert=" + good + "&clientca=" + ca.file,
			"the server refused: it wants a client certificate (certificate required)", "cert=FILE", "the client has no certificate to show"},
		{"wrong client certificate", "insecure=on&cert=" + stranger, "cert=" + good + "&clientca=" + ca.file,
			"the server refused: it does not know who signed our certificate (unknown certificate authority)", "by its authority",
			"the client's certificate is signed by an authority that is not known here"},
		{"other protocols", "insecure=on&alpn=h2", "cert=" + good + "&alpn=chat",
			"the server refused: it speaks none of the protocols offered (no application protocol)", "alpn=NAMES",
			`no protocol in common: client requested unsupported application protocols (["h2"])`},
		{"no protocols", "insecure=on&alpn=h2", "cert=" + good,
			"the server agreed to none of the protocols h2", "leave alpn out", ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			l, a := tlsListen(t, tt.listen)
			a.Options = parse(t, "tls://h:1?"+tt.dial).Options
			failed := make(chan error, 1)
			go func() {
				c, err := endpoint.Host{}.Dial(t.Context(), a)
				if err == nil {
					_, err = c.Read(make([]byte, 1))
					c.Close()
				}
				failed <- err
			}()
			s := acceptStream(t, l)
			checkWords(t, <-failed, tt.client, tt.hint)
			_, err := s.Read(make([]byte, 1))
			if tt.server == "" {
				if err != io.EOF {
					t.Errorf("server: %v", err)
				}
				return
			}
			if err == nil || !strings.HasSuffix(err.Error(), ": "+tt.server) {
				t.Errorf("server: %v\n want: %s", err, tt.server)
			}
			if _, werr := s.Write([]byte("x")); werr == nil {
				t.Error("wrote to a peer that was refused")
			}
		})
	}
}

func TestTLSOldVersion(t *testing.T) {
	l, a := tlsListen(t, "minver=1.3")
	failed := make(chan error, 1)
	go func() {
		_, err := tls.Dial("tcp", l.Addr().String(), &tls.Config{InsecureSkipVerify: true, MaxVersion: tls.VersionTLS12})
		failed <- err
	}()
	_, err := acceptStream(t, l).Read(make([]byte, 1))
	checkWords(t, err, "no TLS version in common: client offered only unsupported versions: [303]", "minver=1.0")
	if <-failed == nil {
		t.Error("the old client was taken")
	}

	old, err := tls.Listen("tcp", "127.0.0.1:0", &tls.Config{MaxVersion: tls.VersionTLS12, Certificates: []tls.Certificate{keyPair(t)}})
	if err != nil {
		t.Fatal(err)
	}
	defer old.Close()
	done := make(chan struct{})
	go func() {
		defer close(done)
		if c, err := old.Accept(); err == nil {
			c.(*tls.Conn).Handshake()
			c.Close()
		}
	}()
	a = endpoint.AddrOf("tls", old.Addr())
	a.Options.Set("minver", "1.3")
	_, err = endpoint.Host{}.Dial(t.Context(), a)
	checkWords(t, err, "the server refused: it does not speak our versions of TLS (protocol version not supported)", "minver=1.0")
	<-done
}

func keyPair(t *testing.T) tls.Certificate {
	t.Helper()
	file, _ := newAuthority(t).issue(t, nil)
	pair, err := tls.LoadX509KeyPair(file, file)
	if err != nil {
		t.Fatal(err)
	}
	return pair
}

func TestTLSNotTLS(t *testing.T) {
	for _, tt := range []struct{ name, says, words, hint string }{
		{"greeting", "SSH-2.0-OpenSSH_9.2\r\n", `the server does not speak TLS: it sent "SSH-2"`, "tcp://"},
		{"nothing", "", "the server closed the connection during the TLS handshake", "may not speak TLS"},
	} {
		a := plainServer(t, func(c net.Conn) {
			io.WriteString(c, tt.says)
			if tt.says == "" {
				c.Read(make([]byte, 4096)) // the hello: or it is a reset
				return
			}
			io.Copy(io.Discard, c)
		})
		a.Scheme = "tls"
		_, err := endpoint.Host{}.Dial(t.Context(), a)
		checkWords(t, err, tt.words, tt.hint)
	}
	l, a := tlsListen(t, "")
	a.Scheme, a.Options = "tcp", endpoint.Options{}
	plain := dialAddr(t, endpoint.Host{}, a)
	fmt.Fprint(plain, "hello\n")
	plain.(interface{ CloseWrite() error }).CloseWrite()
	_, err := acceptStream(t, l).Read(make([]byte, 1))
	checkWords(t, err, `the client does not speak TLS: it sent "hello"`, "tcp://")
	if _, err := io.ReadAll(plain); err != nil {
		t.Errorf("the client was not sent off politely: %v", err)
	}
}

// plainServer gives each conn it accepts to f, and returns its address.
func plainServer(t *testing.T, f func(net.Conn)) endpoint.Addr {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	done := make(chan struct{})
	go func() {
		defer close(done)
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			f(c)
			c.Close()
		}
	}()
	t.Cleanup(func() { l.Close(); <-done })
	return endpoint.AddrOf("tcp", l.Addr())
}

// A server that never answers is given up in time.
func TestTLSSilentServer(t *testing.T) {
	a := plainServer(t, func(c net.Conn) { io.Copy(io.Discard, c) })
	a.Scheme = "tls"
	a.Options.Set("timeout", "50ms")
	_, err := endpoint.Host{}.Dial(t.Context(), a)
	checkWords(t, err, "the server did not finish the TLS handshake in time", "timeout=DURATION")
	var ne net.Error
	if !errors.As(err, &ne) || !ne.Timeout() || !errors.Is(err, os.ErrDeadlineExceeded) {
		t.Errorf("%v is no timeout", err)
	}
}
