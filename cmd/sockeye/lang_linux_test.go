package main

import (
	"fmt"
	"io"
	"net"
	"strings"
	"testing"
)

// The questions are the course's, in its words.
func TestConnectAsksInChinese(t *testing.T) {
	t.Parallel()
	addr := peer(t, "tcp", func(conn net.Conn) {
		got := make([]byte, 4)
		_, _ = io.ReadFull(conn, got)
		fmt.Fprintf(conn, "thank you for %x !\n", got)
	})
	r := atTerminal(t, chinese(command(t, "connect", "--encoding", "gbk")))
	h, p := hostPort(addr)
	for _, q := range []struct{ question, answer string }{{"请输入服务器ip: ", h}, {"请输入服务器port: ", p}, {"请输入要发送的数据: ", "你好"}} {
		r.hears(q.question)
		r.say(q.answer + "\n")
	}
	if out, _, code := r.wait(); code != 0 || !strings.Contains(out, "thank you for c4e3bac3 !") {
		t.Errorf("shown %q, exit %d", out, code)
	}
}
