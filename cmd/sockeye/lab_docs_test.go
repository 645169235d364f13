package main

import (
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"

	"sockeye.dev/internal/peertest"
)

// labLines are the command lines of a text: what stands indented or fenced and
// runs the lab; and the scenario that it shows, as a file.
func labLines(t *testing.T, name string) (lines []string, scenario string) {
	t.Helper()
	text, err := os.ReadFile(filepath.Join("..", "..", "docs", name))
	if err != nil {
		t.Fatal(err)
	}
	fenced, own := false, false
	for line := range strings.Lines(string(text)) {
		word := strings.TrimSpace(line)
		indented := strings.HasPrefix(line, "    ")
		switch {
		case strings.HasPrefix(word, "```"):
			fenced = !fenced
			continue
		case !fenced && !indented:
			own = false
			continue
		case strings.HasPrefix(word, "["):
			own = true
		case strings.HasPrefix(strings.TrimPrefix(word, "sudo "), "sockeye lab"):
			lines = append(lines, word)
		}
		if own {
			scenario += word + "\n"
		}
	}
	return lines, scenario
}

// Every command line of the lab's course does what a reader expects of it: it
// exits with 0, and complains of nothing.
func TestLabDocs(t *testing.T) {
	t.Parallel()
	if runtime.GOOS == "windows" {
		t.Skip("the lines are for a POSIX shell")
	}
	lines, scenario := labLines(t, "lab.md")
	chinese, inChinese := labLines(t, "lab.zh.md")
	if !slices.Equal(lines, chinese) {
		t.Errorf("lab.md and lab.zh.md have different commands:\n%s\n\n%s", strings.Join(lines, "\n"), strings.Join(chinese, "\n"))
	}
	if len(lines) < 15 || scenario == "" || inChinese == "" {
		t.Fatalf("lab.md has %d command lines, and the scenarios %q and %q", len(lines), scenario, inChinese)
	}
	exe, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	bin := t.TempDir()
	if err := os.Symlink(exe, filepath.Join(bin, "sockeye")); err != nil {
		t.Fatal(err)
	}
	shell := func(t *testing.T, dir, line string) (out, errs string, code int) {
		cmd := exec.CommandContext(t.Context(), "/bin/sh", "-c", line)
		cmd.Dir = dir
		cmd.Env = append(command(t).Env, "PATH="+bin+string(os.PathListSeparator)+os.Getenv("PATH"))
		return result(t, cmd)
	}
	for _, line := range lines {
		t.Run(line, func(t *testing.T) {
			t.Parallel()
			if strings.Contains(line, "| jq ") {
				peertest.Path(t, "jq")
			}
			line, root := strings.CutPrefix(line, "sudo ")
			dir := t.TempDir()
			out, errs, code := shell(t, dir, line)
			switch {
			case root && code == 1 && strings.Contains(errs, "hint: ") && !peertest.Required():
				t.Skipf("not permitted: %s", errs)
			case code != 0 || out == "" || errs != "" && !root: // the kernel's counters are a note
				t.Errorf("printed %.200q, said %q, exit %d", out, errs, code)
			}
			if _, file, ok := strings.Cut(line, "--html "); ok {
				if page, err := os.ReadFile(filepath.Join(dir, file)); err != nil || !strings.Contains(string(page), "<html") {
					t.Errorf("%s: %d bytes, %v", file, len(page), err)
				}
			}
			if stalls := strings.Contains(line, "buffer 2000 pause 5s"); stalls != strings.Contains(out, "it came to rest before all had arrived") {
				t.Errorf("that it came to rest should be %t:\n%.2000s", stalls, out)
			}
		})
	}
	for _, scenario := range []string{scenario, inChinese} {
		own := filepath.Join(t.TempDir(), "own.lab")
		if err := os.WriteFile(own, []byte(scenario), 0o600); err != nil {
			t.Fatal(err)
		}
		out, errs, code := result(t, command(t, "lab", "--scenario", own, "third-lost"))
		if code != 0 || errs != "" || !strings.Contains(out, "The third segment is lost") || !strings.Contains(out, "[fast retransmit]") {
			t.Errorf("printed %q, said %q, exit %d", out, errs, code)
		}
	}
}
