package workbench_test

import (
	"context"
	"net"
	"strings"
	"testing"

	"sockeye.dev/endpoint"
	"sockeye.dev/workbench"
)

// TestDoorsIdle: every kind of door takes a time of silence, wherever it is said.
func TestDoorsIdle(t *testing.T) {
	for _, door := range []string{"tcp://:1?idle=5", "ws://:1?idle=5s", "{address: 'ws://:1', idle: 5s}", "{address: 'wss://:1', idle: 1h}",
		"udp://127.0.0.1:1?idle=5", "{address: 'udp://127.0.0.1:1', idle: 5s}", "{address: ':1', idle: 5s}"} {
		if !strings.HasPrefix(door, "{") {
			door = "'" + door + "'"
		}
		file, err := workbench.Parse("f", []byte("listen: ["+door+"]\nhistory: {keep: false}"))
		if err != nil {
			t.Errorf("%s: %v", door, err)
			continue
		}
		opened := 0
		ctx, cancel := context.WithCancel(t.Context())
		w, err := workbench.New(ctx, workbench.Options{
			Network: new(endpoint.Mem), Opened: func(workbench.Door, net.Listener) { opened++ },
		}, file)
		cancel()
		if err != nil || opened != 1 {
			t.Errorf("%s: %d doors, %v", door, opened, err)
			continue
		}
		if err := w.Run(ctx); err != nil {
			t.Errorf("%s: %v", door, err)
		}
	}
}

// TestDoorsFraming: a door into a room has no framing that loses what is said; a broker has any.
func TestDoorsFraming(t *testing.T) {
	for door, want := range map[string]string{
		"'tcp://:1?frame=fixed:8'": "no fixed length", "{address: 'udp://127.0.0.1:1', frame: 'fixed:8'}": "no fixed length",
		"'tcp://:1?frame=datagram'": "no messages of its own", "{address: 'tcp://:1', frame: 'fixed:8', broker: true}": "",
		"'udp://127.0.0.1:1?frame=datagram'": "", "'ws://:1?frame=datagram'": "", "'tcp://:1?frame=len16'": "",
	} {
		file, err := workbench.Parse("f", []byte("listen: ["+door+"]\nhistory: {keep: false}"))
		if err != nil {
			t.Fatal(err)
		}
		ctx, cancel := context.WithCancel(t.Context())
		w, err := workbench.New(ctx, workbench.Options{Network: new(endpoint.Mem)}, file)
		cancel()
		if (err == nil) != (want == "") || err != nil && !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v", door, err)
		}
		if err == nil {
			if err := w.Run(ctx); err != nil {
				t.Errorf("%s: %v", door, err)
			}
		}
	}
}
