package endpoint

import "syscall"

// nextUnixgram returns the size of the message that waits: MSG_TRUNC asks for
// its real length (recv(2)).
func nextUnixgram(fd int) (int, error) {
	n, _, err := syscall.Recvfrom(fd, nil, syscall.MSG_PEEK|syscall.MSG_TRUNC)
	return n, err
}
