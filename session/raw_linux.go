package session

import (
	"syscall"
	"unsafe"

	"golang.org/x/sys/unix"
)

// writeNow is syscall.Write to a descriptor that does not block, without
// telling the scheduler: it takes the kernel some microseconds, and while a
// thousand members are written to one after the other the scheduler would
// count each as a system call that may block, look at it every 20 µs, and give
// the processor away. Measured 2026-11-23: see bench/compare/fanout.
func writeNow(fd int, p []byte) (int, error) {
	n, _, errno := syscall.RawSyscall(syscall.SYS_WRITE, uintptr(fd), uintptr(unsafe.Pointer(unsafe.SliceData(p))), uintptr(len(p)))
	if errno != 0 {
		return 0, errno
	}
	return int(n), nil
}

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
