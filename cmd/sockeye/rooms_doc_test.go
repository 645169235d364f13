package main

import (
	"os"
	"path/filepath"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/spf13/pflag"

	"sockeye.dev/workbench"
)

// roomsDoc is a page about rooms: what is fenced in it, by its language, and
// what is in `code` outside of that.
type roomsDoc struct {
	fenced map[string][]string
	spans  []string
}

var (
	comment = regexp.MustCompile(`(?m)[ \t]+# .*$`)
	span    = regexp.MustCompile("`([^`]+)`")
)

func readRoomsDoc(t *testing.T, name string) (d roomsDoc) {
	t.Helper()
	text, err := os.ReadFile(filepath.Join("..", "..", "docs", name))
	if err != nil {
		t.Fatal(err)
	}
	if n := strings.Count(string(text), "\n"); n >= 350 {
		t.Errorf("%s has %d lines", name, n)
	}
	d.fenced = make(map[string][]string)
	for i, part := range strings.Split(string(text), "```") {
		if i%2 == 1 {
			language, block, _ := strings.Cut(part, "\n")
			d.fenced[language] = append(d.fenced[language], comment.ReplaceAllString(block, ""))
			continue
		}
		for _, m := range span.FindAllStringSubmatch(part, -1) {
			d.spans = append(d.spans, m[1])
		}
	}
	return d
}

// names reports whether word stands in code of its own, or at its beginning.
func (d *roomsDoc) names(word string) bool {
	return slices.ContainsFunc(d.spans, func(s string) bool { return s == word || strings.HasPrefix(s, word+" ") })
}

// The pages about rooms name every command of a room and every key of the file,
// and nothing that is not there.
func TestRoomsDoc(t *testing.T) {
	t.Parallel()
	english := readRoomsDoc(t, "rooms.md")
	if chinese := readRoomsDoc(t, "rooms.zh.md"); !reflect.DeepEqual(english.fenced, chinese.fenced) {
		t.Error("rooms.md and rooms.zh.md show different examples")
	}
	typed := roomCommands(t)
	flags := make(map[string]*pflag.FlagSet)
	for _, cmd := range (&app{}).root().Commands() {
		cmd.Flags().AddFlagSet(cmd.InheritedFlags())
		flags[cmd.Name()] = cmd.Flags()
	}
	for _, name := range []string{"rooms.md", "rooms.zh.md"} {
		d := readRoomsDoc(t, name)
		for _, c := range typed {
			if !d.names("/" + c) {
				t.Errorf("%s does not name /%s", name, c)
			}
		}
		keys(reflect.TypeFor[workbench.File](), func(key string) {
			if !d.names(key) {
				t.Errorf("%s does not name the key %s", name, key)
			}
		})
		for _, file := range d.fenced["yaml"] {
			if _, err := workbench.Parse(name, []byte(file)); err != nil {
				t.Error(err)
			}
		}
		lines := slices.Clone(d.spans)
		for _, language := range []string{"sh", "console"} {
			for _, block := range d.fenced[language] {
				lines = append(lines, strings.Split(block, "\n")...)
			}
		}
		for _, line := range lines {
			if c, ok := strings.CutPrefix(strings.TrimPrefix(line, ">>> "), "/"); ok {
				c, _, _ = strings.Cut(c, " ")
				if c != "" && c != "/" && !slices.Contains([]string{"metrics", "healthz", "readyz"}, c) && !strings.Contains(c, "/") && !slices.Contains(typed, c) {
					t.Errorf("%s names /%s, which is no command", name, c)
				}
			}
			checkFlags(t, name, line, flags)
		}
	}
}

// checkFlags looks for flags of sockeye in a line. One that stands alone is
// serve's, or what serve tells clients to give.
func checkFlags(t *testing.T, page, line string, flags map[string]*pflag.FlagSet) {
	t.Helper()
	cmd := "serve"
	if _, after, ok := strings.Cut(line, "sockeye "); ok {
		cmd, _, _ = strings.Cut(after, " ")
	} else if !strings.HasPrefix(line, "--") {
		return
	}
	if flags[cmd] == nil {
		return // not a line that calls it
	}
	for _, m := range regexp.MustCompile(`(?:^| )--([a-z][a-z-]*)`).FindAllStringSubmatch(line, -1) {
		if flags[cmd].Lookup(m[1]) == nil && (m[1] != "pin" || flags["connect"].Lookup("pin") == nil) {
			t.Errorf("%s: sockeye %s has no flag --%s: %s", page, cmd, m[1], line)
		}
	}
}

// keys calls f for every key that a file may have.
func keys(of reflect.Type, f func(key string)) {
	for i := range of.NumField() {
		field := of.Field(i)
		key, ok := field.Tag.Lookup("yaml")
		if !ok {
			continue
		}
		f(key)
		inner := field.Type
		if inner.Kind() == reflect.Slice {
			inner = inner.Elem()
		}
		if inner.Kind() == reflect.Struct && inner.PkgPath() == of.PkgPath() {
			keys(inner, f)
		}
	}
}

// roomCommands are the commands that /help tells an operator of.
func roomCommands(t *testing.T) (names []string) {
	t.Helper()
	secret := filepath.Join(t.TempDir(), "secret")
	if err := os.WriteFile(secret, []byte("open sesame\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	r := begin(t, command(t, "serve", "--no-history", "--secret-file", secret, "--listen", "tcp://127.0.0.1:0"))
	conn, next := enter(t, r.address())
	if _, err := conn.Write([]byte("/op open sesame\n")); err != nil {
		t.Fatal(err)
	}
	next("you are an operator")
	if _, err := conn.Write([]byte("/help\n")); err != nil {
		t.Fatal(err)
	}
	for {
		line := next("* ")
		name, ok := strings.CutPrefix(line, "* /")
		if !ok {
			break
		}
		name, _, _ = strings.Cut(name, " ")
		names = append(names, name)
	}
	if len(names) < 15 {
		t.Fatalf("/help tells of %q", names)
	}
	r.interrupt()
	if _, errs, code := r.wait(); code != 0 {
		t.Errorf("said %q, exit %d", errs, code)
	}
	return names
}
