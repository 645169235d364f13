package handler_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"sockeye.dev/charset"
	"sockeye.dev/endpoint"
	"sockeye.dev/frame"
	"sockeye.dev/handler"
	"sockeye.dev/session"
)

// converse is a conversation over a network of its own, and its other end.
func converse(t *testing.T, scheme string, config session.Config) (*session.Session, net.Conn) {
	t.Helper()
	var network endpoint.Mem
	at := endpoint.Addr{Scheme: scheme, Host: "127.0.0.1", Port: 7788}
	ln, err := network.Listen(t.Context(), at)
	if err != nil {
		t.Fatal(err)
	}
	conn, err := network.Dial(t.Context(), at)
	if err != nil {
		t.Fatal(err)
	}
	if scheme == "udp" { // there is nobody to accept before it speaks
		_, _ = conn.Write(nil)
	}
	theirs, err := ln.Accept()
	if err != nil {
		t.Fatal(err)
	}
	s := session.New(theirs, &config)
	if scheme == "udp" {
		if _, err := s.Recv(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	t.Cleanup(func() { _ = conn.Close(); _ = s.Close(); _ = ln.Close() })
	return s, conn
}

// gbk is the encoding of that name.
func gbk(t *testing.T) *charset.Encoding {
	t.Helper()
	e, err := charset.Lookup("gbk")
	if err != nil {
		t.Fatal(err)
	}
	return e
}

// printed lets p print what says brings, one message for each, if the framing
// makes it so.
func printed(t *testing.T, p *handler.Printer, s *session.Session, conn net.Conn, says ...string) error {
	t.Helper()
	for _, say := range says {
		if _, err := io.WriteString(conn, say); err != nil {
			t.Fatal(err)
		}
		m, err := s.Recv(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		if err := p.Print(s, m); err != nil {
			return err
		}
	}
	return nil
}

func TestPrinterStyles(t *testing.T) {
	type styles struct{ raw, text, safe, hex string }
	for _, test := range []struct {
		name    string
		framing frame.Framer
		says    []string
		want    styles
	}{
		{"pieces", nil, []string{"a\n", "\xc4", "\xe3"}, styles{"a\n\xc4\xe3", "a\n你", "a\n你", "61 0a\nc4\ne3\n"}},
		{"lines", frame.Line{}, []string{"\xc4\xe3\r\n", "\n"}, styles{"\xc4\xe3\n\n", "你\n\n", "你\n\n", "c4 e3\n\n"}},
		{"a delimiter", frame.Delim{Text: "|"}, []string{"a|", "b\n|"}, styles{"a\nb\n\n", "a\nb\n", "a\nb\n", "61\n62 0a\n"}},
		{"control", frame.Line{}, []string{"\x1b[2J\b\x00\n"}, styles{"\x1b[2J\b\x00\n", "\x1b[2J\b\x00\n", `\x1b[2J\x08\x00` + "\n", "1b 5b 32 4a 08 00\n"}},
		{"no text", frame.Line{}, []string{"\xff\n"}, styles{"\xff\n", "\ufffd\n", "\ufffd\n", "ff\n"}},
	} {
		for style, want := range map[handler.Style]string{handler.Raw: test.want.raw, handler.Text: test.want.text, handler.Safe: test.want.safe, handler.Hex: test.want.hex} {
			synctest.Test(t, func(t *testing.T) {
				var out bytes.Buffer
				s, conn := converse(t, "tcp", session.Config{Format: session.Format{Encoding: gbk(t), Decode: charset.Replace, Framing: test.framing}})
				if err := printed(t, &handler.Printer{W: &out, Style: style}, s, conn, test.says...); err != nil {
					t.Fatal(err)
				}
				if out.String() != want {
					t.Errorf("%s, style %d: %q, want %q", test.name, style, out.String(), want)
				}
			})
		}
	}
}

// Bytes that came without a delimiter get none.
func TestPrinterBare(t *testing.T) {
	for style, want := range map[handler.Style]string{handler.Raw: "onetwo", handler.Text: "one\ntwo\n", handler.Hex: "6f 6e 65\n74 77 6f\n"} {
		synctest.Test(t, func(t *testing.T) {
			var out bytes.Buffer
			s, conn := converse(t, "udp", session.Config{})
			if err := printed(t, &handler.Printer{W: &out, Style: style}, s, conn, "one", "two"); err != nil {
				t.Fatal(err)
			}
			if out.String() != want {
				t.Errorf("style %d: %q, want %q", style, out.String(), want)
			}
		})
	}
}

// Several conversations that do not end their lines each begin one.
func TestPrinterLabels(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var out bytes.Buffer
		a, connA := converse(t, "tcp", session.Config{})
		b, connB := converse(t, "tcp", session.Config{})
		p := &handler.Printer{W: &out, Style: handler.Safe, Label: func(s *session.Session) string {
			return map[*session.Session]string{a: "[a] ", b: "[b] "}[s]
		}}
		for _, test := range []struct {
			s    *session.Session
			conn net.Conn
			say  string
		}{{a, connA, "one "}, {a, connA, "line\ntwo"}, {b, connB, "three\n"}, {a, connA, "four"}, {b, connB, "five"}, {b, connB, "\n"}, {a, connA, "six\n"}} {
			if err := printed(t, p, test.s, test.conn, test.say); err != nil {
				t.Fatal(err)
			}
		}
		const want = "[a] one line\ntwo\n[b] three\n[a] four\n[b] five\n[a] six\n"
		if out.String() != want {
			t.Errorf("%q, want %q", out.String(), want)
		}
	})
}

// JSON has the text where there is text, and the bytes where text is not
// enough, and nothing in it that a terminal obeys.
func TestPrinterJSON(t *testing.T) {
	for _, test := range []struct {
		encoding     *charset.Encoding
		say          string
		text, base64 any
	}{
		{charset.UTF8, "你好", "你好", nil},
		{charset.UTF8, "", "", nil},
		{gbk(t), "\xc4\xe3", "你", "xOM="},
		{charset.UTF8, "a\xff", "a\ufffd", "Yf8="},
		{charset.UTF8, "\x1b\x7f\u009b\u202e\u2028\U000e0041é😀", "\x1b\x7f\u009b\u202e\u2028\U000e0041é😀", nil},
	} {
		synctest.Test(t, func(t *testing.T) {
			var out bytes.Buffer
			s, conn := converse(t, "tcp", session.Config{Format: session.Format{Encoding: test.encoding, Decode: charset.Replace, Framing: frame.Line{}}})
			if err := printed(t, &handler.Printer{W: &out, Style: handler.JSON}, s, conn, test.say+"\n"); err != nil {
				t.Fatal(err)
			}
			var o map[string]any
			if err := json.Unmarshal(out.Bytes(), &o); err != nil {
				t.Fatal(err)
			}
			for key, want := range map[string]any{"text": test.text, "base64": test.base64, "size": float64(len(test.say)),
				"conv": float64(s.ID()), "from": conn.LocalAddr().String(), "time": time.Now().Format(time.RFC3339Nano)} {
				if o[key] != want {
					t.Errorf("%q: %s is %v, want %v", test.say, key, o[key], want)
				}
			}
			if strings.ContainsAny(out.String(), "\x1b\x7f\u009b\u202e\u2028\U000e0041") || strings.Count(out.String(), "\n") != 1 {
				t.Errorf("%q", out.String())
			}
		})
	}
}

// Under a strict policy what is text is printed, and the rest is an error.
func TestPrinterStrict(t *testing.T) {
	for _, style := range []handler.Style{handler.Text, handler.Safe, handler.JSON} {
		synctest.Test(t, func(t *testing.T) {
			var out bytes.Buffer
			s, conn := converse(t, "tcp", session.Config{Format: session.Format{Framing: frame.Line{}}})
			err := printed(t, &handler.Printer{W: &out, Style: style}, s, conn, "ok\xff\n")
			var bad *charset.DecodeError
			if !errors.As(err, &bad) || !strings.Contains(out.String(), "ok") && style != handler.JSON {
				t.Errorf("style %d: %q, %v", style, out.String(), err)
			}
		})
	}
}

// Bytes that are no text are told of once.
func TestPrinterUndecodable(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		told := 0
		s, conn := converse(t, "tcp", session.Config{Format: session.Format{Decode: charset.Replace, Framing: frame.Line{}}})
		p := &handler.Printer{W: io.Discard, Style: handler.Text, Undecodable: func(*session.Session) { told++ }}
		for i, say := range []string{"ok\n", "\xff\n", "\xff\n"} {
			if err := printed(t, p, s, conn, say); err != nil {
				t.Fatal(err)
			}
			if told != min(i, 1) {
				t.Errorf("told %d times after %q", told, say)
			}
		}
	})
}

type brokenWriter struct{}

func (brokenWriter) Write([]byte) (int, error) { return 0, os.ErrClosed }

func TestPrinterFails(t *testing.T) {
	for _, style := range []handler.Style{handler.Raw, handler.Text, handler.Safe, handler.Hex, handler.JSON} {
		synctest.Test(t, func(t *testing.T) {
			s, conn := converse(t, "tcp", session.Config{})
			if err := printed(t, &handler.Printer{W: brokenWriter{}, Style: style}, s, conn, "x"); !errors.Is(err, os.ErrClosed) {
				t.Errorf("style %d: %v", style, err)
			}
		})
	}
}

func ExampleParseHex() {
	p, err := handler.ParseHex("01 03:00,00-0x0a \\xff")
	fmt.Printf("%x %v\n", p, err)
	_, err = handler.ParseHex("123")
	fmt.Println(err)
	// Output:
	// 010300000aff <nil>
	// read "123" as hex: half a byte is left over
}
