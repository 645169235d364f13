// Package measure is what the measurements of bench share: their programs are
// built, started and waited for in one way. What goes wrong here is a panic,
// for there is nothing to measure then.
package measure

import (
	"cmp"
	"fmt"
	"log"
	"net"
	"os"
	"os/exec"
	"os/signal"
	"regexp"
	"slices"
	"strconv"
	"syscall"
	"time"
)

// Programs that Build builds.
const (
	Sockeye = "sockeye.dev/cmd/sockeye"
	NATS    = "github.com/nats-io/nats-server/v2"
)

// Check panics if there is an error: what is deferred is done, so that nothing
// is left behind.
func Check(err error) {
	if err != nil {
		log.Panic(err)
	}
}

// Build builds programs, by their packages, into a directory.
func Build(dir string, packages ...string) error {
	build := exec.Command("go", append([]string{"build", "-o", dir}, packages...)...)
	build.Stderr = os.Stderr
	return build.Run()
}

// RemoveIfInterrupted removes a directory and ends the process with status 1
// when somebody interrupts it.
func RemoveIfInterrupted(dir string) {
	interrupted := make(chan os.Signal, 1)
	signal.Notify(interrupted, os.Interrupt, syscall.SIGTERM)
	go func() {
		<-interrupted
		os.RemoveAll(dir)
		os.Exit(1) // and what Start has started ends with us
	}()
}

// Installed says whether a program is installed, and prints that name is not.
func Installed(name, program string) bool {
	_, err := exec.LookPath(program)
	if err != nil {
		fmt.Printf("%s is not installed\n", name)
	}
	return err == nil
}

// FreePort returns a port of 127.0.0.1 nothing listens on. Another process
// could take it before the one it is meant for.
func FreePort() string {
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	Check(err)
	defer ln.Close()
	_, port, _ := net.SplitHostPort(ln.Addr().String())
	return port
}

// AwaitListener waits until somebody listens on the port, and returns false
// when nobody does within ten seconds. It does not connect: a server that
// serves once would serve us, and a hub would announce us. It reads Linux's
// table of sockets, in which state 0A is LISTEN.
func AwaitListener(port string) bool {
	n, err := strconv.Atoi(port)
	Check(err)
	listening := regexp.MustCompile(fmt.Sprintf(`:%04X [0-9A-F]+:0000 0A `, n))
	for range 2000 {
		for _, table := range []string{"/proc/net/tcp", "/proc/net/tcp6"} {
			if b, err := os.ReadFile(table); err == nil && listening.Match(b) {
				return true
			}
		}
		time.Sleep(5 * time.Millisecond) // the kernel tells nobody
	}
	return false
}

// Median sorts v and returns what is in its middle, or 0 if v is empty.
func Median[T cmp.Ordered](v []T) (middle T) {
	slices.Sort(v)
	if len(v) > 0 {
		middle = v[len(v)/2]
	}
	return middle
}
