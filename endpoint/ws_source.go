package endpoint

// smallWait is what a connection that cannot be waited for, as one over TLS, is
// waited for with.
const smallWait = 512

// readAny is read for any connection. One that can be waited for is; else a few
// bytes are awaited in a buffer of our own, so that an idle conversation holds
// no large one.
func (s *wsSource) readAny() (buf *[wsBuffer]byte, n int, err error) {
	if s.waiter != nil {
		if err := s.waiter.WaitRead(); err != nil {
			return nil, 0, err
		}
		buf = wsBuffers.Get().(*[wsBuffer]byte)
		n, err = s.transport.Read(buf[:])
	} else {
		if s.small == nil {
			s.small = make([]byte, smallWait)
		}
		if n, err = s.transport.Read(s.small); n > 0 {
			buf = wsBuffers.Get().(*[wsBuffer]byte)
			copy(buf[:], s.small[:n])
		}
	}
	if n == 0 && buf != nil {
		wsBuffers.Put(buf)
		buf = nil
	}
	return buf, n, err
}
