package main

import (
	"io"
	"net"
	"path/filepath"
	"strings"
	"testing"
)

// The listener appears after the first attempt.
func TestRetry(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "s")
	r := begin(t, command(t, "send", "unix:"+path, "hello", "--retry", "forever", "-v"))
	r.sees("trying again")
	ln, err := net.Listen("unix", path)
	if err != nil {
		t.Fatal(err)
	}
	defer ln.Close()
	conn, err := ln.Accept()
	if err != nil {
		t.Fatal(err)
	}
	_, _ = io.Copy(conn, conn)
	_ = conn.Close()
	if out, errs, code := r.wait(); out != "hello" || code != 0 {
		t.Errorf("printed %q, exit %d\n%s", out, code, errs)
	}
}

func TestRetryEnds(t *testing.T) {
	t.Parallel()
	_, errs, code := result(t, command(t, "connect", "unix:"+filepath.Join(t.TempDir(), "s"), "--retry", "2", "-v"))
	if n := strings.Count(errs, "trying again"); n != 2 || code != 1 || !strings.Contains(errs, "sockeye: connect to unix:") {
		t.Errorf("%d retries, exit %d\n%s", n, code, errs)
	}
}

// The peer sees the port that --bind names.
func TestBind(t *testing.T) {
	t.Parallel()
	for _, network := range []string{"tcp", "udp"} {
		t.Run(network, func(t *testing.T) {
			addr := host(t, 1, "listen", network+"://127.0.0.1:0", "--reply", "ok")[0]
			for _, host := range []string{"127.0.0.1", ""} {
				port := freePort(t, network)
				out, errs, code := result(t, command(t, "send", addr, "x", "-v", "--bind", host+":"+port))
				check(t, out, errs, code, "ok", "from=127.0.0.1:"+port, 0)
			}
			if _, errs, code := result(t, command(t, "connect", addr, "--bind", "192.0.2.1")); code != 1 || !strings.Contains(errs, "hint: that address is not one of this machine's") {
				t.Errorf("said %q, exit %d", errs, code)
			}
		})
	}
}

func freePort(t *testing.T, network string) string {
	t.Helper()
	var at net.Addr
	if network == "udp" {
		pc, err := net.ListenPacket(network, "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		defer pc.Close()
		at = pc.LocalAddr()
	} else {
		ln, err := net.Listen(network, "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		defer ln.Close()
		at = ln.Addr()
	}
	_, port, _ := net.SplitHostPort(at.String())
	return port
}
