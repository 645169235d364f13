package observe_test

import (
	"errors"
	"fmt"
	"net"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"sockeye.dev/charset"
	"sockeye.dev/observe"
)

func TestTranscript(t *testing.T) {
	events := []observe.Event{
		after(0, observe.Event{Kind: observe.Open, Link: 2}),
		data(12, observe.In, 0, "hello\nworld\n"),
		data(13, observe.Out, 0, "!"),
		data(14, observe.In, 12, "\xe4\xbd"),
		data(15, observe.Out, 1, "a\n\nb"),
		data(16, observe.In, 14, "\xa0 \xe5"),
		after(17, observe.Event{Kind: observe.EOF, Dir: observe.In}),
		after(18, observe.Event{Kind: observe.EOF, Dir: observe.Out}),
		after(19, observe.Event{Kind: observe.Error, Err: errors.New("read: reset\x1b[2J")}),
		after(20, observe.Event{Kind: observe.Note, Text: "remember\nthis"}),
		after(1020, observe.Event{Kind: observe.Close, Text: "idle"}),
		{Kind: observe.Lost, N: 3, Text: "the writer was too slow", Time: start},
	}
	for i := range events {
		events[i].Text = strings.ReplaceAll(events[i].Text, "\n", " ")
	}
	got := format(&observe.Transcript{}, events...)
	want := `2026-03-01T12:00:00.000Z #1 open tcp 127.0.0.1:7788 <> 127.0.0.1:50123, linked to #2
2026-03-01T12:00:00.012Z #1 < 12 bytes
  hello
  world
2026-03-01T12:00:00.013Z #1 > 1 byte
  !
2026-03-01T12:00:00.014Z #1 < 2 bytes
2026-03-01T12:00:00.015Z #1 > 4 bytes
  a
  
  b
2026-03-01T12:00:00.016Z #1 < 3 bytes
  你 
2026-03-01T12:00:00.017Z #1 < eof
  \xe5
2026-03-01T12:00:00.018Z #1 > eof
2026-03-01T12:00:00.019Z #1 error: read: reset` + visible("\x1b") + `[2J
2026-03-01T12:00:00.020Z #1 note: remember this
2026-03-01T12:00:01.020Z #1 close: idle
2026-03-01T12:00:00.000Z lost 3: the writer was too slow
`
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

func visible(s string) string {
	return string(charset.AppendVisible(nil, []byte(s), charset.VisibleOptions{SingleLine: true}))
}

func TestTranscriptInHexAndRelative(t *testing.T) {
	got := format(&observe.Transcript{Hex: true, Relative: true},
		data(0, observe.In, 0, "hello, world\r\n\x00\xff!"),
		data(1500, observe.In, 17, "\xe4"),
		after(1501, observe.Event{Kind: observe.Close}))
	want := `0.000 #1 < 17 bytes
00000000: 6865 6c6c 6f2c 2077 6f72 6c64 0d0a 00ff  hello, world....
00000010: 21                                       !
1.500 #1 < 1 byte
00000011: e4                                       .
1.501 #1 close
`
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

func TestTranscriptDecodesEachDirection(t *testing.T) {
	f := &observe.Transcript{Encoding: charset.Auto(encoding(t, "gbk")), Relative: true}
	got := format(f,
		data(0, observe.In, 0, "\xc4\xe3\xba"), // GBK, cut in a character
		data(0, observe.Out, 0, "好"),           // UTF-8
		data(0, observe.In, 3, "\xc3"),
	)
	want := "0.000 #1 < 3 bytes\n  你\n0.000 #1 > 3 bytes\n  好\n0.000 #1 < 1 byte\n  好\n"
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

func TestTranscriptOfDatagrams(t *testing.T) {
	half := observe.Event{Kind: observe.Data, Conv: 1, Network: "udp", Time: start, Data: []byte("\xe4\xbd")}
	got := format(&observe.Transcript{Relative: true}, half, half)
	want := strings.Repeat("0.000 #1 < 2 bytes\n  \\xe4\\xbd\n", 2)
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

// A peer must not be able to write a line of the transcript, or to a terminal.
func TestTranscriptCannotBeForged(t *testing.T) {
	forged := "x\n2026-03-01T12:00:00.000Z #2 > 5 bytes\r\n\x1b[2J\u0085\u2028fake"
	got := format(&observe.Transcript{},
		data(0, observe.In, 0, forged),
		after(0, observe.Event{Kind: observe.Close, Text: forged, Err: errors.New(forged)}),
		observe.Event{Kind: observe.Open, Time: start, Network: forged, Local: name(forged), Remote: name(forged)})
	for line := range strings.Lines(got) {
		if !strings.HasPrefix(line, "  ") && !strings.HasPrefix(line, "2026-03-01T12:00:00.000Z #1 ") &&
			!strings.HasPrefix(line, "2026-03-01T12:00:00.000Z open ") {
			t.Errorf("the transcript has the line %q", line)
		}
		if strings.ContainsAny(strings.TrimSuffix(line, "\n"), "\r\n\x1b\u0085") {
			t.Errorf("not harmless: %q", line)
		}
	}
}

type name string

func (n name) Network() string { return "unix" }
func (n name) String() string  { return string(n) }

func TestDecodersAreBounded(t *testing.T) {
	f := &observe.Transcript{Relative: true}
	var b []byte
	for conv := range uint64(10_000) {
		b = f.AppendEvent(b[:0], &observe.Event{Kind: observe.Data, Conv: conv, Time: start, Data: []byte("\xe4")})
	}
	b = f.AppendEvent(b[:0], &observe.Event{Kind: observe.Data, Conv: 9999, Time: start, Data: []byte("\xbd\xa0")})
	if want := "0.000 #9999 < 2 bytes\n  你\n"; string(b) != want {
		t.Errorf("got %q, want %q", b, want)
	}
	if n := observe.Decoders(f); n > 4096 {
		t.Errorf("%d decoders", n)
	}
	for conv := range uint64(10_000) {
		b = f.AppendEvent(b[:0], &observe.Event{Kind: observe.Close, Conv: conv, Time: start})
	}
	if n := observe.Decoders(f); n != 0 {
		t.Errorf("%d decoders of closed conversations", n)
	}
}

func TestAddresses(t *testing.T) {
	for _, a := range []net.Addr{
		local, &net.TCPAddr{Port: 80}, &net.TCPAddr{IP: net.ParseIP("fe80::1"), Zone: "eth0", Port: 1},
		&net.UDPAddr{IP: net.ParseIP("::1"), Port: 7890}, &net.UDPAddr{IP: net.IP{10, 0, 0, 1}, Port: 1},
		&net.UnixAddr{Name: "/run/x.sock", Net: "unix"}, name("mem"),
	} {
		got := format(&observe.Transcript{Relative: true}, observe.Event{Kind: observe.Open, Time: start, Local: a})
		if want := fmt.Sprintf("0.000 open %s\n", a); got != want {
			t.Errorf("got %q, want %q", got, want)
		}
	}
}

func TestNamesOfKinds(t *testing.T) {
	var got []string
	for k := observe.Kind(0); k < 9; k++ {
		got = append(got, k.String())
	}
	if s := strings.Join(got, " "); s != "unknown open data eof close error note lost unknown" {
		t.Error(s)
	}
}
