package session_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"testing"
	"testing/synctest"

	"sockeye.dev/endpoint"
	"sockeye.dev/session"
)

// Why a conversation ended is logged once, though its handler and Close both say it; what only one of them says is logged too.
func TestReasonOnce(t *testing.T) {
	for name, test := range map[string]struct{ served, want string }{
		"the same": {"", `reason="` + session.ErrOutboxFull.Error() + `"`},
		"more":     {"ann: %w", `reason="ann: ` + session.ErrOutboxFull.Error() + `"`},
		"another":  {"out of order", `reason="out of order\n` + session.ErrOutboxFull.Error() + `"`},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				var network endpoint.Mem
				addr := endpoint.Addr{Scheme: "mem", Path: "x"}
				ln, err := network.Listen(t.Context(), addr)
				if err != nil {
					t.Fatal(err)
				}
				var log bytes.Buffer
				srv := &session.Server{Log: slog.New(slog.NewTextHandler(&log, nil)), Handler: session.HandlerFunc(func(_ context.Context, s *session.Session) error {
					s.Drop(session.ErrOutboxFull, nil)
					switch {
					case test.served == "":
						return session.ErrOutboxFull
					case strings.Contains(test.served, "%w"):
						return fmt.Errorf(test.served, session.ErrOutboxFull)
					}
					return errors.New(test.served)
				})}
				ctx, cancel := context.WithCancel(t.Context())
				done := make(chan error, 1)
				go func() { done <- srv.Serve(ctx, ln) }()
				c, err := network.Dial(t.Context(), addr)
				if err != nil {
					t.Fatal(err)
				}
				defer c.Close()
				synctest.Wait()
				cancel()
				<-done
				if got := log.String(); !strings.HasSuffix(got, test.want+"\n") {
					t.Errorf("the log says %s\nwant ... %s", got, test.want)
				}
			})
		})
	}
}
