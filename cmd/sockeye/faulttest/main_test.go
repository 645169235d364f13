//go:build unix

// Package faulttest runs the program as its users do, in processes of its own, and takes away from under it what it stands
// on: the process itself, a server of the cluster, the way there, the disk. What members are shown is then held against
// what was acknowledged to them.
package faulttest

import (
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"sync"
	"syscall"
	"testing"

	"go.uber.org/goleak"
)

func TestMain(m *testing.M) {
	if signal.Ignored(syscall.SIGHUP) { // by nohup; the programs are to hear it all the same
		signal.Notify(make(chan os.Signal, 1), syscall.SIGHUP)
	}
	goleak.VerifyTestMain(m, goleak.Cleanup(func(code int) {
		_ = os.RemoveAll(programs) // "" removes nothing
		os.Exit(code)
	}))
}

// programs is where the programs under test are built; TestMain removes it.
var programs string

var build = sync.OnceValue(func() error {
	// go test sees which files a test has looked at, and only then knows that the result it remembers was another program's.
	err := filepath.WalkDir("../../..", func(path string, _ fs.DirEntry, err error) error {
		if ext := filepath.Ext(path); err == nil && (ext == ".go" || ext == ".mod") {
			_, err = os.Stat(path)
		}
		return err
	})
	if err != nil {
		return err
	}
	if programs, err = os.MkdirTemp("", "faulttest"); err != nil {
		return err
	}
	for name, from := range map[string]string{"sockeye": "sockeye.dev/cmd/sockeye", "nats-server": "github.com/nats-io/nats-server/v2"} {
		if out, err := exec.Command("go", "build", "-o", filepath.Join(programs, name), from).CombinedOutput(); err != nil {
			return fmt.Errorf("%w: %s", err, out)
		}
	}
	return nil
})

// begin builds the programs, and has the test run beside the others: they wait most of the time. With -short it is
// skipped.
func begin(t *testing.T) {
	t.Helper()
	if testing.Short() {
		t.Skip("whole processes take their time")
	}
	t.Parallel()
	if err := build(); err != nil {
		t.Fatal(err)
	}
}
