//go:build !windows || sockeye_exec

package handler

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"sync"
	"time"

	"sockeye.dev/charset"
	"sockeye.dev/session"
)

// HasExec reports whether this program was built with [Exec].
const HasExec = true

// Exec joins each conversation to the standard input and output of a program
// of its own. The peer's end ends the program's input; the end of the program
// ends the conversation, once what it has written is sent, and what those
// write that it has left running, until they are silent for 2 seconds. When
// the conversation ends first, so does the program, with all it has started:
// they are one process group, which is asked to end (SIGTERM) and, where the
// program has not ended or its output is still held open, made to (SIGKILL) 2
// seconds later.
//
// A program that does not read what the peer sends holds the peer back, as a
// pipe would. That the peer has gone shows then only when something is sent to
// it; the end of the context ends both at any time.
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

	grace time.Duration // Default: execGrace. Tests have less time.
}

var _ session.Handler = (*Exec)(nil)

// Shell is the command that lets the system's shell run a line.
func Shell(line string) []string { return append(shell(), line) }

// execGrace is how long a program has to end once it was asked to, and how long
// what it has left running may be silent.
const execGrace = 2 * time.Second

func (h *Exec) patience() time.Duration { return cmp.Or(h.grace, execGrace) }

// errExited ends a Recv for a program that is gone.
var errExited = errors.New("the program has ended")

// Serve runs the program until it or the conversation ends. The error says
// that it could not be started, or why the conversation failed, be it for what
// the peer sent (a *charset.DecodeError with Style Text and a strict policy);
// how the program ended is no error of the conversation.
func (h *Exec) Serve(ctx context.Context, s *session.Session) error {
	cmd := exec.Command(h.Command[0], h.Command[1:]...)
	cmd.Env = append(cmd.Environ(), environment(s)...)
	cmd.Stderr = h.Stderr
	cmd.WaitDelay = h.patience()
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

	// Three goroutines carry the conversation; this one watches over them, for
	// each may wait where nothing that happens elsewhere wakes it.
	talking, fail := context.WithCancelCause(ctx)
	defer fail(nil)
	receiving, stopReceiving := context.WithCancelCause(talking)
	defer stopReceiving(nil)
	sending, stopSending := context.WithCancelCause(ctx) // outlasts talking: there may be last words
	defer stopSending(nil)
	out := &programOutput{f: output, grace: h.patience()}
	exited := make(chan struct{})
	var all sync.WaitGroup
	all.Go(func() {
		if err := h.feed(receiving, s, stdin); err != nil {
			fail(err)
		}
		_ = stdin.Close()
	})
	all.Go(func() {
		_ = cmd.Wait()
		close(exited)
		out.exit()
		stopReceiving(errExited)
	})
	all.Go(func() {
		if err := h.relay(sending, s, out); err != nil {
			fail(err)
			out.drain()
		}
		if out.held {
			killGroup(cmd)
		}
	})
	over := make(chan struct{})
	go func() {
		all.Wait()
		close(over)
	}()
	select {
	case <-over:
	case <-talking.Done():
		unlessExited(exited, func() { askGroup(cmd) })
		_ = stdin.Close() // feed may be writing what the program does not read
		t := time.NewTimer(h.patience())
		defer t.Stop()
		select {
		case <-over:
		case <-t.C:
			stopSending(context.Cause(talking))
			unlessExited(exited, func() { killGroup(cmd) })
			<-over
		}
	}
	return context.Cause(talking)
}

// unlessExited signals a program that is still there. The id of one that has
// ended may be another's by now.
func unlessExited(exited <-chan struct{}, signal func()) {
	select {
	case <-exited:
	default:
		signal()
	}
}

// feed gives the program what the peer sends, until either ends.
func (h *Exec) feed(ctx context.Context, s *session.Session, stdin io.Writer) error {
	in := &Printer{W: stdin, Style: h.Style}
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
		err = in.Print(s, m)
		if bad, ok := errors.AsType[*charset.DecodeError](err); ok {
			return bad
		}
		// A program need not read all: `head -1`. What it writes counts.
		gone = err != nil
	}
}

// relay sends what the program writes, to its end, and then ends our side: the
// program may still read, and the peer write.
func (h *Exec) relay(ctx context.Context, s *session.Session, output io.Reader) error {
	in := &Input{R: output, Read: h.Read, KeepEnd: h.KeepEnd}
	for {
		m, err := in.Next()
		if isEOF(err) {
			return s.CloseWrite()
		}
		if err != nil {
			return err
		}
		if err := s.Send(ctx, m); err != nil {
			return fmt.Errorf("not all the program's output was sent: %w", err)
		}
	}
}

// programOutput is the program's end of talking to us. What the program has
// left running may hold it open: once the program has ended, so does it, when
// it was empty for grace. Only a Read measures that, so that a peer that
// takes its time loses nothing.
type programOutput struct {
	f     *os.File
	grace time.Duration
	// held says that somebody had it open at the end. Only then may the group
	// be signalled though its leader is reaped: as long as one of its members
	// lives, its id is given to nobody else. What cannot be told is whether the
	// holder has left the group and was the last of it; the id may be another
	// group's then.
	held bool

	mu     sync.Mutex // orders the deadlines
	exited bool
}

// exit tells that the program has ended, also a Read under way, which has no
// deadline yet.
func (o *programOutput) exit() {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.exited = true
	_ = o.f.SetReadDeadline(time.Now())
}

// Read reads what is written.
func (o *programOutput) Read(p []byte) (int, error) {
	for !o.held {
		o.mu.Lock()
		exited := o.exited
		if exited {
			_ = o.f.SetReadDeadline(time.Now().Add(o.grace))
		}
		o.mu.Unlock()
		n, err := o.f.Read(p)
		if !errors.Is(err, os.ErrDeadlineExceeded) {
			return n, err
		}
		if exited {
			o.held = true
		}
	}
	return 0, io.EOF
}

// drain takes what nobody wants, so that the program can end and its end be
// seen.
func (o *programOutput) drain() {
	buf := make([]byte, 32<<10)
	for until := time.Now().Add(o.grace); time.Now().Before(until); {
		if _, err := o.Read(buf); err != nil {
			return
		}
	}
	o.held = true
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
