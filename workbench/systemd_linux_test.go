package workbench_test

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"sockeye.dev/internal/peertest"
)

// activate starts a child with sockets as systemd does: from descriptor 3 on, and LISTEN_PID its own, which only the
// shell that becomes it knows. It returns a function that waits for the child and returns what it has printed.
func activate(t *testing.T, names, takes string, files ...*os.File) (wait func() string) {
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	cmd := exec.CommandContext(ctx, "sh", "-c", `LISTEN_PID=$$ exec "$0"`, self)
	cmd.Env = append(os.Environ(), childVariable+"="+takes, fmt.Sprint("LISTEN_FDS=", len(files)), "LISTEN_FDNAMES="+names)
	cmd.ExtraFiles = files
	var out strings.Builder
	cmd.Stdout, cmd.Stderr = &out, &out
	if err := cmd.Start(); err != nil {
		cancel()
		t.Fatal(err)
	}
	return func() string {
		defer cancel()
		if err := cmd.Wait(); err != nil {
			t.Errorf("the child: %v", err)
		}
		return out.String()
	}
}

// file is a socket's descriptor; the socket itself is closed.
func file(t *testing.T, s interface {
	io.Closer
	File() (*os.File, error)
}) *os.File {
	t.Helper()
	if u, ok := s.(*net.UnixListener); ok {
		u.SetUnlinkOnClose(false)
	}
	f, err := s.File()
	if err != nil {
		t.Fatal(err)
	}
	_ = s.Close()
	t.Cleanup(func() { f.Close() })
	return f
}

// ask says hi and returns the answer.
func ask(t *testing.T, network, addr string) string {
	t.Helper()
	conn, err := net.DialTimeout(network, addr, 5*time.Second)
	if err != nil {
		t.Error(err)
		return ""
	}
	defer conn.Close()
	_ = conn.SetDeadline(time.Now().Add(20 * time.Second))
	fmt.Fprint(conn, "hi")
	buffer := make([]byte, 100)
	n, err := conn.Read(buffer)
	if err != nil {
		t.Error(err)
	}
	return string(buffer[:n])
}

func TestInherit(t *testing.T) {
	tcp, err := net.ListenTCP("tcp", &net.TCPAddr{IP: net.IPv4(127, 0, 0, 1)})
	if err != nil {
		t.Fatal(err)
	}
	every, err := net.ListenTCP("tcp", nil)
	if err != nil {
		t.Fatal(err)
	}
	udp, err := net.ListenUDP("udp", &net.UDPAddr{IP: net.IPv4(127, 0, 0, 1)})
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), "room.sock")
	unix, err := net.ListenUnix("unix", &net.UnixAddr{Name: path, Net: "unix"})
	if err != nil {
		t.Fatal(err)
	}
	spare, err := net.ListenTCP("tcp", &net.TCPAddr{IP: net.IPv4(127, 0, 0, 1)})
	if err != nil {
		t.Fatal(err)
	}
	tcpAt, everyAt, udpAt := tcp.Addr().String(), fmt.Sprint(every.Addr().(*net.TCPAddr).Port), udp.LocalAddr().String()
	spareAt := spare.Addr().String()
	// A socket that was closed is there to be taken again, and who asks meanwhile waits.
	takes := fmt.Sprintf("tcp://%s tcp://%[1]s?backlog=3 tcp://:%s udp://%s?idle=1s unix:%s unix:%[4]s tcp://127.0.0.1:1 nobody", tcpAt, everyAt, udpAt, path)
	wait := activate(t, "one:every::local", takes, file(t, tcp), file(t, every), file(t, udp), file(t, unix), file(t, spare))
	for _, test := range []struct{ network, addr string }{
		{"tcp", tcpAt}, {"tcp", tcpAt}, {"tcp", "127.0.0.1:" + everyAt}, {"udp", udpAt}, {"unix", path}, {"unix", path},
	} {
		if got, want := ask(t, test.network, test.addr), test.network+" heard hi"; got != want {
			t.Errorf("%s %s said %q, want %q", test.network, test.addr, got, want)
		}
	}
	want := fmt.Sprintf("one tcp://%s\nevery tcp://:%s\nunknown udp://%s\nlocal unix://%s\nunknown tcp://%s\n"+
		"error: listen tcp 127.0.0.1:1: nothing\nerror: listen unix : nothing\nleft unknown tcp://%[5]s\n", tcpAt, everyAt, udpAt, path, spareAt)
	if got := wait(); got != want {
		t.Errorf("the child printed\n%swant\n%s", got, want)
	}
	if _, err := os.Stat(path); err != nil {
		t.Errorf("the child has removed systemd's socket: %v", err)
	}
}

func TestInheritWhatIsNone(t *testing.T) {
	plain, err := os.CreateTemp(t.TempDir(), "")
	if err != nil {
		t.Fatal(err)
	}
	defer plain.Close()
	pair, err := syscall.Socketpair(syscall.AF_UNIX, syscall.SOCK_STREAM, 0)
	if err != nil {
		t.Fatal(err)
	}
	ours, conn := os.NewFile(uintptr(pair[0]), "ours"), os.NewFile(uintptr(pair[1]), "theirs")
	defer ours.Close()
	defer conn.Close()
	packets, err := syscall.Socket(syscall.AF_UNIX, syscall.SOCK_SEQPACKET, 0)
	if err != nil {
		t.Fatal(err)
	}
	seq := os.NewFile(uintptr(packets), "seq")
	defer seq.Close()
	got := activate(t, "a:b:c", "x", plain, conn, seq)()
	for _, want := range []string{
		"error: the socket a, descriptor 3, that systemd has opened: getsockopt: socket operation on non-socket\n",
		"the socket b, descriptor 4, that systemd has opened: it is a connection, not a listener: the unit has to say Accept=no\n",
		"the socket c, descriptor 5, that systemd has opened: it is neither a stream nor a datagram socket\n",
	} {
		if !strings.Contains(got, want) {
			t.Errorf("the child printed %q, want %q", got, want)
		}
	}
}

// TestInheritFromSystemd has systemd itself open the socket.
func TestInheritFromSystemd(t *testing.T) {
	tool := peertest.Path(t, "systemd-socket-activate")
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), "s")
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	defer cancel()
	cmd := exec.CommandContext(ctx, tool, "--listen="+path, "--fdname=door", "-E", childVariable+"=door", self)
	stderr, err := cmd.StderrPipe()
	if err != nil {
		t.Fatal(err)
	}
	var out strings.Builder
	cmd.Stdout = &out
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	// It says "Listening on PATH as 3." and execs the child when the first connection is there.
	lines := bufio.NewScanner(stderr)
	for lines.Scan() && !strings.HasPrefix(lines.Text(), "Listening on ") {
	}
	if got := ask(t, "unix", path); got != "unix heard hi" {
		t.Errorf("heard %q", got)
	}
	_, _ = io.Copy(io.Discard, stderr)
	if err := cmd.Wait(); err != nil {
		t.Error(err)
	}
	if got := out.String(); got != "door unix://"+path+"\n" {
		t.Errorf("the child printed %q", got)
	}
}
