package session

import (
	"sockeye.dev/charset"
)

// Message is one message of a conversation, received or to be sent.
type Message struct {
	// Data is the payload as it is on the wire, without framing. That of a
	// received message belongs to the session and is valid until the next Recv.
	Data []byte
	// Bare messages ended by silence, at the end of the stream or of a
	// datagram rather than by a delimiter. Send adds none to them, so that an
	// echo is exact.
	Bare bool
	// More says that this is a piece of a message longer than Config.MaxMessage
	// and that further pieces follow. Send adds no delimiter to them.
	More bool

	text   string
	isText bool
	final  bool     // the text ends here
	from   *Session // whose decoder reads Data
}

// Text is a message to be sent in the conversation's own encoding.
func Text(text string) Message { return Message{text: text, isText: true} }

// Bytes is a message to be sent as it is. Send does not keep p.
func Bytes(p []byte) Message { return Message{Data: p} }

// Text is the message as text, in UTF-8. Ask once for each message, in the
// order received: the decoder remembers a character that is not complete yet,
// and an automatic encoding learns. Under a strict policy the error is a
// *charset.DecodeError, and the text up to it is returned.
func (m Message) Text() (string, error) {
	if m.isText {
		return m.text, nil
	}
	if m.from == nil {
		return string(m.Data), nil
	}
	p, err := m.from.decode(make([]byte, 0, len(m.Data)+len(m.Data)/2), m.Data, m.final)
	return string(p), err
}

// AppendText appends what Text would return.
func (m Message) AppendText(dst []byte) ([]byte, error) {
	switch {
	case m.isText:
		return append(dst, m.text...), nil
	case m.from == nil:
		return append(dst, m.Data...), nil
	}
	return m.from.decode(dst, m.Data, m.final)
}

// String is Text without the error.
func (m Message) String() string {
	text, _ := m.Text()
	return text
}

func (s *Session) decode(dst, data []byte, final bool) ([]byte, error) {
	if s.dec == nil {
		s.newDecoder()
	}
	dst, err := s.dec.Decode(dst, data, final)
	if s.inAs.Encoding.IsAuto() {
		if e := s.dec.Encoding(); e != s.spoken.Load() {
			s.spoken.Store(e)
		}
	}
	return dst, err
}

//go:noinline
func (s *Session) newDecoder() { s.dec = s.inAs.Encoding.NewDecoder(s.inAs.Decode) }

// Undecodable counts the byte sequences so far that were no text in the
// conversation's encoding and that the policy replaced. For the goroutine that
// calls Recv.
func (s *Session) Undecodable() int {
	if s.dec == nil {
		return 0
	}
	return s.dec.Bad()
}

type encoderKey struct {
	encoding *charset.Encoding
	policy   charset.Policy
}

// encode is called with the token held.
func (s *Session) encode(dst []byte, f *settled, text string, final bool) ([]byte, error) {
	key := encoderKey{s.sendEncoding(&f.Format), f.Encode}
	if s.enc == nil || s.encAs != key {
		s.enc, s.encAs = key.encoding.NewEncoder(key.policy), key
	}
	return s.enc.EncodeString(dst, text, final)
}
