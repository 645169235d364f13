//go:build !windows || sockeye_exec

package handler

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"sync"
	"time"

	"sockeye.dev/session"
)

// HasExec reports whether this program was built with [Exec].
const HasExec = true

// Exec joins each conversation to the standard input and output of a program
// of its own. The peer's end ends the program's input; the end of the program
// ends the conversation, once what it has written is sent. When the
// conversation ends first, so does the program, with all it has started: they
// are one process group, which is asked to end (SIGTERM) and made to (SIGKILL)
// 2 seconds later.
//
// The program finds who it talks to in its environment, under SOCKEYE_ and,
// for programs written for Nmap's ncat, NCAT_: REMOTE_ADDR, REMOTE_PORT,
// LOCAL_ADDR, LOCAL_PORT and PROTO.
type Exec struct {
	// Command is the program and its arguments.
	Command []string
	// Stderr gets what the program writes to its standard error. Default:
	// nobody.
	Stderr io.Writer
	// Read turns a line that the program writes into a message. Default: what
	// it writes is sent as it comes.
	Read func(line []byte) (session.Message, error)
	// KeepEnd leaves the line's end on what Read gets.
	KeepEnd bool
	// Style is how the program gets what the peer sends: Raw, or Text.
	Style Style
	// Started is told of each program, to be logged. Default: nobody.
	Started func(s *session.Session, p *os.Process)
}

var _ session.Handler = (*Exec)(nil)

// Shell is the command that lets the system's shell run a line.
func Shell(line string) []string { return append(shell(), line) }

// execGrace is how long a program has to end once it was asked to, and what it
// has left running to end its output.
const execGrace = 2 * time.Second

// errExited ends a Recv for a program that is gone.
var errExited = errors.New("the program has ended")

// Serve runs the program until it or the conversation ends. The error says
// that it could not be started, or why the conversation failed; how the
// program ended is no error of the conversation.
func (h *Exec) Serve(ctx context.Context, s *session.Session) error {
	cmd := exec.Command(h.Command[0], h.Command[1:]...)
	cmd.Env = append(cmd.Environ(), environment(s)...)
	cmd.Stderr = h.Stderr
	cmd.WaitDelay = execGrace
	ownGroup(cmd)
	stdin, err := cmd.StdinPipe()
	if err != nil {
		return fmt.Errorf("run %s: %w", h.Command[0], err)
	}
	defer stdin.Close()
	// Not StdoutPipe, which Wait closes before all of it is read.
	output, childOutput, err := os.Pipe()
	if err != nil {
		return fmt.Errorf("run %s: %w", h.Command[0], err)
	}
	defer output.Close()
	cmd.Stdout = childOutput
	err = cmd.Start()
	_ = childOutput.Close()
	if err != nil {
		return fmt.Errorf("run %s: %w", h.Command[0], err)
	}
	if h.Started != nil {
		h.Started(s, cmd.Process)
	}

	var all sync.WaitGroup
	exited := make(chan struct{})
	receiving, stopReceiving := context.WithCancelCause(ctx)
	var recvErr error
	all.Go(func() {
		recvErr = h.feed(receiving, s, stdin)
		_ = stdin.Close()
		if recvErr != nil {
			endGroup(cmd, exited) // nobody is there to read its output
			_ = output.SetReadDeadline(time.Now())
		}
	})
	all.Go(func() {
		_ = cmd.Wait()
		close(exited)
		stopReceiving(errExited)
		// What it has left running may hold its output open.
		_ = output.SetReadDeadline(time.Now().Add(execGrace))
	})
	sendErr := h.relay(ctx, s, output)
	if errors.Is(sendErr, os.ErrDeadlineExceeded) {
		killGroup(cmd)
		sendErr = nil
	}
	if sendErr != nil {
		stopReceiving(sendErr)
		endGroup(cmd, exited)
	} else if err := s.CloseWrite(); err != nil { // it may still read, and the peer write
		sendErr = err
	}
	all.Wait()
	if recvErr != nil {
		return recvErr
	}
	return sendErr
}

// feed gives the program what the peer sends, until either ends.
func (h *Exec) feed(ctx context.Context, s *session.Session, stdin io.Writer) error {
	out := &Printer{W: stdin, Style: h.Style}
	gone := false
	for {
		m, err := s.Recv(ctx)
		switch {
		case errors.Is(err, errExited), isEOF(err):
			return nil
		case err != nil:
			return err
		case gone:
			continue
		}
		// A program need not read all: `head -1`. What it writes counts.
		gone = out.Print(s, m) != nil
	}
}

// relay sends what the program writes, to its end.
func (h *Exec) relay(ctx context.Context, s *session.Session, output *os.File) error {
	in := &Input{R: output, Read: h.Read, KeepEnd: h.KeepEnd}
	for {
		m, err := in.Next()
		if isEOF(err) {
			return nil
		}
		if err != nil {
			return err
		}
		if err := s.Send(ctx, m); err != nil {
			return fmt.Errorf("not all the program's output was sent: %w", err)
		}
	}
}

// endGroup ends the program and all it has started.
func endGroup(cmd *exec.Cmd, exited <-chan struct{}) {
	askGroup(cmd)
	t := time.NewTimer(execGrace)
	defer t.Stop()
	select {
	case <-exited:
	case <-t.C:
		killGroup(cmd)
	}
}

// environment tells a program whom it talks to.
func environment(s *session.Session) []string {
	var env []string
	add := func(name, value string) {
		env = append(env, "SOCKEYE_"+name+"="+value, "NCAT_"+name+"="+value)
	}
	for _, end := range []struct {
		name string
		addr net.Addr
	}{{"REMOTE", s.Peer()}, {"LOCAL", s.Local()}} {
		if end.addr == nil {
			continue
		}
		host, port, err := net.SplitHostPort(end.addr.String())
		if err != nil { // a Unix socket
			host = end.addr.String()
		}
		add(end.name+"_ADDR", host)
		add(end.name+"_PORT", port)
	}
	proto := "TCP"
	if s.Peer() != nil && s.Peer().Network() == "udp" {
		proto = "UDP"
	} else if s.Peer() != nil && s.Peer().Network() != "tcp" {
		proto = "UNIX"
	}
	add("PROTO", proto)
	return env
}
