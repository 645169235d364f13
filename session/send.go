package session

import (
	"context"
	"errors"
	"net"
	"os"
	"sync"

	"sockeye.dev/observe"
)

// scratch are buffers in which messages are encoded and framed.
var scratch = sync.Pool{New: func() any { return new([]byte) }}

// maxScratch keeps the occasional huge message from living in the pool.
const maxScratch = 64 << 10

func giveBack(b *[]byte) {
	if cap(*b) <= maxScratch {
		scratch.Put(b)
	}
}

// Send writes one message and returns when the connection has taken it all. A
// context that ends before the first byte went leaves the session as it was;
// one that ends later tears the message, and every later Send fails with
// [ErrCut]. A text that cannot be encoded under a strict policy is refused
// with a *charset.EncodeError, a payload that the framing cannot carry with a
// *frame.Error; nothing is sent then.
func (s *Session) Send(ctx context.Context, m Message) error {
	if err := s.lock(ctx); err != nil {
		return err
	}
	defer s.unlock()
	if err := s.writable(); err != nil {
		return err
	}
	f := s.format.Load()
	whole := m.Bare || m.More || f.bare
	if !m.isText && whole {
		return s.write1(ctx, m.Data)
	}
	bufs := [2]*[]byte{scratch.Get().(*[]byte), scratch.Get().(*[]byte)}
	defer func() {
		for _, b := range bufs {
			giveBack(b)
		}
	}()
	data := m.Data
	if m.isText {
		var err error
		*bufs[0], err = s.encode((*bufs[0])[:0], f, m.text, true)
		if err != nil {
			return err
		}
		data = *bufs[0]
	}
	if !whole {
		var err error
		*bufs[1], err = f.out.Append((*bufs[1])[:0], data)
		if err != nil {
			return err
		}
		data = *bufs[1]
	}
	return s.write1(ctx, data)
}

// write1 writes p with the token held.
func (s *Session) write1(ctx context.Context, p []byte) error {
	if len(p) == 0 && s.from.message == nil {
		return nil
	}
	if s.limit != nil && s.overLimit(len(p)) {
		return nil
	}
	if err := s.write.arm(ctx, s.base, 0); err != nil {
		return err
	}
	n, err := s.emit(p)
	s.write.disarm()
	if err != nil {
		return s.writeFailed(ctx, n, len(p), err)
	}
	return nil
}

// writeFailed says what the failure of a write after n of size bytes means. It
// is apart from write1 to keep the stacks of conversations small.
//
//go:noinline
func (s *Session) writeFailed(ctx context.Context, n, size int, err error) error {
	if n == 0 && errors.Is(err, os.ErrDeadlineExceeded) && ctx.Err() != nil {
		return context.Cause(ctx)
	}
	err = s.failed(n, size, err)
	if !s.Datagram() {
		s.out.mu.Lock()
		defer s.out.mu.Unlock()
		s.out.lose(err)
	}
	return err
}

// writable says why nothing can be sent any more, or nil.
//
//go:noinline
func (s *Session) writable() error {
	s.out.mu.Lock()
	defer s.out.mu.Unlock()
	err := s.out.refuses()
	if errors.Is(err, net.ErrClosed) {
		return s.opError("write", net.ErrClosed)
	}
	return err
}

// emit writes p to the connection, counts and shows it.
func (s *Session) emit(p []byte) (n int, err error) {
	switch {
	case s.from.raw != nil:
		n, err = s.from.raw.write(p)
	case s.from.message != nil:
		if err = s.from.message.WriteMessage(p); err == nil {
			n = len(p)
		}
	default:
		n, err = s.conn.Write(p)
	}
	s.emitted(p[:n], err == nil)
	return n, err
}

//go:noinline
func (s *Session) emitted(p []byte, whole bool) {
	off := s.put.Add(int64(len(p))) - int64(len(p))
	if s.cfg.Observer != nil && (len(p) > 0 || whole) {
		s.observe(observe.Event{Kind: observe.Data, Dir: observe.Out, Offset: off, Data: p})
	}
}

// overLimit reports whether a datagram to an unproved address has to be
// dropped: see Config.Amplify.
func (s *Session) overLimit(n int) bool {
	if s.limit == nil || s.proved.Load() {
		return false
	}
	if float64(s.put.Load()+int64(n)) <= s.cfg.Amplify*float64(s.got.Load()) && s.limit.Allow() {
		return false
	}
	s.dropped.Add(1)
	s.observe(observe.Event{Kind: observe.Lost, Dir: observe.Out, N: 1,
		Text: "not sent: the peer's address is not proved and the answer exceeds its allowance"})
	return true
}

// Proved says that the peer has shown that its address is its own: there is no
// limit any more to what it is sent.
func (s *Session) Proved() { s.proved.Store(true) }

// Dropped counts the datagrams that Config.Amplify has held back.
func (s *Session) Dropped() int64 { return s.dropped.Load() }

// CloseWrite says that we have sent everything: the peer reads the end of the
// stream and may go on sending. Where the transport has no such thing (UDP) it
// does nothing.
func (s *Session) CloseWrite() error {
	o := &s.out
	for queued := true; queued; {
		_ = s.lock(context.Background())
		o.mu.Lock()
		if o.half {
			s.unlockHeld()
			o.mu.Unlock()
			return nil
		}
		if queued = len(o.queue) > 0; queued {
			s.unlockHeld() // which sends it first
		} else {
			o.half = true
		}
		o.mu.Unlock()
	}
	defer s.unlock()
	s.observe(observe.Event{Kind: observe.EOF, Dir: observe.Out, Offset: s.put.Load()})
	if c, ok := s.conn.(closeWriter); ok {
		return c.CloseWrite()
	}
	return nil
}

// lock takes the token: a lock whose waiters obey their context, and get it in
// their order.
func (s *Session) lock(ctx context.Context) error {
	o := &s.out
	o.mu.Lock()
	if s.tryLock() {
		o.mu.Unlock()
		return nil
	}
	if o.passed == nil {
		o.passed = make(chan struct{}, 1)
	}
	passed := o.passed
	o.waiting++
	o.mu.Unlock()
	select {
	case <-passed:
		return nil
	case <-ctx.Done():
	}
	o.mu.Lock()
	defer o.mu.Unlock()
	select {
	case <-passed: // just now
		s.unlockHeld()
	default:
		o.waiting--
	}
	return context.Cause(ctx)
}

// tryLock takes the token if nobody has it. It is called with the outbox's
// lock held.
func (s *Session) tryLock() bool {
	if s.out.taken {
		return false
	}
	s.out.taken = true
	return true
}

// release lets go of the token, with the outbox's lock held: it goes to who
// has waited longest.
func (s *Session) release() {
	o := &s.out
	if o.taken = o.waiting > 0; o.taken {
		o.waiting--
		o.passed <- struct{}{} // has room: there is one token
	}
}
