package natsbus

import (
	"bytes"
	"reflect"
	"strings"
	"testing"
	"time"

	"sockeye.dev/room"
)

func FuzzDecode(f *testing.F) {
	f.Add(encode(room.Message{Time: time.Unix(1, 2), Kind: room.Say, From: "a", Text: "b", Author: room.ID{Node: 3, Member: 4}}))
	f.Add(encode(room.Message{}))
	f.Add([]byte{})
	f.Add([]byte{1, 1, 0, 0})
	f.Add([]byte{1, 1, 0, 0, 1, 2, 3, 4, 5, 6, 7, 8, 0, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 1})
	f.Add([]byte{2, 1})
	f.Fuzz(func(t *testing.T, b []byte) {
		m, err := decode(b)
		if err != nil {
			if !reflect.DeepEqual(m, room.Message{}) {
				t.Errorf("half a message: %+v", m)
			}
			return
		}
		e := encode(m)
		if len(e) > len(b) {
			t.Errorf("%x becomes %x", b, e)
		}
		back, err := decode(e)
		if err != nil || back != m {
			t.Errorf("%+v becomes %+v, %v", m, back, err)
		}
		for i := range e { // cut anywhere it is an error or has less text
			if cut, err := decode(e[:i]); err == nil && (cut.From != m.From || !strings.HasPrefix(m.Text, cut.Text)) {
				t.Errorf("cut at %d: %+v", i, cut)
			}
		}
	})
}

// What is on disks stays readable.
func TestStoredFormat(t *testing.T) {
	m := room.Message{Time: time.Unix(1700000000, 5), Kind: room.Emote, From: "al", Text: "waves", Author: room.ID{Node: 0x0102030405060708, Member: 300}}
	want := []byte("\x01\x02\x80\xc4\x9f\xd5\x0c\x05\x01\x02\x03\x04\x05\x06\x07\x08\xac\x02\x02alwaves")
	if got := encode(m); !bytes.Equal(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
	if got, err := decode(want); err != nil || got != m {
		t.Errorf("got %+v, %v", got, err)
	}
}

func FuzzEscape(f *testing.F) {
	for _, s := range []string{"", "_", "lobby", "Lobby", "大厅", strings.Repeat("x", 300), "_h" + strings.Repeat("0", 64)} {
		f.Add(s, s+"x")
	}
	f.Fuzz(func(t *testing.T, a, b string) {
		x, y := escape(a), escape(b)
		if (a == b) != (x == y) {
			t.Errorf("%q and %q become %q and %q", a, b, x, y)
		}
		if x == "" || len(x) > maxEscaped || strings.Trim(x, "abcdefghijklmnopqrstuvwxyz0123456789-_") != "" {
			t.Errorf("%q becomes %q", a, x)
		}
		if back, ok := unescape(x); !strings.HasPrefix(x, "_h") && (!ok || back != a) {
			t.Errorf("%q becomes %q and then %q, %v", a, x, back, ok)
		}
		if back, ok := unescape(a); ok && escape(back) != a {
			t.Errorf("%q is said to come from %q", a, back)
		}
		if len(placeOf(a).description()) > 4000 {
			t.Error("too long a description")
		}
	})
}

func TestShownURL(t *testing.T) {
	for in, want := range map[string]string{
		"nats://a:4222":            "nats://a:4222",
		"nats://bob:secret@a:4222": "nats://bob:xxxxx@a:4222",
		"tls://secret@a":           "tls://xxxxx@a",
		"bob:secret@a:4222":        "xxxxx@a:4222",
		"a:4222":                   "a:4222",
	} {
		if got := shownURL(in); got != want {
			t.Errorf("%q is shown as %q, want %q", in, got, want)
		}
	}
}
