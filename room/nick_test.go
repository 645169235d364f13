package room

import (
	"context"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

func TestCheckNick(t *testing.T) {
	for _, tt := range []struct{ wish, nick, why string }{
		{"alice", "alice", ""},
		{"  李雷\t", "李雷", ""},
		{"Żółć-9.x_y'", "Żółć-9.x_y'", ""},
		{"🐟", "🐟", ""},
		{strings.Repeat("长", MaxNick), strings.Repeat("长", MaxNick), ""},
		{"", "", English.NickEmpty},
		{" \n", "", English.NickEmpty},
		{strings.Repeat("长", MaxNick+1), "", "a name has at most 32 characters"},
		{"a b", "", English.NickSpace},
		{"a\u00a0b", "", English.NickSpace},
		{"a\u3000b", "", English.NickSpace},
		{"a>b", "", "a nick has no >"},
		{"*", "", "a nick has no *"},
		{"a\x1bb", "", "a nick has no invisible or unprintable characters (U+001B)"},
		{"a\xffb", "", "a nick has no invisible or unprintable characters (U+FFFD)"},
		{"a\u200bb", "", "a nick has no invisible or unprintable characters (U+200B)"},     // zero width space
		{"a\u200db", "", "a nick has no invisible or unprintable characters (U+200D)"},     // joiner
		{"\u202ea", "", "a nick has no invisible or unprintable characters (U+202E)"},      // bidi override
		{"a\u3164", "", "a nick has no invisible or unprintable characters (U+3164)"},      // Hangul filler, a letter
		{"a\u034fb", "", "a nick has no invisible or unprintable characters (U+034F)"},     // grapheme joiner, a mark
		{"a\ufe0f", "", "a nick has no invisible or unprintable characters (U+FE0F)"},      // variation selector
		{"\u2800", "", "a nick has no invisible or unprintable characters (U+2800)"},       // Braille blank, a symbol
		{"a\ue000", "", "a nick has no invisible or unprintable characters (U+E000)"},      // private use
		{"a\U000e0041", "", "a nick has no invisible or unprintable characters (U+E0041)"}, // tag
		{"\u0301a", "", English.NickMark},
	} {
		nick, why := English.checkNick(tt.wish)
		if nick != tt.nick || why != tt.why {
			t.Errorf("checkNick(%q) = %q, %q; want %q, %q", tt.wish, nick, why, tt.nick, tt.why)
		}
	}
}

// What is said of a room's name speaks of names.
func TestRoomNameTooLong(t *testing.T) {
	long := strings.Repeat("x", MaxNick+1)
	_, err := CheckName(long)
	if want := long + " cannot be a room's name, which is like a nick: a name has at most 32 characters"; err == nil || err.Error() != want {
		t.Errorf("%v, want %s", err, want)
	}
}

func FuzzCheckNick(f *testing.F) {
	for _, s := range []string{"alice", " a\u200b", "\u202e", "İ", "ſ", "K"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, wish string) {
		nick, why := English.checkNick(wish)
		if (nick == "") == (why == "") {
			t.Fatalf("checkNick(%q) = %q, %q", wish, nick, why)
		}
		if why != "" {
			return
		}
		checkHarmless(t, nick)
		if again, why := English.checkNick(nick); again != nick || why != "" {
			t.Errorf("%q is a nick, but then %q, %q", nick, again, why)
		}
		if key := foldNick(nick); foldNick(key) != key {
			t.Errorf("%q folds to %q and on to %q", nick, key, foldNick(key))
		}
	})
}

func TestFoldNick(t *testing.T) {
	for _, same := range [][]string{
		{"Alice", "ALICE", "alice"}, {"K", "k", "\u212a" /* Kelvin */}, {"Σ", "σ", "ς"}, {"ЖУК", "жук"}, {"李雷"},
	} {
		for _, nick := range same {
			if foldNick(nick) != foldNick(same[0]) {
				t.Errorf("%q and %q are two", nick, same[0])
			}
		}
	}
}

func TestRefusedNicks(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := open(t, Config{})
		alice, a := join(t, r, "Alice")
		a.take()
		_, b := join(t, r, "ALICE")
		if got := b.take(); len(got) != 4 || got[2] != "* the nick ALICE is taken; you are guest-1 for now" {
			t.Errorf("second alice sees %q", got)
		}
		_, c := join(t, r, "a b")
		if got := c.take(); len(got) != 4 || got[2] != "* a nick has no spaces; you are guest-2 for now" {
			t.Errorf("a b sees %q", got)
		}
		a.take()
		say(t, alice, "/nick", "/nick guest-1", "/nick a/b", "/nick Alice", "/nick alice")
		want(t, "alice", a.take(),
			"* usage: /nick NAME", "* the nick guest-1 is taken", "* a nick has no /", "* you are already Alice", "* Alice is now alice")
		say(t, alice, "/nick guest-3")
		if m, _ := join(t, r, ""); m.Nick() != "guest-4" {
			t.Errorf("the next guest is %s", m.Nick())
		}
	})
}

