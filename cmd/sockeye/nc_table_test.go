package main

import (
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"unicode"
)

// The behaviour of the two netcats is a table: testdata/nc/*.txt. Each case is
// run against the real program and against ours, so that the expectation
// itself is checked. A case is
//
//	-- name                         one case, or with "both" one of each dialect
//	both -l 127.0.0.1 $PORT         the command; VAR=value may stand before it
//	a dial, send "hi\n"             steps, in order, each waits until it is done
//	see "hi\n"
//	out "hi\n"                      what is expected in the end
//
// or a line, ARGV => CODE [/stderr/], which is a case by itself. Steps and
// expectations may be of the real program or of ours alone (real ..., ours
// ...); "why" says why they differ then.
//
// The program's steps: type "x" and end (its input, which is otherwise empty),
// hold (its input stays open), pause (100 ms), see "x" (its output), say /re/ (its stderr),
// exits, quit, interrupt, hangs (it is running 300 ms later). A peer's are in
// ncPeer.do. Before everything: listen KIND [NEXT], and file NAME "x". In the
// end: out, err, code (0), cat NAME "x", least 1s.
//
// Variables: $PORT, $NEXT and $THIRD are free ports in a row, $SOCK and $DIR
// paths, $CERT and $KEY a certificate for localhost.
type ncCase struct {
	name, dialect, file string
	line                int
	env, argv           []string
	lines               [][]string // of words; a quoted one begins with its quote
	why                 string
}

// ncWord is a word, "a text" or /an expression/.
var ncWord = regexp.MustCompile(`"(?:[^"\\]|\\.)*"|/(?:[^/\\]|\\.)*/|[^\s,"]+|,`)

// ncArg is an argument of a command; quotes are as in a shell.
var ncArg = regexp.MustCompile(`'[^']*'|"[^"]*"|[^\s'"]+`)

// ncCases reads the table.
func ncCases(t *testing.T) []*ncCase {
	t.Helper()
	files, err := filepath.Glob("testdata/nc/*.txt")
	if err != nil || len(files) == 0 {
		t.Fatalf("no table: %v", err)
	}
	var all []*ncCase
	for _, name := range files {
		text, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		var c *ncCase
		add := func() {
			if c != nil {
				all = append(all, c.dialects()...)
				c = nil
			}
		}
		base := strings.TrimSuffix(filepath.Base(name), ".txt")
		n := 0
		for line := range strings.Lines(string(text)) {
			n++
			line = strings.TrimSpace(line)
			title, begins := strings.CutPrefix(line, "-- ")
			command, expect, single := strings.Cut(line, " => ")
			switch {
			case line == "" || strings.HasPrefix(line, "#"):
			case begins:
				add()
				c = &ncCase{name: title, file: base, line: n}
			case single:
				add()
				c = &ncCase{name: line, file: base, line: n}
				c.command(t, command)
				code, stderr, _ := strings.Cut(expect, " ")
				c.lines = append(c.lines, []string{"code", code})
				if stderr != "" {
					c.lines = append(c.lines, []string{"err", stderr})
				}
				add()
			case c == nil:
				t.Fatalf("%s:%d: %q is in no case", name, n, line)
			case c.dialect == "":
				c.command(t, line)
			case strings.HasPrefix(line, "why "):
				c.why = line[4:]
			default:
				c.lines = append(c.lines, ncWord.FindAllString(line, -1))
			}
		}
		add()
	}
	names := make(map[string]bool)
	for _, c := range all {
		if names[c.id()] {
			t.Fatalf("%s:%d: there are two cases %s", c.file, c.line, c.id())
		}
		names[c.id()] = true
	}
	return all
}

func (c *ncCase) id() string { return c.file + "/" + c.dialect + "/" + c.name }

