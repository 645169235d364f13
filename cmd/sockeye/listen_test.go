package main

import (
	"io"
	"net"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
)

// joins dials and makes itself known, so that its number is the next.
func joins(t *testing.T, r *running, addr, word string) net.Conn {
	t.Helper()
	conn := dialTest(t, addr)
	if _, err := io.WriteString(conn, word); err != nil {
		t.Fatal(err)
	}
	r.hears(word)
	return conn
}

// gets reads exactly text.
func gets(t *testing.T, conn net.Conn, text string) {
	t.Helper()
	ask(t, conn, "", text)
}

func TestListenEverywhere(t *testing.T) {
	t.Parallel()
	socket := filepath.Join(t.TempDir(), "s")
	r := begin(t, command(t, "listen", "tcp://127.0.0.1:0", "udp://127.0.0.1:0", "unix:"+socket, "--reply", "ok"))
	addrs := r.addresses(3)
	if addrs[2] != "unix://"+socket {
		t.Errorf("announced %q", addrs[2])
	}
	for _, addr := range addrs {
		for range 2 {
			conn := dialTest(t, addr)
			ask(t, conn, "one", "ok")
			ask(t, conn, "two", "ok")
		}
	}
	r.stop()
	if _, err := os.Lstat(socket); !os.IsNotExist(err) {
		t.Errorf("the socket is left behind: %v", err)
	}
}

// All addresses open, or none.
func TestListenNowhere(t *testing.T) {
	t.Parallel()
	taken := host(t, 1, "listen", "127.0.0.1:0", "--echo")[0]
	socket := filepath.Join(t.TempDir(), "s")
	_, errs, code := result(t, command(t, "listen", "unix:"+socket, taken, "--echo"))
	if code != 1 || !strings.Contains(errs, "sockeye: listen on "+taken) || !strings.Contains(errs, "hint: another program has that address") {
		t.Errorf("said %q, exit %d", errs, code)
	}
	if _, err := os.Lstat(socket); !os.IsNotExist(err) {
		t.Errorf("the other is left open: %v", err)
	}
}

func TestListenUsage(t *testing.T) {
	t.Parallel()
	for _, test := range []struct{ args, errs string }{
		{"", "listen needs an address"},
		{":0 :0 --once", "--once takes one address"},
		{":0 --echo --reply x", "exclude each other"},
		{":0?idle=soon", "no duration"},
		{":0 --reply 0 --hex", "half a byte"},
		{":0 --max x", "invalid"},
	} {
		_, errs, code := result(t, command(t, append([]string{"listen"}, strings.Fields(test.args)...)...))
		check(t, "", errs, code, "", test.errs, 2)
	}
}

func TestListenMax(t *testing.T) {
	t.Parallel()
	r := begin(t, command(t, "listen", "127.0.0.1:0", "--echo", "--max", "1"))
	addr := r.address()
	first := dialTest(t, addr)
	ask(t, first, "one", "one")
	if rest, _ := io.ReadAll(dialTest(t, addr)); len(rest) > 0 {
		t.Errorf("the second got %q", rest)
	}
	r.sees("refused a conversation")
	ask(t, first, "still here", "still here")
	finish(t, first)
	for { // its place is free a little later than it sees the end
		conn := dialTest(t, addr)
		_, _ = io.WriteString(conn, "now")
		if _, err := conn.Read(make([]byte, 3)); err == nil {
			break
		}
	}
	r.stop()
}

func TestListenMaxPerSource(t *testing.T) {
	t.Parallel()
	if runtime.GOOS != "linux" {
		t.Skip("needs a second loopback address")
	}
	r := begin(t, command(t, "listen", "127.0.0.1:0", "--echo", "--max-per-source", "1"))
	addr := r.address()
	ask(t, dialTest(t, addr), "one", "one")
	if rest, _ := io.ReadAll(dialTest(t, addr)); len(rest) > 0 {
		t.Errorf("the second got %q", rest)
	}
	other := net.Dialer{LocalAddr: &net.TCPAddr{IP: net.IPv4(127, 0, 0, 2)}}
	conn, err := other.Dial("tcp", strings.TrimPrefix(addr, "tcp://"))
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	ask(t, conn, "another", "another")
	r.stop()
}

func TestListenInteractive(t *testing.T) {
	t.Parallel()
	r := begin(t, command(t, "listen", "127.0.0.1:0", "-i"))
	addr := r.address()
	first := joins(t, r, addr, "first\n")
	second := joins(t, r, addr, "second\n")
	r.say("/to 2 to you\n/to 9 to nobody\n/two\n/to 1\n//all\n")
	gets(t, second, "to you\n/all\n")
	gets(t, first, "/all\n")
	for _, want := range []string{"there is no conversation 9; here: 1 (", "there is no command /two", "/to 1 needs a text"} {
		r.sees(want)
	}
	if out := r.stop(); out != "first\nsecond\n" {
		t.Errorf("printed %q", out)
	}
}

