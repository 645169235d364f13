package main

import (
	"os"
	"strings"

	"github.com/spf13/cobra"

	"sockeye.dev/handler"
	"sockeye.dev/session"
)

// registerExec adds the flags of commands that can run programs, where this
// program was built so.
func registerExec(cmd *cobra.Command, run, shell *string) {
	if !handler.HasExec {
		return
	}
	cmd.Flags().StringVarP(run, "exec", "e", "", "run `PROGRAM`, with arguments after spaces, and join it to the conversation")
	cmd.Flags().StringVarP(shell, "sh-exec", "c", "", "let a shell run `LINE`, and join it to the conversation")
}

// oneOf refuses more than one of flags that exclude each other.
func oneOf(cmd *cobra.Command, flags ...string) error {
	given := ""
	for _, name := range flags {
		switch {
		case !cmd.Flags().Changed(name):
		case given != "":
			return usage("--%s and --%s exclude each other", given, name)
		default:
			given = name
		}
	}
	return nil
}

// exec is the handler that runs a program for each conversation: run's words,
// or a shell's line. Text is the program's in UTF-8 where an encoding was asked
// for; else bytes are.
func (a *app) exec(run, shell string, p *plan) *handler.Exec {
	command := strings.Fields(run)
	if shell != "" {
		command = handler.Shell(shell)
	}
	h := &handler.Exec{Command: command, Stderr: a.stderr, Started: func(s *session.Session, child *os.Process) {
		a.log().Info("program started", "conv", s.ID(), "peer", s.Peer().String(), "pid", child.Pid)
	}}
	switch {
	case p.decoded:
		h.Style, h.Read, h.KeepEnd = handler.Text, handler.TextLine, !p.framed
	case p.framed:
		h.Read = handler.BytesLine
	}
	return h
}
