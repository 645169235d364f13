package workbench

import (
	"crypto/tls"
	"os"

	"sockeye.dev/endpoint"
	"sockeye.dev/session"
)

// recognise reports whether the peer of a conversation is an operator by what its connection shows.
func (w *Workbench) recognise(s *session.Session) bool {
	w.mu.Lock()
	o := w.file.Operators
	w.mu.Unlock()
	conn, _ := s.Conn()
	if o.Unix {
		if uid, ok := endpoint.PeerUID(conn); ok && uid == os.Getuid() {
			return true
		}
	}
	if o.Certificates {
		if c, ok := conn.(interface{ ConnectionState() tls.ConnectionState }); ok {
			return len(c.ConnectionState().VerifiedChains) > 0
		}
	}
	return false
}
