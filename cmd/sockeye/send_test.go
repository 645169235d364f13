package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// datagramPeer gives each datagram that comes to f, whose results are sent
// back, and returns its address.
func datagramPeer(t *testing.T, f func(question string) (answers []string)) string {
	t.Helper()
	pc, err := net.ListenPacket("udp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	done := make(chan struct{})
	go func() {
		defer close(done)
		buf := make([]byte, 64<<10)
		for {
			n, from, err := pc.ReadFrom(buf)
			if err != nil {
				return
			}
			for _, answer := range f(string(buf[:n])) {
				_, _ = pc.WriteTo([]byte(answer), from)
			}
		}
	}()
	t.Cleanup(func() { _ = pc.Close(); <-done })
	return "udp://" + pc.LocalAddr().String()
}

// stays is a peer that says something and goes neither before we do nor when
// we end our side, but with the test.
func stays(t *testing.T, text string) string {
	return peer(t, "tcp", func(conn net.Conn) {
		_, _ = io.WriteString(conn, text)
		<-t.Context().Done()
	})
}

// leaves is a peer that says something once we have ended, and goes.
func leaves(t *testing.T, text string) string {
	return peer(t, "tcp", func(conn net.Conn) {
		_, _ = io.Copy(io.Discard, conn)
		_, _ = io.WriteString(conn, text)
	})
}

// resets is a peer that says something and goes with half of it unread.
func resets(t *testing.T, text string) string {
	return peer(t, "tcp", func(conn net.Conn) {
		_, _ = conn.Read(make([]byte, 1))
		_, _ = io.WriteString(conn, text)
	})
}

func check(t *testing.T, out, errs string, code int, wantOut, wantErrs string, wantCode int) {
	t.Helper()
	if out != wantOut || !strings.Contains(errs, wantErrs) || code != wantCode {
		t.Errorf("printed %q, said %q, exit %d; want %q, %q and %d", out, errs, code, wantOut, wantErrs, wantCode)
	}
}

// What ends send, and with which code. Where it is not patience that is being
// tried, there is much of it.
func TestSendEnds(t *testing.T) {
	t.Parallel()
	patient := []string{"--wait", "1m", "--quiet", "1m"}
	for _, test := range []struct {
		name string
		peer func(t *testing.T, text string) string
		says string
		args []string
		out  string
		errs string
		code int
	}{
		{"at the peer's close", leaves, "one", patient, "one", "", 0},
		{"at a reset", resets, "one", patient, "one", "connection reset by peer", 1},
		{"after so many replies", stays, "one\ntwo\nthree\n", append(patient, "--frame", "line", "--replies", "2"), "one\ntwo\n", "", 0},
		{"with too few replies", leaves, "one\n", append(patient, "--frame", "line", "--replies", "2"), "one\n", "no reply came: 1 of 2 before", 3},
		{"in silence before all replies", stays, "one\n", []string{"--frame", "line", "--replies", "2", "--quiet", "50ms"}, "one\n", "no reply came: 1 of 2 from", 3},
		{"in silence after a reply", stays, "one", []string{"--wait", "1m", "--quiet", "50ms"}, "one", "", 0},
		{"without a reply", stays, "", []string{"--wait", "0.05"}, "", "sockeye: no reply came from 127.0.0.1:", 3},
		{"not waiting", stays, "", []string{"--no-wait"}, "", "", 0},
		{"idle", stays, "", append(patient, "--idle", "50ms"), "", "silent for too long", 3},
		{"idle by its address", stays, "", append(patient, "?idle=50ms"), "", "silent for too long", 3},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			args := []string{"send", test.peer(t, test.says), "hello"}
			for _, arg := range test.args {
				if strings.HasPrefix(arg, "?") {
					args[1] += arg
				} else {
					args = append(args, arg)
				}
			}
			out, errs, code := result(t, command(t, args...))
			check(t, out, errs, code, test.out, test.errs, test.code)
		})
	}
}

func TestSendDatagramEnds(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		name    string
		answers []string
		args    []string
		out     string
		code    int
	}{
		{"after one reply", []string{"one", "two"}, []string{"--wait", "1m", "--quiet", "1m"}, "one", 0},
		{"after two", []string{"one", "two", "three"}, []string{"--wait", "1m", "--quiet", "1m", "--replies", "2"}, "onetwo", 0},
		{"with too few", []string{"one"}, []string{"--quiet", "50ms", "--replies", "2"}, "one", 3},
		{"without a reply", nil, []string{"--wait", "50ms"}, "", 3},
		{"not waiting", nil, []string{"--no-wait"}, "", 0},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			addr := datagramPeer(t, func(string) []string { return test.answers })
			out, errs, code := result(t, command(t, append([]string{"send", addr, "hello"}, test.args...)...))
			check(t, out, errs, code, test.out, "", test.code)
		})
	}
}

