package main

import (
	"fmt"
	"io"
	"net"
	"strings"
	"testing"
	"time"

	"sockeye.dev/charset"
)

// moment is longer than the pause that ends a message under quiet:50ms.
const moment = 60 * time.Millisecond

// The characters of every row are cut at every byte, with a moment between the
// halves, and come out whole.
var splits = []struct{ encoding, text string }{
	{"gbk", "你好"},
	{"shift_jis", "日本ソ"}, // ソ ends in a backslash
	{"utf-8", "é你😀"},
	{"utf-16le", "你😀"},
	{"utf-16be", "你😀"},
	{"gb18030", "㐀𠀀"}, // four bytes each
}

var splitFramings = []string{"raw", "line", "quiet:50ms", "line+quiet:50ms"}

// bytesOf is text in an encoding.
func bytesOf(t *testing.T, encoding, text string) string {
	t.Helper()
	e, err := charset.Lookup(encoding)
	if err != nil {
		t.Fatal(err)
	}
	b, err := e.Bytes(text)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

// inHalves writes data in two halves with a moment between them.
func inHalves(conn net.Conn, data string, cut int) {
	_, _ = io.WriteString(conn, data[:cut])
	after(moment, func() { _, _ = io.WriteString(conn, data[cut:]) })
}

// checkSplit compares what was printed with text, so many times. A pause
// between two characters may end a message, so where pauses count newlines do
// not.
func checkSplit(t *testing.T, printed, text, framing string, times int) {
	t.Helper()
	want := strings.Repeat(text, times)
	switch {
	case strings.Contains(framing, "quiet"):
		printed = strings.ReplaceAll(printed, "\n", "")
	case framing == "line":
		want = strings.Repeat(text+"\n", times)
	}
	if printed != want {
		t.Errorf("printed %q, want %q", printed, want)
	}
}

func TestSplitConnect(t *testing.T) {
	t.Parallel()
	for _, test := range splits {
		for _, framing := range splitFramings {
			t.Run(test.encoding+"/"+framing, func(t *testing.T) {
				t.Parallel()
				data, newline := bytesOf(t, test.encoding, test.text), bytesOf(t, test.encoding, "\n")
				addr := peer(t, "tcp", func(conn net.Conn) {
					for cut := 1; cut < len(data); cut++ {
						inHalves(conn, data, cut)
						if framing == "line" {
							_, _ = io.WriteString(conn, newline)
						}
					}
				})
				out, errs, code := result(t, command(t, "connect", addr, "--encoding", test.encoding, "--frame", framing))
				checkSplit(t, out, test.text, framing, len(data)-1)
				if code != 0 || errs != "" {
					t.Errorf("exit %d, %q", code, errs)
				}
			})
		}
	}
}

// An automatic encoding knows nothing yet when the first half comes.
func TestSplitAuto(t *testing.T) {
	t.Parallel()
	const text = "你好"
	for _, framing := range splitFramings {
		for cut := 1; cut < 4; cut++ {
			t.Run(fmt.Sprint(framing, cut), func(t *testing.T) {
				t.Parallel()
				data := bytesOf(t, "gbk", text)
				if framing == "line" {
					data += "\n"
				}
				addr := peer(t, "tcp", func(conn net.Conn) { inHalves(conn, data, cut) })
				out, errs, code := result(t, command(t, "connect", addr, "--encoding", "auto", "--legacy", "gbk", "--frame", framing))
				checkSplit(t, out, text, framing, 1)
				if code != 0 {
					t.Errorf("exit %d, %q", code, errs)
				}
			})
		}
	}
}

func TestSplitListen(t *testing.T) {
	t.Parallel()
	for _, test := range splits {
		for _, framing := range splitFramings {
			t.Run(test.encoding+"/"+framing, func(t *testing.T) {
				t.Parallel()
				data, newline := bytesOf(t, test.encoding, test.text), bytesOf(t, test.encoding, "\n")
				r := begin(t, command(t, "listen", "127.0.0.1:0", "--encoding", test.encoding, "--frame", framing))
				addr := r.address()
				for cut := 1; cut < len(data); cut++ { // each in a conversation of its own
					conn := dialTest(t, addr)
					inHalves(conn, data, cut)
					if framing == "line" {
						_, _ = io.WriteString(conn, newline)
					}
					finish(t, conn)
				}
				checkSplit(t, r.stop(), test.text, framing, len(data)-1)
			})
		}
	}
}

// finish ends our side and waits for the peer to do so, and returns what still
// came.
func finish(t *testing.T, conn net.Conn) string {
	t.Helper()
	if err := conn.(interface{ CloseWrite() error }).CloseWrite(); err != nil {
		t.Fatal(err)
	}
	rest, err := io.ReadAll(conn)
	if err != nil {
		t.Fatal(err)
	}
	return string(rest)
}

// GBK 目录 happens to be valid UTF-8, so what it is shows with the next text.
func TestAutoRevisesItsVerdict(t *testing.T) {
	t.Parallel()
	for _, framing := range []string{"raw", "line", "line+quiet:50ms"} {
		t.Run(framing, func(t *testing.T) {
			t.Parallel()
			addr := peer(t, "tcp", func(conn net.Conn) {
				for _, text := range []string{"目录\n", "你好\n", "目录\n"} {
					after(moment, func() { _, _ = io.WriteString(conn, bytesOf(t, "gbk", text)) })
				}
			})
			out, errs, code := result(t, command(t, "connect", addr, "--encoding", "auto", "--legacy", "gb18030", "--frame", framing))
			_, rest, _ := strings.Cut(out, "\n")
			if rest != "你好\n目录\n" || code != 0 {
				t.Errorf("printed %q, exit %d, %s", out, code, errs)
			}
		})
	}
}
