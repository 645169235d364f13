package endpoint

import (
	"context"
	"errors"
	"io/fs"
	"net"
	"os"
	"syscall"
)

// unixgram is datagrams between the programs of one machine (unix(7)). Nothing
// is lost: who sends to a full queue waits. Only a socket that has a name can
// be answered, and package net's clients have none, so ours are given one.

// errUnnamed is why a peer's conversation cannot be written to.
var errUnnamed = errors.New("the peer's socket has no name, so it cannot be answered")

// A socketFile is the name of a unix socket in the file system.
type socketFile struct {
	path string
	info fs.FileInfo // as it was made; nil when there is no file, as for an abstract name
}

// fileOf notes which file path is now, just after a socket was bound to it.
func fileOf(path string) socketFile {
	if path == "" || path[0] == '@' {
		return socketFile{}
	}
	info, _ := os.Lstat(path)
	return socketFile{path, info}
}

// remove removes the file, unless another has taken its place since.
func (f socketFile) remove() error {
	if f.info == nil {
		return nil
	}
	now, err := os.Lstat(f.path)
	if err == nil && os.SameFile(f.info, now) {
		err = os.Remove(f.path)
	}
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	return err
}

// overStale does bind, and does it again once a socket file nobody has open any
// more, as a killed program leaves it, is out of its way.
func overStale(ctx context.Context, path string, bind func() error) error {
	err := bind()
	if !isErrno(err, syscall.EADDRINUSE) {
		return err
	}
	f := fileOf(path)
	if !isStale(ctx, path) {
		return err
	}
	if err := f.remove(); err != nil {
		return err
	}
	return bind()
}

// dialFrom dials from path, "" for whatever name the system gives, and returns
// the file that path has become.
func (s settings) dialFrom(ctx context.Context, a Addr, path string, d *net.Dialer) (c net.Conn, f socketFile, err error) {
	if path != "" {
		if err := checkUnixPath(path); err != nil {
			return nil, f, &OptionError{Op: "dial", Addr: a, Option: "bind", Value: path, Reason: err.Error()}
		}
		d.LocalAddr = &net.UnixAddr{Name: path, Net: a.Scheme}
	}
	err = overStale(ctx, path, func() (err error) {
		c, err = d.DialContext(ctx, a.Scheme, a.Path)
		return err
	})
	var step *os.SyscallError
	switch {
	case err == nil:
		return c, fileOf(path), nil
	case errors.As(err, &step) && step.Syscall == "connect":
		_ = fileOf(path).remove() // bound for nothing
	case errors.As(err, &step) && step.Syscall == "bind":
		err = &net.OpError{Op: "dial", Net: a.Scheme, Source: d.LocalAddr, Addr: target{a}, Err: step}
	}
	return nil, f, err
}
