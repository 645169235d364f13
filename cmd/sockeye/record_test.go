package main

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"
)

// recorded is what a .jsonl recording says of one conversation.
type recorded struct {
	in, out string   // the bytes
	events  []string // their kinds, with the direction
	lost    bool
}

// recording reads a recording and checks that no byte is missing.
func recording(t *testing.T, from io.Reader) map[int]*recorded {
	t.Helper()
	all := make(map[int]*recorded)
	for d := json.NewDecoder(from); ; {
		var e struct {
			Conv, Size       int
			Offset           int
			Event, Dir, Text string
			Base64           *string
		}
		if err := d.Decode(&e); err == io.EOF {
			return all
		} else if err != nil {
			t.Fatal(err)
		}
		if e.Conv == 0 { // of the recording itself
			all[0] = &recorded{lost: e.Event == "lost"}
			continue
		}
		r := all[e.Conv]
		if r == nil {
			r = new(recorded)
			all[e.Conv] = r
		}
		r.events = append(r.events, strings.TrimSpace(e.Event+" "+e.Dir))
		if e.Event != "data" {
			continue
		}
		data, to := e.Text, &r.in
		if e.Base64 != nil {
			b, err := base64.StdEncoding.DecodeString(*e.Base64)
			if err != nil {
				t.Fatal(err)
			}
			data = string(b)
		}
		if e.Dir == "out" {
			to = &r.out
		}
		if len(data) != e.Size || e.Offset != len(*to) && all[0] == nil {
			t.Errorf("%d bytes at %d are said to be %d at %d", len(data), len(*to), e.Size, e.Offset)
		}
		*to += data
	}
}

func readRecording(t *testing.T, file string) map[int]*recorded {
	t.Helper()
	f, err := os.Open(file)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	return recording(t, f)
}

// What was said is what was recorded, byte for byte.
func TestRecordConnect(t *testing.T) {
	t.Parallel()
	const question, answer = "你好\n\xc4\xe3 and \x00\x1b[2J\n", "thank \xff you !"
	for _, network := range streams {
		for _, drop := range []bool{false, true} {
			file := filepath.Join(t.TempDir(), "f.jsonl")
			addr := peer(t, network, func(conn net.Conn) {
				_, _ = io.ReadAll(conn)
				_, _ = io.WriteString(conn, answer)
			})
			cmd := command(t, "connect", addr, "--record", file, fmt.Sprintf("--record-drop=%v", drop))
			cmd.Stdin = strings.NewReader(question)
			out, errs, code := result(t, cmd)
			check(t, out, errs, code, answer, "", 0)
			r := readRecording(t, file)[1]
			if r == nil || r.in != answer || r.out != question {
				t.Fatalf("recorded %+v", r)
			}
			want := []string{"open", "data out", "eof out", "data in", "eof in", "close"}
			if got := slices.Compact(r.events); !slices.Equal(got, want) {
				t.Errorf("events %q, want %q", got, want)
			}
		}
	}
}

func TestRecordDatagrams(t *testing.T) {
	t.Parallel()
	file := filepath.Join(t.TempDir(), "f.jsonl")
	addr := datagramPeer(t, func(q string) []string { return []string{"re: " + q} })
	out, errs, code := result(t, command(t, "send", addr, "one", "two", "--replies", "2", "--record", file))
	check(t, out, errs, code, "re: onere: two", "", 0)
	if r := readRecording(t, file)[1]; r == nil || r.in != "re: onere: two" || r.out != "onetwo" {
		t.Errorf("recorded %+v", r)
	}
}

