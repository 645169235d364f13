package main

import (
	"encoding/json"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"sockeye.dev/internal/peertest"
	"sockeye.dev/lab"
)

// Without a scenario there is the list of them.
func TestLabList(t *testing.T) {
	t.Parallel()
	out, errs, code := result(t, command(t, "lab"))
	if code != 0 || !strings.Contains(errs, "run one: sockeye lab fast-retransmit") {
		t.Errorf("said %q, exit %d", errs, code)
	}
	for _, s := range lab.Scenarios() {
		if !strings.Contains(out, s.Name+" ") || !strings.Contains(out, s.Title.En) {
			t.Errorf("the list lacks %s, %s", s.Name, s.Title.En)
		}
	}
	if out, _, _ := result(t, command(t, "lab", "--lang", "zh")); !strings.Contains(out, "快速重传") {
		t.Errorf("the list in Chinese: %s", out)
	}
}

// A run is shown with its packets, its scorecard, and how to have it again.
func TestLab(t *testing.T) {
	t.Parallel()
	out, errs, code := result(t, command(t, "lab", "fast-retransmit"))
	if code != 0 || errs != "" {
		t.Fatalf("said %q, exit %d", errs, code)
	}
	for _, want := range []string{"Fast retransmit\n", "[fast retransmit]", "✗ seq=2841 lost", "held: waiting for 2841", "fills the gap: 9160 B in order",
		"retransmits the lost", "PROVEN", "\nsockeye lab fast-retransmit   (28 packets, "} {
		if !strings.Contains(out, want) {
			t.Errorf("there is no %q in\n%s", want, out)
		}
	}
	if strings.Contains(out, "\x1b") {
		t.Error("there are escape sequences in a file")
	}
	again := regexp.MustCompile(`(?m)^sockeye lab (\S+)   \((.*)\)$`)
	out, _, _ = result(t, command(t, "lab", "clean", "--seed", "7", "--set", "fault=drop A>B data 2", "--set", "link=delay 30ms rate 3mbit"))
	first := again.FindStringSubmatch(out)
	if first == nil {
		t.Fatalf("it does not say how to have it again:\n%s", out)
	}
	out, _, _ = result(t, command(t, "lab", strings.Trim(first[1], "'")))
	if second := again.FindStringSubmatch(out); second == nil || second[2] != first[2] {
		t.Errorf("again it is %q, was %q", second, first)
	}
	if out, _, _ = result(t, command(t, "lab", "refused", "--lang", "zh")); !strings.Contains(out, "无此连接") || !strings.Contains(out, "证实") {
		t.Errorf("in Chinese:\n%s", out)
	}
}

// --packets bounds the diagram, --pace and --step change when it is shown, and
// not what.
func TestLabPace(t *testing.T) {
	t.Parallel()
	want, _, _ := result(t, command(t, "lab", "handshake"))
	paced, _, _ := result(t, command(t, "lab", "handshake", "--pace", "1000"))
	if paced != want {
		t.Errorf("at a pace it is\n%s\nnot\n%s", paced, want)
	}
	cmd := command(t, "lab", "handshake", "--step")
	cmd.Stdin = strings.NewReader(strings.Repeat("\n", 100))
	if stepped, _, _ := result(t, cmd); stepped != want {
		t.Errorf("step by step it is\n%s\nnot\n%s", stepped, want)
	}
	r := begin(t, command(t, "lab", "handshake", "--step"))
	r.hears("SYN-SENT")
	r.interrupt()
	if _, errs, code := r.wait(); code != 0 {
		t.Errorf("interrupted between steps it says %q, exit %d", errs, code)
	}
	if out, _, _ := result(t, command(t, "lab", "clean", "--packets", "5")); !strings.Contains(out, "… 20 more packets") {
		t.Errorf("five packets are\n%s", out)
	}
}

func TestLabJSON(t *testing.T) {
	t.Parallel()
	out, _, code := result(t, command(t, "lab", "bad-link", "--json"))
	count := make(map[string]int)
	for line := range strings.Lines(out) {
		var v struct{ What string }
		if err := json.Unmarshal([]byte(line), &v); err != nil {
			t.Fatalf("%v: %s", err, line)
		}
		count[v.What]++
	}
	if code != 0 || count["run"] != 1 || count["packet"] < 400 || count["state"] < 6 || count["sample"] == 0 || count["flow"] != 2 || count["claim"] != 7 {
		t.Errorf("exit %d, objects: %v", code, count)
	}
}

