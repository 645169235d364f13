package main

import (
	"bufio"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// enter joins the room at addr and returns the next line that has part in it.
func enter(t *testing.T, addr string) (conn net.Conn, next func(part string) string) {
	t.Helper()
	conn, err := net.Dial("tcp", strings.TrimPrefix(addr, "tcp://"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
	lines := bufio.NewScanner(conn)
	return conn, func(part string) string {
		t.Helper()
		for lines.Scan() {
			if strings.Contains(lines.Text(), part) {
				return lines.Text()
			}
		}
		t.Fatalf("there is no %q: %v", part, lines.Err())
		return ""
	}
}

// With --data what was said survives the program, killed too; a directory that
// another one has is refused by name.
func TestServeData(t *testing.T) {
	t.Parallel()
	dir := filepath.Join(t.TempDir(), "rooms")
	serve := func() *running {
		return begin(t, command(t, "serve", "--data", dir, "--listen", "tcp://127.0.0.1:0"))
	}
	r := serve()
	ann, heard := enter(t, r.address())
	heard("welcome")
	bob, saw := enter(t, r.address())
	saw("welcome")
	if _, err := ann.Write([]byte("你好, whoever comes\n")); err != nil {
		t.Fatal(err)
	}
	saw("你好, whoever comes")
	if out, errs, code := result(t, command(t, "serve", "--data", dir, "--listen", "tcp://127.0.0.1:0")); out != "" || code != 1 || !strings.Contains(errs, dir) {
		t.Errorf("a second one printed %q, said %q, exit %d", out, errs, code)
	}
	bob.Close()
	if err := r.cmd.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	<-r.ended

	r = serve()
	_, saw = enter(t, r.address())
	if line := saw("whoever comes"); !strings.HasPrefix(line, "[2") || !strings.Contains(line, "> 你好, whoever comes") {
		t.Errorf("after a kill the newcomer sees %q", line)
	}
	r.interrupt()
	if _, errs, code := r.wait(); code != 0 {
		t.Errorf("said %q, exit %d", errs, code)
	}
}

// Who relies on what is said being kept, having written a file or left it to systemd, is not served from memory.
func TestServeRelies(t *testing.T) {
	t.Parallel()
	blocked := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(blocked, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	yaml := filepath.Join(t.TempDir(), "sockeye.yaml")
	if err := os.WriteFile(yaml, []byte("listen: [tcp://127.0.0.1:0]\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	for args, env := range map[string]string{yaml: "XDG_STATE_HOME", "--listen=tcp://127.0.0.1:0": "STATE_DIRECTORY"} {
		cmd := command(t, "serve", args)
		cmd.Env = append(cmd.Env, env+"="+blocked)
		if out, errs, code := result(t, cmd); out != "" || code != 1 || !strings.Contains(errs, blocked) {
			t.Errorf("%s: said %q, exit %d", env, errs, code)
		}
	}
	cmd := command(t, "serve", "--listen", "tcp://127.0.0.1:0")
	cmd.Env = append(cmd.Env, "XDG_STATE_HOME="+blocked)
	r := begin(t, cmd)
	_, heard := enter(t, r.address())
	heard("welcome")
	r.interrupt()
	if _, errs, code := r.wait(); code != 0 || !strings.Contains(errs, "kept in memory only") {
		t.Errorf("said %q, exit %d", errs, code)
	}
}
