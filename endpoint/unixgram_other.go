//go:build !unix

package endpoint

import (
	"context"
	"errors"
	"fmt"
	"net"
)

var errNoUnixgram = fmt.Errorf("unix sockets are streams only on this system: %w", errors.ErrUnsupported)

func (s settings) dialUnixgram(_ context.Context, a Addr) (net.Conn, error) {
	return nil, opError("dial", a, errNoUnixgram)
}

func (s settings) serveUnixgram(a Addr, _ *net.UnixConn, _ place, _ socketFile) (net.Listener, error) {
	return nil, opError("listen", a, errNoUnixgram)
}

func (s settings) listenUnixgram(_ context.Context, a Addr) (net.Listener, error) {
	return nil, opError("listen", a, errNoUnixgram)
}
