package endpoint

import (
	"bufio"
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net"
	"os"

	"github.com/pires/go-proxyproto"
)

// A headerSpec is the option proxyproto: the version of the PROXY header to
// begin with when dialing, anyHeader to ask for one when listening.
//
// The protocol is haproxy's: a proxy tells the server behind it who the client
// is (https://www.haproxy.org/download/3.0/doc/proxy-protocol.txt). Whoever can
// connect to a listener that asks for a header can claim to be anybody: bind it
// where only the proxy can reach it.
type headerSpec uint8

const (
	noHeader  headerSpec = 0
	anyHeader headerSpec = 255
)

// readHeaderSpec reads the option proxyproto.
func readHeaderSpec(s *settings, v string) (want string) {
	switch v {
	case "1", "2", "v1", "v2":
		s.header = headerSpec(v[len(v)-1] - '0')
		return ""
	}
	switch c, ok := parseChoice(v); {
	case !ok:
		return "1 or 2 to send a header of that version, on to ask for one"
	case c == on:
		s.header = anyHeader
	default:
		s.header = noHeader
	}
	return ""
}

// send writes the header for conn's own addresses. "on" is version 2.
func (v headerSpec) send(conn net.Conn) error {
	if v == anyHeader {
		v = 2
	}
	header, err := proxyproto.HeaderProxyFromAddrs(byte(v), conn.LocalAddr(), conn.RemoteAddr()).Format()
	if err != nil {
		return err
	}
	_, err = conn.Write(header)
	return err
}

// maxHeader bounds a header: go-proxyproto takes no more than this itself.
const maxHeader = 16 + 4096

// readHeader reads a PROXY header of either version from conn, and not a byte
// more, so that conn keeps all that a socket can do.
func readHeader(ctx context.Context, conn net.Conn) (*proxyproto.Header, error) {
	var raw []byte
	err := within(ctx, conn, func() (err error) {
		raw, err = rawHeader(conn)
		return err
	})
	if errors.Is(err, context.DeadlineExceeded) {
		return nil, &PeerError{Reason: "no PROXY header came in time", Hint: hintHeader, Err: os.ErrDeadlineExceeded}
	}
	if err != nil {
		return nil, err
	}
	h, err := proxyproto.Read(newHeaderReader(raw))
	if err != nil {
		return nil, &PeerError{Reason: fmt.Sprintf("the PROXY header is wrong: %v", err), Hint: hintHeader, Err: err}
	}
	return h, nil
}

// newHeaderReader holds all of raw: go-proxyproto insists on a line at once.
func newHeaderReader(raw []byte) *bufio.Reader {
	return bufio.NewReaderSize(bytes.NewReader(raw), maxHeader)
}

const hintHeader = "with proxyproto=on every client has to be a proxy that sends PROXY headers"

// rawHeader returns a header's bytes. It gives up at the first that cannot be
// one's, without waiting for more.
func rawHeader(r io.Reader) ([]byte, error) {
	// 12 bytes are version 2's signature, and fewer than any line of version 1.
	buf := make([]byte, 12, 128)
	signatures := [][]byte{proxyproto.SIGV2, []byte("PROXY ")}
	for n := 0; n < len(buf); {
		m, err := r.Read(buf[n:])
		n += m
		started := false
		for _, sig := range signatures {
			k := min(n, len(sig))
			started = started || bytes.Equal(buf[:k], sig[:k])
		}
		switch {
		case !started:
			return nil, &PeerError{Reason: fmt.Sprintf("no PROXY header: the peer began with %q", buf[:n]), Hint: hintHeader}
		case err == io.EOF:
			return nil, &PeerError{Reason: "no PROXY header: the peer ended the connection", Hint: hintHeader, Err: io.ErrUnexpectedEOF}
		case err != nil:
			return nil, err
		}
	}
	if buf[0] == 'P' {
		return rawLine(r, buf)
	}
	buf = buf[:16]
	if _, err := io.ReadFull(r, buf[12:]); err != nil {
		return nil, cutHeader(err)
	}
	size := int(binary.BigEndian.Uint16(buf[14:]))
	if len(buf)+size > maxHeader {
		return nil, &PeerError{Reason: fmt.Sprintf("the PROXY header is too large: %d bytes", len(buf)+size), Hint: hintHeader}
	}
	buf = append(buf, make([]byte, size)...)
	_, err := io.ReadFull(r, buf[16:])
	return buf, cutHeader(err)
}

// rawLine reads the rest of version 1's line, which has at most 107 bytes.
func rawLine(r io.Reader, buf []byte) ([]byte, error) {
	for len(buf) < 107 {
		n := len(buf)
		buf = append(buf, 0)
		if _, err := io.ReadFull(r, buf[n:]); err != nil {
			return nil, cutHeader(err)
		}
		if buf[n] == '\n' {
			return buf, nil
		}
	}
	return nil, &PeerError{Reason: "the PROXY header's line does not end within 107 bytes", Hint: hintHeader}
}

func cutHeader(err error) error {
	if err == io.EOF || err == io.ErrUnexpectedEOF {
		return &PeerError{Reason: "the PROXY header is cut off", Hint: hintHeader, Err: io.ErrUnexpectedEOF}
	}
	return err
}

// A headerConn is a socket whose addresses are those of its PROXY header.
type headerConn struct {
	*net.TCPConn
	local, remote net.Addr
}

func (c *headerConn) LocalAddr() net.Addr  { return c.local }
func (c *headerConn) RemoteAddr() net.Addr { return c.remote }

// unwrapHeader reads conn's PROXY header and returns conn with its addresses. A
// header without TCP addresses (LOCAL, UNKNOWN: the proxy itself, as for its
// health checks) leaves conn what it is.
func unwrapHeader(ctx context.Context, conn net.Conn) (net.Conn, error) {
	h, err := readHeader(ctx, conn)
	if err != nil {
		return nil, err
	}
	tc, isTCP := conn.(*net.TCPConn)
	source, dest, ok := h.TCPAddrs()
	if !isTCP || !ok || h.Command.IsLocal() {
		return conn, nil
	}
	return &headerConn{tc, dest, source}, nil
}

// listenStream listens with listen, at a, and asks for PROXY headers if the
// options do.
func (s settings) listenStream(ctx context.Context, a Addr, listen func(context.Context, Addr) (net.Listener, error)) (net.Listener, error) {
	ln, err := listen(ctx, a)
	if err != nil || s.header == noHeader {
		return ln, err
	}
	return newGate(ln, s.patience(), unwrapHeader), nil
}
