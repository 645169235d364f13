package handler

import (
	"bufio"
	"bytes"
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"strings"
	"sync"
	"time"

	"sockeye.dev/session"
)

// Source is what a program's input is: it decides how long a conversation that
// the peer has ended waits for the rest of it.
type Source uint8

// The sources.
const (
	Pipe  Source = iota // sent on as long as it yields bytes
	File                // sent to its end
	Typed               // a person at a terminal: does not hold us
)

// Input is a program's input, cut into what is to be sent.
type Input struct {
	// R is the input. If it has a method Cancel() bool, that ends a Read.
	R io.Reader
	// Source is what R is.
	Source Source
	// Read turns a line into a message. Default: the input is bytes and sent as
	// they come, without regard to lines.
	Read func(line []byte) (session.Message, error)
	// KeepEnd leaves the line's end on what Read gets, for conversations whose
	// framing adds none. Default: it is taken off.
	KeepEnd bool

	br *bufio.Reader // of the one goroutine that reads

	mu     sync.Mutex
	since  time.Time // when the read under way began; zero: none is
	cancel bool
}

// errCanceled says that nobody waits for the input any more.
var errCanceled = errors.New("input canceled")

// Next is the next message: a line, or what one read brings.
func (in *Input) Next() (session.Message, error) {
	if in.Read != nil {
		line, err := in.line()
		if err != nil {
			return session.Message{}, err
		}
		m, err := in.Read(line)
		if err != nil {
			err = &mistakeError{err}
		}
		return m, err
	}
	br := in.buffered()
	if _, err := br.Peek(1); err != nil {
		return session.Message{}, err
	}
	p, _ := br.Peek(br.Buffered())
	m := session.Bytes(bytes.Clone(p))
	m.Bare = true
	_, _ = br.Discard(len(p))
	return m, nil
}

func (in *Input) buffered() *bufio.Reader {
	if in.br == nil {
		in.br = bufio.NewReaderSize(reader{in}, 64<<10)
	}
	return in.br
}

// line is the next line, the last one with or without an end.
func (in *Input) line() ([]byte, error) {
	line, err := in.buffered().ReadBytes('\n')
	switch {
	case errors.Is(err, errCanceled) && len(line) > 0:
		return nil, fmt.Errorf("%d bytes were read, no whole line, and not sent", len(line))
	case err != nil && (len(line) == 0 || !isEOF(err)):
		return nil, err
	}
	if !in.KeepEnd {
		line = bytes.TrimSuffix(bytes.TrimSuffix(line, []byte{'\n'}), []byte{'\r'})
	}
	return line, nil
}

// reader notes when a read begins and ends, so that silence can be told from
// work.
type reader struct{ *Input }

func (r reader) Read(p []byte) (int, error) {
	r.mu.Lock()
	if r.cancel {
		r.mu.Unlock()
		return 0, errCanceled
	}
	r.since = time.Now()
	r.mu.Unlock()
	n, err := r.R.Read(p)
	r.mu.Lock()
	r.since = time.Time{}
	if r.cancel && n == 0 {
		err = errCanceled
	}
	r.mu.Unlock()
	return n, err
}

// Stop ends a Next under way, and all later ones.
func (in *Input) Stop() {
	in.mu.Lock()
	in.cancel = true
	in.mu.Unlock()
	if c, ok := in.R.(interface{ Cancel() bool }); ok {
		c.Cancel()
	}
}

// finish waits until the input, of which a conversation that the peer has
// ended is the last reader, holds nothing more: a file to its end, a pipe
// until it has been silent for hold. done ends when the sender is through.
func (in *Input) finish(ctx context.Context, hold time.Duration, done <-chan struct{}) {
	defer in.Stop()
	if in.Source == Typed {
		return
	}
	t := time.NewTimer(0)
	defer t.Stop()
	for {
		select {
		case <-done:
			return
		case <-ctx.Done():
			return
		case <-t.C:
		}
		in.mu.Lock()
		since := in.since
		in.mu.Unlock()
		silent := time.Duration(0)
		if !since.IsZero() && in.Source == Pipe {
			silent = time.Since(since)
		}
		if silent >= hold {
			return
		}
		t.Reset(hold - silent)
	}
}

// TextLine reads a line as text.
func TextLine(line []byte) (session.Message, error) { return session.Text(string(line)), nil }

// BytesLine reads a line as bytes that are sent as they are.
func BytesLine(line []byte) (session.Message, error) {
	return session.Bytes(append([]byte(nil), line...)), nil
}

// HexLine reads a line of hexadecimal digits as bytes. Spaces, colons, commas,
// dashes and 0x between bytes are for the eye.
func HexLine(line []byte) (session.Message, error) {
	p, err := ParseHex(string(line))
	return session.Bytes(p), err
}

// EscapedLine reads a line of text with escapes: see [Unescape].
func EscapedLine(line []byte) (session.Message, error) {
	text, err := Unescape(string(line))
	return session.Text(text), err
}

// ParseHex reads hexadecimal digits as bytes. Spaces, colons, commas, dashes
// and 0x between bytes are for the eye.
func ParseHex(s string) ([]byte, error) {
	digits := strings.NewReplacer("0x", "", "0X", "", "\\x", "", " ", "", "\t", "", ":", "", ",", "", "-", "", "\r", "", "\n", "").Replace(s)
	p, err := hex.DecodeString(digits)
	var bad hex.InvalidByteError
	s = strings.TrimSpace(s)
	switch {
	case errors.As(err, &bad):
		return nil, fmt.Errorf("read %q as hex: %q is no hexadecimal digit", s, rune(bad))
	case errors.Is(err, hex.ErrLength):
		return nil, fmt.Errorf("read %q as hex: half a byte is left over", s)
	}
	return p, err
}
