package room

import (
	"cmp"
	"context"
	"crypto/rand"
	"encoding/binary"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/netip"
	"slices"
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

	// Topic is what the room is about until somebody changes it. Default nothing.
	Topic string

	// Secret makes an operator of whoever types /op and this. Default: nobody can become one that way.
	Secret string

	// Barred are the sources that nobody is let in from, beside those that operators bar. Default none.
	Barred []netip.Prefix

	// Log is told what operators do, by the Room they do it in, of wrong secrets, and what the room cannot tell its
	// members. Default: nobody.
	Log *slog.Logger

	common *common // with the other rooms of the house; nil: there are none
}

// Errors a room returns. The error of a failed bus is passed on, with what was attempted.
var (
	// ErrClosed is returned once the room is closing. It wraps net.ErrClosed.
	ErrClosed = fmt.Errorf("the room is closed: %w", net.ErrClosed)

	// ErrLeft is returned by a Member that is not in the room any more. It wraps net.ErrClosed.
	ErrLeft = fmt.Errorf("not in the room any more: %w", net.ErrClosed)

	// ErrFull is returned by Join when the room has as many members as it takes.
	ErrFull = errors.New("the room is full")

	// ErrBarred is returned by Join when nobody is let in from where the member comes.
	ErrBarred = errors.New("barred from the room")

	// ErrMuted is returned by Say for somebody whom an operator has silenced.
	ErrMuted = errors.New("silenced by an operator")

	// ErrKicked is what the membership ends with of somebody whom an operator has put out.
	ErrKicked = errors.New("put out by an operator")

	// ErrCutOff is returned by Line while the bus is cut off from what carries its messages. It wraps the reason.
	ErrCutOff = errors.New("cut off from the others")

	// ErrUnconfirmed is among the errors of a bus that does not know whether it has stored a message: the others may see it
	// yet.
	ErrUnconfirmed = errors.New("it may have been stored nevertheless")
)

// A Room is a chat room. Open makes one. All methods may be called by several goroutines at once, but not from within
// Screen.Show or Ender.End.
type Room struct {
	name       string
	bus        Bus
	company    Company // nil: there is none
	texts      *Texts
	commands   []Command
	log        *slog.Logger
	common     *common
	topical    bool // the configuration has a topic, which no older one changes
	maxMessage atomic.Int64
	history    atomic.Int64
	node       uint64

	queue       *queue
	unsubscribe func()
	ready       chan struct{}   // closed once it is known who is there
	running     context.Context // ends when the goroutines are to end
	stop        context.CancelFunc
	goroutines  sync.WaitGroup
	errands     errands
	pulse       pulse
	cut         cut

	said, shown, lost atomic.Uint64

	// The fan-out goroutine's.
	out         renderer
	saying      saying
	past        []*Line // what was said last, at most maxPast
	traffic     traffic
	arrival     *arrival // while it is not known who is there
	accompanied bool     // there is, or was, another Room
	buried      time.Time
	lastSeq     uint64
	overruled   map[netip.Prefix]bool // sources that another Room has barred, or not, since we did

	// mu guards the books. It is never held while the bus or a screen is called. The fan-out goroutine alone changes the
	// roster and the members, and so reads them without it.
	mu     sync.Mutex
	closed bool
	lastID uint64

	maxMembers int
	secret     string
	prefixes   []netip.Prefix // barred by the configuration

	ids     map[uint64]*Member // of this Room: everybody from Join until the Leave has come back
	members []*Member          // those of ids whose Join has come back, in that order
	roster  roster
}

// Open opens a room and subscribes it to its bus. It returns when the room knows who is there already, on other nodes;
// ctx bounds that. The room is open until Close.
func Open(ctx context.Context, c Config) (*Room, error) {
	r := &Room{
		name:    cmp.Or(c.Name, "lobby"),
		bus:     c.Bus,
		texts:   cmp.Or(c.Texts, &English),
		log:     cmp.Or(c.Log, slog.New(slog.DiscardHandler)).With("room", cmp.Or(c.Name, "lobby")),
		queue:   newQueue(),
		ids:     make(map[uint64]*Member),
		roster:  newRoster(),
		common:  cmp.Or(c.common, new(common)),
		topical: c.Topic != "",
		arrival: newArrival(false),
		ready:   make(chan struct{}),

		overruled: make(map[netip.Prefix]bool),
	}
	r.Adjust(c)
	if r.bus == nil {
		r.bus = new(Mem)
	}
	r.company, _ = r.bus.(Company)
	r.commands = commandTable(r.texts, c.Commands)
	r.out.texts = r.texts
	recorded := r.common.topic(r.name)
	r.roster.topic = cmp.Or(c.Topic, recorded)
	if c.Topic != "" && recorded != "" { // the configuration's comes first, and not back when that has none any more
		r.common.record(topicKey+r.name, nil)
	}
	r.errands.wake = make(chan struct{}, 1)
	r.cut.changed = make(chan struct{}, 1)
	var node [8]byte
	rand.Read(node[:]) // never fails, by its documentation
	r.node = binary.NativeEndian.Uint64(node[:])
	r.running, r.stop = context.WithCancel(context.WithoutCancel(ctx))

	r.goroutines.Go(r.fanOut)
	r.goroutines.Go(r.runErrands)
	stopWatching := func() {}
	if w, ok := r.bus.(Watcher); ok {
		r.goroutines.Go(r.tellCuts)
		stopWatching = w.Watch(r.watch)
	}
	cancel, err := r.bus.Subscribe(ctx, r.name, Recent(r.remembered()), r.deliver)
	if err != nil {
		stopWatching()
		r.stop()
		r.goroutines.Wait()
		return nil, fmt.Errorf("open: %w", err) // the bus says which room
	}
	r.unsubscribe = func() { stopWatching(); cancel() }
	alone := r.company == nil || r.company.Alone(r.name)
	_ = r.between(r.running, func() { r.begin(alone) })
	select {
	case <-r.ready:
		return r, nil
	case <-ctx.Done():
		r.Close()
		return nil, fmt.Errorf("room %s: ask who is there: %w", r.name, context.Cause(ctx))
	}
}

