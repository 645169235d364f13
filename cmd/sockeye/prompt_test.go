package main

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"sockeye.dev/charset"
	"sockeye.dev/internal/tmuxtest"
	"sockeye.dev/session"
	"sockeye.dev/term"
)

// screen is a terminal with the command in it.
type screen struct{ *tmuxtest.Screen }

// onScreen runs the command at a terminal of 60 columns and 14 rows.
func onScreen(t *testing.T, args ...string) screen {
	line := os.Args[0]
	for _, arg := range args {
		line += " '" + arg + "'"
	}
	return screen{tmuxtest.Run(t, 60, 14, line+`; echo "exit $?"; exec cat`, "SOCKEYE_TEST_MAIN=1", "NO_COLOR=1")}
}

// shows waits until the screen ends like that, with the cursor in that column
// of its last line, unless that is -1.
func (s screen) shows(column int, end string) string {
	return s.Await(fmt.Sprintf("at its end, cursor in column %d,\n%s", column, end), func(shown string, x, y int) bool {
		return strings.HasSuffix(shown, end) && (column < 0 || x == column && y == strings.Count(shown, "\n"))
	})
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

	s.Type("你好，世界")
	s.Keys("Left", "Left")
	say("欢迎！\n")
	s.shows(8, "欢迎！\n> 你好，世界")
	s.Type("大")
	s.shows(10, "> 你好，大世界")
	s.Keys("Enter")
	hear("你好，大世界\n")
	s.Type("/encoding utf-8")
	s.Keys("Enter")
	s.shows(2, "> /encoding utf-8\n>")
	_, _ = io.WriteString(conn, "现在是 UTF-8\n")
	s.shows(2, "现在是 UTF-8\n>")
	s.Type("/nick 张三") // the peer's command, not ours
	s.Keys("Enter")
	if line, err := heard.ReadString('\n'); err != nil || line != "/nick 张三\n" {
		t.Errorf("heard %q, %v", line, err)
	}
	file := filepath.Join(t.TempDir(), "talk.txt")
	s.Type("/record " + file)
	s.Keys("Enter")
	s.shows(2, "talk.txt\n>")
	_, _ = io.WriteString(conn, "recorded\n")
	s.shows(2, "recorded\n>")
	s.Type("/close")
	s.Keys("Enter")
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
	s.Type("半句")
	first := regexp.MustCompile(`\[(\d+)\] 一`).FindStringSubmatch(s.shows(6, "一\n> 半句"))
	_, _ = io.WriteString(two, "二\n")
	s.shows(6, "二\n> 半句")
	s.Keys("C-u")
	s.Type("/to " + first[1] + " 你")
	s.Keys("Enter")
	ask(t, one, "", "你\n")
	s.Type("大家")
	s.Keys("Enter")
	ask(t, one, "", "大家\n")
	ask(t, two, "", "大家\n")
	s.Keys("C-c")
	s.shows(-1, "> 大家\nexit 0")
}

// Conversations differ in number and colour; with NO_COLOR, or where nothing is
// coloured, in number.
func TestLabels(t *testing.T) {
	a, b := net.Pipe()
	defer a.Close()
	defer b.Close()
	one, two := session.New(a, nil), session.New(b, nil)
	colour := regexp.MustCompile(`^\x1b\[3[1-6]m\[\d+\]\x1b\[0m $`)
	for _, test := range []struct {
		out     io.Writer
		noColor string
		colours bool
	}{{new(term.Prompt), "", true}, {new(term.Prompt), "1", false}, {io.Discard, "", false}} {
		app := &app{stdout: test.out, getenv: func(string) string { return test.noColor }}
		label := app.label()
		first, second := label(one), label(two)
		if first == second || colour.MatchString(first) != test.colours || test.colours && first[:5] == second[:5] {
			t.Errorf("NO_COLOR=%q: %q and %q", test.noColor, first, second)
		}
	}
}
