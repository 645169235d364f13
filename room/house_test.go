package room

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

func openHouse(t *testing.T, c HouseConfig) *House {
	t.Helper()
	h, err := OpenHouse(t.Context(), c)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { h.Close() })
	return h
}

func enter(t *testing.T, h *House, room, nick string) (*Visit, *recorder) {
	t.Helper()
	s := new(recorder)
	v, err := h.Enter(t.Context(), room, s, nick)
	if err != nil {
		t.Fatal(err)
	}
	return v, s
}

func (v *Visit) do(t *testing.T, lines ...string) {
	t.Helper()
	for _, l := range lines {
		if err := v.Line(t.Context(), l); err != nil {
			t.Errorf("%q: %v", l, err)
		}
		synctest.Wait() // what follows from it is done by others
	}
}

// People go from room to room; a room that was opened for the occasion is closed after the last.
func TestHouse(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := openHouse(t, HouseConfig{MaxRooms: 3, Rooms: []Fixed{{"Hall", ""}, {"ops", "incidents"}}})
		alice, a := enter(t, h, "", "alice")
		bob, b := enter(t, h, "", "")
		a.take()
		b.take()
		alice.do(t, "/rooms", "/join #OPS")
		want(t, "alice", a.take(), "* rooms: hall (2), ops (0)",
			"* welcome to ops, you are alice; nobody else is here yet", "* "+English.HelpHint, "* topic: incidents", "* alice joined")
		want(t, "bob", b.take(), "* alice left (to ops)")
		bob.do(t, "hello?", "/join ops", "here you are", "/leave", "/leave", "/join hall", "/join a b", "/join den", "/join full")
		want(t, "alice", a.take(), "* guest-1 joined", "<guest-1> here you are", "* guest-1 left (to hall)")
		want(t, "bob", b.take(),
			"* welcome to ops, you are guest-1; here: alice", "* "+English.HelpHint, "* topic: incidents", "* guest-1 joined",
			"* welcome to hall, you are guest-2; nobody else is here yet", "* "+English.HelpHint,
			time.Now().Format("[2006-01-02 15:04]")+" <guest-1> hello?", "* guest-2 joined",
			"* hall is where everybody enters; /quit leaves altogether", "* you are in hall already", "* a b cannot be a room's name",
			"* welcome to den, you are guest-1; nobody else is here yet", "* "+English.HelpHint, "* guest-1 joined",
			"* there are 3 rooms already, which is the limit")
		bob.do(t, "/rooms")
		want(t, "bob", b.take(), "* rooms: den (1), hall (0), ops (1)")
		if err := bob.Line(t.Context(), "/quit"); err != io.EOF {
			t.Error(err)
		}
		bob.Leave("")
		alice.do(t, "/rooms")
		want(t, "alice", a.take(), "* rooms: hall (0), ops (1)")
		if err := h.SetRooms(t.Context(), []Fixed{{"new", ""}}); err != nil {
			t.Fatal(err)
		}
		alice.do(t, "/rooms", "/leave")
		synctest.Wait()
		alice.do(t, "/rooms")
		if got := a.take(); got[0] != "* rooms: new (0), ops (1)" || got[len(got)-1] != "* rooms: new (1)" {
			t.Errorf("alice sees %q", got)
		}
		if got := h.Stats(); got.Said != 2 || got.Members != 1 {
			t.Errorf("Stats() = %+v", got)
		}
		h.Close()
		if !errors.Is(a.ended, ErrClosed) {
			t.Errorf("alice's screen was ended with %v", a.ended)
		}
		if _, err := h.Enter(t.Context(), "", a, ""); !errors.Is(err, ErrClosed) {
			t.Errorf("Enter: %v", err)
		}
	})
}

