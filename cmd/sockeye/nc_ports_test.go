//go:build linux

package main

import (
	"context"
	"fmt"
	"math/rand/v2"
	"net"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
)

// ncPorts gives out ports nobody listens at, from below those that systems give
// to clients. Test programs that run at the same time have a part each, which
// is theirs as long as they hold a lock.
var ncPorts struct {
	sync.Mutex
	first, next int
	lock        *os.File
}

const (
	ncLowest    = 11000
	ncPerPart   = 3000
	ncPartCount = 7
)

// ncPart takes a part of the ports.
func ncPart() {
	offset := rand.IntN(ncPartCount)
	for i := range ncPartCount {
		part := (offset + i) % ncPartCount
		f, err := os.OpenFile(filepath.Join(os.TempDir(), fmt.Sprintf("sockeye-test-ports-%d", part)), os.O_CREATE|os.O_RDWR, 0o666)
		if err != nil {
			continue
		}
		ncPorts.first = ncLowest + part*ncPerPart
		if syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB) == nil {
			ncPorts.lock = f
			return
		}
		_ = f.Close()
	}
}

// ncVars are a case's variables: its own directory, and three ports in a row.
func ncVars(t *testing.T) map[string]string {
	t.Helper()
	dir := t.TempDir()
	cert, key := ncCertificate(t)
	vars := map[string]string{"DIR": dir, "SOCK": filepath.Join(dir, "s"), "CERT": cert, "KEY": key}
	ncPorts.Lock()
	defer ncPorts.Unlock()
	if ncPorts.first == 0 {
		ncPart()
	}
	for {
		first := ncPorts.first + ncPorts.next
		ncPorts.next = (ncPorts.next + 3) % ncPerPart
		free := true
		for i, name := range []string{"PORT", "NEXT", "THIRD"} {
			vars[name] = strconv.Itoa(first + i)
			free = free && ncFree(vars[name])
		}
		if free {
			return vars
		}
	}
}

// ncFree reports whether nobody listens at a port, and nothing has its name:
// nc -v would say it.
func ncFree(port string) bool {
	n, _ := strconv.Atoi(port)
	for _, udp := range []bool{false, true} {
		if p := (&ncPlan{udp: udp}); p.service(uint16(n)) != "*" {
			return false
		}
	}
	ln, err := net.Listen("tcp", ":"+port)
	if err != nil {
		return false
	}
	_ = ln.Close()
	pc, err := net.ListenPacket("udp", ":"+port)
	if err != nil {
		return false
	}
	return pc.Close() == nil
}

// ncBound waits until a UDP socket is bound to port, which nothing tells of. One
// that is bound for IPv6 hears IPv4 too, unless another is about to do that.
func ncBound(ctx context.Context, port string, four bool) error {
	n, _ := strconv.Atoi(port)
	mark := fmt.Sprintf(":%04X ", n)
	bound := func(file string) bool {
		text, err := os.ReadFile(file)
		return err == nil && strings.Contains(string(text), mark)
	}
	for other := 0; ctx.Err() == nil; {
		if bound("/proc/net/udp") && four {
			return nil
		}
		if bound("/proc/net/udp6") {
			if other++; !four || other > 20 {
				return nil
			}
		}
		<-time.After(5 * time.Millisecond)
	}
	return context.Cause(ctx)
}
