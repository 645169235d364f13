package room

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

// wire is one node's end of a bus that can die without a word: nothing comes through it either way while it is cut.
type wire struct {
	*Mem
	lossy bool // what comes while it is cut is lost, and not late
	mu    sync.Mutex
	cut   bool
	held  []func()
}

func (w *wire) set(cut bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.cut = cut
	if !cut {
		for _, f := range w.held {
			f()
		}
		w.held = nil
	}
}

func (w *wire) pass(f func()) {
	w.mu.Lock()
	defer w.mu.Unlock()
	switch {
	case w.cut && w.lossy:
	case w.cut:
		w.held = append(w.held, f)
	default:
		f()
	}
}

// Alone implements Company: a wire leads to others.
func (w *wire) Alone(string) bool { return false }

// Beat implements Company.
func (w *wire) Beat(room string, node uint64) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.cut {
		return nil
	}
	return w.Mem.Beat(room, node)
}

// Subscribe implements Bus.
func (w *wire) Subscribe(ctx context.Context, room string, since Position, deliver func(Message)) (func(), error) {
	return w.Mem.Subscribe(ctx, room, since, func(m Message) { w.pass(func() { deliver(m) }) })
}

// A Room that opens later knows who is there, what they are called and what is decreed, and they know of it.
func TestCompany(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var bus Mem
		here := open(t, Config{Bus: &bus, Topic: "fish", Secret: "open sesame"})
		alice, a := join(t, here, "alice")
		say(t, alice, "/op open sesame", "/topic squid")
		join(t, here, "")
		a.take()

		there := open(t, Config{Bus: &bus, Topic: "not this one"})
		_, b := join(t, there, "ALICE")
		want(t, "the other alice", b.take(),
			"* welcome to lobby, you are guest-2; here: alice, guest-1",
			"* "+English.HelpHint,
			"* topic: squid",
			"* the nick ALICE is taken; you are guest-2 for now",
			"* guest-2 joined")
		want(t, "alice", a.take(), "* guest-2 joined")
		say(t, alice, "/who", "/msg guest-2 psst", "/msg guest-9 psst", "/mute guest-2")
		want(t, "alice", a.take(), "* 3 here: @alice, guest-1, guest-2", "* you said to guest-2 alone: psst",
			"* nobody here is called guest-9", "* guest-2 was silenced by alice")
		want(t, "guest-2", b.take(), "* alice says to you alone: psst", "* guest-2 was silenced by alice")

		third := open(t, Config{Bus: &bus})
		if got := slices.Sorted(slices.Values(third.Nicks())); !slices.Equal(got, []string{"alice", "guest-1", "guest-2"}) {
			t.Errorf("a third Room knows %q", got)
		}
		if p := third.roster.find("guest-2"); !p.muted {
			t.Error("it does not know who is silenced")
		}
		if p := third.roster.find("alice"); !p.operator {
			t.Error("it does not know who is an operator")
		}
		there.Close()
		want(t, "alice", a.take(), "* guest-2 left (their server is gone)")
	})
}

// Rooms that open at the same moment find each other, too.
func TestCompanyAtOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var bus Mem
		rooms := make([]*Room, 5)
		var all sync.WaitGroup
		for i := range rooms {
			all.Go(func() {
				rooms[i] = open(t, Config{Bus: &wire{Mem: &bus}})
				join(t, rooms[i], "bob")
			})
		}
		all.Wait()
		time.Sleep(time.Minute)
		synctest.Wait()
		for i, r := range rooms {
			got := r.Nicks()
			slices.Sort(got)
			if want := []string{"bob", "guest-1", "guest-2", "guest-3", "guest-4"}; !slices.Equal(got, want) {
				t.Errorf("room %d knows %q", i, got)
			}
			if len(r.roster.nodes) != len(rooms) {
				t.Errorf("room %d knows of %d nodes", i, len(r.roster.nodes))
			}
		}
	})
}

// A node that has died is noticed; one that was only taken for dead comes back, and its people with it.
func TestNodeDies(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var bus Mem
		here := open(t, Config{Bus: &wire{Mem: &bus}})
		_, a := join(t, here, "alice")
		line := &wire{Mem: &bus}
		there := open(t, Config{Bus: line})
		bob, b := join(t, there, "bob")
		join(t, there, "carol")
		time.Sleep(time.Minute)
		a.take()
		b.take()
		line.set(true)
		time.Sleep(10 * time.Second)
		want(t, "alice", a.take(), "* bob left (their server is gone)", "* carol left (their server is gone)")
		_, d := join(t, here, "Bob")
		if got := here.Nicks(); !slices.Equal(got, []string{"alice", "Bob"}) {
			t.Errorf("here are %q", got)
		}
		d.take()
		a.take()
		b.take()
		line.set(false)
		time.Sleep(time.Second)
		want(t, "alice", a.take(), "* guest-1 joined", "* carol joined")
		want(t, "bob", b.take(), "* Bob joined", "* the nick bob is taken; you are guest-1 for now")
		say(t, bob, "still here")
		want(t, "alice", a.take(), "<guest-1> still here")
		for _, r := range []*Room{here, there} {
			if got := r.Nicks(); len(got) != 4 || r.roster.find("guest-1") == nil {
				t.Errorf("here are %q", got)
			}
		}
	})
}

