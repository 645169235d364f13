package endpoint

import "syscall"

// bindsGroup: Winsock refuses to bind a group's address.
const bindsGroup = false

// shareGroup lets several programs listen to a group, which is what
// SO_REUSEADDR is harmless for: each gets every datagram.
func shareGroup(fd uintptr) error { return setInt(fd, syscall.SO_REUSEADDR, 1) }
