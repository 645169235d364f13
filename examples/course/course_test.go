package course

import (
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"sockeye.dev/internal/peertest"
)

// Each program talks to one that does on the wire what the course's own does.

func build(t *testing.T, name string) string {
	t.Helper()
	bin := filepath.Join(t.TempDir(), name)
	if out, err := exec.Command("go", "build", "-o", bin, "./"+name).CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	return bin
}

// both runs one of our programs and one of Python's until both have ended. A
// port that is free now stands for PORT in the address and in the program.
func both(t *testing.T, name, network, addr, stdin, program string) (ours, python string) {
	t.Helper()
	peertest.Path(t, "python3")
	port := freePort(t, network)
	py := exec.CommandContext(t.Context(), "python3", "-c", "import socket, time, sys\nfrom socket import *\n"+strings.ReplaceAll(program, "PORT", port))
	py.Env = append(os.Environ(), "PYTHONIOENCODING=utf-8")
	var pyOut strings.Builder
	py.Stdout, py.Stderr = &pyOut, &pyOut
	cmd := exec.CommandContext(t.Context(), build(t, name))
	cmd.Env = append(os.Environ(), "ADDR="+strings.ReplaceAll(addr, "PORT", port))
	cmd.Stdin = strings.NewReader(strings.ReplaceAll(stdin, "PORT", port))
	var out strings.Builder
	cmd.Stdout, cmd.Stderr = &out, &out
	server := strings.Contains(program, "bind")
	first, second := cmd, py
	if server {
		first, second = py, cmd
	}
	var ready io.Reader
	if server { // it says on stderr when it is there
		var err error
		py.Stderr = nil
		if ready, err = py.StderrPipe(); err != nil {
			t.Fatal(err)
		}
	}
	if err := first.Start(); err != nil {
		t.Fatal(err)
	}
	if server {
		if _, err := io.ReadFull(ready, make([]byte, 6)); err != nil {
			t.Fatal(err)
		}
	}
	if err := second.Run(); err != nil {
		t.Errorf("%v\nours: %s\npython: %s", err, out.String(), pyOut.String())
	}
	if name == "tcp_server_loop" {
		_ = cmd.Process.Kill() // it serves for ever, as the course's does
		_ = cmd.Wait()
	} else if err := first.Wait(); err != nil {
		t.Errorf("%v\nours: %s\npython: %s", err, out.String(), pyOut.String())
	}
	return out.String(), strings.TrimSpace(pyOut.String())
}

func freePort(t *testing.T, network string) string {
	t.Helper()
	var a net.Addr
	if network == "udp" {
		c, err := net.ListenPacket("udp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		defer c.Close()
		a = c.LocalAddr()
	} else {
		ln, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		defer ln.Close()
		a = ln.Addr()
	}
	_, port, _ := net.SplitHostPort(a.String())
	return port
}

// connect is what Python clients begin with: they try until our server is up.
const connect = `
def connect():
    while True:
        try: return create_connection(("127.0.0.1", PORT))
        except ConnectionRefusedError: time.sleep(0.02)
s = connect()
`

func TestTCPClient(t *testing.T) {
	ours, python := both(t, "tcp_client", "tcp", "", "127.0.0.1\nPORT\n你好\n", `
s = socket(AF_INET, SOCK_STREAM); s.setsockopt(SOL_SOCKET, SO_REUSEADDR, 1); s.bind(("127.0.0.1", PORT)); s.listen(128); print("ready", file=sys.stderr, flush=True)
c, a = s.accept(); print(c.recv(1024).decode("gbk")); c.send("thank you !".encode("gbk")); c.close()`)
	if python != "你好" || !strings.Contains(ours, "接收到的数据为: thank you !\n") {
		t.Errorf("ours: %q, python: %q", ours, python)
	}
}

func TestTCPServer(t *testing.T) {
	ours, python := both(t, "tcp_server", "tcp", "tcp://127.0.0.1:PORT", "", connect+`
s.send("你好".encode("gbk")); print(s.recv(1024).decode("gbk")); s.close()`)
	if python != "thank you !" || ours != "接收到的数据为: 你好\n" {
		t.Errorf("ours: %q, python: %q", ours, python)
	}
}

func TestTCPServerLoop(t *testing.T) {
	_, python := both(t, "tcp_server_loop", "tcp", "tcp://127.0.0.1:PORT", "", connect+`
for i in range(2):
    s.send("你好".encode("gbk")); print(s.recv(1024).decode("gbk"))
s.close()
s = connect(); s.send("第二个".encode("gbk")); print(s.recv(1024).decode("gbk")); s.close()`)
	if want := strings.TrimSpace(strings.Repeat("您好，这里是服务端，收到你的信息\n", 3)); python != want {
		t.Errorf("python: %q", python)
	}
}

func TestUDP(t *testing.T) {
	ours, python := both(t, "udp_send_recv", "udp", "udp://127.0.0.1:PORT", "你好\n", `
s = socket(AF_INET, SOCK_DGRAM); s.bind(("127.0.0.1", PORT)); print("ready", file=sys.stderr, flush=True)
d, a = s.recvfrom(1024); print(d.decode("utf-8")); s.sendto("收到".encode("gbk"), a)`)
	if python != "你好" || !strings.Contains(ours, "收到\n127.0.0.1:") {
		t.Errorf("ours: %q, python: %q", ours, python)
	}
	_, python = both(t, "udp_send", "udp", "udp://127.0.0.1:PORT", "你好\n", `
s = socket(AF_INET, SOCK_DGRAM); s.bind(("127.0.0.1", PORT)); print("ready", file=sys.stderr, flush=True); print(s.recvfrom(1024)[0].decode("utf-8"))`)
	if python != "你好" {
		t.Errorf("python: %q", python)
	}
	ours, _ = both(t, "udp_bind", "udp", "udp://127.0.0.1:PORT", "", `
s = socket(AF_INET, SOCK_DGRAM); s.connect(("127.0.0.1", PORT))
while True: # until somebody is there
    try: s.send("你好".encode("gbk")); time.sleep(0.02); s.send(b"")
    except ConnectionRefusedError: continue
    break`)
	if ours != "你好\n" {
		t.Errorf("ours: %q", ours)
	}
	ours, python = both(t, "udp_chat", "udp", "udp://127.0.0.1:0", "1\n你好\n127.0.0.1\nPORT\n2\n", `
s = socket(AF_INET, SOCK_DGRAM); s.bind(("127.0.0.1", PORT)); print("ready", file=sys.stderr, flush=True)
d, a = s.recvfrom(1024); print(d.decode("utf-8")); s.sendto("收到".encode("utf-8"), a)`)
	if python != "你好" || !strings.Contains(ours, "):收到\n") {
		t.Errorf("ours: %q, python: %q", ours, python)
	}
}
