package room

import (
	"context"
	"fmt"
	"time"
)

// Kind says what a Message or a Line is about. Its numbers are part of what buses store: new kinds are added at the end.
type Kind uint8

// The kinds of messages.
const (
	Notice Kind = iota // the room speaks to one member; never on a bus
	Say                // From said Text
	Emote              // From did Text (/me)
	Join               // From joined, or a guest if From is empty or taken by then; Text has "operator" and "muted" if it is so from the beginning
	Leave              // From left; Text is the reason, or empty
	Rename             // From is called Text from now on, unless that is taken by then

	// In the following Text begins with the nick of whom it is about, and a space if more follows.
	Whisper // From says the rest of Text to one member
	Kick    // From has put somebody out; the rest of Text is the reason, or empty
	Ban     // as Kick, and the source is barred
	Mute    // From has silenced somebody
	Unmute  // From lets somebody speak again
	Promote // From has made somebody an operator

	Topic // From has made Text the topic
	Bar   // nobody from the source that Text names is let in any more
	Unbar // From has lifted that

	// What nodes tell each other. Author.Node is the node, Author.Member 0.
	Hello // a node has come, and wants to know who is here
	Here  // Text is a snapshot in answer to a Hello
	Gone  // Text says which nodes are not there any more
	Back  // Text is a snapshot of a node that was taken for gone

	Demote // From has made somebody no operator any more; Text as for Promote
)

var kindNames = [...]string{"notice", "say", "emote", "join", "leave", "rename", "whisper", "kick", "ban", "mute", "unmute",
	"promote", "topic", "bar", "unbar", "hello", "here", "gone", "back", "demote"}

// String returns the kind's name in lower case.
func (k Kind) String() string {
	if int(k) < len(kindNames) {
		return kindNames[k]
	}
	return fmt.Sprintf("kind(%d)", uint8(k))
}

// An ID names one member for as long as it is in a room, whatever it calls itself. Two members never share one, not
// even in different processes on the same bus. The zero ID is nobody's.
type ID struct {
	Node   uint64 // the Room, at random
	Member uint64 // the member of that Room, from 1
}

// A Message is what travels on a Bus. From and Text are as their author wrote them: whoever shows them makes them
// harmless first, as Room does.
type Message struct {
	Seq    uint64    // its place in the room's order, from 1; assigned by the bus
	Time   time.Time // when it was published
	Kind   Kind
	From   string // the author's nick at that time
	Text   string // what was said; see Kind
	Author ID     // the author, so that a room recognises its own members
	Past   bool   // it was published before the subscription that delivers it; set by the bus, and not kept
}

// A Position says where in a room's order a subscription starts. The zero Position is Latest.
type Position struct {
	after  bool
	seq    uint64
	recent int
}

// Latest starts with the next message that is published.
var Latest = Position{}

// After starts with the first message whose Seq is greater than seq; After(0) is everything that is still kept.
func After(seq uint64) Position { return Position{after: true, seq: seq} }

// Recent starts so early that the last n things that were said (Say and Emote) are among what is delivered, if so many are
// kept. What a bus delivers before them, of whatever kind, is its own choice. Recent(0) is Latest.
func Recent(n int) Position { return Position{recent: max(n, 0)} }

// Said returns how many things said p asks for; 0 for a position that is not a Recent one.
func (p Position) Said() int { return p.recent }

// Seq returns the sequence number p starts after; ok is false for Latest and Recent.
func (p Position) Seq() (seq uint64, ok bool) { return p.seq, p.after }

// A Bus carries the messages of rooms and gives each room's messages their order. Mem is the in-memory one. All
// methods may be called by several goroutines at once.
type Bus interface {
	// Publish gives m the next sequence number of the named room, hands it to the room's subscribers and returns the
	// number. It returns once the message is as durable as the bus promises; whether it has been delivered by then is
	// the bus's choice. Messages published one after another by one goroutine keep their order. A Publish waits while
	// subscribers are behind by more than the bus can hold, until ctx ends. After an error that is
	// ErrUnconfirmed the message may have been published; after another it has not.
	Publish(ctx context.Context, room string, m Message) (seq uint64, err error)

	// Subscribe calls deliver for each of the room's messages from since on: in the order of Seq, one call at a time,
	// possibly before Subscribe has returned. Messages older than what the bus keeps are skipped, which shows as a gap
	// in Seq. deliver should only queue what it gets, and must neither publish to the same room nor call cancel.
	//
	// ctx bounds the subscribing. The subscription lasts until cancel is called; once cancel has returned, deliver is
	// not running and is never called again. Calling cancel again does nothing.
	Subscribe(ctx context.Context, room string, since Position, deliver func(Message)) (cancel func(), err error)
}

// A Watcher is what a Bus may also be: one that can be cut off from what carries its messages. Watch has f called when
// that happens, with the reason, and with nil when it is back, having lost nothing; at once if it is cut off now. f must
// not block. Once stop has returned, f is not running and is never called again.
type Watcher interface {
	Watch(f func(down error)) (stop func())
}

// A Lister is what a Bus may also be: one that knows which rooms there are on it, open or only kept.
type Lister interface {
	Rooms(ctx context.Context) (names []string, err error)
}

// A Forgetter is what a Bus may also be: one that can forget a room.
type Forgetter interface {
	// Forget forgets the room if nothing that was said in it is kept, and no other process can be in it. Nobody is
	// subscribed to it or publishes to it meanwhile. Where it begins anew, its numbers go on after all there were.
	Forget(ctx context.Context, room string) error
}

// A Keeper is what a Bus may also be: one that knows what it keeps of a room.
type Keeper interface {
	// Oldest is the Seq of the oldest message that is kept, or of the next one if none is.
	Oldest(ctx context.Context, room string) (seq uint64, err error)
}

// Records is what a Bus may also be: one that keeps what is decreed beside the messages, for as long as nobody decrees
// otherwise.
type Records interface {
	// Record keeps value under key, in place of what is there; nil forgets that. It returns once this is as durable as a
	// message.
	Record(ctx context.Context, key string, value []byte) error

	// HeedRecords calls f for everything that is kept, returns, and has f called for every change from then on, by whomever
	// it was made: one call at a time, with nil for what was forgotten. f must not block. ctx bounds what comes before the
	// return. Once stop has returned, f is not running and is never called again.
	HeedRecords(ctx context.Context, f func(key string, value []byte)) (stop func(), err error)
}

// Company is what a Bus may also be: one that other Rooms can be on, in this process or another, and that they can vanish
// from without a word. A Bus without it is taken for one that has a single Room of each name.
type Company interface {
	// Alone reports whether nobody else can be on the named room now, as far as this process can know for certain: the
	// bus has no other process, and one subscription at most.
	Alone(room string) bool

	// Beat tells the others on the room that node is alive. It does not wait, is not kept, and may get lost.
	Beat(room string, node uint64) error

	// Heed has f called for each beat that arrives, also this Room's own, by one goroutine at a time. f must not block.
	// Once stop has returned, f is not running and is never called again.
	Heed(room string, f func(node uint64)) (stop func(), err error)
}
