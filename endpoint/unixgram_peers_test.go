//go:build unix

package endpoint_test

import (
	"io"
	"os/exec"
	"testing"

	"sockeye.dev/endpoint"
	"sockeye.dev/internal/peertest"
)

const pythonUnixgram = `
import socket, sys
s = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
s.bind(sys.argv[1])
if sys.argv[2] == "serve":
    print("ready", flush=True)
    m, who = s.recvfrom(1024)
    s.sendto(b"thank you, " + m, who)
else:
    s.sendto(b"hello", sys.argv[2])
    print(s.recv(1024).decode())
`

func TestUnixgramPython(t *testing.T) {
	peertest.Path(t, "python3")
	mine := socketPath(t)
	cmd := exec.CommandContext(t.Context(), "python3", "-c", pythonUnixgram, mine, "serve")
	ready := start(t, cmd)
	ready("ready")
	c := dial(t, endpoint.Host{}, "unixgram:"+mine)
	send(t, c, "sockeye")
	receive(t, c, "thank you, sockeye")

	l := listen(t, endpoint.Host{}, "unixgram:"+socketPath(t))
	cmd = exec.CommandContext(t.Context(), "python3", "-c", pythonUnixgram, socketPath(t), l.Addr().String())
	read := start(t, cmd)
	s := accept(t, l)
	receive(t, s, "hello")
	send(t, s, "answer")
	read("answer")
}

func TestUnixgramSocat(t *testing.T) {
	peertest.Path(t, "socat")
	l := listen(t, endpoint.Host{}, "unixgram:"+socketPath(t))
	cmd := exec.CommandContext(t.Context(), "socat", "-t5", "-", "UNIX-SENDTO:"+l.Addr().String()+",bind="+socketPath(t))
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

	path := socketPath(t)
	cmd = exec.CommandContext(t.Context(), "socat", "-d", "-d", "UNIX-RECVFROM:"+path, "EXEC:cat")
	cmd.Stdout = nil
	said := startStderr(t, cmd)
	said("receiving on")
	c := dial(t, endpoint.Host{}, "unixgram:"+path)
	send(t, c, "echo this")
	receive(t, c, "echo this")
}
