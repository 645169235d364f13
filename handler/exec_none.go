//go:build windows && !sockeye_exec

package handler

import (
	"context"
	"errors"
	"io"
	"os"

	"sockeye.dev/session"
)

// HasExec reports whether this program was built with [Exec].
const HasExec = false

// Exec is not in this build: antivirus programs take a network tool that runs
// commands for a threat. Build with -tags sockeye_exec to have it.
type Exec struct {
	Command []string
	Stderr  io.Writer
	Read    func(line []byte) (session.Message, error)
	KeepEnd bool
	Style   Style
	Started func(s *session.Session, p *os.Process)
}

// Shell is the command that lets the system's shell run a line.
func Shell(line string) []string { return []string{"cmd.exe", "/c", line} }

// Serve refuses.
func (h *Exec) Serve(context.Context, *session.Session) error {
	return errors.New("running programs is not in this build (-tags sockeye_exec)")
}
