package room

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// recorder is a Screen that keeps what it was shown.
type recorder struct {
	mu    sync.Mutex
	fail  error
	shown []*Line
	ended error
}

var _ Ender = (*recorder)(nil)

func (s *recorder) Show(b *Block) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.fail != nil {
		return s.fail
	}
	s.shown = append(s.shown, b.Lines...)
	return nil
}

// End is called at most once: a second call shows as a joined error.
func (s *recorder) End(_ *Line, reason error) {
	if s.ended != nil {
		reason = errors.Join(s.ended, reason)
	}
	s.ended = reason
}

func (s *recorder) failWith(err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.fail = err
}

// take returns the texts shown since the last take, once everything has come to rest. Only inside a bubble.
func (s *recorder) take() []string {
	synctest.Wait()
	return texts(s.takeLines())
}

func (s *recorder) takeLines() []*Line {
	s.mu.Lock()
	defer s.mu.Unlock()
	lines := s.shown
	s.shown = nil
	return lines
}

func texts(lines []*Line) []string {
	var list []string
	for _, l := range lines {
		list = append(list, l.Text)
	}
	return list
}

func open(t *testing.T, c Config) *Room {
	t.Helper()
	r, err := Open(t.Context(), c)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { r.Close() })
	return r
}

func join(t *testing.T, r *Room, nick string) (*Member, *recorder) {
	t.Helper()
	s := new(recorder)
	m, err := r.Join(t.Context(), s, nick)
	if err != nil {
		t.Fatal(err)
	}
	return m, s
}

func say(t *testing.T, m *Member, lines ...string) {
	t.Helper()
	for _, l := range lines {
		if err := m.Line(t.Context(), l); err != nil {
			t.Errorf("%s: %q: %v", m.Nick(), l, err)
		}
	}
}

func want(t *testing.T, who string, got []string, lines ...string) {
	t.Helper()
	if diff := cmp.Diff(lines, got); diff != "" {
		t.Errorf("%s sees (-want +got):\n%s", who, diff)
	}
}

func TestConversation(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := open(t, Config{Name: "lobby"})
		alice, a := join(t, r, "alice")
		want(t, "alice", a.take(),
			"* welcome to lobby, you are alice; nobody else is here yet",
			"* /help lists the commands, /nick NAME changes your name",
			"* alice joined")

		bob, b := join(t, r, "")
		want(t, "alice", a.take(), "* guest-1 joined")
		want(t, "bob", b.take(),
			"* welcome to lobby, you are guest-1; here: alice",
			"* /help lists the commands, /nick NAME changes your name",
			"* guest-1 joined")

		say(t, bob, "hello\r\n", "", "  \t", "/nick bob", "//nick is a command", "/me waves")
		want(t, "alice", a.take(), "<guest-1> hello", "* guest-1 is now bob", "<bob> /nick is a command", "** bob waves")
		want(t, "bob", b.take(), "* guest-1 is now bob", "** bob waves")

		alice.Leave("see you")
		alice.Leave("again")
		want(t, "bob", b.take(), "* alice left (see you)")
		want(t, "alice", a.take())
		if err := alice.Line(t.Context(), "still here?"); !errors.Is(err, ErrLeft) || !errors.Is(err, net.ErrClosed) {
			t.Errorf("Line after Leave: %v", err)
		}
		if a.ended != nil {
			t.Errorf("a member that left by itself was ended: %v", a.ended)
		}
		if got, want := r.Stats(), (Stats{Members: 1, People: 1, Said: 3, Shown: 14}); got != want {
			t.Errorf("Stats() = %+v, want %+v", got, want)
		}
	})
}

func TestLineIsOneForAll(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := open(t, Config{})
		alice, _ := join(t, r, "alice")
		_, b := join(t, r, "bob")
		_, c := join(t, r, "carol")
		b.take()
		c.take()
		say(t, alice, "hello")
		synctest.Wait()
		x, y := b.takeLines(), c.takeLines()
		if len(x) != 1 || len(y) != 1 || x[0] != y[0] {
			t.Fatalf("bob sees %v, carol sees %v; want the same pointer", x, y)
		}
		if l := x[0]; l.Kind != Say || l.Seq != 4 || l.Time.IsZero() {
			t.Errorf("line is %+v", *l)
		}
	})
}

