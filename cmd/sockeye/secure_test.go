package main

import (
	"crypto/tls"
	"fmt"
	"io"
	"net"
	"os"
	"path/filepath"
	"regexp"
	"runtime"
	"strings"
	"testing"

	"sockeye.dev/endpoint"
	"sockeye.dev/handler"
)

// certificates are two: each signed by itself, for localhost and 127.0.0.1.
func certificates(t *testing.T) (cert, key, otherCert, otherKey string) {
	t.Helper()
	dir := t.TempDir()
	cert, key = filepath.Join(dir, "cert.pem"), filepath.Join(dir, "key.pem")
	otherCert, otherKey = filepath.Join(dir, "other.pem"), filepath.Join(dir, "otherkey.pem")
	if err := writeCertificate(cert, key); err != nil {
		t.Fatal(err)
	}
	if err := writeCertificate(otherCert, otherKey); err != nil {
		t.Fatal(err)
	}
	return cert, key, otherCert, otherKey
}

// Each way to trust a server, and what is said when it is not trusted.
func TestTrust(t *testing.T) {
	t.Parallel()
	cert, key, other, _ := certificates(t)
	pair, err := tls.LoadX509KeyPair(cert, key)
	if err != nil {
		t.Fatal(err)
	}
	pin := endpoint.Fingerprint(pair.Certificate[0])
	addr := host(t, 1, "listen", "tls://127.0.0.1:0", "--cert", cert, "--key", key, "--reply", "thank you !")[0]
	for _, test := range []struct {
		args []string
		code int
		said string
	}{
		{[]string{"--ca", cert}, 0, ""},
		{[]string{"--pin", pin}, 0, ""},
		{[]string{"--pin", strings.ToUpper(strings.TrimPrefix(pin, "sha256:"))}, 0, ""},
		{[]string{"--insecure"}, 0, ""},
		{[]string{"--ca", cert, "--sni", "localhost"}, 0, ""},
		{nil, 1, "signed by an authority that is not known here"},
		{[]string{"--ca", other}, 1, "signed by"},
		{[]string{"--pin", strings.Repeat("0", 64)}, 1, "fingerprint is " + pin + ", not the pinned sha256:0000"},
		{[]string{"--pin", "12"}, 2, "SHA-256"},
		{[]string{"--ca", cert, "--sni", "example.org"}, 1, "example.org"},
		{[]string{"--ca", filepath.Join(t.TempDir(), "none.pem")}, 2, "no such file"},
		{[]string{"--insecure", "--alpn", "h2"}, 1, "h2"},
	} {
		out, errs, code := result(t, command(t, append([]string{"send", addr, "hi"}, test.args...)...))
		if code != test.code || code == 0 != strings.HasPrefix(out, "thank you !") || !strings.Contains(errs, test.said) {
			t.Errorf("%q: printed %q, said %q, exit %d, want %d", test.args, out, errs, code, test.code)
		}
	}
}

// A listener without a certificate makes one and says how to trust it.
func TestGeneratedCertificate(t *testing.T) {
	t.Parallel()
	r := begin(t, command(t, "listen", "tls://127.0.0.1:0", "--echo"))
	addr := r.addresses(1)[0]
	said := regexp.MustCompile(`certificate (sha256:[0-9a-f]{64}): clients may trust it with --pin`).FindStringSubmatch(r.sees("--pin"))
	if said == nil {
		t.Fatalf("said %q", r.errs.String())
	}
	if out, errs, code := result(t, command(t, "send", addr, "hi", "--pin", said[1])); out != "hi" || code != 0 {
		t.Errorf("printed %q, said %q, exit %d", out, errs, code)
	}
	r.stop()
}

// Certificates of clients, demanded and checked.
func TestClientCertificate(t *testing.T) {
	t.Parallel()
	cert, key, other, otherKey := certificates(t)
	addr := host(t, 1, "listen", "tls://127.0.0.1:0", "--cert", cert, "--key", key, "--client-ca", cert, "--echo")[0]
	for _, test := range []struct {
		args []string
		code int
		said string
	}{
		{[]string{"--cert", cert, "--key", key}, 0, ""},
		{[]string{"--cert", other, "--key", otherKey}, 1, "certificate"},
		{nil, 1, "certificate"},
	} {
		out, errs, code := result(t, command(t, append([]string{"send", addr, "hi", "--insecure"}, test.args...)...))
		if code != test.code || code == 0 != (out == "hi") || !strings.Contains(errs, test.said) {
			t.Errorf("%q: printed %q, said %q, exit %d, want %d", test.args, out, errs, code, test.code)
		}
	}
}

