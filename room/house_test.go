package room

import (
	"context"
	"errors"
	"io"
	"slices"
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
			"* hall is where everybody enters; /quit leaves altogether", "* you are in hall already", "* a b cannot be a room's name, which is like a nick: a nick has no spaces",
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

// A topic of the configuration is the room's again when the configuration changes it, and not before.
func TestTopics(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := openHouse(t, HouseConfig{Rooms: []Fixed{{"hall", "one"}}, Room: Config{Secret: "swordfish"}})
		alice, a := enter(t, h, "", "alice")
		alice.do(t, "/op swordfish", "/topic mine")
		a.take()
		for _, topic := range []string{"one", "two", "two", ""} {
			if err := h.SetRooms(t.Context(), []Fixed{{"hall", topic}}); err != nil {
				t.Fatal(err)
			}
		}
		synctest.Wait()
		want(t, "alice", a.take(), "* topic: two", "* "+English.NoTopic)

		bus := new(Mem)
		first := open(t, Config{Bus: bus, Topic: "one"})
		first.setTopic("two")
		synctest.Wait()
		_ = first.Close()
		for topic, want := range map[string]string{"three": "three", "": "two"} {
			again := open(t, Config{Bus: bus, Topic: topic})
			if got := again.Topic(); got != want {
				t.Errorf("opened with %q again the topic is %q", topic, got)
			}
			_ = again.Close()
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
		want(t, "bob", b.take(), "* "+English.Muted, "* 2 here: @alice, bob")
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

// slowLeave is a bus on which leaves wait.
type slowLeave struct {
	Mem
	hold chan struct{}
}

func (b *slowLeave) Publish(ctx context.Context, room string, m Message) (uint64, error) {
	if m.Kind == Leave && b.hold != nil {
		<-b.hold
	}
	return b.Mem.Publish(ctx, room, m)
}

// So is who is put out before the others know that it goes.
func TestBannedWhileMoving(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		bus := new(slowLeave)
		h := openHouse(t, HouseConfig{Room: Config{Bus: bus, Secret: "swordfish"}, Rooms: []Fixed{{"lobby", ""}, {"den", ""}}})
		alice, _ := enter(t, h, "", "alice")
		eve, e := enter(t, h, "", "eve")
		alice.do(t, "/op swordfish")
		bus.hold = make(chan struct{})
		moved := make(chan error)
		go func() { moved <- eve.Line(t.Context(), "/join den") }()
		synctest.Wait()
		alice.do(t, "/ban eve")
		close(bus.hold)
		if err := <-moved; !errors.Is(err, ErrLeft) {
			t.Errorf("move: %v", err)
		}
		h.Close()
		if e.ended != ErrKicked {
			t.Errorf("ended with %v", e.ended)
		}
	})
}
