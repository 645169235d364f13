package main

import (
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"testing"

	"golang.org/x/sys/unix"
)

// atTerminal starts cmd at a terminal of its own: what is said is typed, and
// what the terminal shows, which includes what is typed, can be waited for.
func atTerminal(t *testing.T, cmd *exec.Cmd) *running {
	t.Helper()
	pty, err := os.OpenFile("/dev/ptmx", os.O_RDWR|unix.O_NOCTTY, 0)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = pty.Close() })
	if err := unix.IoctlSetPointerInt(int(pty.Fd()), unix.TIOCSPTLCK, 0); err != nil {
		t.Fatal(err)
	}
	n, err := unix.IoctlGetInt(int(pty.Fd()), unix.TIOCGPTN)
	if err != nil {
		t.Fatal(err)
	}
	tty, err := os.OpenFile(fmt.Sprintf("/dev/pts/%d", n), os.O_RDWR|unix.O_NOCTTY, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer tty.Close()
	if cmd.Stdin == nil {
		cmd.Stdin = tty
	}
	if cmd.Stdout == nil {
		cmd.Stdout = tty
	}
	cmd.Stderr = tty
	cmd.Env = append(cmd.Env, "TERM=dumb") // as it comes: prompt_test.go has the prompt
	cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true, Setctty: true, Ctty: 2}
	r := beginAt(t, cmd, pty)
	r.in = pty
	return r
}

const (
	ctrlC = "\x03"
	ctrlD = "\x04"
)

// hostile is what a terminal would obey, and how it is to be shown.
var hostile = []struct{ sent, shown string }{
	{"\x1b[2J", `\x1b[2J`},
	{"\x1b]0;title\x07", `\x1b]0;title\x07`},
	{"\u009b31m", `\x9b31m`},
	{"\u202egpj.exe\u2069", `\u202egpj.exe\u2069`},
	{"a\rb\x08\x7f\x00", `a\rb\x08\x7f\x00`},
	{"\U000e0041\u2028", `\U000e0041\u2028`},
}

// everything is all that is hostile, at once and then byte by byte, as sent
// and as shown.
func everything() (sent []string, shown string) {
	var all string
	for _, h := range hostile {
		all += h.sent
		shown += h.shown
	}
	sent = []string{all}
	for _, b := range []byte(all + "\n") {
		sent = append(sent, string([]byte{b}))
	}
	return sent, shown
}

func checkSafe(t *testing.T, r *running, args []string) {
	t.Helper()
	out, _, _ := r.wait()
	shown := strings.ReplaceAll(out, "\r\n", "\n") // the terminal's own
	if i := strings.IndexAny(shown, "\x1b\x07\r\b\x7f\x00\u009b\u202e\u2069\u2028\U000e0041"); i >= 0 {
		t.Errorf("%.4q reached the terminal: %q", shown[i:], shown)
	}
	_, want := everything()
	if last := args[len(args)-1]; last != "--hex" && last != "--json" && !strings.Contains(shown, want) {
		t.Errorf("shown %q, want %q", shown, want)
	}
}

var safely = [][]string{nil, {"--encoding", "utf-8"}, {"--frame", "line"}, {"-vv"}, {"--json"}, {"--hex"}}

// Nothing a peer sends is obeyed by the terminal.
func TestTerminalIsSafe(t *testing.T) {
	t.Parallel()
	sent, _ := everything()
	for _, name := range []string{"connect", "send"} {
		for _, more := range safely {
			args := append([]string{name}, more...)
			t.Run(strings.Join(args, " "), func(t *testing.T) {
				t.Parallel()
				addr := peer(t, "tcp", func(conn net.Conn) {
					if name == "send" {
						_, _ = io.ReadAll(conn)
					}
					for _, s := range sent {
						_, _ = io.WriteString(conn, s)
					}
				})
				cmd := command(t, append(args, addr)...)
				if name == "send" {
					cmd.Args = append(cmd.Args, "00")
				}
				checkSafe(t, atTerminal(t, cmd), args)
			})
		}
	}
}

func TestTerminalIsSafeListening(t *testing.T) {
	t.Parallel()
	sent, _ := everything()
	for _, how := range [][]string{nil, {"--once"}, {"--reply", "00"}} {
		for _, more := range safely {
			args := append(append([]string{"listen"}, how...), more...)
			t.Run(strings.Join(args, " "), func(t *testing.T) {
				t.Parallel()
				r := atTerminal(t, command(t, append(args, "127.0.0.1:0")...))
				conn := dialTest(t, r.address())
				for _, s := range sent {
					_, _ = io.WriteString(conn, s)
				}
				if how == nil || how[0] != "--once" {
					finish(t, conn)
					r.say(ctrlC)
				} else {
					r.say(ctrlD)
					finish(t, conn)
				}
				checkSafe(t, r, args)
			})
		}
	}
}

func TestTerminalIsSafeChatting(t *testing.T) {
	t.Parallel()
	sent, _ := everything()
	for _, more := range safely {
		args := append([]string{"chat"}, more...)
		t.Run(strings.Join(args, " "), func(t *testing.T) {
			t.Parallel()
			r := atTerminal(t, command(t, append(args, "--bind", "127.0.0.1:0")...))
			conn := dialTest(t, r.address())
			last := "the end"
			_, _ = io.WriteString(conn, sent[0])
			_, _ = io.WriteString(conn, last)
			if more != nil && more[0] == "--hex" {
				last = "65 6e 64"
			}
			r.hears(last)
			r.say(ctrlC)
			checkSafe(t, r, args)
		})
	}
}

// At a pipe the bytes are as they came.
func TestPipeIsRaw(t *testing.T) {
	t.Parallel()
	sent, _ := everything()
	all := strings.Join(sent, "")
	out, errs, code := result(t, command(t, "connect", leaves(t, all)))
	check(t, out, errs, code, all, "", 0)
	r := begin(t, command(t, "listen", "127.0.0.1:0"))
	conn := dialTest(t, r.address())
	_, _ = io.WriteString(conn, all)
	finish(t, conn)
	if out := r.stop(); out != all {
		t.Errorf("printed %q", out)
	}
}
