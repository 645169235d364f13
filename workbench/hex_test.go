package workbench

import (
	"io"
	"testing"
	"testing/synctest"
	"time"
)

// A door for devices that speak bytes ends what they say with a pause alone,
// unless the file says otherwise: a newline's is a byte like any other.
func TestHexDoor(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		_, network, stop := bench(t, "listen: [tcp://127.0.0.1:1, 'tcp://127.0.0.1:2?encoding=hex', {address: tcp://127.0.0.1:3, encoding: hex, frame: len16}]\n"+
			"history: {keep: false}\nlimits: {joins-per-second: 0}")
		defer stop()
		ann := visit(t, network, "tcp://127.0.0.1:1")
		ann.see()
		meter := visit(t, network, "tcp://127.0.0.1:2")
		ann.see()
		counted := visit(t, network, "tcp://127.0.0.1:3")
		ann.see()
		for _, said := range []struct {
			by         *visitor
			data, seen string
		}{
			{meter, "\x01\x0a\x03", "<guest-2> 01 0a 03\n"}, {meter, "\x04\x0a", "<guest-2> 04 0a\n"}, {counted, "\x00\x02\x0a\xff", "<guest-3> 0a ff\n"},
		} {
			if _, err := io.WriteString(said.by, said.data); err != nil {
				t.Fatal(err)
			}
			time.Sleep(time.Second)
			if got := ann.see(); got != said.seen {
				t.Errorf("% x is shown as %q", said.data, got)
			}
		}
	})
}
