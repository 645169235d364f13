package main

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/nats-io/nats-server/v2/server"
	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"sockeye.dev/room"
	"sockeye.dev/workbench"
)

// guardedNATS is a NATS server that lets in only who has its token and its certificate; more says so in a file.
func guardedNATS(t *testing.T) (url, more string, opts []nats.Option) {
	t.Helper()
	dir := t.TempDir()
	cert, key := filepath.Join(dir, "cert.pem"), filepath.Join(dir, "key.pem")
	if err := writeCertificate(cert, key); err != nil {
		t.Fatal(err)
	}
	pair, err := tls.LoadX509KeyPair(cert, key)
	if err != nil {
		t.Fatal(err)
	}
	pool := x509.NewCertPool()
	pool.AddCert(pair.Leaf)
	s, err := server.NewServer(&server.Options{
		Host: "127.0.0.1", Port: -1, NoSigs: true, NoLog: true, JetStream: true, JetStreamDomain: "hub", StoreDir: filepath.Join(dir, "store"),
		Authorization: "open sesame", TLS: true, TLSVerify: true, TLSTimeout: 10,
		TLSConfig: &tls.Config{Certificates: []tls.Certificate{pair}, ClientAuth: tls.RequireAndVerifyClientCert, ClientCAs: pool},
	})
	if err != nil {
		t.Fatal(err)
	}
	s.Start()
	t.Cleanup(func() { s.Shutdown(); s.WaitForShutdown() })
	if !s.ReadyForConnections(10 * time.Second) {
		t.Fatal("the server is not ready")
	}
	return "nats://" + s.Addr().String(), fmt.Sprintf("token: open sesame, ca: '%s', certificate: '%s', key: '%s'", cert, cert, key),
		[]nats.Option{nats.Token("open sesame"), nats.RootCAs(cert), nats.ClientCert(cert, key)}
}

// What a file says of NATS and of the history is what the rooms are kept by.
func TestServeBus(t *testing.T) {
	t.Parallel()
	url, more, opts := guardedNATS(t)
	nc, err := nats.Connect(url, opts...)
	if err != nil {
		t.Fatal(err)
	}
	defer nc.Close()
	js, err := jetstream.NewWithDomain(nc, "hub")
	if err != nil {
		t.Fatal(err)
	}
	type limits struct {
		messages, bytes int64
		age             time.Duration
	}
	a := &app{stderr: io.Discard, getenv: func(string) string { return "" }}
	// keep has a room kept by what a file says, and returns what was to be kept of it.
	keep := func(name, yaml string) (limits, error) {
		t.Helper()
		file, err := workbench.Parse("f", []byte(yaml))
		if err != nil {
			t.Fatal(err)
		}
		ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
		defer cancel()
		bus, done, err := a.bus(ctx, file, true, slog.New(slog.DiscardHandler))
		if err != nil {
			return limits{}, err
		}
		defer done()
		if _, err := bus.Publish(ctx, name, room.Message{Kind: room.Say, From: "ann", Text: "hello"}); err != nil {
			return limits{}, err
		}
		stream, err := js.StreamNameBySubject(ctx, "sockeye.room."+name+".say")
		if err != nil {
			return limits{}, err
		}
		s, err := js.Stream(ctx, stream)
		if err != nil {
			return limits{}, err
		}
		c := s.CachedInfo().Config
		return limits{c.MaxMsgsPerSubject, c.MaxBytes, c.MaxAge}, nil
	}
	for name, c := range map[string]struct {
		domain, history string
		replicas        int
		want            limits
		fails           string
	}{
		"some":      {"hub", "messages: 7, bytes: 3MiB, age: 2h", 1, limits{7, 3 << 20, 2 * time.Hour}, ""},
		"default":   {"hub", "", 1, limits{10_000, 64 << 20, 30 * 24 * time.Hour}, ""},
		"none":      {"hub", "messages: 0, bytes: 0, age: 0", 1, limits{-1, -1, 0}, ""},
		"nowhere":   {"hubbub", "", 1, limits{}, `"hubbub"`},
		"threefold": {"hub", "", 3, limits{}, "replicas"},
	} {
		got, err := keep(name, fmt.Sprintf("nats: {servers: ['%s'], domain: %s, replicas: %d, %s}\nhistory: {%s}", url, c.domain, c.replicas, more, c.history))
		if got != c.want || (err == nil) != (c.fails == "") || err != nil && !strings.Contains(err.Error(), c.fails) {
			t.Errorf("%s: kept by %+v, %v; want %+v, %s", name, got, err, c.want, c.fails)
		}
	}
}

// The log is as the file has it, and tells as much.
func TestServeLog(t *testing.T) {
	t.Parallel()
	for yaml, want := range map[string]string{
		"{format: json}":              `"level":"INFO","msg":"conversation begun"`,
		"{}":                          `level=INFO msg="conversation begun"`,
		"{level: warn, format: json}": `"level":"WARN","msg":"refused a conversation"`,
	} {
		t.Run(yaml, func(t *testing.T) {
			t.Parallel()
			file := filepath.Join(t.TempDir(), "sockeye.yaml")
			content := "listen: [{address: tcp://127.0.0.1:0, members: 1}]\nhistory: {keep: false}\nlog: " + yaml + "\n"
			if err := os.WriteFile(file, []byte(content), 0o600); err != nil {
				t.Fatal(err)
			}
			r := begin(t, command(t, "serve", file))
			_, heard := enter(t, r.address())
			heard("welcome")
			enter(t, r.address()) // who is refused
			r.sees("refused a conversation")
			if said := r.sees(want); strings.Contains(yaml, "warn") && strings.Contains(said, "begun") {
				t.Errorf("it said %q", said)
			}
			r.stop()
		})
	}
}
