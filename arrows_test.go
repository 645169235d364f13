package sockeye

import (
	"maps"
	"os/exec"
	"slices"
	"strings"
	"testing"
)

// arrows says which packages of this module, and which heavy libraries, a
// package may import, and why. What is not in the table may import nothing but
// the standard library.
var arrows = map[string]map[string]string{
	"endpoint": {"golang.org/x/net": "batches of datagrams, control messages", "golang.org/x/sys": "socket options",
		"github.com/pires/go-proxyproto": "PROXY headers"},
	"charset": {"golang.org/x/text": "the encoding tables"},
	"frame":   {"charset": "delimiters are characters"},
	"observe": {"charset": "transcripts are text", "frame": "messages, not reads", "github.com/gopacket/gopacket": "pcapng"},
	"room/natsbus": {"room": "the bus it is", "github.com/nats-io/nats-server/v2": "embedded", "github.com/nats-io/nats.go": "the client",
		"golang.org/x/sys": "the lock on the directory"},
	"room": {"charset": "what others say is made harmless"},
	"session": {"endpoint": "ground", "charset": "ground", "frame": "messages", "observe": "the tap",
		"golang.org/x/time": "the limit on unproved addresses", "golang.org/x/sys": "what the peer's kernel has acknowledged"},
	"term":    {"charm.land/bubbletea/v2": "keys", "charm.land/bubbles/v2": "line editing", "github.com/charmbracelet/x/ansi": "widths"},
	"handler": {"session": "it holds them", "room": "the door into it", "frame": "the default framing", "charset": "ground", "endpoint": "ground"},
	"impair":  {},
	"lab": {"impair": "what its lines do", "observe": "captures", "gvisor.dev/gvisor": "the stacks",
		"golang.org/x/sys": "the kernel as referee: namespaces and TUN devices"},
	"lan": {"session": "a conversation per peer", "endpoint": "ground", "charset": "ground"},
}

func TestArrows(t *testing.T) {
	const module = "sockeye.dev/"
	out, err := exec.Command("go", "list", "-f", `{{.ImportPath}}{{range .Imports}} {{.}}{{end}}`, "./...").Output()
	if err != nil {
		t.Fatalf("go list: %v", err)
	}
	seen := make(map[string]bool)
	for line := range strings.Lines(string(out)) {
		fields := strings.Fields(line)
		name, ok := strings.CutPrefix(fields[0], module)
		if !ok || strings.Contains(name, "/") && arrows[name] == nil { // commands, examples and measurements wire what they like
			continue
		}
		seen[name] = true
		for _, to := range fields[1:] {
			if !strings.Contains(strings.SplitN(to, "/", 2)[0], ".") {
				continue // the standard library
			}
			allowed := slices.ContainsFunc(slices.Collect(maps.Keys(arrows[name])), func(a string) bool {
				return to == module+a || to == a || strings.HasPrefix(to, a+"/")
			})
			if !allowed {
				t.Errorf("%s imports %s, which the table does not allow", name, to)
			}
		}
	}
	for name := range arrows {
		if !seen[name] {
			t.Errorf("the table has %s, which is no package", name)
		}
	}
}
