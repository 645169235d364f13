package room

import (
	"errors"
	"io"
	"strings"
	"testing"
	"testing/synctest"
)

// FuzzLines has an operator, and a second member where a line begins with a tab, type anything in a house: whatever they do
// to each other, both see only harmless lines, nobody speaks in another's name, and the house closes.
func FuzzLines(f *testing.F) {
	for _, s := range []string{
		"hello\n\thello\n/who\n/rooms",
		"/kick bob \x1b[2J\n\thello\n/history",
		"/ban bob \u202ebye\n\thello\n/ban\n/unban 192.0.2.7",
		"/ban 192.0.2.0/24\n/join den\n\t/join den\n/unban 192.0.2.9/24\n\t/join den",
		"/mute bob\n\thello\n\t/me \x9b31m\n\t/topic x\n/unmute bob\n\thello",
		"/topic \x07\x00bell\n\t/join ops\n\t/topic\n\t/leave",
		"/join d\u0130n\n\t/join d\u0130n\n/kick bob\n/leave",
		"/join a\u2028b\n/join \xff\xfe\n/join #OPS\n/leave\n/leave",
		"/op bob\n\t/deop alice\n\t/kick alice\n/who",
		"\t/op open sesame\n\t/mute alice\nhello\n\t/nick alice\n/nick bob",
		"/deop alice\n/kick bob\n/op open sesame\n/kick alice",
		"/kick bob\n\t/join ops\n/join ops\n/who bo",
		"/msg bob \x1b]0;x\x07\n\t/msg alice \r\n\t/quit \u2028x\n/quit \x85",
		"/nick \u202exob\n\t/nick b\u200bob\n/help kick\n/help \x1b",
	} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, script string) {
		synctest.Test(t, func(t *testing.T) {
			h, err := OpenHouse(t.Context(), HouseConfig{
				Room: Config{MaxMessage: 200, History: 5, Secret: "open sesame"}, Rooms: []Fixed{{"lobby", ""}, {"ops", "incidents"}}, MaxRooms: 4,
			})
			if err != nil {
				t.Fatal(err)
			}
			defer h.Close()
			screens := []*guest{{operator: true, source: "192.0.2.6"}, {source: "192.0.2.7"}}
			var visits []*Visit
			for i, nick := range []string{"alice", "bob"} {
				v, err := h.Enter(t.Context(), "", screens[i], nick)
				if err != nil {
					t.Fatal(err)
				}
				visits = append(visits, v)
			}
			gone := make([]bool, len(visits))
			for n, line := range strings.Split(script, "\n") {
				if n == 20 {
					break // they say less than a fuzzer
				}
				who := 0
				if after, ok := strings.CutPrefix(line, "\t"); ok {
					line, who = after, 1
				}
				if gone[who] {
					continue
				}
				err := visits[who].Line(t.Context(), line)
				gone[who] = errors.Is(err, io.EOF) || errors.Is(err, ErrLeft)
				if err != nil && !gone[who] {
					t.Fatalf("Line(%q): %v", line, err)
				}
				synctest.Wait() // what follows from it is done by others
			}
			for i, v := range visits {
				if kicked := screens[i].ended; kicked != nil && !errors.Is(kicked, ErrKicked) {
					t.Errorf("%d was put out: %v", i, kicked)
				}
				v.Leave("")
			}
			if err := h.Close(); err != nil {
				t.Error(err)
			}
			for _, s := range screens {
				for _, l := range s.takeLines() {
					checkHarmless(t, l.Text)
					checkHarmless(t, l.From)
					checkHarmless(t, l.Body)
					if said := "<" + l.From + "> "; l.Kind == Say && !strings.Contains(l.Text, said) {
						t.Errorf("said: %q, want %q", l.Text, said)
					}
				}
			}
		})
	})
}