// Many want the same nick at once, by joining and by renaming: one gets it.
func TestNickRace(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := open(t, Config{})
		var members [50]*Member
		var wg sync.WaitGroup
		for i := range members {
			wg.Go(func() {
				wish := ""
				if i%2 == 0 {
					wish = "Bob"
				}
				members[i], _ = join(t, r, wish)
				say(t, members[i], "/nick bob")
			})
		}
		wg.Wait()
		synctest.Wait()
		holders := 0
		seen := make(map[string]bool)
		for _, m := range members {
			key := foldNick(m.Nick())
			if key == foldNick("bob") {
				holders++
			}
			if seen[key] {
				t.Errorf("two are called %s", key)
			}
			seen[key] = true
		}
		if holders != 1 || len(r.roster.byNick) != len(members) {
			t.Errorf("%d hold the nick; %d nicks for %d members", holders, len(r.roster.byNick), len(members))
		}
	})
}

// lateBus delivers only when told to, as a bus on the network may long after Publish has returned.
type lateBus struct {
	Mem
	mu   sync.Mutex
	held []func()
}

func (b *lateBus) Subscribe(ctx context.Context, room string, since Position, deliver func(Message)) (func(), error) {
	return b.Mem.Subscribe(ctx, room, since, func(m Message) {
		b.mu.Lock()
		defer b.mu.Unlock()
		b.held = append(b.held, func() { deliver(m) })
	})
}

func (b *lateBus) deliver() {
	b.mu.Lock()
	held := b.held
	b.held = nil
	b.mu.Unlock()
	for _, f := range held {
		f()
	}
}

// meanwhile runs f, which waits for the bus, has the bus deliver, and waits for f.
func (b *lateBus) meanwhile(t *testing.T, f func()) {
	t.Helper()
	done := make(chan struct{})
	go func() { f(); close(done) }()
	synctest.Wait()
	b.deliver()
	<-done
}

// A nick is whose wish comes first in the order of the bus, not who asks first.
func TestRenameBeforeDelivery(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		bus := new(lateBus)
		r := open(t, Config{Bus: bus})
		var alice, bob *Member
		var a, b *recorder
		bus.meanwhile(t, func() { alice, a = join(t, r, "alice") })
		bus.meanwhile(t, func() { bob, b = join(t, r, "bob") })
		a.take()
		b.take()

		var both sync.WaitGroup
		both.Go(func() { say(t, alice, "/nick x", "one") })
		synctest.Wait()
		both.Go(func() { say(t, bob, "/nick X") }) // which nobody has yet
		synctest.Wait()
		say(t, alice, "/nick y") // one at a time
		bus.deliver()
		both.Wait()
		bus.deliver()
		want(t, "bob", b.take(), "* alice is now x", "* the nick X is taken", "<x> one")
		want(t, "alice", a.take(), "* "+English.NickBusy, "* alice is now x")

		alice.Leave("")
		synctest.Wait()
		say(t, bob, "/nick x")
		bus.deliver()
		want(t, "bob", b.take(), "* the nick x is taken", "* x left")
		bus.meanwhile(t, func() { say(t, bob, "/nick x") })
		want(t, "bob", b.take(), "* bob is now x")
		if got := r.Nicks(); len(got) != 1 || len(r.roster.byNick) != 1 {
			t.Errorf("here are %q", got)
		}
	})
}

// hooked calls before with what is about to be published.
type hooked struct {
	*Mem
	before func(m Message)
}

func (b *hooked) Publish(ctx context.Context, room string, m Message) (uint64, error) {
	if f := b.before; f != nil {
		f(m)
	}
	return b.Mem.Publish(ctx, room, m)
}

// Who is put out while changing its name is not left waiting.
func TestKickedWhileRenaming(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		bus := &hooked{Mem: new(Mem)}
		r := open(t, Config{Bus: bus})
		bob, b := join(t, r, "bob")
		bus.before = func(m Message) {
			if m.Kind == Rename {
				publishKind(t, bus.Mem, Message{Kind: Kick, From: "op", Text: "bob"})
				synctest.Wait()
			}
		}
		done := make(chan error, 1)
		go func() { done <- bob.Line(t.Context(), "/nick rob") }()
		time.Sleep(time.Minute)
		synctest.Wait()
		select {
		case <-done:
		default:
			t.Errorf("/nick still waits; bob's screen was ended with %v", b.ended)
			r.Close()
			<-done
		}
	})
}

func publishKind(t *testing.T, b Bus, m Message) {
	t.Helper()
	if _, err := b.Publish(t.Context(), "lobby", m); err != nil {
		t.Error(err)
	}
}
