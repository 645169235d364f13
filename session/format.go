package session

import (
	"sockeye.dev/charset"
	"sockeye.dev/frame"
)

// Format says how bytes are to be understood: their encoding and their
// framing. Formats are comparable, so that a message to many can be made once
// for all who share one.
type Format struct {
	// Encoding is what the peer's text is read in. Default: UTF-8.
	Encoding *charset.Encoding
	// Send is what our text is written in. Default: Encoding; for an automatic
	// one, UTF-8 until the peer has shown to speak another.
	Send *charset.Encoding
	// Decode and Encode say what becomes of text that does not fit. Default:
	// strict, an error.
	Decode, Encode charset.Policy
	// Framing says where a message ends. Default: the connection's own
	// boundaries; a stream has none, and what arrives together is a message.
	Framing frame.Framer
	// Uncut says that what a stream brings is not cut into messages: it is
	// wanted byte for byte, with its delimiters. Only what is sent is framed.
	Uncut bool
}

// AppendText appends text as it goes over the wire to a peer of this format:
// encoded, without a byte order mark, and framed. It is what a message to many
// is made with, once per format.
func (f Format) AppendText(dst []byte, text string) ([]byte, error) {
	enc := f.Send
	if enc == nil {
		enc = f.Encoding
	}
	if enc == nil {
		enc = charset.UTF8
	}
	buf := scratch.Get().(*[]byte)
	defer giveBack(buf)
	var err error
	e := enc.NewEncoder(f.Encode)
	e.Continue()
	*buf, err = e.EncodeString((*buf)[:0], text, true)
	if err != nil || f.Framing == nil {
		return append(dst, *buf...), err
	}
	return frame.In(f.Framing, enc).Append(dst, *buf)
}

// settled is a Format with its defaults filled in for one kind of connection.
type settled struct {
	Format
	in, out frame.Framer // Framing in the encoding of each direction
	bare    bool         // out adds nothing

	messages bool // the connection has messages of its own
}

func settle(f Format, messages bool) *settled {
	t := &settled{Format: f, messages: messages}
	if t.Encoding == nil {
		t.Encoding = charset.UTF8
	}
	if t.Framing == nil {
		t.Framing = frame.Raw{}
		if messages {
			t.Framing = frame.Datagram{}
		}
	}
	send := t.Send
	if send == nil {
		send = t.Encoding
	}
	t.in, t.out = frame.In(t.Framing, t.Encoding), frame.In(t.Framing, send)
	if t.Uncut && !messages {
		t.in = frame.Raw{}
	}
	switch q := t.out.(type) {
	case frame.Raw, frame.Datagram:
		t.bare = true
	case frame.Quiet:
		t.bare = q.Inner == nil
	}
	return t
}

// Format is the format now. Send is settled: the encoding that a text sent now
// would be written in.
func (s *Session) Format() Format {
	f := s.format.Load().Format
	f.Send = s.sendEncoding(&f)
	return f
}

// SetFormat changes the format of what is received and sent from now on. Bytes
// already received and not yet handed out are read in the new one.
func (s *Session) SetFormat(f Format) { s.format.Store(settle(f, s.from.message != nil)) }

// Spoken is what an automatic encoding has found the peer to speak; nil as long
// as it has found nothing.
func (s *Session) Spoken() *charset.Encoding { return s.spoken.Load() }

// SetFraming changes the framing alone; what SetFormat says of bytes holds.
func (s *Session) SetFraming(f frame.Framer) {
	now := s.format.Load().Format // without what Format settles
	now.Framing = f
	s.SetFormat(now)
}

func (s *Session) sendEncoding(f *Format) *charset.Encoding {
	if f.Send != nil {
		return f.Send
	}
	if f.Encoding.IsAuto() {
		if e := s.spoken.Load(); e != nil {
			return e
		}
		return charset.UTF8
	}
	return f.Encoding
}
