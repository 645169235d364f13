package workbench

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"os"
	"slices"
	"sync"
	"time"

	"sockeye.dev/charset"
	"sockeye.dev/endpoint"
	"sockeye.dev/handler"
	"sockeye.dev/observe"
	"sockeye.dev/room"
	"sockeye.dev/session"
)

// Options are what a workbench stands on, which no file says.
type Options struct {
	// Network opens the doors. Default: the host's.
	Network endpoint.Network
	// Bus carries the rooms; it stays its owner's, who closes it after Run. Default: the memory of this process.
	Bus room.Bus
	// Texts is what the rooms say. Default English.
	Texts *room.Texts
	// Legacy is what members' text is taken for that is not UTF-8. Default: nothing, its bytes are shown as \xNN.
	Legacy *charset.Encoding
	// Observer sees the events of every conversation. Default: nobody.
	Observer observe.Observer
	// Log is told what an operator wants to know. Default: nobody.
	Log *slog.Logger
	// Opened is told of each door that has been opened, and may say so. Default: nobody.
	Opened func(d Door, ln net.Listener)
}

// Workbench is what runs: rooms, and the doors into them. New opens one, Run serves until it is told to end. All other
// methods may be called by several goroutines at once, while Run does or before.
type Workbench struct {
	o     Options
	house *room.House
	broke error // of the bus, for Snapshot; guarded by mu
	uid   int   // whose peers of a Unix socket are operators: ours

	quota    session.Quota
	throttle handler.Throttle
	cookies  handler.Cookies
	brokers  *handler.Broker

	unwatch func()

	mu      sync.Mutex
	file    *File
	secret  string
	doors   []*door
	running context.Context // nil: not yet
	failed  context.CancelCauseFunc
	serving sync.WaitGroup
}

// door is one that is open, or closed with members still inside.
type door struct {
	spec    Door
	ln      net.Listener
	srv     *session.Server
	retired bool
	started bool
}

func (d *door) datagrams() bool {
	return d.spec.Address.Scheme == "udp" || d.spec.Address.Scheme == "unixgram"
}

// New opens the rooms and the doors of a file. Nobody is let in before Run. When a door cannot be opened nothing is.
func New(ctx context.Context, o Options, f *File) (*Workbench, error) {
	o.Network = cmp.Or(o.Network, endpoint.Network(endpoint.Host{}))
	o.Texts = cmp.Or(o.Texts, &room.English)
	o.Log = cmp.Or(o.Log, slog.New(slog.DiscardHandler))
	w := &Workbench{o: o, file: f, uid: os.Getuid()}
	for _, d := range f.Listen { // before any is opened
		addr, _, err := w.settle(d)
		if err == nil {
			err = tellOf(addr.Check("listen"), ours)
		}
		if err != nil {
			return nil, err
		}
	}
	secret, err := f.Operators.ReadSecret()
	if err != nil {
		return nil, err
	}
	w.secret = string(secret)
	w.quota = session.Quota{Max: f.Limits.Sessions, PerSource: f.Limits.PerSource}
	w.throttle = handler.Throttle{Lines: float64(f.Limits.LinesPerSecond), Joins: float64(f.Limits.JoinsPerSecond)}
	w.brokers = &handler.Broker{Admit: w.admit, Wary: true}
	if w.house, err = room.OpenHouse(ctx, w.houseConfig(f)); err != nil {
		return nil, err
	}
	w.unwatch = func() {}
	if b, ok := o.Bus.(room.Watcher); ok {
		w.unwatch = b.Watch(w.cutOff)
	}
	for _, d := range f.Listen {
		if err := w.OpenDoor(ctx, d); err != nil {
			w.abandon()
			return nil, err
		}
	}
	return w, nil
}

// abandon undoes New.
func (w *Workbench) abandon() {
	for _, d := range w.doors {
		_ = d.ln.Close()
	}
	w.unwatch()
	_ = w.house.Close()
}

// houseConfig is what a file says about the rooms.
func (w *Workbench) houseConfig(f *File) room.HouseConfig {
	newcomers := f.History.Newcomers
	if newcomers == 0 {
		newcomers = -1
	}
	return room.HouseConfig{
		Room: room.Config{
			Bus: w.o.Bus, Texts: w.o.Texts, Commands: handler.ChatCommands(charset.Auto(w.o.Legacy), w.o.Texts),
			MaxMembers: f.Limits.Members, MaxMessage: f.Limits.Message, History: newcomers,
			Secret: w.secret, Barred: f.Ban, Log: w.o.Log,
		},
		Rooms:    fixed(f.Rooms),
		MaxRooms: f.Limits.Rooms,
		Closed:   !f.MembersOpenRooms,
	}
}

func fixed(rooms []Room) []room.Fixed {
	list := make([]room.Fixed, len(rooms))
	for i, r := range rooms {
		list[i] = room.Fixed{Name: r.Name, Topic: r.Topic}
	}
	return list
}

func (w *Workbench) cutOff(down error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.broke = down
	if down != nil {
		w.o.Log.Error("the rooms are cut off", "reason", down)
	} else {
		w.o.Log.Warn("the rooms are back") // who has read the one reads the other
	}
}

// House is the rooms.
func (w *Workbench) House() *room.House { return w.house }

