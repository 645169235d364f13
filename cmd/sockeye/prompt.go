package main

import (
	"context"
	"fmt"
	"io"
	"os"

	"sockeye.dev/charset"
	"sockeye.dev/handler"
	"sockeye.dev/session"
	"sockeye.dev/term"
)

// local are the commands for a person who types; nil if nobody does.
func (a *app) local(in *handler.Input, t *talk, always bool) *handler.Local {
	if in.Source != handler.Typed && !always {
		return nil
	}
	t.tap = new(tap)
	return &handler.Local{Record: t.tap.record, Auto: charset.Auto(charset.LegacyFor(a.locale()))}
}

// prompt gives a person at a terminal a line to type in, and everything else
// its place above it. close gives the terminal back.
// It ends with ctx, so that nothing is typed into a program that is closing.
func (a *app) prompt(ctx context.Context, in *handler.Input, local *handler.Local) (close func()) {
	out, ok := a.stdout.(*os.File)
	if in.Source != handler.Typed || !ok || !isTerminal(out) || a.json || a.getenv("TERM") == "dumb" {
		return func() {}
	}
	p := term.Open(a.stdin, out, term.Options{Complete: local.Complete, Interrupt: a.interrupt, Env: a.environ})
	before := [2]io.Writer{a.stdout, a.stderr}
	in.R, a.stdout = p, p
	if isTerminal(a.stderr) {
		a.stderr = p
	}
	a.restore.Store(p)
	stop := context.AfterFunc(ctx, func() { _ = p.Close() })
	return func() {
		stop()
		_ = p.Close()
		a.restore.Store(nil)
		a.stdout, a.stderr = before[0], before[1]
	}
}

// label tells conversations apart: by number, and at a terminal that has them
// by colour.
func (a *app) label() func(s *session.Session) string {
	_, prompt := a.stdout.(*term.Prompt)
	if !prompt || a.getenv("NO_COLOR") != "" {
		return func(s *session.Session) string { return fmt.Sprintf("[%d] ", s.ID()) }
	}
	// Six colours that read well on dark and on light (ECMA-48, SGR 31 to 36).
	return func(s *session.Session) string {
		return fmt.Sprintf("\x1b[%dm[%d]\x1b[0m ", 31+s.ID()%6, s.ID())
	}
}
