package handler_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"regexp"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"sockeye.dev/charset"
	"sockeye.dev/endpoint"
	"sockeye.dev/frame"
	"sockeye.dev/handler"
	"sockeye.dev/room"
	"sockeye.dev/session"
)

// house is one whose members can use the door's commands.
func house(t *testing.T, more ...room.Command) *room.House {
	t.Helper()
	h, err := room.OpenHouse(context.Background(), room.HouseConfig{Room: room.Config{
		Commands: append(handler.ChatCommands(charset.Auto(nil), &room.English), more...),
	}})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = h.Close() })
	return h
}

type object struct {
	Kind, Room, From, Text string
	ID                     json.RawMessage
	Seq                    uint64
	Past                   bool
}

// objects are what a JSON member has been told.
func objects(t *testing.T, text string) (all []object) {
	t.Helper()
	for line := range strings.Lines(text) {
		if !strings.HasPrefix(line, "{") { // from before it asked for JSON
			continue
		}
		var o object
		if err := json.Unmarshal([]byte(line), &o); err != nil {
			t.Fatalf("%q: %v", line, err)
		}
		all = append(all, o)
	}
	return all
}

// A program is told when what it says is stored, and misses nothing.
func TestChatJSON(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := house(t)
		config := session.Config{Format: session.Format{Framing: handler.ByMessage}}
		people := serve(t, &session.Server{Handler: &handler.Chat{House: h}, Config: config})
		bots := serve(t, &session.Server{Handler: &handler.Chat{House: h, JSON: true}, Config: config})
		ann := people()
		_, _ = io.WriteString(ann, "/nick ann\nbefore\n")
		read(t, ann)
		bot := bots()
		if got := objects(t, read(t, bot)); len(got) != 3 || got[0].Kind != "notice" || got[2].Kind != "join" || got[2].From != "guest-2" || got[2].Room != "lobby" {
			t.Fatalf("a program that comes is told %+v", got)
		}
		_, _ = io.WriteString(bot, `{"id":"x","say":"/not a <command>"}`+"\n")
		ack := objects(t, read(t, bot))
		if len(ack) != 1 || ack[0].Kind != "ack" || string(ack[0].ID) != `"x"` || ack[0].Seq == 0 {
			t.Fatalf("what was said is answered by %+v", ack)
		}
		if got := read(t, ann); got != "* guest-2 joined\n<guest-2> /not a <command>\n" {
			t.Errorf("ann sees %q", got)
		}
		_, _ = io.WriteString(ann, "你好\n/me waves\n/nick anna\n/topic x\n")
		got := objects(t, read(t, bot))
		if len(got) != 3 || got[0].Text != "你好" || got[0].From != "ann" || got[1].Kind != "emote" || got[1].Text != "waves" ||
			got[2].Kind != "rename" || got[2].From != "ann" || got[2].Text != "anna" {
			t.Errorf("the program is told %+v", got)
		}

		for request, want := range map[string]string{
			`{"id":1}`:                                    "not a request",
			`{"id":1,"say":"x","line":"y"}`:               "not a request",
			`{"id":1,"shout":"x"}`:                        "unknown field",
			`{"id":1,"say":"x"} {"say":"y"}`:              "one object a line",
			`{"id":1,"say":" \n"}`:                        "nothing to say",
			`hello`:                                       "not a request",
			`{"id":1,"say":5}`:                            "not a request",
			`{"id":1,"line":"/nick a b"}`:                 "a nick has no spaces",
			`{"say":"` + strings.Repeat("x", 5000) + `"}`: "the limit is 4096",
		} {
			_, _ = io.WriteString(bot, request+"\n")
			if got := objects(t, read(t, bot)); len(got) == 0 || !strings.Contains(got[0].Text, want) {
				t.Errorf("%.40s: %+v", request, got)
			}
		}

		again := bots()
		read(t, again)
		_, _ = fmt.Fprintf(again, `{"id":2,"resume":%d}`+"\n", ack[0].Seq)
		got = objects(t, read(t, again))
		if len(got) != 3 || got[0].Text != "你好" || !got[0].Past || got[1].Text != "waves" || got[2].Kind != "ack" || got[2].Seq <= got[1].Seq {
			t.Errorf("what was missed: %+v", got)
		}
		for _, wrong := range []string{"x", "-1"} {
			_, _ = fmt.Fprintf(ann, "/json %s\n", wrong)
			if got := read(t, ann); !strings.HasSuffix(got, "* "+wrong+" is not the number of a message; /json takes one, or nothing\n") {
				t.Errorf("/json %s is answered by %q", wrong, got)
			}
		}
		_, _ = fmt.Fprintf(ann, "/json %d\n", ack[0].Seq)
		if got := objects(t, read(t, ann)); len(got) != 2 || got[0].Text != "你好" {
			t.Errorf("/json brought %+v", got)
		}
		_, _ = io.WriteString(again, `{"line":"/quit"}`+"\n")
		_ = again.SetReadDeadline(time.Time{})
		if _, err := io.ReadAll(again); err != nil {
			t.Error(err)
		}
	})
}

