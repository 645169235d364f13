package endpoint_test

import (
	"bufio"
	"bytes"
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

	"sockeye.dev/endpoint"
	"sockeye.dev/internal/peertest"
)

// Programs that people use connect to us over TLS. Each sends "hello\n" and
// gets "late reply\n" after its end was read, where it says its end and goes on
// reading, or at once. All of it arrives, and both sides end well.
func TestTLSPeersConnect(t *testing.T) {
	ca := newAuthority(t)
	cert, _ := ca.issue(t, nil)
	client, _ := ca.issue(t, nil)
	for _, tt := range []struct {
		name, script string // $PORT, $CA, $CLIENT
		late         bool   // it reads on after its own end
		notified     bool   // it says close_notify
	}{
		{"openssl", `echo hello | openssl s_client -quiet -verify_return_error -CAfile $CA -connect 127.0.0.1:$PORT`, false, true},
		{"openssl", `echo hello | openssl s_client -quiet -tls1_2 -CAfile $CA -connect 127.0.0.1:$PORT`, false, true},
		{"ncat", `echo hello | ncat -4 --ssl-verify --ssl-trustfile $CA localhost $PORT`, true, false},
		{"socat", `echo hello | socat -t 10 - OPENSSL:localhost:$PORT,pf=ip4,cafile=$CA`, true, true},
		{"python3", `python3 -c '
import ssl, socket, sys
t = ssl.create_default_context(cafile="'$CA'").wrap_socket(socket.create_connection(("127.0.0.1", '$PORT')), server_hostname="localhost")
t.sendall(b"hello\n")
while d := t.recv(100):
    print(d.decode(), end="")
t.close()'`, false, false},
		{"python3", `python3 -c '
import ssl, socket, sys
t = ssl.create_default_context(cafile="'$CA'").wrap_socket(socket.create_connection(("127.0.0.1", '$PORT')), server_hostname="localhost")
t.sendall(b"hello\n") # and nothing is ever read
t.close()
print("late reply")'`, true, false},
	} {
		for _, mutual := range []bool{false, true} {
			if mutual && tt.name != "socat" {
				continue
			}
			t.Run(tt.name, func(t *testing.T) {
				peertest.Path(t, tt.name)
				script, options := tt.script, "cert="+cert
				if mutual {
					script = strings.Replace(script, ",cafile", ",cert=$CLIENT,cafile", 1)
					options += "&clientca=" + ca.file
				}
				l, _ := tlsListen(t, options)
				cmd := shell(t, script, "CA="+ca.file, "CLIENT="+client, "PORT="+portOf(l.Addr()))
				var out, errs bytes.Buffer
				cmd.Stdout, cmd.Stderr = &out, &errs
				if err := cmd.Start(); err != nil {
					t.Fatal(err)
				}
				s := acceptStream(t, l).(endpoint.TLSConn)
				in := bufio.NewReader(s)
				if got, err := in.ReadString('\n'); got != "hello\n" {
					t.Errorf("read %q, %v", got, err)
				}
				if tt.late {
					checkEnd(t, in, s, tt.notified)
				}
				_, err := io.WriteString(s, "late reply\n")
				_ = s.CloseWrite()
				if !tt.late {
					checkEnd(t, in, s, tt.notified)
				}
				s.Close()
				if werr := cmd.Wait(); werr != nil || out.String() != "late reply\n" {
					t.Errorf("%v; we wrote: %v; it got %q\n%s", werr, err, out.String(), errs.String())
				}
			})
		}
	}
}

// checkEnd reads to the end, which has to be a good one.
func checkEnd(t *testing.T, in io.Reader, c endpoint.TLSConn, notified bool) {
	t.Helper()
	if rest, err := io.ReadAll(in); len(rest) > 0 || err != nil {
		t.Errorf("its end: %q, %v", rest, err)
	}
	if c.CloseNotified() != notified {
		t.Errorf("close_notify: %v", c.CloseNotified())
	}
}

// We connect to programs that people use over TLS. Those that know half-closed
// conversations answer after our end.
func TestTLSPeersListen(t *testing.T) {
	ca := newAuthority(t)
	cert, _ := ca.issue(t, nil)
	for _, tt := range []struct {
		name, script string // $PORT is free, $CERT has the key too
		ready        string // in the line that says that it listens
		want         string
		half         bool // it reads on after our end, and answers then
		notified     bool
	}{
		{"openssl", `openssl s_server -accept 127.0.0.1:$PORT -cert $CERT -rev -naccept 1`, "ACCEPT", "olleh\n", false, true},
		{"openssl", `openssl s_server -accept 127.0.0.1:$PORT -cert $CERT -rev -naccept 1 -tls1_2`, "ACCEPT", "olleh\n", false, true},
		{"ncat", `ncat -v --ssl -l 127.0.0.1 $PORT --ssl-cert $CERT --ssl-key $CERT --sh-exec "head -1"`, "Listening on", "hello\n", false, true},
		{"socat", `socat -d -d -t 10 OPENSSL-LISTEN:$PORT,bind=127.0.0.1,cert=$CERT,verify=0 SYSTEM:'cat; echo late'`, "listening on", "hello\nlate\n", true, true},
		{"python3", `python3 -u -c '
import ssl, socket
c = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
c.load_cert_chain("'$CERT'")
s = socket.create_server(("127.0.0.1", '$PORT'))
print("listening")
t = c.wrap_socket(s.accept()[0], server_side=True)
d = b""
while p := t.recv(100):
    d += p
t.sendall(d + b"late\n")
t.close()'`, "listening", "hello\nlate\n", true, false},
	} {
		t.Run(tt.name, func(t *testing.T) {
			peertest.Path(t, tt.name)
			port := freePort(t)
			wait := server(t, tt.script, tt.ready, "CERT="+cert, "PORT="+port)
			c := dial(t, endpoint.Host{}, "tls://127.0.0.1:"+port+"?ca="+ca.file).(endpoint.TLSConn)
			io.WriteString(c, "hello\n")
			in := bufio.NewReader(c)
			if tt.half {
				c.CloseWrite()
			}
			got := make([]byte, len(tt.want))
			if n, err := io.ReadFull(in, got); string(got) != tt.want {
				t.Errorf("read %q, %v", got[:n], err)
			}
			if !tt.half {
				c.CloseWrite()
			}
			if rest, err := io.ReadAll(in); len(rest) > 0 || err != nil {
				t.Errorf("its end: %q, %v", rest, err)
			}
			if tt.name != "ncat" && c.CloseNotified() != tt.notified { // ncat's depends on who is first
				t.Errorf("close_notify: %v", c.CloseNotified())
			}
			c.Close()
			wait()
		})
	}
}

