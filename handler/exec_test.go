//go:build unix

package handler_test

import (
	"bufio"
	"errors"
	"io"
	"io/fs"
	"net"
	"os"
	"strconv"
	"strings"
	"syscall"
	"testing"

	"sockeye.dev/endpoint"
	"sockeye.dev/handler"
	"sockeye.dev/session"
)

// execute serves one conversation with a shell's line over TCP and returns the
// peer's end, and what the conversation came to.
func execute(t *testing.T, h *handler.Exec) (peer *net.TCPConn, result <-chan error) {
	t.Helper()
	ln, err := (endpoint.Host{}).Listen(t.Context(), endpoint.Addr{Scheme: "tcp", Host: "127.0.0.1"})
	if err != nil {
		t.Fatal(err)
	}
	done := make(chan error, 1)
	go func() {
		srv := session.Server{Handler: h}
		done <- srv.ServeOne(t.Context(), ln)
	}()
	conn, err := net.Dial("tcp", ln.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close() })
	return conn.(*net.TCPConn), done
}

func TestExec(t *testing.T) {
	for _, test := range []struct{ name, line, input, want string }{
		{"its input ends with the peer's", "cat; echo end", "one\ntwo\n", "one\ntwo\nend\n"},
		{"it need not read", "echo hi", "", "hi\n"},
		{"it need not read all", "head -n 1", "one\n" + strings.Repeat("two\n", 100_000), "one\n"},
		{"its output is drained", "yes | head -c 1000000 | tr -d '\\n' | wc -c", "", "500000\n"},
		{"it may end its output first", "exec >&-; cat >/dev/null", "one\n", ""},
		{"what it left running does not hold us", "sleep 600 & echo hi", "", "hi\n"},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			conn, result := execute(t, &handler.Exec{Command: handler.Shell(test.line)})
			go func() {
				_, _ = io.WriteString(conn, test.input) // which the program need not take
				_ = conn.CloseWrite()
			}()
			got, err := io.ReadAll(conn)
			if err != nil && !errors.Is(err, syscall.ECONNRESET) || strings.ReplaceAll(string(got), " ", "") != test.want {
				t.Errorf("got %q, %v, want %q", got, err, test.want)
			}
			if err := <-result; err != nil && test.name != "it need not read all" {
				t.Error(err)
			}
		})
	}
}

func TestExecEnvironment(t *testing.T) {
	conn, result := execute(t, &handler.Exec{Command: handler.Shell(
		`echo $SOCKEYE_REMOTE_ADDR $SOCKEYE_REMOTE_PORT $SOCKEYE_LOCAL_ADDR $SOCKEYE_LOCAL_PORT $SOCKEYE_PROTO $NCAT_REMOTE_PORT`)})
	got, err := io.ReadAll(conn)
	if err != nil {
		t.Fatal(err)
	}
	_ = conn.Close()
	local, remote := conn.LocalAddr().(*net.TCPAddr), conn.RemoteAddr().(*net.TCPAddr)
	want := strings.Join([]string{local.IP.String(), strconv.Itoa(local.Port), remote.IP.String(), strconv.Itoa(remote.Port),
		"TCP", strconv.Itoa(local.Port)}, " ") + "\n"
	if string(got) != want {
		t.Errorf("%q, want %q", got, want)
	}
	if err := <-result; err != nil {
		t.Error(err)
	}
}

// A peer that is gone ends the program and what it has started: their standard
// error has no writer then.
func TestExecEndsWithTheConversation(t *testing.T) {
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	conn, result := execute(t, &handler.Exec{Stderr: w, Command: handler.Shell("sleep 600 & echo started; sleep 600")})
	if _, err := bufio.NewReader(conn).ReadString('\n'); err != nil {
		t.Fatal(err)
	}
	_ = w.Close()
	_ = conn.SetLinger(0)
	_ = conn.Close() // with a reset
	if err := <-result; !errors.Is(err, syscall.ECONNRESET) {
		t.Errorf("%v, want a reset", err)
	}
	if _, err := r.Read(make([]byte, 1)); err != io.EOF {
		t.Errorf("%v, want the end", err)
	}
}

func TestExecNotFound(t *testing.T) {
	conn, result := execute(t, &handler.Exec{Command: []string{"/nowhere/program"}})
	_ = conn.CloseWrite()
	if err := <-result; !errors.Is(err, fs.ErrNotExist) || !strings.Contains(err.Error(), "run /nowhere/program") {
		t.Error(err)
	}
}
