package workbench

import (
	"crypto/tls"
	"fmt"
	"net/netip"
	"slices"

	"sockeye.dev/endpoint"
	"sockeye.dev/handler"
	"sockeye.dev/session"
)

// admit says why nobody from where a peer comes is let in to a broker; a room says so itself.
func (w *Workbench) admit(s *session.Session) error {
	w.mu.Lock()
	ban := w.file.Ban
	w.mu.Unlock()
	if from := handler.AddressOf(s); slices.ContainsFunc(ban, func(p netip.Prefix) bool { return p.Contains(from) }) {
		return fmt.Errorf("%v is banned", from)
	}
	return w.throttle.Allow(s)
}

// recognise reports whether the peer of a conversation is an operator by what its connection shows.
func (w *Workbench) recognise(s *session.Session) bool {
	w.mu.Lock()
	o := w.file.Operators
	w.mu.Unlock()
	conn, _ := s.Conn()
	if o.Unix {
		if uid, ok := endpoint.PeerUID(conn); ok && uid == w.uid {
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