func TestLabFiles(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	own := filepath.Join(dir, "own.lab")
	if err := os.WriteFile(own, []byte("[first]\nflow tcp A>B bytes 100\n[second]\ntitle My own\nflow udp A>B count 2 size 100\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	out, errs, code := result(t, command(t, "lab", "--scenario", own, "second", "--html", filepath.Join(dir, "run.html"), "--pcapng", filepath.Join(dir, "run")))
	if code != 0 || errs != "" || !strings.Contains(out, "My own") {
		t.Errorf("printed %q, said %q, exit %d", out, errs, code)
	}
	for name, want := range map[string]string{"run.html": "My own", "run-A.pcapng": "\x0a\x0d\x0d\x0a", "run-B.pcapng": "\x0a\x0d\x0d\x0a"} {
		if b, err := os.ReadFile(filepath.Join(dir, name)); err != nil || !strings.Contains(string(b), want) {
			t.Errorf("%s: %v, %d bytes without %q", name, err, len(b), want)
		}
	}
	for args, want := range map[string]string{
		"nonsense":                         `sockeye: scenario "nonsense": there is none: there are handshake, lost-syn, `,
		"clean --set seed":                 "sockeye: --set seed: a knob is turned by knob=value, such as seed=7",
		"clean --set link=lag":             `sockeye: link: impairment "lag": lag: `,
		"clean --seed x":                   `sockeye: seed: "x" is no number from 0 to 18446744073709551615`,
		"clean --set cc=bbr":               "sockeye: cc: gVisor has no bbr; the kernel may have it",
		"third --scenario " + own:          "sockeye: " + own + `: scenario "third": there is none: there are first, second`,
		"second?seed=x --scenario " + own:  "sockeye: " + own + `: seed: "x" is no number`,
		"first --scenario /dev/null":       "sockeye: /dev/null: that is no file",
		"?":                                "sockeye: there is no flow in it: nobody says anything",
		"clean --pace Inf":                 "sockeye: --pace and --packets are not negative",
		"clean --packets -1":               "sockeye: --pace and --packets are not negative",
		"--serve=localhost:0 --set seed=1": "sockeye: --serve shows all scenarios in a browser: it goes with no scenario, ",
		"clean --serve=localhost:0":        "sockeye: --serve shows all scenarios in a browser: it goes with no scenario, and with no other flag of lab",
		"--scenario " + dir + "/none":      "sockeye: open " + dir + "/none: no such file or directory",
	} {
		if out, errs, code := result(t, command(t, append([]string{"lab"}, strings.Fields(args)...)...)); out != "" || !strings.HasPrefix(errs, want) || code != 2 {
			t.Errorf("lab %s: printed %q, said %q, exit %d", args, out, errs, code)
		}
	}
	if out, errs, code := result(t, command(t, "lab", "clean", "--html", dir+"/none/x.html")); out != "" || !strings.HasPrefix(errs, "sockeye: open ") || code != 1 {
		t.Errorf("printed %q, said %q, exit %d", out, errs, code)
	}
}

func TestLabServe(t *testing.T) {
	t.Parallel()
	r := begin(t, command(t, "lab", "--serve=127.0.0.1:0"))
	at := regexp.MustCompile(`http://\S+`).FindString(r.sees("/\n"))
	resp, err := http.Get(at)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	if b, err := io.ReadAll(resp.Body); err != nil || resp.StatusCode != 200 || !strings.Contains(string(b), "<html") {
		t.Errorf("%s: %s, %v: %.200s", at, resp.Status, err, b)
	}
	http.DefaultClient.CloseIdleConnections()
	r.interrupt()
	if _, errs, code := r.wait(); code != 0 {
		t.Errorf("said %q, exit %d", errs, code)
	}
}

// Under the kernel's own TCP, or a clear message.
func TestLabKernel(t *testing.T) {
	t.Parallel()
	out, errs, code := result(t, command(t, "lab", "clean", "--kernel", "--packets", "10"))
	switch {
	case code == 1 && strings.Contains(errs, "hint: ") && !peertest.Required():
		t.Skipf("not permitted: %s", errs)
	case code != 0 || !strings.Contains(errs, "the kernel has counted 0") || !strings.Contains(out, "PROVEN"):
		t.Errorf("printed %q, said %q, exit %d", out, errs, code)
	}
}

// A run is the whole command: its start, the run, and the text; start is the
// first of these alone.
func BenchmarkLab(b *testing.B) {
	for _, bench := range []struct {
		name string
		args []string
	}{{"start", []string{"version"}}, {"clean", []string{"lab", "clean"}}} {
		b.Run(bench.name, func(b *testing.B) {
			for b.Loop() {
				if _, errs, code := result(b, command(b, bench.args...)); code != 0 {
					b.Fatalf("said %q, exit %d", errs, code)
				}
			}
		})
	}
}