// Both sides write the session's secrets, by flag and by environment.
func TestKeyLog(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	ours, theirs, byEnv := filepath.Join(dir, "a"), filepath.Join(dir, "b"), filepath.Join(dir, "c")
	addr := host(t, 1, "listen", "tls://127.0.0.1:0", "--keylog", theirs, "--alpn", "h2,echo", "--echo")[0]
	if _, errs, code := result(t, command(t, "send", addr, "hi", "--insecure", "--keylog", ours, "--alpn", "echo")); code != 0 {
		t.Fatalf("%s, exit %d", errs, code)
	}
	cmd := command(t, "send", addr, "hi", "--insecure")
	cmd.Env = append(cmd.Env, "SSLKEYLOGFILE="+byEnv)
	if _, errs, code := result(t, cmd); code != 0 {
		t.Fatalf("%s, exit %d", errs, code)
	}
	for _, file := range []string{ours, theirs, byEnv} {
		b, err := os.ReadFile(file)
		if err != nil || !strings.Contains(string(b), "CLIENT_TRAFFIC_SECRET_0 ") {
			t.Errorf("%s: %q, %v", file, b, err)
		}
	}
}

// Flags for TLS mean nothing elsewhere.
func TestSecureFlagsElsewhere(t *testing.T) {
	t.Parallel()
	for _, args := range []string{"connect tcp://127.0.0.1:1 --pin 00", "send udp://127.0.0.1:1 x --insecure", "listen tcp://127.0.0.1:0 --cert x"} {
		if _, errs, code := result(t, command(t, strings.Fields(args)...)); code != 2 || !strings.Contains(errs, "is for tls:// and wss:// addresses") {
			t.Errorf("%s: said %q, exit %d", args, errs, code)
		}
	}
}

// Through a SOCKS5 proxy, which here is a few lines of the test: RFC 1928.
func TestProxy(t *testing.T) {
	t.Parallel()
	addr := host(t, 1, "listen", "tcp://127.0.0.1:0", "--echo")[0]
	proxy := peer(t, "tcp", func(conn net.Conn) {
		buf := make([]byte, 256)
		n, _ := conn.Read(buf)
		if n < 3 || buf[0] != 5 {
			t.Errorf("greeted with % x", buf[:n])
		}
		_, _ = conn.Write([]byte{5, 0})
		n, _ = conn.Read(buf) // 05 01 00 01 A.B.C.D PORT
		if n != 10 || buf[3] != 1 {
			t.Errorf("asked with % x", buf[:n])
			return
		}
		to := fmt.Sprintf("%v:%d", net.IP(buf[4:8]), int(buf[8])<<8|int(buf[9]))
		far, err := net.Dial("tcp", to)
		if err != nil {
			t.Error(err)
			return
		}
		defer far.Close()
		_, _ = conn.Write([]byte{5, 0, 0, 1, 0, 0, 0, 0, 0, 0})
		go func() { _, _ = io.Copy(far, conn); _ = far.(*net.TCPConn).CloseWrite() }()
		_, _ = io.Copy(conn, far)
	})
	out, errs, code := result(t, command(t, "send", addr, "hi", "--proxy", "socks5://"+strings.TrimPrefix(proxy, "tcp://")))
	if out != "hi" || code != 0 {
		t.Errorf("printed %q, said %q, exit %d", out, errs, code)
	}
	_, errs, code = result(t, command(t, "send", addr, "hi", "--proxy", "socks5://user:secret@127.0.0.1:1"))
	if code != 1 || strings.Contains(errs, "secret") {
		t.Errorf("said %q, exit %d", errs, code)
	}
}