// Who ends no line is heard after a pause. Who has ended one is not: the rest of a whisper that is late must not be said to
// everybody.
func TestChatPauses(t *testing.T) {
	legacy, err := charset.Lookup("gbk")
	if err != nil {
		t.Fatal(err)
	}
	synctest.Test(t, func(t *testing.T) {
		dial := serve(t, &session.Server{Handler: &handler.Chat{House: house(t)}, Config: session.Config{Format: session.Format{
			Framing: handler.ByMessage, Encoding: charset.Auto(legacy), Encode: charset.Replace}}})
		ann, bob, gbk := dial(), dial(), dial()
		for _, text := range []string{"/nick bo", "hel", "lo"} {
			_, _ = io.WriteString(bob, text)
			time.Sleep(100 * time.Millisecond)
		}
		if got := read(t, ann); !strings.HasSuffix(got, "<bo> hel\n<bo> lo\n") {
			t.Errorf("ann sees %q", got)
		}
		read(t, bob)
		for _, text := range []string{"/nick ann\n", "/msg bo my pass", "word is 1234\n"} {
			_, _ = io.WriteString(ann, text)
			time.Sleep(100 * time.Millisecond)
		}
		if got := read(t, bob); !strings.HasSuffix(got, " is now ann\n* ann says to you alone: my password is 1234\n") {
			t.Errorf("bob sees %q", got)
		}
		read(t, gbk)
		_, _ = io.WriteString(gbk, "\xc4\xe3\xba\xc3\n") // what it speaks is still found out
		read(t, gbk)
		_, _ = io.WriteString(ann, "再见\n")
		if got := read(t, gbk); !strings.HasSuffix(got, "\xd4\xd9\xbc\xfb\n") {
			t.Errorf("who speaks GBK sees %q", got)
		}
		h, utf8 := house(t), charset.UTF8
		dial = serve(t, &session.Server{Handler: &handler.Chat{House: h}, Config: session.Config{Format: session.Format{
			Framing: handler.ByMessage, Encoding: charset.Auto(legacy), Send: utf8, Encode: charset.Replace}}})
		ann, gbk = dial(), dial()
		_, _ = io.WriteString(gbk, "\xc4\xe3\xba\xc3\n/frame nul\n")
		read(t, gbk)
		_, _ = io.WriteString(ann, "再见\n")
		if got := read(t, gbk); !strings.HasSuffix(got, "再见\x00") { // as the door says
			t.Errorf("who is to be sent UTF-8 sees %q", got)
		}
	})
}

// A member's encoding and framing are its own to change.
func TestChatFormats(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		dial := serve(t, &session.Server{Handler: &handler.Chat{House: house(t)}, Config: session.Config{Format: session.Format{
			Framing: frame.Line{}, Encoding: charset.Auto(nil), Encode: charset.Replace}}})
		ann := dial()
		read(t, ann)
		bob := dial()
		read(t, bob)
		read(t, ann)
		_, _ = io.WriteString(ann, "/encoding gbk\n/encoding nonsense\n/frame nul\n")
		if got := read(t, ann); !strings.Contains(got, "your encoding is gbk\n") || !strings.Contains(got, "nonsense") || !strings.HasSuffix(got, "\x00") {
			t.Errorf("ann sees %q", got)
		}
		read(t, bob)
		_, _ = io.WriteString(bob, "你好\n")
		if got := read(t, ann); got != "<guest-2> \xc4\xe3\xba\xc3\x00" {
			t.Errorf("ann sees %q", got)
		}
		_, _ = io.WriteString(ann, "\xc4\xe3\xba\xc3\x00/encoding\x00/frame\x00/frame x\x00/encoding auto\x00")
		if got := read(t, bob); got != "<guest-1> 你好\n" {
			t.Errorf("bob sees %q", got)
		}
		if got := read(t, ann); !strings.Contains(got, "your encoding is gbk\x00") || !strings.Contains(got, "your encoding is auto") {
			t.Errorf("ann sees %q", got)
		}
	})
}

