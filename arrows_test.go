package sockeye

import (
	"os/exec"
	"strings"
	"testing"
)

// arrows says which packages of this module, and which heavy libraries, a
// package may import, and why. What is not in the table may import nothing but
// the standard library.
var arrows = map[string]map[string]string{
	"endpoint": {"golang.org/x/net": "batches of datagrams, control messages", "golang.org/x/sys": "socket options",
		"github.com/pires/go-proxyproto": "PROXY headers", "internal/typo": "the option that was meant"},
	"charset": {"golang.org/x/text": "the encoding tables", "internal/typo": "the label that was meant"},
	"frame":   {"charset": "delimiters are characters", "internal/typo": "the framing that was meant"},
	"observe": {"charset": "transcripts are text"},
	"room/natsbus": {"room": "the bus it is", "github.com/nats-io/nats-server/v2": "embedded", "github.com/nats-io/nats.go": "the client",
		"golang.org/x/sys": "the lock on the directory"},
	"room": {"charset": "what others say is made harmless", "internal/typo": "the command that was meant"},
	"session": {"endpoint": "ground", "charset": "ground", "frame": "messages", "observe": "the tap",
		"golang.org/x/time": "the limit on unproved addresses", "golang.org/x/sys": "what the peer's kernel has acknowledged"},
	"term": {"charm.land/bubbletea/v2": "keys", "charm.land/bubbles/v2": "line editing", "github.com/charmbracelet/x/ansi": "widths"},
	"handler": {"session": "it holds them", "room": "the door into it", "frame": "the default framing", "charset": "ground",
		"golang.org/x/time": "how often a source may speak"},
	"impair": {},
	"lab": {"impair": "what its lines do", "observe": "captures", "gvisor.dev/gvisor": "the stacks",
		"golang.org/x/sys": "the kernel as referee: namespaces and TUN devices"},
	"workbench": {"session": "the servers behind the doors", "handler": "what the doors do", "room": "the rooms", "observe": "what the doors see",
		"endpoint": "the addresses in its file", "charset": "the encodings in its file", "frame": "the framings in its file",
		"go.yaml.in/yaml/v4": "the file, with lines and columns", "golang.org/x/sys": "systemd's clock, and what the kernel says of the process",
		"internal/typo": "the word that was meant"},
	"lan": {"session": "a conversation per peer", "endpoint": "ground", "charset": "ground"},
}

func TestArrows(t *testing.T) {
	seen, used := make(map[string]bool), make(map[[2]string]bool)
	for _, system := range []string{"linux", "darwin", "windows"} { // what each imports, wherever this runs
		arrowsOn(t, system, seen, used)
	}
	for name, to := range arrows {
		if !seen[name] {
			t.Errorf("the table has %s, which is no package", name)
			continue
		}
		for to := range to {
			if !used[[2]string{name, to}] {
				t.Errorf("the table allows %s to import %s, which it does not", name, to)
			}
		}
	}
}

// arrowsOn holds the imports on a system against the table. It notes the
// packages that are there, and which entries were needed.
func arrowsOn(t *testing.T, system string, seen map[string]bool, used map[[2]string]bool) {
	const module = "sockeye.dev/"
	cmd := exec.Command("go", "list", "-f", `{{.ImportPath}}{{range .Imports}} {{.}}{{end}}`, "./...")
	cmd.Env = append(cmd.Environ(), "GOOS="+system, "CGO_ENABLED=0")
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("go list: %v", err)
	}
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
			allowed := false
			for a := range arrows[name] {
				if to == module+a || to == a || strings.HasPrefix(to, a+"/") {
					allowed, used[[2]string{name, a}] = true, true
				}
			}
			if !allowed {
				t.Errorf("on %s, %s imports %s, which the table does not allow", system, name, to)
			}
		}
	}
}
