package session

import (
	"net"
	"sync"

	"sockeye.dev/observe"
)

// outbox holds what a slow peer has not taken yet. It is empty, and has no
// goroutine, while the peer keeps up.
type outbox struct {
	mu      sync.Mutex
	queue   [][]byte
	size    int // bytes in queue and in the flush under way
	running bool
	err     error
	flusher sync.WaitGroup
}

// TrySend writes bytes that are already encoded and framed, without ever
// waiting: what the socket does not take now goes to the outbox and follows as
// soon as it does, in order. It fails with [ErrOutboxFull], having kept
// nothing, when the outbox has no room, and with the connection's error once
// writing has failed. framed must not change afterwards; the same slice may be
// sent on any number of sessions.
func (s *Session) TrySend(framed []byte) error {
	o := &s.out
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.err != nil {
		return o.err
	}
	if !o.running && s.tryLock() {
		switch {
		case s.cut != nil:
			defer s.unlock()
			return s.cut
		case s.half || s.closed.Load():
			defer s.unlock()
			return s.opError("write", net.ErrClosed)
		}
		n, err := s.emitNow(framed)
		if err != nil {
			o.err = s.opError("write", err)
			s.unlock()
			return o.err
		}
		if n == len(framed) {
			s.unlock()
			return nil
		}
		o.push(framed[n:])
		s.startFlush(true)
		return nil
	}
	if o.size+len(framed) > s.cfg.outbox() {
		return ErrOutboxFull
	}
	o.push(framed)
	if !o.running {
		s.startFlush(false)
	}
	return nil
}

// Post is TrySend of a message: it encodes and frames m in the session's
// format and never waits.
func (s *Session) Post(m Message) error {
	f := s.format.Load()
	data := m.Data
	if m.isText {
		var err error
		if data, err = s.sendEncoding(&f.Format).EncodeString(m.text, f.Encode); err != nil {
			return err
		}
	}
	if m.Bare || m.More || f.bare {
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
	o.size += len(p)
}

// emitNow writes what can be written without waiting, with the token held.
func (s *Session) emitNow(p []byte) (n int, err error) {
	switch {
	case s.from.message != nil:
		if s.overLimit(len(p)) {
			return len(p), nil
		}
		return s.emit(p) // a datagram goes at once or not at all
	case s.from.raw != nil:
		n, err = s.from.raw.tryWrite(p)
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

// startFlush lets a goroutine empty the outbox; Close waits for it. It is
// called with o.mu held.
func (s *Session) startFlush(locked bool) {
	s.out.running = true
	s.out.flusher.Add(1)
	go s.flush(locked)
}

// flush writes what has piled up, all of it in one call, until nothing is
// left.
func (s *Session) flush(locked bool) {
	defer s.out.flusher.Done()
	if !locked {
		s.token <- struct{}{} // a Send ends, at the latest when the connection closes
	}
	defer s.unlock()
	o := &s.out
	for {
		o.mu.Lock()
		batch, size := o.queue, 0
		for _, p := range batch {
			size += len(p)
		}
		o.queue = nil
		if len(batch) == 0 {
			o.running = false
			o.mu.Unlock()
			return
		}
		o.mu.Unlock()
		err := s.emitAll(batch)
		o.mu.Lock()
		o.size -= size
		if err != nil {
			o.err = err
			o.queue, o.size, o.running = nil, 0, false
			o.mu.Unlock()
			return
		}
		o.mu.Unlock()
	}
}

// emitAll writes several messages in one writev where the connection has it.
func (s *Session) emitAll(batch [][]byte) error {
	if s.from.message != nil || s.cfg.Observer != nil {
		for _, p := range batch {
			if s.from.message != nil && s.overLimit(len(p)) {
				continue
			}
			if _, err := s.emit(p); err != nil {
				return s.opError("write", err)
			}
		}
		return nil
	}
	bufs := net.Buffers(batch)
	n, err := bufs.WriteTo(s.conn)
	s.put.Add(n)
	if err != nil {
		err = s.opError("write", err)
		s.observe(observe.Event{Kind: observe.Error, Dir: observe.Out, Err: err})
	}
	return err
}
