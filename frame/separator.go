package frame

import (
	"bytes"
	"encoding/hex"
	"maps"
	"sync"
	"sync/atomic"

	"sockeye.dev/charset"
)

// maxDelim is the longest delimiter in bytes. It bounds how much of a message
// that is too long must be held back.
const maxDelim = 256

var lineEnd = []byte("\r\n")

// separators remembers the bytes of delimiters, so that framers can be small
// values that need not be prepared. Only configuration adds to it.
var separators struct {
	known atomic.Pointer[map[separatorKey]separator]
	add   sync.Mutex
}

type separatorKey struct {
	e    *charset.Encoding
	text string
	hex  bool
}

type separator struct {
	bytes []byte
	err   error
}

// lineBytes returns CR LF in e, or from there on LF alone.
func lineBytes(e *charset.Encoding) (crlf []byte, lf int, err error) {
	if e == nil || e == charset.UTF8 || e.IsAuto() { // which contains ASCII
		return lineEnd, 1, nil
	}
	crlf, err = sepBytes(e, "\r\n")
	return crlf, len(crlf) / 2, err
}

// sepBytes returns text in e.
func sepBytes(e *charset.Encoding, text string) ([]byte, error) {
	return separatorKey{e: e, text: text}.bytes()
}

func hexBytes(hex string) ([]byte, error) { return separatorKey{text: hex, hex: true}.bytes() }

func (k separatorKey) bytes() ([]byte, error) {
	if known := separators.known.Load(); known != nil {
		if s, ok := (*known)[k]; ok {
			return s.bytes, s.err
		}
	}
	return k.learn()
}

// learn makes and remembers the bytes of a delimiter.
//
//go:noinline
func (k separatorKey) learn() ([]byte, error) {
	separators.add.Lock()
	defer separators.add.Unlock()
	next := map[separatorKey]separator{}
	if known := separators.known.Load(); known != nil {
		maps.Copy(next, *known)
	}
	b, err := k.make()
	next[k] = separator{b, err}
	separators.known.Store(&next)
	return b, err
}

func (k separatorKey) make() (b []byte, err error) {
	if k.hex {
		f := Delim{Hex: k.text}
		if b, err = hex.DecodeString(k.text); err != nil {
			return nil, fail(f, "%q is not hexadecimal", k.text)
		}
		return b, checkLength(f, b)
	}
	f := Delim{Text: k.text}
	if b = []byte(k.text); k.e != nil {
		if b, err = k.e.Bytes(k.text); err != nil {
			return nil, fail(f, "%s has no %q", k.e.Name(), k.text)
		}
	}
	return b, checkLength(f, b)
}

func checkLength(f Framer, delimiter []byte) error {
	switch n := len(delimiter); {
	case n == 0:
		return fail(f, "the delimiter is empty")
	case n > maxDelim:
		return fail(f, "the delimiter is %d bytes long, more than %d", n, maxDelim)
	}
	return nil
}

// index is e.Index, and for bytes, where e is nil, the like.
func index(e *charset.Encoding, data, sep []byte, from int) (i, resume int) {
	switch {
	case e == nil || e.SelfSynchronizing(sep):
		if i := bytes.Index(data[from:], sep); i >= 0 {
			return from + i, from + i
		}
		return -1, max(from, len(data)-len(sep)+1)
	case !e.IsAuto():
		return e.Index(data, sep, from)
	}
	// An automatic encoding judges by all it is given. Of a buffer full of
	// short messages give it little, or each of them would look at all others.
	for window := 2 * maxDelim; ; window *= 2 {
		end := min(from+window, len(data))
		if i, from = e.Index(data[:end], sep, from); i >= 0 || end == len(data) {
			return i, from
		}
	}
}

func splitText(data []byte, e *charset.Encoding, sep string, from int, atEOF bool) (int, []byte, int, error) {
	b, err := sepBytes(e, sep)
	if err != nil {
		return 0, nil, 0, err
	}
	return splitAt(data, e, b, from, atEOF)
}

func splitAt(data []byte, e *charset.Encoding, sep []byte, from int, atEOF bool) (int, []byte, int, error) {
	i, resume := index(e, data, sep, from)
	if i >= 0 {
		return i + len(sep), data[:i], i, nil
	}
	if atEOF && len(data) > 0 {
		return len(data), data, len(data), nil
	}
	return 0, nil, resume, nil
}

func splitOnly(advance int, message []byte, _ int, err error) (int, []byte, error) {
	return advance, message, err
}

func appendText[F Framer](f F, dst, payload []byte, e *charset.Encoding, sep string) ([]byte, error) {
	b, err := sepBytes(e, sep)
	if err != nil {
		return dst, err
	}
	return appendWith(f, dst, payload, e, b, 0)
}

// appendWith appends payload and end, whose bytes from sep on are what readers
// look for, and makes sure that they find it there and nowhere before. (It is
// generic because making f an interface would allocate.)
func appendWith[F Framer](f F, dst, payload []byte, e *charset.Encoding, end []byte, sep int) ([]byte, error) {
	framed := append(append(dst, payload...), end...)
	at := len(payload) + sep
	switch i, _ := index(e, framed[len(dst):], end[sep:], 0); {
	case i == at:
		return framed, nil
	case i >= 0 && i+len(end)-sep <= len(payload):
		return dst, fail(f, "the message holds the delimiter, at byte %d", i)
	case i >= 0 && i < at:
		return dst, fail(f, "the message ends in a part of the delimiter")
	}
	return dst, fail(f, "the message ends inside a character of %s", e.Name())
}