// What arrives of what is given, on streams and as datagrams.
func TestSendWhat(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		name      string
		args      []string
		stdin     string
		stream    string
		datagrams []string
	}{
		{"one text", []string{"你好"}, "", "你好", []string{"你好"}},
		{"several texts", []string{"one", "", "two"}, "", "onetwo", []string{"one", "", "two"}},
		{"framed", []string{"one", "two", "--frame", "crlf"}, "", "one\r\ntwo\r\n", []string{"one\r\n", "two\r\n"}},
		{"an encoding", []string{"你好", "--encoding", "gbk"}, "", "\xc4\xe3\xba\xc3", []string{"\xc4\xe3\xba\xc3"}},
		{"an encoding of our own", []string{"你好", "--encoding", "utf-8", "--send-encoding", "gbk"}, "", "\xc4\xe3\xba\xc3", []string{"\xc4\xe3\xba\xc3"}},
		{"hex", []string{"01 ff:0x7f", "--hex"}, "", "\x01\xff\x7f", []string{"\x01\xff\x7f"}},
		{"escapes", []string{`a\r\n\x00\xff\u4f60`, "--escapes"}, "", "a\r\n\x00\xff你", []string{"a\r\n\x00\xff你"}},
		{"replaced", []string{"é!", "--encoding", "ascii", "--errors", "xmlcharrefreplace"}, "", "&#233;!", []string{"&#233;!"}},
		{"input", nil, "one\r\n\xff\n\ntwo", "one\r\n\xff\n\ntwo", []string{"one", "\xff", "", "two"}},
		{"input in hex", []string{"--hex"}, "01\nff", "\x01\xff", []string{"\x01", "\xff"}},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			run := func(addr string) {
				cmd := command(t, append([]string{"send", addr, "--replies", "1"}, test.args...)...)
				cmd.Stdin = strings.NewReader(test.stdin)
				if out, errs, code := result(t, cmd); code != 0 {
					t.Errorf("printed %q, said %q, exit %d", out, errs, code)
				}
			}
			got := make(chan string, 10)
			run(peer(t, "tcp", func(conn net.Conn) {
				all, _ := io.ReadAll(conn)
				got <- string(all)
				_, _ = io.WriteString(conn, "ok")
			}))
			if all := <-got; all != test.stream {
				t.Errorf("the stream was %q, want %q", all, test.stream)
			}
			left := len(test.datagrams)
			run(datagramPeer(t, func(question string) []string {
				got <- question
				if left--; left > 0 {
					return nil
				}
				return []string{"ok"}
			}))
			for _, want := range test.datagrams {
				if one := <-got; one != want {
					t.Errorf("a datagram was %q, want %q", one, want)
				}
			}
		})
	}
}

// Nothing is sent of what is refused, and nobody is even called.
func TestSendRefuses(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		args []string
		errs string
		code int
	}{
		{[]string{"é", "--encoding", "ascii"}, "ascii: cannot encode", 4},
		{[]string{"é", "--encoding", "ascii", "--errors", "strict"}, "hint: choose another --encoding", 4},
		{[]string{"x\ny", "--frame", "line"}, "framing line", 1},
		{[]string{"0g", "--hex"}, "no hexadecimal digit", 2},
		{[]string{`\q`, "--escapes"}, "no escape", 2},
		{[]string{"x", "--count", "2"}, "--every", 2},
		{[]string{"--every", "1s"}, "--every repeats texts", 2},
		{[]string{"x", "--wait", "soon"}, "no duration", 2},
		{[]string{"x", "--retry", "often"}, "neither a number nor forever", 2},
		{[]string{"x", "--frame", "lines"}, "framing", 2},
		{[]string{"x", "--encoding", "gbkk"}, "unknown encoding", 2},
		{[]string{"x", "--legacy", "gbkk"}, "unknown encoding", 2},
		{[]string{"x", "--errors", "loose"}, "loose", 2},
		{[]string{"x", "--nonsense"}, "hint: see", 2},
	} {
		t.Run(strings.Join(test.args, " "), func(t *testing.T) {
			t.Parallel()
			got := make(chan string, 1)
			addr := peer(t, "tcp", func(conn net.Conn) {
				all, _ := io.ReadAll(conn)
				got <- string(all)
			})
			out, errs, code := result(t, command(t, append([]string{"send", addr}, test.args...)...))
			check(t, out, errs, code, "", test.errs, test.code)
			select {
			case all := <-got:
				if all != "" {
					t.Errorf("%q was sent", all)
				}
			default:
			}
		})
	}
	if _, errs, code := result(t, command(t, "send")); code != 2 || !strings.Contains(errs, "send needs an address") {
		t.Errorf("said %q, exit %d", errs, code)
	}
}

