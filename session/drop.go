package session

import "time"

// parting is what there is to say to a peer that is given up.
type parting struct {
	why  error
	last []byte
}

// Drop gives up a peer that does not take what it is sent, and never waits:
// what waits for it is forgotten but for the rest of a message whose beginning
// is out. Behind that goes last, framed already, as far as the socket has room.
// Nothing can be sent any more; the Recv under way and every later one fail
// with why, and so does Close, which does not wait for the peer either: what
// the kernel has it still delivers.
//
// There is no last word where an interrupted write ends all writing (TLS,
// WebSocket), nor when a Send was under way. A peer that goes on sending after
// Close may see a reset before it has read to the end.
func (s *Session) Drop(why error, last []byte) {
	defer s.Interrupt(why)
	o := &s.out
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.refuses() != nil {
		return
	}
	o.gone = &parting{why, last}
	if o.begun {
		o.queue = o.queue[:1]
	} else {
		o.queue = nil
	}
	if s.tryLock() {
		s.unlockHeld()
		return
	}
	s.write.finish(past) // whoever writes parts before it lets go
}

// part says the last word to a peer that was dropped, behind rest. It is called
// with the token and the outbox's lock held.
func (s *Session) part(rest []byte) {
	o := &s.out
	if o.gone == nil || o.failed != nil {
		return
	}
	o.queue = nil
	o.failed = o.gone.why
	if s.from.raw != nil {
		o.kept = true // what makeRoom undoes
		s.from.raw.makeRoom()
	} else {
		_ = s.conn.SetWriteDeadline(time.Time{}) // TryWrite may heed it
	}
	for _, p := range [2][]byte{rest, o.gone.last} {
		if n, err := s.emitNow(p); n < len(p) || err != nil {
			return
		}
	}
}

// given reports whether the peer was dropped.
func (s *Session) given() bool {
	s.out.mu.Lock()
	defer s.out.mu.Unlock()
	return s.out.gone != nil
}
