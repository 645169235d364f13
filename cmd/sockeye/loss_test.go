package main

import (
	"bytes"
	"io"
	"net"
	"path/filepath"
	"strings"
	"testing"
)

// A peer that answers while it is spoken to gets everything, and so do we.
func TestSendIsAnsweredMeanwhile(t *testing.T) {
	t.Parallel()
	addr := host(t, 1, "listen", "tcp://127.0.0.1:0", "--echo")[0]
	all := bytes.Repeat([]byte("0123456789abcdef"), 2<<20)
	cmd := command(t, "send", addr)
	cmd.Stdin = bytes.NewReader(all)
	out, errs, code := result(t, cmd)
	if code != 0 || out != string(all) {
		t.Errorf("%d of %d bytes came back, said %q, exit %d", len(out), len(all), errs, code)
	}
}

// Input that cannot be sent ends our side, is told, and loses no answer.
func TestConnectMistake(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		args         []string
		input, heard string
		code         int
	}{
		{[]string{"--hex"}, "6869\nzz\n6a\n", "hi", 1},
		{[]string{"--encoding", "gbk", "--frame", "line"}, "hi\n\U0001F600\nmore\n", "hi\n", 4},
	} {
		addr := peer(t, "tcp", func(conn net.Conn) {
			heard, err := io.ReadAll(conn)
			if err != nil || string(heard) != test.heard {
				t.Errorf("heard %q, %v, want %q", heard, err, test.heard)
			}
			_, _ = io.WriteString(conn, "answer\n")
		})
		cmd := command(t, append([]string{"connect", addr}, test.args...)...)
		cmd.Stdin = strings.NewReader(test.input)
		out, errs, code := result(t, cmd)
		if code != test.code || !strings.Contains(out, "answer") && !strings.Contains(out, "61 6e 73") || !strings.Contains(errs, "not sent, and nothing after it: ") {
			t.Errorf("%q printed %q, said %q, exit %d", test.args, out, errs, code)
		}
	}
}

// Piped output is the bytes, whatever the framing, and whether it is recorded
// or not.
func TestPipedOutputIsTheBytes(t *testing.T) {
	t.Parallel()
	const said = "one\x00two\r\nthree\n\x00four"
	for _, framing := range []string{"nul", "line", "crlf", "len8"} {
		for _, more := range [][]string{nil, {"--record", filepath.Join(t.TempDir(), "r.jsonl")}} {
			addr := peer(t, "tcp", func(conn net.Conn) { _, _ = io.WriteString(conn, said) })
			cmd := command(t, append([]string{"connect", addr, "--frame", framing}, more...)...)
			if out, errs, code := result(t, cmd); out != said || code != 0 {
				t.Errorf("%s, %q: printed %q, said %q, exit %d", framing, more, out, errs, code)
			}
		}
	}
}

// The members of a room are told that it closes.
func TestServeFarewell(t *testing.T) {
	t.Parallel()
	cmd := command(t, "serve", "--listen", "tcp://127.0.0.1:0")
	r := begin(t, cmd)
	conn := dialTest(t, r.addresses(1)[0])
	buf := make([]byte, 1)
	if _, err := conn.Read(buf); err != nil { // we are in
		t.Fatal(err)
	}
	r.interrupt()
	heard, err := io.ReadAll(conn)
	if err != nil || !bytes.Contains(heard, []byte("the room is closing")) {
		t.Errorf("heard %q, %v", heard, err)
	}
	if _, _, code := r.wait(); code != 0 {
		t.Errorf("exit %d", code)
	}
}
