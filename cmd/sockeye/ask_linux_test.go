package main

import (
	"fmt"
	"io"
	"net"
	"os"
	"strings"
	"testing"
)

// answers types at a terminal what a person answers to the three questions of
// connect without an address.
func answers(t *testing.T, r *running, addr, text string) {
	t.Helper()
	h, p := hostPort(addr)
	for _, q := range []struct{ question, answer string }{{"host: ", h}, {"port: ", p}, {"text: ", text}} {
		r.hears(q.question)
		r.say(q.answer + "\n")
	}
}

// The dialogue of the course's client: what is typed first arrives as it is,
// then the conversation goes on as usual.
func TestConnectAsks(t *testing.T) {
	t.Parallel()
	addr := peer(t, "tcp", func(conn net.Conn) {
		got := make([]byte, 4)
		_, _ = io.ReadFull(conn, got) // and there is no more: the answer would not come
		fmt.Fprintf(conn, "thank you for %x !\n", got)
		all, _ := io.ReadAll(conn)
		fmt.Fprintf(conn, "and for %x.\n", all)
	})
	r := atTerminal(t, command(t, "connect", "--encoding", "gbk"))
	answers(t, r, addr, "你好")
	r.hears("thank you for c4e3bac3 !")
	r.say("多\n")
	r.say(ctrlD)
	if out, _, code := r.wait(); code != 0 || !strings.HasSuffix(out, "and for b6e00a.\r\n") {
		t.Errorf("shown %q, exit %d", out, code)
	}
}

// The server of section 3.3 answers once and closes, whether or not its client
// says more.
func TestConnectAsksForTheCourse(t *testing.T) {
	t.Parallel()
	port, rest := pythonServer(t, pyTCPServer)
	r := atTerminal(t, command(t, "connect", "--encoding", "gbk"))
	answers(t, r, "tcp://127.0.0.1:"+port, "你好")
	if out, _, code := r.wait(); code != 0 || !strings.HasSuffix(out, "thank you !") {
		t.Errorf("shown %q, exit %d", out, code)
	}
	if got := rest(); got != "你好" {
		t.Errorf("the server printed %q", got)
	}
}

// The peer may speak, and go, before the text is typed.
func TestConnectAsksAndIsLeft(t *testing.T) {
	t.Parallel()
	addr := peer(t, "tcp", func(conn net.Conn) { fmt.Fprint(conn, "closed today\n") })
	r := atTerminal(t, command(t, "connect"))
	h, p := hostPort(addr)
	r.hears("host: ")
	r.say(h + "\n" + p + "\n")
	if out, _, code := r.wait(); code != 0 || !strings.Contains(out, "closed today") {
		t.Errorf("shown %q, exit %d", out, code)
	}
}

// Without a terminal there is nobody to ask.
func TestConnectAsksNobody(t *testing.T) {
	t.Parallel()
	_, errs, code := result(t, command(t, "connect"))
	check(t, "", errs, code, "", "connect needs an address", 2)
}

func TestConnectAsksUntilInterrupted(t *testing.T) {
	t.Parallel()
	addr := peer(t, "tcp", func(conn net.Conn) { _, _ = io.Copy(io.Discard, conn) })
	h, p := hostPort(addr)
	for _, typed := range [][]string{{"host: ", ctrlC}, {"host: ", h + "\n", "port: ", ctrlC}, {"host: ", h + "\n", "port: ", p + "\n", "text: ", ctrlC}} {
		r := atTerminal(t, command(t, "connect"))
		for i := 0; i < len(typed); i += 2 {
			r.hears(typed[i])
			r.say(typed[i+1])
		}
		if out, _, code := r.wait(); code != 0 {
			t.Errorf("%q: shown %q, exit %d", typed, out, code)
		}
	}
	r := atTerminal(t, command(t, "connect"))
	r.hears("host: ")
	r.say(ctrlD)
	if out, _, code := r.wait(); code != 1 || !strings.Contains(out, "read the host: EOF") {
		t.Errorf("shown %q, exit %d", out, code)
	}
}

