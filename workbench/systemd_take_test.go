package workbench

import (
	"errors"
	"net"
	"path/filepath"
	"runtime"
	"sync"
	"testing"

	"sockeye.dev/endpoint"
)

// TestTakeAgain: a stream socket may be taken while it is taken, as a reload does; one of datagrams is one's alone.
func TestTakeAgain(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("Windows hands no sockets over by descriptor")
	}
	stream, err := net.Listen("tcp4", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), "s")
	gram, err := net.ListenPacket("unixgram", path)
	if err != nil {
		t.Fatal(err)
	}
	packet, err := net.ListenPacket("udp4", "0.0.0.0:0")
	if err != nil {
		t.Fatal(err)
	}
	s := &Sockets{all: []inherited{
		{Socket: endpoint.Socket{Listener: stream}, name: "stream"}, {Socket: endpoint.Socket{Packet: packet}, name: "packet"},
		{Socket: endpoint.Socket{Packet: gram}, name: "gram"},
	}}
	host := endpoint.Host{Inherited: s.Take}

	a := endpoint.AddrOf("tls", stream.Addr())
	var doors []net.Listener
	for range 2 {
		ln, err := host.Listen(t.Context(), a)
		if err != nil {
			t.Fatal(err)
		}
		defer ln.Close()
		doors = append(doors, ln)
	}
	doors[0].Close()
	a.Options.Set("insecure", "on")
	conn, err := endpoint.Host{}.Dial(t.Context(), a)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	got, err := doors[1].Accept()
	if err != nil {
		t.Fatal(err)
	}
	defer got.Close()

	four := endpoint.AddrOf("udp", packet.LocalAddr())
	four.Host = "" // every address, of IPv4
	four.Options.Set("ip", "4")
	for name, a := range map[string]endpoint.Addr{"packet": four, "gram": endpoint.AddrOf("unixgram", gram.LocalAddr())} {
		for range 2 {
			ln, err := host.Listen(t.Context(), a)
			if err != nil {
				t.Fatal(err)
			}
			want := "listen " + a.Scheme + " " + map[string]string{"packet": packet.LocalAddr().String()[len("0.0.0.0"):], "gram": path}[name] +
				": the socket " + name + " that systemd has opened: it is in use until the conversations over it have ended"
			if _, err := host.Listen(t.Context(), a); !errors.Is(err, errHeld) || err.Error() != want {
				t.Errorf("got  %v\nwant %s", err, want)
			}
			if err := ln.Close(); err != nil {
				t.Error(err)
			}
		}
	}
	if left := s.Left(); left != nil {
		t.Errorf("left %q", left)
	}

	var all sync.WaitGroup
	for range 8 {
		all.Go(func() {
			ln, err := host.Listen(t.Context(), endpoint.AddrOf("tcp", stream.Addr()))
			if err != nil {
				t.Error(err)
				return
			}
			ln.Close()
		})
	}
	all.Wait()
	if err := s.Close(); err != nil {
		t.Error(err)
	}
	if again, err := s.TakeNamed("stream"); again != (endpoint.Socket{}) || err != nil {
		t.Errorf("%v, %v after Close", again, err)
	}
}
