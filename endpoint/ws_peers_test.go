package endpoint_test

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	coder "github.com/coder/websocket"
	"github.com/gobwas/ws"
	"github.com/gobwas/ws/wsutil"

	"sockeye.dev/endpoint"
	"sockeye.dev/internal/peertest"
)

// pythonWS speaks WebSocket with nothing but Python's sockets.
const pythonWS = `
import base64, hashlib, os, socket, struct, sys
GUID = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11"
def accept(key): return base64.b64encode(hashlib.sha1(key + GUID).digest())
def exactly(s, n):
    d = b""
    while len(d) < n:
        p = s.recv(n - len(d))
        if not p: raise EOFError
        d += p
    return d
def head(s):
    d = b""
    while not d.endswith(b"\r\n\r\n"): d += exactly(s, 1)
    lines = d.split(b"\r\n")
    return lines[0], dict((k.lower(), v) for k, v in (l.split(b": ", 1) for l in lines[1:] if l))
def put(s, op, d, mask):
    n = len(d)
    m = 0x80 if mask else 0
    h = bytes([op, m | n]) if n < 126 else bytes([op, m | 126]) + struct.pack(">H", n) if n < 65536 else bytes([op, m | 127]) + struct.pack(">Q", n)
    if mask:
        k = os.urandom(4)
        h, d = h + k, bytes(b ^ k[i % 4] for i, b in enumerate(d))
    s.sendall(h + d)
def get(s, masked):
    op, n = exactly(s, 2)
    assert (n & 0x80 != 0) == masked, "masked"
    n &= 0x7f
    if n == 126: n, = struct.unpack(">H", exactly(s, 2))
    elif n == 127: n, = struct.unpack(">Q", exactly(s, 8))
    k = exactly(s, 4) if masked else b"\0\0\0\0"
    return op, bytes(b ^ k[i % 4] for i, b in enumerate(exactly(s, n)))
def expect(got, want):
    assert got == want, (got[0], got[1][:40], len(got[1]))
`

// A Python program connects to us.
func TestWSPeerPythonConnects(t *testing.T) {
	peertest.Path(t, "python3")
	l := listen(t, endpoint.Host{}, "ws://127.0.0.1:0/chat")
	cmd := shell(t, `exec python3 -c "$PROGRAM"`, "PORT="+portOf(l.Addr()), "PROGRAM="+pythonWS+`
s = socket.create_connection(("127.0.0.1", int(os.environ["PORT"])))
key = base64.b64encode(os.urandom(16))
s.sendall(b"GET /chat?x HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: " + key + b"\r\n\r\n")
line, h = head(s)
assert line.startswith(b"HTTP/1.1 101 ") and h[b"sec-websocket-accept"] == accept(key), (line, h)
put(s, 0x01, b"\xe4\xbd", True)
put(s, 0x89, b"are you there?", True)
put(s, 0x80, b"\xa0\xe5\xa5\xbd", True)
expect(get(s, False), (0x8a, b"are you there?"))
put(s, 0x82, b"x" * 70000, True)
put(s, 0x88, struct.pack(">H", 1000), True)
expect(get(s, False), (0x82, b"\xff" * 70000))
expect(get(s, False), (0x81, b"late reply"))
expect(get(s, False), (0x88, struct.pack(">H", 1000)))
assert s.recv(1) == b""
`)
	var out bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &out
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	c := acceptStream(t, l).(endpoint.WSConn)
	receive(t, c, "你好")
	receive(t, c, strings.Repeat("x", 70000))
	if _, err := c.ReadMessage(nil); err != io.EOF {
		t.Error(err)
	}
	send(t, c, strings.Repeat("\xff", 70000))
	send(t, c, "late reply")
	c.Close()
	if err := cmd.Wait(); err != nil {
		t.Errorf("%v: %s", err, out.String())
	}
}

// We connect to a Python program.
func TestWSPeerPythonListens(t *testing.T) {
	peertest.Path(t, "python3")
	port := freePort(t)
	wait := server(t, `exec python3 -u -c "$PROGRAM"`, "listening", "PORT="+port, "PROGRAM="+pythonWS+`
l = socket.create_server(("127.0.0.1", int(os.environ["PORT"])))
print("listening")
s = l.accept()[0]
line, h = head(s)
assert line == b"GET /chat?room=1 HTTP/1.1", line
s.sendall(b"HTTP/1.1 101 Switching Protocols\r\nupgrade: websocket\r\nconnection: upgrade\r\nsec-websocket-accept: " + accept(h[b"sec-websocket-key"]) + b"\r\n\r\n")
d = b""
while True:
    op, p = get(s, True)
    if op == 0x88: break
    assert op == 0x82, op
    d += p
put(s, 0x89, b"", False)
put(s, 0x01, "晚".encode()[:2], False)
put(s, 0x80, "晚".encode()[2:] + d, False)
put(s, 0x81, d[:4], False)
put(s, 0x88, p, False)
s.close()
`)
	c := dial(t, endpoint.Host{}, "ws://127.0.0.1:"+port+"/chat%3Froom=1?type=binary").(endpoint.WSConn)
	send(t, c, "one ")
	send(t, c, strings.Repeat("二", 30000))
	c.CloseWrite()
	receive(t, c, "晚one "+strings.Repeat("二", 30000))
	receive(t, c, "one ")
	if _, err := c.ReadMessage(nil); err != io.EOF {
		t.Error(err)
	}
	c.Close()
	wait()
}

