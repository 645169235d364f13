//go:build !unix

package session

import (
	"syscall"

	"sockeye.dev/frame"
)

// rawConn is for systems whose sockets can be read without blocking. Here a
// waiting session holds a buffer.
type rawConn struct{ rc syscall.RawConn }

func newRawConn(syscall.Conn) *rawConn { return nil }

func (*rawConn) read(*frame.Reader) (int, error) { panic("not reached") }

func tryWrite(syscall.RawConn, []byte) (int, error) { panic("not reached") }

func (*rawConn) write([]byte) (int, error) { panic("not reached") }

func (*rawConn) keepRoom() { panic("not reached") }

func (*rawConn) makeRoom() { panic("not reached") }

func (*rawConn) drainNow(int) { panic("not reached") }
