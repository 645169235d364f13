package endpoint_test

import (
	"crypto/x509"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"sockeye.dev/endpoint"
)

// A listener shows the certificate that its file has had since Renew, and asks
// for those of the new authorities; who is there already stays.
func TestTLSRenew(t *testing.T) {
	for _, scheme := range []string{"tls", "wss"} {
		t.Run(scheme, func(t *testing.T) {
			old, next := newAuthority(t), newAuthority(t)
			dir := t.TempDir()
			cert, clients := filepath.Join(dir, "cert.pem"), filepath.Join(dir, "clients.pem")
			replace := func(file, by string) {
				t.Helper()
				b, err := os.ReadFile(by)
				if err != nil {
					t.Fatal(err)
				}
				if err := os.WriteFile(file, b, 0o600); err != nil {
					t.Fatal(err)
				}
			}
			first, _ := old.issue(t, nil)
			second, der := next.issue(t, func(c *x509.Certificate) { c.Subject.CommonName = "renewed" })
			replace(cert, first)
			replace(clients, old.file)
			l := listen(t, endpoint.Host{}, scheme+"://127.0.0.1:0?cert="+cert+"&clientca="+clients)
			r := l.(endpoint.Renewer)
			to := func(a *authority, shown string) endpoint.Addr {
				addr := endpoint.AddrOf(scheme, l.Addr())
				addr.Options.Set("ca", a.file)
				addr.Options.Set("cert", shown)
				return addr
			}
			early := dialAddr(t, endpoint.Host{}, to(old, first))
			server := acceptStream(t, l)

			if err := os.WriteFile(cert, []byte("garbage"), 0o600); err != nil {
				t.Fatal(err)
			}
			if err := r.Renew(); err == nil || !strings.Contains(err.Error(), cert) {
				t.Errorf("garbage: %v", err)
			}
			replace(cert, second)
			if err := os.WriteFile(clients, nil, 0o600); err != nil {
				t.Fatal(err)
			}
			if err := r.Renew(); err == nil || !strings.Contains(err.Error(), clients) {
				t.Errorf("no authorities: %v", err)
			}
			dialAddr(t, endpoint.Host{}, to(old, first)) // nothing was taken of what cannot be taken whole
			acceptStream(t, l)

			replace(clients, next.file)
			if err := r.Renew(); err != nil {
				t.Fatal(err)
			}
			if got := l.(endpoint.Fingerprinter).Fingerprint(); got != endpoint.Fingerprint(der) {
				t.Errorf("the certificate is %s", got)
			}
			dialAddr(t, endpoint.Host{}, to(next, second))
			acceptStream(t, l)
			if c, err := (endpoint.Host{}).Dial(t.Context(), to(next, first)); err == nil { // TLS 1.3 tells the client after its handshake
				_, err = io.ReadAll(c)
				c.Close()
				if err == nil {
					t.Error("a certificate of the old authority was taken")
				}
			}
			if _, err := io.WriteString(early, "still here"); err != nil {
				t.Error(err)
			}
			got := make([]byte, len("still here"))
			if _, err := io.ReadFull(server, got); string(got) != "still here" || err != nil {
				t.Errorf("received %q, %v", got, err)
			}
		})
	}
}

// A certificate that was made up is kept: clients have its fingerprint.
func TestTLSRenewSelfSigned(t *testing.T) {
	l, a := tlsListen(t, "")
	if err := l.(endpoint.Renewer).Renew(); err != nil {
		t.Fatal(err)
	}
	dialAddr(t, endpoint.Host{}, a)
	acceptStream(t, l)
}
