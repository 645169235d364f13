package endpoint

import (
	"net"
	"syscall"

	"golang.org/x/sys/unix"
)

// PeerUID is the user who has connected to a Unix socket, as the kernel noted it then (unix(7), SO_PEERCRED); ok is false
// for other connections, and on systems without it.
func PeerUID(conn net.Conn) (uid int, ok bool) {
	sc, isConn := conn.(syscall.Conn)
	if !isConn || conn.LocalAddr() == nil || conn.LocalAddr().Network() != "unix" {
		return 0, false
	}
	rc, err := sc.SyscallConn()
	if err != nil {
		return 0, false
	}
	err = rc.Control(func(fd uintptr) {
		if cred, err := unix.GetsockoptUcred(int(fd), unix.SOL_SOCKET, unix.SO_PEERCRED); err == nil {
			uid, ok = int(cred.Uid), true
		}
	})
	return uid, ok && err == nil
}
