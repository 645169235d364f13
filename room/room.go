package room

import (
	"cmp"
	"context"
	"crypto/rand"
	"encoding/binary"
	"errors"
	"fmt"
	"net"
	"sync"
	"sync/atomic"
	"time"
)

// Config says what a room is like. The zero Config is a usable room.
type Config struct {
	// Name is what members are greeted with and what the bus calls the room. Default "lobby".
	Name string

	// Bus carries the room's messages. Rooms of one name on one bus are one room to their members. Default: a Mem of
	// the room's own.
	Bus Bus

	// Commands are known beside the built-in ones; one of the same name replaces the built-in. Default none.
	Commands []Command

	// Texts is what the room says. It must be complete, and not change while the room is open. Default English.
	Texts *Texts

	// MaxMembers is how many members this Room takes; further ones get ErrFull. Default 16384.
	MaxMembers int

	// History is how many of the things last said a newcomer is shown, and /history without a number. What was said before
	// Open counts if the bus has kept it. Default 20; negative none.
	History int

	// MaxMessage is how many characters a line may have; a longer one is refused, not cut. Default 4096.
	MaxMessage int
}

// Errors a room returns. The error of a failed bus is passed on, with what was attempted.
var (
	// ErrClosed is returned once the room is closing. It wraps net.ErrClosed.
	ErrClosed = fmt.Errorf("the room is closed: %w", net.ErrClosed)

	// ErrLeft is returned by a Member that is not in the room any more. It wraps net.ErrClosed.
	ErrLeft = fmt.Errorf("not in the room any more: %w", net.ErrClosed)

	// ErrFull is returned by Join when the room has as many members as it takes.
	ErrFull = errors.New("the room is full")
)

// A Room is a chat room. Open makes one. All methods may be called by several goroutines at once, but not from within
// Screen.Show or Ender.End.
type Room struct {
	name       string
	bus        Bus
	texts      *Texts
	commands   []Command
	maxMembers int
	maxMessage int
	history    int
	node       uint64

	queue       chan event
	unsubscribe func()
	running     context.Context // ends when the goroutines are to end
	stop        context.CancelFunc
	goroutines  sync.WaitGroup
	out         renderer // used by the fan-out goroutine only, as is saying
	saying      saying
	past        []*Line // what was said last, at most maxPast

	said, lost atomic.Uint64
	departures departures

	// mu guards the books. It is never held while the bus or a screen is called.
	mu      sync.Mutex
	closed  bool
	lastID  uint64
	guests  int
	ids     map[uint64]*Member // everybody who has joined and whose Leave has not come back
	nicks   map[string]*Member // by folded nick; see claim
	members []*Member          // those whose Join has come back, in that order; changed by the fan-out goroutine only
}

// Open opens a room and subscribes it to its bus, which ctx bounds. The room is open until Close.
func Open(ctx context.Context, c Config) (*Room, error) {
	r := &Room{
		name:       cmp.Or(c.Name, "lobby"),
		bus:        c.Bus,
		texts:      cmp.Or(c.Texts, &English),
		maxMembers: cmp.Or(c.MaxMembers, 16384),
		maxMessage: cmp.Or(c.MaxMessage, 4096),
		history:    max(cmp.Or(c.History, 20), 0),
		queue:      make(chan event, queueLen),
		ids:        make(map[uint64]*Member),
		nicks:      make(map[string]*Member),
	}
	if r.bus == nil {
		r.bus = new(Mem)
	}
	r.commands = commandTable(r.texts, c.Commands)
	r.out.texts = r.texts
	r.departures.wake = make(chan struct{}, 1)
	var node [8]byte
	rand.Read(node[:]) // never fails, by its documentation
	r.node = binary.NativeEndian.Uint64(node[:])
	r.running, r.stop = context.WithCancel(context.WithoutCancel(ctx))

	r.goroutines.Go(r.fanOut)
	r.goroutines.Go(r.announceDepartures)
	var err error
	if r.unsubscribe, err = r.bus.Subscribe(ctx, r.name, Recent(r.remembered()), r.deliver); err != nil {
		r.stop()
		r.goroutines.Wait()
		return nil, fmt.Errorf("room %s: subscribe: %w", r.name, err)
	}
	return r, nil
}

