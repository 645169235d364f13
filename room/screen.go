package room

import (
	"net/netip"
	"time"
)

// A Screen is how a member sees the room.
//
// Show is called by one goroutine of the room, for one member at a time. What is shown to all is the same *Block in every
// call, so that a Screen can leave the encoded bytes in its Memo for the next. The next fan-out may begin only after Show
// has returned for every member: Show must not block. An error means that the member is lost; it is dropped, and the
// others are told with the error's text as the reason (what a *net.OpError says about addresses is left out).
//
// Show may be called before Join has returned, and once more while Leave is being called. It must not call into the
// room, except for Leave.
type Screen interface {
	Show(b *Block) error
}

// What is said is shown in Blocks of at most so many bytes of Text, and lines, to each of which JSON adds a hundred bytes and
// more: a Screen whose member has fallen behind must have room for several, however it encodes them.
const (
	MaxBlock      = 64 << 10
	MaxBlockLines = 1024
)

// A Block is what a member is shown at once: one line, or all that were said while the room was busy, in their order. It
// never changes after it was made, but for its Memo, and may be kept.
type Block struct {
	Lines []*Line // at least one
	Room  string  // the room's name; set before it is shown

	// Past says that it is shown to somebody who has just come, or has asked what was said.
	Past bool

	// Of is a block that has all of these Lines, in this order, and others: a Screen that has made something of that can cut
	// what it needs out of it. Nil for most.
	Of *Block

	said bool // it has what somebody said

	// Memo is for Screens: what one has made of the block, for the next that is shown it. It is used from within Show only.
	Memo any
}

// An Ender is what a Screen may also be: End is called when the room, not the member, ends the membership, so that the
// member's connection can be ended too. It is called at most once, from the same goroutine as Show and after the last
// Show, with the error Show returned, with ErrClosed or with ErrKicked; the restrictions of Show apply. last says why for
// the member to read, if it still can; it has not been shown. It is not called after Leave or /quit.
type Ender interface {
	End(last *Line, reason error)
}

// A Prefetcher is what a Screen may also be. Prefetch is called a little before Show, for several Screens in a row, and reads
// what Show will need: the processor then fetches it from memory for all of them at once, not for one after the other.
// It changes nothing and does not wait; nothing depends on its being called.
type Prefetcher interface {
	Prefetch()
}

// A Visitor is what a Screen may also be: one that knows who looks at it.
type Visitor interface {
	// Source is where the member comes from: an IP address, or the zero Addr where it has none.
	Source() netip.Addr

	// Operator reports whether the member is an operator from the beginning.
	Operator() bool
}

// A Line is what a member sees. It never changes after it was made and may be kept.
type Line struct {
	Seq  uint64 // of the Message it shows, the last one if it sums up several; 0 for a line shown to one member only
	Time time.Time
	Kind Kind
	Text string // one line without its newline, valid UTF-8, harmless on a terminal
	From string // the nick of whose doing it is, empty if it sums up several, and
	Body string // what they said, where somebody said something, or the sum; as harmless as Text
	To   string // the nick of whom it is about, or who is whispered to
}

func (l *Line) said() bool { return l.Kind == Say || l.Kind == Emote }
