package endpoint_test

import (
	"net"
	"runtime"
	"sync"
	"testing"

	"sockeye.dev/endpoint"
)

// BenchmarkUDPEcho is one message to a per-peer conn and back, on loopback.
func BenchmarkUDPEcho(b *testing.B) {
	for name, n := range map[string]endpoint.Network{"host": endpoint.Host{}, "mem": new(endpoint.Mem)} {
		for _, at := range []string{"udp://127.0.0.1:0", "udp4://:0"} {
			b.Run(name+" "+at, func(b *testing.B) {
				l := listen(b, n, at)
				a := endpoint.AddrOf("udp", l.Addr())
				a.Host = "127.0.0.1"
				c := dialAddr(b, n, a).(endpoint.MessageConn)
				message := make([]byte, 64)
				if err := c.WriteMessage(message); err != nil {
					b.Fatal(err)
				}
				s := accept(b, l)
				var echo sync.WaitGroup
				echo.Go(func() {
					var m []byte
					for {
						var err error
						if m, err = s.ReadMessage(m[:0]); err != nil {
							return
						}
						if s.WriteMessage(m) != nil {
							return
						}
					}
				})
				var m []byte
				m, _ = c.ReadMessage(m)
				b.ReportAllocs()
				for b.Loop() {
					if err := c.WriteMessage(message); err != nil {
						b.Fatal(err)
					}
					var err error
					if m, err = c.ReadMessage(m[:0]); err != nil {
						b.Fatal(err)
					}
				}
				s.Close()
				echo.Wait()
			})
		}
	}
}

// BenchmarkUDPReceive is what one listener takes in from a sender that does not
// wait. ns/op is per datagram received; lost is what the system dropped.
func BenchmarkUDPReceive(b *testing.B) {
	l := listen(b, endpoint.Host{}, "udp://127.0.0.1:0?rcvbuf=4M&queue=4M")
	c := dialAddr(b, endpoint.Host{}, endpoint.AddrOf("udp", l.Addr()))
	message := make([]byte, 1200)
	c.Write(message)
	s := accept(b, l)
	stop := make(chan struct{})
	var sender sync.WaitGroup
	sent := 0
	sender.Go(func() {
		for {
			select {
			case <-stop:
				return
			default:
				c.Write(message)
				sent++
			}
		}
	})
	b.SetBytes(int64(len(message)))
	b.ReportAllocs()
	var m []byte
	received := 0
	for b.Loop() {
		var err error
		if m, err = s.ReadMessage(m[:0]); err != nil {
			b.Fatal(err)
		}
		received++
	}
	close(stop)
	sender.Wait()
	b.ReportMetric(float64(received)/b.Elapsed().Seconds(), "received/s")
}

// BenchmarkUDPIdlePeers is the memory of one peer with a short unread message.
func BenchmarkUDPIdlePeers(b *testing.B) {
	m := new(endpoint.Mem)
	l := listen(b, m, "udp://server:1?backlog=10000")
	before := heap()
	const peers = 10_000
	for b.Loop() {
		for range peers {
			c, err := m.Dial(b.Context(), parse(b, "udp://server:1"))
			if err != nil {
				b.Fatal(err)
			}
			c.Write([]byte("hello"))
			c.Close()
		}
		b.ReportMetric(float64(heap()-before)/peers, "B/peer")
		for range peers {
			c, err := l.Accept()
			if err != nil {
				b.Fatal(err)
			}
			c.Close()
		}
	}
}

func heap() uint64 {
	runtime.GC()
	runtime.GC()
	var ms runtime.MemStats
	runtime.ReadMemStats(&ms)
	return ms.HeapAlloc
}

// BenchmarkMemStream is the throughput of a stream in memory.
func BenchmarkMemStream(b *testing.B) {
	client, server := memPair(b, "mem:x")
	buf := make([]byte, 32<<10)
	var reader sync.WaitGroup
	reader.Go(func() { drain(server) })
	b.SetBytes(int64(len(buf)))
	b.ReportAllocs()
	for b.Loop() {
		if _, err := client.Write(buf); err != nil {
			b.Fatal(err)
		}
	}
	client.Close()
	reader.Wait()
}

func drain(c net.Conn) {
	buf := make([]byte, 32<<10)
	for {
		if _, err := c.Read(buf); err != nil {
			return
		}
	}
}
