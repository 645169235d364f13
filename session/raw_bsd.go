//go:build unix && !linux

package session

import "syscall"

func keepRoom(int) {}

// makeRoom lets a socket that is full take a little more.
func makeRoom(fd int) {
	if size, err := syscall.GetsockoptInt(fd, syscall.SOL_SOCKET, syscall.SO_SNDBUF); err == nil {
		_ = syscall.SetsockoptInt(fd, syscall.SOL_SOCKET, syscall.SO_SNDBUF, size+64<<10)
	}
}
