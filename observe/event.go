package observe

import (
	"net"
	"time"
)

// Kind says what happened.
type Kind uint8

const (
	// Open: a conversation has begun.
	Open Kind = iota + 1
	// Data: bytes went over the connection, as they were read or written.
	Data
	// EOF: one side, named by Dir, has ended sending. In: the peer has.
	EOF
	// Close: the conversation is over; Err says why if it was not orderly.
	Close
	// Error: something went wrong that did not by itself end the conversation.
	Error
	// Note: a remark, in Text.
	Note
	// Lost: something is missing here. N says how much, Text of what and why.
	Lost
)

var kindNames = [...]string{"unknown", "open", "data", "eof", "close", "error", "note", "lost"}

// String returns the name that recordings use: "open", "data", "eof",
// "close", "error", "note" or "lost".
func (k Kind) String() string {
	if int(k) < len(kindNames) {
		return kindNames[k]
	}
	return kindNames[0]
}

// Direction says which way bytes went, as seen from our side.
type Direction uint8

const (
	// In is from the peer to us.
	In Direction = iota
	// Out is from us to the peer.
	Out
)

// String returns "in" or "out".
func (d Direction) String() string {
	if d == Out {
		return "out"
	}
	return "in"
}

// Event is one thing that happened in a conversation. Its zero fields are
// fields that do not apply.
type Event struct {
	Kind   Kind
	Dir    Direction // of Data and EOF
	Conv   uint64    // the conversation, numbered from 1; 0: none in particular
	Link   uint64    // the other half of a relay, or 0
	Offset int64     // of Data[0] in its direction, in bytes from the start
	N      int64     // of Lost: how much is missing
	Time   time.Time

	Network       string // "tcp", "udp", "unix" and so on, as net.Addr has it
	Local, Remote net.Addr

	// Data is what was read or written. It belongs to whoever observed the
	// event first and is valid only until Observe returns.
	Data []byte

	Text string // of Note: the remark; of the others: the reason, if there is one
	Err  error  // of Error and Close
}

// Observer is told what happens. Observe may be called by any number of
// goroutines at once; it must not block, and it must not keep e.Data once it
// has returned. (A [Log] that blocks does so on purpose: it is a recording.)
type Observer interface {
	Observe(e Event)
}

// ObserverFunc is a function that is an [Observer].
type ObserverFunc func(e Event)

// Observe calls f.
func (f ObserverFunc) Observe(e Event) { f(e) }

// Multi returns an Observer that tells each of the given ones in turn. Nil
// ones are left out; with none left the result is nil, and with one it is
// that one.
func Multi(observers ...Observer) Observer {
	var all multi
	for _, o := range observers {
		switch o := o.(type) {
		case nil:
		case multi:
			all = append(all, o...)
		default:
			all = append(all, o)
		}
	}
	switch len(all) {
	case 0:
		return nil
	case 1:
		return all[0]
	}
	return all
}

type multi []Observer

func (m multi) Observe(e Event) {
	for _, o := range m {
		o.Observe(e)
	}
}

// Formatter writes an event down. AppendEvent appends the whole of what stands
// for e, with its line ends, to dst; nothing if the format leaves such events
// out. A Formatter may hold state and is called by one goroutine at a time.
type Formatter interface {
	AppendEvent(dst []byte, e *Event) []byte
}
