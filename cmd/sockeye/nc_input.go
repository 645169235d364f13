package main

import (
	"bytes"
	"context"
	"io"
	"time"

	"sockeye.dev/handler"
)

// maxDatagram is how much of a file one datagram carries, as with netcats.
const maxDatagram = 16 << 10

// input is what is sent: standard input as the plan wants it, or nothing. What
// one read brings is one datagram; a person's line is text.
func (n *ncProgram) input(settled *plan) (*handler.Input, func()) {
	p := n.plan
	if p.noInput || p.recvOnly {
		return &handler.Input{R: bytes.NewReader(nil), Source: handler.File}, func() {}
	}
	in, done := n.app.input()
	if p.crlf || p.lineDelay > 0 || p.datagrams() {
		ctx, cancel := context.WithCancel(context.Background())
		in.R = &ncLines{r: in.R, crlf: p.crlf, delay: p.lineDelay, ctx: ctx, cancel: cancel}
	}
	if in.Source == handler.Typed {
		settled.reading(in)
		in.KeepEnd = true
	}
	return in, done
}

// An ncLines is input in pieces that fit a datagram, with its line ends made
// CRLF, or given line by line with a pause before each.
type ncLines struct {
	r      io.Reader
	crlf   bool
	delay  time.Duration
	ctx    context.Context // ends a pause
	cancel context.CancelFunc

	cr   bool                  // the last byte was one
	rest []byte                // read, not yet given
	buf  [maxDatagram / 2]byte // CRLF may double it
	err  error
}

// Read gives what there is, or a line.
func (l *ncLines) Read(p []byte) (int, error) {
	for len(l.rest) == 0 {
		if l.err != nil {
			return 0, l.err
		}
		var n int
		n, l.err = l.r.Read(l.buf[:])
		l.rest = l.ends(l.rest, l.buf[:n])
	}
	n := len(l.rest)
	if l.delay > 0 {
		if i := bytes.IndexByte(l.rest, '\n'); i >= 0 {
			n = i + 1
		}
		select {
		case <-time.After(l.delay):
		case <-l.ctx.Done():
			return 0, io.EOF
		}
	}
	n = copy(p, l.rest[:n])
	l.rest = l.rest[n:]
	return n, nil
}

// ends appends b with its line ends.
func (l *ncLines) ends(dst, b []byte) []byte {
	if !l.crlf {
		return append(dst, b...)
	}
	for _, c := range b {
		if c == '\n' && !l.cr {
			dst = append(dst, '\r')
		}
		dst = append(dst, c)
		l.cr = c == '\r'
	}
	return dst
}

// Cancel ends a Read: see [handler.Input].
func (l *ncLines) Cancel() bool {
	l.cancel()
	if c, ok := l.r.(interface{ Cancel() bool }); ok {
		return c.Cancel()
	}
	return false
}