// A browser's page or a health check learns what this is.
func TestWSPeerCurl(t *testing.T) {
	peertest.Path(t, "curl")
	for _, scheme := range []string{"ws", "wss"} {
		l := listen(t, endpoint.Host{}, scheme+"://127.0.0.1:0")
		cmd := shell(t, `curl -sSk --noproxy '*' -w '%{http_code}' $URL`, "URL="+strings.Replace(scheme, "ws", "http", 1)+"://127.0.0.1:"+portOf(l.Addr())+"/")
		out, err := cmd.CombinedOutput()
		if want := "This is a WebSocket server: connect with a WebSocket client (" + scheme + "://).\n426"; err != nil || string(out) != want {
			t.Errorf("%v: %q", err, out)
		}
		if _, err := acceptStream(t, l).Read(make([]byte, 1)); err == nil {
			t.Error("it was taken for a conversation")
		}
	}
}

// coder/websocket and we understand each other.
func TestWSPeerCoder(t *testing.T) {
	l := listen(t, endpoint.Host{}, "ws://127.0.0.1:0?protocol=b")
	wait := inBackground(t, func() {
		c, _, err := coder.Dial(t.Context(), "ws://"+l.Addr().String()+"/x?y", &coder.DialOptions{Subprotocols: []string{"a", "b"}, CompressionMode: coder.CompressionContextTakeover})
		if err != nil {
			t.Error(err)
			return
		}
		echoCoder(t, c)
	})
	s := acceptStream(t, l).(endpoint.WSConn)
	if s.RequestURI() != "/x?y" || s.Subprotocol() != "b" {
		t.Errorf("%q, %q", s.RequestURI(), s.Subprotocol())
	}
	echoes(t, s)
	wait()

	web := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if c, err := coder.Accept(w, r, nil); err == nil {
			echoCoder(t, c)
		}
	}))
	defer web.Close()
	for _, origin := range []string{"", "?origin=" + web.URL} {
		echoes(t, dial(t, endpoint.Host{}, strings.Replace(web.URL, "http", "ws", 1)+origin).(endpoint.WSConn))
	}
	_, err := endpoint.Host{}.Dial(t.Context(), parse(t, strings.Replace(web.URL, "http", "ws", 1)+"?origin=http://evil.example"))
	if err == nil || !strings.Contains(err.Error(), "the server refuses us: 403 Forbidden: ") {
		t.Error(err)
	}
}

// echoCoder sends back what comes, until the peer closes.
func echoCoder(t *testing.T, c *coder.Conn) {
	defer c.CloseNow()
	c.SetReadLimit(1 << 20)
	for {
		kind, p, err := c.Read(context.Background())
		if err != nil {
			if coder.CloseStatus(err) != coder.StatusNormalClosure {
				t.Error(err)
			}
			return
		}
		if err := c.Write(context.Background(), kind, p); err != nil {
			t.Error(err)
			return
		}
	}
}

// echoes talks to one that sends everything back, and ends.
func echoes(t *testing.T, c endpoint.WSConn) {
	t.Helper()
	for _, m := range []string{"hello", "", "\xff\xfe", strings.Repeat("你", 40000)} {
		send(t, c, m)
		receive(t, c, m)
	}
	c.CloseWrite()
	if _, err := c.ReadMessage(nil); err != io.EOF {
		t.Error(err)
	}
	if err := c.Close(); err != nil {
		t.Error(err)
	}
}

// gobwas/ws and we understand each other.
func TestWSPeerGobwas(t *testing.T) {
	l := listen(t, endpoint.Host{}, "ws://127.0.0.1:0")
	wait := inBackground(t, func() {
		conn, begun, _, err := ws.Dial(t.Context(), "ws://"+l.Addr().String())
		if err != nil {
			t.Error(err)
			return
		}
		defer conn.Close()
		in := io.Reader(conn)
		if begun != nil { // it came with the handshake's answer
			in = begun
		}
		echoGobwas(t, in, conn, ws.StateClientSide)
	})
	echoes(t, acceptStream(t, l).(endpoint.WSConn))
	wait()

	a := plainServer(t, func(conn net.Conn) {
		if _, err := ws.Upgrade(conn); err != nil {
			t.Error(err)
			return
		}
		echoGobwas(t, conn, conn, ws.StateServerSide)
	})
	echoes(t, dial(t, endpoint.Host{}, fmt.Sprintf("ws://127.0.0.1:%d", a.Port)).(endpoint.WSConn))
}

// echoGobwas sends back what comes, until the peer closes.
func echoGobwas(t *testing.T, in io.Reader, out io.Writer, side ws.State) {
	conn := struct {
		io.Reader
		io.Writer
	}{in, out}
	for {
		p, op, err := wsutil.ReadData(conn, side)
		if err != nil {
			if closed, ok := err.(wsutil.ClosedError); !ok || closed.Code != ws.StatusNormalClosure {
				t.Error(err)
			}
			return
		}
		if err := wsutil.WriteMessage(conn, side, op, p); err != nil {
			t.Error(err)
			return
		}
	}
}
