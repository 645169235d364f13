package session_test

import (
	"context"
	"net"
	"runtime"
	"testing"

	"sockeye.dev/charset"
	"sockeye.dev/frame"
	"sockeye.dev/session"
)

// BenchmarkIdle reports the user memory, heap and stacks, of an idle TCP
// session with framing and an encoding after one message was echoed. Its peer,
// a plain net.Conn in the same process, is included.
func BenchmarkIdle(b *testing.B) {
	const n = 2000
	for b.Loop() {
		echo := session.HandlerFunc(func(ctx context.Context, s *session.Session) error {
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
		srv := session.Server{Handler: echo, Config: session.Config{Format: session.Format{Encoding: charset.Auto(nil), Framing: frame.Line{}}}}
		ln, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			b.Fatal(err)
		}
		ctx, cancel := context.WithCancel(context.Background())
		done := make(chan error)
		go func() { done <- srv.Serve(ctx, ln) }()
		heap, stack := memory()
		conns := make([]net.Conn, n)
		buf := make([]byte, 16)
		for i := range conns {
			if conns[i], err = net.Dial("tcp", ln.Addr().String()); err != nil {
				b.Fatal(err)
			}
			_, _ = conns[i].Write([]byte("hi\n"))
			_, _ = conns[i].Read(buf)
		}
		heap2, stack2 := memory()
		b.ReportMetric(float64(heap2-heap+stack2-stack)/n, "B/session")
		b.ReportMetric(float64(stack2-stack)/n, "stack-B/session")
		for _, c := range conns {
			_ = c.Close()
		}
		cancel()
		<-done
	}
}

func memory() (heap, stack uint64) {
	runtime.GC()
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return m.HeapAlloc, m.StackInuse
}
