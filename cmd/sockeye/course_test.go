package main

import (
	"os/exec"
	"strings"
	"testing"

	"sockeye.dev/internal/peertest"
)

// The socket course's programs, as peers that do on the wire exactly what they
// do: their encodings, no newline after a message, one recv(1024), then close.
const (
	pyTCPClient = `
import sys
from socket import *
s = socket(AF_INET, SOCK_STREAM)
s.connect((sys.argv[1], int(sys.argv[2])))
s.send("你好".encode("gbk"))
print(s.recv(1024).decode("gbk"))
s.close()`
	pyUDPSendRecv = `
import sys
from socket import *
s = socket(AF_INET, SOCK_DGRAM)
s.sendto("你好".encode("utf-8"), (sys.argv[1], int(sys.argv[2])))
s.settimeout(10)
print(s.recvfrom(1024)[0].decode("gbk"))
s.close()`
	pyTCPServer = `
from socket import *
s = socket(AF_INET, SOCK_STREAM)
s.bind(("127.0.0.1", 0))
s.listen(128)
print(s.getsockname()[1], flush=True)
c, a = s.accept()
print(c.recv(1024).decode("gbk"), flush=True)
c.send("thank you !".encode("gbk"))
c.close()`
	pyUDPBind = `
from socket import *
s = socket(AF_INET, SOCK_DGRAM)
s.bind(("127.0.0.1", 0))
print(s.getsockname()[1], flush=True)
data, a = s.recvfrom(1024)
print(data.decode("gbk"), flush=True)
s.sendto("收到".encode("gbk"), a)`
)

// python runs a program and returns what it prints.
func python(t *testing.T, program string, args ...string) string {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), peertest.Path(t, "python3"), append([]string{"-c", program}, args...)...)
	cmd.Env = append(cmd.Environ(), "PYTHONIOENCODING=utf-8")
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("python: %v\n%s", err, out)
	}
	return strings.TrimSpace(string(out))
}

// pythonServer starts a program that prints its port first.
func pythonServer(t *testing.T, program string) (port string, rest func() string) {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), peertest.Path(t, "python3"), "-c", program)
	cmd.Env = append(cmd.Environ(), "PYTHONIOENCODING=utf-8")
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	var line []byte
	for b := make([]byte, 1); ; {
		if _, err := out.Read(b); err != nil {
			t.Fatal(err)
		}
		if b[0] == '\n' {
			break
		}
		line = append(line, b[0])
	}
	return string(line), func() string {
		var all strings.Builder
		buf := make([]byte, 1024)
		for {
			n, err := out.Read(buf)
			all.Write(buf[:n])
			if err != nil {
				break
			}
		}
		_ = cmd.Wait()
		return strings.TrimSpace(all.String())
	}
}

func hostPort(addr string) (host, port string) {
	_, at, _ := strings.Cut(addr, "://")
	host, port, _ = strings.Cut(at, ":")
	return host, port
}

func TestCourseTCPServer(t *testing.T) { // sections 3.3 and 3.4, answering the client of 3.2
	addr := host(t, 1, "listen", "tcp://127.0.0.1:0", "--reply", "您好，这里是服务端", "--legacy", "gbk")[0]
	h, p := hostPort(addr)
	for range 3 {
		if got := python(t, pyTCPClient, h, p); got != "您好，这里是服务端" {
			t.Errorf("the client printed %q", got)
		}
	}
}

func TestCourseUDPServer(t *testing.T) { // 2.1.2 sends utf-8 and decodes gbk
	addr := host(t, 1, "listen", "udp://127.0.0.1:0", "--reply", "收到", "--send-encoding", "gbk")[0]
	h, p := hostPort(addr)
	if got := python(t, pyUDPSendRecv, h, p); got != "收到" {
		t.Errorf("the client printed %q", got)
	}
}

func TestCourseTCPClient(t *testing.T) { // section 3.2, against the server of 3.3
	port, rest := pythonServer(t, pyTCPServer)
	out, errs, code := result(t, command(t, "send", "127.0.0.1:"+port, "你好", "--encoding", "gbk"))
	if out != "thank you !" || code != 0 {
		t.Errorf("%q, exit %d, %s", out, code, errs)
	}
	if got := rest(); got != "你好" {
		t.Errorf("the server printed %q", got)
	}
}

func TestCourseUDPBind(t *testing.T) { // sections 2.1 and 2.3
	port, rest := pythonServer(t, pyUDPBind)
	out, errs, code := result(t, command(t, "send", "udp://127.0.0.1:"+port, "你好", "--encoding", "gbk"))
	if out != "收到\n" || code != 0 {
		t.Errorf("%q, exit %d, %s", out, code, errs)
	}
	if got := rest(); got != "你好" {
		t.Errorf("the server printed %q", got)
	}
}

// Section 2.4: the menu, both ways with a UDP peer.
func TestCourseMenu(t *testing.T) {
	port, rest := pythonServer(t, pyUDPBind)
	cmd := command(t, "chat", "--menu", "--bind", "127.0.0.1:0", "--encoding", "gbk")
	cmd.Stdin = strings.NewReader("1\n你好\n127.0.0.1\n" + port + "\n2\n9\n")
	out, errs, code := result(t, cmd)
	if code != 0 {
		t.Fatalf("exit %d: %s", code, errs)
	}
	for _, want := range []string{"1:发送消息\n2:接收消息", "请输入对方的ip地址:", ">>>('127.0.0.1', " + port + "):收到", "输入有误，请重新输入..."} {
		if !strings.Contains(out, want) {
			t.Errorf("the dialogue lacks %q:\n%s", want, out)
		}
	}
	if got := rest(); got != "你好" {
		t.Errorf("the peer printed %q", got)
	}
}

// Section 2.2.
func TestCourseText(t *testing.T) {
	for _, test := range []struct {
		args []string
		out  string
		code int
	}{
		{[]string{"text", "encode", "gbk", "--hex", "你好"}, "c4e3bac3\n", 0},
		{[]string{"text", "decode", "gbk", "--hex", "c4 e3 ba c3"}, "你好\n", 0},
		{[]string{"text", "encode", "ascii", "--errors", "xmlcharrefreplace", "é"}, "&#233;", 0},
		{[]string{"text", "encode", "ascii", "é"}, "", 4},
		{[]string{"text", "decode", "nonsense", "x"}, "", 2},
	} {
		if out, errs, code := result(t, command(t, test.args...)); out != test.out || code != test.code {
			t.Errorf("%q: %q, exit %d, %s", test.args, out, code, errs)
		}
	}
}

// The room: everybody in their own encoding.
func TestRoomMixesEncodings(t *testing.T) {
	addrs := host(t, 2, "serve", "--listen", "tcp://127.0.0.1:0?encoding=gbk", "--listen", "tcp://127.0.0.1:0")
	h, p := hostPort(addrs[0])
	_, q := hostPort(addrs[1])
	got := python(t, `
import sys, socket
g = socket.create_connection((sys.argv[1], int(sys.argv[2])), 10)
u = socket.create_connection((sys.argv[1], int(sys.argv[3])), 10)
def until(s, text, enc):
    got = b""
    while text.encode(enc) not in got:
        more = s.recv(1024)
        if not more: sys.exit("closed: %r" % got)
        got += more
until(u, "welcome", "utf-8")
g.sendall("你好\n".encode("gbk"))
until(u, "> 你好\n", "utf-8")
u.sendall("世界".encode("utf-8")) # no newline
until(g, "> 世界\n", "gbk")
print("ok")`, h, p, q)
	if got != "ok" {
		t.Error(got)
	}
}
