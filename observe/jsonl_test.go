package observe_test

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"errors"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"
	"sockeye.dev/charset"
	"sockeye.dev/observe"
)

func TestJSONL(t *testing.T) {
	const peers = `"network":"tcp","local":"127.0.0.1:7788","remote":"127.0.0.1:50123"`
	for _, tt := range []struct {
		event observe.Event
		want  string
	}{
		{after(0, observe.Event{Kind: observe.Open, Link: 7}),
			`{"time":"2026-03-01T12:00:00Z","conv":1,"link":7,"event":"open",` + peers + `}`},
		{data(1, observe.In, 5, "你\n\"\\\x00\u2028"),
			`{"time":"2026-03-01T12:00:00.001Z","conv":1,"event":"data","dir":"in",` + peers + `,"offset":5,"size":10,"text":"你\n\"\\\u0000\u2028"}`},
		{data(2, observe.Out, 0, "a\xff"),
			`{"time":"2026-03-01T12:00:00.002Z","conv":1,"event":"data","dir":"out",` + peers + `,"offset":0,"size":2,"base64":"Yf8="}`},
		{data(2, observe.Out, 0, ""),
			`{"time":"2026-03-01T12:00:00.002Z","conv":1,"event":"data","dir":"out",` + peers + `,"offset":0,"size":0,"text":""}`},
		{after(3, observe.Event{Kind: observe.EOF, Dir: observe.In, Offset: 10}),
			`{"time":"2026-03-01T12:00:00.003Z","conv":1,"event":"eof","dir":"in",` + peers + `,"offset":10}`},
		{after(4, observe.Event{Kind: observe.Close, Text: "idle", Err: errors.New("bad\xff\t")}),
			`{"time":"2026-03-01T12:00:00.004Z","conv":1,"event":"close",` + peers + `,"note":"idle","error":"bad\ufffd\t"}`},
		{observe.Event{Kind: observe.Lost, N: 3, Text: "the writer was too slow"},
			`{"event":"lost","lost":3,"note":"the writer was too slow"}`},
	} {
		if diff := cmp.Diff(tt.want+"\n", format(&observe.JSONL{}, tt.event)); diff != "" {
			t.Error(diff)
		}
	}
}

func TestJSONLInALegacyEncoding(t *testing.T) {
	f := &observe.JSONL{Encoding: charset.Auto(encoding(t, "gbk"))}
	got := format(f, data(0, observe.In, 0, "\xc4\xe3\xba"), data(0, observe.In, 3, "\xc3"))
	var texts []string
	for line := range strings.Lines(got) {
		_, rest, _ := strings.Cut(line, `"size":`)
		texts = append(texts, rest)
	}
	want := []string{`3,"text":"你","base64":"xOO6"}` + "\n", `1,"text":"好","base64":"ww=="}` + "\n"}
	if diff := cmp.Diff(want, texts); diff != "" {
		t.Error(diff)
	}
}

// A line is valid JSON whatever the peer sends, and the bytes come back.
func FuzzJSONL(f *testing.F) {
	for _, s := range []string{"hello", "\xff\x00\"\\\n", "\xef\xbb\xbfbom", "\xc4\xe3", "\xed\xa0\x80", "\u2028\u0085", "\xe4\xbd"} {
		f.Add([]byte(s), "note "+s, byte(1))
	}
	labels := []string{"", "gbk", "utf-16", "iso-2022-jp", "windows-1252"}
	f.Fuzz(func(t *testing.T, p []byte, note string, enc byte) {
		j := &observe.JSONL{}
		if label := labels[int(enc)%len(labels)]; label != "" {
			j.Encoding = encoding(t, label)
		}
		half := len(p) / 2
		var back []byte
		for _, part := range [][]byte{p[:half], p[half:]} {
			line := j.AppendEvent(nil, &observe.Event{Kind: observe.Data, Conv: 1, Time: start, Data: part, Text: note, Err: errors.New(note), Network: note, Local: name(note)})
			var got struct {
				Time         time.Time
				Size         int
				Text, Base64 *string
				Note, Error  string
			}
			if err := json.Unmarshal(line, &got); err != nil || bytes.Count(line, []byte("\n")) != 1 || !utf8.Valid(line) {
				t.Fatalf("%q: %v", line, err)
			}
			if !got.Time.Equal(start) || got.Size != len(part) || note != "" && got.Note != string([]rune(note)) || got.Error != string([]rune(note)) {
				t.Errorf("%s: %+v", line, got)
			}
			switch {
			case got.Base64 != nil:
				b, err := base64.StdEncoding.DecodeString(*got.Base64)
				if err != nil {
					t.Error(err)
				}
				back = append(back, b...)
			case got.Text != nil:
				back = append(back, *got.Text...)
			}
		}
		if !bytes.Equal(back, p) {
			t.Errorf("%q became %q", p, back)
		}
	})
}
