package natsbus

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"errors"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/nats-io/nats-server/v2/server"

	"sockeye.dev/room"
)

// serve runs one server on the loopback and returns its URL.
func serve(t *testing.T, o server.Options) (*server.Server, string) {
	t.Helper()
	o.Host, o.NoSigs, o.NoLog = "127.0.0.1", true, true
	if o.Port == 0 {
		o.Port = -1
	}
	if o.JetStream && o.StoreDir == "" {
		o.StoreDir = t.TempDir()
	}
	s, err := server.NewServer(&o)
	if err != nil {
		t.Fatal(err)
	}
	s.Start()
	t.Cleanup(func() { s.Shutdown(); s.WaitForShutdown() })
	if !s.ReadyForConnections(10 * time.Second) {
		t.Fatal("the server is not ready")
	}
	return s, "nats://" + s.Addr().String()
}

func TestAccess(t *testing.T) {
	_, open := serve(t, server.Options{JetStream: true})
	_, token := serve(t, server.Options{JetStream: true, Authorization: "geheim"})
	_, user := serve(t, server.Options{JetStream: true, Username: "bob", Password: "geheim"})
	_, plain := serve(t, server.Options{})
	_, domain := serve(t, server.Options{JetStream: true, JetStreamDomain: "hub"})
	at := func(url, who string) []string { return []string{strings.Replace(url, "://", "://"+who+"@", 1)} }
	for _, tt := range []struct {
		c    Config
		want string // in the error; none when empty
	}{
		{Config{URLs: []string{open}}, ""},
		{Config{URLs: []string{token}, Token: "geheim"}, ""},
		{Config{URLs: at(token, "geheim")}, ""},
		{Config{URLs: []string{token}, Token: "geheimer"}, "Authorization Violation"},
		{Config{URLs: []string{token}}, "Authorization Violation"},
		{Config{URLs: at(user, "bob:geheim")}, ""},
		{Config{URLs: at(user, "bob:geheimer")}, "Authorization Violation"},
		{Config{URLs: []string{open}, CredentialsFile: "/nowhere.creds"}, "/nowhere.creds"},
		{Config{URLs: []string{plain}}, "JetStream is not enabled"},
		{Config{URLs: []string{domain}, Domain: "hub"}, ""},
		{Config{URLs: []string{domain}, Domain: "hubbub"}, `has no domain "hubbub"`},
		{Config{URLs: []string{"nats://127.0.0.1:1", open}}, ""}, // one is enough
	} {
		b, err := Open(t.Context(), tt.c)
		if err == nil {
			say(t, b, "r", "")
			subscribe(t, b, "r", room.Recent(1)).wait(t, 1)
			err = b.Close()
		}
		switch {
		case tt.want == "" && err != nil:
			t.Errorf("%v: %v", tt.c.URLs, err)
		case tt.want != "" && (err == nil || !strings.Contains(err.Error(), tt.want) || !strings.Contains(err.Error(), "127.0.0.1:")):
			t.Errorf("%v: %v, want %s", tt.c.URLs, err, tt.want)
		case err != nil && strings.Contains(err.Error(), "geheim"):
			t.Errorf("%v tells the password", err)
		}
	}
}

// A server that takes connections and says nothing does not hold an Open longer than its ctx.
func TestOpenSilent(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	ctx, cancel := context.WithCancelCause(t.Context())
	why := errors.New("the user is impatient")
	var wg sync.WaitGroup
	defer wg.Wait()
	wg.Go(func() {
		conn, err := l.Accept()
		if err != nil {
			t.Error(err)
			return
		}
		cancel(why)
		defer conn.Close()
		_, _ = conn.Read(make([]byte, 1)) // until Open lets go
	})
	if _, err = Open(ctx, Config{URLs: []string{"nats://" + l.Addr().String()}}); !errors.Is(err, why) {
		t.Error(err)
	}
}

func TestTooManyReplicas(t *testing.T) {
	_, url := serve(t, server.Options{JetStream: true})
	b := openDir(t, Config{URLs: []string{url}, Replicas: 3})
	if _, err := b.Publish(t.Context(), "r", room.Message{}); err == nil || !strings.Contains(err.Error(), "room r: ") || !strings.Contains(err.Error(), "replicas") {
		t.Error(err)
	}
}

// On a cluster, a stream that exists keeps its limits.
func TestLimitsStand(t *testing.T) {
	_, url := serve(t, server.Options{JetStream: true})
	openDir(t, Config{URLs: []string{url}, MaxMessages: 5}).publishAll(t, 5)
	b := openDir(t, Config{URLs: []string{url}, MaxMessages: 7})
	b.publishAll(t, 5)
	if got := subscribe(t, b, "r", room.After(0)).upTo(t, 10); len(got) != 5 {
		t.Errorf("%d messages are kept", len(got))
	}
}

