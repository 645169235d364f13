package workbench

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"log/slog"
	"net"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"sockeye.dev/endpoint"
	"sockeye.dev/room"
)

// bench runs a workbench on a network in memory until the test ends.
func bench(t *testing.T, yaml string) (w *Workbench, network *endpoint.Mem, stop func() error) {
	t.Helper()
	network = new(endpoint.Mem)
	w, stop = benchAt(t, Options{Network: network}, parse(t, yaml))
	return w, network, stop
}

// benchAt is bench for other options.
func benchAt(t *testing.T, o Options, f *File) (w *Workbench, stop func() error) {
	t.Helper()
	w, err := New(t.Context(), o, f)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- w.Run(ctx) }()
	var result error
	stopped := false
	stop = func() error {
		if !stopped {
			cancel()
			stopped, result = true, <-ended
		}
		return result
	}
	t.Cleanup(func() { _ = stop() })
	return w, stop
}

func parse(t *testing.T, yaml string) *File {
	t.Helper()
	f, err := Parse("test.yaml", []byte(yaml))
	if err != nil {
		t.Fatal(err)
	}
	return f
}

// visitor is a client; see returns what it has been told since.
type visitor struct {
	net.Conn
	lines chan string
}

func visit(t *testing.T, network *endpoint.Mem, addr string) *visitor {
	t.Helper()
	a, err := endpoint.Parse(addr)
	if err != nil {
		t.Fatal(err)
	}
	conn, err := network.Dial(t.Context(), a)
	if err != nil {
		t.Fatal(err)
	}
	v := &visitor{conn, make(chan string, 1000)}
	go func() {
		defer close(v.lines)
		for s := bufio.NewScanner(conn); s.Scan(); {
			v.lines <- s.Text()
		}
	}()
	return v
}

func (v *visitor) see() (all string) {
	synctest.Wait()
	for {
		select {
		case l, ok := <-v.lines:
			if !ok {
				return all + "EOF"
			}
			all += l + "\n"
		default:
			return all
		}
	}
}

func (v *visitor) say(t *testing.T, line string) string {
	t.Helper()
	if _, err := v.Write([]byte(line + "\n")); err != nil {
		t.Error(err)
	}
	return v.see()
}

const before = `
listen: [tcp://127.0.0.1:1, tcp://127.0.0.1:2, {address: tcp://127.0.0.1:3, room: ops}, {address: tcp://127.0.0.1:4, broker: true}]
rooms: [lobby, ops]
limits: {joins-per-second: 0, per-source: 9}
operators: {secret: open sesame}
`

const after = `
listen: [tcp://127.0.0.1:1, {address: tcp://127.0.0.1:3, json: true}, tcp://127.0.0.1:5]
rooms: [lobby, name: den]
ban: [127.0.0.2/32]
limits: {joins-per-second: 0, per-source: 10, message: 20}
`

// A file is taken over without anybody being put out.
func TestReload(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w, network, stop := bench(t, before)
		var all []*visitor
		for _, port := range []string{"1", "2", "3"} {
			v := visit(t, network, "tcp://127.0.0.1:"+port)
			if got := v.see(); !strings.Contains(got, "welcome to ") {
				t.Fatalf("door %s: %q", port, got)
			}
			all = append(all, v)
		}
		raw, other := visit(t, network, "tcp://127.0.0.1:4"), visit(t, network, "tcp://127.0.0.1:4")
		raw.see()
		if raw.say(t, "\x1bbytes"); other.see() != "\x1bbytes\n" {
			t.Error("the broker has changed something")
		}
		if got := all[2].say(t, "/topic"); !strings.Contains(got, "no topic") {
			t.Errorf("in ops: %q", got)
		}

		restart, err := w.Reload(t.Context(), parse(t, after))
		if err != nil || !slices.Equal(restart, []string{"limits.per-source"}) {
			t.Fatalf("Reload: %v, %v", restart, err)
		}
		for i, v := range all {
			v.see()
			if got := v.say(t, "/who"); !strings.Contains(got, "here: ") {
				t.Errorf("visitor %d: %q", i, got)
			}
		}
		if got := all[0].say(t, "a line that is longer"); !strings.Contains(got, "the limit is 20") {
			t.Errorf("a longer line: %q", got)
		}
		if got := all[0].say(t, "/op open sesame"); !strings.Contains(got, "neither") {
			t.Errorf("the secret of the file before: %q", got)
		}
		if got := all[0].say(t, "/rooms"); got != "* rooms: den (0), lobby (2), ops (1)\n" {
			t.Errorf("rooms: %q", got)
		}
		for _, port := range []string{"2", "4"} {
			a, _ := endpoint.Parse("tcp://127.0.0.1:" + port)
			if c, err := network.Dial(t.Context(), a); err == nil {
				c.Close()
				t.Errorf("door %s is still open", port)
			}
		}
		if got := visit(t, network, "tcp://127.0.0.1:3").see(); !strings.HasPrefix(got, `{"kind":"notice"`) {
			t.Errorf("the door that has changed: %q", got)
		}
		if got := visit(t, network, "tcp://127.0.0.1:5").see(); !strings.Contains(got, "welcome to lobby") {
			t.Errorf("the new door: %q", got)
		}
		s := w.Snapshot()
		if s.Members != 5 || s.Rooms != 3 || len(s.Doors) != 5 { // 1, 2 and 4 with people inside, 3, 5
			t.Errorf("Snapshot() = %+v", s)
		}
		if err := stop(); err != nil {
			t.Error(err)
		}
		if got := all[1].see(); !strings.HasSuffix(got, "* the room is closing\nEOF") {
			t.Errorf("in the end: %q", got)
		}
		if got := raw.see(); got != "EOF" {
			t.Errorf("at the broker's: %q", got)
		}
	})
}