// Who asks for its encoding is told what was found out, and nothing that was not.
func TestEncodingFound(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		gbk, _ := charset.Lookup("gbk")
		big5, _ := charset.Lookup("big5")
		tell := room.Command{Name: "say", Run: func(ctx context.Context, m *room.Member, _ string) error { return m.Tell(ctx, "人") }}
		const want = "your encoding is auto (gbk)\n"
		for send, written := range map[*charset.Encoding]string{nil: "* \xc8\xcb\n", big5: "* \xa4H\n"} {
			ann := serve(t, &session.Server{Handler: &handler.Chat{House: house(t, tell)}, Config: session.Config{Format: session.Format{
				Framing: frame.Line{}, Encoding: charset.Auto(gbk), Send: send, Decode: charset.Replace, Encode: charset.Replace}}})()
			read(t, ann)
			_, _ = io.WriteString(ann, "/encoding\n")
			if got := read(t, ann); got != "* your encoding is auto\n" {
				t.Errorf("at first: %q", got)
			}
			_, _ = io.WriteString(ann, "\xc4\xe3\xba\xc3\n/encoding\n")
			if got := read(t, ann); got != "* "+want {
				t.Errorf("then: %q", got)
			}
			_, _ = io.WriteString(ann, "/frame line\n/say\n/encoding\n")
			if got := read(t, ann); got != "* your messages end by line\n"+written+"* "+want {
				t.Errorf("after /frame: %q", got)
			}
			_, _ = io.WriteString(ann, "/encoding auto\n")
			if got := read(t, ann); got != "* your encoding is auto\n" {
				t.Errorf("anew: %q", got)
			}
		}
	})
}

// A framing in which a member would not hear or not be heard is refused, and the one it has stays.
func TestUnfitFramings(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		dial := serve(t, &session.Server{Handler: &handler.Chat{House: house(t)}, Config: session.Config{Format: session.Format{Framing: handler.ByMessage}}})
		bob := dial()
		read(t, bob)
		for framing, why := range map[string]string{
			"fixed:8": "no fixed length", "fixed:8+quiet:1s": "no fixed length", "datagram": "no messages of its own", "raw": "", "quiet:20ms": "", "line+quiet:1s": "",
		} {
			ann := dial()
			read(t, ann)
			_, _ = io.WriteString(ann, "/frame "+framing+"\n")
			got := read(t, ann)
			if why == "" {
				why = "your messages end by " + framing
			}
			if !strings.Contains(got, why) || !strings.Contains(got, framing) {
				t.Errorf("/frame %s is answered by %q", framing, got)
			}
			read(t, bob)
			_, _ = io.WriteString(ann, "hello\n")
			time.Sleep(time.Second)
			if got := read(t, bob); !strings.Contains(got, "> hello\n") {
				t.Errorf("after /frame %s bob sees %q", framing, got)
			}
			_, _ = io.WriteString(bob, "a longer line\n")
			if got := read(t, ann); !strings.Contains(got, "> a longer line") {
				t.Errorf("after /frame %s ann sees %q", framing, got)
			}
			_ = ann.Close()
		}
	})
	for _, framing := range []frame.Framer{frame.Datagram{}, frame.Line{}} {
		if why := handler.Unfit(framing, true, &room.English); why != "" {
			t.Errorf("%v of datagrams: %s", framing, why)
		}
	}
}