func TestTextIsMadeHarmless(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := open(t, Config{Name: "a\x1b[2Jb"})
		alice, a := join(t, r, "alice")
		_, b := join(t, r, "bob")
		b.take()
		say(t, alice, "\x1b[31mred\n<bob> forged\ttab \u202egnp.exe \xff", "/\x1b[2J")
		if err := alice.Line(t.Context(), "/quit \x07"); err != io.EOF {
			t.Errorf("/quit: %v, want io.EOF", err)
		}
		lines := append(b.take(), a.take()...)
		if len(lines) < 5 {
			t.Errorf("got %q", lines)
		}
		for _, l := range lines {
			checkHarmless(t, l)
		}
	})
}

func TestOrderIsTheSameForAll(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := open(t, Config{})
		const speakers, each = 8, 200
		var screens []*recorder
		var members []*Member
		for i := range speakers {
			m, s := join(t, r, fmt.Sprint("m", i))
			members, screens = append(members, m), append(screens, s)
		}
		_, silent := join(t, r, "silent")
		silent.take()
		for _, s := range screens {
			s.take()
		}
		var wg sync.WaitGroup
		for i, m := range members {
			wg.Go(func() {
				for n := range each {
					say(t, m, fmt.Sprint(i, " ", n))
				}
			})
		}
		wg.Wait()
		all := silent.take()
		if len(all) != speakers*each {
			t.Fatalf("%d lines, want %d", len(all), speakers*each)
		}
		next := make([]int, speakers)
		for _, l := range all {
			var nick string
			var i, n int
			fmt.Sscan(l, &nick, &i, &n)
			if n != next[i] {
				t.Fatalf("%q, want its number %d", l, next[i])
			}
			next[i]++
		}
		for i, s := range screens {
			own := fmt.Sprintf("<m%d>", i)
			others := slices.DeleteFunc(slices.Clone(all), func(l string) bool { return strings.HasPrefix(l, own) })
			want(t, own, s.take(), others...)
		}
	})
}

func TestLostMember(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := open(t, Config{})
		alice, a := join(t, r, "alice")
		bob, b := join(t, r, "bob")
		_, c := join(t, r, "carol")
		a.take()
		c.take()
		full := errors.New("outbox full")
		b.failWith(&net.OpError{Op: "write", Net: "tcp", Addr: &net.TCPAddr{IP: net.IPv4(192, 0, 2, 1), Port: 7}, Err: full})
		say(t, alice, "hello") // what is said meanwhile may be shown before he is told
		synctest.Wait()
		say(t, alice, "anybody?")
		want(t, "carol", c.take(), "<alice> hello", "* bob left (lost: outbox full)", "<alice> anybody?")
		want(t, "alice", a.take(), "* bob left (lost: outbox full)")
		if !errors.Is(b.ended, full) {
			t.Errorf("bob's screen was ended with %v", b.ended)
		}
		if err := bob.Line(t.Context(), "hm"); !errors.Is(err, ErrLeft) {
			t.Errorf("bob's Line: %v", err)
		}
		if got, want := r.Stats(), (Stats{Members: 2, People: 2, Said: 2, Shown: 16, Lost: 1}); got != want {
			t.Errorf("Stats() = %+v, want %+v", got, want)
		}
		join(t, r, "bob") // the nick is free again
		want(t, "carol", c.take(), "* bob joined")
	})
}

// Everybody failing at once is the worst a fan-out can meet: each loss is announced, to members that fail in turn.
func TestAllLost(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := open(t, Config{})
		var last *Member
		for range 3 * maxQueue {
			m, s := join(t, r, "")
			synctest.Wait()
			s.failWith(net.ErrClosed)
			last = m
		}
		last.Leave("")
		synctest.Wait()
		if got := r.Stats(); got.Members != 0 || r.ids == nil || len(r.ids) != 0 || len(r.roster.byNick) != 0 {
			t.Errorf("left over: %+v, %d ids, %d nicks", got, len(r.ids), len(r.roster.byNick))
		}
	})
}

func TestFull(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := open(t, Config{MaxMembers: 1})
		alice, _ := join(t, r, "alice")
		if _, err := r.Join(t.Context(), new(recorder), "bob"); !errors.Is(err, ErrFull) {
			t.Errorf("second Join: %v", err)
		}
		alice.Leave("")
		synctest.Wait()
		join(t, r, "bob")
	})
}

