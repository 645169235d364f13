//go:build !linux

package endpoint

import "net"

// PeerUID is the user who has connected to a Unix socket; ok is false for other connections, and on systems where the
// kernel does not say.
func PeerUID(net.Conn) (uid int, ok bool) { return 0, false }
