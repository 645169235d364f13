package main

import (
	"bufio"
	"context"
	"crypto/subtle"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"math"
	"net"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"

	"sockeye.dev/endpoint"
	"sockeye.dev/session"
)

// An ncProxy is an HTTP proxy, as ncat -l --proxy-type http is one: CONNECT
// makes a tunnel, GET, HEAD and POST are passed on, one for each connection.
type ncProxy struct{ n *ncProgram }

var _ session.Handler = (*ncProxy)(nil)

// Serve answers one request.
func (h *ncProxy) Serve(ctx context.Context, s *session.Session) error {
	client := &sessionStream{ctx: ctx, s: s}
	head := &io.LimitedReader{R: client, N: http.DefaultMaxHeaderBytes}
	in := bufio.NewReader(head)
	req, err := http.ReadRequest(in)
	head.N = math.MaxInt64
	switch {
	case errors.Is(err, io.EOF):
		return err
	case err != nil:
		return h.refuse(client, http.StatusBadRequest, "")
	case !h.authorized(req):
		return h.refuse(client, http.StatusProxyAuthRequired, "Proxy-Authenticate: Basic realm=\"Ncat\"\r\n")
	}
	to, ok := proxyTarget(req)
	switch {
	case req.Method != http.MethodConnect && req.Method != http.MethodGet && req.Method != http.MethodHead && req.Method != http.MethodPost:
		return h.refuse(client, http.StatusMethodNotAllowed, "")
	case !ok:
		return h.refuse(client, http.StatusBadRequest, "")
	}
	server, err := h.n.app.network.Dial(ctx, to)
	if err != nil {
		return h.refuse(client, http.StatusGatewayTimeout, "")
	}
	defer server.Close()
	stop := context.AfterFunc(ctx, func() { _ = server.Close() })
	defer stop()
	if req.Method == http.MethodConnect {
		if _, err := io.WriteString(client, "HTTP/1.0 200 OK\r\n\r\n"); err != nil {
			return err
		}
	} else {
		req.Close = true
		for _, hop := range []string{"Proxy-Authorization", "Proxy-Connection"} {
			req.Header.Del(hop)
		}
		if err := req.Write(server); err != nil {
			return h.refuse(client, http.StatusBadGateway, "")
		}
	}
	return h.join(client, in, server, req.Method == http.MethodConnect)
}

// join copies both ways; the end of one way is passed on, and the other goes
// on.
func (h *ncProxy) join(client *sessionStream, in io.Reader, server net.Conn, both bool) error {
	var up sync.WaitGroup
	if both {
		up.Go(func() {
			_ = session.Copy(server, in, new(atomic.Int64))
			if c, ok := server.(interface{ CloseWrite() error }); ok {
				_ = c.CloseWrite()
			}
		})
	}
	err := session.Copy(client, server, new(atomic.Int64))
	if err == nil {
		err = client.s.CloseWrite()
	}
	if err != nil {
		client.s.Interrupt(err)
	}
	up.Wait()
	return err
}

func (h *ncProxy) refuse(client io.Writer, code int, header string) error {
	_, err := fmt.Fprintf(client, "HTTP/1.0 %d %s\r\n%s\r\n", code, http.StatusText(code), header)
	return err
}

// authorized compares the password in a time that says nothing of it.
func (h *ncProxy) authorized(req *http.Request) bool {
	want := h.n.plan.proxyAuth
	if want == "" {
		return true
	}
	kind, word, _ := strings.Cut(req.Header.Get("Proxy-Authorization"), " ")
	got, err := base64.StdEncoding.DecodeString(word)
	return err == nil && strings.EqualFold(kind, "Basic") && subtle.ConstantTimeCompare(got, []byte(want)) == 1
}

// proxyTarget is where a request wants to go.
func proxyTarget(req *http.Request) (endpoint.Addr, bool) {
	at, def := req.URL.Host, "80"
	if req.Method == http.MethodConnect {
		at, def = req.RequestURI, "443"
	} else if req.URL.Scheme != "http" {
		return endpoint.Addr{}, false
	}
	host, port, err := net.SplitHostPort(at)
	if err != nil {
		host, port = strings.Trim(at, "[]"), def
	}
	n, err := strconv.ParseUint(port, 10, 16)
	return endpoint.Addr{Scheme: "tcp", Host: host, Port: uint16(n)}, err == nil && n > 0 && host != ""
}

// A sessionStream is a session as a stream of bytes.
type sessionStream struct {
	ctx  context.Context
	s    *session.Session
	rest []byte
}

func (c *sessionStream) Read(p []byte) (int, error) {
	for len(c.rest) == 0 {
		m, err := c.s.Recv(c.ctx)
		if err != nil {
			return 0, err
		}
		c.rest = m.Data
	}
	n := copy(p, c.rest)
	c.rest = c.rest[n:]
	return n, nil
}

func (c *sessionStream) Write(p []byte) (int, error) {
	if err := c.s.Send(c.ctx, session.Message{Data: p, Bare: true}); err != nil {
		return 0, err
	}
	return len(p), nil
}