func TestTooLong(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := open(t, Config{MaxMessage: 5})
		alice, a := join(t, r, "alice")
		_, b := join(t, r, "bob")
		a.take()
		b.take()
		say(t, alice, "五个汉字吧", "abcdef")
		want(t, "alice", a.take(), "* not sent: it has 6 characters, the limit is 5")
		want(t, "bob", b.take(), "<alice> 五个汉字吧")
	})
}

func TestClose(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := open(t, Config{})
		alice, a := join(t, r, "alice")
		_, b := join(t, r, "bob")
		b.take()
		say(t, alice, "last words")
		var wg sync.WaitGroup
		for range 3 {
			wg.Go(func() { r.Close() })
		}
		wg.Wait()
		want(t, "bob", b.take(), "<alice> last words", "* the room is closing")
		if !errors.Is(a.ended, ErrClosed) || !errors.Is(b.ended, ErrClosed) {
			t.Errorf("ended with %v and %v", a.ended, b.ended)
		}
		if err := alice.Line(t.Context(), "hm"); !errors.Is(err, ErrClosed) {
			t.Errorf("Line: %v", err)
		}
		if err := alice.Tell(t.Context(), "hm"); !errors.Is(err, ErrClosed) {
			t.Errorf("Tell: %v", err)
		}
		if _, err := r.Join(t.Context(), new(recorder), ""); !errors.Is(err, ErrClosed) {
			t.Errorf("Join: %v", err)
		}
		alice.Leave("")
	})
}

// Two Rooms of one name on one bus are one room, as they will be on two nodes.
func TestTwoRoomsOneBus(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var bus Mem
		here, there := open(t, Config{Bus: &bus}), open(t, Config{Bus: &bus})
		other := open(t, Config{Name: "other", Bus: &bus})
		alice, a := join(t, here, "alice")
		bob, b := join(t, there, "bob")
		_, c := join(t, other, "carol")
		c.take()
		a.take()
		b.take()
		say(t, alice, "hello")
		say(t, bob, "/nick rob")
		want(t, "bob", b.take(), "<alice> hello", "* bob is now rob")
		bob.Leave("")
		want(t, "alice", a.take(), "* bob is now rob", "* rob left")
		want(t, "carol", c.take())
	})
}

func TestBusFails(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		bus := &faultyBus{}
		r := open(t, Config{Name: "lobby", Bus: bus})
		alice, _ := join(t, r, "alice")
		bob, b := join(t, r, "bob")
		b.take()
		bus.fail(errors.New("no quorum"))
		for line, msg := range map[string]string{
			"hello":     "room lobby: say: no quorum",
			"/nick eve": "room lobby: rename: no quorum",
		} {
			if err := alice.Line(t.Context(), line); err == nil || err.Error() != msg {
				t.Errorf("%q: %v, want %s", line, err, msg)
			}
		}
		if _, err := r.Join(t.Context(), new(recorder), "eve"); err == nil || err.Error() != "join room lobby: no quorum" {
			t.Errorf("Join: %v", err)
		}
		alice.Leave("") // cannot be announced yet
		synctest.Wait()
		if got := r.Nicks(); !slices.Equal(got, []string{"alice", "bob"}) {
			t.Errorf("members are %q", got)
		}
		bus.fail(nil)
		say(t, bob, "/nick eve")
		want(t, "bob", b.take(), "* bob is now eve")
		time.Sleep(2 * time.Second)
		want(t, "eve", b.take(), "* alice left")
		if _, err := Open(t.Context(), Config{Bus: &faultyBus{noSubscribers: true}}); err == nil {
			t.Error("Open without a subscription succeeded")
		}
	})
}

// faultyBus is a Mem that can be told to fail.
type faultyBus struct {
	Mem
	noSubscribers bool
	mu            sync.Mutex
	err           error
}

func (b *faultyBus) fail(err error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.err = err
}

func (b *faultyBus) Publish(ctx context.Context, room string, m Message) (uint64, error) {
	b.mu.Lock()
	err := b.err
	b.mu.Unlock()
	if err != nil {
		return 0, err
	}
	return b.Mem.Publish(ctx, room, m)
}

func (b *faultyBus) Subscribe(ctx context.Context, room string, since Position, deliver func(Message)) (func(), error) {
	if b.noSubscribers {
		return nil, errors.New("no route")
	}
	return b.Mem.Subscribe(ctx, room, since, deliver)
}
