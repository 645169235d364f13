package main

import (
	"bytes"
	"errors"
	"flag"
	"io"
	"net"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"

	"sockeye.dev/endpoint"
)

// TestMain lets the test binary be the command, so that tests run it as a
// stranger would: as a process.
func TestMain(m *testing.M) {
	if os.Getenv("SOCKEYE_TEST_MAIN") != "" {
		os.Exit(run())
	}
	if signal.Ignored(os.Interrupt) { // by a script's &; the programs are to hear it all the same
		signal.Notify(make(chan os.Signal, 1), os.Interrupt)
	}
	os.Exit(func() int {
		var err error
		if testDir, err = os.MkdirTemp("", "sockeye"); err != nil {
			panic(err)
		}
		defer os.RemoveAll(testDir)
		// Tests wait for processes and pauses more than they compute.
		if err := flag.Set("test.parallel", "16"); err != nil {
			panic(err)
		}
		return m.Run()
	}())
}

// testDir is where tests may leave what they share; TestMain removes it.
var testDir string

// command is sockeye with args, in an English UTF-8 locale without a legacy
// encoding, and with a directory for state of its own.
func command(t testing.TB, args ...string) *exec.Cmd {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), os.Args[0], args...)
	// The race detector lets a process linger for a second at its end.
	cmd.Env = append(os.Environ(), "SOCKEYE_TEST_MAIN=1", "LC_ALL=C.UTF-8", "GORACE=atexit_sleep_ms=0",
		"STATE_DIRECTORY=", "XDG_STATE_HOME="+t.TempDir())
	return cmd
}

// result runs cmd and returns what it printed and its exit code.
func result(t testing.TB, cmd *exec.Cmd) (stdout, stderr string, code int) {
	t.Helper()
	var out, errs bytes.Buffer
	if cmd.Stdout == nil {
		cmd.Stdout = &out
	}
	cmd.Stderr = &errs
	err := cmd.Run()
	var exit *exec.ExitError
	if err != nil && !errors.As(err, &exit) {
		t.Fatal(err)
	}
	return out.String(), errs.String(), cmd.ProcessState.ExitCode()
}

// host runs `sockeye listen` or `serve` and returns the addresses announced.
// It is interrupted when the test ends, and has to exit with 0 then.
func host(t *testing.T, listeners int, args ...string) []string {
	t.Helper()
	return hostWith(t, listeners, command(t, args...))
}

// hostWith is host with a command of one's own.
func hostWith(t *testing.T, listeners int, cmd *exec.Cmd) []string {
	t.Helper()
	args := cmd.Args
	stderr, err := cmd.StderrPipe()
	if err != nil {
		t.Fatal(err)
	}
	if cmd.Stdout == nil {
		cmd.Stdout = io.Discard
	}
	cmd.WaitDelay = time.Minute // a guard
	cmd.Cancel = func() error {
		if err := cmd.Process.Signal(os.Interrupt); err != nil {
			return cmd.Process.Kill() // Windows knows no other way
		}
		return os.ErrProcessDone // let Wait tell how it ended
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	var addrs []string
	lines := make(chan string)
	go func() {
		defer close(lines)
		all, buf := "", make([]byte, 4096)
		for {
			n, err := stderr.Read(buf)
			all += string(buf[:n])
			for {
				line, rest, ok := strings.Cut(all, "\n")
				if !ok {
					break
				}
				all = rest
				lines <- line
			}
			if err != nil {
				return
			}
		}
	}()
	for len(addrs) < listeners {
		line, ok := <-lines
		if !ok {
			t.Fatalf("%v ended before it listened", args)
		}
		if a, ok := strings.CutPrefix(line, "listening on "); ok {
			addrs = append(addrs, a)
		}
	}
	rest := make(chan string)
	go func() {
		var all []string
		for line := range lines {
			all = append(all, line)
		}
		rest <- strings.Join(all, "\n")
	}()
	t.Cleanup(func() {
		said := <-rest
		if err := cmd.Wait(); err != nil && runtime.GOOS != "windows" {
			t.Errorf("%v: %v\n%s", args, err, said)
		}
	})
	return addrs
}

// peer accepts one connection ("tcp", "unix", "tls", "ws" or "wss") and gives
// it to f.
func peer(t *testing.T, network string, f func(net.Conn)) (addr string) {
	t.Helper()
	at := "127.0.0.1:0"
	if network == "unix" {
		at = filepath.Join(t.TempDir(), "s")
	}
	var ln net.Listener
	var err error
	if network == "tcp" || network == "unix" {
		ln, err = net.Listen(network, at)
	} else {
		ln, err = endpoint.Host{}.Listen(t.Context(), endpoint.Addr{Scheme: network, Host: "127.0.0.1"})
	}
	if err != nil {
		t.Fatal(err)
	}
	done := make(chan struct{})
	go func() {
		defer close(done)
		conn, err := ln.Accept()
		if err != nil {
			return
		}
		defer conn.Close()
		f(conn)
	}()
	t.Cleanup(func() { _ = ln.Close(); <-done })
	if network == "unix" {
		return "unix:" + at
	}
	addr = network + "://" + ln.Addr().String()
	if f, ok := ln.(endpoint.Fingerprinter); ok {
		addr += "?pin=" + f.Fingerprint()
	}
	return addr
}

// after calls f d later, and waits for it.
func after(d time.Duration, f func()) {
	done := make(chan struct{})
	time.AfterFunc(d, func() { f(); close(done) })
	<-done
}