// The members hear that their node is cut off, and can say nothing meanwhile.
func TestCutOff(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		bus := &watchedBus{}
		r := open(t, Config{Bus: bus})
		alice, a := join(t, r, "alice")
		a.take()
		bus.set(fmt.Errorf("no quorum"))
		time.Sleep(tellAfter / 2)
		bus.set(nil)
		time.Sleep(time.Minute)
		want(t, "alice", a.take())
		bus.set(fmt.Errorf("no quorum"))
		time.Sleep(2 * tellAfter)
		want(t, "alice", a.take(), "* cut off from the others: what is said now goes nowhere (no quorum)")
		if err := alice.Line(t.Context(), "hello?"); err == nil || err.Error() != "room lobby: say: cut off from the others: no quorum" {
			t.Errorf("said: %v", err)
		}
		bus.set(nil)
		want(t, "alice", a.take(), "* "+English.Restored)
		say(t, alice, "hello")
	})
}

type watchedBus struct {
	Mem
	f func(error)
}

func (b *watchedBus) Watch(f func(error)) func() { b.f = f; return func() {} }
func (b *watchedBus) set(down error)             { b.f(down) }

// Whatever happens, the rosters of all nodes are the same in the end, whenever they have come.
func TestRostersAgree(t *testing.T) {
	for seed := range uint64(100) {
		synctest.Test(t, func(t *testing.T) {
			rnd := rand.New(rand.NewPCG(seed, 0))
			var bus Mem
			var rooms []*Room
			var wires []*wire
			var members []*Member
			for range 60 {
				switch n := rnd.IntN(12); {
				case len(rooms) == 0 || n == 0 && len(rooms) < 5:
					w := &wire{Mem: &bus, lossy: seed%2 == 1}
					rooms, wires = append(rooms, open(t, Config{Bus: w})), append(wires, w)
				case n == 1:
					wires[rnd.IntN(len(wires))].set(true)
					time.Sleep(time.Duration(rnd.IntN(10)) * time.Second)
				case n <= 3:
					wires[rnd.IntN(len(wires))].set(false)
					time.Sleep(time.Duration(rnd.IntN(3)) * time.Second)
				default:
					at := rnd.IntN(len(rooms))
					wires[at].set(false)
					switch {
					case n <= 6 || len(members) == 0:
						m, _ := join(t, rooms[at], fmt.Sprint("nick-", rnd.IntN(9)))
						members = append(members, m)
					case n <= 8:
						i := rnd.IntN(len(members))
						members[i].Leave("")
						members = slices.Delete(members, i, i+1)
					default:
						m := members[rnd.IntN(len(members))]
						wires[slices.Index(rooms, m.Room())].set(false)
						say(t, m, fmt.Sprint("/nick nick-", rnd.IntN(9)))
					}
				}
			}
			for _, w := range wires {
				w.set(false)
			}
			publish(t, &bus, "lobby", "who missed something, sees it by this")
			time.Sleep(time.Minute)
			synctest.Wait()
			nicks := make(map[string]bool)
			for _, m := range members {
				nicks[m.Nick()] = true
			}
			for i, r := range rooms {
				if len(r.roster.byID) != len(members) || len(r.roster.byNick) != len(members) || len(r.roster.nodes) != len(rooms) {
					for p := range r.roster.all {
						if !slices.ContainsFunc(members, func(m *Member) bool { return m.ID() == p.id }) {
							t.Logf("%x has the ghost %x %d %s", r.node&0xfff, p.id.Node&0xfff, p.id.Member, p.nick)
						}
					}
					t.Fatalf("seed %d: room %d knows %d people, %d nicks, %d nodes; there are %d, %d", seed, i,
						len(r.roster.byID), len(r.roster.byNick), len(r.roster.nodes), len(members), len(rooms))
				}
				for p := range r.roster.all {
					if other := rooms[0].roster.byID[p.id]; other == nil || other.nick != p.nick || !nicks[p.nick] {
						for _, m := range members {
							if m.ID() == p.id {
								t.Logf("it is %x, and calls itself %s", m.room.node&0xfff, m.Nick())
							}
						}
						t.Fatalf("seed %d: room %d calls %v %s, the first %+v", seed, i, p.id, p.nick, other)
					}
				}
			}
			for _, r := range rooms {
				r.Close()
			}
		})
	}
}

