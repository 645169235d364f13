package main

import (
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"syscall"

	"sockeye.dev/charset"
	"sockeye.dev/endpoint"
	"sockeye.dev/frame"
	"sockeye.dev/handler"
	"sockeye.dev/impair"
	"sockeye.dev/lab"
	"sockeye.dev/session"
	"sockeye.dev/workbench"
)

// Exit codes: the same for every command.
const (
	exitOK      = 0
	exitFailure = 1 // the network failed, or something is known to be lost
	exitUsage   = 2
	exitTimeout = 3 // no reply came
	exitText    = 4 // text could not be encoded or decoded under strict
)

// usageError is a command that was called wrongly.
type usageError struct{ error }

func (e usageError) Unwrap() error { return e.error }

func usage(format string, args ...any) error { return usageError{fmt.Errorf(format, args...)} }

func exitCode(err error) int {
	var wrong usageError
	var option *endpoint.OptionError
	var enc *charset.EncodeError
	var dec *charset.DecodeError
	switch {
	case err == nil:
		return exitOK
	case errors.As(err, &wrong), errors.As(err, &option):
		return exitUsage
	case errors.As(err, &enc), errors.As(err, &dec):
		return exitText
	case errors.Is(err, handler.ErrNoReply), errors.Is(err, session.ErrIdle):
		return exitTimeout
	}
	return exitFailure
}

// and adds to err what is found wrong later. That outweighs an interruption,
// which is nothing wrong.
func and(err, later error) error {
	switch {
	case later == nil:
		return err
	case err == nil, err == errInterrupted:
		return later
	}
	return errors.Join(err, later)
}

func hint(err error) string {
	var spec *frame.SpecError
	if errors.As(err, &spec) && spec.Hint != "" {
		return spec.Hint
	}
	var kernel *lab.KernelError
	if errors.As(err, &kernel) && kernel.Hint != "" {
		return kernel.Hint
	}
	for _, known := range []struct {
		err  error
		hint string
	}{
		{syscall.EACCES, "ports below 1024 and other users' files need privileges"},
		{syscall.EADDRINUSE, "another program has that address; choose another port, or :0 for any free one"},
		{syscall.EADDRNOTAVAIL, "that address is not one of this machine's"},
		{syscall.ECONNREFUSED, "nothing listens there"},
		{syscall.EMFILE, "see `ulimit -n`"},
	} {
		if errors.Is(err, known.err) {
			return known.hint
		}
	}
	if h := endpoint.Hint(err); h != "" {
		return h
	}
	var enc *charset.EncodeError
	if errors.As(err, &enc) {
		return "choose another --encoding, or --errors replace"
	}
	var dec *charset.DecodeError
	if errors.As(err, &dec) {
		return "choose another --encoding (`sockeye text detect` guesses), or --errors replace"
	}
	return ""
}

// usageOf says where to read how a command is used.
func usageOf(command string) (hint string) { return fmt.Sprintf("see `%s --help`", command) }

// report prints err for people or programs and returns the exit code.
func (a *app) report(err error) int {
	code := exitCode(err)
	if err == nil {
		return code
	}
	h := hint(err)
	var wrong usageError
	if h == "" && errors.As(err, &wrong) {
		h = usageOf(cmp.Or(a.command, "sockeye"))
	}
	said, below := inert(a.told(err)), inert(a.lang.advice(h))
	if a.json {
		_ = json.NewEncoder(a.stderr).Encode(struct {
			Error string `json:"error"`
			Hint  string `json:"hint,omitempty"`
			Code  int    `json:"code"`
		}{said, below, code})
		return code
	}
	fmt.Fprintf(a.stderr, "sockeye: %s\n", said)
	if below != "" {
		fmt.Fprintf(a.stderr, a.lang.format("hint: %s")+"\n", below)
	}
	return code
}

// told is an error in the language chosen. What the lab and impair say stands
// behind the knob or the line it is about, which are the same in all languages;
// of a file's faults the hints are translated.
func (a *app) told(err error) string {
	all := err.Error()
	var setup *lab.SetupError
	var spec *impair.SpecError
	var file *workbench.FileError
	var why error
	switch {
	case errors.As(err, &file):
		faults := make([]*workbench.Fault, len(file.Faults))
		for i, f := range file.Faults {
			translated := *f
			translated.Hint = a.lang.advice(f.Hint)
			faults[i] = &translated
		}
		return strings.Replace(all, file.Error(), (&workbench.FileError{Faults: faults}).Error(), 1)
	case errors.As(err, &spec):
		why = spec.Err
	case errors.As(err, &setup):
		for why = setup.Err; errors.As(why, &setup); {
			why = setup.Err
		}
	}
	if why != nil {
		if before, ok := strings.CutSuffix(all, why.Error()); ok {
			return before + a.lang.advice(why.Error())
		}
	}
	return a.lang.text(all)
}

// inert is text that a terminal only shows: errors and notes quote what others
// have chosen, as the names in a certificate or that of a Unix socket.
func inert(text string) string {
	return string(charset.AppendVisible(nil, []byte(text), charset.VisibleOptions{}))
}

// note tells a person something that is not an error.
func (a *app) note(format string, args ...any) {
	if a.lang != nil {
		format, args = a.lang.format(format), slices.Clone(args)
		for i, arg := range args {
			if err, ok := arg.(error); ok {
				args[i] = a.lang.text(err.Error())
			}
		}
	}
	if a.json {
		_ = json.NewEncoder(a.stderr).Encode(struct {
			Note string `json:"note"`
		}{inert(fmt.Sprintf(format, args...))})
		return
	}
	fmt.Fprintln(a.stderr, inert(fmt.Sprintf(format, args...)))
}
