package endpoint

import (
	"errors"
	"fmt"
	"net"
	"syscall"
)

// An AddrError says why a text is not an address.
type AddrError struct {
	Input  string // what was parsed
	Reason string // what is wrong with it, in lower case
	Hint   string // what to write instead; may be empty
}

// Error returns the attempt and the reason, without the hint.
func (e *AddrError) Error() string {
	return fmt.Sprintf("parse address %q: %s", e.Input, e.Reason)
}

// An OptionError says why an address's option is refused: unknown, misplaced or
// with a value that is none of its own.
type OptionError struct {
	Op     string // "dial" or "listen"
	Addr   Addr
	Option string
	Value  string
	Reason string
	Hint   string // may be empty

	here purpose // of an unknown option: what would have been known
}

// Also says that a layer above has options of these names, which it has taken
// before: the hint about one that is unknown tells of them, too.
func (e *OptionError) Also(names ...string) {
	if e.here != 0 {
		e.Hint = unknownHint(e.Option, e.here, names)
	}
}

// Error returns the attempt, the option and the reason, without the hint.
func (e *OptionError) Error() string {
	opt := e.Option
	if e.Value != "" {
		opt += "=" + e.Value
	}
	where := e.Addr
	where.Options = Options{}
	return fmt.Sprintf("%s %s: option %q: %s", e.Op, where, opt, e.Reason)
}

// A MessageSizeError reports a message that no single datagram can carry.
// It is a syscall.EMSGSIZE to errors.Is.
type MessageSizeError struct {
	Size  int // bytes in the message
	Limit int // bytes that would have fitted; 0 when the system did not say
}

func (e *MessageSizeError) Error() string {
	if e.Limit == 0 {
		return fmt.Sprintf("message of %d bytes is more than the system sends in one datagram", e.Size)
	}
	return fmt.Sprintf("message of %d bytes exceeds the limit of %d bytes in one datagram", e.Size, e.Limit)
}

// Unwrap returns syscall.EMSGSIZE.
func (e *MessageSizeError) Unwrap() error { return syscall.EMSGSIZE }

// ErrPeerExists is returned (wrapped) by a datagram listener's Dial when a
// conversation with that peer is already open on the socket. Two conns could
// not tell which of them an arriving datagram is for.
var ErrPeerExists = errors.New("a conversation with this peer is already open")

// Hint returns what the person who sees err could do about it, "" when there is
// nothing useful to say. It finds the hints of this package's errors and knows
// the usual reasons of the system's.
func Hint(err error) string {
	var ae *AddrError
	if errors.As(err, &ae) {
		return ae.Hint
	}
	var oe *OptionError
	if errors.As(err, &oe) {
		return oe.Hint
	}
	var pe *PeerError
	if errors.As(err, &pe) && pe.Hint != "" {
		return pe.Hint
	}
	if errors.Is(err, ErrPeerExists) {
		return "use the conversation that is open, or close it first"
	}
	var dns *net.DNSError
	if errors.As(err, &dns) && dns.IsNotFound {
		return "the name is not known: check its spelling, or write the address"
	}
	if isErrno(err, syscall.EACCES) && isPrivileged(err) {
		return "ports below 1024 are the system's: choose a higher one, or give the program the right to them"
	}
	for _, h := range systemHints {
		if isErrno(err, h.reason) {
			return h.hint
		}
	}
	return ""
}

// isPrivileged reports whether err is about listening on a port that needs rights.
func isPrivileged(err error) bool {
	var oe *net.OpError
	if !errors.As(err, &oe) || oe.Op != "listen" {
		return false
	}
	a := AddrOf("", oe.Addr)
	return 0 < a.Port && a.Port < 1024
}

var systemHints = []struct {
	reason syscall.Errno
	hint   string
}{
	{syscall.EADDRINUSE, "another program is listening there: choose another port, or 0 to let the system choose"},
	{syscall.EADDRNOTAVAIL, "the address is not one of this machine's: leave the host empty to listen on all of them"},
	{syscall.ECONNREFUSED, "nothing is listening there: check the port, and that the server runs"},
	{syscall.EPROTOTYPE, "the socket there is of the other kind: unix: is for streams, unixgram: for datagrams"},
	{syscall.EMSGSIZE, "send it in pieces, or over a stream (tcp)"},
}
