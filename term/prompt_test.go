package term_test

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"sockeye.dev/internal/tmuxtest"
	"sockeye.dev/term"
)

// TestMain lets the test binary be the program in tmux.
func TestMain(m *testing.M) {
	if addr := os.Getenv("TERM_TEST_SOCKET"); addr != "" {
		if err := program(addr); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		return
	}
	os.Exit(m.Run())
}

// program writes what comes from the socket to a prompt, and lines typed to
// the socket.
func program(addr string) error {
	conn, err := net.Dial("unix", addr)
	if err != nil {
		return err
	}
	defer conn.Close()
	p := term.Open(os.Stdin, os.Stdout, term.Options{Env: os.Environ(), Complete: func(line string) []string {
		var out []string
		for _, c := range []string{"/close", "/encoding gbk", "/encoding gb18030", "/to "} {
			if strings.HasPrefix(c, line) {
				out = append(out, c)
			}
		}
		return out
	}})
	done := make(chan error)
	go func() {
		_, err := io.Copy(p, conn)
		done <- err
	}()
	_, err = io.Copy(conn, p)
	conn.(*net.UnixConn).CloseWrite()
	if err == nil {
		err = <-done
	}
	p.Close()
	fmt.Println("bye")
	return err
}

// screen is a terminal with the program in it, and the other end of its socket.
type screen struct {
	*tmuxtest.Screen
	t        *testing.T
	conn     net.Conn
	received *bufio.Reader
}

func open(t *testing.T, width, height int) *screen {
	ln, err := net.Listen("unix", filepath.Join(t.TempDir(), "s"))
	if err != nil {
		t.Fatal(err)
	}
	defer ln.Close()
	s := &screen{t: t, Screen: tmuxtest.Run(t, width, height, os.Args[0]+"; exec cat", "TERM_TEST_SOCKET="+ln.Addr().String())}
	if s.conn, err = ln.Accept(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.conn.Close() })
	_ = s.conn.SetDeadline(time.Now().Add(time.Minute)) // a guard, not an expectation
	s.received = bufio.NewReader(s.conn)
	return s
}

// await waits until the screen shows exactly these lines and the cursor is in
// that column of that line.
func (s *screen) await(x, y int, lines ...string) {
	s.t.Helper()
	want := strings.Join(lines, "\n")
	s.Await(fmt.Sprintf("cursor at %d,%d\n%s", x, y, want), func(shown string, atX, atY int) bool {
		return shown == want && atX == x && atY == y
	})
}

func (s *screen) say(text string) {
	s.t.Helper()
	if _, err := io.WriteString(s.conn, text); err != nil {
		s.t.Fatal(err)
	}
}

func (s *screen) hear(want string) {
	s.t.Helper()
	if line, err := s.received.ReadString('\n'); err != nil || line != want+"\n" {
		s.t.Fatalf("heard %q, %v, want %q", line, err, want)
	}
}

func TestPrompt(t *testing.T) {
	s := open(t, 40, 10)
	s.await(2, 0, ">")
	s.Type("你好世界ab")
	s.await(12, 0, "> 你好世界ab")
	s.Keys("Left", "Left", "Left")
	s.await(8, 0, "> 你好世界ab")
	s.say("别人说：hello\n")
	s.await(8, 1, "别人说：hello", "> 你好世界ab")
	s.Type("X中")
	s.await(11, 1, "别人说：hello", "> 你好世X中界ab")
	s.say("one\n\nthree\n") // an empty line too
	s.await(11, 4, "别人说：hello", "one", "", "three", "> 你好世X中界ab")
	s.Keys("Enter")
	s.hear("你好世X中界ab")
	s.await(2, 5, "别人说：hello", "one", "", "three", "> 你好世X中界ab", ">")

	// A line without its end stands above until the rest comes.
	s.say("login: ")
	s.await(2, 6, "别人说：hello", "one", "", "three", "> 你好世X中界ab", "login:", ">")
	s.say("ok\n")
	s.await(2, 6, "别人说：hello", "one", "", "three", "> 你好世X中界ab", "login: ok", ">")

	// The end.
	s.Keys("C-d")
	_ = s.conn.(*net.UnixConn).CloseWrite()
	s.await(0, 7, "别人说：hello", "one", "", "three", "> 你好世X中界ab", "login: ok", "bye")
}

func TestPromptHistoryAndCompletion(t *testing.T) {
	s := open(t, 40, 10)
	s.await(2, 0, ">")
	s.Type("one")
	s.Keys("Enter")
	s.hear("one")
	s.Type("two")
	s.Keys("Enter")
	s.hear("two")
	s.Type("draft")
	s.Keys("Up")
	s.await(5, 2, "> one", "> two", "> two")
	s.Keys("Up", "Up")
	s.await(5, 2, "> one", "> two", "> one")
	s.Keys("Down", "Down", "Down")
	s.await(7, 2, "> one", "> two", "> draft")
	s.Keys("C-u")
	s.Type("/e")
	s.Keys("Tab")
	s.await(14, 2, "> one", "> two", "> /encoding gb")
	s.Keys("Tab")
	s.await(14, 3, "> one", "> two", "/encoding gbk  /encoding gb18030", "> /encoding gb")
	s.Type("k")
	s.Keys("Enter")
	s.hear("/encoding gbk")
}

