package natsbus

import (
	"net"
	"testing"
)

// The embedded server is this process's alone: nobody can connect to it, however it is asked to be reached.
func TestEmbeddedDoesNotListen(t *testing.T) {
	b := openDir(t, Config{})
	say(t, b, "r", "")
	srv := b.server.srv
	var none *net.TCPAddr
	for name, at := range map[string]net.Addr{"clients": srv.Addr(), "a cluster": srv.ClusterAddr(), "monitors": srv.MonitorAddr(), "profilers": srv.ProfilerAddr()} {
		if at != nil && at != none {
			t.Errorf("it listens for %s at %v", name, at)
		}
	}
}
