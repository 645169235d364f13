package main

import (
	"fmt"
	"io"
	"path/filepath"
	"strings"
	"testing"
)

// chatting starts two chats that know each other. Each has arguments of its
// own.
func chatting(t *testing.T, args ...[]string) (a, b *running, tupleA, tupleB string) {
	t.Helper()
	var addrs, tuples [2]string
	for i := range addrs {
		port := freePort(t, "udp")
		addrs[i], tuples[i] = "127.0.0.1:"+port, fmt.Sprintf(">>>('127.0.0.1', %s):", port)
	}
	var both [2]*running
	for i := range both {
		all := []string{"chat", "--bind", addrs[i], "--peer", addrs[1-i]}
		both[i] = begin(t, command(t, append(all, args[i]...)...))
		if got := both[i].address(); got != "udp://"+addrs[i] {
			t.Errorf("announced %q", got)
		}
	}
	return both[0], both[1], tuples[0], tuples[1]
}

func TestChat(t *testing.T) {
	t.Parallel()
	recording := filepath.Join(t.TempDir(), "f.jsonl")
	a, b, fromA, fromB := chatting(t, []string{"--encoding", "gbk"}, []string{"--legacy", "gbk", "--record", recording})
	a.say("你好\nagain\n")
	b.hears(fromA + "你好\n" + fromA + "again\n")
	b.say("收到\n") // in GBK, as it was spoken to
	a.hears(fromB + "收到\n")
	_ = a.in.Close()
	if out, errs, code := a.wait(); code != 0 {
		t.Errorf("%q, exit %d, %s", out, code, errs)
	}
	b.stop()
	for _, r := range readRecording(t, recording) {
		if r.in != bytesOf(t, "gbk", "你好again") || r.out != bytesOf(t, "gbk", "收到") {
			t.Errorf("recorded %+v", r)
		}
	}
}

// What is typed and shown is bytes, or objects, if that was asked for.
func TestChatHex(t *testing.T) {
	t.Parallel()
	a, b, fromA, _ := chatting(t, []string{"--hex"}, []string{"--escapes", "--json"})
	_, portA, _ := strings.Cut(strings.TrimSuffix(fromA, "):"), ", ")
	a.say("ff 0a\n")
	b.hears(`"from":"127.0.0.1:` + portA + `","text":"\\xff\n","base64":"/wo=","size":2}`)
	b.say(`\x01\u4f60` + "\n")
	a.hears(" 01 e4 bd a0\n")
	a.stop()
	b.stop()
}

// Whoever falls silent is still there.
func TestChatIdle(t *testing.T) {
	t.Parallel()
	a, b, fromA, fromB := chatting(t, []string{"--idle", "50ms", "-vv"}, nil)
	a.say("one\n")
	b.hears(fromA + "one\n")
	a.sees("#1 close")
	a.say("two\n")
	b.hears(fromA + "two\n")
	b.say("three\n")
	a.hears(fromB + "three\n")
	a.stop()
	b.stop()
}

// A peer without a host, which means this machine, may speak first.
func TestChatPeerSpeaksFirst(t *testing.T) {
	t.Parallel()
	port := freePort(t, "udp")
	r := begin(t, command(t, "chat", "--bind", "127.0.0.1:0", "--menu"))
	conn := dialTest(t, r.address())
	_, own, _ := strings.Cut(conn.LocalAddr().String(), ":")
	if _, err := io.WriteString(conn, "first"); err != nil {
		t.Fatal(err)
	}
	r.say("2\n")
	r.hears(">>>('127.0.0.1', " + own + "):first\n")
	r.say("1\nanswer\n\n" + own + "\n1\nto a stranger\nlocalhost\n" + port + "\n1\nnowhere\n127.0.0.1\nx\n")
	gets(t, conn, "answer")
	r.sees(`"x" is no port`)
	r.stop()
}

func TestChatUsage(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		args, in, errs string
		code           int
	}{
		{"--menu --hex", "", "--hex does not go with it", 2},
		{"--peer 127.0.0.1:x", "", "parse address", 2},
		{"--bind 192.0.2.1:0", "", "sockeye: listen on udp://192.0.2.1:0", 1},
		{"--peer 127.0.0.1:9 --encoding ascii", "é\n", "ascii: cannot encode", 4},
		{"--peer 127.0.0.1:9 --hex", "0g\n", "no hexadecimal digit", 1},
		{"--menu", "1\n", "the input ended inside a message", 1},
		{"", "hello\n", "nobody to send to: name a --peer", 0},
	} {
		t.Run(test.args, func(t *testing.T) {
			t.Parallel()
			args := append([]string{"chat", "--bind", "127.0.0.1:0"}, strings.Fields(test.args)...)
			cmd := command(t, args...)
			cmd.Stdin = strings.NewReader(test.in)
			if _, errs, code := result(t, cmd); code != test.code || !strings.Contains(errs, test.errs) {
				t.Errorf("said %q, exit %d", errs, code)
			}
		})
	}
}