// Lines wider than the terminal, a line too long to be typed in view, a resize.
func TestPromptNarrow(t *testing.T) {
	s := open(t, 10, 8)
	s.say("0123456789一二三四五六\n")
	s.await(2, 3, "0123456789", "一二三四五", "六", ">")
	s.Type("甲乙丙丁戊")
	s.await(8, 3, "0123456789", "一二三四五", "六", "> 丙丁戊")
	s.Keys("Home")
	s.await(2, 3, "0123456789", "一二三四五", "六", "> 甲乙丙")
	s.Tmux("resize-window", "-x", "20", "-y", "8")
	s.Keys("End")
	s.await(12, 2, "0123456789一二三四五", "六", "> 甲乙丙丁戊") // tmux puts broken lines together
}

// More text at once than the screen has lines arrives whole and in order.
func TestPromptFlood(t *testing.T) {
	s := open(t, 40, 10)
	s.await(2, 0, ">")
	var all strings.Builder
	for i := range 500 {
		fmt.Fprintf(&all, "line %d\n", i)
	}
	s.Type("typing")
	s.say(all.String())
	s.await(8, 9, "line 491", "line 492", "line 493", "line 494", "line 495", "line 496", "line 497", "line 498", "line 499", "> typing")
	history := s.Tmux("capture-pane", "-p", "-S", "-")
	if want := all.String() + "> typing\n"; history != want {
		t.Errorf("the terminal's history is\n%s", history)
	}
}

// A line that does not end is broken as the terminal would, and holds up
// neither what follows nor the keys.
func TestPromptEndless(t *testing.T) {
	s := open(t, 10, 8)
	s.await(2, 0, ">")
	s.Type("ab")
	s.await(4, 0, "> ab")
	s.say("01234567")
	s.await(4, 1, "01234567", "> ab")
	s.say("89")
	s.await(4, 1, "0123456789", "> ab")
	s.say("x一二三四五")
	s.await(4, 3, "0123456789", "x一二三四", "五", "> ab")
	s.say("六\nnext\n")
	s.await(4, 4, "0123456789", "x一二三四", "五六", "next", "> ab")
	s.say(strings.Repeat(strings.Repeat("0123456789", 100), 100) + "end")
	s.await(4, 7, "0123456789", "0123456789", "0123456789", "0123456789", "0123456789", "0123456789", "end", "> ab")
	s.Keys("C-c")
	if _, err := s.received.ReadByte(); err != io.EOF {
		t.Fatal(err)
	}
}

func TestPromptTabs(t *testing.T) {
	s := open(t, 20, 8)
	s.say("first\na\tb")
	s.await(2, 2, "first", "a       b", ">")
	s.say("\tc")
	s.await(2, 2, "first", "a       b       c", ">")
	s.say("\td")
	s.await(2, 3, "first", "a       b       c", "d", ">")
	s.say("\te\n")
	s.await(2, 3, "first", "a       b       c", "d       e", ">")
	// Pasted ones are kept.
	s.Tmux("set-buffer", "x\ty")
	s.Tmux("paste-buffer", "-p")
	s.await(5, 3, "first", "a       b       c", "d       e", "> x y")
	s.Keys("Enter", "Up")
	s.hear("x\ty")
	s.await(5, 4, "first", "a       b       c", "d       e", "> x     y", "> x y")
}

// Colours are not lost where a row is broken, nor do they run into the line.
func TestPromptColours(t *testing.T) {
	s := open(t, 10, 8)
	s.say("\x1b[32m[1]\x1b[0m 012345678\x1b[31mred")
	s.await(2, 2, "[1] 012345", "678red", ">")
	if got, want := s.Tmux("capture-pane", "-p", "-e"), "\x1b[32m[1]\x1b[39m 012345\n678\x1b[31mred\n\x1b[39m>"; !strings.HasPrefix(got, want) {
		t.Errorf("the screen is %q, want %q", got, want)
	}
}

// A resize finds all rows of what was drawn, above the cursor and below it.
func TestPromptResize(t *testing.T) {
	for _, home := range []bool{false, true} {
		s := open(t, 30, 8) // full: what tmux does to empty rows is another matter
		s.say("1\n2\n3\n4\n5\n6\n0123456789abcdefghijklm")
		s.await(2, 7, "1", "2", "3", "4", "5", "6", "0123456789abcdefghijklm", ">")
		s.Type("ABCDEFGHIJKLMNOPQRSTUVWX")
		s.await(26, 7, "1", "2", "3", "4", "5", "6", "0123456789abcdefghijklm", "> ABCDEFGHIJKLMNOPQRSTUVWX")
		x, typed := 9, "> RSTUVWX"
		if home {
			s.Keys("Home")
			s.await(2, 7, "1", "2", "3", "4", "5", "6", "0123456789abcdefghijklm", "> ABCDEFGHIJKLMNOPQRSTUVWX")
			x, typed = 2, "> ABCDEFG"
		}
		s.Tmux("resize-window", "-x", "10", "-y", "8")
		s.await(x, 5, "5", "6", "0123456789", "abcdefghij", "klm", typed)
		s.say("n\n")
		s.await(x, 5, "5", "6", "0123456789", "abcdefghij", "klmn", typed)
	}
}
