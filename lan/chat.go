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
	// Safe makes others' messages harmless to a terminal.
	Safe bool
	// Note tells the person what is no message. Default: nobody.
	Note func(format string, args ...any)
	// Wait is how long Run still receives after the input's end. Default: 1 s.
	Wait time.Duration

	mu       sync.Mutex
	ln       net.Listener
	talking  sync.WaitGroup
	sessions map[string]*session.Session // by the peer's address
	show     func(from net.Addr, text []byte)
}

func (c *Chat) note(format string, args ...any) {
	if c.Note != nil {
		c.Note(format, args...)
	}
}

// Run sends what is typed, a line a datagram, to every peer and shows what
// anybody sends, at the same time, until ctx ends or the input does.
func (c *Chat) Run(ctx context.Context) error {
	return c.open(ctx, c.print, func(ctx context.Context) error {
		var to []*session.Session
		for _, p := range c.Peers {
			s, err := c.peer(ctx, p)
			if err != nil {
				return err
			}
			to = append(to, s)
		}
		lines := bufio.NewReader(c.In)
		for {
			line, err := lines.ReadBytes('\n')
			if text := bytes.TrimRight(line, "\r\n"); len(text) > 0 {
				if len(to) == 0 {
					c.note("nobody to send to: name a --peer")
				}
				for _, s := range to {
					if err := s.Send(ctx, session.Text(string(text))); err != nil {
						return fmt.Errorf("send to %v: %w", s.Peer(), err)
					}
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
func (c *Chat) print(from net.Addr, text []byte) {
	_, _ = fmt.Fprintf(c.Out, ">>>%s:%s\n", tuple(from), text)
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
func (c *Chat) open(ctx context.Context, show func(net.Addr, []byte), talk func(context.Context) error) error {
	network := c.Network
	if network == nil {
		network = endpoint.Host{}
	}
	ln, err := network.Listen(ctx, c.Bind)
	if err != nil {
		return fmt.Errorf("listen on %v: %w", c.Bind, err)
	}
	c.note("listening on %v", endpoint.AddrOf(c.Bind.Scheme, ln.Addr()))
	ctx, cancel := context.WithCancel(ctx)
	c.ln, c.show, c.sessions = ln, show, make(map[string]*session.Session)
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
	cancel()
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
			text, err := m.AppendText(nil)
			if err != nil {
				c.note("%v sent what is no text: %v", s.Peer(), err)
				continue
			}
			if c.Safe {
				text = charset.AppendVisible(nil, text, charset.VisibleOptions{})
			}
			c.mu.Lock()
			c.show(s.Peer(), text)
			c.mu.Unlock()
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
	for {
		conn, err := d.Dial(ctx, a)
		switch {
		case err == nil:
			return c.hold(ctx, conn), nil
		case !errors.Is(err, endpoint.ErrPeerExists):
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
	hosts, err := net.DefaultResolver.LookupHost(ctx, a.Host)
	if err != nil {
		hosts = []string{a.Host}
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
