package session

import "time"

// Opening looks at what the peer of a stream begins with, whatever the framing.
// p is what one read has brought, valid until it returns. It returns who is to
// look at the next, nil when it has seen enough; an error is what Recv fails
// with, and nothing that has come is a message then.
type Opening func(p []byte) (next Opening, err error)

// openingPause is how long what has come is held back for an Opening that has
// not seen enough: the peer may mean to say no more than that.
const openingPause = 50 * time.Millisecond

// LookFirst has look see what is received first. As long as it has not seen enough
// Recv holds back what came, until the peer pauses; then that is heard, and
// look goes on with what comes next. Of a connection with messages of its own
// it sees the first message only. It is called before the first Recv.
func (s *Session) LookFirst(look Opening) { s.look = look }

// opens has look see what was read.
//
//go:noinline
func (s *Session) opens(p []byte) {
	var err error
	s.look, err = s.look(p)
	switch {
	case err != nil:
		s.look, s.recvErr, s.held = nil, err, true // for good: Recv asks for more, and fails
	case s.from.message != nil:
		s.look = nil
	default:
		s.held = s.look != nil
	}
}
