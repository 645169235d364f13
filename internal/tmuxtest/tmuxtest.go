// Package tmuxtest runs programs at a terminal, tmux's, for tests.
package tmuxtest

import (
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"sockeye.dev/internal/peertest"
)

// Screen is a terminal with a program in it.
type Screen struct {
	t      *testing.T
	socket string // tmux's own
}

// Run runs a shell's line at a terminal of that size, with env (NAME=value)
// added to its environment. Without tmux it skips the test, or fails it where
// SOCKEYE_REQUIRE_PEERS is set.
func Run(t *testing.T, width, height int, line string, env ...string) *Screen {
	t.Helper()
	peertest.Path(t, "tmux")
	s := &Screen{t, filepath.Join(t.TempDir(), "tmux")}
	t.Cleanup(func() { _ = exec.Command("tmux", "-S", s.socket, "kill-server").Run() })
	args := []string{"-u", "-f", "/dev/null", "new-session", "-d", "-x", strconv.Itoa(width), "-y", strconv.Itoa(height), "-e", "LC_ALL=C.UTF-8"}
	for _, e := range env {
		args = append(args, "-e", e)
	}
	s.Tmux(append(args, line)...)
	return s
}

// Tmux runs a command of tmux's and returns what it prints.
func (s *Screen) Tmux(args ...string) string {
	s.t.Helper()
	cmd := exec.Command("tmux", append([]string{"-S", s.socket}, args...)...)
	cmd.Env = append(os.Environ(), "LC_ALL=C.UTF-8")
	out, err := cmd.CombinedOutput()
	if err != nil {
		s.t.Fatalf("tmux %q: %v\n%s", args, err, out)
	}
	return string(out)
}

// Type types text.
func (s *Screen) Type(text string) { s.t.Helper(); s.Tmux("send-keys", "-l", text) }

// Keys presses keys, by tmux's names.
func (s *Screen) Keys(keys ...string) {
	s.t.Helper()
	s.Tmux(append([]string{"send-keys"}, keys...)...)
}

// Await waits until what the screen shows, without the spaces at the end of
// its lines and the empty ones at its own end, is enough, with the cursor at
// column x and row y, and returns it. want says what that is.
func (s *Screen) Await(want string, enough func(shown string, x, y int) bool) string {
	s.t.Helper()
	var shown, at string
	for guard := time.Now().Add(30 * time.Second); time.Now().Before(guard); {
		rows := strings.Split(s.Tmux("capture-pane", "-p"), "\n")
		for i, row := range rows {
			rows[i] = strings.TrimRight(row, " ")
		}
		shown = strings.TrimRight(strings.Join(rows, "\n"), "\n")
		at = strings.TrimSpace(s.Tmux("display-message", "-p", "#{cursor_x},#{cursor_y}"))
		column, row, _ := strings.Cut(at, ",")
		x, _ := strconv.Atoi(column)
		y, _ := strconv.Atoi(row)
		if enough(shown, x, y) {
			return shown
		}
	}
	s.t.Fatalf("the screen shows, cursor at %s,\n%s\nand not %s", at, shown, want)
	return ""
}