// OpenDoor opens a door and, once Run runs, lets in whoever comes.
func (w *Workbench) OpenDoor(ctx context.Context, spec Door) error {
	addr, config, err := w.settle(spec)
	if err != nil {
		return err
	}
	ln, err := w.o.Network.Listen(ctx, addr)
	if err != nil {
		return fmt.Errorf("listen on %v: %w", addr.Redacted(), tellOf(err, ours))
	}
	w.mu.Lock()
	config.Linger = w.file.Drain
	w.mu.Unlock()
	d := &door{spec: spec, ln: ln, srv: &session.Server{
		Handler: w.handler(spec), Config: config, MaxSessions: spec.Members, Quota: &w.quota, Log: w.o.Log,
	}}
	w.mu.Lock()
	w.doors = append(w.doors, d)
	w.start(d)
	w.mu.Unlock()
	if w.o.Opened != nil {
		w.o.Opened(spec, ln)
	}
	return nil
}

func (w *Workbench) handler(spec Door) session.Handler {
	if spec.Broker {
		return w.brokers
	}
	json, _ := spec.json() // settle has seen to it
	chat := &handler.Chat{House: w.house, Room: spec.Room, JSON: json, Throttle: &w.throttle, Operator: w.recognise}
	if spec.Cookies {
		chat.Cookies = &w.cookies
	}
	return chat
}

// start serves a door, if the workbench runs. w.mu is held.
func (w *Workbench) start(d *door) {
	if w.running == nil || d.started || w.running.Err() != nil {
		return
	}
	d.started = true
	ctx, failed := w.running, w.failed
	d.srv.Grace = w.file.Drain
	w.serving.Go(func() {
		err := d.srv.Serve(ctx, d.ln)
		w.mu.Lock()
		retired := d.retired
		w.doors = slices.DeleteFunc(w.doors, func(o *door) bool { return o == d })
		w.mu.Unlock()
		if !retired && !errors.Is(err, session.ErrServerClosed) {
			failed(err)
		}
	})
}

// CloseDoor closes the door at an address, as the file has it. Who has come in by it stays.
func (w *Workbench) CloseDoor(address endpoint.Addr) error {
	w.mu.Lock()
	i := slices.IndexFunc(w.doors, func(d *door) bool { return !d.retired && same(d.spec.Address, address) })
	if i < 0 {
		w.mu.Unlock()
		return fmt.Errorf("there is no door at %v", address.Redacted())
	}
	d := w.doors[i]
	d.retired = true
	started := d.started
	if !started {
		w.doors = slices.Delete(w.doors, i, i+1)
	}
	w.mu.Unlock()
	if started {
		d.srv.Retire(d.ln)
		return nil
	}
	return d.ln.Close()
}

func same(a, b endpoint.Addr) bool { return a.String() == b.String() }

// Run lets people in until ctx ends or a door fails. Then the rooms say that they close, and who is there has as long as
// File.Drain to read it. Nothing is left running. It returns nil after ctx has ended, or else the error of the door. It is
// called once.
func (w *Workbench) Run(ctx context.Context) error {
	// The rooms say that they close while their members are still there.
	running, stop := context.WithCancelCause(context.WithoutCancel(ctx))
	defer stop(nil)
	over, failed := context.WithCancelCause(ctx)
	defer failed(nil)
	w.mu.Lock()
	w.running, w.failed = running, failed
	for _, d := range w.doors {
		w.start(d)
	}
	w.mu.Unlock()
	<-over.Done()
	w.mu.Lock()
	doors := slices.Clone(w.doors)
	for _, d := range doors {
		d.retired = true
	}
	w.mu.Unlock()
	for _, d := range doors {
		d.srv.Retire(d.ln)
	}
	w.unwatch()
	_ = w.house.Close()
	stop(session.ErrServerClosed)
	w.serving.Wait()
	if ctx.Err() != nil {
		return nil
	}
	return context.Cause(over)
}

// Doors are the doors that are open.
func (w *Workbench) Doors() []DoorSnapshot {
	w.mu.Lock()
	defer w.mu.Unlock()
	var all []DoorSnapshot
	for _, d := range w.doors {
		held, refused := d.srv.Counts()
		at := endpoint.AddrOf(d.spec.Address.Scheme, d.ln.Addr()).String()
		if i := slices.IndexFunc(all, func(s DoorSnapshot) bool { return s.Address == at }); i >= 0 {
			all[i].Sessions += held
			all[i].Refused += refused
			continue
		}
		all = append(all, DoorSnapshot{Address: at, Sessions: held, Refused: refused})
	}
	return all
}

// Snapshot is the state now.
func (w *Workbench) Snapshot() Snapshot {
	stats, kept := w.house.Stats(), int64(-1)
	w.mu.Lock()
	broke := w.broke
	w.mu.Unlock()
	if k, ok := w.o.Bus.(keeper); ok && broke == nil {
		kept = 0
		ctx, cancel := context.WithTimeout(context.Background(), time.Second)
		defer cancel()
		for _, r := range w.house.Rooms() {
			n, _, err := k.Kept(ctx, r.Name())
			if err != nil {
				kept = -1
				break
			}
			kept += int64(n)
		}
	}
	return Snapshot{
		Rooms: len(w.house.Rooms()), Members: stats.Members, Doors: w.Doors(), Said: int64(stats.Said), Deliveries: int64(stats.Shown),
		Lost: map[string]int64{"slow or broken": int64(stats.Lost)}, Bus: broke, Kept: kept,
	}
}

// keeper is a bus that knows how much it keeps of a room.
type keeper interface {
	Kept(ctx context.Context, room string) (messages, bytes uint64, err error)
}
