package observe_test

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"errors"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"go.uber.org/goleak"

	"sockeye.dev/observe"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// gate is a writer that waits to be let through.
type gate struct {
	open chan struct{}
	bytes.Buffer
}

func (g *gate) Write(p []byte) (int, error) { <-g.open; return g.Buffer.Write(p) }

var when = time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC)

func data(s string) observe.Event {
	return observe.Event{Kind: observe.Data, Conv: 1, Time: when, Data: []byte(s)}
}

// What does not fit is dropped, counted, and said where it is missing.
func TestLogDropsAndSaysSo(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := &gate{open: make(chan struct{})}
		l := observe.NewLog(w, new(observe.JSONL), observe.LogOptions{Limit: 1 << 10})
		for range 100 {
			l.Observe(data(strings.Repeat("x", 100)))
		}
		close(w.open)
		err := l.Close()
		var lost *observe.LostError
		if !errors.As(err, &lost) {
			t.Fatalf("Close: %v, want a LostError", err)
		}
		events, _ := l.Lost()
		lines := int64(strings.Count(w.String(), "\n"))
		if events == 0 || !strings.Contains(w.String(), `"lost"`) || lines < 100-events {
			t.Errorf("%d events lost, %d lines:\n%s", events, lines, w.String())
		}
	})
}

// A recording slows the traffic instead.
func TestLogBlocks(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := &gate{open: make(chan struct{})}
		l := observe.NewLog(w, new(observe.JSONL), observe.LogOptions{Limit: 1 << 10, Block: true})
		done := make(chan struct{})
		go func() {
			defer close(done)
			for range 100 {
				l.Observe(data(strings.Repeat("x", 100)))
			}
		}()
		synctest.Wait()
		select {
		case <-done:
			t.Fatal("nobody was slowed")
		default:
		}
		close(w.open)
		<-done
		if err := l.Close(); err != nil {
			t.Fatal(err)
		}
		if n := strings.Count(w.String(), "\n"); n != 100 {
			t.Errorf("%d lines, want 100", n)
		}
	})
}

// A line of JSON for whatever bytes, and the bytes come back.
func FuzzJSONL(f *testing.F) {
	f.Add([]byte("hello"))
	f.Add([]byte("\xff\x00\"\\\n"))
	f.Fuzz(func(t *testing.T, p []byte) {
		e := data(string(p))
		line := new(observe.JSONL).AppendEvent(nil, &e)
		var got struct {
			Text   *string `json:"text"`
			Base64 *string `json:"base64"`
		}
		if err := json.Unmarshal(line, &got); err != nil || bytes.Count(line, []byte("\n")) != 1 {
			t.Fatalf("%q: %v", line, err)
		}
		back := []byte{}
		switch {
		case got.Base64 != nil:
			back, _ = base64.StdEncoding.DecodeString(*got.Base64)
		case got.Text != nil:
			back = []byte(*got.Text)
		}
		if !bytes.Equal(back, p) {
			t.Errorf("%q became %q: %s", p, back, line)
		}
	})
}

func TestHexdump(t *testing.T) { // as xxd(1) prints it
	const want = "00000000: 6865 6c6c 6f2c 2077 6f72 6c64 0a00 ff20  hello, world... \n00000010: 21                                       !\n"
	if got := string(observe.AppendHexdump(nil, []byte("hello, world\n\x00\xff !"), 0)); got != want {
		t.Errorf("got:\n%swant:\n%s", got, want)
	}
}
