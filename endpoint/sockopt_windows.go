package endpoint

import (
	"errors"
	"fmt"
	"os"
	"syscall"
)

// setReuseAddr does nothing: a Windows listener may take a port in TIME_WAIT
// without it, and SO_REUSEADDR there lets programs steal each other's ports.
func setReuseAddr(uintptr, int) error { return nil }

func setReusePort(uintptr, int) error {
	return fmt.Errorf("reuseport: %w", errors.ErrUnsupported)
}

func setReceiveBuffer(fd uintptr, n int) error {
	return setInt(fd, syscall.SO_RCVBUF, n)
}

func setSendBuffer(fd uintptr, n int) error {
	return setInt(fd, syscall.SO_SNDBUF, n)
}

func setInt(fd uintptr, opt, v int) error {
	return os.NewSyscallError("setsockopt", syscall.SetsockoptInt(syscall.Handle(fd), syscall.SOL_SOCKET, opt, v))
}

// relisten changes a listening socket's backlog. Winsock may ignore it.
func relisten(fd uintptr, backlog int) error {
	return os.NewSyscallError("listen", syscall.Listen(syscall.Handle(fd), backlog))
}
