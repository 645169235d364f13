//go:build !linux && !darwin

package endpoint

import "net/netip"

const pktinfoSpace = 0

// askedAt cannot tell here: answers leave from the address the system chooses.
func (s *hostSocket) askedAt([]byte) netip.Addr { return netip.Addr{} }