// What operators have decreed goes along, and holds in every room; a nick comes back with its holder.
func TestDecreesInTheHouse(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := openHouse(t, HouseConfig{Room: Config{Secret: "swordfish"}})
		alice, a := enter(t, h, "", "alice")
		bob, b := enter(t, h, "", "bob")
		alice.do(t, "/op swordfish", "/mute bob")
		b.take()
		for _, line := range []string{"/join den", "/leave"} {
			if err := bob.Line(t.Context(), line); err != nil { // at once, one after the other
				t.Fatal(err)
			}
		}
		b.take()
		bob.do(t, "mmmh", "/who")
		want(t, "bob", b.take(), "* "+English.Muted, "* 2 here: alice, bob")
		s := &guest{source: "192.0.2.7"}
		if _, err := h.Enter(t.Context(), "den", s, "eve"); err != nil {
			t.Fatal(err)
		}
		alice.do(t, "/join den", "/kick bob", "/ban eve")
		if got := a.take(); got[len(got)-1] != "* 192.0.2.7 was barred by alice" {
			t.Errorf("alice sees %q", got)
		}
		for _, name := range []string{"", "den", "new"} {
			if _, err := h.Enter(t.Context(), name, s, "eve"); !errors.Is(err, ErrBarred) {
				t.Errorf("eve came into %q: %v", name, err)
			}
		}
		alice.do(t, "/unban 192.0.2.7")
		if _, err := h.Enter(t.Context(), "", s, "eve"); err != nil {
			t.Error(err)
		}
	})
}

// A bus that keeps rooms is not made to keep ever more of them.
func TestRoomsOnTheBus(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := openHouse(t, HouseConfig{MaxRooms: 3, Room: Config{Bus: &listingBus{rooms: []string{"attic", "cellar", "lobby"}}}})
		alice, a := enter(t, h, "", "alice")
		a.take()
		alice.do(t, "/rooms", "/join den", "/join attic", "/rooms")
		got := a.take()
		if got[0] != "* rooms: lobby (1); not open here: attic, cellar" || got[1] != "* there are 3 rooms already, which is the limit" ||
			got[len(got)-1] != "* rooms: attic (1), lobby (0); not open here: cellar" {
			t.Errorf("alice sees %q", got)
		}
	})
}

type listingBus struct {
	Mem
	rooms []string
}

func (b *listingBus) Rooms(context.Context) ([]string, error) { return slices.Clone(b.rooms), nil }

func TestClosedHouse(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := openHouse(t, HouseConfig{Closed: true})
		alice, a := enter(t, h, "", "alice")
		a.take()
		alice.do(t, "/join den")
		want(t, "alice", a.take(), "* there is no room den")
		if _, err := h.Enter(t.Context(), "den", a, ""); err == nil {
			t.Error("a stranger opened a room")
		}
		for _, rooms := range [][]Fixed{nil, {{"a", ""}, {"A", ""}}, {{"a b", ""}}} {
			if err := h.SetRooms(t.Context(), rooms); err == nil {
				t.Errorf("%v was taken", rooms)
			}
		}
	})
}

// Who comes back sees everything since, once and in order, while others go on talking.
func TestResume(t *testing.T) {
	for _, keep := range []int{50, 5000} { // less than the room itself remembers, and more than it
		synctest.Test(t, func(t *testing.T) {
			bus := &Mem{Keep: keep}
			r := open(t, Config{Bus: bus})
			alice, _ := join(t, r, "alice")
			bob, b := join(t, r, "bob")
			said := 0
			talk := func(n int) (seq uint64) {
				for range n {
					var err error
					said++
					if seq, err = alice.Say(t.Context(), fmt.Sprint(said)); err != nil {
						t.Fatal(err)
					}
				}
				return seq
			}
			last := talk(10)
			bob.Leave("")
			synctest.Wait()
			b.take()
			talk(keep/2 + 300)
			carol, c := join(t, r, "carol")
			c.take()
			var seen []string
			upTo, err := carol.Resume(t.Context(), last, func(l *Line) error {
				if len(seen)%100 == 0 {
					talk(20) // and the others do not wait
				}
				seen = append(seen, l.Body)
				return nil
			})
			if err != nil {
				t.Fatal(err)
			}
			if upTo <= last {
				t.Errorf("caught up to %d only", upTo)
			}
			talk(5)
			synctest.Wait()
			for _, l := range c.takeLines() {
				if l.said() {
					seen = append(seen, l.Body)
				}
			}
			first := 11
			if keep == 50 {
				first = said - len(seen) + 1 // what the bus has forgotten is lost
			}
			for i, s := range seen {
				if s != fmt.Sprint(first+i) {
					t.Fatalf("keep %d: line %d is %s", keep, i, s)
				}
			}
			if len(seen) != said-first+1 || len(seen) < keep/2 {
				t.Errorf("keep %d: saw %d of %d", keep, len(seen), said)
			}
			if upTo, err := carol.Resume(t.Context(), 1<<40, func(*Line) error { return errors.New("the future") }); err != nil || upTo < last || upTo > 1<<20 {
				t.Errorf("a message that has not been: %d, %v", upTo, err)
			}
		})
	}
}

