package endpoint_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"

	"golang.org/x/net/nettest"

	"sockeye.dev/endpoint"
)

// TestConnTLS is the part of nettest.TestConn that TLS has: all but the tests
// that write again after an expired write deadline, which ends writing for good
// (see TLSConn). nettest does not export its tests, so those of TestConnTLSAll
// are chosen by name, in a process of their own.
func TestConnTLS(t *testing.T) {
	cmd := exec.CommandContext(t.Context(), os.Args[0],
		"-test.run", "^TestConnTLSAll$/^(BasicIO|PingPong|RacyRead|ReadTimeout|WriteTimeout|CloseTimeout)$")
	cmd.Env = append(os.Environ(), "SOCKEYE_TEST_TLS=1")
	out, err := cmd.CombinedOutput()
	if err != nil || strings.Contains(string(out), "no tests to run") {
		t.Errorf("%v\n%s", err, out)
	}
}

func TestConnTLSAll(t *testing.T) {
	if os.Getenv("SOCKEYE_TEST_TLS") == "" {
		t.Skip("TestConnTLS runs a part of it")
	}
	nettest.TestConn(t, func() (c1, c2 net.Conn, stop func(), err error) {
		client, server := tlsPair(t, "", "")
		return client, server, func() { client.Close(); server.Close() }, nil
	})
}

// tlsListen listens with options, and returns the address to dial too, which
// trusts the listener by its fingerprint.
func tlsListen(t testing.TB, options string) (net.Listener, endpoint.Addr) {
	t.Helper()
	l := listen(t, endpoint.Host{}, "tls://127.0.0.1:0?"+options)
	a := endpoint.AddrOf("tls", l.Addr())
	a.Options.Set("pin", l.(endpoint.Fingerprinter).Fingerprint())
	return l, a
}

// tlsPair is a conn and its other end.
func tlsPair(t testing.TB, dialOptions, listenOptions string) (client, server endpoint.TLSConn) {
	t.Helper()
	l, a := tlsListen(t, listenOptions)
	for _, opt := range strings.Split(dialOptions, "&") {
		if k, v, _ := strings.Cut(opt, "="); k != "" {
			a.Options.Set(k, v)
		}
	}
	c := dialAddr(t, endpoint.Host{}, a)
	return c.(endpoint.TLSConn), acceptStream(t, l).(endpoint.TLSConn)
}

func acceptStream(t testing.TB, l net.Listener) net.Conn {
	t.Helper()
	c, err := l.Accept()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	return c
}

func TestTLSHalfClose(t *testing.T) {
	client, server := tlsPair(t, "", "")
	fmt.Fprint(client, "question")
	if err := client.CloseWrite(); err != nil {
		t.Fatal(err)
	}
	if got, err := io.ReadAll(server); string(got) != "question" || err != nil {
		t.Errorf("server read %q, %v", got, err)
	}
	if !server.CloseNotified() {
		t.Error("the close_notify went unnoticed")
	}
	fmt.Fprint(server, "late reply")
	server.Close()
	if got, err := io.ReadAll(client); string(got) != "late reply" || err != nil {
		t.Errorf("client read %q, %v", got, err)
	}
	if !client.CloseNotified() {
		t.Error("Close sent no close_notify")
	}
}

