package session

import (
	"bytes"
	"errors"
	"fmt"
	"net"
	"slices"
	"sync"
	"syscall"

	"sockeye.dev/observe"
)

// outbox holds what a slow peer has not taken yet. It is empty, and has no
// goroutine, while the peer keeps up. It also knows whether anything can still
// be written.
type outbox struct {
	mu     sync.Mutex
	failed error    // writing has failed for good
	gone   *parting // the peer was dropped
	half   bool     // we have ended our side
	closed bool
	begun  bool // the first of queue is what is left of a message

	kernel syscall.RawConn // for tryWrite; nil: it is no kernel's
	kept   bool            // the kernel has been told how much to keep

	// The token is held by whoever writes to the connection.
	taken   bool
	waiting int32         // for the token
	passed  chan struct{} // the token on its way to one who waits; nil until somebody does

	queue [][]byte
	size  int // of queue and of the flush under way, with what keeping it costs
}

// entryCost is what keeping a message takes beside its bytes.
const entryCost = 32

// refuses says why nothing may be written any more, or nil.
func (o *outbox) refuses() error {
	switch {
	case o.failed != nil:
		return o.failed
	case o.gone != nil:
		return o.gone.why
	case o.half || o.closed:
		return net.ErrClosed
	}
	return nil
}

// lose drops what is queued, for writing has failed. The first reason counts.
func (o *outbox) lose(err error) {
	if o.failed == nil {
		if len(o.queue) > 0 {
			err = fmt.Errorf("%w (%d more messages were waiting)", err, len(o.queue))
		}
		o.failed = err
	}
	o.queue, o.size, o.begun = nil, 0, false
}

// shut makes everything that is not queued yet be refused. It reports whether
// it was the first to do so.
func (o *outbox) shut() bool {
	o.mu.Lock()
	defer o.mu.Unlock()
	first := !o.closed
	o.closed = true
	return first
}

// TrySend writes bytes that are already encoded and framed, without ever
// waiting: what the socket does not take now goes to the outbox and follows as
// soon as it does, before anything that is sent later. It fails with
// [ErrOutboxFull], having kept nothing, when the outbox has no room, and with
// the connection's error once writing has failed. framed must not change
// afterwards; the same slice may be sent on any number of sessions.
func (s *Session) TrySend(framed []byte) error {
	o := &s.out
	o.mu.Lock()
	defer o.mu.Unlock()
	if err := o.refuses(); err != nil {
		if errors.Is(err, net.ErrClosed) {
			return s.opError("write", err)
		}
		return err
	}
	if s.tryLock() {
		n, err := s.emitNow(framed)
		if err != nil {
			err = s.failed(n, len(framed), err)
			if !s.Datagram() { // one that was refused says nothing of the next
				o.lose(err)
			}
		} else if n < len(framed) || o.kernel == nil && s.from.waits {
			o.begun = n > 0
			o.push(framed[n:])
		}
		s.unlockHeld()
		return err
	}
	// Whoever writes now sends what is queued before it lets go.
	if o.size+len(framed)+entryCost > s.cfg.outbox() {
		return ErrOutboxFull
	}
	o.push(framed)
	return nil
}

// Prefetch reads what TrySend and Bounded will need of s, and changes nothing. Who writes to
// many calls it for some of them before it writes to the first: the processor
// fetches from memory for all of them at once then.
//
//go:noinline
func (s *Session) Prefetch() {
	if s.out.kernel != nil && s.from.message == nil {
		s.format.Load() // for nothing: but the compiler leaves it, and so the rest, in
	}
}

// Post is TrySend of a message: it encodes and frames m in the session's
// format and never waits.
func (s *Session) Post(m Message) error {
	f := s.format.Load()
	bare := m.Bare || m.More || f.bare
	data := m.Data
	switch {
	case m.isText:
		var err error
		if data, err = s.sendEncoding(&f.Format).EncodeString(m.text, f.Encode); err != nil {
			return err
		}
	case bare:
		data = bytes.Clone(data) // which may be another session's buffer
	}
	if bare {
		return s.TrySend(data)
	}
	framed, err := f.out.Append(nil, data)
	if err != nil {
		return err
	}
	return s.TrySend(framed)
}

