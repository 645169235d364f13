package handler

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"sync"
	"time"
	"unicode/utf16"
	"unicode/utf8"

	"sockeye.dev/charset"
	"sockeye.dev/frame"
	"sockeye.dev/session"
)

// Style is how a Printer shows messages.
type Style uint8

// The styles.
const (
	Raw  Style = iota // the bytes as they came; a delimiter that framing took is shown as a newline
	Text              // decoded, in UTF-8
	Safe              // decoded, and harmless to a terminal
	Hex               // two digits a byte, a line a message
	JSON              // an object a line
)

// Printer shows received messages on one output. Any number of conversations
// may share it: a message is never torn by another.
type Printer struct {
	// W is the output. Each message is one Write.
	W io.Writer
	// Style is how messages are shown.
	Style Style
	// Label tells conversations apart: it is put before each message, but not
	// with Raw and JSON. Default: nothing.
	Label func(s *session.Session) string
	// Undecodable is called, once, when something received was no text in the
	// conversation's encoding. Default: nobody.
	Undecodable func(s *session.Session)

	mu     sync.Mutex
	buf    []byte
	midway uint64 // the conversation whose last message left the line open
	told   bool
}

// direct reports whether p shows bytes as they are, so that they need not be
// looked at.
func (p *Printer) direct() bool { return p.style() == Raw }

// decodes reports whether p reads what it shows as text.
func (p *Printer) decodes() bool { return p.Style != Raw && p.Style != Hex }

// Write writes bytes that need not be looked at, whole.
func (p *Printer) Write(b []byte) (int, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.W.Write(b)
}

// SetStyle changes how messages are shown from now on.
func (p *Printer) SetStyle(s Style) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.Style = s
}

func (p *Printer) style() Style {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.Style
}

// Print shows one message. Under a strict policy, what could be decoded is
// shown before the *charset.DecodeError is returned; other errors are the
// output's.
func (p *Printer) Print(s *session.Session, m session.Message) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	f := s.Format()
	_, raw := f.Framing.(frame.Raw)
	raw = raw || f.Uncut
	ended := !raw && !m.More // the message is complete
	b, bad := p.buf[:0], error(nil)
	switch p.Style {
	case Raw:
		b = append(b, m.Data...)
		if ended && !m.Bare {
			b = append(b, '\n')
		}
	case Hex:
		b = p.label(b, s)
		for i, c := range m.Data {
			if i > 0 {
				b = append(b, ' ')
			}
			b = fmt.Appendf(b, "%02x", c)
		}
		b = append(b, '\n')
	case JSON:
		b, bad = p.appendJSON(b, s, m)
	default:
		var text []byte
		text, bad = m.AppendText(nil)
		b = p.appendText(b, s, text, ended)
	}
	p.buf = b[:0]
	if cap(p.buf) > 1<<20 {
		p.buf = nil
	}
	if len(b) > 0 {
		if _, err := p.W.Write(b); err != nil {
			return err
		}
	}
	if p.Undecodable != nil && !p.told && s.Undecodable() > 0 {
		p.told = true
		p.Undecodable(s)
	}
	return bad
}

func (p *Printer) label(b []byte, s *session.Session) []byte {
	if p.Label == nil {
		return b
	}
	return append(b, p.Label(s)...)
}

// appendText shows text; several conversations each begin on a line of their
// own.
func (p *Printer) appendText(b []byte, s *session.Session, text []byte, ended bool) []byte {
	if len(text) == 0 && !ended {
		return b
	}
	if p.Label != nil && p.midway != s.ID() {
		if p.midway != 0 {
			b = append(b, '\n')
		}
		b = p.label(b, s)
	}
	if p.Style == Safe {
		b = charset.AppendVisible(b, text, charset.VisibleOptions{})
	} else {
		b = append(b, text...)
	}
	open := len(text) > 0 && text[len(text)-1] != '\n'
	if ended && (open || len(text) == 0) {
		b, open = append(b, '\n'), false
	}
	p.midway = 0
	if open {
		p.midway = s.ID()
	}
	return b
}

// shown is a message as JSON: text where the bytes are text, base64 where text
// alone would not give them back.
type shown struct {
	Time   time.Time `json:"time"`
	Conv   uint64    `json:"conv"`
	From   string    `json:"from"`
	Text   *string   `json:"text,omitempty"`
	Base64 *string   `json:"base64,omitempty"`
	Size   int       `json:"size"`
	More   bool      `json:"more,omitempty"`
}

func (p *Printer) appendJSON(b []byte, s *session.Session, m session.Message) ([]byte, error) {
	o := shown{Time: time.Now(), Conv: s.ID(), Size: len(m.Data), More: m.More}
	if a := s.From(); a != nil {
		o.From = a.String()
	}
	text, bad := m.Text()
	if bad == nil && utf8.ValidString(text) {
		o.Text = &text
	}
	if o.Text == nil || s.Undecodable() > 0 || !utf8.Valid(m.Data) {
		enc := base64.StdEncoding.EncodeToString(m.Data)
		o.Base64 = &enc
	}
	j, err := json.Marshal(o)
	if err != nil {
		return b, err
	}
	return append(appendInert(b, j), '\n'), bad
}

// appendInert appends JSON with what a terminal would act on or not show
// written as \u, which means the same: package json does so below U+0020 only.
func appendInert(b, j []byte) []byte {
	for len(j) > 0 {
		r, n := utf8.DecodeRune(j)
		if r < 0x7f {
			b = append(b, j[0])
		} else if shown := charset.AppendVisible(b, j[:n], charset.VisibleOptions{}); bytes.Equal(shown[len(b):], j[:n]) {
			b = shown
		} else {
			for _, u := range utf16.Encode([]rune{r}) {
				b = fmt.Appendf(b, `\u%04x`, u)
			}
		}
		j = j[n:]
	}
	return b
}