// What cannot be is refused, and nothing is left of it.
func TestRefusedWorkbench(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		network := new(endpoint.Mem)
		for yaml, want := range map[string]string{
			"listen: [{address: udp://:7, cookies: false}]":                "needs cookies",
			"listen: [{address: udp://192.0.2.1:7, cookies: false}]":       "needs cookies",
			"listen: [{address: udp://:7, broker: true}]":                  "a broker cannot ask for cookies",
			"listen: [tcp://127.0.0.1:1]\noperators: {secret-file: /none}": "/none",
		} {
			if _, err := New(t.Context(), Options{Network: network}, parse(t, yaml)); err == nil || !strings.Contains(err.Error(), want) {
				t.Errorf("%s: %v", yaml, err)
			}
		}
		w, network, _ := bench(t, "listen: [tcp://127.0.0.1:1]")
		taken, _ := endpoint.Parse("tcp://127.0.0.1:2")
		ln, err := network.Listen(t.Context(), taken)
		if err != nil {
			t.Fatal(err)
		}
		defer ln.Close()
		if _, err := w.Reload(t.Context(), parse(t, "listen: [tcp://127.0.0.1:2, tcp://127.0.0.1:1]")); err == nil {
			t.Error("a door was opened that is another's")
		}
		if got := visit(t, network, "tcp://127.0.0.1:1").see(); !strings.Contains(got, "welcome") {
			t.Errorf("the other door: %q", got)
		}
		if err := w.CloseDoor(taken); err == nil {
			t.Error("a door was closed that is not there")
		}
	})
}

// A door that fails ends the run with its reason.
func TestDoorFails(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		network := new(endpoint.Mem)
		w, err := New(t.Context(), Options{Network: network}, parse(t, "listen: [tcp://127.0.0.1:1]"))
		if err != nil {
			t.Fatal(err)
		}
		ended := make(chan error)
		go func() { ended <- w.Run(t.Context()) }()
		time.Sleep(time.Second)
		w.doors[0].ln.Close()
		if err := <-ended; !errors.Is(err, net.ErrClosed) {
			t.Errorf("Run: %v", err)
		}
	})
}

// A source has as many conversations as the limit says, through all doors; this host has as many as it wants.
func TestPerSource(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		_, network, _ := bench(t, "listen: [tcp://127.0.0.1:1, tcp://192.0.2.1:1]\nlimits: {per-source: 1}")
		for i := range 3 {
			if got := visit(t, network, "tcp://127.0.0.1:1").see(); !strings.Contains(got, "welcome") {
				t.Errorf("%d from loopback: %q", i, got)
			}
		}
		if got := visit(t, network, "tcp://192.0.2.1:1?bind=192.0.2.9").see(); !strings.Contains(got, "welcome") {
			t.Errorf("from elsewhere: %q", got)
		}
		if got := visit(t, network, "tcp://192.0.2.1:1?bind=192.0.2.9").see(); got != "EOF" {
			t.Errorf("the second from there: %q", got)
		}
	})
}

// watched is a bus that can be cut off.
type watched struct {
	room.Mem
	tell func(down error)
}

func (b *watched) Watch(f func(down error)) (stop func()) {
	b.tell = f
	return func() {}
}

// Where it is logged that the rooms are cut off, it is logged that they are back.
func TestCutOffAndBack(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var log bytes.Buffer
		bus := new(watched)
		quiet := slog.New(slog.NewTextHandler(&log, &slog.HandlerOptions{Level: slog.LevelWarn})) // as without a file
		benchAt(t, Options{Network: new(endpoint.Mem), Bus: bus, Log: quiet}, parse(t, "listen: [tcp://127.0.0.1:1]"))
		bus.tell(errors.New("no server answers"))
		bus.tell(nil)
		if got := log.String(); !strings.Contains(got, "cut off") || !strings.Contains(got, "the rooms are back") {
			t.Errorf("the log says %q", got)
		}
	})
}
