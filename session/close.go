package session

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"time"

	"sockeye.dev/observe"
)

// maxDrain is how much of what the peer still sends Close reads away.
const maxDrain = 1 << 20

// Close ends the conversation so that the peer gets everything: it waits for
// the outbox, ends our side, reads what still comes (a socket closed with
// unread input resets the peer, and our answer on its way is lost), then
// closes, all within Config.Linger. The error says what is known not to have
// arrived. Calls after the first do nothing.
func (s *Session) Close() error {
	if s.closed.Swap(true) {
		return nil
	}
	defer s.abort(nil)
	s.read.release()
	s.write.release()
	until := time.Now().Add(s.cfg.linger())
	s.write.finish(s.conn, until)
	s.out.flusher.Wait() // the deadline bounds it
	s.out.mu.Lock()
	err := s.out.err
	s.out.mu.Unlock()
	if s.Datagram() {
		return err
	}
	ctx, cancel := context.WithDeadline(context.Background(), until)
	defer cancel()
	if s.lock(ctx) != nil {
		return errors.Join(err, fmt.Errorf("close %v: a message was still being sent", s.Peer()))
	}
	s.unlock()
	_ = s.CloseWrite() // a peer that is gone is no news here: sending says so
	s.drain(until)
	if err == nil && s.put.Load() > 0 && s.recvErr == nil {
		if e := undelivered(s.conn, until); e != nil {
			err = s.opError("write", e)
		}
	}
	return err
}

// drain reads away what the peer still sends.
func (s *Session) drain(until time.Time) {
	if s.gotEOF.Load() || s.recvErr != nil {
		return
	}
	_ = s.conn.SetReadDeadline(until)
	buf := scratch.Get().(*[]byte)
	defer scratch.Put(buf)
	if cap(*buf) < 4<<10 {
		*buf = make([]byte, 4<<10)
	}
	for total := 0; total < maxDrain; {
		n, err := s.conn.Read((*buf)[:cap(*buf)])
		total += n
		if err != nil {
			return
		}
	}
}

// abort closes the connection at once: a Recv or Send under way fails with
// net.ErrClosed.
func (s *Session) abort(reason error) {
	s.once.Do(func() {
		s.closed.Store(true)
		_ = s.conn.Close()
		s.read.release()
		s.write.release()
		s.observe(observe.Event{Kind: observe.Close, Err: reason})
	})
	s.out.flusher.Wait()
}

// Ended reports whether err is how a conversation ends well: nil, the peer's
// end of the stream, or our own closing.
func Ended(err error) bool {
	return err == nil || errors.Is(err, io.EOF) || errors.Is(err, net.ErrClosed) || errors.Is(err, ErrServerClosed)
}