// command reads a command's line: environment, dialect, arguments.
func (c *ncCase) command(t *testing.T, line string) {
	t.Helper()
	words := ncFields(line)
	for len(words) > 0 && strings.ContainsRune(words[0], '=') {
		c.env, words = append(c.env, words[0]), words[1:]
	}
	if len(words) == 0 || !slices.Contains([]string{"nc", "ncat", "both"}, words[0]) {
		t.Fatalf("%s:%d: %q is no command of nc, ncat or both", c.file, c.line, line)
	}
	c.dialect, c.argv = words[0], words[1:]
}

// ncFields splits a line as a shell would.
func ncFields(line string) (words []string) {
	last := -1
	for _, at := range ncArg.FindAllStringIndex(line, -1) {
		word := line[at[0]:at[1]]
		if word[0] == '\'' || word[0] == '"' {
			word = word[1 : len(word)-1]
		}
		if at[0] == last {
			words[len(words)-1] += word
		} else {
			words = append(words, word)
		}
		last = at[1]
	}
	return words
}

// dialects is c once for each dialect it is about.
func (c *ncCase) dialects() []*ncCase {
	if c.dialect != "both" {
		return []*ncCase{c}
	}
	a, b := *c, *c
	a.dialect, b.dialect = "nc", "ncat"
	return []*ncCase{&a, &b}
}

// of is c's lines for one program, "real" or "ours".
func (c *ncCase) of(program string) (lines [][]string) {
	for _, words := range c.lines {
		if words[0] == "real" || words[0] == "ours" {
			if words[0] != program {
				continue
			}
			words = words[1:]
		}
		if words[0] == "nc" || words[0] == "ncat" { // of one dialect
			if words[0] != c.dialect {
				continue
			}
			words = words[1:]
		}
		lines = append(lines, words)
	}
	return lines
}

// differs reports whether the real program and ours are known to differ.
func (c *ncCase) differs() bool {
	return slices.ContainsFunc(c.lines, func(w []string) bool { return w[0] == "real" || w[0] == "ours" })
}

// ncText is the text of a quoted word, with variables filled in.
func ncText(vars map[string]string, word string) (string, error) {
	if !strings.HasPrefix(word, `"`) {
		return os.Expand(word, ncLookup(vars)), nil
	}
	text, err := strconv.Unquote(word)
	if err != nil {
		return "", fmt.Errorf("%s is no text: %w", word, err)
	}
	return os.Expand(text, ncLookup(vars)), nil
}

// ncLookup leaves what is no variable of ours to the shells in commands.
func ncLookup(vars map[string]string) func(string) string {
	return func(name string) string {
		if v, ok := vars[name]; ok {
			return v
		}
		if strings.IndexFunc(name, unicode.IsLetter) != 0 {
			return "$" + name
		}
		return "${" + name + "}"
	}
}

// ncMatches checks got against "a text" or /an expression/.
func ncMatches(vars map[string]string, want, got string) error {
	if expr, ok := strings.CutPrefix(want, "/"); ok {
		expr = os.Expand(strings.ReplaceAll(strings.TrimSuffix(expr, "/"), `\/`, "/"), ncLookup(vars))
		re, err := regexp.Compile("(?s)" + expr)
		if err != nil {
			return err
		}
		if !re.MatchString(got) {
			return fmt.Errorf("%q does not match %s", got, want)
		}
		return nil
	}
	text, err := ncText(vars, want)
	if err == nil && text != got {
		err = fmt.Errorf("got %q, want %q", got, text)
	}
	return err
}

// TestNCTable counts the table's cases and holds those that differ from the
// real program to their reason.
func TestNCTable(t *testing.T) {
	count := make(map[string]int)
	for _, c := range ncCases(t) {
		count[c.dialect]++
		if c.differs() {
			count[c.dialect+" differs"]++
		}
		if c.differs() != (c.why != "") {
			t.Errorf("%s.txt:%d: %s: a case that differs has a reason, others have none", c.file, c.line, c.name)
		}
	}
	t.Logf("cases: nc %d (%d differ on purpose), ncat %d (%d)", count["nc"], count["nc differs"], count["ncat"], count["ncat differs"])
}
