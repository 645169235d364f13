package handler

import (
	"context"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base32"
	"encoding/binary"
	"io"
	"strings"
	"sync"
	"time"

	"sockeye.dev/session"
)

// Cookies proves that datagrams come from where they say: whoever wants to be a
// member is told a cookie, and is one when it sends "/join COOKIE" from the same
// address. What is said before counts for nothing, and nobody is sent more than
// came from there, so that we are no use for flooding somebody else. The zero
// Cookies is ready. It keeps nothing for sources, and forgets the conversation
// with one after a few seconds: a cookie is made of the address, a secret and
// the time (as RFC 9000, section 8.1.3, advises).
type Cookies struct {
	once   sync.Once
	secret [32]byte
}

// cookieFor is how long a cookie is good, at least; at most twice as long.
const cookieFor = 5 * time.Minute

// proveFor is how long a source has a conversation that has proved nothing:
// sources that are made up would take everybody's place. The cookie is good in
// the next one, too.
const proveFor = 5 * time.Second

func (c *Cookies) at(s *session.Session, period int64) string {
	c.once.Do(func() { rand.Read(c.secret[:]) }) // never fails, by its documentation
	mac := hmac.New(sha256.New, c.secret[:])
	mac.Write([]byte(s.Peer().String()))
	_ = binary.Write(mac, binary.BigEndian, period)
	return strings.ToLower(base32.StdEncoding.EncodeToString(mac.Sum(nil)[:5]))
}

func (c *Cookies) now() int64 { return time.Now().UnixNano() / int64(cookieFor) }

// good reports whether cookie is one that s was told.
func (c *Cookies) good(s *session.Session, cookie string) bool {
	now := c.now()
	return hmac.Equal([]byte(cookie), []byte(c.at(s, now))) || hmac.Equal([]byte(cookie), []byte(c.at(s, now-1)))
}

// prove waits until a datagram source has shown that it is there.
func (v *visit) prove(ctx context.Context) error {
	c := v.chat.Cookies
	ctx, cancel := context.WithTimeoutCause(ctx, proveFor, io.EOF)
	defer cancel()
	for {
		msg, err := v.s.Recv(ctx)
		if err != nil {
			return err
		}
		text, _ := msg.Text()
		if cookie, ok := strings.CutPrefix(strings.TrimSpace(text), "/join "); ok && c.good(v.s, strings.ToLower(strings.TrimSpace(cookie))) {
			v.s.Proved()
			return nil
		}
		answer := "/join " + c.at(v.s, c.now())
		if long := "send this to enter: " + answer; len(msg.Data) >= len(long) {
			answer = long // no more than came
		}
		if err := v.s.Send(ctx, session.Text(answer)); err != nil {
			return err
		}
	}
}