// A peer that ends the socket without close_notify has ended its stream, unless
// we insist; one that does so inside a record has lost something.
func TestTLSEndWithoutCloseNotify(t *testing.T) {
	type closeWriter interface{ CloseWrite() error }
	for _, strict := range []string{"", "closenotify=on"} {
		client, server := tlsPair(t, "", strict)
		fmt.Fprint(client, "all")
		client.NetConn().(closeWriter).CloseWrite()
		got, err := io.ReadAll(server)
		if string(got) != "all" || server.CloseNotified() {
			t.Errorf("%s: read %q, notified %v", strict, got, server.CloseNotified())
		}
		if strict == "" {
			if err != nil {
				t.Errorf("an error: %v", err)
			}
			// The other direction stays open, as ncat expects.
			fmt.Fprint(server, "reply")
			server.Close()
			if got, err := io.ReadAll(client); string(got) != "reply" || err != nil {
				t.Errorf("client read %q, %v", got, err)
			}
			continue
		}
		checkWords(t, err, "the peer ended without close_notify: the end may have been cut off", "closenotify=off")
	}
	client, server := tlsPair(t, "", "")
	client.NetConn().Write([]byte{23, 3, 3, 0, 100, 1, 2, 3})
	client.NetConn().Close()
	_, err := io.ReadAll(server)
	checkWords(t, err, "the peer ended inside a TLS record: what it sent last is cut off", "")
	if !errors.Is(err, io.ErrUnexpectedEOF) {
		t.Errorf("%v is no io.ErrUnexpectedEOF", err)
	}
}

// checkWords checks an error's last part, and a part of its hint.
func checkWords(t testing.TB, err error, words, hint string) {
	t.Helper()
	if err == nil || !strings.HasSuffix(err.Error(), ": "+words) {
		t.Errorf("error: %v\n want: ...: %s", err, words)
		return
	}
	var oe *net.OpError
	if !errors.As(err, &oe) {
		t.Errorf("%v is no *net.OpError", err)
	}
	if got := endpoint.Hint(err); !strings.Contains(got, hint) || hint == "" && got != "" {
		t.Errorf("%v\nhint: %s\nwant: ...%s...", err, got, hint)
	}
}

func TestTLSSelfSigned(t *testing.T) {
	l, a := tlsListen(t, "")
	for _, pin := range []string{a.Options.Get("pin"), strings.ToUpper(a.Options.Get("pin")[len("sha256:"):])} {
		a.Options.Set("pin", pin)
		c := dialAddr(t, endpoint.Host{}, a).(endpoint.TLSConn)
		acceptStream(t, l)
		cert := c.ConnectionState().PeerCertificates[0]
		if got := endpoint.Fingerprint(cert.Raw); got != l.(endpoint.Fingerprinter).Fingerprint() {
			t.Errorf("fingerprint %s", got)
		}
		for _, name := range []string{"localhost", "127.0.0.1", "::1"} {
			if err := cert.VerifyHostname(name); err != nil {
				t.Error(err)
			}
		}
		// Trusted as its own authority it needs no pin.
		file := filepath.Join(t.TempDir(), "own.pem")
		writePEM(t, file, "CERTIFICATE", cert.Raw)
		byCA := endpoint.AddrOf("tls", l.Addr())
		byCA.Options.Set("ca", file)
		dialAddr(t, endpoint.Host{}, byCA)
		acceptStream(t, l)
	}
	other, _ := tlsListen(t, "")
	if other.(endpoint.Fingerprinter).Fingerprint() == l.(endpoint.Fingerprinter).Fingerprint() {
		t.Error("two listeners with one key")
	}
}

func TestTLSMutual(t *testing.T) {
	ca := newAuthority(t)
	server, _ := ca.issue(t, nil)
	client, der := ca.issue(t, nil)
	c, s := tlsPair(t, "ca="+ca.file+"&cert="+client, "cert="+server+"&clientca="+ca.file)
	if got := s.ConnectionState().PeerCertificates; len(got) == 0 || endpoint.Fingerprint(got[0].Raw) != endpoint.Fingerprint(der) {
		t.Errorf("the server saw %d certificates", len(got))
	}
	if c.ConnectionState().VerifiedChains == nil {
		t.Error("the client did not verify")
	}
}

func TestTLSProtocols(t *testing.T) {
	c, s := tlsPair(t, "alpn=h2,chat&minver=1.3", "alpn=chat")
	for _, c := range []endpoint.TLSConn{c, s} {
		if got := c.ConnectionState().NegotiatedProtocol; got != "chat" {
			t.Errorf("agreed on %q", got)
		}
	}
}

