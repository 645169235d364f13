//go:build !unix

package session

import (
	"io"
	"sync/atomic"
	"syscall"
)

func copySocket(dst io.Writer, _ syscall.Conn, src io.Reader, count *atomic.Int64) error {
	return Copy(dst, struct{ io.Reader }{src}, count)
}
