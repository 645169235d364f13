//go:build unix && !linux

package session

import "syscall"

// writeNow writes to a descriptor that does not block.
func writeNow(fd int, p []byte) (int, error) {
	n, err := syscall.Write(fd, p)
	return max(n, 0), err
}

func keepRoom(int) {}

// makeRoom lets a socket that is full take a little more.
func makeRoom(fd int) {
	if size, err := syscall.GetsockoptInt(fd, syscall.SOL_SOCKET, syscall.SO_SNDBUF); err == nil {
		_ = syscall.SetsockoptInt(fd, syscall.SOL_SOCKET, syscall.SO_SNDBUF, size+64<<10)
	}
}
