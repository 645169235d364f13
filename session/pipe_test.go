//go:build unix

package session_test

import (
	"io"
	"net"
	"os"
	"testing"

	"sockeye.dev/session"
)

// pipeConn is a connection with a descriptor that is no socket.
type pipeConn struct{ *os.File }

func (pipeConn) LocalAddr() net.Addr  { return &net.UnixAddr{Name: "pipe", Net: "pipe"} }
func (pipeConn) RemoteAddr() net.Addr { return &net.UnixAddr{Name: "pipe", Net: "pipe"} }

// Sessions are made of anything that is a net.Conn, a pipe or a terminal too.
func TestTrySendPipe(t *testing.T) {
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	s := session.New(pipeConn{w}, nil)
	if err := s.TrySend([]byte("hello, ")); err != nil {
		t.Error(err)
	}
	if err := s.Send(t.Context(), session.Text("pipe")); err != nil {
		t.Error(err)
	}
	s.Close()
	if got, err := io.ReadAll(r); string(got) != "hello, pipe" || err != nil {
		t.Errorf("came %q, %v", got, err)
	}
}
