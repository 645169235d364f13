package main

import (
	"bufio"
	"bytes"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"
)

// plain is the command built without the race detector, whose memory and
// descriptors are not those of the product.
var plain = sync.OnceValues(func() (string, error) {
	bin := filepath.Join(testDir, "sockeye")
	if out, err := exec.Command("go", "build", "-o", bin, ".").CombinedOutput(); err != nil {
		return "", fmt.Errorf("go build: %w\n%s", err, out)
	}
	return bin, nil
})

// victim runs the command, with so many descriptors at most, and returns its
// address and process.
func victim(t *testing.T, descriptors int, args ...string) (addr string, p *os.Process) {
	t.Helper()
	if runtime.GOOS != "linux" {
		t.Skip("reads /proc")
	}
	bin, err := plain()
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.CommandContext(t.Context(), "sh", append([]string{"-c", fmt.Sprintf(`ulimit -n %d; exec "$0" "$@"`, descriptors), bin}, args...)...)
	return hostWith(t, 1, cmd)[0], cmd.Process
}

// peak is the most memory a process has had resident, in bytes.
func peak(t *testing.T, p *os.Process) int {
	t.Helper()
	status, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", p.Pid))
	if err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(string(status)) {
		if f := strings.Fields(line); f[0] == "VmHWM:" {
			kib, err := strconv.Atoi(f[1])
			if err != nil {
				t.Fatal(err)
			}
			return kib << 10
		}
	}
	t.Fatal("no VmHWM")
	return 0
}

func dialTest(t *testing.T, addr string) net.Conn {
	t.Helper()
	network, at, _ := strings.Cut(addr, "://")
	conn, err := net.Dial(network, at)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close() })
	_ = conn.SetDeadline(time.Now().Add(time.Minute)) // a guard, not an expectation
	return conn
}

// ask sends and waits for exactly the answer.
func ask(t *testing.T, conn net.Conn, question, answer string) {
	t.Helper()
	if _, err := io.WriteString(conn, question); err != nil {
		t.Fatal(err)
	}
	got := make([]byte, len(answer))
	if _, err := io.ReadFull(conn, got); err != nil || string(got) != answer {
		t.Fatalf("%q is answered %q, %v; want %q", question, got, err, answer)
	}
}

// A line of 200 MB stays under 100 MB of memory and is answered once.
func TestHugeLine(t *testing.T) {
	addr, p := victim(t, 1000, "listen", "tcp://127.0.0.1:0", "--reply", "ok")
	conn := dialTest(t, addr)
	block := bytes.Repeat([]byte("x"), 1<<20)
	for range 200 {
		if _, err := conn.Write(block); err != nil {
			t.Fatal(err)
		}
	}
	ask(t, conn, "\n", "ok\n")
	if m := peak(t, p); m > 100<<20 {
		t.Errorf("%d MiB resident", m>>20)
	}
}

// Beside 5,000 idle conversations one is served.
func TestIdleCrowd(t *testing.T) {
	addr, _ := victim(t, 6000, "listen", "tcp://127.0.0.1:0", "--echo")
	for range 5000 {
		dialTest(t, addr)
	}
	conn := dialTest(t, addr)
	for range 100 {
		ask(t, conn, "hello\n", "hello\n")
	}
}

// Out of descriptors, accepting pauses, and goes on when there are some.
func TestDescriptorsExhausted(t *testing.T) {
	addr, _ := victim(t, 40, "listen", "tcp://127.0.0.1:0", "--echo")
	var crowd []net.Conn
	for range 80 { // the kernel completes those that are not accepted
		crowd = append(crowd, dialTest(t, addr))
	}
	ask(t, crowd[0], "early\n", "early\n")
	for _, c := range crowd[:79] {
		_ = c.Close()
	}
	ask(t, crowd[79], "late\n", "late\n")
}

// Fifty interleaved UDP peers each get their own replies.
func TestManyDatagramPeers(t *testing.T) {
	addr := host(t, 1, "listen", "udp://127.0.0.1:0", "--echo")[0]
	var peers []net.Conn
	for range 50 {
		peers = append(peers, dialTest(t, addr))
	}
	for round := range 20 {
		for i, c := range peers {
			fmt.Fprintf(c, "peer %d round %d", i, round)
		}
		for i, c := range peers {
			buf := make([]byte, 100)
			n, err := c.Read(buf)
			if want := fmt.Sprintf("peer %d round %d", i, round); err != nil || string(buf[:n]) != want {
				t.Fatalf("%q, %v, want %q", buf[:n], err, want)
			}
		}
	}
}

// A member of a room that never reads, past the sockets' buffers and its
// outbox, delays nobody, and is dropped.
func TestReaderThatNeverReads(t *testing.T) {
	addr, p := victim(t, 1000, "serve", "--listen", "tcp://127.0.0.1:0")
	laggard := dialTest(t, addr)
	reader, speaker := dialTest(t, addr), dialTest(t, addr)
	in := bufio.NewScanner(reader)
	for _, member := range []net.Conn{laggard, speaker} { // whose coming the reader sees
		name := map[net.Conn]string{laggard: "laggard", speaker: "speaker"}[member]
		fmt.Fprintf(member, "/nick %s\n", name)
		for !strings.Contains(in.Text(), name) {
			if !in.Scan() {
				t.Fatal(in.Err())
			}
		}
	}
	const lines = 20_000
	text := strings.Repeat("x", 1000)
	read := make(chan struct{}, lines) // the reader keeps up, by a hundred lines
	go func() {
		for i := range lines {
			if i >= 100 {
				<-read
			}
			fmt.Fprintf(speaker, "%d %s\n", i, text)
		}
	}()
	go func() { _, _ = io.Copy(io.Discard, speaker) }()
	dropped, next := false, 0
	for next < lines {
		if !in.Scan() {
			t.Fatalf("after line %d: %v", next, in.Err())
		}
		line := in.Text()
		switch {
		case strings.Contains(line, "laggard") && strings.Contains(line, "left"):
			dropped = true
		case strings.HasSuffix(line, fmt.Sprintf("> %d %s", next, text)):
			next++
			read <- struct{}{}
		}
	}
	if !dropped {
		t.Error("the laggard was not dropped")
	}
	if m := peak(t, p); m > 100<<20 {
		t.Errorf("%d MiB resident", m>>20)
	}
}
