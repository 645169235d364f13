package session

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"time"

	"sockeye.dev/observe"
)

// maxDrain is how much of what the peer still sends Close reads away.
const maxDrain = 1 << 20

// Close ends the conversation so that the peer gets everything: it waits for
// the outbox, ends our side, reads what still comes (a socket closed with
// unread input resets the peer, and our answer on its way is lost), then
// closes, all within Config.Linger. A peer that was dropped is not waited for.
// The error says what is known not to have
// arrived. Calls after the first do nothing more.
func (s *Session) Close() error {
	if !s.out.shut() {
		return s.lost()
	}
	defer s.abort(nil)
	until := time.Now().Add(s.cfg.linger())
	given := s.given()
	if !given { // whose writes have ended already
		s.write.finish(until)
	}
	s.read.finish(until)
	ctx, cancel := context.WithDeadline(context.Background(), until)
	defer cancel()
	if s.lock(ctx) != nil { // whoever writes lets go when all is written, or at the deadline
		return errors.Join(s.lost(), fmt.Errorf("close %v: a message was still being sent", s.Peer()))
	}
	s.unlock()
	if given && s.from.raw != nil {
		s.from.raw.drainNow(maxDrain)
	}
	if err := s.lost(); err != nil || s.Datagram() {
		return err
	}
	_ = s.CloseWrite() // a peer that is gone is no news here: sending says so
	err := s.drain()
	if err == nil && s.put.Load() > 0 && !s.recvFailed.Load() {
		err = undelivered(s.conn, until)
	}
	if err != nil && s.put.Load() > 0 {
		return s.opError("write", err)
	}
	return nil
}

// lost says why what was queued will not arrive, or nil.
func (s *Session) lost() error {
	s.out.mu.Lock()
	defer s.out.mu.Unlock()
	return s.out.failed
}

// drain reads away what the peer still sends. The error is the connection's: a
// peer that has closed without reading what we sent resets it.
func (s *Session) drain() error {
	if s.gotEOF.Load() || s.recvFailed.Load() {
		return nil
	}
	buf := scratch.Get().(*[]byte)
	defer scratch.Put(buf)
	if cap(*buf) < 4<<10 {
		*buf = make([]byte, 4<<10)
	}
	for total := 0; total < maxDrain; {
		n, err := s.conn.Read((*buf)[:cap(*buf)])
		total += n
		switch {
		case err == nil, errors.Is(err, io.ErrShortBuffer):
		case err == io.EOF, errors.Is(err, os.ErrDeadlineExceeded), errors.Is(err, net.ErrClosed):
			return nil
		default:
			return err
		}
	}
	return nil
}

// abort closes the connection at once, if nobody has: a Recv or Send under way
// fails with net.ErrClosed, and what is still queued is lost.
func (s *Session) abort(reason error) {
	s.out.shut()
	s.once.Do(func() {
		_ = s.conn.Close()
		s.read.release()
		s.write.release()
		s.observe(observe.Event{Kind: observe.Close, Err: reason})
	})
	// Whoever writes finds out now, and the last of them lets go of the token.
	_ = s.lock(context.Background())
	s.out.mu.Lock()
	defer s.out.mu.Unlock()
	s.release()
}

// Ended reports whether err is how a conversation ends well: nil, the peer's
// end of the stream, or our own closing.
func Ended(err error) bool {
	return err == nil || errors.Is(err, io.EOF) || errors.Is(err, net.ErrClosed) || errors.Is(err, ErrServerClosed)
}
