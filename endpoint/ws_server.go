package endpoint

import (
	"context"
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

// listenWS listens with listen, at a. Who connects is accepted once its
// handshake is done.
func (s settings) listenWS(ctx context.Context, a Addr, listen func(context.Context, Addr) (net.Listener, error)) (net.Listener, error) {
	ln, err := listen(ctx, a)
	if err != nil {
		return nil, err
	}
	u := upgrader{addr: a, ws: s.ws}
	g := newGate(ln, s.patience(), u.upgrade)
	if l, ok := ln.(secureListener); ok {
		return wssListener{g, l}, nil
	}
	return g, nil
}

// A wssListener is a gate behind one with a certificate.
type wssListener struct {
	*gate
	secureListener
}

// A secureListener is what a tls listener is more than others.
type secureListener interface {
	Fingerprinter
	Renewer
}

// An upgrader makes conversations of HTTP requests: RFC 6455, section 4.2.
type upgrader struct {
	addr Addr
	ws   wsSettings
}

// A refusal is an answer that is not 101.
type refusal struct {
	status int
	text   string   // for the client
	header []string // "Name: value"
	reason string   // for us; "": the text
	hint   string
}

func (e *refusal) Error() string {
	if e.reason != "" {
		return e.reason
	}
	return e.text
}

// upgrade shakes hands with who has connected.
func (u *upgrader) upgrade(ctx context.Context, conn net.Conn) (net.Conn, error) {
	if _, refused := conn.(*refusedConn); refused {
		return conn, nil // by the gate before this one
	}
	var c *wsConn
	err := within(ctx, conn, func() (err error) {
		c, err = u.answer(conn)
		return err
	})
	if err == nil {
		return c, nil
	}
	var no *refusal
	switch {
	case errors.As(err, &no):
		return nil, &PeerError{Reason: "no WebSocket handshake: " + no.Error(), Hint: no.hint, Err: err}
	case errors.Is(err, context.DeadlineExceeded):
		return nil, &PeerError{Reason: "the client did not finish the WebSocket handshake in time",
			Hint: "it may not speak WebSocket; timeout=DURATION waits longer", Err: os.ErrDeadlineExceeded}
	case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF):
		return nil, &PeerError{Reason: "the client closed the connection during the WebSocket handshake", Err: io.ErrUnexpectedEOF}
	}
	return nil, err
}

// answer reads the request and says yes or no to it.
func (u *upgrader) answer(conn net.Conn) (*wsConn, error) {
	h, rest, err := readWSHead(conn, beginsRequest)
	var wrong *headError
	if errors.As(err, &wrong) {
		return nil, refuse(conn, &refusal{status: wrong.status, text: "This server speaks WebSocket (RFC 6455) over HTTP/1.1 only.",
			reason: "the client " + wrong.reason, hint: wrong.hint})
	}
	if err != nil {
		return nil, err
	}
	uri, no := u.request(h)
	if no != nil {
		return nil, refuse(conn, no)
	}
	protocol, no := u.choose(h)
	if no != nil {
		return nil, refuse(conn, no)
	}
	key, _ := h.get("Sec-WebSocket-Key")
	out := "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: " + acceptKey(key) + "\r\n"
	if protocol != "" {
		out += "Sec-WebSocket-Protocol: " + protocol + "\r\n"
	}
	if _, err := io.WriteString(conn, out+"\r\n"); err != nil {
		return nil, err
	}
	c := newWSConn(conn, false, rest, u.ws.limit())
	c.scheme, c.kind, c.protocol, c.uri = u.addr.Scheme, u.ws.kind, protocol, uri
	return c, nil
}

// beginsRequest reports whether b may begin a request: with a method.
func beginsRequest(b []byte) bool {
	for i, c := range b[:min(len(b), 16)] {
		if c == ' ' {
			return i > 0
		}
		if c < 'A' || c > 'Z' {
			return false
		}
	}
	return len(b) < 16
}

// request checks everything but the subprotocols. What is wrong with who asks
// comes before what is wrong with what it asks for.
func (u *upgrader) request(h wsHead) (uri string, no *refusal) {
	method, rest, _ := strings.Cut(h.line, " ")
	uri, version, ok := strings.Cut(rest, " ")
	host, once := h.get("Host")
	switch {
	case !ok || !strings.HasPrefix(version, "HTTP/") || uri == "" || strings.ContainsFunc(uri, badTarget):
		return "", &refusal{status: 400, text: fmt.Sprintf("The request begins with %.40q.", h.line)}
	case !strings.HasPrefix(version, "HTTP/1.") || version == "HTTP/1.0":
		return "", &refusal{status: 505, text: "WebSocket needs HTTP/1.1."}
	case host == "" || !once:
		return "", &refusal{status: 400, text: "A request has one Host."}
	}
	if no := u.checkOrigin(h, host); no != nil {
		return "", no
	}
	key, once := h.get("Sec-WebSocket-Key")
	nonce, err := base64.StdEncoding.DecodeString(key)
	speaks, onceV := h.get("Sec-WebSocket-Version")
	switch {
	case method != "GET":
		return "", &refusal{status: 405, text: "WebSocket begins with GET.", header: []string{"Allow: GET"},
			reason: fmt.Sprintf("the client asked to %s %.80q", method, uri)}
	case !h.has("Upgrade", "websocket") || !h.has("Connection", "upgrade"):
		return "", &refusal{status: 426, header: []string{"Upgrade: websocket"},
			text:   "This is a WebSocket server: connect with a WebSocket client (" + u.addr.Scheme + "://).",
			reason: fmt.Sprintf("a plain HTTP request for %.80q", uri)}
	case speaks != "13" || !onceV:
		return "", &refusal{status: 426, header: []string{"Upgrade: websocket", "Sec-WebSocket-Version: 13"},
			text: fmt.Sprintf("This server speaks version 13 of the protocol, not %.20q.", speaks)}
	case err != nil || len(nonce) != 16 || !once:
		return "", &refusal{status: 400, text: "Sec-WebSocket-Key is not 16 bytes in base64."}
	case !u.serves(uri):
		return "", &refusal{status: 404, text: fmt.Sprintf("There is no conversation at %.80q.", uri),
			hint: "the address listened on names its path; without one it serves them all"}
	}
	return uri, nil
}

