//go:build unix

package faulttest

import (
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"sockeye.dev/internal/peertest"
)

// A client is somebody else's program that is in the room.
type client struct {
	name string
	in   io.Writer
	*journal[string]
}

func (c *client) types(t *testing.T, line string) {
	t.Helper()
	if _, err := io.WriteString(c.in, line+"\n"); err != nil {
		t.Fatalf("%s: %v", c.name, err)
	}
}

func (c *client) sees(t *testing.T, part string) {
	t.Helper()
	c.await(t, 0, fmt.Sprintf("%q at %s", part, c.name), func(line string) bool { return strings.Contains(line, part) })
}

func run(t *testing.T, name string, cmd *exec.Cmd) *client {
	t.Helper()
	in, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	c := &client{name, in, newJournal[string]()}
	cmd.Stdout = &writer{journal: c.journal}
	p := start(t, cmd)
	go func() {
		<-p.ended
		c.end()
	}()
	return c
}

// Text goes in and out of the scripts as UTF-8, over the socket as their argument says.
const (
	pythonTCP = `
import socket, sys, threading
host, port, encoding = sys.argv[1:]
s = socket.create_connection((host, int(port)))
f = s.makefile("w", encoding=encoding, newline="\n")
def read():
    for line in s.makefile("r", encoding=encoding, newline="\n"):
        print(line.rstrip("\r\n"), flush=True)
threading.Thread(target=read, daemon=True).start()
for line in sys.stdin:
    f.write(line)
    f.flush()
`
	pythonUDP = `
import socket, sys, threading
host, port, encoding = sys.argv[1:]
s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
s.connect((host, int(port)))
def read():
    while True:
        print(s.recv(65535).decode(encoding).rstrip("\r\n"), flush=True)
threading.Thread(target=read, daemon=True).start()
for line in sys.stdin:
    s.send(line.encode(encoding))
`
)

// Many programs of others are in one room, each by its own door and in its own encoding, and read each other.
func TestClients(t *testing.T) {
	begin(t)
	dir := t.TempDir()
	doors := []string{"tcp://127.0.0.1:0?legacy=gbk", "tcp://127.0.0.1:0?encoding=gbk", "tcp://127.0.0.1:0?encoding=utf-16le",
		"ws://127.0.0.1:0/", "tls://127.0.0.1:0", "unix:" + filepath.Join(dir, "room.sock"), "udp://127.0.0.1:0", "tcp://127.0.0.1:0?json=on"}
	args := []string{"--no-history"}
	for _, d := range doors {
		args = append(args, "--listen", d)
	}
	n := serve(t, len(doors), args...)
	const auto, gbk, utf16, ws, tls, unix, udp, json = 0, 1, 2, 3, 4, 5, 6, 7
	split := func(i int) []string {
		host, port, err := net.SplitHostPort(n.tcp(i))
		if err != nil {
			t.Fatal(err)
		}
		return []string{host, port}
	}
	sockeye := filepath.Join(programs, "sockeye")
	python := func(script string, door int, encoding string) []string {
		return append(append([]string{"python3", "-c", script}, split(door)...), encoding)
	}
	var clients []*client
	for _, c := range []struct {
		name string
		argv []string
	}{
		{"nc", append([]string{"nc"}, split(auto)...)},
		{"ncat", append([]string{"ncat"}, split(auto)...)},
		{"nc-unix", []string{"nc", "-U", filepath.Join(dir, "room.sock")}},
		{"openssl", []string{"openssl", "s_client", "-quiet", "-connect", n.tcp(tls)}},
		{"ncat-ssl", append([]string{"ncat", "--ssl"}, split(tls)...)},
		{"python", python(pythonTCP, auto, "utf-8")},
		{"python-gbk", python(pythonTCP, gbk, "gbk")},
		{"python-auto-gbk", python(pythonTCP, auto, "gbk")},
		{"python-utf16", python(pythonTCP, utf16, "utf-16-le")},
		{"python-udp", python(pythonUDP, udp, "utf-8")},
		{"sockeye-ws", []string{sockeye, "connect", "ws://" + n.tcp(ws)}},
		{"sockeye-tls", []string{sockeye, "connect", "--insecure", "tls://" + n.tcp(tls)}},
	} {
		path := ""
		t.Run(c.name, func(t *testing.T) { path = peertest.Path(t, c.argv[0]) })
		if path == "" {
			continue
		}
		cmd := exec.Command(path, c.argv[1:]...)
		cmd.Env = append(os.Environ(), "PYTHONUTF8=1", "LC_ALL=C.UTF-8")
		clients = append(clients, run(t, c.name, cmd))
	}
	program := join(t, n.tcp(json), "json")
	for _, c := range clients {
		if c.name != "python-udp" { // which nobody knows of yet
			c.sees(t, "welcome to lobby")
		}
		c.types(t, "/nick "+c.name)
		c.sees(t, "is now "+c.name)
	}
	for _, c := range clients {
		c.types(t, "我是"+c.name) // from which auto learns
		program.await(t, 0, c.name, func(e event) bool { return e.Kind == "say" && e.From == c.name && e.Text == "我是"+c.name })
	}
	program.say("你好，世界")
	for _, c := range clients {
		c.types(t, "大家好！来自 "+c.name)
	}
	for _, c := range clients {
		c.sees(t, "<json> 你好，世界")
		for _, other := range clients {
			if other != c {
				c.sees(t, fmt.Sprintf("<%s> 大家好！来自 %s", other.name, other.name))
			}
		}
	}
	if who := program.who(); !strings.HasPrefix(who, fmt.Sprint(len(clients)+1, " here: ")) {
		t.Errorf("/who: %s", who)
	}
	t.Logf("%d programs read each other", len(clients)+1)
}
