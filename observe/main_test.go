package observe_test

import (
	"net"
	"testing"
	"time"

	"go.uber.org/goleak"
	"sockeye.dev/charset"
	"sockeye.dev/observe"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func encoding(t testing.TB, label string) *charset.Encoding {
	t.Helper()
	e, err := charset.Lookup(label)
	if err != nil {
		t.Fatal(err)
	}
	return e
}

var (
	start  = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	local  = &net.TCPAddr{IP: net.IPv4(127, 0, 0, 1), Port: 7788}
	remote = &net.TCPAddr{IP: net.IPv4(127, 0, 0, 1), Port: 50123}
)

// after is an event of conversation 1, some milliseconds after start.
func after(ms int, e observe.Event) observe.Event {
	e.Time = start.Add(time.Duration(ms) * time.Millisecond)
	e.Conv, e.Network, e.Local, e.Remote = 1, "tcp", local, remote
	return e
}

func data(ms int, dir observe.Direction, offset int64, s string) observe.Event {
	return after(ms, observe.Event{Kind: observe.Data, Dir: dir, Offset: offset, Data: []byte(s)})
}

// format is what f makes of events.
func format(f observe.Formatter, events ...observe.Event) string {
	var b []byte
	for i := range events {
		b = f.AppendEvent(b, &events[i])
	}
	return string(b)
}
