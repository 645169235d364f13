package handler

import (
	"bytes"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"sync"

	"sockeye.dev/charset"
	"sockeye.dev/session"
)

// Local are the commands that a person at a terminal gives to the program and
// not to the peer: lines that begin with a slash and one of their names. "//"
// begins a line that begins with a slash.
type Local struct {
	// Record begins to record to a file. Nil: it cannot.
	Record func(file string) error
	// Auto is what the encoding auto means. Default: UTF-8, and no other.
	Auto *charset.Encoding

	mu       sync.Mutex
	encoding *charset.Encoding // of conversations to come; nil: as they are
	text     func([]byte) (session.Message, error)
	style    Style
}

// errLocal says that a line was a command, and is dealt with.
var errLocal = errors.New("a local command")

// errEnough ends a conversation that a person has closed.
var errEnough = errors.New("closed by /close")

// localNames are the commands, "to" for those who talk to several.
var localNames = []string{"to", "encoding", "hex", "close", "record"}

// split takes a line apart, if it is a command.
func (l *Local) split(line []byte) (name, arg string, ok bool) {
	if l == nil || !bytes.HasPrefix(line, []byte("/")) {
		return "", "", false
	}
	name, arg, _ = strings.Cut(strings.TrimRight(string(line[1:]), "\r\n"), " ")
	return name, strings.TrimSpace(arg), slices.Contains(localNames, name)
}

// plain is line without the slash that keeps it from being a command.
func (l *Local) plain(line []byte) []byte {
	if l != nil && bytes.HasPrefix(line, []byte("//")) {
		return line[1:]
	}
	return line
}

// run does what a command says for the conversations that are here.
func (l *Local) run(name, arg string, in *Input, out *Printer, here []*session.Session) error {
	switch name {
	case "encoding":
		e, err := charset.Lookup(arg)
		if strings.EqualFold(arg, "auto") {
			if e, err = l.Auto, nil; e == nil {
				e = charset.Auto(nil)
			}
		}
		if err != nil {
			return err
		}
		l.mu.Lock()
		l.encoding = e
		l.mu.Unlock()
		for _, s := range here {
			l.greet(s)
		}
	case "hex":
		return l.hex(arg, in, out)
	case "close":
		return l.close(arg, here)
	case "record":
		switch {
		case l.Record == nil:
			return errors.New("/record: there is nothing to record with here")
		case arg == "":
			return errors.New("/record needs a file: /record talk.jsonl")
		}
		return l.Record(arg)
	}
	return nil
}

// greet gives a conversation that begins the encoding that was chosen.
func (l *Local) greet(s *session.Session) {
	if l == nil {
		return
	}
	l.mu.Lock()
	e := l.encoding
	l.mu.Unlock()
	if e == nil {
		return
	}
	f := s.Format()
	f.Encoding, f.Send = e, nil
	s.SetFormat(f)
}

// hex changes to hexadecimal digits and back.
func (l *Local) hex(arg string, in *Input, out *Printer) error {
	is := out.style() == Hex
	switch {
	case arg != "" && arg != "on" && arg != "off":
		return fmt.Errorf("/hex is on or off, not %q", arg)
	case arg == "" && !is, arg == "on" && !is:
		l.text, l.style = in.Read, out.style()
		in.Read = HexLine
		out.SetStyle(Hex)
	case arg != "on" && is && l.text != nil:
		in.Read = l.text
		out.SetStyle(l.style)
	case arg != "on" && is: // it began so
		in.Read = TextLine
		out.SetStyle(Safe)
	}
	return nil
}

// close ends the conversation of that number, or the only one.
func (l *Local) close(arg string, here []*session.Session) error {
	if arg == "" && len(here) == 1 {
		here[0].Interrupt(errEnough)
		return nil
	}
	id, err := strconv.ParseUint(arg, 10, 64)
	if err != nil {
		return fmt.Errorf("/close needs the number of a conversation; here: %s", numbers(here))
	}
	for _, s := range here {
		if s.ID() == id {
			s.Interrupt(errEnough)
			return nil
		}
	}
	return fmt.Errorf("there is no conversation %d; here: %s", id, numbers(here))
}

// Complete returns the commands that line may become, for a prompt.
func (l *Local) Complete(line string) (candidates []string) {
	name, arg, hasArg := strings.Cut(line, " ")
	if !hasArg {
		for _, n := range localNames {
			if strings.HasPrefix("/"+n, name) && name != "" {
				candidates = append(candidates, "/"+n+" ")
			}
		}
		return candidates
	}
	var values []string
	switch name {
	case "/encoding":
		values = append(values, "auto")
		for _, e := range charset.All() {
			values = append(values, e.Name())
		}
	case "/hex":
		values = []string{"on", "off"}
	}
	for _, v := range values {
		if strings.HasPrefix(v, arg) {
			candidates = append(candidates, name+" "+v)
		}
	}
	return candidates
}
