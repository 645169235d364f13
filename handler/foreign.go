package handler

import (
	"errors"
	"regexp"
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

// What SSH begins with, and an HTTP request: a message may be all of it, or not
// even its first line.
var (
	requestLine    = regexp.MustCompile(`^[A-Z]{3,16} \S+ HTTP/[0-9.]+(\r?\n|$)`)
	banner         = regexp.MustCompile(`^SSH-[12]\.[0-9]+-`) // RFC 4253, section 4.2
	requestLineCut = regexp.MustCompile(`^[A-Z]{3,16} \S+ ?[HTP/0-9.]*$`)
)

// foreign says what a peer speaks that is not for us, by the first thing it
// says, or nil. cut says that more of that thing follows.
func foreign(first []byte, cut bool) error {
	switch {
	case requestLine.Match(first), cut && requestLineCut.Match(first):
		return ErrHTTP
	case len(first) > 2 && first[0] == 22 && first[1] == 3 && first[2] <= 4: // a handshake record (RFC 8446, section 5.1)
		return ErrTLS
	case banner.Match(first):
		return ErrSSH
	}
	return nil
}