// Input waits for a client, also between clients, and goes to all there are.
func TestListenInput(t *testing.T) {
	t.Parallel()
	r := begin(t, command(t, "listen", "127.0.0.1:0"))
	addr := r.address()
	r.say("early\n")
	first := joins(t, r, addr, "first\n")
	gets(t, first, "early\n")
	finish(t, first)
	r.say("between\n")
	second := joins(t, r, addr, "second\n")
	gets(t, second, "between\n")
	third := joins(t, r, addr, "third\n")
	r.say("/to 3 all\n") // is text without -i
	gets(t, second, "/to 3 all\n")
	gets(t, third, "/to 3 all\n")
	_ = r.in.Close() // ends no conversation
	joins(t, r, addr, "fourth\n")
	if out := r.stop(); out != "first\nsecond\nthird\nfourth\n" {
		t.Errorf("printed %q", out)
	}
}

func TestListenInputEncoded(t *testing.T) {
	t.Parallel()
	r := begin(t, command(t, "listen", "127.0.0.1:0", "--encoding", "gbk"))
	conn := dialTest(t, r.address())
	r.say("你好\n")
	ask(t, conn, bytesOf(t, "gbk", "收到\n"), bytesOf(t, "gbk", "你好\n"))
	r.hears("收到\n")
	r.stop()
}

// Numbers tell conversations apart where bytes are shown as digits.
func TestListenHex(t *testing.T) {
	t.Parallel()
	r := begin(t, command(t, "listen", "udp://127.0.0.1:0", "--hex"))
	addr := r.address()
	for _, test := range []struct{ say, shown string }{{"ab", "[1] 61 62\n"}, {"\xff", "[2] ff\n"}} {
		conn := dialTest(t, addr)
		_, _ = io.WriteString(conn, test.say)
		r.hears(test.shown)
		r.say("01 02\n")
		gets(t, conn, "\x01\x02")
	}
	r.stop()
}

func TestListenReply(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		args               []string
		question, answer   string
		question2, answer2 string
	}{
		{[]string{"--reply", "收到", "--encoding", "gbk"}, "\xc4\xe3", "\xca\xd5\xb5\xbd", "x\n", "\xca\xd5\xb5\xbd\n"},
		{[]string{"--reply", "收到", "--legacy", "gbk"}, "hello", "收到", "\xc4\xe3\xba\xc3", "\xca\xd5\xb5\xbd"},
		{[]string{"--reply", "收到", "--send-encoding", "big5"}, "hello", "\xa6\xac\xa8\xec", "\n", "\xa6\xac\xa8\xec\n"},
		{[]string{"--reply", "ff00", "--hex"}, "hello", "\xff\x00", "\n", "\xff\x00\n"},
		{[]string{"--reply", `\xff\t`, "--escapes"}, "hello", "\xff\t", "\n", "\xff\t\n"},
		{[]string{"--reply", "ok", "--frame", "delim:|"}, "a|", "ok|", "b|", "ok|"},
		{[]string{"--echo"}, "a", "a", "\xff\n", "\xff\n"},
	} {
		t.Run(strings.Join(test.args, " "), func(t *testing.T) {
			t.Parallel()
			conn := dialTest(t, host(t, 1, append([]string{"listen", "127.0.0.1:0"}, test.args...)...)[0])
			ask(t, conn, test.question, test.answer)
			ask(t, conn, test.question2, test.answer2)
		})
	}
}

