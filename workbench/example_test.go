package workbench_test

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"sockeye.dev/workbench"
)

var examplePath = filepath.Join("..", "examples", "serve", "sockeye.yaml")

// TestExampleFile checks the example, and that what it has commented out is right too.
func TestExampleFile(t *testing.T) {
	f, err := workbench.ReadFile(examplePath)
	if err != nil {
		t.Fatal(err)
	}
	roundTrip(t, f)
	data, err := os.ReadFile(examplePath)
	if err != nil {
		t.Fatal(err)
	}
	text := strings.NewReplacer("\n# nats:", "\nnats:", "\n#   ", "\n  ", "\n  data: ", "\n  # data: ").Replace(string(data))
	if f, err = workbench.Parse(examplePath, []byte(text)); err != nil {
		t.Errorf("with nats: %v", err)
	} else if f.NATS.Replicas != 3 {
		t.Errorf("%d replicas", f.NATS.Replicas)
	}
}

func ExampleParse() {
	_, err := workbench.Parse("sockeye.yaml", []byte("listen:\n  - address: tls://:7789\n    rom: lobby\ndrain: 5 minutes\n"))
	fmt.Println(err)
	// Output:
	// sockeye.yaml:3:5: listen.rom: unknown key (did you mean room?)
	// sockeye.yaml:4:8: drain: "5 minutes" is not a duration: 500ms, 2s, 1h30m, 30d, or a bare number of seconds
}