// Name returns the room's name.
func (r *Room) Name() string { return r.name }

// Join makes whoever looks at s a member. It returns once the bus has taken the announcement; the greeting, the member's
// own arrival and everything after it are shown when that comes back, which may be before Join returns.
//
// A wish that is empty gives a guest's nick; so does one that is unfit or taken, and the greeting then says why. Join
// fails with ErrFull, with ErrClosed, or when the announcement could not be published; s is then not shown anything more.
func (r *Room) Join(ctx context.Context, s Screen, wish string) (*Member, error) {
	m, err := r.enter(s, wish)
	if err != nil {
		return nil, fmt.Errorf("join room %s: %w", r.name, err)
	}
	if _, err := r.publish(ctx, m, Join, m.nick, ""); err != nil {
		r.forget(m)
		return nil, fmt.Errorf("join room %s: %w", r.name, err)
	}
	return m, nil
}

// enter writes a new member into the books.
func (r *Room) enter(s Screen, wish string) (*Member, error) {
	m := &Member{room: r, screen: s}
	var why string
	if wish != "" {
		wish, why = r.texts.checkNick(wish)
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	switch {
	case r.closed:
		return nil, ErrClosed
	case len(r.ids) >= r.maxMembers:
		return nil, ErrFull
	}
	if wish != "" {
		if r.claim(m, wish) {
			m.nick = wish
		} else {
			why = fmt.Sprintf(r.texts.NickTaken, wish)
		}
	}
	if m.nick == "" {
		m.nick = r.claimGuest(m)
	}
	if why != "" {
		m.refused = fmt.Sprintf(r.texts.NickInstead, why, m.nick)
	}
	r.lastID++
	m.id = r.lastID
	r.ids[m.id] = m
	return m, nil
}

// forget takes m out of the books. What it says meanwhile is still published, but nobody looks for it any more.
func (r *Room) forget(m *Member) {
	m.gone.Store(true)
	r.mu.Lock()
	defer r.mu.Unlock()
	delete(r.ids, m.id)
	for _, key := range m.keys {
		delete(r.nicks, key)
	}
	m.keys = nil
	m.forgotten = true
}

// find returns the member of this room that id names, or nil.
func (r *Room) find(id ID) *Member {
	if id.Node != r.node {
		return nil
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.ids[id.Member]
}

func (r *Room) publish(ctx context.Context, m *Member, k Kind, from, text string) (uint64, error) {
	return r.bus.Publish(ctx, r.name, Message{Time: time.Now(), Kind: k, From: from, Text: text, Author: m.ID()})
}

// Nicks returns the nicks of this Room's members in the order in which they joined.
func (r *Room) Nicks() []string {
	r.mu.Lock()
	defer r.mu.Unlock()
	return nicksOf(r.members)
}

// nicksOf is called with mu held.
func nicksOf(members []*Member) []string {
	nicks := make([]string, len(members))
	for i, m := range members {
		nicks[i] = m.nick
	}
	return nicks
}

// Stats counts what a Room has done since Open.
type Stats struct {
	Members int    // present now
	Said    uint64 // messages of kind Say and Emote shown to the members
	Lost    uint64 // members dropped because their Screen failed
}

// Stats returns the counts as of now.
func (r *Room) Stats() Stats {
	r.mu.Lock()
	defer r.mu.Unlock()
	return Stats{Members: len(r.members), Said: r.said.Load(), Lost: r.lost.Load()}
}

// Close ends the room: everything delivered by now is still shown, then the members see that the room is closing, and
// each Screen that is an Ender is ended with ErrClosed. No member's Leave is published. Close waits until the
// subscription and the room's goroutines have ended; it may be called again, and returns nil.
func (r *Room) Close() error {
	r.mu.Lock()
	first := !r.closed
	r.closed = true
	r.mu.Unlock()
	if first {
		r.unsubscribe() // before stop: a bus that waits for its last delivery needs the queue to be emptied
		r.stop()
	}
	r.goroutines.Wait()
	return nil
}
