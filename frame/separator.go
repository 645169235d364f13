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

var newline, carriageReturn = []byte("\n"), []byte("\r")

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

// sepBytes returns text in e.
func sepBytes(f Framer, e *charset.Encoding, text string) ([]byte, error) {
	if e == nil || e == charset.UTF8 {
		switch text {
		case "\n":
			return newline, nil
		case "\r":
			return carriageReturn, nil
		}
	}
	return lookup(f, separatorKey{e: e, text: text})
}

func hexBytes(f Delim) ([]byte, error) { return lookup(f, separatorKey{text: f.Hex, hex: true}) }

func lookup(f Framer, k separatorKey) ([]byte, error) {
	if known := separators.known.Load(); known != nil {
		if s, ok := (*known)[k]; ok {
			return s.bytes, s.err
		}
	}
	separators.add.Lock()
	defer separators.add.Unlock()
	next := map[separatorKey]separator{}
	if known := separators.known.Load(); known != nil {
		maps.Copy(next, *known)
	}
	next[k] = makeSeparator(f, k)
	separators.known.Store(&next)
	return next[k].bytes, next[k].err
}

func makeSeparator(f Framer, k separatorKey) separator {
	b, err := []byte(k.text), error(nil)
	switch {
	case k.hex:
		if b, err = hex.DecodeString(k.text); err != nil {
			return separator{err: fail(f, "%q is not hexadecimal", k.text)}
		}
	case k.e != nil:
		if b, err = k.e.Bytes(k.text); err != nil {
			return separator{err: fail(f, "%s has no %q", k.e.Name(), k.text)}
		}
	}
	if len(b) == 0 {
		err = fail(f, "the delimiter is empty")
	} else if len(b) > maxDelim {
		err = fail(f, "the delimiter is %d bytes long, more than %d", len(b), maxDelim)
	}
	return separator{b, err}
}

// index is e.Index, and for bytes, where e is nil, the like.
func index(e *charset.Encoding, data, sep []byte, from int) (i, resume int) {
	if e != nil {
		return e.Index(data, sep, from)
	}
	if i := bytes.Index(data[from:], sep); i >= 0 {
		return from + i, from + i
	}
	return -1, max(from, len(data)-len(sep)+1)
}

func splitText(f Framer, data []byte, e *charset.Encoding, sep string, from int, atEOF bool) (int, []byte, int, error) {
	b, err := sepBytes(f, e, sep)
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

func appendText(f Framer, dst, payload []byte, e *charset.Encoding, sep string) ([]byte, error) {
	b, err := sepBytes(f, e, sep)
	if err != nil {
		return dst, err
	}
	return appendWith(f, dst, payload, e, b, 0)
}

// appendWith appends payload and end, whose bytes from sep on are what readers
// look for, and makes sure that they find it there and nowhere before.
func appendWith(f Framer, dst, payload []byte, e *charset.Encoding, end []byte, sep int) ([]byte, error) {
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
