//go:build !(darwin || dragonfly || freebsd || linux || netbsd || openbsd || windows)

package natsbus

import "os"

// tryLock has nothing to lock with here: it is up to the user not to start two.
func tryLock(*os.File) (taken bool, err error) { return true, nil }
