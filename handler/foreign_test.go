package handler_test

import (
	"errors"
	"io"
	"net"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"sockeye.dev/charset"
	"sockeye.dev/frame"
	"sockeye.dev/handler"
	"sockeye.dev/session"
)

// Whatever the framing, however long its address is, and in whatever pieces it comes: a stranger says nothing in a room, and
// nor does who takes it for something else. It is not kept either.
func TestChatClosesStrangers(t *testing.T) {
	const post, head = "POST /;x HTTP/1.1\r\nHost: a\r\n\r\n", "Host: a\r\n\r\n"
	lines, semicolons, len8 := handler.ByMessage, framing(t, "delim:;"), framing(t, "len8")
	fill := strings.Repeat("a", 200)
	for name, c := range map[string]struct {
		framing frame.Framer
		pieces  []string
	}{
		"long":       {lines, []string{"POST /" + strings.Repeat("a", 40000) + " HTTP/1.1\r\n" + head + "spam\r\n"}},
		"endless":    {semicolons, []string{"POST /;spam;" + strings.Repeat("a", 2000)}},
		"nul":        {frame.NUL{}, []string{"POST / HTTP/1.1\r\n" + head + "\x00spam\x00"}},
		"raw":        {nil, []string{"POST / HTTP/1.1\r\n" + head + "spam"}},
		"crlf":       {frame.CRLF{}, []string{"POST / HTTP/1.1\r\n" + head + "spam\r\n"}},
		"line":       {frame.Line{}, []string{"POST / HTTP/1.1\r\n" + head + "spam\r\n"}},
		"delim":      {semicolons, []string{post + "spam;spam2;"}},
		"len8":       {len8, []string{"GET /" + fill + " HTTP/1.1\r\n" + head}},
		"len8 post":  {len8, []string{"POST / HTTP/1.1\r\n" + head + fill}},
		"fixed":      {frame.Fixed{N: 2}, []string{post + "spam"}},
		"tls":        {lines, []string{"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\nspam\n"}},
		"tls, len8":  {len8, []string{"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\nspam\n" + fill}},
		"ssh":        {lines, []string{"SSH-2.0-OpenSSH_9.7\r\nspam\r\n"}},
		"ssh, delim": {framing(t, "delim:-"), []string{"SSH-1.99-x\r\nspam-"}},
		"ssh, cut":   {framing(t, "delim:-"), []string{"SSH-", "2.0-x\r\nspam-"}},
		"raw, cut":   {nil, []string{"PO", "ST / HTTP/1.1\r\n" + head + "spam"}},
		"line, cut":  {lines, []string{"PO", "ST", " / HT", "TP/1.1\r\n" + head + "spam\r\n"}},
		"delim, cut": {semicolons, []string{"POST /;spam;", "x HTTP/1.1\r\n" + head + "spam;"}},
		"len8, cut":  {len8, []string{"P", "OST /" + fill, fill + " HTTP/1", ".1\r\n" + head}},
		"nul, cut":   {frame.NUL{}, []string{"POST /\x00spam\x00 ", "HTTP/1.1\r\n" + head}},
		"tls, cut":   {nil, []string{"\x16\x03\x01", "\x02\x00\x01\x00\x01\xfc\x03\x03"}},
		"bytes":      {nil, strings.Split(post, "")},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				ann, stranger := members(t, c.framing)
				go func() {
					for _, piece := range c.pieces {
						_, _ = io.WriteString(stranger, piece)
						time.Sleep(10 * time.Millisecond) // virtual
					}
				}()
				time.Sleep(time.Second)
				if got := read(t, ann); strings.Contains(got, "> ") || !strings.HasSuffix(got, "* guest-2 left\n") {
					t.Errorf("ann sees %.200q", got)
				}
				_ = stranger.SetReadDeadline(time.Now().Add(time.Second))
				if _, err := io.ReadAll(stranger); isTimeout(err) {
					t.Error("the stranger is still there")
				}
			})
		})
	}
}

// A stranger that pauses inside its first word is turned away at the next.
func TestChatClosesStrangersThatPause(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ann, stranger := members(t, nil)
		for _, piece := range []string{"PO", "ST / HT", "TP/1.1\r\n\r\nspam"} {
			_, _ = io.WriteString(stranger, piece)
			time.Sleep(time.Second) // virtual
		}
		if got := read(t, ann); strings.Contains(got, "spam") || !strings.HasSuffix(got, "* guest-2 left\n") {
			t.Errorf("ann sees %q", got)
		}
	})
}

// Who begins like a stranger and is none is heard: people who shout, and meters, whose bytes are any.
func TestChatKeepsOthers(t *testing.T) {
	semicolons, len8 := framing(t, "delim:;"), framing(t, "len8")
	for _, tt := range []struct {
		framing frame.Framer
		said    []string
		heard   string
	}{
		{nil, []string{"OK"}, "OK"},
		{nil, []string{"GET", " well soon"}, "GET well soon"},
		{handler.ByMessage, []string{"POST /x\n"}, "POST /x"},
		{handler.ByMessage, []string{"GET x HTTP\n"}, "GET x HTTP"},
		{handler.ByMessage, []string{"SSH-2 is ours\n"}, "SSH-2 is ours"},
		{semicolons, []string{"READ;"}, "READ"},
		{semicolons, []string{"LOG ", strings.Repeat("a", 2000) + ";"}, "LOG " + strings.Repeat("a", 2000)},
		{len8, []string{"G" + strings.Repeat("x", 71)}, strings.Repeat("x", 71)},
		{len8, []string{"\x16\x03\x01" + strings.Repeat("x", 20)}, `\x03\x01` + strings.Repeat("x", 20)},
		{nil, []string{"\x16\x03\x02\x01\x2c\x4d\x7a"}, `\x16\x03\x02\x01,Mz`}, // a Modbus answer
	} {
		synctest.Test(t, func(t *testing.T) {
			ann, other := members(t, tt.framing)
			for _, piece := range tt.said {
				_, _ = io.WriteString(other, piece)
				time.Sleep(10 * time.Millisecond) // virtual
			}
			time.Sleep(time.Second)
			if got := read(t, ann); !strings.HasSuffix(got, "<guest-2> "+tt.heard+"\n") {
				t.Errorf("of %.40q ann sees %.100q", tt.said, got)
			}
		})
	}
}

