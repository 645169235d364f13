package endpoint

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"os"
	"runtime"
	"strings"
	"syscall"
	"time"
)

func (s settings) dialUnix(ctx context.Context, a Addr) (net.Conn, error) {
	if err := checkUnixPath(a.Path); err != nil {
		return nil, opError("dial", a, err)
	}
	d := s.dialer()
	if s.bind != "" {
		d.LocalAddr = &net.UnixAddr{Name: s.bind, Net: "unix"}
	}
	return d.DialContext(ctx, "unix", a.Path)
}

// listenUnix listens at a path. A socket file nobody listens on any more, as a
// killed program leaves it, is removed; a live one is EADDRINUSE.
func (s settings) listenUnix(ctx context.Context, a Addr) (net.Listener, error) {
	if err := checkUnixPath(a.Path); err != nil {
		return nil, opError("listen", a, err)
	}
	ln, err := s.listenConfig().Listen(ctx, "unix", a.Path)
	if isErrno(err, syscall.EADDRINUSE) && isStale(ctx, a.Path) {
		if rmErr := os.Remove(a.Path); rmErr != nil && !errors.Is(rmErr, fs.ErrNotExist) {
			return nil, opError("listen", a, rmErr)
		}
		ln, err = s.listenConfig().Listen(ctx, "unix", a.Path)
	}
	if err != nil {
		return nil, err
	}
	if err := s.setBacklog(ln.(syscall.Conn)); err != nil {
		ln.Close()
		return nil, opError("listen", a, err)
	}
	return ln, nil
}

// isStale reports whether path is a socket whose listener is gone. Only a
// refused dial proves that: a listener with a full backlog does not answer
// either. A plain file refuses a dial too, and is never removed.
func isStale(ctx context.Context, path string) bool {
	if strings.HasPrefix(path, "@") {
		return false
	}
	info, err := os.Lstat(path)
	if err != nil || info.Mode().Type() != fs.ModeSocket {
		return false
	}
	d := net.Dialer{Timeout: time.Second}
	c, err := d.DialContext(ctx, "unix", path)
	if err == nil {
		c.Close()
		return false
	}
	return isErrno(err, syscall.ECONNREFUSED)
}

// checkUnixPath says in words what the system calls an invalid argument.
func checkUnixPath(path string) error {
	limit := 107 // sun_path with its zero byte
	switch runtime.GOOS {
	case "linux", "windows":
	default:
		limit = 103
	}
	if len(path) > limit {
		return fmt.Errorf("path of %d bytes exceeds the limit of %d bytes for a unix socket", len(path), limit)
	}
	if strings.HasPrefix(path, "@") && runtime.GOOS != "linux" {
		return fmt.Errorf("abstract sockets exist on linux only: %w", errors.ErrUnsupported)
	}
	return nil
}
