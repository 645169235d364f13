//go:build !windows

package endpoint

import (
	"errors"
	"syscall"
)

const netReset = syscall.ENETRESET

// isErrno reports whether err is the system's reason e.
func isErrno(err error, e syscall.Errno) bool { return errors.Is(err, e) }
