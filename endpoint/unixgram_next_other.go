//go:build unix && !linux

package endpoint

import "golang.org/x/sys/unix"

// nextUnixgram bounds the size of the message that waits, if any: it was taken
// in only because it fitted in the receive buffer.
func nextUnixgram(fd int) (int, error) {
	return unix.GetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_RCVBUF)
}
