// Package peertest finds the programs that tests compare us with.
package peertest

import (
	"os"
	"os/exec"
	"testing"
)

// Required says whether a test must fail that lacks what it needs of the
// machine: SOCKEYE_REQUIRE_PEERS is set. Otherwise it is skipped, visibly.
func Required() bool { return os.Getenv("SOCKEYE_REQUIRE_PEERS") != "" }

// Path returns the path of a program. Where it is not installed the test is
// skipped, or fails if peers are [Required].
func Path(t testing.TB, name string) string {
	t.Helper()
	path, err := exec.LookPath(name)
	if err != nil {
		if Required() {
			t.Fatalf("%s is not installed", name)
		}
		t.Skipf("%s is not installed", name)
	}
	return path
}
