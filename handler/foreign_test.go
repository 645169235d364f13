package handler_test

import (
	"errors"
	"io"
	"net"
	"strings"
	"testing"
	"testing/synctest"

	"sockeye.dev/charset"
	"sockeye.dev/frame"
	"sockeye.dev/handler"
	"sockeye.dev/session"
)

// Whatever the framing, and however long its address is: a stranger says nothing in a room, and nor does who takes it for
// something else.
func TestChatClosesStrangers(t *testing.T) {
	for name, c := range map[string]struct {
		framing frame.Framer
		request string
	}{
		"long": {handler.ByMessage, "POST /" + strings.Repeat("a", 40000) + " HTTP/1.1\r\nHost: x\r\n\r\nspam\r\n"},
		"nul":  {frame.NUL{}, "POST / HTTP/1.1\r\nHost: x\r\n\r\n\x00spam\x00"},
		"raw":  {nil, "POST / HTTP/1.1\r\nHost: x\r\n\r\nspam"},
		"crlf": {frame.CRLF{}, "POST / HTTP/1.1\r\nHost: x\r\n\r\nspam\r\n"},
		"line": {frame.Line{}, "POST / HTTP/1.1\r\nHost: x\r\n\r\nspam\r\n"},
		"tls":  {handler.ByMessage, "\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\nspam\n"},
		"ssh":  {handler.ByMessage, "SSH-2.0-OpenSSH_9.7\r\nspam\r\n"},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				h := openHouse(t)
				mk := func(f frame.Framer) func() net.Conn {
					return serve(t, &session.Server{Handler: &handler.Chat{House: h}, Config: session.Config{
						Format: session.Format{Framing: f, Encoding: charset.Auto(nil), Encode: charset.Replace, Decode: charset.Replace}, MaxMessage: 16 << 10}})
				}
				ann := mk(handler.ByMessage)()
				read(t, ann)
				stranger := mk(c.framing)()
				go func() { _, _ = io.WriteString(stranger, c.request) }()
				if got := read(t, ann); strings.Contains(got, "> ") {
					t.Errorf("ann sees %.200q", got)
				}
			})
		})
	}
}

// A broker that is wary lets a web page say nothing either, and lets in only whom it may; one that is not passes on all.
func TestBrokerWary(t *testing.T) {
	long := "POST /" + strings.Repeat("a", 5000) + " HTTP/1.1\r\n"
	for said, passed := range map[string]bool{
		"POST / HTTP/1.1\r\n\r\nspam": false, long: false, "\x16\x03\x01\x00\x05hello": false, "SSH-2.0-x\r\n": false,
		"HELLO world": true, "GET well soon": true, "\x16\x04": true,
	} {
		for _, wary := range []bool{false, true} {
			synctest.Test(t, func(t *testing.T) {
				dial := serve(t, &session.Server{Handler: &handler.Broker{Wary: wary}})
				listener, speaker := dial(), dial()
				read(t, listener)
				_, _ = io.WriteString(speaker, said)
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
