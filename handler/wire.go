package handler

import (
	"errors"
	"unicode/utf8"

	"sockeye.dev/charset"
	"sockeye.dev/frame"
	"sockeye.dev/room"
	"sockeye.dev/session"
)

// wire is a block as it goes over the wire to members of one format: all of it,
// and where each line ends. A line of which nothing goes ends where the one
// before does.
type wire struct {
	format session.Format
	json   bool
	bytes  []byte
	ends   []int
}

// maxWires is how many formats a block is kept in: there are few in a room, and
// who chooses more and more of them must not make all others be looked through.
const maxWires = 16

// wireOf makes it, once for each format: what is made stays with the block.
func wireOf(b *room.Block, format session.Format, asJSON bool) (*wire, error) {
	made, _ := b.Memo.([]*wire)
	for _, w := range made {
		if w.json == asJSON && w.format == format {
			return w, nil
		}
	}
	if b.Of != nil {
		if whole, err := wireOf(b.Of, format, asJSON); err == nil {
			return whole.part(b), nil
		}
	}
	size := 0
	for _, l := range b.Lines {
		size += len(l.Text) + 2
	}
	w := &wire{format: format, json: asJSON, bytes: make([]byte, 0, size), ends: make([]int, 0, len(b.Lines))}
	for _, l := range b.Lines {
		text := l.Text
		if asJSON {
			text = lineJSON(b, l)
		}
		switch {
		case format.Send == charset.Hex:
			w.bytes = appendBytes(w.bytes, format, l)
		case text != "" || !asJSON:
			var err error
			if w.bytes, err = appendFitting(w.bytes, format, text); err != nil {
				return w, err
			}
		}
		w.ends = append(w.ends, len(w.bytes))
	}
	if len(made) < maxWires {
		b.Memo = append(made, w)
	}
	return w, nil
}

// part is what w has of the lines of b, which is part of w's block.
func (w *wire) part(b *room.Block) *wire {
	p := &wire{bytes: make([]byte, 0, len(w.bytes)), ends: make([]int, 0, len(b.Lines))}
	at := 0
	for i, l := range b.Of.Lines {
		if n := len(p.ends); n < len(b.Lines) && b.Lines[n] == l {
			p.bytes = append(p.bytes, w.bytes[at:w.ends[i]]...)
			p.ends = append(p.ends, len(p.bytes))
		}
		at = w.ends[i]
	}
	return p
}

// appendFitting appends as much of text as the framing can carry, perhaps
// nothing: what somebody says must not put out those who have chosen len8, or a
// delimiter that it holds.
func appendFitting(dst []byte, format session.Format, text string) ([]byte, error) {
	for {
		framed, err := format.AppendText(dst, text)
		var unfit *frame.Error
		if !errors.As(err, &unfit) {
			return framed, err
		}
		if text == "" {
			return dst, nil
		}
		half := len(text) / 2
		for half > 0 && !utf8.RuneStart(text[half]) {
			half--
		}
		text = text[:half]
	}
}