// Who says too much is told so and stays, in any framing; who speaks HTTP that a framing takes for a long message does not.
func TestTooLongFrame(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := house(t)
		config := func(framing frame.Framer) session.Config {
			return session.Config{MaxMessage: 16 << 10, Oversize: frame.Skip, Format: session.Format{Framing: framing}}
		}
		bob := serve(t, &session.Server{Handler: &handler.Chat{House: h}, Config: config(frame.Line{})})()
		read(t, bob)
		for _, spec := range []string{"line", "len16", "len32le", "slip", "cobs"} {
			framing, _ := frame.Parse(spec)
			dial := serve(t, &session.Server{Handler: &handler.Chat{House: h}, Config: config(framing)})
			for size, want := range map[int]string{16 << 10: "it has 16384 characters", 16<<10 + 1: "the line is too long", 65535: "the line is too long"} {
				ann := dial()
				read(t, ann)
				p, _ := framing.Append(nil, []byte(strings.Repeat("x", size)))
				p, _ = framing.Append(p, []byte("hello"))
				_, _ = ann.Write(p)
				if got := read(t, ann); !strings.Contains(got, want) && (spec != "cobs" || !strings.Contains(got, "the line is too long")) { // cobs is longer on the wire
					t.Errorf("%s: %d bytes are answered by %q", spec, size, got)
				}
				if got := read(t, bob); !strings.HasSuffix(got, "> hello\n") {
					t.Errorf("%s: after %d bytes bob sees %q", spec, size, got)
				}
				_ = ann.Close()
				read(t, bob)
			}
			post := dial()
			read(t, post)
			_, _ = io.WriteString(post, "POST / HTTP/1.1\r\n\r\n"+strings.Repeat("x", 0x504f-19)+"\x00\x04spam\n")
			if got := read(t, bob); strings.Contains(got, "spam") || !strings.Contains(got, " left") {
				t.Errorf("%s: after a POST bob sees %q", spec, got)
			}
			_ = post.Close()
		}
	})
}

// Who sends what is no message, or one too long to be passed over, is told why it is put out, and the others are, too.
func TestUnframed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := house(t)
		config := session.Config{MaxMessage: 1 << 10, Format: session.Format{Framing: frame.Line{}}}
		people := serve(t, &session.Server{Handler: &handler.Chat{House: h}, Config: config})
		bob := people()
		read(t, bob)
		for _, tt := range []struct{ framing, say, why string }{
			{"len32", "\x00\x00\x04\x01", "a message of 1025 bytes is longer than 1024"},
			{"slip", strings.Repeat("x", 2000), "a message is longer than 1024"},
			{"len16:self", "\x00\x01", "less than its header"},
		} {
			ann := people()
			_, _ = io.WriteString(ann, "/frame "+tt.framing+"\n")
			read(t, ann)
			read(t, bob)
			_, _ = io.WriteString(ann, tt.say)
			if got := read(t, ann); !strings.Contains(got, tt.why) {
				t.Errorf("%s: who is put out sees %q", tt.framing, got)
			}
			if got := read(t, bob); !strings.Contains(got, " left (their message was too long or broken)\n") {
				t.Errorf("%s: bob sees %q", tt.framing, got)
			}
			_ = ann.Close()
		}
	})
}

// Who sends datagrams from elsewhere has to prove where it is, and until then is sent no more than came from there.
func TestChatCookies(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := house(t)
		for _, host := range []string{"192.0.2.1", "127.0.0.1"} {
			var network endpoint.Mem
			addr := endpoint.Addr{Scheme: "udp", Host: host, Port: 7788}
			ln, err := network.Listen(t.Context(), addr)
			if err != nil {
				t.Fatal(err)
			}
			srv := &session.Server{Handler: &handler.Chat{House: h, Cookies: new(handler.Cookies)}, Config: session.Config{Amplify: 1}}
			go srv.Serve(t.Context(), ln)
			conn, err := network.Dial(t.Context(), addr)
			if err != nil {
				t.Fatal(err)
			}
			defer conn.Close()
			ask := func(text string) string {
				t.Helper()
				if _, err := io.WriteString(conn, text); err != nil {
					t.Fatal(err)
				}
				return readDatagrams(t, conn)
			}
			if host == "127.0.0.1" {
				if got := ask("hello"); !strings.Contains(got, "welcome") {
					t.Errorf("on this host: %q", got)
				}
				continue
			}
			if got := ask("hi"); got != "" {
				t.Errorf("2 bytes were answered by %q", got)
			}
			if got := ask("/join aaaaaaaa and more"); !regexp.MustCompile(`^/join [a-z2-7]{8}$`).MatchString(got) {
				t.Fatalf("the cookie is told by %q", got)
			} else if got := ask(got + "\n"); !strings.Contains(got, "welcome to lobby") {
				t.Errorf("the cookie brought %q", got)
			}
			if got := ask("/who"); !strings.Contains(got, "1 here") {
				t.Errorf("a member is told %q", got)
			}
		}
	})
}

