//go:build !linux

package endpoint

import "net"

// onlyJoined has nothing to do: a socket receives what it joined itself.
func onlyJoined(*net.UDPConn) {}
