package session

import "golang.org/x/sys/unix"

// reserve is how much the kernel takes of what it has not sent yet. Without it
// a connection over loopback holds 2.6 MB for a peer that does not read, and
// has no room left for a last word. Smaller, it would drop more of those who
// only pause; larger, it would not hold for buffers that makeRoom cannot widen.
const reserve = 512 << 10

// keepRoom has the kernel take less than it could. Only TCP knows it.
func keepRoom(fd int) {
	_ = unix.SetsockoptInt(fd, unix.IPPROTO_TCP, unix.TCP_NOTSENT_LOWAT, reserve)
}

// makeRoom lets a socket that is full take a little more.
func makeRoom(fd int) {
	_ = unix.SetsockoptInt(fd, unix.IPPROTO_TCP, unix.TCP_NOTSENT_LOWAT, 0)
	// Linux doubles what it is asked for, and lets anybody ask for this much.
	// What has grown beyond by itself would shrink.
	const most = 212992
	if size, err := unix.GetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_SNDBUF); err == nil && size < 2*most {
		_ = unix.SetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_SNDBUF, most)
	}
}
