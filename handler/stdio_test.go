package handler_test

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"sockeye.dev/frame"
	"sockeye.dev/handler"
	"sockeye.dev/session"
)

// typed input, as Next cuts it.
func TestInput(t *testing.T) {
	keep := func(line []byte) (session.Message, error) { return session.Text("<" + string(line) + ">"), nil }
	for _, test := range []struct {
		name string
		in   *handler.Input
		text string
		want []string
	}{
		{"bytes", &handler.Input{}, "a\nb\r\n", []string{"a\nb\r\n"}},
		{"lines", &handler.Input{Read: keep}, "a\nb\r\n\nc\rd\ne", []string{"<a>", "<b>", "<>", "<c\rd>", "<e>"}},
		{"lines with their ends", &handler.Input{Read: keep, KeepEnd: true}, "a\nb\r\n\ne", []string{"<a\n>", "<b\r\n>", "<\n>", "<e>"}},
		{"nothing", &handler.Input{Read: keep}, "", nil},
		{"bytes of lines", &handler.Input{Read: handler.BytesLine}, "\xff\n\xc4\xe3", []string{"\xff", "\xc4\xe3"}},
		{"hex", &handler.Input{Read: handler.HexLine}, "41 42\n43\n", []string{"AB", "C"}},
		{"escapes", &handler.Input{Read: handler.EscapedLine}, `\x41\u4f60` + "\n", []string{"A你"}},
	} {
		test.in.R = strings.NewReader(test.text)
		for _, want := range test.want {
			m, err := test.in.Next()
			if err != nil || m.String() != want {
				t.Errorf("%s: %q, %v, want %q", test.name, m.String(), err, want)
			}
		}
		if m, err := test.in.Next(); err != io.EOF {
			t.Errorf("%s: then %q, %v", test.name, m.String(), err)
		}
	}
}

func TestInputStop(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var in typing
		in.more.L = &in.mu
		input := &handler.Input{R: &in, Read: handler.TextLine}
		ended := make(chan error)
		go func() { _, err := input.Next(); ended <- err }()
		synctest.Wait()
		input.Stop()
		if err := <-ended; err == nil {
			t.Error("Next went on")
		}
		if _, err := input.Next(); err == nil {
			t.Error("a later Next went on")
		}
	})
}

// talk is a conversation that Stdio holds.
type talk struct {
	in    typing
	out   output
	conn  net.Conn // the peer's end
	began time.Time
	done  chan error
	stop  context.CancelCauseFunc
}

func hold(t *testing.T, scheme string, config session.Config, source handler.Source, read func([]byte) (session.Message, error)) *talk {
	t.Helper()
	k := &talk{began: time.Now(), done: make(chan error, 1)}
	k.in.more.L = &k.in.mu
	s, conn := converse(t, scheme, config)
	k.conn = conn
	ctx, cancel := context.WithCancelCause(t.Context())
	k.stop = cancel
	h := &handler.Stdio{In: &handler.Input{R: &k.in, Source: source, Read: read}, Out: &handler.Printer{W: &k.out}}
	go func() { k.done <- h.Serve(ctx, s) }()
	return k
}

// ends waits for the end of the conversation, which is to come so long after
// its beginning.
func (k *talk) ends(t *testing.T, after time.Duration, want error) {
	t.Helper()
	err := <-k.done
	if !errors.Is(err, want) || (err == nil) != (want == nil) {
		t.Errorf("Serve: %v, want %v", err, want)
	}
	if d := time.Since(k.began); d != after {
		t.Errorf("it ended after %v, want %v", d, after)
	}
}

func (k *talk) closeWrite() { _ = k.conn.(interface{ CloseWrite() error }).CloseWrite() }

// Whatever reads the bytes, the ends are the same.
var ways = map[string]struct {
	config session.Config
	read   func([]byte) (session.Message, error)
}{
	"copied": {},
	"framed": {session.Config{Format: session.Format{Framing: frame.Line{}}}, handler.TextLine},
	"idle":   {session.Config{Idle: 100 * time.Hour}, nil}, // which looks at every byte
}

