//go:build unix && (!linux || race)

package session

import "syscall"

func sendNow(fd int, p []byte) (int, error) { return syscall.Write(fd, p) }

func receiveNow(fd int, p []byte) (int, error) { return syscall.Read(fd, p) }
