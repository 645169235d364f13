package room

import "time"

// A Screen is how a member sees the room.
//
// Show is called by one goroutine of the room, for one member at a time: screens of the same room may share state, such
// as the encoded bytes of the last block, without a lock. What is shown to all is the same *Block in every call, so its
// pointer is the key for encoding it once. The next fan-out may begin only after Show has returned for every member:
// Show must not block. An error means that the member is lost; it is dropped, and the others are told with the error's
// text as the reason (what a *net.OpError says about addresses is left out).
//
// Show may be called before Join has returned, and once more while Leave is being called. It must not call into the
// room, except for Leave.
type Screen interface {
	Show(b *Block) error
}

// A Block is what a member is shown at once: one line, or all that were said while the room was busy, in their order. It
// never changes after it was made and may be kept.
type Block struct {
	Lines []*Line // at least one
}

// An Ender is what a Screen may also be: End is called when the room, not the member, ends the membership, so that the
// member's connection can be ended too. It is called at most once, from the same goroutine as Show and after the last
// Show, with the error Show returned or with ErrClosed; the restrictions of Show apply. It is not called after Leave
// or /quit.
type Ender interface {
	End(reason error)
}

// A Line is what a member sees. It never changes after it was made and may be kept.
type Line struct {
	Seq  uint64 // of the Message it shows, the last one if it sums up several; 0 for a line shown to one member only
	Time time.Time
	Kind Kind
	Text string // one line without its newline, valid UTF-8, harmless on a terminal
}
