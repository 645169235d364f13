package handler_test

import (
	"encoding/json"
	"io"
	"strings"
	"testing"
	"testing/synctest"
	"unicode"
	"unicode/utf8"

	"sockeye.dev/handler"
	"sockeye.dev/session"
)

// FuzzRequest has a program ask for anything: it and who else is there are answered with objects, one a line and harmless, and
// those that follow are answered too.
func FuzzRequest(f *testing.F) {
	for _, s := range []string{
		`{"id":1,"say":"hello"}`, `{"id":null,"say":""}`, `{"say":"\u001b[2J\u202e\u2028\u0000\u009b"}`, "{\"say\":\"\x1b\xff\"}",
		`{"id":{"a":[1,"\u001b"]},"line":"/nick x"}`, `{"id":1,"line":"/quit"}`, `{"line":"/json 1"}`, `{"line":"/join den"}`,
		`{"id":1,"resume":0}`, `{"id":1,"resume":-1}`, `{"id":1,"resume":18446744073709551615}`, `{"id":1,"resume":1e400}`,
		`{"id":1,"say":"x","line":"y"}`, `{"id":1,"say":5}`, `{"id":1,"say":"x"}{}`, `{"id":1,"say":"x"`, `[]`, `null`, `{}`, `"`, `{"ID":1,"Say":"x"}`,
		`{"id":1,"say":"x","id":2}`, `{"\u001b":1}`, "\ufeff{\"say\":\"x\"}", "{\"id\":1,\r\n\"say\":\"x\"}\n", `{"say":"\ud800"}`,
		`{"id":1,"line":"/op \u0007"}`, `{"id":1,"line":"\n/who"}`, `{"id":` + strings.Repeat("[", 5000), "/who", "POST / HTTP/1.1\r\n\r\n",
	} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, asked string) {
		synctest.Test(t, func(t *testing.T) {
			h := house(t)
			config := session.Config{Format: session.Format{Framing: handler.ByMessage}, MaxMessage: 16 << 10}
			dial := serve(t, &session.Server{Handler: &handler.Chat{House: h, JSON: true}, Config: config})
			other, bot := dial(), dial()
			_, _ = io.WriteString(bot, `{"id":"first","line":"/nick bot"}`+"\n") // it is no stranger then
			if got := read(t, bot); !strings.Contains(got, `{"kind":"ack","id":"first"}`) {
				t.Fatalf("the first request is answered %q", got)
			}
			const last = `{"id":"the last of them","say":"that is all"}`
			go func() { _, _ = io.WriteString(bot, asked+"\n"+last+"\n") }()
			got := read(t, bot)
			heard := read(t, other)
			for line := range strings.Lines(got + heard) {
				var o struct {
					Kind string          `json:"kind"`
					ID   json.RawMessage `json:"id"`
				}
				text, whole := strings.CutSuffix(line, "\n")
				if err := json.Unmarshal([]byte(text), &o); err != nil || o.Kind == "" || !whole {
					t.Errorf("%q is no event: %v", line, err)
				}
				if !utf8.ValidString(text) || strings.ContainsFunc(text, unicode.IsControl) {
					t.Errorf("%q is not harmless", text)
				}
			}
			acked := strings.Contains(got, `{"kind":"ack","id":"the last of them","seq":`)
			if left := strings.Contains(heard, `"kind":"leave"`); acked == left && !strings.Contains(asked, "/") {
				t.Errorf("the request after it is acknowledged: %v; it has left: %v; all it is told is\n%s", acked, left, got)
			}
		})
	})
}