// Conversations are told apart, and Ctrl-C writes the end of them.
func TestRecordListen(t *testing.T) {
	t.Parallel()
	file := filepath.Join(t.TempDir(), "f.jsonl")
	r := begin(t, command(t, "listen", "tcp://127.0.0.1:0", "udp://127.0.0.1:0", "--reply", "ok", "--record", file))
	for i, addr := range r.addresses(2) {
		ask(t, dialTest(t, addr), fmt.Sprintf("question %d", i), "ok")
	}
	r.stop()
	all := readRecording(t, file)
	for i := range 2 {
		c := all[i+1]
		if c == nil || c.in != fmt.Sprintf("question %d", i) || c.out != "ok" || c.events[len(c.events)-1] != "close" {
			t.Errorf("conversation %d: %+v", i, c)
		}
	}
}

// A transcript is text in the encoding of the conversation.
func TestRecordText(t *testing.T) {
	t.Parallel()
	for _, args := range [][]string{{"--encoding", "gbk"}, {"--legacy", "gbk"}} {
		file := filepath.Join(t.TempDir(), "f.txt")
		addr := leaves(t, bytesOf(t, "gbk", "收到\x1b[2J"))
		cmd := command(t, append([]string{"connect", addr, "--record", file}, args...)...)
		cmd.Stdin = strings.NewReader(bytesOf(t, "gbk", "你好"))
		if args[0] == "--encoding" {
			cmd.Stdin = strings.NewReader("你好") // text, encoded for the peer
		}
		if _, errs, code := result(t, cmd); code != 0 {
			t.Fatalf("exit %d, %s", code, errs)
		}
		b, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		for _, want := range []string{" #1 open tcp 127.0.0.1:", " #1 > 4 bytes\n  你好\n", " #1 < 8 bytes\n  收到\\x1b[2J\n", " #1 close\n"} {
			if !strings.Contains(string(b), want) {
				t.Errorf("%v: the transcript lacks %q:\n%s", args, want, b)
			}
		}
	}
}

func TestRecordFails(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	full := filepath.Join(dir, "full.txt")
	tests := []struct {
		file, errs string
		code       int
	}{
		{filepath.Join(dir, "f.pcapng"), "this version writes .jsonl and .txt", 2},
		{filepath.Join(dir, "f"), "this version writes .jsonl and .txt", 2},
		{filepath.Join(dir, "nowhere", "f.txt"), "nowhere", 1},
	}
	if runtime.GOOS == "linux" {
		if err := os.Symlink("/dev/full", full); err != nil {
			t.Fatal(err)
		}
		tests = append(tests, struct {
			file, errs string
			code       int
		}{full, "no space left", 1})
	}
	for _, test := range tests {
		addr := leaves(t, "ok")
		for _, args := range [][]string{{"send", addr, "x"}, {"listen", "127.0.0.1:0", "--once"}, {"serve", "--listen", "tcp://127.0.0.1:0"}, {"chat", "--bind", ":0"}} {
			if test.file == full && args[0] != "send" { // it shows when something is written
				continue
			}
			if _, errs, code := result(t, command(t, append(args, "--record", test.file)...)); code != test.code || !strings.Contains(errs, test.errs) {
				t.Errorf("%s to %s: said %q, exit %d", args[0], test.file, errs, code)
			}
		}
	}
}

// Neither does an interruption excuse a recording that could not be written.
func TestRecordFailsInterrupted(t *testing.T) {
	t.Parallel()
	if runtime.GOOS != "linux" {
		t.Skip("/dev/full is Linux's")
	}
	full := filepath.Join(t.TempDir(), "full.jsonl")
	if err := os.Symlink("/dev/full", full); err != nil {
		t.Fatal(err)
	}
	addr := peer(t, "tcp", func(conn net.Conn) {
		_, _ = io.WriteString(conn, "hello")
		_, _ = io.Copy(io.Discard, conn)
	})
	r := begin(t, command(t, "connect", addr, "--record", full))
	r.hears("hello")
	r.interrupt()
	if _, errs, code := r.wait(); code != 1 || !strings.Contains(errs, "no space left") || strings.Contains(errs, "interrupted") {
		t.Errorf("said %q, exit %d", errs, code)
	}
}
