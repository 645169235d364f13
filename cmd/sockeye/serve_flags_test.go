package main

import (
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"runtime"
	"strings"
	"syscall"
	"testing"
	"time"

	"sockeye.dev/workbench"
)

// say writes a line to a room.
func say(t *testing.T, conn net.Conn, line string) {
	t.Helper()
	if _, err := io.WriteString(conn, line+"\n"); err != nil {
		t.Fatal(err)
	}
}

// The first --room is where people enter; the others are open, too.
func TestServeRooms(t *testing.T) {
	t.Parallel()
	r := begin(t, command(t, "serve", "--room", "hall", "--room", "bar", "--no-history", "--listen", "tcp://127.0.0.1:0"))
	ann, heard := enter(t, r.address())
	heard("welcome to hall")
	say(t, ann, "/rooms")
	if line := heard("rooms"); !strings.Contains(line, "bar (0), hall (1)") {
		t.Errorf("/rooms says %q", line)
	}
	say(t, ann, "/join bar")
	heard("welcome to bar")
	r.stop()
	for _, wrong := range []string{"/x", "a b"} {
		if out, errs, code := result(t, command(t, "serve", "--room", wrong, "--no-history", "--listen", "tcp://127.0.0.1:0")); out != "" || code != 2 || !strings.Contains(errs, wrong) {
			t.Errorf("--room %q printed %q, said %q, exit %d", wrong, out, errs, code)
		}
	}
}

// ?json is on or off, as other options are.
func TestServeJSONOption(t *testing.T) {
	t.Parallel()
	r := begin(t, command(t, "serve", "--no-history", "--listen", "tcp://127.0.0.1:0?json", "--listen", "tcp://127.0.0.1:0?json=yes", "--listen", "tcp://127.0.0.1:0?json=off"))
	for i, addr := range r.addresses(3) {
		_, heard := enter(t, addr)
		if line := heard("welcome"); json.Valid([]byte(line)) != (i < 2) {
			t.Errorf("door %d says %s", i, line)
		}
	}
	r.stop()
}

// What is said is kept in the directory for state, unless it is not to be.
func TestServeKeeps(t *testing.T) {
	t.Parallel()
	state := t.TempDir()
	serve := func(args ...string) *running {
		cmd := command(t, append([]string{"serve", "--listen", "tcp://127.0.0.1:0"}, args...)...)
		cmd.Env = append(cmd.Env, "XDG_STATE_HOME="+state)
		return begin(t, cmd)
	}
	speak := func(r *running) {
		conn, heard := enter(t, r.address())
		heard("welcome")
		say(t, conn, "remember this")
		say(t, conn, "/who") // whose answer comes after it
		heard("1 here")
		conn.Close() // or it is given time to read the farewell
		r.stop()
	}
	speak(serve("--no-history"))
	if made, err := os.ReadDir(state); err != nil || len(made) > 0 {
		t.Errorf("--no-history has left %v, %v", made, err)
	}
	speak(serve())
	if _, err := os.Stat(filepath.Join(state, "sockeye", "rooms")); err != nil {
		t.Error(err)
	}
	r := serve()
	_, saw := enter(t, r.address())
	saw("> remember this")
	r.stop()
}

// With --broker what one sends goes to the others as it is, and nobody is
// welcomed.
func TestServeBroker(t *testing.T) {
	t.Parallel()
	r := begin(t, command(t, "serve", "--broker", "--listen", "tcp://127.0.0.1:0"))
	var conns [2]net.Conn
	for i := range conns {
		conn, err := net.Dial("tcp", strings.TrimPrefix(r.address(), "tcp://"))
		if err != nil {
			t.Fatal(err)
		}
		defer conn.Close()
		conns[i] = conn
	}
	b := make([]byte, 1)
	for heard := false; !heard; { // once the other is let in
		if _, err := conns[0].Write([]byte{0xff}); err != nil {
			t.Fatal(err)
		}
		_ = conns[1].SetReadDeadline(time.Now().Add(50 * time.Millisecond))
		_, err := conns[1].Read(b)
		if heard = err == nil; !heard && !os.IsTimeout(err) {
			t.Fatal(err)
		}
	}
	if b[0] != 0xff {
		t.Errorf("the other received %q", b)
	}
	r.stop()
}

