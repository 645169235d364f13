package main

import (
	"bytes"
	"crypto/rand"
	"crypto/sha256"
	"fmt"
	"io"
	"net"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"
)

var streams = []string{"tcp", "unix", "tls", "ws", "wss"}

// The reply to a request that ends with the end of the input arrives, however
// late: the table of what other tools do with `echo hi | tool`.
func TestReplyAfterEOF(t *testing.T) {
	t.Parallel()
	for _, network := range streams {
		for _, late := range []time.Duration{0, 1500 * time.Millisecond, 4 * time.Second} {
			t.Run(fmt.Sprint(network, late), func(t *testing.T) {
				t.Parallel()
				addr := peer(t, network, func(conn net.Conn) {
					request, _ := io.ReadAll(conn)
					after(late, func() { fmt.Fprintf(conn, "thank you for %s", request) })
				})
				cmd := command(t, "connect", addr)
				cmd.Stdin = strings.NewReader("hi\n")
				if out, errs, code := result(t, cmd); out != "thank you for hi\n" || code != 0 || errs != "" {
					t.Errorf("%q, %q, exit %d", out, errs, code)
				}
			})
		}
	}
}

// The peer's end ends the program although a pipe holds its input open.
func TestPeerClosesFirst(t *testing.T) {
	t.Parallel()
	for _, network := range streams {
		t.Run(network, func(t *testing.T) {
			t.Parallel()
			addr := peer(t, network, func(conn net.Conn) { fmt.Fprint(conn, "bye\n") })
			cmd := command(t, "connect", addr)
			silent, err := cmd.StdinPipe()
			if err != nil {
				t.Fatal(err)
			}
			defer silent.Close()
			if out, errs, code := result(t, cmd); out != "bye\n" || code != 0 {
				t.Errorf("%q, %q, exit %d", out, errs, code)
			}
		})
	}
}

// A peer that ended its side at once still gets everything.
func TestUploadToHalfClosed(t *testing.T) {
	data := make([]byte, 8<<20)
	_, _ = rand.Read(data)
	file := filepath.Join(t.TempDir(), "data")
	if err := os.WriteFile(file, data, 0o600); err != nil {
		t.Fatal(err)
	}
	for _, network := range streams {
		t.Run(network, func(t *testing.T) {
			got := make(chan []byte, 1)
			addr := peer(t, network, func(conn net.Conn) {
				_ = conn.(interface{ CloseWrite() error }).CloseWrite()
				all, _ := io.ReadAll(conn)
				got <- all
			})
			cmd := command(t, "connect", addr)
			in, err := os.Open(file)
			if err != nil {
				t.Fatal(err)
			}
			defer in.Close()
			cmd.Stdin = in
			_, errs, code := result(t, cmd)
			if all := <-got; !bytes.Equal(all, data) || code != 0 {
				t.Errorf("%d of %d bytes, exit %d, %s", len(all), len(data), code, errs)
			}
		})
	}
}

// Output that cannot be written is a failure.
func TestOutputFull(t *testing.T) {
	if runtime.GOOS != "linux" {
		t.Skip("/dev/full is Linux's")
	}
	for _, network := range streams {
		addr := peer(t, network, func(conn net.Conn) { fmt.Fprint(conn, "hello\n"); _, _ = io.ReadAll(conn) })
		full, err := os.OpenFile("/dev/full", os.O_WRONLY, 0)
		if err != nil {
			t.Fatal(err)
		}
		defer full.Close()
		cmd := command(t, "connect", addr)
		cmd.Stdout, cmd.Stdin = full, strings.NewReader("hi\n")
		if _, errs, code := result(t, cmd); code != 1 || !strings.Contains(errs, "no space left") {
			t.Errorf("%s: exit %d, %q", network, code, errs)
		}
	}
}

// 64 MiB both ways at once arrive equal.
func TestBothWays(t *testing.T) {
	data := make([]byte, 64<<20)
	_, _ = rand.Read(data)
	// A file is sent to its end. A pipe that is silent for a second after the
	// peer's end has ended, too, and on a busy machine this one may be.
	file := filepath.Join(t.TempDir(), "data")
	if err := os.WriteFile(file, data, 0o600); err != nil {
		t.Fatal(err)
	}
	for _, network := range streams {
		got := make(chan [32]byte, 1)
		addr := peer(t, network, func(conn net.Conn) {
			sent := make(chan struct{})
			go func() {
				defer close(sent)
				for part := range slices.Chunk(data, 256<<10) { // a WebSocket's messages have a limit
					_, _ = conn.Write(part)
				}
				_ = conn.(interface{ CloseWrite() error }).CloseWrite()
			}()
			h := sha256.New()
			_, _ = io.Copy(h, conn)
			<-sent
			got <- [32]byte(h.Sum(nil))
		})
		h := sha256.New()
		cmd := command(t, "connect", addr)
		in, err := os.Open(file)
		if err != nil {
			t.Fatal(err)
		}
		cmd.Stdin, cmd.Stdout = in, h
		if _, errs, code := result(t, cmd); code != 0 {
			t.Errorf("%s: exit %d, %s", network, code, errs)
		}
		in.Close()
		want := sha256.Sum256(data)
		if <-got != want || [32]byte(h.Sum(nil)) != want {
			t.Errorf("%s: the bytes differ", network)
		}
	}
}

// Datagrams: replies are waited for, and none is exit 3.
func TestDatagramReply(t *testing.T) { // not beside others: 0.8 s is near the 1 s of patience
	for _, test := range []struct {
		network string
		late    time.Duration
		args    []string
		code    int
	}{
		{"udp", 200 * time.Millisecond, nil, 0},
		{"udp", 800 * time.Millisecond, nil, 0},
		{"udp", 4 * time.Second, []string{"--wait", "5s"}, 0},
		{"udp", -1, nil, 3},
		{"unixgram", 200 * time.Millisecond, nil, 0},
		{"unixgram", 800 * time.Millisecond, nil, 0},
		{"unixgram", 4 * time.Second, []string{"--wait", "5s"}, 0},
		{"unixgram", -1, nil, 3},
	} {
		t.Run(test.network+test.late.String(), func(t *testing.T) {
			t.Parallel()
			at, scheme := "127.0.0.1:0", "udp://"
			if test.network == "unixgram" {
				at, scheme = filepath.Join(t.TempDir(), "s"), "unixgram:"
			}
			pc, err := net.ListenPacket(test.network, at)
			if err != nil {
				t.Fatal(err)
			}
			done := make(chan struct{})
			go func() {
				defer close(done)
				buf := make([]byte, 1024)
				n, from, err := pc.ReadFrom(buf)
				if err == nil && test.late >= 0 {
					after(test.late, func() { _, _ = pc.WriteTo(append([]byte("re: "), buf[:n]...), from) })
				}
			}()
			t.Cleanup(func() { _ = pc.Close(); <-done })
			cmd := command(t, append([]string{"connect", scheme + pc.LocalAddr().String()}, test.args...)...)
			cmd.Stdin = strings.NewReader("hi\n")
			out, errs, code := result(t, cmd)
			want := "re: hi"
			if test.code != 0 {
				want = ""
			}
			if out != want || code != test.code {
				t.Errorf("%q, exit %d, want %q and %d\n%s", out, code, want, test.code, errs)
			}
		})
	}
}
