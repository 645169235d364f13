package endpoint

import (
	"bytes"
	"encoding/hex"
	"errors"
	"io"
	"strings"
	"testing"

	"github.com/gobwas/ws"
)

// unhexed reads hexadecimal digits with spaces between them.
func unhexed(t testing.TB, s string) []byte {
	t.Helper()
	b, err := hex.DecodeString(strings.ReplaceAll(s, " ", ""))
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// RFC 6455, section 5.7: the examples.
func TestWSExamples(t *testing.T) {
	for _, tt := range []struct {
		name, frames string
		server       bool
		op           byte
		want         string
	}{
		{"text", "81 05 48 65 6c 6c 6f", false, wsText, "Hello"},
		{"masked", "81 85 37 fa 21 3d 7f 9f 4d 51 58", true, wsText, "Hello"},
		{"fragments", "01 03 48 65 6c 80 02 6c 6f", false, wsText, "Hello"},
		{"ping", "89 05 48 65 6c 6c 6f", false, wsPing, "Hello"},
		{"masked pong", "8a 85 37 fa 21 3d 7f 9f 4d 51 58", true, wsPong, "Hello"},
		{"256", "82 7e 01 00" + strings.Repeat("61", 256), false, wsBinary, strings.Repeat("a", 256)},
		{"64k", "82 7f 00 00 00 00 00 01 00 00" + strings.Repeat("61", 65536), false, wsBinary, strings.Repeat("a", 65536)},
	} {
		d := wsDecoder{server: tt.server, max: 1 << 20}
		in := unhexed(t, tt.frames)
		n, ev, err := d.next(in)
		got := d.message
		if ev == wsControl {
			got = d.control
		}
		if n != len(in) || err != nil || string(got) != tt.want || d.inside() {
			t.Errorf("%s: %d bytes, %v: %.40q", tt.name, n, err, got)
		}
		if strings.Contains(tt.name, "fragments") {
			continue
		}
		h := wsHeader{fin: true, op: tt.op, masked: tt.server, mask: [4]byte{0x37, 0xfa, 0x21, 0x3d}, length: int64(len(tt.want))}
		out := append(appendWSHeader(nil, h), tt.want...)
		if tt.server {
			maskWS(out[len(out)-len(tt.want):], h.mask, 0)
		}
		if !bytes.Equal(out, in) {
			t.Errorf("%s: made %x", tt.name, out)
		}
	}
}

func TestWSFaults(t *testing.T) {
	for _, tt := range []struct {
		frames string // a server's
		code   int
		want   string
	}{
		{"c1 00", wsProtocol, "a reserved bit is set"},
		{"a1 00", wsProtocol, "a reserved bit is set"},
		{"91 00", wsProtocol, "a reserved bit is set"},
		{"83 00", wsProtocol, "the opcode 0x3 is reserved"},
		{"8b 00", wsProtocol, "the opcode 0xb is reserved"},
		{"8f 00", wsProtocol, "the opcode 0xf is reserved"},
		{"09 00", wsProtocol, "a control frame is fragmented"},
		{"89 7e 00 7e", wsProtocol, "a control frame is longer than 125 bytes"},
		{"82 ff 80 00 00 00 00 00 00 00 00 00 00 00", wsProtocol, "a length has its highest bit set"},
		{"82 7e 00 7d", wsProtocol, "a length is not written as short as it could be"},
		{"82 7f 00 00 00 00 00 00 ff ff", wsProtocol, "a length is not written as short as it could be"},
		{"80 00", wsProtocol, "a continuation continues nothing"},
		{"01 00 81 00", wsProtocol, "a message begins inside another"},
		{"81 80 00 00 00 00", wsProtocol, "a server's frame is masked"},
		{"82 65", wsTooBig, "the peer's message exceeds the limit of 100 bytes"},
		{"82 7f 7f ff ff ff ff ff ff ff", wsTooBig, "the peer's message exceeds the limit of 100 bytes"},
		{"02 40" + strings.Repeat("00", 64) + "80 25", wsTooBig, "the peer's message exceeds the limit of 100 bytes"},
	} {
		d := wsDecoder{max: 100}
		in := unhexed(t, tt.frames)
		_, _, err := d.next(in)
		var f *wsFault
		if !errors.As(err, &f) || f.code != tt.code || !strings.Contains(f.reason, tt.want) {
			t.Errorf("%.40s: %v", tt.frames, err)
		}
	}
	d := wsDecoder{server: true, max: 100}
	if _, _, err := d.next(unhexed(t, "81 01 61")); err == nil || !strings.HasSuffix(err.Error(), "a client's frame is not masked") {
		t.Error(err)
	}
}

func TestWSClosePayload(t *testing.T) {
	for _, tt := range []struct {
		payload, reason, wrong string
		code                   int
	}{
		{"", "", "", wsNoStatus},
		{"\x03\xe8", "", "", 1000},
		{"\x03\xf3oh", "oh", "", 1011},
		{"\x0b\xb8", "", "", 3000},
		{"\x13\x87", "", "", 4999},
		{"\x03", "", "a close code is cut off", 0},
		{"\x03\xe7", "", "999 is not a close code that may be sent", 0},
		{"\x03\xec", "", "1004 is not a close code that may be sent", 0},
		{"\x03\xed", "", "1005 is not a close code that may be sent", 0},
		{"\x03\xee", "", "1006 is not a close code that may be sent", 0},
		{"\x03\xf7", "", "1015 is not a close code that may be sent", 0},
		{"\x0b\xb7", "", "2999 is not a close code that may be sent", 0},
		{"\x13\x88", "", "5000 is not a close code that may be sent", 0},
		{"\x03\xe8\xff", "", "the reason for closing is not UTF-8", 0},
	} {
		code, reason, wrong := parseWSClose([]byte(tt.payload))
		if code != tt.code || reason != tt.reason || wrong != tt.wrong {
			t.Errorf("%q: %d %q %q", tt.payload, code, reason, wrong)
		}
	}
}

// An announced length costs nothing.
func TestWSAnnounced(t *testing.T) {
	d := wsDecoder{max: 1 << 30}
	if _, _, err := d.next(unhexed(t, "82 7f 00 00 00 00 3f ff ff ff 61 62")); err != nil || cap(d.message) > 64 {
		t.Errorf("%d bytes are held: %v", cap(d.message), err)
	}
}

// decodeAll tells everything a decoder makes of in, cut into pieces of size.
func decodeAll(in []byte, server bool, size int) (said []string, err error) {
	d := wsDecoder{server: server, max: 1000}
	for len(in) > 0 {
		piece := in[:min(size, len(in))]
		for len(piece) > 0 {
			n, ev, err := d.next(piece)
			if err != nil {
				return said, err
			}
			piece, in = piece[n:], in[n:]
			switch ev {
			case wsMessage:
				said = append(said, string(d.message))
				d.message = nil
			case wsControl:
				said = append(said, string('a'+rune(d.frame.op))+string(d.control))
			case wsNothing:
				if n == 0 {
					return said, io.ErrNoProgress
				}
			}
		}
	}
	return said, nil
}

// However the bytes are cut they are understood alike, and as another
// implementation does.
func FuzzWSFrames(f *testing.F) {
	f.Add(unhexed(f, "01 03 48 65 6c 89 01 61 80 02 6c 6f 88 02 03 e8"), false)
	f.Add(unhexed(f, "81 85 37 fa 21 3d 7f 9f 4d 51 58 82 fe 00 7e 00 00 00 00"), true)
	f.Add(unhexed(f, "82 7e 01 00"+strings.Repeat("61", 256)), false)
	f.Fuzz(func(t *testing.T, in []byte, server bool) {
		whole, err := decodeAll(in, server, max(len(in), 1))
		for _, size := range []int{1, 3} {
			pieces, err2 := decodeAll(in, server, size)
			if strings.Join(whole, "|") != strings.Join(pieces, "|") || (err == nil) != (err2 == nil) {
				t.Fatalf("%q, %v; in pieces of %d %q, %v", whole, err, size, pieces, err2)
			}
		}
		theirs, ok := decodeWithGobwas(in, server)
		if err == nil && ok && strings.Join(whole, "|") != strings.Join(theirs, "|") {
			t.Fatalf("%q, gobwas/ws %q", whole, theirs)
		}
		if err == nil && !ok {
			t.Fatalf("gobwas/ws refuses it: we have %q", whole)
		}
	})
}

// decodeWithGobwas reads as decodeAll does; ok is false if the frames are wrong.
func decodeWithGobwas(in []byte, server bool) (said []string, ok bool) {
	state, message := ws.StateClientSide, []byte(nil)
	if server {
		state = ws.StateServerSide
	}
	for r := bytes.NewReader(in); ; {
		h, err := ws.ReadHeader(r)
		if err == io.EOF || err == io.ErrUnexpectedEOF {
			return said, true
		}
		if err != nil || ws.CheckHeader(h, state) != nil {
			return said, false
		}
		p := make([]byte, min(h.Length, 1<<20))
		if _, err := io.ReadFull(r, p); err != nil || int64(len(p)) < h.Length {
			return said, true
		}
		if h.Masked {
			ws.Cipher(p, h.Mask, 0)
		}
		if h.OpCode.IsControl() {
			said = append(said, string('a'+rune(h.OpCode))+string(p))
			continue
		}
		message = append(message, p...)
		state = state.Set(ws.StateFragmented)
		if h.Fin {
			said = append(said, string(message))
			message, state = nil, state.Clear(ws.StateFragmented)
		}
	}
}

// However a head is cut it is understood alike, and nothing beyond it is taken.
func FuzzWSHead(f *testing.F) {
	f.Add([]byte("GET / HTTP/1.1\r\nHost: h\r\nUpgrade: a, b\r\n\r\nrest"))
	f.Add([]byte("GET / HTTP/1.1\nHost: h\n\nrest"))
	f.Add([]byte("GET /\n\r\n"))
	f.Fuzz(func(t *testing.T, in []byte) {
		h, rest, err := readWSHead(bytes.NewReader(in), beginsRequest)
		slow, _, err2 := readWSHead(&oneByte{in}, beginsRequest)
		if (err == nil) != (err2 == nil) || h.line != slow.line || len(h.header) != len(slow.header) {
			t.Fatalf("%q, %v; byte by byte %q, %v", h.line, err, slow.line, err2)
		}
		if err != nil {
			return
		}
		end := headEnd(in, 0)
		if got := in[end:min(len(in), end+len(rest))]; !bytes.Equal(got, rest) {
			t.Fatalf("the rest is %q, not %q", rest, got)
		}
		u := upgrader{addr: Addr{Scheme: "ws"}}
		_, _ = u.request(h)
		_, _ = u.choose(h)
	})
}

type oneByte struct{ left []byte }

func (r *oneByte) Read(p []byte) (int, error) {
	if len(r.left) == 0 {
		return 0, io.EOF
	}
	n := copy(p[:min(1, len(p))], r.left)
	r.left = r.left[n:]
	return n, nil
}
