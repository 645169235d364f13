//go:build unix

package main

import (
	"bytes"
	"io"
	"net"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
)

// Nobody reads the recording until everything has been said: with
// --record-drop that slows nothing, and what it lacks is told.
func TestRecordDrop(t *testing.T) {
	t.Parallel()
	fifo := filepath.Join(t.TempDir(), "f.jsonl")
	if err := syscall.Mkfifo(fifo, 0o600); err != nil {
		t.Fatal(err)
	}
	data := bytes.Repeat([]byte("x"), 32<<20)
	got := make(chan int64, 1)
	addr := peer(t, "tcp", func(conn net.Conn) {
		n, _ := io.Copy(io.Discard, conn)
		got <- n
	})
	cmd := command(t, "connect", addr, "--record", fifo, "--record-drop")
	cmd.Stdin = bytes.NewReader(data)
	r := begin(t, cmd)
	if n := <-got; n != int64(len(data)) {
		t.Fatalf("%d bytes arrived", n)
	}
	f, err := os.Open(fifo)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	all := recording(t, f)
	if _, errs, code := r.wait(); code != 1 || !strings.Contains(errs, "not recorded") {
		t.Errorf("said %q, exit %d", errs, code)
	}
	if c := all[1]; all[0] == nil || !all[0].lost || len(c.out) >= len(data) {
		t.Errorf("nothing is said to be lost, and %d bytes are there", len(c.out))
	}
}

// Without it a recording that is read slowly has everything.
func TestRecordAll(t *testing.T) {
	t.Parallel()
	fifo := filepath.Join(t.TempDir(), "f.jsonl")
	if err := syscall.Mkfifo(fifo, 0o600); err != nil {
		t.Fatal(err)
	}
	data := bytes.Repeat([]byte("0123456789abcdef"), 1<<20)
	addr := peer(t, "tcp", func(conn net.Conn) { _, _ = io.Copy(io.Discard, conn) })
	cmd := command(t, "connect", addr, "--record", fifo)
	cmd.Stdin = bytes.NewReader(data)
	r := begin(t, cmd)
	f, err := os.Open(fifo)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	all := recording(t, f)
	if _, errs, code := r.wait(); code != 0 {
		t.Errorf("said %q, exit %d", errs, code)
	}
	if c := all[1]; c == nil || c.out != string(data) {
		t.Error("the recording is not what was said")
	}
}
