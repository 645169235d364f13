package faulttest

import (
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// A manager is what systemd is to a service: it opens sockets for it, and hears how it is.
type manager struct {
	*journal[string]
	at    string // NOTIFY_SOCKET
	heard int    // how much of the journal hears has gone through
}

func manage(t *testing.T) *manager {
	t.Helper()
	m := &manager{journal: newJournal[string](), at: filepath.Join(t.TempDir(), "notify")}
	conn, err := net.ListenUnixgram("unixgram", &net.UnixAddr{Name: m.at, Net: "unixgram"})
	if err != nil {
		t.Fatal(err)
	}
	read := make(chan struct{})
	go func() {
		defer close(read)
		defer m.end()
		buffer := make([]byte, 1000)
		for {
			n, err := conn.Read(buffer)
			if err != nil {
				return
			}
			m.add(string(buffer[:n]))
		}
	}()
	t.Cleanup(func() { conn.Close(); <-read })
	return m
}

// serve starts sockeye serve as systemd does: with sockets from descriptor 3 on, and variables that tell its own number,
// which only the shell that becomes it knows.
func (m *manager) serve(t *testing.T, doors int, sockets []*os.File, args ...string) *node {
	t.Helper()
	cmd := exec.Command("sh", "-c", `LISTEN_PID=$$ WATCHDOG_PID=$$ exec "$0" serve "$@"`, filepath.Join(programs, "sockeye"))
	cmd.Args = append(cmd.Args, args...)
	cmd.ExtraFiles = sockets
	cmd.Env = append(os.Environ(), fmt.Sprint("LISTEN_FDS=", len(sockets)), "LISTEN_FDNAMES="+strings.Repeat(":", max(0, len(sockets)-1)),
		"NOTIFY_SOCKET="+m.at, "WATCHDOG_USEC=200000")
	return serveBy(t, doors, cmd)
}

// hears waits for the next message that begins so.
func (m *manager) hears(t *testing.T, prefix string) string {
	t.Helper()
	return m.await(t, m.heard, prefix, func(message string) bool {
		m.heard++
		return strings.HasPrefix(message, prefix)
	})
}

// monotonic is what systemd compares MONOTONIC_USEC by.
func monotonic(t *testing.T) int64 {
	t.Helper()
	var now unix.Timespec
	if err := unix.ClockGettime(unix.CLOCK_MONOTONIC, &now); err != nil {
		t.Fatal(err)
	}
	return now.Nano() / int64(time.Microsecond)
}

// systemd knows when people can come in, when that changes, that the process lives, and that it is about to end.
func TestNotifiesSystemd(t *testing.T) {
	begin(t)
	path := filepath.Join(t.TempDir(), "sockeye.yaml")
	write := func(text string) {
		t.Helper()
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	m, first, second := manage(t), freePort(t), freePort(t)
	write(fmt.Sprintf("listen: [%s]\nhistory: {keep: false}\n", first))
	n := m.serve(t, 0, nil, path)
	m.hears(t, "READY=1")
	ann := enter(t, first)
	m.hears(t, "WATCHDOG=1")
	m.hears(t, "WATCHDOG=1")

	reload := func() {
		t.Helper()
		before := monotonic(t)
		n.signal(syscall.SIGHUP)
		told := m.hears(t, "RELOADING=1")
		at, err := strconv.ParseInt(strings.TrimPrefix(told, "RELOADING=1\nMONOTONIC_USEC="), 10, 64)
		if after := monotonic(t); err != nil || at < before || at > after {
			t.Errorf("between %d and %d it says %q", before, after, told)
		}
		m.hears(t, "READY=1")
	}
	write(fmt.Sprintf("listen: [%s, %s]\nhistory: {keep: false}\n", first, second))
	reload()
	bob := enter(t, second)
	write("listen: [\n") // a file that is not taken does not have systemd wait for ever
	reload()
	m.hears(t, "WATCHDOG=1")

	ann.conn.Close()
	bob.conn.Close()
	n.signal(syscall.SIGTERM) // which takes no time, with nobody there
	m.hears(t, "STOPPING=1")
	if code := n.ends(); code != 0 {
		t.Errorf("exit %d", code)
	}
	var states []string
	for _, message := range m.now() {
		state, _, _ := strings.Cut(message, "\n")
		if state != "WATCHDOG=1" {
			states = append(states, state)
		}
	}
	want := []string{"READY=1", "RELOADING=1", "READY=1", "RELOADING=1", "READY=1", "STOPPING=1"}
	if !slices.Equal(states, want) {
		t.Errorf("systemd heard %q, want %q", states, want)
	}
}

// systemd has opened the sockets, and keeps them: who comes while no process is there, or no door, is let in later.
func TestActivatedBySystemd(t *testing.T) {
	begin(t)
	open := func() (addr string, file *os.File) {
		t.Helper()
		ln, err := net.ListenTCP("tcp", &net.TCPAddr{IP: net.IPv4(127, 0, 0, 1)})
		if err != nil {
			t.Fatal(err)
		}
		defer ln.Close() // the file is another descriptor of the socket
		if file, err = ln.File(); err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { file.Close() })
		return ln.Addr().String(), file
	}
	door, socket := open()
	spare, unwanted := open()
	sockets := []*os.File{socket, unwanted}
	path := filepath.Join(t.TempDir(), "sockeye.yaml")
	write := func(text string) {
		t.Helper()
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	write(fmt.Sprintf("listen: [%s]\nhistory: {keep: false}\n", door))
	m := manage(t)
	var n *node
	for _, args := range [][]string{{"--no-history", "--listen", door}, {path}} {
		early := arrive(t, door)
		early.types(t, "I was here before")
		n = m.serve(t, 1, sockets, args...)
		if at := n.tcp(0); at != door {
			t.Errorf("%q: the door is at %s, want %s", args, at, door)
		}
		early.sees(t, 0, "welcome to ")
		ann := enter(t, door)
		ann.sees(t, 0, "> I was here before")
		ann.types(t, "hello")
		early.sees(t, 0, "> hello")
		m.hears(t, "READY=1")
		early.conn.Close()
		if len(args) == 1 {
			ann.conn.Close()
			break
		}
		n.signal(syscall.SIGTERM)
		ann.sees(t, 0, "the room is closing")
		ann.conn.Close()
		n.endsWarning(spare)
	}

	write(fmt.Sprintf("listen: [%q]\nhistory: {keep: false}\n", "unix:"+filepath.Join(t.TempDir(), "room")))
	n.signal(syscall.SIGHUP)
	m.hears(t, "RELOADING=1")
	m.hears(t, "READY=1")
	waiting := arrive(t, door)
	write(fmt.Sprintf("listen: [%s]\nhistory: {keep: false}\n", door))
	n.signal(syscall.SIGHUP)
	waiting.sees(t, 0, "welcome to ")
	n.signal(syscall.SIGTERM)
	waiting.sees(t, 0, "the room is closing")
	waiting.conn.Close()
	n.endsWarning(spare)
}

// endsWarning waits for the node to end well, and to have said which of its sockets is no door.
func (n *node) endsWarning(spare string) {
	n.t.Helper()
	if code := n.ends(); code != 0 {
		n.t.Errorf("exit %d", code)
	}
	var warned []string
	for _, line := range n.errs.now() {
		if strings.Contains(line, "is no door") {
			warned = append(warned, line)
		}
	}
	if len(warned) != 1 || !strings.Contains(warned[0], "tcp://"+spare) {
		n.t.Errorf("of the socket at %s, which is no door, it says %q", spare, warned)
	}
}

// Without a file a terminal that goes away is as Ctrl-C. Unlike Ctrl-C it may be told of twice, by the kernel and by a
// shell, and nobody means anything by that.
func TestHungUp(t *testing.T) {
	begin(t)
	for name, c := range map[string]struct {
		signal syscall.Signal
		again  func(*node, ...net.Conn) // once everybody has been told
	}{
		"Ctrl-C": {syscall.SIGINT, func(*node, ...net.Conn) {}},
		"once":   {syscall.SIGHUP, func(*node, ...net.Conn) {}},
		"twice": {syscall.SIGHUP, func(n *node, _ ...net.Conn) { // while it waits for the members to go
			_ = n.cmd.Process.Signal(syscall.SIGHUP)
		}},
		"until the end": {syscall.SIGHUP, func(n *node, members ...net.Conn) {
			for _, m := range members {
				m.Close()
			}
			for n.cmd.Process.Signal(syscall.SIGHUP) == nil { // which it is no more once it is gone
			}
		}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			n := serve(t, 2, "--data", t.TempDir(), "--listen", "tcp://127.0.0.1:0", "--listen", "tcp://127.0.0.1:0?json=on")
			ann, bob := join(t, n.tcp(1), "ann"), enter(t, n.tcp(0))
			ann.say("hello")
			bob.sees(t, 0, "<ann> hello")
			n.signal(c.signal)
			ann.notice(0, "the room is closing")
			bob.sees(t, 0, "* the room is closing")
			c.again(n, ann.conn, bob.conn)
			if code := n.ends(); code != 0 {
				t.Errorf("exit %d", code)
			}
		})
	}
}

// Who says nohup wants it to stay when the terminal goes away.
func TestNohup(t *testing.T) {
	begin(t)
	cmd := exec.Command("sh", "-c", `trap "" HUP; exec "$0" serve --no-history --listen tcp://127.0.0.1:0`, filepath.Join(programs, "sockeye"))
	n := serveBy(t, 1, cmd)
	ann := enter(t, n.tcp(0))
	n.signal(syscall.SIGHUP)
	ann.types(t, "/who")
	ann.sees(t, 0, "* 1 here: ")
	n.signal(syscall.SIGTERM) // the second of two would end it with 1
	ann.sees(t, 0, "* the room is closing")
	if code := n.ends(); code != 0 {
		t.Errorf("exit %d", code)
	}
}
