package endpoint_test

import (
	"bufio"
	"cmp"
	"crypto/sha1"
	"encoding/base64"
	"encoding/binary"
	"fmt"
	"io"
	"net"
	"strings"
	"testing"

	"sockeye.dev/endpoint"
)

// A rawWS is the other end of a WebSocket conversation, with frames made by hand.
type rawWS struct {
	net.Conn
	in     *bufio.Reader
	client bool // it masks
	t      testing.TB
}

// wsRequest is a good handshake, with more header lines.
func wsRequest(uri string, more ...string) string {
	return "GET " + uri + " HTTP/1.1\r\nHost: server.example\r\nUpgrade: websocket\r\nConnection: keep-alive, Upgrade\r\n" +
		"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n" + strings.Join(append(more, ""), "\r\n") + "\r\n"
}

// readHead reads an HTTP head.
func readHead(in *bufio.Reader) (lines []string, err error) {
	for {
		line, err := in.ReadString('\n')
		if line = strings.TrimSuffix(line, "\r\n"); err != nil || line == "" {
			return lines, err
		}
		lines = append(lines, line)
	}
}

// rawWSClient connects to l with a hand-made handshake, for conn what is accepted.
func rawWSClient(t testing.TB, n endpoint.Network, l net.Listener, more ...string) (*rawWS, endpoint.WSConn) {
	t.Helper()
	c := &rawWS{Conn: dialAddr(t, n, endpoint.AddrOf("tcp", l.Addr())), client: true, t: t}
	c.in = bufio.NewReader(c.Conn)
	io.WriteString(c, wsRequest("/", more...))
	lines, err := readHead(c.in)
	if err != nil || lines[0] != "HTTP/1.1 101 Switching Protocols" || !strings.Contains(strings.Join(lines, "\n"), "\nSec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=") {
		t.Fatalf("%q, %v", lines, err)
	}
	return c, acceptStream(t, l).(endpoint.WSConn)
}

// rawWSServer is what a is dialed at, for conn what Dial returns.
func rawWSServer(t testing.TB, n endpoint.Network, options string) (*rawWS, endpoint.WSConn) {
	t.Helper()
	a := parse(t, "ws://127.0.0.1:0?"+options)
	rcvbuf, _ := a.Options.Take("rcvbuf") // of a Mem's pipe, which belongs to who listens
	l := listen(t, n, "tcp://127.0.0.1:0?rcvbuf="+cmp.Or(rcvbuf, "64k"))
	served := make(chan *rawWS)
	go func() {
		defer close(served)
		conn, err := l.Accept()
		if err != nil {
			t.Error(err)
			return
		}
		t.Cleanup(func() { conn.Close() })
		s := &rawWS{Conn: conn, in: bufio.NewReader(conn), t: t}
		lines, err := readHead(s.in)
		if err != nil {
			t.Error(err)
		}
		fmt.Fprintf(s, "HTTP/1.1 101 Switching Protocols\r\nUpgrade: WebSocket\r\nConnection: upgrade\r\nSec-WebSocket-Accept: %s\r\n\r\n", wsAccept(lines))
		served <- s
	}()
	a.Port = endpoint.AddrOf("ws", l.Addr()).Port
	c := dialAddr(t, n, a)
	return <-served, c.(endpoint.WSConn)
}

// wsAccept is the answer to the key in a request's head.
func wsAccept(head []string) string {
	for _, line := range head {
		if key, ok := strings.CutPrefix(line, "Sec-WebSocket-Key: "); ok {
			sum := sha1.Sum([]byte(key + "258EAFA5-E914-47DA-95CA-C5AB0DC85B11"))
			return base64.StdEncoding.EncodeToString(sum[:])
		}
	}
	return ""
}

// frame makes a frame; op has the FIN bit too.
func (r *rawWS) frame(op byte, payload string) []byte {
	var mask byte
	if r.client {
		mask = 0x80
	}
	out := []byte{op}
	switch n := len(payload); {
	case n < 126:
		out = append(out, mask|byte(n))
	case n < 1<<16:
		out = binary.BigEndian.AppendUint16(append(out, mask|126), uint16(n))
	default:
		out = binary.BigEndian.AppendUint64(append(out, mask|127), uint64(n))
	}
	if !r.client {
		return append(out, payload...)
	}
	key := []byte{1, 2, 0xfe, 0xff}
	out = append(out, key...)
	for i := range len(payload) {
		out = append(out, payload[i]^key[i%4])
	}
	return out
}

// put sends a frame.
func (r *rawWS) put(op byte, payload string) {
	r.t.Helper()
	if _, err := r.Write(r.frame(op, payload)); err != nil {
		r.t.Error(err)
	}
}

// get reads a frame, which has to be masked if we are the server.
func (r *rawWS) get() (op byte, payload string, err error) {
	head := make([]byte, 2, 14)
	if _, err := io.ReadFull(r.in, head); err != nil {
		return 0, "", err
	}
	size, ext := int(head[1]&0x7f), 0
	switch size {
	case 126:
		ext = 2
	case 127:
		ext = 8
	}
	wide := make([]byte, 8)
	if _, err := io.ReadFull(r.in, wide[8-ext:]); err != nil {
		return 0, "", err
	}
	if ext > 0 {
		size = int(binary.BigEndian.Uint64(wide))
	}
	if masked := head[1]&0x80 != 0; masked == r.client {
		return 0, "", fmt.Errorf("masked: %v", masked)
	}
	var key [4]byte
	if !r.client {
		io.ReadFull(r.in, key[:])
	}
	p := make([]byte, size)
	if _, err := io.ReadFull(r.in, p); err != nil {
		return 0, "", err
	}
	for i := range p {
		p[i] ^= key[i%4]
	}
	return head[0], string(p), nil
}

// want reads a frame that has to be this one.
func (r *rawWS) want(op byte, payload string) {
	r.t.Helper()
	gotOp, got, err := r.get()
	if err != nil || gotOp != op || got != payload {
		r.t.Errorf("got %#x %.60q (%d bytes), %v; want %#x %.60q (%d)", gotOp, got, len(got), err, op, payload, len(payload))
	}
}

// wantEnd reads the connection's end.
func (r *rawWS) wantEnd() {
	r.t.Helper()
	if op, got, err := r.get(); err != io.EOF {
		r.t.Errorf("got %#x %.60q, %v; want the end", op, got, err)
	}
}
