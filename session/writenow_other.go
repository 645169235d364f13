//go:build unix && !linux

package session

import "syscall"

// writeNow writes to a descriptor that does not block.
func writeNow(fd int, p []byte) (int, error) {
	n, err := syscall.Write(fd, p)
	return max(n, 0), err
}
