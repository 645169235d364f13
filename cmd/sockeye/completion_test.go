package main

import (
	"os/exec"
	"slices"
	"strings"
	"testing"
)

// What a shell would be told at each place.
func TestCompletionValues(t *testing.T) {
	t.Parallel()
	for _, test := range []struct{ line, want string }{
		{"connect --encoding g", "gbk gb18030"},
		{"connect --encoding sjis", "sjis"},
		{"connect --frame le", "len8 len16 len16le len32 len32le"},
		{"send --errors s", "strict surrogateescape"},
		{"listen ", "tcp:// udp:// tls:// unix:// unixgram:// ws:// wss://"},
		{"listen tcp://:1 ud", "udp://"},
		{"connect tcp://:1 ", ""},
		{"comp", "completion"},
		{"completion z", "zsh"},
		{"text decode gb", "gbk gb18030"},
	} {
		words := strings.Split(test.line, " ")
		out, errs, code := result(t, command(t, append([]string{"__complete"}, words...)...))
		if code != 0 {
			t.Errorf("%q: %s, exit %d", test.line, errs, code)
			continue
		}
		var got []string
		for line := range strings.Lines(out) {
			if value, _, _ := strings.Cut(strings.TrimSpace(line), "\t"); !strings.HasPrefix(value, ":") && strings.HasPrefix(value, words[len(words)-1]) {
				got = append(got, value)
			}
		}
		for _, want := range strings.Fields(test.want) {
			if !slices.Contains(got, want) {
				t.Errorf("%q: %q lacks %q", test.line, got, want)
			}
		}
		if test.want == "" && len(got) > 0 {
			t.Errorf("%q: %q, want nothing", test.line, got)
		}
	}
}

// The scripts are what their shells can read, and bash completes with its.
func TestCompletionScripts(t *testing.T) {
	t.Parallel()
	for _, shell := range []string{"bash", "zsh", "fish", "powershell"} {
		out, errs, code := result(t, command(t, "completion", shell))
		if code != 0 || !strings.Contains(out, "sockeye") {
			t.Errorf("%s: %d bytes, said %q, exit %d", shell, len(out), errs, code)
		}
		path, err := exec.LookPath(shell)
		if err != nil || shell == "powershell" {
			continue
		}
		check := exec.CommandContext(t.Context(), path, "-n")
		check.Stdin = strings.NewReader(out)
		if said, err := check.CombinedOutput(); err != nil {
			t.Errorf("%s -n: %v\n%s", shell, err, said)
		}
	}
	if _, _, code := result(t, command(t, "completion", "csh")); code != 2 {
		t.Errorf("csh: exit %d", code)
	}
}

// The manual page is roff, with every command in it.
func TestManual(t *testing.T) {
	t.Parallel()
	out, errs, code := result(t, command(t, "man"))
	if code != 0 || !strings.HasPrefix(out, ".TH") {
		t.Fatalf("%.40q, said %q, exit %d", out, errs, code)
	}
	for _, name := range []string{"connect", "send", "listen", "serve", "chat", "text", "nc"} {
		if !strings.Contains(out, name) {
			t.Errorf("it lacks %s", name)
		}
	}
}