// --once exits with the truth of its conversation.
func TestListenOnce(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		name   string
		args   []string
		stdin  string
		client func(t *testing.T, conn net.Conn)
		out    string
		errs   string
		code   int
	}{
		{"both ways", nil, "hello\n", func(t *testing.T, conn net.Conn) { // the end of input is the end of our side
			if got := finish(t, conn); got != "hello\n" {
				t.Errorf("got %q", got)
			}
		}, "", "", 0},
		{"one reply", []string{"--reply", "thank you !"}, "", func(t *testing.T, conn net.Conn) {
			ask(t, conn, "hi", "thank you !")
			if rest, err := io.ReadAll(conn); len(rest) > 0 || err != nil {
				t.Errorf("then %q, %v", rest, err)
			}
		}, "hi", "", 0},
		{"echo", []string{"--echo"}, "", func(t *testing.T, conn net.Conn) { ask(t, conn, "hi", "hi"); finish(t, conn) }, "", "", 0},
		{"text", []string{"--encoding", "gbk"}, "", func(t *testing.T, conn net.Conn) {
			_, _ = io.WriteString(conn, "\xc4\xe3")
			finish(t, conn)
		}, "你", "", 0},
		{"no text", []string{"--encoding", "gbk", "--errors", "strict"}, "", func(t *testing.T, conn net.Conn) {
			_, _ = io.WriteString(conn, "ok\xff")
			_, _ = io.ReadAll(conn)
		}, "ok", "gbk: cannot decode", 4},
		{"unspeakable text", []string{"--encoding", "ascii"}, "é\n", func(t *testing.T, conn net.Conn) { finish(t, conn) }, "", "ascii: cannot encode", 4},
		{"silence", []string{"--idle", "50ms"}, "", func(t *testing.T, conn net.Conn) { _, _ = io.ReadAll(conn) }, "", "silent for too long", 3},
		{"a reset", nil, "", func(t *testing.T, conn net.Conn) {
			_ = conn.(*net.TCPConn).SetLinger(0)
			_ = conn.Close()
		}, "", "connection reset by peer", 1},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			cmd := command(t, append([]string{"listen", "127.0.0.1:0", "--once"}, test.args...)...)
			cmd.Stdin = strings.NewReader(test.stdin)
			r := begin(t, cmd)
			test.client(t, dialTest(t, r.address()))
			out, errs, code := r.wait()
			check(t, out, errs, code, test.out, test.errs, test.code)
		})
	}
}

// Who hosts and cannot print ends, and says why.
func TestListenOutputFull(t *testing.T) {
	t.Parallel()
	if runtime.GOOS != "linux" {
		t.Skip("/dev/full is Linux's")
	}
	for _, args := range [][]string{nil, {"--encoding", "gbk"}, {"--reply", "ok"}, {"--once"}} {
		full, err := os.OpenFile("/dev/full", os.O_WRONLY, 0)
		if err != nil {
			t.Fatal(err)
		}
		defer full.Close()
		cmd := command(t, append([]string{"listen", "127.0.0.1:0"}, args...)...)
		cmd.Stdout = full
		r := begin(t, cmd)
		conn := dialTest(t, r.address())
		_, _ = io.WriteString(conn, "hello\n")
		finish(t, conn)
		if _, errs, code := r.wait(); code != 1 || strings.Count(errs, "no space left") != 1 {
			t.Errorf("%v: said %q, exit %d", args, errs, code)
		}
	}
}

// A client that goes while it is being sent to does not end the hosting.
func TestListenClientLeaves(t *testing.T) {
	t.Parallel()
	r := begin(t, command(t, "listen", "127.0.0.1:0"))
	addr := r.address()
	gone := joins(t, r, addr, "gone\n")
	go func() { // more than the system holds back
		block := strings.Repeat("x", 64<<10)
		for range 1 << 10 {
			if _, err := io.WriteString(r.in, block); err != nil {
				return
			}
		}
	}()
	gets(t, gone, strings.Repeat("x", 1<<20))
	_ = gone.(*net.TCPConn).SetLinger(0)
	_ = gone.Close()
	gets(t, joins(t, r, addr, "here\n"), strings.Repeat("x", 1<<20))
}

// --idle is for datagram peers as well; an address may have its own.
func TestListenIdle(t *testing.T) {
	t.Parallel()
	for _, test := range []struct{ addr, idle string }{
		{"udp://127.0.0.1:0", "500ms"}, {"udp://127.0.0.1:0?idle=500ms", "1h"},
		{"tcp://127.0.0.1:0", "500ms"}, {"tcp://127.0.0.1:0?idle=500ms", "1h"},
	} {
		t.Run(test.addr, func(t *testing.T) {
			t.Parallel()
			r := begin(t, command(t, "listen", test.addr, "--echo", "--idle", test.idle, "-vv"))
			ask(t, dialTest(t, r.address()), "hello", "hello")
			r.sees("#1 close")
			r.stop()
		})
	}
	a := &app{getenv: os.Getenv}
	addr, err := address("udp://:0")
	if err != nil {
		t.Fatal(err)
	}
	var fiveMinutes talk
	_ = fiveMinutes.idle.Set("300")
	p, err := a.hosting(&fiveMinutes, addr, nil)
	if got := p.addr.Options.Get("idle"); got != "5m0s" || err != nil {
		t.Errorf("the listener's idle is %q, %v", got, err)
	}
}
