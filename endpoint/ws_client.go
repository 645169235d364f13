package endpoint

import (
	"context"
	"crypto/rand"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"slices"
	"strconv"
	"strings"
)

// dialWS connects with dial, for a, and shakes hands: RFC 6455, section 4.1.
func (s settings) dialWS(ctx context.Context, a Addr, dial func(context.Context, Addr) (net.Conn, error)) (net.Conn, error) {
	ctx, cancel := s.bounded(ctx)
	defer cancel()
	conn, err := dial(ctx, a)
	if err != nil {
		return nil, err
	}
	ctx, cancel = s.patient(ctx)
	defer cancel()
	var c *wsConn
	err = within(ctx, conn, func() (err error) {
		c, err = s.ws.shake(conn, a)
		return err
	})
	if err == nil {
		return c, nil
	}
	conn.Close()
	var wrong *headError
	switch {
	case errors.Is(err, context.DeadlineExceeded):
		err = &PeerError{Reason: "the server did not answer the WebSocket handshake in time",
			Hint: "it may not speak WebSocket; timeout=DURATION waits longer", Err: os.ErrDeadlineExceeded}
	case errors.As(err, &wrong):
		err = &PeerError{Reason: "not a WebSocket server: it " + strings.TrimPrefix(wrong.reason, "it "), Hint: wrong.hint, Err: err}
	case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF):
		err = &PeerError{Reason: "not a WebSocket server: it closed the connection without an answer",
			Hint: "check the port; a server behind TLS is wss://", Err: io.ErrUnexpectedEOF}
	}
	return nil, opError("dial", a, err)
}

// shake asks for the conversation and reads the answer.
func (w wsSettings) shake(conn net.Conn, a Addr) (*wsConn, error) {
	var nonce [16]byte
	rand.Read(nonce[:]) // it never fails
	key := base64.StdEncoding.EncodeToString(nonce[:])
	if _, err := io.WriteString(conn, w.request(a, key)); err != nil {
		return nil, err
	}
	h, rest, err := readWSHead(conn, beginsAnswer)
	if err != nil {
		return nil, err
	}
	version, status, _ := strings.Cut(h.line, " ")
	if !strings.HasPrefix(version, "HTTP/1.") || len(status) < 3 || !isDigits(status[:3]) {
		return nil, &headError{reason: fmt.Sprintf("does not speak HTTP: it sent %.40q", h.line)}
	}
	if status[:3] != "101" {
		return nil, w.refused(conn, a, h, status, rest)
	}
	accept, once := h.get("Sec-WebSocket-Accept")
	protocol, onceP := h.get("Sec-WebSocket-Protocol")
	wrong := ""
	switch {
	case !h.has("Upgrade", "websocket") || !h.has("Connection", "upgrade"):
		wrong = "it upgrades to something else"
	case accept != acceptKey(key) || !once:
		wrong = "its Sec-WebSocket-Accept is wrong"
	case len(h.tokens("Sec-WebSocket-Extensions")) > 0:
		wrong = "it insists on an extension that was not offered"
	case protocol != "" && (!slices.Contains(w.protocols, protocol) || !onceP):
		wrong = fmt.Sprintf("it chose the subprotocol %.40q, which was not offered", protocol)
	case protocol == "" && len(w.protocols) > 0:
		return nil, &PeerError{Reason: "the server agreed to none of the subprotocols " + strings.Join(w.protocols, ", "),
			Hint: "leave protocol out, or name one it speaks"}
	}
	if wrong != "" {
		return nil, &PeerError{Reason: "not a WebSocket server: " + wrong, Hint: "a proxy in between may have answered"}
	}
	c := newWSConn(conn, true, rest, w.limit())
	c.scheme, c.kind, c.protocol, c.uri = a.Scheme, w.kind, protocol, requestURI(a)
	return c, nil
}

func beginsAnswer(b []byte) bool {
	const want = "HTTP/"
	n := min(len(b), len(want))
	return string(b[:n]) == want[:n]
}