// /op and the secret in --secret-file make an operator, and nothing else does.
func TestServeSecret(t *testing.T) {
	t.Parallel()
	file := filepath.Join(t.TempDir(), "secret")
	write := func(secret string) {
		if err := os.WriteFile(file, []byte(secret), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	args := []string{"serve", "--no-history", "--secret-file", file, "--listen", "tcp://127.0.0.1:0"}
	write("short\n")
	if out, errs, code := result(t, command(t, args...)); out != "" || code != 2 || !strings.Contains(errs, file) || !strings.Contains(errs, "at least 8") {
		t.Errorf("a short secret: printed %q, said %q, exit %d", out, errs, code)
	}
	write(" open sesame\n")
	r := begin(t, command(t, args...))
	ann, heard := enter(t, r.address())
	heard("welcome")
	say(t, ann, "/op open")
	heard("neither the secret")
	say(t, ann, "/op open sesame")
	heard("you are an operator now")
	r.stop()
}

// --status says over HTTP how it goes.
func TestServeStatus(t *testing.T) {
	t.Parallel()
	r := begin(t, command(t, "serve", "--no-history", "--status", "127.0.0.1:0", "--listen", "tcp://127.0.0.1:0"))
	_, heard := enter(t, r.address())
	heard("welcome")
	at := regexp.MustCompile(`http://(\S+)/metrics\n`).FindStringSubmatch(r.sees("/metrics\n"))
	for path, want := range map[string]string{"metrics": "\nsockeye_members 1\n", "healthz": "", "readyz": ""} {
		resp, err := http.Get("http://" + at[1] + "/" + path)
		if err != nil {
			t.Fatal(err)
		}
		body, err := io.ReadAll(resp.Body)
		resp.Body.Close()
		if err != nil || resp.StatusCode != http.StatusOK || !strings.Contains(string(body), want) {
			t.Errorf("/%s: %s, %q, %v", path, resp.Status, body, err)
		}
	}
	http.DefaultClient.CloseIdleConnections()
	r.stop()
}

func TestServeSchema(t *testing.T) {
	t.Parallel()
	out, errs, code := result(t, command(t, "serve", "--schema"))
	if out != string(workbench.Schema()) || !json.Valid([]byte(out)) || errs != "" || code != 0 {
		t.Errorf("printed %d bytes, said %q, exit %d", len(out), errs, code)
	}
}

// What cannot be is refused before anything is opened; NATS servers that do not
// answer are named.
func TestServeRefuses(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		args, want string
		code       int
	}{
		{"--nats nats://127.0.0.1:1", "nats://127.0.0.1:1", 1},
		{"--nats nats://127.0.0.1:1 --replicas 1 --nats-creds nowhere.creds", "nowhere.creds", 1},
		{"--nats=", "--nats is empty", 2},
		{"--nats nats://127.0.0.1:1,", "--nats is empty", 2},
		{"--nats http://127.0.0.1:1", `"http://" is no address of a NATS server`, 2},
		{"--nats nats://:4222", "it is no address of a server", 2},
		{"--nats wss://127.0.0.1:1", "wss://127.0.0.1:1", 1},
		{"--nats nats://127.0.0.1:1 --replicas 2", "--replicas is 1, 3 or 5, not 2", 2},
		{"--replicas 3", "--replicas is about the servers of --nats", 2},
		{"--nats-creds nowhere.creds", "--nats-creds is about the servers of --nats", 2},
		{"--nats nats://127.0.0.1:1 --no-history", "exclude each other", 2},
		{"--nats nats://127.0.0.1:1 --broker", "exclude each other", 2},
		{"--data d --no-history", "exclude each other", 2},
		{"--broker --room hall", "exclude each other", 2},
		{"--status udp://127.0.0.1:0", "--status is HTTP over tcp or unix, not udp", 2},
		{"--listen tcp://127.0.0.1:0?json=maybe", `option "json=maybe": want on or off`, 2},
		{"--room hall --room Hall", "--room Hall is there twice", 2},
		{"--secret-file nowhere/secret", "--secret-file: open nowhere", 2},
		{"--listen tcp://127.0.0.1:0?x=1", "the options here are backlog, encoding, errors, frame, idle, ip, json, keepalive, ", 2},
		{"--room hall sockeye.yaml", "write it into sockeye.yaml", 2},
	} {
		args := append([]string{"serve", "--listen", "tcp://127.0.0.1:0"}, strings.Fields(test.args)...)
		if strings.HasSuffix(test.args, ".yaml") {
			args = append(args[:1:1], args[3:]...)
		}
		out, errs, code := result(t, command(t, args...))
		if out != "" || code != test.code || !strings.HasPrefix(errs, "sockeye: ") || !strings.Contains(errs, test.want) {
			t.Errorf("%s: printed %q, said %q, exit %d", test.args, out, errs, code)
		}
	}
}

// An address in place of a file was meant for --listen.
func TestServeNoFile(t *testing.T) {
	t.Parallel()
	for arg, want := range map[string]string{
		":7788":              "there is no file :7788: did you mean --listen :7788?\n",
		"tcp://:7788":        "there is no file tcp://:7788: did you mean --listen tcp://:7788?\n",
		"localhost:7788":     "did you mean --listen localhost:7788?\n",
		"unix:./room.sock":   "did you mean --listen unix:./room.sock?\n",
		"nowhere.yaml":       "open nowhere.yaml: ",
		"nowhere/7:8.yaml":   "open nowhere/7:8.yaml: ",
		"/nowhere/room.yaml": "open /nowhere/room.yaml: ",
	} {
		out, errs, code := result(t, command(t, "serve", arg))
		if out != "" || code != 2 || !strings.HasPrefix(errs, "sockeye: ") || !strings.Contains(errs, want) {
			t.Errorf("%s: printed %q, said %q, exit %d", arg, out, errs, code)
		}
	}
}

// SIGHUP has the file read again, and does not kill, while what keeps the rooms is still being opened, too.
func TestServeHangupEarly(t *testing.T) {
	t.Parallel()
	if runtime.GOOS == "windows" {
		t.Skip("there is no SIGHUP")
	}
	nats, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer nats.Close()
	file := filepath.Join(t.TempDir(), "sockeye.yaml")
	if err := os.WriteFile(file, fmt.Appendf(nil, "listen: [tcp://127.0.0.1:0]\nnats: {servers: [\"nats://%v\"]}\n", nats.Addr()), 0o600); err != nil {
		t.Fatal(err)
	}
	cmd := command(t, "serve", file)
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	defer cmd.Wait()
	conn, err := nats.Accept()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Process.Signal(syscall.SIGHUP); err != nil {
		t.Error(err)
	}
	conn.Close()
	nats.Close()
	if _ = cmd.Wait(); cmd.ProcessState.ExitCode() != 1 {
		t.Errorf("it ended with %v", cmd.ProcessState)
	}
}

// A file says what the flags do, and SIGHUP has it read again; what is wrong
// with it is told with its line, and the advice in the reader's language.
func TestServeFile(t *testing.T) {
	t.Parallel()
	file := filepath.Join(t.TempDir(), "sockeye.yaml")
	write := func(format string, args ...any) {
		if err := os.WriteFile(file, fmt.Appendf(nil, format, args...), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	write("roms: [hall]\n")
	for lang, advice := range map[string]string{"en": "did you mean rooms?", "zh": "是不是想写 rooms？"} {
		out, errs, code := result(t, command(t, "serve", file, "--lang", lang))
		if out != "" || code != 2 || !strings.Contains(errs, file+":1:1: roms: unknown key ("+advice+")") {
			t.Errorf("in %s: printed %q, said %q, exit %d", lang, out, errs, code)
		}
	}
	write("rooms: [hall]\noperators: {secret-file: nowhere}\n")
	if out, errs, code := result(t, command(t, "serve", file)); out != "" || code != 2 || !strings.Contains(errs, file+":2:26: operators.secret-file: open ") {
		t.Errorf("without its secret: printed %q, said %q, exit %d", out, errs, code)
	}
	const content = "listen: [{address: tcp://127.0.0.1:0, json: true}, tcp://127.0.0.1:0]\nrooms: [hall%s]\nhistory: {keep: false}\n"
	write(content, "")
	r := begin(t, command(t, "serve", file))
	addrs := r.addresses(2)
	_, told := enter(t, addrs[0])
	if line := told("welcome to hall"); !json.Valid([]byte(line)) {
		t.Errorf("a program is told %s", line)
	}
	ann, heard := enter(t, addrs[1])
	heard("welcome to hall")
	if runtime.GOOS != "windows" {
		write(content, ", bar")
		if err := r.cmd.Process.Signal(syscall.SIGHUP); err != nil {
			t.Fatal(err)
		}
		r.sees("the file was taken")
		say(t, ann, "/rooms")
		heard("bar (0), hall (2)")
	}
	if stdout := r.stop(); stdout != "" {
		t.Errorf("it printed %q", stdout)
	}
}
