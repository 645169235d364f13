package workbench

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"encoding/pem"
	"fmt"
	"log/slog"
	"math/big"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"sockeye.dev/endpoint"
)

// writeCertificate writes a new certificate and its key to file, and returns its fingerprint.
func writeCertificate(t *testing.T, file string) string {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{SerialNumber: big.NewInt(1), NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour)}
	cert, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		t.Fatal(err)
	}
	der, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	b := append(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: cert}), pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der})...)
	if err := os.WriteFile(file, b, 0o600); err != nil {
		t.Fatal(err)
	}
	return endpoint.Fingerprint(cert)
}

// A door that stays shows the certificate that is in its file when the file is taken again, and goes on with the old one when
// there is none.
func TestReloadCertificate(t *testing.T) {
	file := filepath.Join(t.TempDir(), "cert.pem")
	synctest.Test(t, func(t *testing.T) {
		first := writeCertificate(t, file)
		var log bytes.Buffer
		network, f := new(endpoint.Mem), parse(t, fmt.Sprintf("listen: [{address: tls://127.0.0.1:1, certificate: %s}]", file))
		w, _ := benchAt(t, Options{Network: network, Log: slog.New(slog.NewTextHandler(&log, nil))}, f)
		ann := visit(t, network, "tls://127.0.0.1:1?pin="+first)
		if got := ann.see(); !strings.Contains(got, "welcome") {
			t.Fatalf("ann: %q", got)
		}

		if err := os.WriteFile(file, []byte("garbage"), 0o600); err != nil {
			t.Fatal(err)
		}
		if _, err := w.Reload(t.Context(), f); err == nil || !strings.Contains(err.Error(), file) || !strings.Contains(err.Error(), "tls://127.0.0.1:1") {
			t.Errorf("Reload with garbage: %v", err)
		}
		if got := visit(t, network, "tls://127.0.0.1:1?pin="+first).see(); !strings.Contains(got, "welcome") {
			t.Errorf("after that: %q", got)
		}

		second := writeCertificate(t, file)
		if _, err := w.Reload(t.Context(), f); err != nil {
			t.Fatal(err)
		}
		if got := visit(t, network, "tls://127.0.0.1:1?pin="+second).see(); !strings.Contains(got, "welcome") {
			t.Errorf("who comes then: %q", got)
		}
		if !strings.Contains(log.String(), second) {
			t.Errorf("the log says %q", log.String())
		}
		ann.see()
		if got := ann.say(t, "/who"); !strings.Contains(got, "3 here") {
			t.Errorf("ann: %q", got)
		}
	})
}

// A door whose certificate is to be another one, which cannot be read, is not closed for that.
func TestReloadAnotherCertificate(t *testing.T) {
	dir := t.TempDir()
	first, second := filepath.Join(dir, "first.pem"), filepath.Join(dir, "second.pem")
	with := func(file string) string {
		return fmt.Sprintf("listen: [{address: tls://127.0.0.1:1, certificate: %s}]", file)
	}
	synctest.Test(t, func(t *testing.T) {
		pin := writeCertificate(t, first)
		w, network, _ := bench(t, with(first))
		if _, err := w.Reload(t.Context(), parse(t, with(second))); err == nil || !strings.Contains(err.Error(), second) {
			t.Errorf("Reload without the file: %v", err)
		}
		if got := visit(t, network, "tls://127.0.0.1:1?pin="+pin).see(); !strings.Contains(got, "welcome") {
			t.Errorf("after that: %q", got)
		}
		pin = writeCertificate(t, second)
		if _, err := w.Reload(t.Context(), parse(t, with(second))); err != nil {
			t.Fatal(err)
		}
		if got := visit(t, network, "tls://127.0.0.1:1?pin="+pin).see(); !strings.Contains(got, "welcome") {
			t.Errorf("with the other: %q", got)
		}
	})
}
