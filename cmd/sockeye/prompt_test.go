package main

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"sockeye.dev/charset"
)

// screen is a terminal, tmux's, with the command in it.
type screen struct {
	t      *testing.T
	socket string // tmux's own
}

// onScreen runs the command at a terminal of 60 columns and 14 rows.
func onScreen(t *testing.T, args ...string) *screen {
	requirePeer(t, "tmux")
	s := &screen{t, filepath.Join(t.TempDir(), "tmux")}
	t.Cleanup(func() { _ = exec.Command("tmux", "-S", s.socket, "kill-server").Run() })
	line := os.Args[0]
	for _, arg := range args {
		line += " '" + arg + "'"
	}
	s.tmux("-u", "-f", "/dev/null", "new-session", "-d", "-x", "60", "-y", "14", "-e", "SOCKEYE_TEST_MAIN=1",
		"-e", "LC_ALL=C.UTF-8", "-e", "NO_COLOR=1", line+`; echo "exit $?"; exec cat`)
	return s
}

func (s *screen) tmux(args ...string) string {
	s.t.Helper()
	cmd := exec.Command("tmux", append([]string{"-S", s.socket}, args...)...)
	cmd.Env = append(os.Environ(), "LC_ALL=C.UTF-8")
	out, err := cmd.CombinedOutput()
	if err != nil {
		s.t.Fatalf("tmux %q: %v\n%s", args, err, out)
	}
	return string(out)
}

// types types text; keys presses keys, by tmux's names.
func (s *screen) types(text string) { s.t.Helper(); s.tmux("send-keys", "-l", text) }
func (s *screen) keys(keys ...string) {
	s.t.Helper()
	s.tmux(append([]string{"send-keys"}, keys...)...)
}

// shows waits until the screen ends like that, with the cursor in that column
// of its last line, unless that is -1.
func (s *screen) shows(column int, end string) string {
	s.t.Helper()
	var got, at string
	for guard := time.Now().Add(30 * time.Second); time.Now().Before(guard); {
		got = strings.TrimRight(regexp.MustCompile(` +\n`).ReplaceAllString(s.tmux("capture-pane", "-p"), "\n"), "\n")
		at = strings.TrimSpace(s.tmux("display-message", "-p", "#{cursor_x},#{cursor_y}"))
		if strings.HasSuffix(got, end) && (column < 0 || at == fmt.Sprintf("%d,%d", column, strings.Count(got, "\n"))) {
			return got
		}
	}
	s.t.Fatalf("the screen shows, cursor at %s,\n%s\nand not, cursor at %d,\n%s", at, got, column, end)
	return ""
}

// A person at a terminal talks Chinese to a server that speaks GBK: what is
// typed and what arrives do not garble each other.
func TestConnectPrompt(t *testing.T) {
	t.Parallel()
	gbk, err := charset.Lookup("gbk")
	if err != nil {
		t.Fatal(err)
	}
	conns := make(chan net.Conn, 1)
	addr := peer(t, "tcp", func(conn net.Conn) { conns <- conn; <-t.Context().Done() })
	s := onScreen(t, "connect", addr, "--encoding", "gbk")
	conn := <-conns
	_ = conn.SetDeadline(time.Now().Add(time.Minute)) // a guard
	heard := bufio.NewReader(conn)
	say := func(text string) {
		b, _ := gbk.Bytes(text)
		_, _ = conn.Write(b)
	}
	hear := func(want string) {
		t.Helper()
		b, err := heard.ReadBytes('\n')
		if text, _ := gbk.DecodeString(b, charset.Strict); err != nil || text != want {
			t.Errorf("heard %q, %v, want %q", text, err, want)
		}
	}

	s.types("你好，世界")
	s.keys("Left", "Left")
	say("欢迎！\n")
	s.shows(8, "欢迎！\n> 你好，世界")
	s.types("大")
	s.shows(10, "> 你好，大世界")
	s.keys("Enter")
	hear("你好，大世界\n")
	s.types("/encoding utf-8")
	s.keys("Enter")
	s.shows(2, "> /encoding utf-8\n>")
	_, _ = io.WriteString(conn, "现在是 UTF-8\n")
	s.shows(2, "现在是 UTF-8\n>")
	s.types("/nick 张三") // the peer's command, not ours
	s.keys("Enter")
	if line, err := heard.ReadString('\n'); err != nil || line != "/nick 张三\n" {
		t.Errorf("heard %q, %v", line, err)
	}
	file := filepath.Join(t.TempDir(), "talk.txt")
	s.types("/record " + file)
	s.keys("Enter")
	s.shows(2, "talk.txt\n>")
	_, _ = io.WriteString(conn, "recorded\n")
	s.shows(2, "recorded\n>")
	s.types("/close")
	s.keys("Enter")
	s.shows(-1, "> /close\nexit 0")
	if b, err := os.ReadFile(file); err != nil || !strings.Contains(string(b), "recorded") {
		t.Errorf("recorded %q, %v", b, err)
	}
}

// Several clients are told apart; Ctrl-C ends well.
func TestListenPrompt(t *testing.T) {
	t.Parallel()
	s := onScreen(t, "listen", "127.0.0.1:0")
	said := regexp.MustCompile(`listening on (\S+)`).FindStringSubmatch(s.shows(2, "\n>"))
	one, two := dialTest(t, said[1]), dialTest(t, said[1])
	_, _ = io.WriteString(one, "一\n")
	s.types("半句")
	first := regexp.MustCompile(`\[(\d+)\] 一`).FindStringSubmatch(s.shows(6, "一\n> 半句"))
	_, _ = io.WriteString(two, "二\n")
	s.shows(6, "二\n> 半句")
	s.keys("C-u")
	s.types("/to " + first[1] + " 你")
	s.keys("Enter")
	ask(t, one, "", "你\n")
	s.types("大家")
	s.keys("Enter")
	ask(t, one, "", "大家\n")
	ask(t, two, "", "大家\n")
	s.keys("C-c")
	s.shows(-1, "> 大家\nexit 0")
}
