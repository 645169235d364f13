//go:build !windows

package endpoint

// bindsGroup says that a socket can be bound to a group's address, and so be
// spared what is sent to its port otherwise.
const bindsGroup = true

// shareGroup lets several programs listen to a group (SO_REUSEADDR, socket(7);
// each gets every datagram).
func shareGroup(fd uintptr) error { return setReuseAddr(fd, 1) }