// requestURI is what is asked for.
func requestURI(a Addr) string {
	if a.Path == "" {
		return "/"
	}
	return a.Path
}

// request is the whole request.
func (w wsSettings) request(a Addr, key string) string {
	var b strings.Builder
	line := func(name, value string) { b.WriteString(name + ": " + value + "\r\n") }
	b.WriteString("GET " + requestURI(a) + " HTTP/1.1\r\n")
	if !w.headers.has("host") {
		line("Host", hostHeader(a))
	}
	line("Upgrade", "websocket")
	line("Connection", "Upgrade")
	line("Sec-WebSocket-Key", key)
	line("Sec-WebSocket-Version", "13")
	if len(w.protocols) > 0 {
		line("Sec-WebSocket-Protocol", strings.Join(w.protocols, ", "))
	}
	if len(w.origins) > 0 {
		line("Origin", w.origins[0])
	}
	if w.auth != "" {
		line("Authorization", "Basic "+base64.StdEncoding.EncodeToString([]byte(w.auth)))
	}
	for _, f := range w.headers {
		line(f.name, f.value)
	}
	b.WriteString("\r\n")
	return b.String()
}

// hostHeader is a's host as RFC 9110, section 7.2 writes it: without the
// scheme's own port, and without a zone.
func hostHeader(a Addr) string {
	host, _, _ := strings.Cut(a.Host, "%")
	switch {
	case host == "":
		host = "localhost"
	case strings.Contains(host, ":"):
		host = "[" + host + "]"
	}
	if a.Port == wsPorts[a.Scheme] {
		return host
	}
	return host + ":" + strconv.Itoa(int(a.Port))
}

// maxWSAnswer is how much of a refusal's body is looked at.
const maxWSAnswer = 512

// refused says in words what an answer other than 101 means.
func (w wsSettings) refused(conn net.Conn, a Addr, h wsHead, status string, rest []byte) error {
	e := &PeerError{Reason: fmt.Sprintf("not a WebSocket server: %.80s", printable(status))}
	switch code := status[:3]; {
	case code[0] == '3':
		where, _ := h.get("Location")
		e.Reason = fmt.Sprintf("the server redirects (%.80s) to %.200q, which is not followed", printable(status), where)
		e.Hint = "dial that address, with ws:// or wss:// in front"
	case code == "401" && w.auth == "":
		e.Reason = "the server wants a user and a password: " + printable(status)
		e.Hint = "write " + a.Scheme + "://user:password@host"
	case code == "401":
		e.Reason = "the server does not accept the user and the password: " + printable(status)
	case code == "403":
		e.Reason = "the server refuses us: " + printable(status)
		e.Hint = "it may want another Origin: origin=https://its.site"
	case code == "404":
		e.Hint = "is the path right? its own query is written with %3F: " + a.Scheme + "://host/path%3Fkey=value"
	}
	if said := firstLine(conn, h, rest); said != "" {
		e.Reason += fmt.Sprintf(": %q", said)
	}
	return e
}

func printable(s string) string {
	return strings.Map(func(r rune) rune {
		if r < ' ' || r > 0x7e {
			return '?'
		}
		return r
	}, s[:min(len(s), 80)])
}

// firstLine returns the first line of a short plain text.
func firstLine(conn net.Conn, h wsHead, rest []byte) string {
	kind, _ := h.get("Content-Type")
	length, _ := h.get("Content-Length")
	size, err := strconv.Atoi(length)
	if err != nil || size <= 0 || !strings.HasPrefix(strings.ToLower(kind), "text/plain") {
		return ""
	}
	size = min(size, maxWSAnswer)
	if len(rest) < size {
		more := make([]byte, size-len(rest))
		n, _ := io.ReadFull(conn, more)
		rest = append(rest[:len(rest):len(rest)], more[:n]...)
	}
	line, _, _ := strings.Cut(string(rest[:min(size, len(rest))]), "\n")
	return strings.TrimSpace(line)
}
