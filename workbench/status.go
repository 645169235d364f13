package workbench

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"time"
)

// Snapshot is the state of a workbench at one moment, as /metrics shows it. Said, Deliveries, Lost and Refused only
// grow while the process lives.
type Snapshot struct {
	// Rooms is how many rooms are open; Members how many members there are in them.
	Rooms, Members int

	// Doors are the doors that are open, each address once.
	Doors []DoorSnapshot

	// Said is how many messages were said; Deliveries how many times one was given to a member.
	Said, Deliveries int64

	// Lost counts the members that were dropped, by reason: a few fixed words, such as "slow".
	Lost map[string]int64

	// Bus is why what is said cannot be kept and passed on; nil while it can.
	Bus error

	// Kept is how many messages the history holds; negative when that is not known.
	Kept int64
}

// DoorSnapshot is the state of one door.
type DoorSnapshot struct {
	// Address is where it listens.
	Address string

	// Sessions are held now; Refused were turned away so far.
	Sessions int
	Refused  int64
}

// Status answers HTTP GET: /metrics in Prometheus' text format, /healthz with 200 as long as the process answers at
// all, and /readyz with 200 while it is of use, or else 503 and the reason. Its fields are set before it is used; the
// functions are called by any goroutine, and return at once.
type Status struct {
	// Snapshot tells the state. It is called for /metrics and /readyz. Default: one of nothing.
	Snapshot func() Snapshot

	// Ready tells why members cannot be served yet, or no more; nil when they can. A bus that is cut off is told by the
	// Snapshot. Default: ready.
	Ready func() error

	// Version is shown as a label of sockeye_info. Default: none.
	Version string
}

var _ http.Handler = (*Status)(nil)

// ServeHTTP answers one request.
func (s *Status) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if r.Method != http.MethodGet && r.Method != http.MethodHead {
		w.Header().Set("Allow", "GET, HEAD")
		http.Error(w, "this is for reading: GET", http.StatusMethodNotAllowed)
		return
	}
	w.Header().Set("Cache-Control", "no-store")
	switch r.URL.Path {
	case "/metrics":
		var b bytes.Buffer
		s.writeMetrics(&b)
		w.Header().Set("Content-Type", "text/plain; version=0.0.4; charset=utf-8")
		_, _ = w.Write(b.Bytes())
	case "/healthz":
		answer(w, http.StatusOK, "ok")
	case "/readyz":
		if err := s.ready(); err != nil {
			answer(w, http.StatusServiceUnavailable, err.Error())
			return
		}
		answer(w, http.StatusOK, "ok")
	default:
		answer(w, http.StatusNotFound, "here are /metrics, /healthz and /readyz")
	}
}

func answer(w http.ResponseWriter, code int, text string) {
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	w.Header().Set("X-Content-Type-Options", "nosniff")
	w.WriteHeader(code)
	_, _ = fmt.Fprintln(w, text)
}

func (s *Status) snapshot() Snapshot {
	if s.Snapshot == nil {
		return Snapshot{Kept: -1}
	}
	return s.Snapshot()
}

func (s *Status) ready() error {
	if s.Ready != nil {
		if err := s.Ready(); err != nil {
			return err
		}
	}
	if err := s.snapshot().Bus; err != nil {
		return fmt.Errorf("the rooms are cut off: %w", err)
	}
	return nil
}

// Serve answers the connections of ln, which it closes, until ctx ends; it returns http.ErrServerClosed then. Nothing is
// left running.
func (s *Status) Serve(ctx context.Context, ln net.Listener) error {
	srv := &http.Server{
		Handler:           s,
		ReadHeaderTimeout: 5 * time.Second,
		ReadTimeout:       10 * time.Second,
		WriteTimeout:      10 * time.Second,
		IdleTimeout:       2 * time.Minute,
		MaxHeaderBytes:    8 << 10,
		BaseContext:       func(net.Listener) context.Context { return ctx },
	}
	done := make(chan struct{})
	stop := context.AfterFunc(ctx, func() {
		defer close(done)
		soon, cancel := context.WithTimeout(context.WithoutCancel(ctx), time.Second)
		defer cancel()
		if srv.Shutdown(soon) != nil {
			_ = srv.Close()
		}
	})
	err := srv.Serve(ln)
	if !stop() {
		<-done
		return http.ErrServerClosed
	}
	_ = srv.Close()
	if errors.Is(err, http.ErrServerClosed) {
		return err
	}
	return fmt.Errorf("serve the status at %v: %w", ln.Addr(), err)
}
