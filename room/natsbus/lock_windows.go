package natsbus

import (
	"errors"
	"os"

	"golang.org/x/sys/windows"
)

// tryLock takes the lock that the system gives back when f is closed, however the process ends. It covers one byte far
// behind the end, because a locked byte cannot be read, and who has the lock stands in the first ones.
func tryLock(f *os.File) (taken bool, err error) {
	const flags = windows.LOCKFILE_EXCLUSIVE_LOCK | windows.LOCKFILE_FAIL_IMMEDIATELY
	err = windows.LockFileEx(windows.Handle(f.Fd()), flags, 0, 1, 0, &windows.Overlapped{Offset: 1 << 30})
	if errors.Is(err, windows.ERROR_LOCK_VIOLATION) {
		return false, nil
	}
	return err == nil, err
}