// FuzzBus puts anything on the bus, as another node might that is broken: the room goes on, and what members see is
// harmless.
func FuzzBus(f *testing.F) {
	f.Add(uint8(Hello), uint64(7), uint64(0), "", "")
	f.Add(uint8(Back), uint64(7), uint64(0), "", `{"people":[{"m":1,"n":"alice"},{"m":1,"n":"\u202e"}]}`)
	f.Add(uint8(Gone), uint64(7), uint64(0), "", `{"hello":1}`)
	f.Add(uint8(Gone), uint64(7), uint64(0), "", `{"nodes":[7,0]}`)
	f.Add(uint8(Join), uint64(7), uint64(1), "x\x1b[2J", "operator")
	f.Add(uint8(Rename), uint64(7), uint64(1), "x", "a b\n")
	f.Add(uint8(Ban), uint64(7), uint64(1), "x", "alice because")
	f.Add(uint8(Whisper), uint64(7), uint64(1), "x\x1b", "alice \x1b[2J")
	f.Fuzz(func(t *testing.T, kind uint8, node, member uint64, from, text string) {
		synctest.Test(t, func(t *testing.T) {
			var bus Mem
			r := open(t, Config{Bus: &bus})
			alice, a := join(t, r, "alice")
			for _, m := range []Message{
				{Kind: Back, Author: ID{Node: node}, Text: `{}`},
				{Kind: Kind(kind), From: from, Text: text, Author: ID{node, member}},
				{Kind: Kind(kind), From: from, Text: text, Author: ID{r.node, member}},
				{Kind: Say, From: from, Text: text, Author: ID{node, member}},
			} {
				if _, err := bus.Publish(t.Context(), "lobby", m); err != nil {
					t.Fatal(err)
				}
			}
			time.Sleep(time.Minute)
			for _, l := range a.take() {
				checkHarmless(t, l)
			}
			if err := alice.Line(t.Context(), "/who"); err != nil && a.ended == nil && !errors.Is(err, ErrLeft) {
				t.Errorf("afterwards: %v", err)
			}
		})
	})
}

// Two nodes that die one after the other are both forgotten within 10 s.
func TestTwoNodesDie(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var bus Mem
		here := open(t, Config{Bus: &wire{Mem: &bus}})
		lines := make([]*wire, 2)
		for i := range lines {
			lines[i] = &wire{Mem: &bus}
			join(t, open(t, Config{Bus: lines[i]}), fmt.Sprint("bob", i))
		}
		time.Sleep(time.Minute + 300*time.Millisecond)
		lines[0].set(true)
		time.Sleep(1500 * time.Millisecond)
		lines[1].set(true)
		died := time.Now()
		for len(here.Nicks()) > 0 {
			time.Sleep(10 * time.Millisecond)
		}
		if took := time.Since(died); took > 10*time.Second {
			t.Errorf("it took %v", took)
		}
	})
}

// What is decreed while a node arrives is not undone by what it knows from before.
func TestTopicWhileArriving(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var bus Mem
		here := open(t, Config{Bus: &wire{Mem: &bus}})
		alice, _ := join(t, here, "alice")
		alice.operator = true
		slow := &wire{Mem: &bus}
		open(t, Config{Bus: slow})
		say(t, alice, "/topic old")
		publishKind(t, &bus, Message{Kind: Bar, From: "alice", Text: "192.0.2.1"})
		time.Sleep(time.Minute)
		slow.set(true) // and the newcomer waits for it
		opened := make(chan *Room)
		go func() { opened <- open(t, Config{Bus: &wire{Mem: &bus}}) }()
		time.Sleep(time.Second)
		synctest.Wait()
		say(t, alice, "/topic new")
		publishKind(t, &bus, Message{Kind: Unbar, From: "alice", Text: "192.0.2.1"})
		slow.set(false)
		newcomer := <-opened
		time.Sleep(time.Second)
		synctest.Wait()
		for i, r := range []*Room{here, newcomer} {
			if r.Topic() != "new" {
				t.Errorf("room %d: topic %q", i, r.Topic())
			}
			if len(r.roster.barred) != 0 {
				t.Errorf("room %d: barred %q", i, r.roster.barred)
			}
		}
	})
}

// Bans outlive that a node asks who is there, and nobody is.
func TestBansWhenAlone(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		line := &wire{Mem: new(Mem), lossy: true}
		r := open(t, Config{Bus: line})
		publishKind(t, line, Message{Kind: Bar, From: "alice", Text: "192.0.2.1"})
		synctest.Wait()
		line.set(true)
		publishKind(t, line, Message{Kind: Say, From: "alice", Text: "lost"})
		line.set(false)
		publishKind(t, line, Message{Kind: Say, From: "alice", Text: "not lost"})
		time.Sleep(time.Minute)
		if _, err := r.Join(t.Context(), &guest{source: "192.0.2.1"}, "bob"); err == nil {
			t.Error("the source is let in again")
		}
	})
}