// members are two in a room, the second in a framing of its own.
func members(t *testing.T, f frame.Framer) (ann, other net.Conn) {
	t.Helper()
	h := openHouse(t)
	mk := func(f frame.Framer) net.Conn {
		return serve(t, &session.Server{Handler: &handler.Chat{House: h}, Config: session.Config{
			Format: session.Format{Framing: f, Encoding: charset.Auto(nil), Encode: charset.Replace, Decode: charset.Replace}, MaxMessage: 16 << 10}})()
	}
	ann = mk(handler.ByMessage)
	read(t, ann)
	return ann, mk(f)
}

func framing(t *testing.T, s string) frame.Framer {
	t.Helper()
	f, err := frame.Parse(s)
	if err != nil {
		t.Fatal(err)
	}
	return f
}

// A broker that is wary lets a web page say nothing either, and lets in only whom it may; one that is not passes on all.
func TestBrokerWary(t *testing.T) {
	long := "POST /" + strings.Repeat("a", 5000) + " HTTP/1.1\r\n"
	for said, passed := range map[string]bool{
		"POST / HTTP/1.1\r\n\r\nspam": false, long: false, "\x16\x03\x01\x00\xc4\x01\x00\x00\xc0\x03\x03": false, "SSH-2.0-x\r\n": false,
		"HELLO world": true, "GET well soon": true, "\x16\x04": true, "\x16\x03\x01": true,
	} {
		for _, wary := range []bool{false, true} {
			synctest.Test(t, func(t *testing.T) {
				dial := serve(t, &session.Server{Handler: &handler.Broker{Wary: wary}})
				listener, speaker := dial(), dial()
				read(t, listener)
				_, _ = io.WriteString(speaker, said)
				time.Sleep(time.Second) // virtual
				if got := read(t, listener); (got != "") != (passed || !wary) {
					t.Errorf("wary %v: of %.40q is heard %.40q", wary, said, got)
				}
			})
		}
	}
	synctest.Test(t, func(t *testing.T) {
		var no error
		dial := serve(t, &session.Server{Handler: &handler.Broker{Admit: func(*session.Session) error { return no }}})
		listener := dial()
		read(t, listener)
		no = errors.New("not today")
		speaker := dial()
		_, _ = io.WriteString(speaker, "hi")
		if got := read(t, listener); got != "" {
			t.Errorf("heard: %q", got)
		}
		if _, err := speaker.Read(make([]byte, 1)); err == nil || isTimeout(err) {
			t.Errorf("the stranger is still there: %v", err)
		}
	})
}

// Who speaks an encoding that cannot be guessed is told so, once, and how to say which; a program, that its line is too long.
func TestChatTellsWhatIsWrong(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		config := session.Config{MaxMessage: 1 << 10, Format: session.Format{Framing: handler.ByMessage,
			Encoding: charset.Auto(nil), Decode: charset.BackslashReplace, Encode: charset.Replace}}
		h := house(t)
		people := serve(t, &session.Server{Handler: &handler.Chat{House: h}, Config: config})
		ann := people()
		read(t, ann)
		device := people()
		read(t, device)
		hello, _ := mustLookup(t, "gbk").EncodeString("你好", charset.Strict)
		for range 2 {
			_, _ = device.Write(append(hello, '\n'))
		}
		if got := read(t, device); strings.Count(got, "/encoding gbk") != 1 {
			t.Errorf("the device is told %q", got)
		}
		_, _ = device.Write(append([]byte("/encoding gbk\n"), append(hello, '\n')...))
		if got := read(t, ann); !strings.HasSuffix(got, "<guest-2> 你好\n") {
			t.Errorf("ann sees %q", got)
		}
		bot := serve(t, &session.Server{Handler: &handler.Chat{House: h, JSON: true}, Config: config})()
		read(t, bot)
		_, _ = io.WriteString(bot, `{"id":1,"say":"`+strings.Repeat("x", 5000)+"\"}\n[]\n{\"say\":1}\n{\"say\":\n")
		for i, got := range objects(t, read(t, bot)) {
			want := []string{"the line is too long", "not a request: want an object, not a JSON array",
				`not a request: "say" cannot be a JSON number`, "not a request: the object is not complete"}[i]
			if got.Kind != "error" || got.Text != want {
				t.Errorf("the program is told %+v, want %s", got, want)
			}
		}
	})
}

func mustLookup(t *testing.T, name string) *charset.Encoding {
	t.Helper()
	e, err := charset.Lookup(name)
	if err != nil {
		t.Fatal(err)
	}
	return e
}
