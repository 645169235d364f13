package main

import (
	"net"
	"os"
	"testing"

	"golang.org/x/sys/unix"
)

// deaf returns the address of a listener whose queue is full: the system
// answers no further attempt to connect.
func deaf(t *testing.T) string {
	t.Helper()
	fd, err := unix.Socket(unix.AF_INET, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		t.Fatal(err)
	}
	f := os.NewFile(uintptr(fd), "deaf")
	t.Cleanup(func() { _ = f.Close() })
	if err := unix.Bind(fd, &unix.SockaddrInet4{Addr: [4]byte{127, 0, 0, 1}}); err != nil {
		t.Fatal(err)
	}
	if err := unix.Listen(fd, 0); err != nil {
		t.Fatal(err)
	}
	at, err := unix.Getsockname(fd)
	if err != nil {
		t.Fatal(err)
	}
	addr := net.TCPAddr{IP: net.IPv4(127, 0, 0, 1), Port: at.(*unix.SockaddrInet4).Port}
	for range 3 { // more than a backlog of 0 takes
		d := net.Dialer{Timeout: moment}
		if conn, err := d.Dial("tcp", addr.String()); err == nil {
			t.Cleanup(func() { _ = conn.Close() })
		}
	}
	return "tcp://" + addr.String()
}

func TestTimeout(t *testing.T) {
	t.Parallel()
	_, errs, code := result(t, command(t, "connect", deaf(t), "--timeout", "50ms"))
	check(t, "", errs, code, "", "i/o timeout", 1)
}

// Ctrl-C ends attempts to connect.
func TestInterruptDialing(t *testing.T) {
	t.Parallel()
	cmd := command(t, "send", deaf(t), "hello", "--retry", "forever", "--timeout", "50ms", "-v")
	r := begin(t, cmd)
	r.sees("trying again")
	r.stop()
}
