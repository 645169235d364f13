package main

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
)

// commands calls f for every command and the words that call it.
func commands(cmd *cobra.Command, words []string, f func(cmd *cobra.Command, words []string)) {
	f(cmd, words)
	for _, sub := range cmd.Commands() {
		commands(sub, append(words[:len(words):len(words)], sub.Name()), f)
	}
}

// Help goes to standard output, and says every flag and what the exit codes
// mean.
func TestHelp(t *testing.T) {
	t.Parallel()
	commands((&app{}).root(), nil, func(cmd *cobra.Command, words []string) {
		name := strings.Join(append([]string{"sockeye"}, words...), " ")
		out, errs, code := result(t, command(t, append(words, "--help")...))
		if code != 0 || errs != "" {
			t.Errorf("%s --help: said %q, exit %d", name, errs, code)
		}
		for _, want := range []string{"Usage:\n  " + name, "Exit codes: 0 done; 1 the network failed", "2 wrong usage; 3 timed out", "4 text that could not"} {
			if !strings.Contains(out, want) {
				t.Errorf("%s --help lacks %q", name, want)
			}
		}
		described := func(f *pflag.Flag) {
			if f.Usage == "" || !regexp.MustCompile(`--`+f.Name+`\b.* {3}\S`).MatchString(out) {
				t.Errorf("%s --help does not say what --%s is", name, f.Name)
			}
		}
		cmd.Flags().VisitAll(described)
		cmd.InheritedFlags().VisitAll(described)
		for line := range strings.Lines(out) {
			if len([]rune(line)) > 121 {
				t.Errorf("%s --help has a line of %d characters: %s", name, len([]rune(line)), line)
			}
		}
	})
}

// A flag that no test gives is one nobody has tried.
func TestFlagsAreTested(t *testing.T) {
	files, err := filepath.Glob("*_test.go")
	if err != nil {
		t.Fatal(err)
	}
	var tests strings.Builder
	for _, file := range files {
		b, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		tests.Write(b)
	}
	commands((&app{}).root(), nil, func(cmd *cobra.Command, words []string) {
		cmd.Flags().VisitAll(func(f *pflag.Flag) {
			given := strings.Contains(tests.String(), "--"+f.Name) ||
				f.Shorthand != "" && strings.Contains(tests.String(), `"-`+f.Shorthand)
			if !given {
				t.Errorf("no test gives %s --%s", strings.Join(words, " "), f.Name)
			}
		})
	})
}

// What cobra refuses by itself is wrong usage, too.
func TestWrongUsage(t *testing.T) {
	t.Parallel()
	for _, args := range []string{"nonsense", "--nonsense", "connect a:1 b:2", "connect :x", "connect :1?encoding=nonsense", "connect --wait -1s :1", "serve file",
		"version x", "text nonsense", "text detect a b", "text encode", "text decode nonsense x", "text encode gbk x --errors loose", "text decode gbk 0g --hex"} {
		out, errs, code := result(t, command(t, strings.Fields(args)...))
		if out != "" || !strings.HasPrefix(errs, "sockeye: ") || code != 2 {
			t.Errorf("%s: printed %q, said %q, exit %d", args, out, errs, code)
		}
	}
}
