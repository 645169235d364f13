//go:build unix

package endpoint

import (
	"os"
	"syscall"

	"golang.org/x/sys/unix"
)

func setReuseAddr(fd uintptr, v int) error {
	return setInt(fd, unix.SOL_SOCKET, unix.SO_REUSEADDR, v)
}

func setReusePort(fd uintptr, v int) error {
	return setInt(fd, unix.SOL_SOCKET, unix.SO_REUSEPORT, v)
}

func setReceiveBuffer(fd uintptr, n int) error {
	return setInt(fd, unix.SOL_SOCKET, unix.SO_RCVBUF, n)
}

func setSendBuffer(fd uintptr, n int) error {
	return setInt(fd, unix.SOL_SOCKET, unix.SO_SNDBUF, n)
}

func setInt(fd uintptr, level, opt, v int) error {
	return os.NewSyscallError("setsockopt", unix.SetsockoptInt(int(fd), level, opt, v))
}

// relisten changes a listening socket's backlog, which package net has no
// parameter for. The system caps it (net.core.somaxconn).
func relisten(fd uintptr, backlog int) error {
	return os.NewSyscallError("listen", syscall.Listen(int(fd), backlog))
}