func TestModeration(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := open(t, Config{Secret: "swordfish"})
		alice, a := join(t, r, "alice")
		s := &guest{source: "192.0.2.7"}
		bob, err := r.Join(t.Context(), s, "bob")
		if err != nil {
			t.Fatal(err)
		}
		synctest.Wait()
		a.take()
		say(t, alice, "/kick bob", "/op bob", "/op wrong", "/topic mine", "/op swordfish", "/mute bob", "/topic fish")
		want(t, "alice", a.take(), "* /kick is for operators; /op SECRET makes you one", "* "+English.BadSecret, "* "+English.BadSecret,
			"* /topic is for operators; /op SECRET makes you one", "* "+English.NowOp, "* bob was silenced by alice", "* alice set the topic: fish")
		s.take()
		say(t, bob, "mmmh", "/me struggles", "/nick rob")
		if _, err := bob.Say(t.Context(), "mmmh"); !errors.Is(err, ErrMuted) {
			t.Errorf("Say: %v", err)
		}
		want(t, "bob", s.take(), "* "+English.Muted, "* "+English.Muted, "* bob is now rob")
		say(t, alice, "/unmute rob", "/ban rob spam")
		synctest.Wait()
		say(t, alice, "/ban", "/unban 192.0.2.8", "/ban nobody")
		want(t, "alice", a.take(), "* bob is now rob", "* rob may speak again, says alice", "* rob was put out by alice (spam)",
			"* 192.0.2.7 was barred by alice", "* barred: 192.0.2.7", "* 192.0.2.8 is not barred", "* nobody here is called nobody")
		want(t, "rob", s.take(), "* rob may speak again, says alice", "* rob was put out by alice (spam)")
		if !errors.Is(s.ended, ErrKicked) {
			t.Errorf("bob's screen was ended with %v", s.ended)
		}
		if _, err := r.Join(t.Context(), s, "bob"); !errors.Is(err, ErrBarred) {
			t.Errorf("bob came back: %v", err)
		}
		say(t, alice, "/unban 192.0.2.7")
		synctest.Wait()
		if _, err := r.Join(t.Context(), &guest{source: "::ffff:192.0.2.7", operator: true}, "bob"); err != nil {
			t.Error(err)
		}
		want(t, "alice", a.take(), "* 192.0.2.7 is not barred any more, says alice", "* bob joined")
		if p := r.roster.find("bob"); !p.operator {
			t.Error("bob is no operator")
		}
	})
}

// guest is a recorder that comes from somewhere.
type guest struct {
	recorder
	source   string
	operator bool
}

func (g *guest) Source() string { return g.source }
func (g *guest) Operator() bool { return g.operator }

// late delivers to the first subscriber only when told.
type late struct {
	*Mem
	mu   sync.Mutex
	n    int
	hold bool
	held []func()
}

func (b *late) Subscribe(ctx context.Context, room string, since Position, deliver func(Message)) (func(), error) {
	b.n++
	if b.n > 1 {
		return b.Mem.Subscribe(ctx, room, since, deliver)
	}
	return b.Mem.Subscribe(ctx, room, since, func(m Message) {
		b.mu.Lock()
		defer b.mu.Unlock()
		if b.hold {
			b.held = append(b.held, func() { deliver(m) })
			return
		}
		deliver(m)
	})
}

func (b *late) release() {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.hold = false
	for _, f := range b.held {
		f()
	}
	b.held = nil
}

