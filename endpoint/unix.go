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
	c, file, err := s.dialFrom(ctx, a, s.bind, s.dialer())
	if err != nil || file.info == nil {
		return c, err
	}
	return namedConn{c.(*net.UnixConn), file}, nil
}

// A namedConn is bound to a file, which Close removes.
type namedConn struct {
	*net.UnixConn
	file socketFile
}

func (c namedConn) Close() error {
	err := c.UnixConn.Close()
	if err == nil {
		err = c.file.remove()
	}
	return err
}

// listenUnix listens at a path. A socket file nobody listens on any more, as a
// killed program leaves it, is removed; a live one is EADDRINUSE.
func (s settings) listenUnix(ctx context.Context, a Addr) (net.Listener, error) {
	var ln net.Listener
	err := overStale(ctx, a.Path, func() (err error) {
		ln, err = s.listenConfig().Listen(ctx, "unix", a.Path)
		return err
	})
	if err != nil {
		return nil, opError("listen", a, bareError(err))
	}
	if err := s.setBacklog(ln.(syscall.Conn)); err != nil {
		ln.Close()
		return nil, opError("listen", a, err)
	}
	return ln, nil
}

// isStale reports whether path is a socket that no program has open. Only a
// refused connect proves that. It is tried with a datagram socket, whatever the
// file's kind: where a stream socket listens the system says EPROTOTYPE, and its
// server notices nothing, while a stream's connect is a conversation for it, and
// is refused by BSD when the backlog is full of a program that lives. A plain
// file refuses too, and is never removed.
func isStale(ctx context.Context, path string) bool {
	if strings.HasPrefix(path, "@") {
		return false
	}
	info, err := os.Lstat(path)
	if err != nil || info.Mode().Type() != fs.ModeSocket {
		return false
	}
	d := net.Dialer{Timeout: time.Second}
	kind := "unixgram"
	if runtime.GOOS == "windows" {
		kind = "unix" // it has no other
	}
	c, err := d.DialContext(ctx, kind, path)
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
