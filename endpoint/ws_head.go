package endpoint

import (
	"bufio"
	"bytes"
	"crypto/sha1"
	"encoding/base64"
	"fmt"
	"io"
	"net/textproto"
	"strings"
)

// maxWSHead bounds a handshake's request and its answer.
const maxWSHead = 16 << 10

// A wsHead is an HTTP/1.1 request or answer without its body.
type wsHead struct {
	line   string
	header textproto.MIMEHeader
}

// A headError says why what came is no HTTP head.
type headError struct {
	status int    // what a server answers
	reason string // follows "the client" or "the server"
	hint   string
}

func (e *headError) Error() string { return e.reason }

// readWSHead reads a head, and returns what was read beyond it. begins reports
// whether a head can begin like that, so that who speaks something else learns
// it at once.
func readWSHead(r io.Reader, begins func([]byte) bool) (h wsHead, rest []byte, err error) {
	buf := make([]byte, 0, 2<<10)
	for {
		if len(buf) == cap(buf) {
			buf = append(buf, 0)[:len(buf)]
		}
		seen := max(len(buf)-3, 0)
		n, err := r.Read(buf[len(buf):min(cap(buf), maxWSHead)])
		buf = buf[:len(buf)+n]
		if len(buf) > 0 && !begins(buf) {
			return h, nil, notHTTP(buf)
		}
		if end := headEnd(buf, seen); end > 0 {
			h, err := parseWSHead(buf[:end])
			return h, buf[end:], err
		}
		switch {
		case len(buf) == maxWSHead:
			return h, nil, &headError{status: 431, reason: fmt.Sprintf("sent a head of more than %d bytes", maxWSHead)}
		case err == io.EOF && len(buf) == 0:
			return h, nil, io.EOF
		case err == io.EOF:
			return h, nil, io.ErrUnexpectedEOF
		case err != nil:
			return h, nil, err
		}
	}
}

func notHTTP(b []byte) error {
	e := &headError{status: 400, reason: fmt.Sprintf("does not speak HTTP: it sent %.40q", b)}
	if b[0] == 0x16 || b[0] == 0x15 { // a handshake, an alert
		e.reason, e.hint = "speaks TLS, not HTTP", "use wss:// instead of ws://"
	}
	return e
}

// headEnd returns where the empty line ends that ends a head, 0 if there is
// none at or after from. Lines may end in a bare LF.
func headEnd(b []byte, from int) int {
	for i := from; i < len(b); i++ {
		if b[i] != '\n' {
			continue
		}
		switch rest := b[i+1:]; {
		case bytes.HasPrefix(rest, []byte("\n")):
			return i + 2
		case bytes.HasPrefix(rest, []byte("\r\n")):
			return i + 3
		}
	}
	return 0
}

func parseWSHead(b []byte) (wsHead, error) {
	r := textproto.NewReader(bufio.NewReader(bytes.NewReader(b)))
	line, err := r.ReadLine()
	if err != nil {
		return wsHead{}, io.ErrUnexpectedEOF
	}
	header, err := r.ReadMIMEHeader()
	if err != nil {
		return wsHead{}, &headError{status: 400, reason: "sent a malformed header"}
	}
	return wsHead{line, header}, nil
}

// tokens returns the elements of a header that is a list: RFC 9110, section 5.6.1.
func (h wsHead) tokens(key string) []string {
	var all []string
	for _, line := range h.header[textproto.CanonicalMIMEHeaderKey(key)] {
		for t := range strings.SplitSeq(line, ",") {
			if t = strings.Trim(t, " \t"); t != "" {
				all = append(all, t)
			}
		}
	}
	return all
}

// has reports whether a list has the token, in any case.
func (h wsHead) has(key, token string) bool {
	for _, t := range h.tokens(key) {
		if strings.EqualFold(t, token) {
			return true
		}
	}
	return false
}

// get returns a header that may be there once only; ok is false when it is
// there more often.
func (h wsHead) get(key string) (value string, ok bool) {
	v := h.header[textproto.CanonicalMIMEHeaderKey(key)]
	if len(v) == 0 {
		return "", true
	}
	return strings.Trim(v[0], " \t"), len(v) == 1
}

// acceptKey proves that a server has understood the handshake: RFC 6455,
// section 4.2.2, item 5.4.
func acceptKey(key string) string {
	sum := sha1.Sum([]byte(key + "258EAFA5-E914-47DA-95CA-C5AB0DC85B11"))
	return base64.StdEncoding.EncodeToString(sum[:])
}

// isToken reports whether s is a token: RFC 9110, section 5.6.2.
func isToken(s string) bool {
	for i := range len(s) {
		c := s[i]
		if c <= ' ' || c >= 0x7f || strings.IndexByte(`"(),/:;<=>?@[\]{}`, c) >= 0 {
			return false
		}
	}
	return s != ""
}
