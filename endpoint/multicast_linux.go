package endpoint

import (
	"net"

	"golang.org/x/sys/unix"
)

// onlyJoined keeps from c what other sockets have joined. Linux otherwise gives
// a socket the datagrams of every group and interface that any program on the
// machine is a member of (IP_MULTICAST_ALL in ip(7)).
func onlyJoined(c *net.UDPConn) {
	raw, err := c.SyscallConn()
	if err != nil {
		return
	}
	_ = raw.Control(func(fd uintptr) {
		// Each is refused by a socket of the other family, and by old kernels.
		_ = setInt(fd, unix.IPPROTO_IP, unix.IP_MULTICAST_ALL, 0)
		_ = setInt(fd, unix.IPPROTO_IPV6, unix.IPV6_MULTICAST_ALL, 0)
	})
}