// The PROXY protocol says who the client is.
func TestProxyProtocol(t *testing.T) {
	t.Parallel()
	addr := host(t, 1, "listen", "tcp://127.0.0.1:0", "--proxy-protocol", "--sh-exec", "echo $SOCKEYE_REMOTE_ADDR $SOCKEYE_REMOTE_PORT")[0]
	conn := dialTest(t, addr)
	ask(t, conn, "PROXY TCP4 192.0.2.1 192.0.2.2 1234 80\r\n", "192.0.2.1 1234\n")
}

// Programs as conversations, on both sides.
func TestExecFlags(t *testing.T) {
	t.Parallel()
	if !handler.HasExec {
		t.Skip("this build runs no programs")
	}
	addr := host(t, 1, "listen", "tcp://127.0.0.1:0", "--exec", "cat -n")[0]
	cmd := command(t, "connect", addr)
	cmd.Stdin = strings.NewReader("one\ntwo\n")
	if out, errs, code := result(t, cmd); strings.Join(strings.Fields(out), " ") != "1 one 2 two" || code != 0 {
		t.Errorf("printed %q, said %q, exit %d", out, errs, code)
	}
	heard := make(chan string, 1)
	back := peer(t, "tcp", func(conn net.Conn) {
		fmt.Fprint(conn, "hello\n")
		_ = conn.(*net.TCPConn).CloseWrite()
		all, _ := io.ReadAll(conn)
		heard <- string(all)
	})
	if _, errs, code := result(t, command(t, "connect", back, "-c", "tr a-z A-Z")); code != 0 {
		t.Errorf("said %q, exit %d", errs, code)
	}
	if got := <-heard; got != "HELLO\n" {
		t.Errorf("heard %q", got)
	}
	if _, errs, code := result(t, command(t, "listen", ":0", "--echo", "-e", "cat")); code != 2 || !strings.Contains(errs, "exclude each other") {
		t.Errorf("said %q, exit %d", errs, code)
	}
}

// Who has not got through the handshake reaches no handler: no program runs,
// and --once goes on waiting.
func TestRefusedHandshake(t *testing.T) {
	t.Parallel()
	if !handler.HasExec {
		t.Skip("this build runs no programs")
	}
	cert, key, _, _ := certificates(t)
	file := filepath.Join(t.TempDir(), "ran")
	r := begin(t, command(t, "listen", "tls://127.0.0.1:0", "--once", "--cert", cert, "--key", key, "--client-ca", cert, "-c", "echo ran >>"+file+"; cat"))
	addr := r.addresses(1)[0]
	stranger := dialTest(t, strings.Replace(addr, "tls://", "tcp://", 1))
	_, _ = io.WriteString(stranger, "GET / HTTP/1.0\r\n\r\n")
	_, _ = io.ReadAll(stranger) // until it is sent away
	r.sees("refused a conversation")
	if _, err := os.Stat(file); err == nil {
		t.Error("a program ran for a client that showed no certificate")
	}
	out, errs, code := result(t, command(t, "send", addr, "hi", "--insecure", "--cert", cert, "--key", key))
	if out != "hi" || code != 0 {
		t.Errorf("printed %q, said %q, exit %d", out, errs, code)
	}
	if _, errs, code := r.wait(); code != 0 {
		t.Errorf("said %q, exit %d", errs, code)
	}
}

// What a peer calls itself is quoted, and does nothing to a terminal.
func TestNamesAreInert(t *testing.T) {
	t.Parallel()
	if runtime.GOOS != "linux" {
		t.Skip("abstract names are Linux's")
	}
	at := filepath.Join(t.TempDir(), "s")
	r := begin(t, command(t, "listen", "unix:"+at, "--encoding", "auto"))
	r.addresses(1)
	name := fmt.Sprintf("@x\x1b]0;title\x07\x1b[31m%d", os.Getpid())
	conn, err := net.DialUnix("unix", &net.UnixAddr{Name: name, Net: "unix"}, &net.UnixAddr{Name: at, Net: "unix"})
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	_, _ = conn.Write([]byte{0xc4, 0xe3, 0xff, '\n'}) // which is told, with the name
	if said := r.sees("hint: "); strings.ContainsAny(said, "\x1b\x07") || !strings.Contains(said, `\x1b]0;title\x07`) {
		t.Errorf("said %q", said)
	}
	_ = conn.Close()
	r.stop()
}
