package workbench

import (
	"strings"
	"testing"
	"testing/synctest"
)

// A member whose frame is too long stays, and is heard again.
func TestTooLongFrame(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		_, network, _ := bench(t, "listen: [tcp://127.0.0.1:1, {address: tcp://127.0.0.1:2, frame: slip}]\nhistory: {keep: false}")
		bob, ann := visit(t, network, "tcp://127.0.0.1:1"), visit(t, network, "tcp://127.0.0.1:2")
		bob.see()
		_, _ = ann.Write([]byte(strings.Repeat("x", 16<<10+1) + "\xc0hello\xc0"))
		if got := bob.see(); !strings.HasSuffix(got, "> hello\n") {
			t.Errorf("bob sees %q", got)
		}
	})
}