// The subscription that Resume makes may be ahead of the room's own: they are two.
func TestResumeAhead(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		bus := &late{Mem: new(Mem)}
		r := open(t, Config{Bus: bus})
		alice, _ := join(t, r, "alice")
		bob, b := join(t, r, "bob")
		seq, err := alice.Say(t.Context(), "0")
		if err != nil {
			t.Fatal(err)
		}
		b.take()
		bus.mu.Lock()
		bus.hold = true
		bus.mu.Unlock()
		for i := range 3 {
			say(t, alice, fmt.Sprint(i+1))
		}
		var seen []string
		// Before what the room remembers, so that the bus has to send it.
		if _, err := bob.Resume(t.Context(), seq-1, func(l *Line) error { seen = append(seen, l.Body); return nil }); err != nil {
			t.Fatal(err)
		}
		bus.release()
		say(t, alice, "4")
		synctest.Wait()
		for _, l := range b.takeLines() {
			if l.said() {
				seen = append(seen, l.Body)
			}
		}
		if !slices.Equal(seen, []string{"0", "1", "2", "3", "4"}) {
			t.Errorf("bob sees %q", seen)
		}
	})
}

// slowOpen takes a while to subscribe.
type slowOpen struct{ Mem }

func (b *slowOpen) Subscribe(ctx context.Context, room string, since Position, deliver func(Message)) (func(), error) {
	time.Sleep(time.Second)
	return b.Mem.Subscribe(ctx, room, since, deliver)
}

// /rooms and the metrics look at rooms while others are being opened.
func TestRoomsWhileOpening(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := openHouse(t, HouseConfig{Room: Config{Bus: new(slowOpen)}})
		done := make(chan struct{})
		go func() { defer close(done); enter(t, h, "den", "bob") }()
		for range 30 {
			time.Sleep(100 * time.Millisecond)
			h.Stats()
		}
		<-done
	})
}

// A visitor that is not let in stays where it is, nick and all.
func TestMoveToFullRoom(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := openHouse(t, HouseConfig{Room: Config{MaxMembers: 2}, Rooms: []Fixed{{"hall", ""}, {"den", ""}}})
		alice, a := enter(t, h, "hall", "alice")
		_, b := enter(t, h, "hall", "bob")
		enter(t, h, "den", "carol")
		enter(t, h, "den", "dave")
		a.take()
		b.take()
		if err := alice.Line(t.Context(), "/join den"); err != nil {
			t.Errorf("/join of a full room: %v", err)
		}
		want(t, "bob", b.take())
		want(t, "alice", a.take(), "* the room is full")
		if err := alice.Line(t.Context(), "still here"); err != nil {
			t.Error(err)
		}
		want(t, "bob", b.take(), "<alice> still here")
	})
}

// Who is put out of a room while it goes to another is out.
func TestKickedWhileMoving(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		bus := new(Mem)
		h := openHouse(t, HouseConfig{Room: Config{Bus: bus}, Rooms: []Fixed{{"lobby", ""}, {"den", ""}}})
		bob, b := enter(t, h, "lobby", "bob")
		publishKind(t, bus, Message{Kind: Kick, From: "op", Text: "bob"})
		synctest.Wait()
		if err := bob.move(t.Context(), "den"); !errors.Is(err, ErrLeft) { // the line was taken before
			t.Errorf("move: %v", err)
		}
		h.Close()
		if b.ended != ErrKicked {
			t.Errorf("ended with %v", b.ended)
		}
	})
}

// Whoever knows the secret is an operator, and everybody knows it, or is none.
func TestOpSilenced(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var bus Mem
		r := open(t, Config{Bus: &bus, Secret: "swordfish"})
		alice, _ := join(t, r, "alice")
		publishKind(t, &bus, Message{Kind: Mute, From: "op", Text: "alice"})
		synctest.Wait()
		say(t, alice, "/op swordfish")
		synctest.Wait()
		if p := r.roster.find("alice"); !p.operator || !alice.operator {
			t.Errorf("an operator to all: %v, here: %v", p.operator, alice.operator)
		}
	})
}
