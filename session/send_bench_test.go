package session_test

import (
	"net"
	"testing"
	"time"

	"sockeye.dev/session"
)

// BenchmarkTrySendToMany is what one write costs that sends a line to each of
// 500 members over loopback TCP, who read while the clock stands.
func BenchmarkTrySendToMany(b *testing.B) {
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		b.Fatal(err)
	}
	defer ln.Close()
	const members = 500
	var all [members]*session.Session
	var peers [members]net.Conn
	for i := range all {
		if peers[i], err = net.Dial("tcp", ln.Addr().String()); err != nil {
			b.Fatal(err)
		}
		conn, err := ln.Accept()
		if err != nil {
			b.Fatal(err)
		}
		defer peers[i].Close()
		defer conn.Close()
		all[i] = session.New(conn, nil)
	}
	line, buf := make([]byte, 74), make([]byte, 4096)
	var took time.Duration
	for b.Loop() {
		began := time.Now()
		for _, s := range all {
			if err := s.TrySend(line); err != nil {
				b.Fatal(err)
			}
		}
		took += time.Since(began)
		for _, p := range peers {
			if _, err := p.Read(buf); err != nil {
				b.Fatal(err)
			}
		}
	}
	b.ReportMetric(float64(took.Nanoseconds())/float64(b.N)/members, "ns/write")
}