// ncat is a proxy too.
func TestProxyPeerNcat(t *testing.T) {
	peertest.Path(t, "ncat")
	target := greeter(t)
	for _, user := range []string{"", "me:p@ss"} {
		port := freePort(t)
		// As a proxy ncat 7.93 listens on every address, whatever it is told.
		script := `exec ncat -v -4 -l --allow 127.0.0.1 --proxy-type http 127.0.0.1 $PORT`
		if user != "" {
			script += " --proxy-auth " + user
		}
		server(t, script, "Listening on", "PORT="+port)
		at := "http://127.0.0.1:" + port
		if user != "" {
			_, err := endpoint.Host{}.Dial(t.Context(), parse(t, fmt.Sprintf("tcp://127.0.0.1:%d?proxy=%s", target.Port, at)))
			checkWords(t, err, "the proxy "+at+` wants a user and a password: "407 Proxy Authentication Required"`, "user:password")
			at = "http://" + user + "@127.0.0.1:" + port
		}
		c := dial(t, endpoint.Host{}, fmt.Sprintf("tcp://127.0.0.1:%d?proxy=%s", target.Port, at))
		io.WriteString(c, "there\n")
		if got, err := bufio.NewReader(c).ReadString('\n'); got != "hello there\n" {
			t.Errorf("read %q, %v", got, err)
		}
		c.Close()
	}
}

// curl sends a PROXY header of version 1.
func TestProxyHeaderPeerCurl(t *testing.T) {
	peertest.Path(t, "curl")
	l := listen(t, endpoint.Host{}, "tcp://127.0.0.1:0?proxyproto=on")
	cmd := shell(t, `curl -sS --noproxy '*' --haproxy-protocol http://127.0.0.1:$PORT/`, "PORT="+portOf(l.Addr()))
	var out bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &out
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	s := acceptStream(t, l)
	line, err := bufio.NewReader(s).ReadString('\n')
	if line != "GET / HTTP/1.1\r\n" {
		t.Errorf("read %q, %v", line, err)
	}
	io.WriteString(s, "HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nyes")
	if err := cmd.Wait(); err != nil || out.String() != "yes" {
		t.Errorf("%v: %q", err, out.String())
	}
	s.Close()
}

func shell(t *testing.T, script string, env ...string) *exec.Cmd {
	t.Helper()
	if runtime.GOOS == "windows" {
		t.Skip("there is no sh")
	}
	cmd := exec.CommandContext(t.Context(), "sh", "-c", script)
	cmd.Env = append(os.Environ(), env...)
	return cmd
}

// server starts script, and returns once a line of its output, which has ready
// in it, says that it listens. wait waits for its end; the test's end kills it.
func server(t *testing.T, script, ready string, env ...string) (wait func()) {
	t.Helper()
	cmd := shell(t, "exec 2>&1; "+script, env...)
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	lines := bufio.NewReader(out)
	for {
		line, err := lines.ReadString('\n')
		if err != nil {
			t.Fatalf("%s did not listen: %v", script, errors.Join(err, cmd.Wait()))
		}
		if strings.Contains(line, ready) {
			break
		}
	}
	done := make(chan struct{})
	go func() {
		defer close(done)
		io.Copy(io.Discard, lines)
		cmd.Wait()
	}()
	t.Cleanup(func() { cmd.Process.Kill(); <-done })
	return func() { <-done }
}

func portOf(a net.Addr) string {
	_, port, _ := net.SplitHostPort(a.String())
	return port
}

// freePort is one that nobody listens on.
func freePort(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return portOf(l.Addr())
}

// What openssl calls a fingerprint is what we call one.
func TestTLSPeerFingerprint(t *testing.T) {
	peertest.Path(t, "openssl")
	l, a := tlsListen(t, "")
	c := dialAddr(t, endpoint.Host{}, a).(endpoint.TLSConn)
	acceptStream(t, l)
	file := filepath.Join(t.TempDir(), "c.pem")
	writePEM(t, file, "CERTIFICATE", c.ConnectionState().PeerCertificates[0].Raw)
	out, err := shell(t, `openssl x509 -noout -fingerprint -sha256 -in $FILE`, "FILE="+file).Output()
	if err != nil {
		t.Fatal(err)
	}
	a.Options.Set("pin", string(out)) // with its words, colons and newline
	dialAddr(t, endpoint.Host{}, a)
	acceptStream(t, l)
}
