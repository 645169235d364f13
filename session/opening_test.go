package session_test

import (
	"bytes"
	"context"
	"errors"
	"io"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"sockeye.dev/frame"
	"sockeye.dev/session"
)

// What has come is no message before who looks at it has seen enough, or the peer pauses. What it does not like never is.
func TestLookFirst(t *testing.T) {
	refused := errors.New("refused")
	semicolons, err := frame.Parse("delim:;")
	if err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct {
		name  string
		says  []string
		pause time.Duration
		end   bool // the peer's, behind what it says
		seen  []string
		heard []string
		err   error
	}{
		{"at once", []string{"!;a;", "b;"}, 0, false, []string{"!;a;"}, []string{"!", "a", "b"}, session.ErrIdle},
		{"in pieces", []string{"a;", "b;", "!;"}, 0, false, []string{"a;", "b;", "!;"}, []string{"a", "b", "!"}, session.ErrIdle},
		{"never", []string{"a;", "b;"}, 0, false, []string{"a;", "b;"}, []string{"a", "b"}, session.ErrIdle},
		{"never, to the end", []string{"a;b"}, 0, true, []string{"a;b"}, []string{"a", "b"}, io.EOF},
		{"refused", []string{"a;?;b;", "c;"}, 0, true, []string{"a;?;b;"}, nil, refused},
		{"refused, in pieces", []string{"a;", "?;"}, 0, true, []string{"a;", "?;"}, nil, refused},
		{"refused after a pause", []string{"a;b", "?;c;"}, time.Second, true, []string{"a;b", "?;c;"}, []string{"a"}, refused},
		{"seen after a pause", []string{"a;", "b!;"}, time.Second, false, []string{"a;", "b!;"}, []string{"a", "b!"}, session.ErrIdle},
	} {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				var seen, heard []string
				var look session.Opening
				look = func(p []byte) (session.Opening, error) {
					seen = append(seen, string(p))
					switch {
					case bytes.ContainsRune(p, '?'):
						return nil, refused
					case bytes.ContainsRune(p, '!'):
						return nil, nil
					}
					return look, nil
				}
				result := make(chan error, 2)
				dial := serve(t, &session.Server{
					Config: session.Config{Idle: 5 * time.Second, Format: session.Format{Framing: semicolons}},
					Handler: session.HandlerFunc(func(ctx context.Context, s *session.Session) error {
						s.LookFirst(look)
						for {
							m, err := s.Recv(ctx)
							if err != nil {
								result <- err
								_, err = s.Recv(ctx)
								result <- err
								return err
							}
							heard = append(heard, string(m.Data))
						}
					}),
				}, "mem:x")
				conn := dial()
				for _, p := range tt.says {
					_, _ = io.WriteString(conn, p)
					synctest.Wait()
					time.Sleep(tt.pause) // virtual
				}
				if tt.end {
					_ = conn.(interface{ CloseWrite() error }).CloseWrite()
				}
				for range 2 { // the error stays
					if err := <-result; !errors.Is(err, tt.err) {
						t.Errorf("ended with %v, want %v", err, tt.err)
					}
				}
				if !slices.Equal(seen, tt.seen) || !slices.Equal(heard, tt.heard) {
					t.Errorf("seen %q, heard %q", seen, heard)
				}
			})
		})
	}
}

// Where messages are the connection's own the first is looked at, and not held back.
func TestLookFirstAtAMessage(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var seen []string
		var look session.Opening
		look = func(p []byte) (session.Opening, error) {
			seen = append(seen, string(p))
			return look, nil
		}
		heard := make(chan string, 2)
		dial := serve(t, &session.Server{Handler: session.HandlerFunc(func(ctx context.Context, s *session.Session) error {
			s.LookFirst(look)
			return collect(heard).Serve(ctx, s)
		})}, "udp://127.0.0.1:7")
		conn, began := dial(), time.Now()
		for _, p := range []string{"a", "b"} {
			_, _ = io.WriteString(conn, p)
			if got := <-heard; got != p || !time.Now().Equal(began) {
				t.Errorf("heard %q after %v", got, time.Since(began))
			}
		}
		if !slices.Equal(seen, []string{"a"}) {
			t.Errorf("seen %q", seen)
		}
	})
}