func TestTLSKeyLog(t *testing.T) {
	ours, theirs := filepath.Join(t.TempDir(), "c"), filepath.Join(t.TempDir(), "s")
	if err := os.WriteFile(ours, []byte("# kept\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	tlsPair(t, "keylog="+ours, "keylog="+theirs)
	a, err := os.ReadFile(ours)
	if err != nil {
		t.Fatal(err)
	}
	b, err := os.ReadFile(theirs)
	if err != nil {
		t.Fatal(err)
	}
	if log, ok := strings.CutPrefix(string(a), "# kept\n"); !ok || log != string(b) || !strings.Contains(log, "CLIENT_TRAFFIC_SECRET_0 ") {
		t.Errorf("client's log:\n%s\nserver's:\n%s", a, b)
	}
	if info, err := os.Stat(theirs); err != nil || runtime.GOOS != "windows" && info.Mode().Perm() != 0o600 {
		t.Errorf("%v, %v", info.Mode(), err)
	}
}

func TestTLSOptionErrors(t *testing.T) {
	ca := newAuthority(t)
	for _, tt := range []struct{ op, addr, err, hint string }{
		{"dial", "tls://h:1?pin=12", `dial tls://h:1: option "pin=12": want a SHA-256 fingerprint: 64 hexadecimal digits, colons allowed`, ""},
		{"dial", "tls://h:1?alpn=a,,b", `dial tls://h:1: option "alpn=a,,b": want the names of protocols with commas between them: h2,http/1.1`, ""},
		{"dial", "tls://h:1?minver=3", `dial tls://h:1: option "minver=3": want 1.0, 1.1, 1.2 or 1.3`, ""},
		{"dial", "tls://h:1?sni=a/b", `dial tls://h:1: option "sni=a/b": want a host's name`, ""},
		{"dial", "tls://h:1?ca=/no/such", `dial tls://h:1: option "ca=/no/such": open /no/such: no such file or directory`, "PEM"},
		{"dial", "tls://h:1?key=k", `dial tls://h:1: option "key=k": a key without its certificate`, "cert=FILE"},
		{"dial", "tls://h:1?cert=" + ca.file, `dial tls://h:1: option "cert=` + ca.file + `": found a certificate rather than a key in the PEM for the private key`, "PEM"},
		{"dial", "tls://h:1?ca", `dial tls://h:1: option "ca": want a file`, ""},
		{"dial", "tls://h:1?clientca=x", `dial tls://h:1: option "clientca=x": it means nothing when dialing tls`, "it is for listening"},
		{"listen", "tls://:1?ca=x", `listen tls://:1: option "ca=x": it means nothing when listening tls`, "clientca=FILE"},
		{"listen", "tls://:1?pin=x", `listen tls://:1: option "pin=x": it means nothing when listening tls`, "it is for dialing"},
		{"dial", "tcp://h:1?insecure", `dial tcp://h:1: option "insecure": it means nothing when dialing tcp`, "it is for tls"},
		{"dial", "tls://localhost:0", "dial tls localhost:0: port 0 is for listening only", ""},
		{"dial", "tls://h:1?insekure", `dial tls://h:1: option "insekure": unknown`, "did you mean insecure?"},
	} {
		a := parse(t, tt.addr)
		var err error
		if tt.op == "dial" {
			_, err = endpoint.Host{}.Dial(t.Context(), a)
		} else {
			_, err = endpoint.Host{}.Listen(t.Context(), a)
		}
		if err == nil || strings.TrimPrefix(err.Error(), "tls: ") != tt.err {
			if runtime.GOOS == "windows" && strings.Contains(tt.addr, "/no/such") {
				continue
			}
			t.Errorf("%s %s:\n got %v\nwant %s", tt.op, tt.addr, err, tt.err)
		}
		if got := endpoint.Hint(err); !strings.Contains(got, tt.hint) {
			t.Errorf("%s %s: hint %q, want %q", tt.op, tt.addr, got, tt.hint)
		}
	}
}

func TestParseTLS(t *testing.T) {
	for _, tt := range []struct{ in, canonical string }{
		{"TLS://Example.org:https", "tls://example.org:443"},
		{"tls4://[::1]:443/", "tls://[::1]:443?ip=4"},
		{"tls://h:1?proxy=socks5://u:p%2540w@p:1080", "tls://h:1?proxy=socks5://u:p%2540w@p:1080"},
		{"OPENSSL:h:443,cafile=ca.pem,cert=c.pem,key=k.pem", "tls://h:443?ca=ca.pem&cert=c.pem&key=k.pem"},
		{"openssl-connect:h:443,verify=0,snihost=x", "tls://h:443?sni=x&insecure=on"},
		{"SSL:h:443,commonname=x,verify", "tls://h:443?sni=x"},
		{"OPENSSL-LISTEN:443,fork,reuseaddr,cert=c.pem,cafile=ca.pem", "tls://:443?reuseaddr=on&cert=c.pem&clientca=ca.pem"},
		{"SSL-L:443,cafile=ca.pem,verify=0,bind=localhost,pf=ip4", "tls://localhost:443?ip=4"},
		{"openssl-listen:443,min-version=TLS1.2", "tls://:443?minver=TLS1.2"},
	} {
		checkParse(t, tt.in, tt.canonical)
	}
}

func TestTLSPinAsOpenSSLWritesIt(t *testing.T) {
	l, a := tlsListen(t, "")
	a.Options.Set("pin", "SHA256 Fingerprint="+strings.ToUpper(strings.Join(pairsOf(a.Options.Get("pin")[7:]), ":")))
	dialAddr(t, endpoint.Host{}, a)
	acceptStream(t, l)
}

// pairsOf cuts s into pairs, as openssl writes a fingerprint.
func pairsOf(s string) (pairs []string) {
	for ; s != ""; s = s[2:] {
		pairs = append(pairs, s[:2])
	}
	return pairs
}

// An expired read deadline does no harm, as the session's contexts need it; an
// expired write deadline ends writing, and nothing else.
func TestTLSDeadlines(t *testing.T) {
	client, server := tlsPair(t, "", "")
	past := time.Unix(1, 0)
	for range 3 {
		client.SetReadDeadline(past)
		if _, err := client.Read(make([]byte, 1)); !errors.Is(err, os.ErrDeadlineExceeded) {
			t.Errorf("read: %v", err)
		}
		client.SetReadDeadline(time.Time{})
		fmt.Fprint(server, "x")
		if _, err := io.ReadFull(client, make([]byte, 1)); err != nil {
			t.Error(err)
		}
	}
	client.SetWriteDeadline(past)
	for range 2 {
		if _, err := client.Write([]byte("x")); !errors.Is(err, os.ErrDeadlineExceeded) {
			t.Errorf("write: %v", err)
		}
		client.SetWriteDeadline(time.Time{})
	}
	fmt.Fprint(server, "still")
	if got, err := io.ReadAll(io.LimitReader(client, 5)); string(got) != "still" || err != nil {
		t.Errorf("read %q, %v", got, err)
	}
}

// Dial gives up with its context, during the handshake too.
func TestTLSDialCancelled(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	said := make(chan struct{})
	go func() {
		defer close(said)
		c, err := l.Accept()
		if err != nil {
			return
		}
		defer c.Close()
		c.Read(make([]byte, 1)) // it has begun
		cancel()
		io.Copy(io.Discard, c)
	}()
	_, err = endpoint.Host{}.Dial(ctx, endpoint.AddrOf("tls", l.Addr()))
	if !errors.Is(err, context.Canceled) {
		t.Error(err)
	}
	<-said
}
