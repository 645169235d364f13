package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/spf13/cobra"
)

// An ncDialect is one netcat: how it is called, reads its arguments, and ends.
type ncDialect struct {
	name      string // what its messages begin with
	long      bool   // options have names
	options   []ncOption
	usageCode int // the exit code of wrong usage
	// setup is told the operands once all options are read.
	setup func(p *ncPlan, operands []string) error
	// misuse follows the message about an argument that was not understood.
	misuse string
}

// errNCPrint ends the reading of arguments: something is to be printed.
var errNCPrint = errors.New("print and exit")

// An ncError is how a netcat ends that does not end well.
type ncError struct {
	code    int
	text    string // "": nothing is said
	misread bool
}

func (e *ncError) Error() string { return e.text }

// ncDialects are the netcats by the name they are called.
var ncDialects = map[string]func() *ncDialect{"nc": netcatDialect, "netcat": netcatDialect, "ncat": ncatDialect}

// ncCall is which netcat a command line calls, by its program's name or by the
// subcommand, and the arguments for it; nil if it calls none.
func ncCall(args []string) (*ncDialect, []string) {
	if len(args) == 0 {
		return nil, nil
	}
	name := filepath.Base(args[0])
	if name = strings.TrimSuffix(name, ".exe"); ncDialects[name] != nil {
		return ncDialects[name](), args[1:]
	}
	if len(args) < 2 || ncDialects[args[1]] == nil || args[1] == "netcat" {
		return nil, nil
	}
	d := ncDialects[args[1]]()
	if args = args[2:]; !d.long && len(args) == 1 && args[0] == "--help" {
		return nil, nil // which no nc has: it is our own
	}
	return d, args
}

// ncCmd is the subcommand as help and completion know it; [ncCall] has answered
// its calls before flags of ours are read.
func (a *app) ncCmd() *cobra.Command {
	return &cobra.Command{
		Use:   "nc [netcat's flags] [HOST] [PORT]",
		Short: "Be netcat: Debian's nc, or Nmap's ncat where the program is called that",
		Long: `Nc takes the flags of Debian's nc, and so does this program under the name nc
or netcat. Under the name ncat, or as "sockeye ncat", it takes those of Nmap's
ncat. See "sockeye nc -h" and "sockeye ncat --help". What is not supported says
so. Defaults and exit codes are theirs, not those below: of nc 1 for every
error, of ncat 1 for the network's and 2 for all others.`,
		Example: `  sockeye nc -l 7788
  echo hello | sockeye nc -N 127.0.0.1 7788
  ln -s sockeye ncat && ./ncat -lk --chat 7788`,
		DisableFlagParsing: true,
		RunE: func(cmd *cobra.Command, args []string) error {
			if len(args) == 1 && args[0] == "--help" {
				return cmd.Help()
			}
			return usage("nc has netcat's flags only: write sockeye nc, then the flags")
		},
	}
}

// nc is a netcat from its arguments to its exit code.
func (a *app) nc(ctx context.Context, d *ncDialect, args []string) int {
	p := newNCPlan(d, a)
	operands, err := ncParse(d, p, args)
	if err == errNCPrint {
		return a.ncPrint(p)
	}
	if err == nil {
		err = d.setup(p, operands)
	}
	if err == nil {
		err = (&ncProgram{app: a, plan: p}).run(ctx)
	}
	return a.ncReport(d, err)
}

// ncPrint prints what was asked for instead of a conversation.
func (a *app) ncPrint(p *ncPlan) int {
	to := a.stdout
	if p.helpToStderr {
		to = a.stderr
	}
	if _, err := fmt.Fprint(to, p.help); err != nil {
		return exitFailure
	}
	return exitOK
}

// ncReport says why a netcat ends, in its own words, and returns its exit code.
func (a *app) ncReport(d *ncDialect, err error) int {
	var e *ncError
	switch {
	case err == nil, err == errInterrupted:
		return exitOK
	case !errors.As(err, &e):
		fmt.Fprintf(a.stderr, "%s: %s\n", d.name, d.sentence(ncReason(err)))
		return exitFailure
	case e.misread:
		fmt.Fprintf(a.stderr, "%s: %s\n%s", strings.ToLower(d.name), e.text, d.misuse)
	case e.text != "":
		fmt.Fprintf(a.stderr, "%s: %s\n", d.name, d.sentence(e.text))
	}
	return e.code
}

// sentence ends text as the dialect does.
func (d *ncDialect) sentence(text string) string {
	if !d.long || strings.HasSuffix(text, ".") || strings.HasSuffix(text, "\n") {
		return text
	}
	return text + "."
}

// unsupported refuses an option that exists in the dialect and not here.
func (d *ncDialect) unsupported(what string) error {
	return &ncError{code: d.usageCode, text: what + " is not supported here"}
}

// wrong is wrong usage.
func (d *ncDialect) wrong(format string, args ...any) error {
	text := fmt.Sprintf(format, args...)
	if d.long {
		text += ". QUITTING"
	}
	return &ncError{code: d.usageCode, text: text}
}

// failure is a network error.
func (d *ncDialect) failure(format string, args ...any) error {
	return &ncError{code: exitFailure, text: fmt.Sprintf(format, args...)}
}

// ncReadFile reads a file named on the command line.
func ncReadFile(d *ncDialect, name string) (string, error) {
	text, err := os.ReadFile(name)
	if err != nil {
		return "", d.wrong("can't open %s: %s", name, ncReason(err))
	}
	return string(text), nil
}
