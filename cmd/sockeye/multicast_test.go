package main

import (
	"runtime"
	"strings"
	"testing"
)

// Two processes hear what a third says to their group, and it hears both.
func TestMulticastBetweenProcesses(t *testing.T) {
	t.Parallel()
	if runtime.GOOS != "linux" {
		t.Skip("lo is Linux's name")
	}
	addr := host(t, 1, "listen", "udp://239.255.77.88:0?iface=lo", "--reply", "one ")[0]
	addr, _, _ = strings.Cut(addr, "?")
	host(t, 1, "listen", addr+"?iface=lo", "--reply", "two ")
	out, errs, code := result(t, command(t, "send", addr+"?iface=lo", "who is there", "-v"))
	if !strings.Contains(out, "one ") || !strings.Contains(out, "two ") || code != 0 || strings.Count(errs, "msg=reply from=") != 2 {
		t.Errorf("printed %q, said %q, exit %d", out, errs, code)
	}
}
