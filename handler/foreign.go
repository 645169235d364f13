package handler

import (
	"bytes"
	"errors"

	"sockeye.dev/session"
)

// Errors that end a conversation with a stranger who means something else.
var (
	// ErrHTTP says that the peer speaks HTTP: a web page can make a browser post
	// into a raw port, so such strangers are not let in.
	ErrHTTP = errors.New("the peer speaks HTTP, not to a chat room")
	// ErrTLS says that the peer begins a TLS handshake at a door without TLS.
	ErrTLS = errors.New("the peer speaks TLS, and this door does not; tls:// or wss:// would")
	// ErrSSH says that the peer takes the door for an SSH server.
	ErrSSH = errors.New("the peer speaks SSH, not to a chat room")
)

func isForeign(err error) bool { return err == ErrHTTP || err == ErrTLS || err == ErrSSH }

// opening is a [session.Opening] that turns strangers away. It looks at the
// bytes and not at messages: where one ends a stranger may have a say in, for
// it need only know the framing.
func opening(p []byte) (session.Opening, error) {
	if more, err := foreign(p); !more {
		return nil, err
	}
	first := bytes.Clone(p)
	var next session.Opening
	next = func(p []byte) (session.Opening, error) {
		first = append(first, p...)
		if more, err := foreign(first); !more {
			return nil, err
		}
		return next, nil
	}
	return next, nil
}

// foreign says what a peer speaks that is not for us, by the first bytes it
// sends, or nil. more says that the next ones may tell.
func foreign(first []byte) (more bool, err error) {
	for _, protocol := range [...]struct {
		begins func([]byte) verdict
		err    error
	}{{beginsHTTP, ErrHTTP}, {beginsTLS, ErrTLS}, {beginsSSH, ErrSSH}} {
		switch protocol.begins(first) {
		case yes:
			return false, protocol.err
		case maybe:
			more = true
		}
	}
	return more, nil
}

type verdict uint8

const (
	no verdict = iota
	maybe
	yes
)

// longLine is so much of a request line that the rest is not waited for.
const longLine = 1024

// beginsHTTP tells by a request line (RFC 9112, section 3), up to the version.
func beginsHTTP(b []byte) verdict {
	method := 0
	for method < len(b) && b[method] >= 'A' && b[method] <= 'Z' {
		method++
	}
	switch {
	case method > 16:
		return no
	case method == len(b):
		return maybe
	case method < 3 || b[method] != ' ':
		return no
	}
	target := b[method+1:]
	end := bytes.IndexAny(target, " \t\r\n\v\f")
	switch {
	case end < 0 && len(b) < longLine:
		return maybe
	case end < 0 && target[0] == '/':
		return yes
	case end <= 0 || target[end] != ' ':
		return no
	}
	const name = "HTTP/"
	version := target[end+1:]
	n := min(len(version), len(name))
	switch {
	case string(version[:n]) != name[:n]:
		return no
	case len(version) == n:
		return maybe
	case version[n] < '0' || version[n] > '9':
		return no
	}
	return yes
}

// beginsTLS tells by a handshake record with a ClientHello (RFC 8446, sections
// 5.1 and 4.1.2). Its first bytes alone are a meter's, too: Modbus device 22
// answers with 22 and 3.
func beginsTLS(b []byte) verdict {
	const enough = 10
	for i, c := range b[:min(len(b), enough)] {
		ok := true
		switch i {
		case 0:
			ok = c == 22
		case 1, 9: // versions of the record, and of the hello
			ok = c == 3
		case 2:
			ok = c <= 4
		case 5:
			ok = c == 1
		case 6: // no hello is longer than 64 KiB
			ok = c == 0
		}
		if !ok {
			return no
		}
	}
	if len(b) < enough {
		return maybe
	}
	return yes
}

// beginsSSH tells by a banner (RFC 4253, section 4.2), up to the software.
func beginsSSH(b []byte) verdict {
	const name = "SSH-"
	n := min(len(b), len(name))
	if string(b[:n]) != name[:n] {
		return no
	}
	for i, c := range b[n:] {
		ok := c >= '0' && c <= '9' && i < 6
		switch {
		case i == 0:
			ok = c == '1' || c == '2'
		case i == 1:
			ok = c == '.'
		case i > 2 && c == '-':
			return yes
		}
		if !ok {
			return no
		}
	}
	return maybe
}
