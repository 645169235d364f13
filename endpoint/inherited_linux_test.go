package endpoint_test

import (
	"net"
	"testing"

	"golang.org/x/sys/unix"

	"sockeye.dev/endpoint"
)

// TestInheritedOptions: an inherited socket's conns are as those of ours.
func TestInheritedOptions(t *testing.T) {
	for _, options := range []string{"", "nodelay=off", "keepalive=off", "keepalive=7s", "keepalive=on", "rcvbuf=32k&sndbuf=48k"} {
		var got [2][6]int
		for i, host := range []endpoint.Host{{}, heir(opened(t, "tcp", "127.0.0.1:0"))} {
			l := listen(t, host, "tcp://127.0.0.1:0?"+options)
			c := dialAddr(t, endpoint.Host{}, endpoint.AddrOf("tcp", l.Addr()))
			s := acceptStream(t, l)
			raw, err := s.(*net.TCPConn).SyscallConn()
			if err != nil {
				t.Fatal(err)
			}
			raw.Control(func(fd uintptr) {
				for j, o := range [...][2]int{
					{unix.IPPROTO_TCP, unix.TCP_NODELAY}, {unix.SOL_SOCKET, unix.SO_KEEPALIVE}, {unix.IPPROTO_TCP, unix.TCP_KEEPIDLE},
					{unix.IPPROTO_TCP, unix.TCP_KEEPINTVL}, {unix.SOL_SOCKET, unix.SO_RCVBUF}, {unix.SOL_SOCKET, unix.SO_SNDBUF},
				} {
					got[i][j], _ = unix.GetsockoptInt(int(fd), o[0], o[1])
				}
			})
			if options == "keepalive=off" {
				got[i][2], got[i][3] = 0, 0 // they say nothing
			}
			c.Close()
		}
		if got[0] != got[1] {
			t.Errorf("?%s: ours has %v, the inherited %v", options, got[0], got[1])
		}
	}
}
