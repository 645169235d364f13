package endpoint

import (
	"errors"
	"syscall"
)

// winsock are Winsock's numbers for the reasons package syscall invents its own
// numbers for on Windows.
var winsock = map[syscall.Errno]syscall.Errno{
	syscall.ECONNREFUSED:  10061,
	syscall.ECONNRESET:    10054,
	syscall.EADDRINUSE:    10048,
	syscall.EADDRNOTAVAIL: 10049,
	syscall.EMSGSIZE:      10040,
	syscall.EHOSTUNREACH:  10065,
	syscall.ENETUNREACH:   10051,
	syscall.EACCES:        10013,
	syscall.ENOBUFS:       10055,
	syscall.EINVAL:        10022,
	netReset:              10052,
}

// netReset is WSAENETRESET: a datagram we sent ran out of hops.
const netReset = syscall.ENETRESET

// isErrno reports whether err is the system's reason e.
func isErrno(err error, e syscall.Errno) bool {
	return errors.Is(err, e) || errors.Is(err, winsock[e])
}
