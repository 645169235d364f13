package handler

import (
	"context"
	"errors"
	"fmt"
	"net"
	"slices"
	"strings"
	"sync"
	"unicode"
	"unicode/utf8"

	"sockeye.dev/session"
)

// Broker passes on what each peer says to all the others, as Nmap's ncat does
// with --broker. It keeps nothing and knows no names but numbers; a room with
// more is [Chat]. A peer that reads too slowly is let go.
type Broker struct {
	// Chat makes it a conversation between people, as --chat does: who comes
	// and goes is announced, each line begins with who says it, and what a
	// terminal would act on is shown as \033. Text in UTF-8 stays text.
	Chat bool
	// Admit says why a peer is not let in, before anything is said. Default:
	// everybody is.
	Admit func(s *session.Session) error
	// Wary closes a conversation that begins with an HTTP request line, as a web
	// page could have a browser send, or with what only TLS or SSH begin with.
	Wary bool

	mu   sync.Mutex
	here []*session.Session
}

var _ session.Handler = (*Broker)(nil)

// Serve passes on what one peer says until it leaves.
func (b *Broker) Serve(ctx context.Context, s *session.Session) error {
	if b.Admit != nil {
		if err := b.Admit(s); err != nil {
			return err
		}
	}
	b.join(s)
	defer b.leave(s)
	if b.Wary {
		s.LookFirst(opening)
	}
	var cut []byte // a character that is not complete yet
	for {
		m, err := s.Recv(ctx)
		if err != nil {
			return err
		}
		data := m.Data
		if b.Chat {
			text := append(cut, data...)
			whole := wholeRunes(text)
			data = appendChat(nil, s.ID(), text[:whole])
			cut = slices.Clone(text[whole:])
		}
		b.tell(s, data)
	}
}

// Say tells everybody what the host says, who is user 0.
func (b *Broker) Say(data []byte) {
	if b.Chat {
		data = appendChat(nil, 0, data)
	}
	b.tell(nil, data)
}

// tell sends data to everybody but one.
func (b *Broker) tell(but *session.Session, data []byte) {
	if len(data) == 0 {
		return
	}
	data = slices.Clone(data) // which stays with those who do not take it now
	b.mu.Lock()
	to := slices.Clone(b.here)
	b.mu.Unlock()
	const ahead = 16 // as in package room
	for i, s := range to {
		if i%ahead == 0 {
			for _, s := range to[i:min(i+ahead, len(to))] {
				s.Prefetch()
			}
		}
		if s == but {
			continue
		}
		if err := s.TrySend(data); errors.Is(err, session.ErrOutboxFull) {
			s.Drop(err, nil)
		}
	}
}

func (b *Broker) join(s *session.Session) {
	b.mu.Lock()
	others := slices.Clone(b.here)
	b.here = append(b.here, s)
	b.mu.Unlock()
	if !b.Chat {
		return
	}
	var names []string
	for _, o := range others {
		names = append(names, fmt.Sprintf("%s as <user%d>", host(o.Peer()), o.ID()))
	}
	if names == nil {
		names = []string{"nobody"}
	}
	b.tell(nil, fmt.Appendf(nil, "<announce> %s is connected as <user%d>.\n<announce> already connected: %s.\n",
		host(s.Peer()), s.ID(), strings.Join(names, ", ")))
}

func (b *Broker) leave(s *session.Session) {
	b.mu.Lock()
	b.here = slices.DeleteFunc(b.here, func(o *session.Session) bool { return o == s })
	b.mu.Unlock()
	if b.Chat {
		b.tell(nil, fmt.Appendf(nil, "<announce> <user%d> is disconnected.\n", s.ID()))
	}
}

func host(a net.Addr) string {
	h, _, err := net.SplitHostPort(a.String())
	if err != nil {
		return a.String()
	}
	return h
}

// wholeRunes is how much of p ends with a whole character, or with bytes that
// begin none.
func wholeRunes(p []byte) int {
	for n := 1; n < utf8.UTFMax && n <= len(p); n++ {
		if at := len(p) - n; utf8.RuneStart(p[at]) {
			if !utf8.FullRune(p[at:]) {
				return at
			}
			break
		}
	}
	return len(p)
}

// appendChat appends what a user says. Every line begins with the name, so that
// nobody can speak in another's.
func appendChat(dst []byte, id uint64, text []byte) []byte {
	begun := false
	for len(text) > 0 {
		if !begun {
			dst = fmt.Appendf(dst, "<user%d> ", id)
			begun = true
		}
		r, n := utf8.DecodeRune(text)
		switch {
		case r == '\n':
			dst, begun = append(dst, '\n'), false
		case r == '\r', r == '\t', r != utf8.RuneError && unicode.IsPrint(r):
			dst = append(dst, text[:n]...)
		default:
			for _, c := range text[:n] {
				dst = fmt.Appendf(dst, `\%03o`, c)
			}
		}
		text = text[n:]
	}
	return dst
}