// A reply that is no text is an error if it has to be text.
func TestSendStrictReply(t *testing.T) {
	t.Parallel()
	addr := leaves(t, "ok\xff")
	out, errs, code := result(t, command(t, "send", addr, "x", "--encoding", "utf-8", "--errors", "strict"))
	check(t, out, errs, code, "ok", "utf-8: cannot decode", 4)
}

func TestSendRepeats(t *testing.T) {
	t.Parallel()
	t.Run("stream", func(t *testing.T) {
		t.Parallel()
		addr := peer(t, "tcp", func(conn net.Conn) { _, _ = io.Copy(conn, conn) })
		out, errs, code := result(t, command(t, "send", addr, "a", "b", "--frame", "line", "--every", "20ms", "--count", "3", "--replies", "2"))
		check(t, out, errs, code, "a\nb\na\nb\na\nb\n", "", 0)
	})
	t.Run("without counting replies", func(t *testing.T) {
		t.Parallel()
		addr := peer(t, "tcp", func(conn net.Conn) { _, _ = io.Copy(conn, conn) })
		// A round lasts as long as --every says, not --quiet.
		out, errs, code := result(t, command(t, "send", addr, "a", "--every", "20ms", "--count", "3", "--quiet", "1h", "--wait", "1m"))
		check(t, out, errs, code, "aaa", "", 0)
	})
	t.Run("datagrams", func(t *testing.T) {
		t.Parallel()
		n := 0
		addr := datagramPeer(t, func(string) []string { n++; return []string{fmt.Sprint(n)} })
		out, errs, code := result(t, command(t, "send", addr, "a", "--every", "20ms", "--count", "3"))
		check(t, out, errs, code, "123", "", 0)
	})
	t.Run("until interrupted", func(t *testing.T) {
		t.Parallel()
		addr := peer(t, "tcp", func(conn net.Conn) { _, _ = io.Copy(conn, conn) })
		r := begin(t, command(t, "send", addr, "again", "--every", "20ms", "--replies", "1"))
		r.hears("againagain")
		r.stop()
	})
}

// With --keep-open the peer sees no end before we go.
func TestSendKeepOpen(t *testing.T) {
	t.Parallel()
	for _, keep := range []bool{false, true} {
		t.Run(fmt.Sprint(keep), func(t *testing.T) {
			t.Parallel()
			ended := make(chan bool, 1)
			addr := peer(t, "tcp", func(conn net.Conn) {
				buf := make([]byte, 10)
				_, _ = io.ReadFull(conn, buf[:5])
				if keep { // an end would be here by then
					_ = conn.SetReadDeadline(time.Now().Add(moment))
				}
				_, err := conn.Read(buf)
				ended <- errors.Is(err, io.EOF)
				_, _ = io.WriteString(conn, "ok")
				_ = conn.SetReadDeadline(time.Time{})
				_, _ = io.Copy(io.Discard, conn)
			})
			args := []string{"send", addr, "hello", "--replies", "1"}
			if keep {
				args = append(args, "--keep-open")
			}
			out, errs, code := result(t, command(t, args...))
			check(t, out, errs, code, "ok", "", 0)
			if saw := <-ended; saw == keep {
				t.Errorf("the peer saw the end: %v", saw)
			}
		})
	}
}

func TestSendTooLarge(t *testing.T) {
	t.Parallel()
	addr := datagramPeer(t, func(q string) []string { t.Errorf("%d bytes came", len(q)); return nil })
	out, errs, code := result(t, command(t, "send", addr, strings.Repeat("x", 65508)))
	check(t, out, errs, code, "", "message of 65508 bytes exceeds the limit of 65507 bytes", 1)
}

// Everything that is said with --json is an object a line.
func TestSendJSON(t *testing.T) {
	t.Parallel()
	objects := func(printed string) (all []map[string]any) {
		for line := range strings.Lines(printed) {
			var o map[string]any
			if err := json.Unmarshal([]byte(line), &o); err != nil {
				t.Errorf("%q: %v", line, err)
			}
			all = append(all, o)
		}
		return all
	}
	addr := leaves(t, "你好\n\xff\n")
	out, errs, code := result(t, command(t, "send", addr, "x", "--json", "--frame", "line", "-v"))
	replies := objects(out)
	if len(replies) != 2 || replies[0]["text"] != "你好" || replies[0]["size"] != 6.0 || replies[1]["base64"] != "/w==" || code != 0 {
		t.Errorf("printed %q, exit %d", out, code)
	}
	objects(errs)
	_, errs, code = result(t, command(t, "send", "unix:"+filepath.Join(os.TempDir(), "nobody is here"), "x", "--json"))
	if o := objects(errs); len(o) != 1 || o[0]["code"] != 1.0 || o[0]["error"] == nil || code != 1 {
		t.Errorf("said %q, exit %d", errs, code)
	}
}