func (b *Bus) publishAll(t *testing.T, n int) {
	for range n {
		say(t, b, "r", "")
	}
}

// While the only server is away, Watch tells, publishing waits, and everything goes on when it is back.
func TestServerRestarts(t *testing.T) {
	o := server.Options{JetStream: true, StoreDir: t.TempDir()}
	s, url := serve(t, o)
	b := openDir(t, Config{URLs: []string{url}})
	in := subscribe(t, b, "r", room.Latest)
	in.upTo(t, say(t, b, "r", ""))
	told := watch(t, b)
	o.Port = s.Addr().(*net.TCPAddr).Port
	s.Shutdown()
	s.WaitForShutdown()
	if down := told.next(t); down == nil || !strings.Contains(down.Error(), "no connection to "+url) {
		t.Errorf("Watch tells %v", down)
	}
	late := make(chan error, 1)
	b.Watch(func(down error) { late <- down })()
	if down := <-late; down == nil {
		t.Error("who watches later is not told")
	}
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Millisecond)
	defer cancel()
	if _, err := b.Publish(ctx, "r", room.Message{}); !errors.Is(err, context.DeadlineExceeded) || !strings.Contains(err.Error(), url) || errors.Is(err, room.ErrUnconfirmed) {
		t.Errorf("Publish: %v", err)
	}
	var wg sync.WaitGroup
	for range 10 {
		wg.Go(func() {
			if _, err := b.Publish(t.Context(), "r", room.Message{Kind: room.Say}); err != nil {
				t.Error(err)
			}
		})
	}
	serve(t, o)
	if down := told.next(t); down != nil {
		t.Errorf("Watch tells %v", down)
	}
	wg.Wait()
	for i, m := range in.upTo(t, 11) {
		if m.Seq != uint64(i+1) {
			t.Errorf("message %d has Seq %d", i+1, m.Seq)
		}
	}
}

func TestTLS(t *testing.T) {
	dir := t.TempDir()
	ca, caKey := certificate(t, dir, "ca", nil, nil)
	certificate(t, dir, "server", ca, caKey)
	certificate(t, dir, "client", ca, caKey)
	pair, err := tls.LoadX509KeyPair(dir+"/server.pem", dir+"/server.key")
	if err != nil {
		t.Fatal(err)
	}
	pool := x509.NewCertPool()
	pool.AddCert(ca)
	_, url := serve(t, server.Options{JetStream: true, TLS: true, TLSVerify: true, TLSTimeout: 5, TLSConfig: &tls.Config{
		Certificates: []tls.Certificate{pair}, ClientAuth: tls.RequireAndVerifyClientCert, ClientCAs: pool,
	}})
	c := Config{URLs: []string{url}, CAFile: dir + "/ca.pem", CertFile: dir + "/client.pem", KeyFile: dir + "/client.key"}
	say(t, openDir(t, c), "r", "")
	c.CAFile = ""
	if _, err := Open(t.Context(), c); err == nil || !strings.Contains(err.Error(), "unknown authority") {
		t.Error(err)
	}
	c.CAFile, c.CertFile, c.KeyFile = dir+"/ca.pem", "", ""
	if _, err := Open(t.Context(), c); err == nil || !strings.Contains(err.Error(), "tls") {
		t.Error(err)
	}
}

func certificate(t *testing.T, dir, name string, ca *x509.Certificate, caKey *ecdsa.PrivateKey) (*x509.Certificate, *ecdsa.PrivateKey) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	c := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: name}, NotAfter: time.Now().Add(time.Hour),
		IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)}, IsCA: ca == nil, BasicConstraintsValid: true,
		KeyUsage:    x509.KeyUsageDigitalSignature | x509.KeyUsageCertSign,
		ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth, x509.ExtKeyUsageClientAuth},
	}
	if ca == nil {
		ca, caKey = c, key
	}
	der, err := x509.CreateCertificate(rand.Reader, c, ca, &key.PublicKey, caKey)
	if err != nil {
		t.Fatal(err)
	}
	keyDER, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	for file, block := range map[string]*pem.Block{
		name + ".pem": {Type: "CERTIFICATE", Bytes: der},
		name + ".key": {Type: "PRIVATE KEY", Bytes: keyDER},
	} {
		if err := os.WriteFile(filepath.Join(dir, file), pem.EncodeToMemory(block), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	made, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	return made, key
}
