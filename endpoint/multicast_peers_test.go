package endpoint_test

import (
	"bufio"
	"fmt"
	"io"
	"os/exec"
	"runtime"
	"strings"
	"testing"

	"sockeye.dev/endpoint"
	"sockeye.dev/internal/peertest"
)

const pythonMember = `
import socket, struct, sys
group, port, who = sys.argv[1], int(sys.argv[2]), sys.argv[3]
lo = socket.inet_aton("127.0.0.1")
s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
if who == "member":
    s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    s.setsockopt(socket.IPPROTO_IP, 12, 1) # IP_RECVTTL
    s.bind(("", port))
    s.setsockopt(socket.IPPROTO_IP, socket.IP_ADD_MEMBERSHIP, socket.inet_aton(group) + lo)
    print("ready", s.getsockname()[1], flush=True)
    m, control, _, addr = s.recvmsg(1024, 1024)
    ttl = [struct.unpack("i", c[2])[0] for c in control if c[:2] == (socket.IPPROTO_IP, socket.IP_TTL)]
    s.sendto(b"%s with ttl %d" % (m, ttl[0]), addr)
else:
    s.setsockopt(socket.IPPROTO_IP, socket.IP_MULTICAST_IF, lo)
    s.sendto(b"hello", (group, port))
    m, addr = s.recvfrom(1024)
    print(m.decode(), "from", addr[0], flush=True)
    s.sendto(b"thanks", addr)
`

// TestMulticastPython speaks to another process's sockets, both ways.
func TestMulticastPython(t *testing.T) {
	g := loopbackGroup(t)
	peertest.Path(t, "python3")
	if runtime.GOOS != "linux" {
		t.Skip("control messages as Linux has them")
	}
	cmd := exec.CommandContext(t.Context(), "python3", "-c", pythonMember, g.host, "0", "member")
	line := start(t, cmd)("ready")
	var port uint16
	if _, err := fmt.Sscanf(line, "ready %d", &port); err != nil {
		t.Fatal(err)
	}
	a := g.addr(t, port, "")
	a.Options.Set("ttl", "7")
	c := dialAddr(t, endpoint.Host{}, a)
	send(t, c, "hello")
	if m, from := receiveFrom(t, c); m != "hello with ttl 7" || !strings.HasSuffix(from, fmt.Sprintf(":%d", port)) {
		t.Errorf("%q from %s", m, from)
	}

	l, port := g.listen(t, endpoint.Host{}, 0, "")
	cmd = exec.CommandContext(t.Context(), "python3", "-c", pythonMember, g.host, fmt.Sprint(port), "client")
	read := start(t, cmd)
	s := accept(t, l)
	receive(t, s, "hello")
	send(t, s, "answer")
	if got := read("answer"); got != "answer from 127.0.0.1" {
		t.Errorf("the client read %q", got)
	}
	receive(t, s, "thanks") // to our own port, in the same conversation
}

func TestMulticastSocat(t *testing.T) {
	g := loopbackGroup(t)
	peertest.Path(t, "socat")
	l, port := g.listen(t, endpoint.Host{}, 0, "")
	cmd := exec.CommandContext(t.Context(), "socat", "-t5", "-",
		fmt.Sprintf("UDP4-DATAGRAM:%s:%d,ip-multicast-if=127.0.0.1", g.host, port))
	stdin, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	read := start(t, cmd)
	io.WriteString(stdin, "hello")
	s := accept(t, l)
	receive(t, s, "hello")
	send(t, s, "answer\n")
	read("answer")
	stdin.Close()
	cmd.Process.Kill()
}

// start runs cmd and returns what reads its lines until one has a prefix. The
// process is waited for when the test ends.
func start(t *testing.T, cmd *exec.Cmd) (until func(prefix string) string) {
	t.Helper()
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	return started(t, cmd, out)
}

// startStderr is start for a program that says it is ready on stderr.
func startStderr(t *testing.T, cmd *exec.Cmd) (until func(part string) string) {
	t.Helper()
	out, err := cmd.StderrPipe()
	if err != nil {
		t.Fatal(err)
	}
	return started(t, cmd, out)
}

func started(t *testing.T, cmd *exec.Cmd, out io.Reader) func(part string) string {
	t.Helper()
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		cmd.Process.Kill()
		cmd.Wait()
	})
	lines := bufio.NewScanner(out)
	return func(part string) string {
		t.Helper()
		for lines.Scan() {
			if strings.Contains(lines.Text(), part) {
				return lines.Text()
			}
		}
		t.Fatalf("%v ended before it said %q", cmd.Args, part)
		return ""
	}
}