func badTarget(r rune) bool { return r <= ' ' || r == 0x7f }

// serves reports whether uri is the address's path. An address without a query
// of the server's own takes any.
func (u *upgrader) serves(uri string) bool {
	want := u.addr.Path
	if want == "" {
		return true
	}
	if scheme, rest, ok := strings.Cut(uri, "://"); ok && (scheme == "http" || scheme == "https") {
		_, path, _ := strings.Cut(rest, "/") // RFC 9112, section 3.2.2
		uri = "/" + path
	}
	if !strings.Contains(want, "?") {
		uri, _, _ = strings.Cut(uri, "?")
	}
	asked, err := parser{}.wsPath(uri) // the same escapes
	return err == nil && asked == want
}

// choose agrees on a subprotocol: the first of ours that the client offers.
func (u *upgrader) choose(h wsHead) (string, *refusal) {
	offered := h.tokens("Sec-WebSocket-Protocol")
	for _, ours := range u.ws.protocols {
		switch {
		case ours == "*" && len(offered) > 0 && isToken(offered[0]):
			return offered[0], nil
		case slices.Contains(offered, ours):
			return ours, nil
		}
	}
	if len(u.ws.protocols) == 0 || slices.Contains(u.ws.protocols, "*") {
		return "", nil
	}
	return "", &refusal{status: 400, text: "This server speaks " + strings.Join(u.ws.protocols, ", ") + " (Sec-WebSocket-Protocol).",
		reason: fmt.Sprintf("no subprotocol in common: the client offers %.80q", offered), hint: "protocol=* takes any"}
}

// checkOrigin keeps web pages out that are not ours: section 10.2. Only browsers
// send an Origin, and they always do. Without the option origin it has to be the
// Host that was asked for, and that has to be a name which nobody else can point
// at us (DNS rebinding): an address, localhost, or one we know.
func (u *upgrader) checkOrigin(h wsHead, host string) *refusal {
	origin, once := h.get("Origin")
	if origin == "" && once {
		return nil
	}
	no := &refusal{status: 403, text: fmt.Sprintf("Pages of %.80q may not connect to this server.", origin),
		hint: "origin=ORIGIN lets a site's pages in, origin=* all"}
	if !once {
		return no
	}
	origin = strings.ToLower(origin)
	for _, allowed := range u.ws.origins {
		if allowed == "*" || allowed == origin {
			return nil
		}
	}
	_, site, ok := strings.Cut(origin, "://")
	if !ok || len(u.ws.origins) > 0 || site != strings.ToLower(host) {
		return no
	}
	if u.knows(host) {
		return nil
	}
	no.text = fmt.Sprintf("This server does not know the name %.80q.", host)
	no.hint = "hosts=NAME says that the name is ours"
	return no
}

// knows reports whether host, with or without a port, is certainly ours.
func (u *upgrader) knows(host string) bool {
	name := strings.ToLower(host)
	if h, port, err := net.SplitHostPort(name); err == nil && isDigits(port) {
		name = h
	}
	if name == "" {
		return false
	}
	if name == "localhost" || strings.HasSuffix(name, ".localhost") || name == strings.ToLower(u.addr.Host) || slices.Contains(u.ws.hosts, name) {
		return true
	}
	return net.ParseIP(strings.Trim(name, "[]")) != nil
}

// refuse answers with no, and returns it.
func refuse(conn net.Conn, no *refusal) error {
	out := "HTTP/1.1 " + strconv.Itoa(no.status) + " " + httpStatus[no.status] + "\r\n"
	connection := "close"
	for _, line := range no.header {
		if strings.HasPrefix(line, "Upgrade:") {
			connection = "Upgrade, close"
		}
		out += line + "\r\n"
	}
	body := no.text + "\n"
	out += "Connection: " + connection + "\r\nContent-Type: text/plain; charset=utf-8\r\nX-Content-Type-Options: nosniff\r\nContent-Length: " +
		strconv.Itoa(len(body)) + "\r\n\r\n" + body
	_, _ = io.WriteString(conn, out) // it is refused in any case
	return no
}

var httpStatus = map[int]string{400: "Bad Request", 403: "Forbidden", 404: "Not Found", 405: "Method Not Allowed",
	426: "Upgrade Required", 431: "Request Header Fields Too Large", 505: "HTTP Version Not Supported"}