func readDatagrams(t *testing.T, conn net.Conn) string {
	t.Helper()
	synctest.Wait()
	var all strings.Builder
	buf := make([]byte, 64<<10)
	for {
		_ = conn.SetReadDeadline(time.Now().Add(time.Millisecond))
		n, err := conn.Read(buf)
		if err != nil {
			return all.String()
		}
		all.Write(buf[:n])
	}
}

// One address cannot take everything; this host may.
func TestThrottle(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		chat := &handler.Chat{House: house(t), Throttle: &handler.Throttle{Lines: 2, Joins: 1}}
		var all sync.WaitGroup
		var conns []net.Conn
		defer func() {
			for _, c := range conns {
				_ = c.Close()
			}
			all.Wait()
		}()
		join := func(host string) net.Conn {
			ours, theirs := net.Pipe()
			conns = append(conns, theirs)
			conn := from{ours, &net.TCPAddr{IP: net.ParseIP(host), Port: 7}}
			s := session.New(conn, &session.Config{Format: session.Format{Framing: frame.Line{}}})
			all.Go(func() {
				_ = chat.Serve(t.Context(), s)
				_ = s.Close()
				_ = ours.Close()
			})
			return theirs
		}
		var last net.Conn
		for i := range 6 { // five seconds' worth
			last = join("192.0.2.1")
			got := read(t, last)
			if welcome := strings.Contains(got, "welcome"); welcome != (i < 5) {
				t.Errorf("member %d sees %q", i, got)
			}
		}
		if got := read(t, join("::ffff:192.0.2.1")); !strings.Contains(got, "too many") {
			t.Errorf("the same address spelled otherwise: %q", got)
		}
		for range 20 {
			if got := read(t, join("127.0.0.1")); !strings.Contains(got, "welcome") {
				t.Errorf("this host: %q", got)
			}
		}
		time.Sleep(time.Minute)
		slow := join("192.0.2.1")
		read(t, slow)
		go func() { _, _ = io.WriteString(slow, strings.Repeat("/rooms\n", 14)) }()
		if n := strings.Count(read(t, slow), "rooms:"); n != 10 {
			t.Errorf("%d lines at once", n)
		}
		time.Sleep(2 * time.Second)
		if n := strings.Count(read(t, slow), "rooms:"); n != 4 {
			t.Errorf("%d lines later", n)
		}
	})
}

// from is a connection with another remote address.
type from struct {
	net.Conn
	remote net.Addr
}

func (c from) RemoteAddr() net.Addr { return c.remote }

// slowToEnd is a bus whose subscriptions end only once it is told so.
type slowToEnd struct {
	room.Mem
	end chan struct{}
}

func (b *slowToEnd) Subscribe(ctx context.Context, name string, since room.Position, deliver func(room.Message)) (func(), error) {
	cancel, err := b.Mem.Subscribe(ctx, name, since, deliver)
	return func() { <-b.end; cancel() }, err
}

// Who speaks while the room is closing reads that it is.
func TestChatClosing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		bus := &slowToEnd{end: make(chan struct{})}
		h, err := room.OpenHouse(t.Context(), room.HouseConfig{Room: room.Config{Bus: bus}})
		if err != nil {
			t.Fatal(err)
		}
		config := session.Config{Format: session.Format{Framing: frame.Line{}}}
		ann := serve(t, &session.Server{Handler: &handler.Chat{House: h}, Config: config})()
		bot := serve(t, &session.Server{Handler: &handler.Chat{House: h, JSON: true}, Config: config})()
		read(t, ann)
		read(t, bot)
		closed := make(chan error)
		go func() { closed <- h.Close() }()
		synctest.Wait() // the room takes nothing any more, and has not said so
		_, _ = io.WriteString(ann, "too late\n/who\n/quit\n")
		_, _ = io.WriteString(bot, `{"id":1,"say":"too late"}`+"\n"+`{"resume":0}`+"\n")
		if got := read(t, ann) + read(t, bot); strings.Contains(got, "too late") {
			t.Errorf("what was said too late is shown: %q", got)
		}
		close(bus.end)
		if err := <-closed; err != nil {
			t.Error(err)
		}
		for name, conn := range map[string]net.Conn{"ann": ann, "bot": bot} {
			if got := read(t, conn); !strings.Contains(got, "the room is closing") {
				t.Errorf("%s sees last %q", name, got)
			}
		}
	})
}

