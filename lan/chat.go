// Package lan is chat without a server: plain UDP datagrams between programs
// that know each other's address, as in the socket course that Sockeye grew
// from. Discovery is not in it yet.
package lan

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"sync"
	"time"

	"sockeye.dev/charset"
	"sockeye.dev/endpoint"
	"sockeye.dev/session"
)

// Chat is one person's end of the chat: one UDP port from which is sent and at
// which is received. Run or RunMenu is called once.
type Chat struct {
	// Network is where the port is. Default: the host's.
	Network endpoint.Network
	// Bind is our own address.
	Bind endpoint.Addr
	// Peers are sent to by Run.
	Peers []endpoint.Addr
	// Config is the format of the messages.
	Config session.Config
	// In is what the person types, Out where messages are shown.
	In  io.Reader
	Out io.Writer
	// Typed says that a person types: what cannot be sent is said, and Run goes
	// on. Default: it ends Run.
	Typed bool
	// Read turns a line into a message. Default: the line is text.
	Read func(line []byte) (session.Message, error)
	// Show shows what Run receives, one message at a time. Default: on Out, as
	// the course's program does.
	Show func(s *session.Session, m session.Message) error
	// Safe makes others' messages harmless to a terminal.
	Safe bool
	// Note tells the person what is no message. Default: nobody.
	Note func(format string, args ...any)
	// Wait is how long Run still receives after the input's end. Default: 1 s.
	Wait time.Duration

	ln      net.Listener
	talking sync.WaitGroup
	fail    context.CancelCauseFunc

	showing sync.Mutex
	show    func(s *session.Session, m session.Message) error

	mu       sync.Mutex
	sessions map[string]*session.Session // by the peer's address
}

func (c *Chat) note(format string, args ...any) {
	if c.Note != nil {
		c.Note(format, args...)
	}
}

// Run sends what is typed, a line a datagram, to every peer and shows what
// anybody sends, at the same time, until ctx ends or the input does.
func (c *Chat) Run(ctx context.Context) error {
	show := c.Show
	if show == nil {
		show = c.print
	}
	return c.open(ctx, show, func(ctx context.Context) error {
		to := make([]*session.Session, len(c.Peers))
		for i := range to {
			var err error
			if to[i], err = c.peer(ctx, c.Peers[i]); err != nil {
				return err
			}
		}
		lines := bufio.NewReader(c.In)
		for {
			line, err := lines.ReadBytes('\n')
			if line = bytes.TrimRight(line, "\r\n"); len(line) > 0 {
				if err := c.say(ctx, to, line); err != nil {
					return err
				}
			}
			if errors.Is(err, io.EOF) {
				c.linger(ctx)
				return nil
			}
			if err != nil {
				return err
			}
		}
	})
}

// say sends a line to every peer. A conversation that ended in silence begins
// anew.
func (c *Chat) say(ctx context.Context, to []*session.Session, line []byte) error {
	if len(to) == 0 {
		c.note("nobody to send to: name a --peer")
	}
	m, err := c.read(line)
	if err != nil {
		return c.mistake(err)
	}
	for i := range to {
		err := to[i].Send(ctx, m)
		if errors.Is(err, net.ErrClosed) && ctx.Err() == nil {
			if to[i], err = c.peer(ctx, c.Peers[i]); err != nil {
				return err
			}
			err = to[i].Send(ctx, m)
		}
		if err != nil {
			if err := c.mistake(fmt.Errorf("send to %v: %w", to[i].Peer(), err)); err != nil {
				return err
			}
		}
	}
	return nil
}

func (c *Chat) read(line []byte) (session.Message, error) {
	if c.Read != nil {
		return c.Read(line)
	}
	return session.Text(string(line)), nil
}

// mistake tells a person of err, and is err for programs.
func (c *Chat) mistake(err error) error {
	if c.Typed {
		c.note("%v", err)
		return nil
	}
	return err
}

func (c *Chat) linger(ctx context.Context) {
	wait := c.Wait
	if wait <= 0 {
		wait = time.Second
	}
	t := time.NewTimer(wait)
	defer t.Stop()
	select {
	case <-t.C:
	case <-ctx.Done():
	}
}

// print shows a message as the course's program does.
func (c *Chat) print(s *session.Session, m session.Message) error {
	line, err := c.format(s, m)
	if err != nil {
		return err
	}
	_, err = fmt.Fprintf(c.Out, "%s\n", line)
	return err
}