func (o *outbox) push(p []byte) {
	o.queue = append(o.queue, p)
	o.size += len(p) + entryCost
}

// emitNow writes what can be written without waiting, with the token held.
func (s *Session) emitNow(p []byte) (n int, err error) {
	switch {
	case s.out.kernel != nil: // first: the rest would have to be fetched from memory
		if !s.out.kept {
			s.out.kept = true
			s.from.raw.keepRoom()
		}
		n, err = tryWrite(s.out.kernel, p)
	case s.from.waits:
		return 0, nil // the flusher waits for it
	case s.from.message != nil:
		if s.overLimit(len(p)) {
			return len(p), nil
		}
		return s.emit(p) // a datagram goes at once or not at all
	default:
		if w, ok := s.conn.(tryWriter); ok {
			n, err = w.TryWrite(p)
		}
	}
	if n > 0 {
		s.emitted(p[:n], n == len(p))
	}
	return n, err
}

// unlock lets go of the token. If something has been queued meanwhile the
// token goes to a goroutine that sends it, so that nothing overtakes it.
func (s *Session) unlock() {
	s.out.mu.Lock()
	defer s.out.mu.Unlock()
	s.unlockHeld()
}

// unlockHeld is unlock with the outbox's lock held.
func (s *Session) unlockHeld() {
	if len(s.out.queue) > 0 {
		go s.flush() // Close waits for it: it holds the token
		return
	}
	s.part(nil)
	s.release()
}

// flush writes what has piled up, all of it in one call, until nothing is
// left, and lets go of the token.
func (s *Session) flush() {
	o := &s.out
	for {
		o.mu.Lock()
		batch, size, begun := o.queue, o.size, o.begun
		o.queue, o.begun = nil, false
		if len(batch) == 0 {
			s.part(nil)
			s.release()
			o.mu.Unlock()
			return
		}
		o.mu.Unlock()
		n, err := s.emitAll(batch)
		o.mu.Lock()
		o.size -= size
		if err != nil {
			s.part(unfinished(batch, n, begun))
			if !s.Datagram() || s.from.waits {
				o.lose(err)
			}
		}
		o.mu.Unlock()
	}
}

// unfinished is what is left of the message that ends the first n bytes of
// batch, if they end inside one. begun says that the first is a rest itself.
func unfinished(batch [][]byte, n int, begun bool) []byte {
	for i, p := range batch {
		switch {
		case n >= len(p):
			n -= len(p)
		case n > 0 || i == 0 && begun:
			return p[n:]
		default:
			return nil
		}
	}
	return nil
}

// emitAll writes several messages in one writev where the connection has it.
func (s *Session) emitAll(batch [][]byte) (n int, err error) {
	if s.from.message == nil && s.cfg.Observer == nil {
		size := 0
		for _, p := range batch {
			size += len(p)
		}
		bufs := net.Buffers(slices.Clone(batch)) // WriteTo cuts off what it has written
		written, err := bufs.WriteTo(s.conn)
		s.put.Add(written)
		if err != nil {
			err = s.failed(int(written), size, err)
		}
		return int(written), err
	}
	for _, p := range batch {
		if s.from.message != nil && s.overLimit(len(p)) {
			continue
		}
		k, e := s.emit(p)
		n += k
		if e != nil {
			err = s.failed(k, len(p), e)
			if s.from.message == nil {
				break
			}
		}
	}
	return n, err
}

// failed says what the failure of a write after n of size bytes means, and
// shows it.
func (s *Session) failed(n, size int, err error) error {
	err = s.opError("write", err)
	if n > 0 {
		err = fmt.Errorf("%w (%d of %d bytes were sent): %w", ErrCut, n, size, err)
	}
	s.observe(observe.Event{Kind: observe.Error, Dir: observe.Out, Err: err})
	return err
}
