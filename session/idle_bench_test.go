package session_test

import (
	"context"
	"io"
	"net"
	"runtime"
	"sync"
	"testing"

	"sockeye.dev/charset"
	"sockeye.dev/frame"
	"sockeye.dev/handler"
	"sockeye.dev/session"
)

// BenchmarkIdle reports the user memory, heap and stack, of an idle TCP
// session: one in which nothing was said yet, and one after a message was
// read and answered. See bench/README.md.
func BenchmarkIdle(b *testing.B) {
	text := session.HandlerFunc(func(ctx context.Context, s *session.Session) error {
		for {
			m, err := s.Recv(ctx)
			if err != nil {
				return err
			}
			text, err := m.Text()
			if err != nil {
				return err
			}
			if err := s.Send(ctx, session.Text(text)); err != nil {
				return err
			}
		}
	})
	lines := session.Config{Format: session.Format{Encoding: charset.Auto(nil), Framing: frame.Line{}}}
	for _, bench := range []struct {
		name   string
		h      session.Handler
		c      session.Config
		spoken bool
	}{
		{"raw/silent", handler.Echo, session.Config{}, false},
		{"raw/spoken", handler.Echo, session.Config{}, true},
		{"lines+auto/silent", text, lines, false},
		{"lines/spoken", handler.Echo, lines, true},
		{"lines+auto/spoken", text, lines, true},
	} {
		b.Run(bench.name, func(b *testing.B) {
			for b.Loop() {
				idle(b, &session.Server{Handler: bench.h, Config: bench.c}, bench.spoken)
			}
		})
	}
}

// idle measures 2,000 sessions beside 2,000 others: the runtime begins stacks
// with the size that those there are had need of at the last collection.
func idle(b *testing.B, srv *session.Server, spoken bool) {
	const n = 2000
	ctx, cancel := context.WithCancel(context.Background())
	var servers sync.WaitGroup
	defer func() { cancel(); servers.Wait() }()
	crowd := func() (heap, stack uint64) {
		// The peers, in the same process, are dialed before the first
		// measurement: the kernel completes connections nobody has accepted.
		ln, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			b.Fatal(err)
		}
		peers := make([]net.Conn, n)
		for i := range peers {
			if peers[i], err = net.Dial("tcp", ln.Addr().String()); err != nil {
				b.Fatal(err)
			}
			b.Cleanup(func() { _ = peers[i].Close() })
		}
		before, _ := srv.Counts()
		heap, stack = memory()
		servers.Go(func() { _ = srv.Serve(ctx, ln) })
		for held := 0; held < before+n; held, _ = srv.Counts() {
			runtime.Gosched()
		}
		if spoken {
			const hello = "你好\n"
			var buf [len(hello)]byte
			for _, c := range peers {
				_, _ = io.WriteString(c, hello)
				_, _ = io.ReadFull(c, buf[:])
			}
		}
		heap2, stack2 := memory()
		return heap2 - heap, stack2 - stack
	}
	crowd()
	heap, stack := crowd()
	b.ReportMetric(float64(heap)/n, "heap-B/session")
	b.ReportMetric(float64(stack)/n, "stack-B/session")
	b.ReportMetric(float64(heap+stack)/n, "B/session")
}

func memory() (heap, stack uint64) {
	runtime.GC()
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return m.HeapAlloc, m.StackInuse
}