func (c *Chat) format(s *session.Session, m session.Message) (string, error) {
	text, err := m.AppendText(nil)
	if err != nil {
		return "", err
	}
	if c.Safe {
		text = charset.AppendVisible(nil, text, charset.VisibleOptions{})
	}
	return fmt.Sprintf(">>>%s:%s", tuple(s.Peer()), text), nil
}

// tuple is an address as Python prints it.
func tuple(a net.Addr) string {
	host, port, err := net.SplitHostPort(a.String())
	if err != nil {
		return fmt.Sprintf("('%s')", a)
	}
	return fmt.Sprintf("('%s', %s)", host, port)
}

// open binds the port, receives in the background, and runs talk. Everything
// has ended when it returns, but for a read of In that cannot be canceled.
func (c *Chat) open(ctx context.Context, show func(*session.Session, session.Message) error, talk func(context.Context) error) error {
	network := c.Network
	if network == nil {
		network = endpoint.Host{}
	}
	ln, err := network.Listen(ctx, c.Bind)
	if err != nil {
		return fmt.Errorf("listen on %v: %w", c.Bind, err)
	}
	c.note("listening on %v", endpoint.AddrOf(c.Bind.Scheme, ln.Addr()))
	ctx, cancel := context.WithCancelCause(ctx)
	c.ln, c.show, c.fail, c.sessions = ln, show, cancel, make(map[string]*session.Session)
	c.talking.Go(func() {
		for {
			conn, err := ln.Accept()
			if err != nil {
				return
			}
			c.hold(ctx, conn)
		}
	})
	stopInput := context.AfterFunc(ctx, func() {
		if r, ok := c.In.(interface{ Cancel() bool }); ok {
			r.Cancel()
		}
	})
	err = talk(ctx)
	stopInput()
	if cause := context.Cause(ctx); cause != nil {
		err = cause
	}
	cancel(nil)
	_ = ln.Close()
	c.talking.Wait()
	return err
}

// hold receives from one peer, in the background.
func (c *Chat) hold(ctx context.Context, conn net.Conn) *session.Session {
	s := session.New(conn, &c.Config)
	key := conn.RemoteAddr().String()
	c.mu.Lock()
	c.sessions[key] = s
	c.mu.Unlock()
	c.talking.Go(func() {
		defer func() {
			c.mu.Lock()
			if c.sessions[key] == s {
				delete(c.sessions, key)
			}
			c.mu.Unlock()
			_ = s.Close()
		}()
		for {
			m, err := s.Recv(ctx)
			if err != nil {
				return
			}
			c.showing.Lock()
			err = c.show(s, m)
			c.showing.Unlock()
			var bad *charset.DecodeError
			switch {
			case errors.As(err, &bad): // which must not end our talk with others
				c.note("%v sent what is no text: %v", s.Peer(), err)
			case err != nil:
				c.fail(err)
				return
			}
		}
	})
	return s
}

// peer is the conversation with an address, begun if there is none.
func (c *Chat) peer(ctx context.Context, a endpoint.Addr) (*session.Session, error) {
	d, ok := c.ln.(endpoint.Dialer)
	if !ok {
		return nil, fmt.Errorf("chat at %v: only UDP can send from the port it receives at", c.Bind)
	}
	for began := time.Now(); ; {
		conn, err := d.Dial(ctx, a)
		switch {
		case err == nil:
			return c.hold(ctx, conn), nil
		case !errors.Is(err, endpoint.ErrPeerExists), time.Since(began) > time.Second:
			return nil, fmt.Errorf("send to %v: %w", a, err)
		}
		if s := c.known(ctx, a); s != nil {
			return s, nil
		}
		// It has been heard but not been accepted yet.
		select {
		case <-time.After(time.Millisecond):
		case <-ctx.Done():
			return nil, context.Cause(ctx)
		}
	}
}

func (c *Chat) known(ctx context.Context, a endpoint.Addr) *session.Session {
	hosts := []string{"127.0.0.1", "::1"} // what no host means
	if a.Host != "" {
		var err error
		if hosts, err = net.DefaultResolver.LookupHost(ctx, a.Host); err != nil {
			hosts = []string{a.Host}
		}
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, h := range hosts {
		if s := c.sessions[net.JoinHostPort(h, fmt.Sprint(a.Port))]; s != nil {
			return s
		}
	}
	return nil
}