// The reply to input that has ended is waited for, however late.
func TestStdioLateReply(t *testing.T) {
	for name, way := range ways {
		synctest.Test(t, func(t *testing.T) {
			k := hold(t, "tcp", way.config, handler.Pipe, way.read)
			_, _ = k.in.Write([]byte("question\n"))
			k.in.end(io.EOF)
			if all, err := io.ReadAll(k.conn); string(all) != "question\n" || err != nil {
				t.Errorf("%s: the peer got %q, %v", name, all, err)
			}
			time.Sleep(time.Hour)
			_, _ = io.WriteString(k.conn, "answer\n")
			k.closeWrite()
			k.ends(t, time.Hour, nil)
			if got := k.out.take(); got != "answer\n" {
				t.Errorf("%s: printed %q", name, got)
			}
		})
	}
}

// After the peer's end a person is not waited for, a pipe as long as it yields
// bytes, a file to its end.
func TestStdioPeerEnds(t *testing.T) {
	for name, way := range ways {
		for _, test := range []struct {
			source handler.Source
			lines  int // that the input yields, one every 0.9 s, before it falls silent
			after  time.Duration
		}{
			{handler.Typed, 0, 0},
			{handler.Pipe, 0, time.Second},
			{handler.Pipe, 3, 3700 * time.Millisecond},
		} {
			synctest.Test(t, func(t *testing.T) {
				k := hold(t, "tcp", way.config, test.source, way.read)
				k.closeWrite()
				for range test.lines {
					time.Sleep(900 * time.Millisecond)
					_, _ = k.in.Write([]byte("line\n"))
				}
				k.ends(t, test.after, nil)
				got := make([]byte, 5*test.lines)
				if _, err := io.ReadFull(k.conn, got); err != nil || string(got) != strings.Repeat("line\n", test.lines) {
					t.Errorf("%s: the peer got %q, %v", name, got, err)
				}
			})
		}
		synctest.Test(t, func(t *testing.T) {
			k := hold(t, "tcp", way.config, handler.File, way.read)
			k.closeWrite()
			time.Sleep(time.Minute) // a slow disk
			_, _ = k.in.Write([]byte("line\n"))
			k.in.end(io.EOF)
			if all, err := io.ReadAll(k.conn); string(all) != "line\n" || err != nil {
				t.Errorf("%s: the peer got %q, %v", name, all, err)
			}
			k.ends(t, time.Minute, nil)
		})
	}
}

// Who stops a conversation is not told that all went well if something was on
// its way.
func TestStdioStopped(t *testing.T) {
	for name, way := range ways {
		for _, test := range []struct {
			source handler.Source
			size   int
			lost   bool
		}{{handler.Typed, 0, false}, {handler.Pipe, 0, false}, {handler.File, 0, true}, {handler.Pipe, 1 << 20, true}} {
			synctest.Test(t, func(t *testing.T) {
				k := hold(t, "tcp", way.config, test.source, way.read)
				_, _ = k.in.Write(append(bytes.Repeat([]byte("x"), test.size), '\n'))
				synctest.Wait()
				k.stop(errStopped)
				err := <-k.done
				if lost := err != errStopped; lost != test.lost || lost && !strings.HasPrefix(err.Error(), "not everything was sent: ") {
					t.Errorf("%s, %+v: Serve: %v", name, test, err)
				}
			})
		}
	}
}

// Datagrams have no end: it comes with a silence after the input's.
func TestStdioDatagrams(t *testing.T) {
	for _, test := range []struct {
		name    string
		answers []time.Duration // when, since the beginning
		in      string
		after   time.Duration
		err     error
	}{
		{"no answer", nil, "question\n", time.Second, handler.ErrNoReply},
		{"nothing asked", nil, "", time.Second, nil},
		{"answers", []time.Duration{900 * time.Millisecond, 1800 * time.Millisecond}, "question\n", 2800 * time.Millisecond, nil},
		{"an answer too late", []time.Duration{1100 * time.Millisecond}, "question\n", time.Second, handler.ErrNoReply},
	} {
		synctest.Test(t, func(t *testing.T) {
			k := hold(t, "udp", session.Config{}, handler.Pipe, handler.TextLine)
			for _, at := range test.answers {
				time.AfterFunc(at, func() { _, _ = io.WriteString(k.conn, "answer") })
			}
			_, _ = k.in.Write([]byte(test.in))
			k.in.end(io.EOF)
			k.ends(t, test.after, test.err)
			time.Sleep(time.Second)
		})
	}
}
