package room

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/netip"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

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
		say(t, alice, "/who", "/deop bob", "/who bo")
		want(t, "alice", a.take(), "* 2 here: @alice, @bob (::ffff:192.0.2.7)", "* bob is no operator any more, says alice",
			"* 1 here: bob (::ffff:192.0.2.7)")
	})
}

// guest is a recorder that comes from somewhere.
type guest struct {
	recorder
	source   string
	operator bool
}

func (g *guest) Source() netip.Addr {
	a, _ := netip.ParseAddr(g.source)
	return a
}

func (g *guest) Operator() bool { return g.operator }

// Who has one address of an IPv6 subnet has them all; an operator can bar who is not here, and whole networks, but not this
// machine.
func TestBars(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := open(t, Config{Secret: "swordfish"})
		alice, a := join(t, r, "alice")
		eve := &guest{source: "2001:db8:1:2:3::4"}
		if _, err := r.Join(t.Context(), eve, "eve"); err != nil {
			t.Fatal(err)
		}
		say(t, alice, "/op swordfish")
		a.take()
		say(t, alice, "/ban eve")
		synctest.Wait() // her address is barred after she was put out, on an errand
		say(t, alice, "/ban 192.0.2.9", "/ban 198.51.100.7/24", "/ban ::1", "/ban 0.0.0.0/0", "/ban")
		want(t, "alice", a.take(), "* eve was put out by alice", "* 2001:db8:1:2::/64 was barred by alice",
			"* 192.0.2.9 was barred by alice", "* 198.51.100.0/24 was barred by alice",
			"* "+fmt.Sprintf(English.BarsUs, "::1"), "* "+fmt.Sprintf(English.BarsUs, "0.0.0.0/0"),
			"* barred: 2001:db8:1:2::/64, 192.0.2.9, 198.51.100.0/24")
		for source, barred := range map[string]bool{
			"2001:db8:1:2::99": true, "2001:db8:1:3::99": false, "192.0.2.9": true, "192.0.2.10": false, "::ffff:198.51.100.200": true, "": false,
		} {
			m, err := r.Join(t.Context(), &guest{source: source}, "")
			if errors.Is(err, ErrBarred) != barred {
				t.Errorf("%q: %v", source, err)
			}
			if m != nil {
				m.Leave("")
			}
		}
		say(t, alice, "/unban 2001:db8:1:2:7::")
		synctest.Wait()
		if _, err := r.Join(t.Context(), eve, "eve"); err != nil {
			t.Error(err)
		}
	})
}

// A reason behind a network does not make a name of it, and what is neither is said to be neither.
func TestBanWithReason(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := open(t, Config{Secret: "swordfish"})
		alice, a := join(t, r, "alice")
		_, _ = join(t, r, "7.7")
		say(t, alice, "/op swordfish")
		a.take()
		say(t, alice, "/ban 1.2.3.0/24 they flood", "/ban 10.0.0.0/33", "/ban 2001:db8::zz spam", "/ban 1.2.3", "/ban carol", "/ban 127.0.0.1 us", "/ban 7.7 is a nick")
		want(t, "alice", a.take(), "* 1.2.3.0/24 was barred by alice", "* "+fmt.Sprintf(English.NoSource, "10.0.0.0/33"),
			"* "+fmt.Sprintf(English.NoSource, "2001:db8::zz"), "* "+fmt.Sprintf(English.NoSource, "1.2.3"), "* nobody here is called carol",
			"* "+fmt.Sprintf(English.BarsUs, "127.0.0.1"), "* 7.7 was put out by alice (is a nick)", "* 7.7 was put out, but has no address that could be barred")
	})
}

// A secret cannot be tried out, not even by coming back; who knows it from elsewhere is let in meanwhile.
func TestGuesses(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var log strings.Builder
		r := open(t, Config{Secret: "swordfish", Log: slog.New(slog.NewTextHandler(&log, nil))})
		eve := &guest{source: "2001:db8::1"}
		try := func(g *guest, secret string) string {
			t.Helper()
			m, err := r.Join(t.Context(), g, "")
			if err != nil {
				t.Fatal(err)
			}
			synctest.Wait()
			g.take()
			say(t, m, "/op "+secret)
			synctest.Wait()
			m.Leave("")
			got := g.take()
			return got[len(got)-1]
		}
		for range guessAtOnce {
			if got := try(eve, "sesame"); got != "* "+English.BadSecret {
				t.Fatal(got)
			}
		}
		if got := try(&guest{source: "2001:db8::2"}, "swordfish"); got != "* "+English.TooManyGuesses {
			t.Error(got)
		}
		if got := try(&guest{source: "2001:db8:0:1::"}, "swordfish"); got != "* "+English.NowOp {
			t.Error(got)
		}
		time.Sleep(guessEvery + 1)
		if got := try(eve, "swordfish"); got != "* "+English.NowOp {
			t.Error(got)
		}
		if n := strings.Count(log.String(), "a wrong secret"); n != guessAtOnce {
			t.Errorf("%d wrong secrets are logged: %s", n, log.String())
		}
		if strings.Contains(log.String(), "swordfish") || strings.Contains(log.String(), "sesame") {
			t.Error("the log has the secret: ", log.String())
		}
		var c common
		now := time.Now()
		for i := range 1 << 16 {
			now = now.Add(guessEvery)
			c.mayGuess(netip.PrefixFrom(netip.AddrFrom4([4]byte{byte(i >> 8), byte(i)}), 32), now)
		}
		if n := len(c.guesses); n > 2*guessSources {
			t.Errorf("%d sources are remembered", n)
		}
	})
}

