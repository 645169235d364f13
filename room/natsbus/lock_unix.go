//go:build darwin || dragonfly || freebsd || linux || netbsd || openbsd

package natsbus

import (
	"errors"
	"os"
	"syscall"
)

// tryLock takes the lock that the kernel gives back when f is closed, however the process ends.
func tryLock(f *os.File) (taken bool, err error) {
	err = syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB)
	if errors.Is(err, syscall.EWOULDBLOCK) {
		return false, nil
	}
	return err == nil, err
}
