package session

import (
	"errors"
	"net"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// errReset is what a peer answers that has closed and gets more bytes.
var errReset = errors.New("the peer had closed: connection reset")

// undelivered waits until the peer's kernel has acknowledged every byte, the
// connection was reset, or until has passed, and reports a reset. Bytes that
// are merely slow are the kernel's to deliver after we have closed.
func undelivered(conn net.Conn, until time.Time) error {
	if _, ok := conn.LocalAddr().(*net.TCPAddr); !ok {
		return nil
	}
	sc, ok := conn.(syscall.Conn)
	if !ok {
		return nil
	}
	rc, err := sc.SyscallConn()
	if err != nil {
		return nil
	}
	for pause := time.Millisecond; ; pause = min(2*pause, 50*time.Millisecond) {
		var queued, failed int
		var dead bool
		err := rc.Control(func(fd uintptr) {
			queued, _ = unix.IoctlGetInt(int(fd), unix.SIOCOUTQ)
			failed, _ = unix.GetsockoptInt(int(fd), unix.SOL_SOCKET, unix.SO_ERROR)
			info, err := unix.GetsockoptTCPInfo(int(fd), unix.IPPROTO_TCP, unix.TCP_INFO)
			dead = err == nil && info.State == unix.BPF_TCP_CLOSE
		})
		switch {
		case err != nil:
			return nil
		case failed != 0, dead && queued > 0: // somebody has read the error already
			return errReset
		case queued == 0 || time.Now().After(until):
			return nil
		}
		time.Sleep(pause)
	}
}