// What others say puts nobody out, whatever a member's framing cannot carry.
func TestFramingCannotCarry(t *testing.T) {
	for _, framing := range []string{"delim:;", "len8", "nul"} {
		synctest.Test(t, func(t *testing.T) {
			h := house(t)
			dial := serve(t, &session.Server{Handler: &handler.Chat{House: h}, Config: session.Config{Format: session.Format{Framing: frame.Line{}, Encode: charset.Replace, Decode: charset.Replace}}})
			victim := dial()
			read(t, victim)
			_, _ = io.WriteString(victim, "/frame "+framing+"\n")
			if got := read(t, victim); got == "" {
				t.Errorf("%s: it is not told of it", framing)
			}
			bob := dial()
			read(t, bob)
			read(t, victim)
			_, _ = io.WriteString(bob, "a;b "+strings.Repeat("x", 300)+"\n")
			if got := read(t, bob); strings.Contains(got, "left") {
				t.Errorf("%s: bob sees %.200q", framing, got)
			}
			if got := read(t, victim); !strings.HasPrefix(got, "<guest-2>") && !strings.HasPrefix(got[min(len(got), 1):], "<guest-2>") {
				t.Errorf("%s: the victim sees %.200q", framing, got)
			}
			_, _ = io.WriteString(bob, "/who\n")
			if got := read(t, bob); !strings.Contains(got, "2 here") {
				t.Errorf("%s: bob sees %.200q", framing, got)
			}
		})
	}
}

// Who does not prove where it is takes nobody's place for long.
func TestChatCookieExpires(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var network endpoint.Mem
		addr := endpoint.Addr{Scheme: "udp", Host: "192.0.2.1", Port: 7788}
		ln, err := network.Listen(t.Context(), addr)
		if err != nil {
			t.Fatal(err)
		}
		srv := &session.Server{Handler: &handler.Chat{House: house(t), Cookies: new(handler.Cookies)}, Config: session.Config{Amplify: 1}}
		go srv.Serve(t.Context(), ln)
		conn, err := network.Dial(t.Context(), addr)
		if err != nil {
			t.Fatal(err)
		}
		defer conn.Close()
		_, _ = io.WriteString(conn, "may I come in?")
		cookie := readDatagrams(t, conn)
		time.Sleep(6 * time.Second)
		synctest.Wait()
		if held, _ := srv.Counts(); held != 0 {
			t.Errorf("%d conversations are held", held)
		}
		_, _ = io.WriteString(conn, cookie)
		if got := readDatagrams(t, conn); !strings.Contains(got, "welcome") {
			t.Errorf("%q brought %q", cookie, got)
		}
		time.Sleep(time.Minute / 2)
		if held, _ := srv.Counts(); held != 1 {
			t.Errorf("%d conversations are held", held)
		}
	})
}

// doubtful is a bus that does not know what has become of what is said.
type doubtful struct {
	room.Mem
	err error
}

func (b *doubtful) Publish(ctx context.Context, name string, m room.Message) (uint64, error) {
	if m.Kind == room.Say {
		return 0, b.err
	}
	return b.Mem.Publish(ctx, name, m)
}

// What may have been said is not said to have been lost.
func TestChatUnconfirmed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		for err, want := range map[error]string{
			errors.New("no"): "* not sent: room lobby: say: no\n",
			fmt.Errorf("no answer (%w)", room.ErrUnconfirmed): "* perhaps not sent: room lobby: say: no answer (it may have been stored nevertheless)\n",
		} {
			h, e := room.OpenHouse(t.Context(), room.HouseConfig{Room: room.Config{Bus: &doubtful{err: err}}})
			if e != nil {
				t.Fatal(e)
			}
			defer h.Close()
			config := session.Config{Format: session.Format{Framing: frame.Line{}}}
			ann := serve(t, &session.Server{Handler: &handler.Chat{House: h}, Config: config})()
			read(t, ann)
			_, _ = io.WriteString(ann, "hello\n")
			if got := read(t, ann); got != want {
				t.Errorf("ann sees %q, want %q", got, want)
			}
			bot := serve(t, &session.Server{Handler: &handler.Chat{House: h, JSON: true}, Config: config})()
			read(t, bot)
			_, _ = io.WriteString(bot, `{"id":1,"say":"hello"}`+"\n")
			if got := read(t, bot); strings.Contains(got, `"unconfirmed":true`) != errors.Is(err, room.ErrUnconfirmed) {
				t.Errorf("the program sees %q", got)
			}
		}
	})
}
