//go:build unix

package handler_test

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"io"
	"io/fs"
	"net"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"sockeye.dev/charset"
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

// executeMem is execute over a network in memory, which holds 64 KiB each way.
func executeMem(t *testing.T, ctx context.Context, h *handler.Exec) (peer net.Conn, result <-chan error) {
	t.Helper()
	var network endpoint.Mem
	at := endpoint.Addr{Scheme: "mem", Path: "peer"}
	ln, err := network.Listen(t.Context(), at)
	if err != nil {
		t.Fatal(err)
	}
	done := make(chan error, 1)
	go func() {
		srv := session.Server{Handler: h}
		done <- srv.ServeOne(ctx, ln)
	}()
	conn, err := network.Dial(t.Context(), at)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close() })
	return conn, done
}

// within is what the conversation came to, soon.
func within(t *testing.T, result <-chan error) error {
	t.Helper()
	select {
	case err := <-result:
		return err
	case <-time.After(10 * time.Second):
		t.Fatal("Serve does not return")
		return nil
	}
}

// A peer that takes its time gets everything, also what the program has left
// in the pipe.
func TestExecSlowPeer(t *testing.T) {
	t.Parallel()
	const grace = 250 * time.Millisecond
	const fits = 3 * 64 << 10 // in the network, in Serve's hands and in the pipe: the program ends though nothing is read
	var ended, all sync.WaitGroup
	defer all.Wait()
	late := make(chan struct{})
	for n := 120_000; n <= 200_000; n += 10_000 { // at once: they mostly wait
		end, stderr, err := os.Pipe() // ends with the program
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = end.Close() })
		h := &handler.Exec{Command: []string{"head", "-c", strconv.Itoa(n), "/dev/zero"}, Stderr: stderr,
			Started: func(*session.Session, *os.Process) { _ = stderr.Close() }}
		h.SetGrace(grace)
		conn, result := executeMem(t, t.Context(), h)
		if n <= fits {
			_ = end.SetReadDeadline(time.Now().Add(5 * time.Second)) // a guard, where pipes hold less
			ended.Go(func() { _, _ = end.Read(make([]byte, 1)) })
		}
		all.Go(func() {
			<-late
			got, err := io.ReadAll(conn)
			if err != nil || len(got) != n {
				t.Errorf("got %d bytes, %v, want %d", len(got), err, n)
			}
			_ = conn.Close()
			if err := <-result; err != nil {
				t.Error(err)
			}
		})
	}
	ended.Wait()
	time.AfterFunc(2*grace, func() { close(late) }) // what the program left running is given up by then; no event tells
}

// What the program left running may hold its output, but not its last words.
func TestExecLastWords(t *testing.T) {
	t.Parallel()
	conn, result := executeMem(t, t.Context(), &handler.Exec{Command: handler.Shell("sleep 600 & printf end"), Read: handler.TextLine})
	got, err := io.ReadAll(conn)
	if err != nil || string(got) != "end" {
		t.Errorf("got %q, %v", got, err)
	}
	_ = conn.Close()
	if err := within(t, result); err != nil {
		t.Error(err)
	}
}

// A program that neither reads nor writes ends with the context, whether it
// heeds a signal or not.
func TestExecCanceled(t *testing.T) {
	for _, line := range []string{"exec sleep 600", "trap '' TERM; sleep 600", "trap '' TERM; sleep 600 & sleep 600"} {
		t.Run(line, func(t *testing.T) {
			t.Parallel()
			ctx, cancel := context.WithCancelCause(t.Context())
			defer cancel(nil)
			conn, result := executeMem(t, ctx, &handler.Exec{Command: handler.Shell(line)})
			_ = conn.SetWriteDeadline(time.Now().Add(time.Second)) // all pipes are full by then
			if _, err := conn.Write(make([]byte, 1<<20)); !errors.Is(err, os.ErrDeadlineExceeded) {
				t.Fatalf("%v, want a full pipe", err)
			}
			why := errors.New("interrupted")
			cancel(why)
			if err := within(t, result); !errors.Is(err, why) {
				t.Errorf("%v, want %v", err, why)
			}
		})
	}
}

// A program that reads nothing and writes to a peer that is gone ends.
func TestExecPeerGone(t *testing.T) {
	t.Parallel()
	conn, result := executeMem(t, t.Context(), &handler.Exec{Command: handler.Shell("trap '' TERM PIPE; while sleep 1; do echo tick; done")})
	_ = conn.SetWriteDeadline(time.Now().Add(time.Second))
	_, _ = conn.Write(make([]byte, 1<<20))
	_ = conn.Close()
	if err := within(t, result); !errors.Is(err, syscall.EPIPE) {
		t.Errorf("%v, want a broken pipe", err)
	}
}

// What is no text under a strict policy is an error of the conversation, not
// a program that has stopped reading.
func TestExecUndecodable(t *testing.T) {
	t.Parallel()
	conn, result := executeMem(t, t.Context(), &handler.Exec{Command: handler.Shell("cat; sleep 600"), Style: handler.Text})
	if _, err := io.WriteString(conn, "good\nb\xffd\n"); err != nil {
		t.Fatal(err)
	}
	_ = conn.(interface{ CloseWrite() error }).CloseWrite()
	_ = conn.SetReadDeadline(time.Now().Add(10 * time.Second))
	got, _ := io.ReadAll(conn)
	var bad *charset.DecodeError
	if err := within(t, result); !errors.As(err, &bad) {
		t.Errorf("got %q, %v, want a DecodeError", got, err)
	}
	if !bytes.HasPrefix([]byte("good\nb"), got) {
		t.Errorf("got %q", got)
	}
}

// Once the program is reaped and its output has ended, its group's id may be
// another's: nobody is signalled. A bystander in the group stands for another.
func TestExecSignalsNobodyElse(t *testing.T) {
	t.Parallel()
	bystander := exec.Command("sleep", "600")
	started := make(chan *os.Process, 1)
	conn, result := executeMem(t, t.Context(), &handler.Exec{
		Command: handler.Shell("sleep 1; exec head -c 125000 /dev/zero"),
		Started: func(_ *session.Session, p *os.Process) {
			bystander.SysProcAttr = &syscall.SysProcAttr{Setpgid: true, Pgid: p.Pid}
			if err := bystander.Start(); err != nil {
				t.Error(err)
			}
			started <- p
		},
	})
	p := <-started
	if bystander.Process == nil {
		t.FailNow()
	}
	for end := time.Now().Add(10 * time.Second); p.Signal(syscall.Signal(0)) == nil; time.Sleep(10 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatal("the program does not end")
		}
	}
	time.Sleep(100 * time.Millisecond) // until the end is noticed
	_ = conn.Close()
	if err := within(t, result); !errors.Is(err, syscall.EPIPE) {
		t.Errorf("%v, want a broken pipe", err)
	}
	done := make(chan error, 1)
	go func() { done <- bystander.Wait() }()
	select {
	case err := <-done:
		t.Errorf("the bystander was signalled: %v", err)
	case <-time.After(200 * time.Millisecond):
		_ = bystander.Process.Kill()
		<-done
	}
}
