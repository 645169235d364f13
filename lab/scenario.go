package lab

import (
	"bytes"
	_ "embed"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"sync"
	"unicode"
	"unicode/utf8"
)

// The scenarios are data: each a name, a teaching text in both languages, and
// knobs. A file of one's own is written the same way.

//go:embed scenarios.lab
var scenariosLab string

var builtin = sync.OnceValues(func() ([]Setup, error) { return Read(strings.NewReader(scenariosLab)) })

// Scenarios are those that come with the package, in teaching order.
func Scenarios() []Setup {
	all, err := builtin()
	if err != nil {
		panic(err) // the file is part of the program, and a test reads it
	}
	return slices.Clone(all)
}

// scenario is the built-in one of that name.
func scenario(name string) (Setup, error) { return named(Scenarios(), name) }

// named is the one of that name.
func named(all []Setup, name string) (Setup, error) {
	var names []string
	for _, s := range all {
		if s.Name == name {
			return s, nil
		}
		names = append(names, s.Name)
	}
	for _, near := range names {
		if len(name) > 2 && (strings.HasPrefix(near, strings.ToLower(name)) || strings.EqualFold(near, name) || strings.Contains(near, strings.ToLower(name))) {
			return Setup{}, &SetupError{fmt.Sprintf("scenario %q", name), fmt.Errorf("there is none: did you mean %s?", near)}
		}
	}
	return Setup{}, &SetupError{fmt.Sprintf("scenario %q", name), fmt.Errorf("there is none: there are %s", strings.Join(names, ", "))}
}

// maxFile bounds what Read takes.
const maxFile = 1 << 20

// Read reads scenarios as text:
//
//	# a remark
//	[third-lost]
//	title     The third segment is lost
//	title.zh  第三个段丢失
//	text      What there is to see. A line that begins with a blank
//	          goes on with the one before.
//	link      delay 30ms rate 2mbit
//	flow      tcp A>B bytes 12000
//	fault     drop A>B data 3
//
// What is not title or text, with .zh for Chinese, is a knob. Errors are
// *SetupError and name the line.
func Read(r io.Reader) ([]Setup, error) {
	data, err := io.ReadAll(io.LimitReader(r, maxFile+1))
	if err != nil {
		return nil, err
	}
	if len(data) > maxFile {
		return nil, &SetupError{"scenario file", errors.New("more than 1 MiB")}
	}
	if bytes.ContainsFunc(data, unprintable) || !utf8.Valid(data) { // its texts go to terminals
		return nil, &SetupError{"scenario file", errors.New("is no text in UTF-8 without control characters")}
	}
	var all []Setup
	var key, value string
	at := 0 // the line of key
	flush := func() error {
		if key == "" {
			return nil
		}
		if len(all) == 0 {
			return &SetupError{fmt.Sprintf("line %d", at), errors.New("a scenario begins with its name in brackets")}
		}
		s := &all[len(all)-1]
		text, set := map[string]*string{"title": &s.Title.En, "title.zh": &s.Title.Zh, "text": &s.Text.En, "text.zh": &s.Text.Zh}[key]
		var err error
		if set {
			*text = strings.TrimSpace(value)
		} else {
			err = s.Set(key, value)
		}
		if err != nil {
			return &SetupError{fmt.Sprintf("line %d", at), err}
		}
		key = ""
		return nil
	}
	n := 0
	text, _ := strings.CutPrefix(string(data), "\ufeff") // a byte order mark, as Windows' Notepad writes it
	for line := range strings.Lines(text) {
		n++
		line = strings.TrimRight(line, " \t\r\n")
		trimmed := strings.TrimSpace(line)
		switch {
		case trimmed == "" || trimmed[0] == '#':
			continue
		case line != trimmed && line[0] != '[' && key != "": // it goes on
			value += joint(value, trimmed) + trimmed
			continue
		}
		if err := flush(); err != nil {
			return nil, err
		}
		if name, ok := strings.CutPrefix(trimmed, "["); ok {
			name, closed := strings.CutSuffix(name, "]")
			if !closed || name == "" || strings.ContainsAny(name, "?&# \t") {
				return nil, &SetupError{fmt.Sprintf("line %d", n), fmt.Errorf("%s is no name in brackets", trimmed)}
			}
			if slices.ContainsFunc(all, func(s Setup) bool { return s.Name == name }) {
				return nil, &SetupError{fmt.Sprintf("line %d", n), fmt.Errorf("[%s] is there already", name)}
			}
			all = append(all, Setup{Name: name})
			continue
		}
		key, value, _ = strings.Cut(trimmed, " ")
		if i := strings.IndexByte(key, '\t'); i >= 0 {
			key, value = key[:i], trimmed[i:]
		}
		at = n
		value = strings.TrimSpace(value)
	}
	if err := flush(); err != nil {
		return nil, err
	}
	if len(all) == 0 {
		return nil, &SetupError{"scenario file", errors.New("there is no scenario in it")}
	}
	for _, s := range all {
		err := s.Check()
		if len(s.Flows) == 0 {
			err = errors.New("there is no flow in it: nobody says anything")
		}
		if err != nil {
			return nil, &SetupError{"[" + s.Name + "]", err}
		}
	}
	return all, nil
}

// unprintable reports whether a character of a text could do something to a
// terminal.
func unprintable(r rune) bool { return unicode.IsControl(r) && r != '\t' && r != '\r' && r != '\n' }

// joint is what stands between two lines of a text: nothing in Chinese, which
// has no blanks.
func joint(before, after string) string {
	if before == "" || after == "" {
		return ""
	}
	last, _ := utf8.DecodeLastRuneInString(before)
	first, _ := utf8.DecodeRuneInString(after)
	if chinese(last) && chinese(first) {
		return ""
	}
	return " "
}

// chinese reports whether a character stands in Chinese text without blanks.
func chinese(r rune) bool { return r > 0x2e7f || strings.ContainsRune("“”‘’…—", r) }