// An operator who says the secret again is not shown it as somebody's name, and cannot try it out.
func TestOpAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := open(t, Config{Secret: "open sesame"})
		alice, a := join(t, r, "alice")
		a.take()
		say(t, alice, "/op open sesame", "/op open sesame", "/op carol")
		want(t, "alice", a.take(), "* "+English.NowOp, "* "+English.OpAlready, "* nobody here is called carol")
		time.Sleep(guessAtOnce * guessEvery)
		for range guessAtOnce {
			say(t, alice, "/op wrong")
		}
		a.take()
		say(t, alice, "/op open sesame")
		want(t, "alice", a.take(), "* nobody here is called open")
	})
}

// Operators do not put themselves out, and what changes nothing is told to nobody else.
func TestModerateNothing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := open(t, Config{Secret: "swordfish"})
		alice, a := join(t, r, "alice")
		_, b := join(t, r, "bob")
		say(t, alice, "/op swordfish")
		a.take()
		b.take()
		say(t, alice, "/kick alice", "/ban Alice spam", "/mute alice", "/msg alice me")
		want(t, "alice", a.take(), "* "+English.NotYourself, "* "+English.NotYourself, "* "+English.NotYourself,
			"* alice says to you alone: me", "* you said to alice alone: me")
		say(t, alice, "/unmute bob", "/mute bob", "/mute bob", "/unmute bob", "/unmute bob")
		want(t, "alice", a.take(), "* bob is not silenced", "* bob was silenced by alice", "* bob is silenced already",
			"* bob may speak again, says alice", "* bob is not silenced")
		want(t, "bob", b.take(), "* bob was silenced by alice", "* bob may speak again, says alice")
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

// What a source is called is read as the same source.
func TestSourceText(t *testing.T) {
	for text, want := range map[string]string{
		"192.0.2.1": "192.0.2.1", "192.0.2.1/32": "192.0.2.1", "192.0.2.1/24": "192.0.2.0/24", "::ffff:192.0.2.1": "192.0.2.1",
		"::ffff:192.0.2.77/120": "192.0.2.0/24", "2001:db8::1": "2001:db8::/64", "2001:db8::1/128": "2001:db8::1/128", "::1": "::1",
		"2001:db8::/32": "2001:db8::/32", "fe80::1%eth0": "fe80::/64",
	} {
		p, ok := parseSource(text)
		if !ok || sourceText(p) != want {
			t.Errorf("%s is %s, want %s", text, sourceText(p), want)
		}
		if again, _ := parseSource(sourceText(p)); again != p {
			t.Errorf("%s is read as %v, and then as %v", text, p, again)
		}
	}
	for _, text := range []string{"", "bob", "192.0.2", "192.0.2.1/33", "1"} {
		if p, ok := parseSource(text); ok {
			t.Errorf("%q is %v", text, p)
		}
	}
}

// Who goes from room to room has no more guesses than who stays; and what was barred in a room that has closed is seen and
// lifted in another.
func TestModerationInTheHouse(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := openHouse(t, HouseConfig{Room: Config{Secret: "swordfish"}})
		eve, e := enter(t, h, "", "eve")
		for range 3 {
			eve.do(t, "/join den", "/op a", "/op b", "/leave", "/op c")
		}
		wrong, many := 0, 0
		for _, line := range e.take() {
			switch line {
			case "* " + English.BadSecret:
				wrong++
			case "* " + English.TooManyGuesses:
				many++
			}
		}
		if wrong != guessAtOnce || many != 9-guessAtOnce {
			t.Errorf("%d guesses were judged, %d refused", wrong, many)
		}
		time.Sleep(guessEvery + 1)
		eve.do(t, "/op swordfish", "/join den", "/ban 192.0.2.7", "/leave")
		e.take()
		eve.do(t, "/ban", "/unban 192.0.2.7")
		synctest.Wait()
		eve.do(t, "/ban")
		want(t, "eve", e.take(), "* barred: 192.0.2.7", "* 192.0.2.7 is not barred any more, says eve", "* "+English.NoBarred)
	})
}

// slowAck is a bus on which what is published comes back before it is acknowledged.
type slowAck struct {
	*Mem
	before func(Message)
}

func (b *slowAck) Publish(ctx context.Context, room string, m Message) (uint64, error) {
	seq, err := b.Mem.Publish(ctx, room, m)
	b.before(m)
	return seq, err
}

// What comes after the secret counts, even if it comes before the secret is acknowledged.
func TestDemotedAtOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		bus := &slowAck{Mem: new(Mem)}
		var alice *Member
		bus.before = func(m Message) {
			if m.Kind == Promote && m.From == "bob" {
				synctest.Wait()
				say(t, alice, "/deop bob")
				synctest.Wait()
			}
		}
		r := open(t, Config{Bus: bus, Secret: "swordfish"})
		alice, _ = join(t, r, "alice")
		bob, b := join(t, r, "bob")
		say(t, alice, "/op swordfish")
		b.take()
		say(t, bob, "/op swordfish", "/kick alice", "/who")
		want(t, "bob", b.take(), "* "+English.NowOp, "* bob is no operator any more, says alice", "* /kick is for operators; /op SECRET makes you one", "* 2 here: @alice, bob")
	})
}

// An operator who is silenced stays both when going to another room.
func TestOperatorSilencedMoves(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := openHouse(t, HouseConfig{Room: Config{Secret: "swordfish"}})
		alice, _ := enter(t, h, "", "alice")
		bob, b := enter(t, h, "", "bob")
		alice.do(t, "/op swordfish", "/op bob", "/mute bob", "/join den")
		bob.do(t, "/join den")
		alice.do(t, "/deop bob")
		b.take()
		bob.do(t, "mmmh", "/who")
		want(t, "bob", b.take(), "* "+English.Muted, "* 2 here: @alice, bob")
	})
}
