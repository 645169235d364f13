package workbench

import (
	"errors"
	"net"
	"os"
	"time"

	"golang.org/x/sys/unix"

	"sockeye.dev/endpoint"
)

// inheritOne makes a listener or a packet conn of a descriptor, which it takes over: package net works with a copy, and
// the original is closed.
func inheritOne(fd uintptr, name string) (one endpoint.Socket, err error) {
	unix.CloseOnExec(int(fd))
	file := os.NewFile(fd, name)
	defer file.Close()
	kind, err := unix.GetsockoptInt(int(fd), unix.SOL_SOCKET, unix.SO_TYPE)
	if err != nil {
		return one, os.NewSyscallError("getsockopt", err)
	}
	switch kind {
	case unix.SOCK_STREAM:
		listens, err := unix.GetsockoptInt(int(fd), unix.SOL_SOCKET, unix.SO_ACCEPTCONN)
		if err == nil && listens == 0 {
			return one, errors.New("it is a connection, not a listener: the unit has to say Accept=no")
		}
		one.Listener, err = net.FileListener(file)
		return one, err
	case unix.SOCK_DGRAM:
		one.Packet, err = net.FilePacketConn(file)
		return one, err
	}
	return one, errors.New("it is neither a stream nor a datagram socket")
}

// monotonic is the clock that systemd compares RELOADING=1 by.
func monotonic() (time.Duration, error) {
	var now unix.Timespec
	if err := unix.ClockGettime(unix.CLOCK_MONOTONIC, &now); err != nil {
		return 0, os.NewSyscallError("clock_gettime", err)
	}
	return time.Duration(now.Nano()), nil
}