// A person who hosts speaks to all or to one, may err, and is told.
func TestListenTyped(t *testing.T) {
	t.Parallel()
	r := atTerminal(t, command(t, "listen", "127.0.0.1:0", "--encoding", "gbk"))
	addr := r.address()
	first := joins(t, r, addr, "first\r\n")
	r.hears("[1] first\r\n")
	second := dialTest(t, addr)
	_, _ = io.WriteString(second, bytesOf(t, "gbk", "二"))
	r.hears("[2] 二")
	_, _ = io.WriteString(first, "third\n")
	r.hears("[2] 二\r\n[1] third\r\n") // each on a line of its own
	r.say("/to 2 你\n/to 3 nobody\nall 😀\nall\n")
	gets(t, second, bytesOf(t, "gbk", "你\nall\n"))
	gets(t, first, "all\n")
	r.hears("there is no conversation 3; here: 1 (")
	r.hears("gbk: cannot encode")
	finish(t, first)
	finish(t, second)
	r.say("hello?\n")
	r.hears("nobody is here: not sent")
	r.say(ctrlC)
	if out, _, code := r.wait(); code != 0 {
		t.Errorf("shown %q, exit %d", out, code)
	}
}

// One Ctrl-C is a good end of every command.
func TestInterruptTyped(t *testing.T) {
	t.Parallel()
	echo := host(t, 1, "listen", "127.0.0.1:0", "--echo")[0]
	const menu = "请输入要操作的功能序号:"
	for _, test := range []struct {
		args  string
		waits []string // for this to be shown, then types that, then waits
	}{
		{"connect " + echo + " -v", []string{"connected", "hi\n", "hi\r\nhi\r\n"}},
		{"send " + echo + " -v", []string{"connected"}},
		{"send " + echo + " hi --wait 1m --quiet 1m --keep-open", []string{"hi"}},
		{"listen 127.0.0.1:0", []string{"listening"}},
		{"listen 127.0.0.1:0 --once", []string{"listening"}},
		{"serve --listen tcp://127.0.0.1:0", []string{"talk to it"}},
		{"chat --bind 127.0.0.1:0", []string{"listening"}},
		{"chat --bind 127.0.0.1:0 --menu", []string{menu}},
		{"chat --bind 127.0.0.1:0 --menu", []string{menu, "2\n", menu + "2\r\n"}},
	} {
		t.Run(test.args, func(t *testing.T) {
			t.Parallel()
			r := atTerminal(t, command(t, strings.Fields(test.args)...))
			for i, text := range append(test.waits, ctrlC) {
				if i%2 == 0 {
					r.hears(text)
				} else {
					r.say(text)
				}
			}
			if out, _, code := r.wait(); code != 0 || strings.Contains(out, "sockeye:") {
				t.Errorf("shown %q, exit %d", out, code)
			}
		})
	}
}

func TestInterruptText(t *testing.T) {
	t.Parallel()
	for _, args := range []string{"text detect", "text encode gbk", "text decode gbk"} {
		r := begin(t, command(t, strings.Fields(args)...))
		r.say(strings.Repeat("x", 1<<19)) // more than a pipe holds: it is being read
		r.interrupt()
		out, errs, code := r.wait()
		check(t, out, errs, code, "", "", 0)
	}
}

// The first Ctrl-C waits for the peer's end, the second for nothing.
func TestInterruptTwice(t *testing.T) {
	t.Parallel()
	ended := make(chan struct{})
	addr := peer(t, "tcp", func(conn net.Conn) {
		_, _ = io.WriteString(conn, "hello")
		_, _ = io.Copy(io.Discard, conn)
		close(ended)
		<-t.Context().Done()
	})
	r := begin(t, command(t, "connect", addr))
	r.hears("hello")
	r.interrupt()
	<-ended
	r.interrupt()
	if _, errs, code := r.wait(); code != 1 {
		t.Errorf("said %q, exit %d", errs, code)
	}
}

// An upload that is interrupted was not done.
func TestInterruptUpload(t *testing.T) {
	t.Parallel()
	for _, name := range []string{"connect", "send"} {
		begun := make(chan struct{})
		addr := peer(t, "tcp", func(conn net.Conn) {
			_, _ = io.ReadFull(conn, make([]byte, 1<<20))
			close(begun)
			<-t.Context().Done()
		})
		cmd := command(t, name, addr)
		zero, err := os.Open("/dev/zero")
		if err != nil {
			t.Fatal(err)
		}
		defer zero.Close()
		cmd.Stdin = zero
		r := begin(t, cmd)
		<-begun
		r.interrupt()
		if _, errs, code := r.wait(); code != 1 || !strings.Contains(errs, "not everything was sent") {
			t.Errorf("%s: said %q, exit %d", name, errs, code)
		}
	}
}