// Adjust changes what can be changed while the room is open: MaxMembers, MaxMessage, History, Secret and Barred. Nobody is
// put out by that.
func (r *Room) Adjust(c Config) {
	r.maxMessage.Store(int64(cmp.Or(c.MaxMessage, 4096)))
	r.history.Store(int64(max(cmp.Or(c.History, 20), 0)))
	r.mu.Lock()
	defer r.mu.Unlock()
	r.maxMembers = cmp.Or(c.MaxMembers, 16384)
	r.secret, r.prefixes = c.Secret, slices.Clone(c.Barred)
}

// Name returns the room's name.
func (r *Room) Name() string { return r.name }

// find returns the member of this room that id names, or nil.
func (r *Room) find(id ID) *Member {
	if id.Node != r.node {
		return nil
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.ids[id.Member]
}

func (r *Room) publish(ctx context.Context, m *Member, k Kind, text string) (uint64, error) {
	if why := r.refusing(); why != nil {
		return 0, fmt.Errorf("%w: %w", ErrCutOff, why)
	}
	nick := m.Nick()
	if k == Promote && text == "" { // by the secret
		text = nick
	}
	seq, err := r.bus.Publish(ctx, r.name, Message{Time: time.Now(), Kind: k, From: nick, Text: text, Author: m.ID()})
	switch k {
	case Kick, Ban, Mute, Unmute, Promote, Demote, Topic, Bar, Unbar:
		if err == nil {
			r.log.Info("an operator's deed", "kind", k, "by", nick, "source", m.from(), "text", text)
		}
	}
	return seq, err
}

// Nicks returns the nicks of everybody in the room, on all nodes, in the order in which they came.
func (r *Room) Nicks() []string {
	r.mu.Lock()
	defer r.mu.Unlock()
	nicks := make([]string, 0, r.roster.len())
	for p := range r.roster.all {
		nicks = append(nicks, p.nick)
	}
	return nicks
}

// Topic returns what the room is about.
func (r *Room) Topic() string {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.roster.topic
}

// Stats counts what a Room has done since Open.
type Stats struct {
	Members int    // present now, in this Room
	People  int    // present now, on all nodes
	Said    uint64 // messages of kind Say and Emote shown to the members
	Shown   uint64 // lines shown, for each member anew
	Lost    uint64 // members dropped because their Screen failed
}

// Stats returns the counts as of now.
func (r *Room) Stats() Stats {
	r.mu.Lock()
	defer r.mu.Unlock()
	return Stats{Members: len(r.members), People: r.roster.len(), Said: r.said.Load(), Shown: r.shown.Load(), Lost: r.lost.Load()}
}

// Close ends the room: everything delivered by now is still shown, then the members see that the room is closing, and
// each Screen that is an Ender is ended with ErrClosed. No member's Leave is published; other nodes, if there are any, are
// told that this one goes. Close waits until the subscription and the room's goroutines have ended; it may be called
// again, and returns nil.
func (r *Room) Close() error {
	r.mu.Lock()
	first := !r.closed
	r.closed = true
	others := len(r.roster.nodes) > 1
	r.mu.Unlock()
	if first {
		r.unsubscribe() // before stop: a bus that waits for its last delivery needs the queue to be emptied
		r.stop()
		if others && r.cutOff() == nil {
			ctx, cancel := context.WithTimeout(context.WithoutCancel(r.running), time.Second)
			_, _ = r.bus.Publish(ctx, r.name, gone{Nodes: []uint64{r.node}}.message(r.node)) // or they notice
			cancel()
		}
	}
	r.goroutines.Wait()
	return nil
}
