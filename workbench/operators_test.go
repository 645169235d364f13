package workbench

import (
	"bufio"
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"fmt"
	"io"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"

	"sockeye.dev/endpoint"
)

// A certificate makes an operator of who has shown it, by tls and by wss, where the door asked for one and the file says so.
func TestOperatorByCertificate(t *testing.T) {
	cert := certificate(t)
	for _, tt := range []struct {
		door, certificates string
		shown, operator    bool
	}{
		{"tls://127.0.0.1:0?clientca=" + cert, "true", true, true},
		{"wss://127.0.0.1:0?clientca=" + cert, "true", true, true},
		{"tls://127.0.0.1:0?clientca=" + cert, "false", true, false},
		{"wss://127.0.0.1:0?clientca=" + cert, "false", true, false},
		{"tls://127.0.0.1:0", "true", true, false}, // nobody has looked at it
		{"wss://127.0.0.1:0", "true", true, false},
		{"tls://127.0.0.1:0", "true", false, false},
		{"wss://127.0.0.1:0", "true", false, false},
		{"tcp://127.0.0.1:0", "true", false, false},
		{"ws://127.0.0.1:0", "true", false, false},
	} {
		t.Run(fmt.Sprintf("%.3s/%v/%s/%v", tt.door, strings.Contains(tt.door, "clientca"), tt.certificates, tt.shown), func(t *testing.T) {
			at := open(t, "listen: ['"+tt.door+"']\noperators: {certificates: "+tt.certificates+"}", 0)
			if tt.shown {
				at.Options.Set("cert", cert)
			}
			if got := operates(t, at); got != tt.operator {
				t.Errorf("an operator: %v", got)
			}
		})
	}
}

// Who comes by a Unix socket as the user that the workbench runs as is an operator, unless the file says otherwise.
func TestOperatorByUser(t *testing.T) {
	if runtime.GOOS != "linux" {
		t.Skip("only Linux tells who has connected")
	}
	for _, tt := range []struct {
		unix     string
		another  int
		operator bool
	}{{"true", 0, true}, {"false", 0, false}, {"true", 1, false}} {
		t.Run(fmt.Sprint(tt.unix, tt.another), func(t *testing.T) {
			socket := filepath.Join(t.TempDir(), "s")
			at := open(t, "listen: ['unix:"+socket+"']\noperators: {unix: "+tt.unix+"}", tt.another)
			if got := operates(t, at); got != tt.operator {
				t.Errorf("an operator: %v", got)
			}
		})
	}
	t.Run("tcp", func(t *testing.T) {
		if operates(t, open(t, "listen: ['tcp://127.0.0.1:0']", 0)) {
			t.Error("an operator by TCP")
		}
	})
}

// open runs a workbench with one door on this host until the test ends, as a user so many after us. It returns where to dial.
func open(t *testing.T, yaml string, another int) (at endpoint.Addr) {
	t.Helper()
	w, err := New(t.Context(), Options{Opened: func(d Door, ln net.Listener) {
		at = endpoint.AddrOf(d.Address.Scheme, ln.Addr())
		if f, ok := ln.(endpoint.Fingerprinter); ok {
			at.Options.Set("pin", f.Fingerprint())
		}
	}}, parse(t, yaml))
	if err != nil {
		t.Fatal(err)
	}
	w.uid += another
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- w.Run(ctx) }()
	t.Cleanup(func() {
		cancel()
		if err := <-ended; err != nil {
			t.Error(err)
		}
	})
	return at
}

// operates reports whether who dials may do what operators may.
func operates(t *testing.T, at endpoint.Addr) bool {
	t.Helper()
	conn, err := endpoint.Host{}.Dial(t.Context(), at)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	_ = conn.SetDeadline(time.Now().Add(10 * time.Second))
	if _, err := io.WriteString(conn, "/kick who-is-not-here\n"); err != nil {
		t.Fatal(err)
	}
	for s := bufio.NewScanner(conn); s.Scan(); {
		switch {
		case strings.Contains(s.Text(), "/kick is for operators"):
			return false
		case strings.Contains(s.Text(), "who-is-not-here"):
			return true
		}
	}
	t.Fatal("no answer")
	return false
}

// certificate is the file of one that signs itself, and its key: a client's, and the authority for it.
func certificate(t *testing.T) (file string) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "test"},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour), IsCA: true, BasicConstraintsValid: true,
		KeyUsage: x509.KeyUsageDigitalSignature | x509.KeyUsageCertSign, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth}}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		t.Fatal(err)
	}
	keyDER, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	file = filepath.Join(t.TempDir(), "cert.pem")
	both := append(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}),
		pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: keyDER})...)
	if err := os.WriteFile(file, both, 0o600); err != nil {
		t.Fatal(err)
	}
	return file
}
