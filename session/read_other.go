//go:build !unix

package session

import (
	"syscall"

	"sockeye.dev/frame"
)

// rawReader is for systems whose sockets can be read without blocking. Here a
// waiting session holds a buffer.
type rawReader struct{}

func newRawReader(syscall.Conn) *rawReader { return nil }

func (*rawReader) read(*frame.Reader) (int, error) { panic("not reached") }

func (*rawReader) tryWrite([]byte) (int, error) { panic("not reached") }
