package handler

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"sockeye.dev/charset"
	"sockeye.dev/frame"
	"sockeye.dev/room"
	"sockeye.dev/session"
)

func formats(t *testing.T) map[string]session.Format {
	t.Helper()
	all := make(map[string]session.Format)
	for _, name := range []string{"utf-8", "gbk", "utf-16le", "utf-32le"} {
		e, err := charset.Lookup(name)
		if err != nil {
			t.Fatal(err)
		}
		all[name] = session.Format{Encoding: e, Encode: charset.Replace, Framing: frame.Line{}}
	}
	return all
}

// What is cut out of a block is what it would be if it were encoded by itself.
func TestWirePart(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 2))
	for name, format := range formats(t) {
		for _, asJSON := range []bool{false, true} {
			whole := &room.Block{Room: "lobby"}
			for i := range 20 {
				l := &room.Line{Seq: uint64(i), Time: time.Unix(int64(i), 0), Kind: room.Say, From: "甲", Body: fmt.Sprint("你好 ", i)}
				if i%7 > 0 {
					l.Text = "<甲> " + l.Body
				}
				whole.Lines = append(whole.Lines, l)
			}
			for range 50 {
				part := &room.Block{Room: "lobby"}
				for _, l := range whole.Lines {
					if random.IntN(3) > 0 {
						part.Lines = append(part.Lines, l)
					}
				}
				want, err := wireOf(part, format, asJSON)
				if err != nil {
					t.Fatal(err)
				}
				got, err := wireOf(&room.Block{Lines: part.Lines, Of: whole}, format, asJSON)
				if err != nil || string(got.bytes) != string(want.bytes) || !slices.Equal(got.ends, want.ends) {
					t.Fatalf("%s, JSON %v: %d lines are\n%q %v, %v, want\n%q %v", name, asJSON, len(part.Lines), got.bytes, got.ends, err, want.bytes, want.ends)
				}
			}
		}
	}
}

// A member that has fallen behind a little has room for a block, however it is spoken to.
func TestWireFits(t *testing.T) {
	const outbox = 512 << 10 // by default
	for name, format := range formats(t) {
		for _, text := range []string{"x", `"`, "你"} {
			b := &room.Block{Room: strings.Repeat("室", 32)}
			line := strings.Repeat(text, room.MaxBlock/room.MaxBlockLines/len(text))
			for range room.MaxBlockLines {
				b.Lines = append(b.Lines, &room.Line{Seq: 1 << 40, Time: time.Now(), Kind: room.Say, From: "somebody", Body: line, Text: line})
			}
			for _, asJSON := range []bool{false, name == "utf-8"} { // JSON is UTF-8
				if w, err := wireOf(b, format, asJSON); err != nil || len(w.bytes) > outbox*3/4 {
					t.Errorf("%s, JSON %v, lines of %q: %d bytes, %v", name, asJSON, text, len(w.bytes), err)
				}
				b.Memo = nil
			}
		}
	}
}
