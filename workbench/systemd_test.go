package workbench_test

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"sockeye.dev/endpoint"
	"sockeye.dev/workbench"
)

// childVariable makes a child of the test binary: it says what it has inherited.
const childVariable = "SOCKEYE_WORKBENCH_CHILD"

// child prints the sockets it has inherited, then takes those that the variable names, by address or by name, and answers
// one peer of each.
func child() {
	sockets, err := workbench.Inherit(os.LookupEnv, os.Getpid())
	if err != nil {
		fmt.Println("error:", err)
		return
	}
	for _, s := range sockets.Left() {
		fmt.Println(s)
	}
	for _, want := range strings.Fields(os.Getenv(childVariable)) {
		take := sockets.Take
		a, err := endpoint.Parse(want)
		if err != nil {
			a = endpoint.Addr{Scheme: "unix"}
			take = func(endpoint.Addr) (endpoint.Socket, error) { return sockets.TakeNamed(want) }
		}
		host := endpoint.Host{Inherited: func(a endpoint.Addr) (endpoint.Socket, error) {
			s, err := take(a)
			if s == (endpoint.Socket{}) && err == nil {
				err = errors.New("nothing")
			}
			return s, err
		}}
		if err := answerOne(host, a); err != nil {
			fmt.Println("error:", err)
		}
	}
	for _, s := range sockets.Left() {
		fmt.Println("left", s)
	}
	if err := sockets.Close(); err != nil {
		fmt.Println("error:", err)
	}
}

// answerOne says to the first who speaks what it has heard.
func answerOne(host endpoint.Host, a endpoint.Addr) error {
	ln, err := host.Listen(context.Background(), a)
	if err != nil {
		return err
	}
	conn, err := ln.Accept()
	if err != nil {
		return err
	}
	buffer := make([]byte, 100)
	n, err := conn.Read(buffer)
	if err == nil {
		_, err = fmt.Fprintf(conn, "%s heard %s", a.Scheme, buffer[:n])
	}
	return errors.Join(err, conn.Close(), ln.Close())
}

func lookup(env map[string]string) func(string) (string, bool) {
	return func(key string) (string, bool) { v, ok := env[key]; return v, ok }
}

func TestInheritNothing(t *testing.T) {
	me := strconv.Itoa(os.Getpid())
	for _, env := range []map[string]string{nil, {"LISTEN_FDS": "1"}, {"LISTEN_PID": "1", "LISTEN_FDS": "1"}, {"LISTEN_PID": me, "LISTEN_FDS": "0"}} {
		s, err := workbench.Inherit(lookup(env), os.Getpid())
		if err != nil || len(s.Left()) != 0 || s.Close() != nil {
			t.Errorf("%v: %v, %v", env, s, err)
		}
	}
	for _, n := range []string{"", "x", "-1", "100000"} {
		if _, err := workbench.Inherit(lookup(map[string]string{"LISTEN_PID": me, "LISTEN_FDS": n}), os.Getpid()); err == nil {
			t.Errorf("LISTEN_FDS=%q is taken", n)
		}
	}
}

// service is what systemd would be: a socket that hears what a Notifier says.
func service(t *testing.T, env map[string]string) (*workbench.Notifier, func() string) {
	t.Helper()
	if runtime.GOOS == "windows" {
		t.Skip("Windows has no unixgram")
	}
	path := filepath.Join(t.TempDir(), "notify")
	conn, err := net.ListenUnixgram("unixgram", &net.UnixAddr{Name: path, Net: "unixgram"})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
	all := map[string]string{"NOTIFY_SOCKET": path}
	for k, v := range env {
		all[k] = v
	}
	n, err := workbench.NewNotifier(lookup(all), 42)
	if err != nil {
		t.Fatal(err)
	}
	return n, func() string {
		buffer := make([]byte, 1000)
		k, err := conn.Read(buffer)
		if err != nil {
			return err.Error()
		}
		return string(buffer[:k])
	}
}

func TestNotifier(t *testing.T) {
	n, heard := service(t, nil)
	for want, say := range map[string]func() error{
		"READY=1":         n.Ready,
		"STOPPING=1":      n.Stopping,
		"STATUS=all well": func() error { return n.Status("all\nwell") },
	} {
		if err := say(); err != nil {
			t.Fatal(err)
		}
		if got := heard(); got != want {
			t.Errorf("heard %q, want %q", got, want)
		}
	}
	if n.Watchdog() != 0 {
		t.Errorf("a watchdog of %v", n.Watchdog())
	}
	if runtime.GOOS != "linux" {
		return
	}
	if err := n.Reloading(); err != nil {
		t.Fatal(err)
	}
	got := heard()
	usec, err := strconv.ParseInt(strings.TrimPrefix(got, "RELOADING=1\nMONOTONIC_USEC="), 10, 64)
	if err != nil || usec <= 0 {
		t.Errorf("heard %q", got)
	}
}

func TestNotifierOfNobody(t *testing.T) {
	n, err := workbench.NewNotifier(lookup(nil), 42)
	if n != nil || err != nil {
		t.Fatalf("%v, %v", n, err)
	}
	if err := errors.Join(n.Ready(), n.Stopping(), n.Status("x")); err != nil || n.Watchdog() != 0 {
		t.Error(err)
	}
	ctx, cancel := context.WithCancelCause(t.Context())
	cause := errors.New("enough")
	cancel(cause)
	if err := n.Run(ctx, nil); err != cause {
		t.Error(err)
	}
	for _, env := range []map[string]string{
		{"NOTIFY_SOCKET": "vsock:2:1234"},
		{"NOTIFY_SOCKET": "@x", "WATCHDOG_USEC": "soon"},
		{"NOTIFY_SOCKET": "@x", "WATCHDOG_USEC": "0"},
	} {
		if _, err := workbench.NewNotifier(lookup(env), 42); err == nil {
			t.Errorf("%v is taken", env)
		}
	}
	gone, err := workbench.NewNotifier(lookup(map[string]string{"NOTIFY_SOCKET": filepath.Join(t.TempDir(), "gone")}), 42)
	if err != nil {
		t.Fatal(err)
	}
	if err := gone.Ready(); err == nil {
		t.Error("nobody listens, which is no error")
	}
}

func TestWatchdog(t *testing.T) {
	for pid, want := range map[string]time.Duration{"": 20 * time.Second, "42": 20 * time.Second, "43": 0} {
		if n, _ := service(t, map[string]string{"WATCHDOG_USEC": "20000000", "WATCHDOG_PID": pid}); n.Watchdog() != want {
			t.Errorf("for process %q the watchdog is %v, want %v", pid, n.Watchdog(), want)
		}
	}
	n, heard := service(t, map[string]string{"WATCHDOG_USEC": "20000000"})
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		var times []time.Duration
		start := time.Now()
		err := n.Run(ctx, func() error {
			times = append(times, time.Since(start))
			switch len(times) {
			case 2:
				return errors.New("stuck")
			case 3:
				cancel()
			}
			return nil
		})
		if !errors.Is(err, context.Canceled) {
			t.Error(err)
		}
		if want := []time.Duration{0, 10 * time.Second, 20 * time.Second}; fmt.Sprint(times) != fmt.Sprint(want) {
			t.Errorf("asked at %v, want %v", times, want)
		}
	})
	for _, want := range []string{"WATCHDOG=1", "STATUS=stuck", "WATCHDOG=1"} {
		if got := heard(); got != want {
			t.Errorf("heard %q, want %q", got, want)
		}
	}
}
