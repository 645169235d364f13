package natsbus

import (
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
)

// lock makes dir this process's own until release is called or the process ends. JetStream itself has no such lock, and
// two servers on one store destroy it.
func lock(dir string) (release func() error, err error) {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, err
	}
	f, err := os.OpenFile(filepath.Join(dir, "lock"), os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return nil, err
	}
	taken, err := tryLock(f)
	if err != nil || !taken {
		defer f.Close()
		if err != nil {
			return nil, fmt.Errorf("lock %s: %w", f.Name(), err)
		}
		by, _ := io.ReadAll(io.LimitReader(f, 32))
		if pid := strings.TrimSpace(string(by)); pid != "" {
			return nil, fmt.Errorf("it is in use by process %s", pid)
		}
		return nil, fmt.Errorf("it is in use by another process")
	}
	// Who has it is only told: when the disk is full it stays untold.
	if f.Truncate(0) == nil {
		_, _ = f.WriteAt(fmt.Appendf(nil, "%d\n", os.Getpid()), 0)
	}
	return f.Close, nil // the file stays: removing it would let two processes lock two files of one name
}
