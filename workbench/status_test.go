package workbench_test

import (
	"context"
	"errors"
	"io"
	"maps"
	"net"
	"net/http"
	"net/http/httptest"
	"regexp"
	"runtime"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"sockeye.dev/workbench"
)

func get(h http.Handler, method, path string) *http.Response {
	w := httptest.NewRecorder()
	h.ServeHTTP(w, httptest.NewRequest(method, path, nil))
	return w.Result()
}

func body(t *testing.T, r *http.Response) string {
	t.Helper()
	b, err := io.ReadAll(r.Body)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

func TestStatus(t *testing.T) {
	var notReady, cut error
	s := &workbench.Status{
		Ready:    func() error { return notReady },
		Snapshot: func() workbench.Snapshot { return workbench.Snapshot{Bus: cut} },
	}
	check := func(method, path string, code int, text string) {
		t.Helper()
		r := get(s, method, path)
		if got := body(t, r); r.StatusCode != code || !strings.Contains(got, text) {
			t.Errorf("%s %s is %d %q, want %d %q", method, path, r.StatusCode, got, code, text)
		}
		if code < 400 && r.Header.Get("Cache-Control") != "no-store" {
			t.Errorf("%s may be cached", path)
		}
	}
	check("GET", "/healthz", 200, "ok\n")
	check("HEAD", "/healthz", 200, "")
	check("GET", "/readyz", 200, "ok\n")
	check("GET", "/", 404, "/metrics")
	check("POST", "/metrics", 405, "GET")
	notReady = errors.New("it drains")
	check("GET", "/readyz", 503, "it drains\n")
	check("GET", "/healthz", 200, "ok\n")
	notReady, cut = nil, errors.New("no server answers")
	check("GET", "/readyz", 503, "the rooms are cut off: no server answers\n")
	check("GET", "/metrics", 200, "\nsockeye_bus_down 1\n")
	s = &workbench.Status{}
	check("GET", "/readyz", 200, "ok\n")
	check("GET", "/metrics", 200, "\nsockeye_bus_down 0\n")
}

// sampleLine is the format's, as Prometheus documents it in "Exposition formats".
var sampleLine = regexp.MustCompile(`^([a-zA-Z_:][a-zA-Z0-9_:]*)(\{[a-zA-Z_][a-zA-Z0-9_]*="(?:[^"\\\n]|\\["\\n])*"\})? (-?[0-9.]+(?:e[+-][0-9]+)?)$`)

// scrape reads metrics as strictly as the format is defined: HELP, then TYPE, then all samples of that name.
func scrape(t *testing.T, text string) map[string]string {
	t.Helper()
	samples, families := make(map[string]string), make(map[string]string)
	var name, kind string
	for line := range strings.Lines(text) {
		line = strings.TrimSuffix(line, "\n")
		if after, ok := strings.CutPrefix(line, "# HELP "); ok {
			name, _, _ = strings.Cut(after, " ")
			if kind = ""; families[name] != "" {
				t.Errorf("%s is there twice", name)
			}
			families[name] = line
			continue
		}
		if after, ok := strings.CutPrefix(line, "# TYPE "+name+" "); ok {
			kind = after
			if kind != "gauge" && kind != "counter" && kind != "summary" || kind == "counter" != strings.HasSuffix(name, "_total") {
				t.Errorf("%s is a %s", name, kind)
			}
			continue
		}
		m := sampleLine.FindStringSubmatch(line)
		if m == nil || kind == "" || m[1] != name && !(kind == "summary" && strings.HasPrefix(m[1], name+"_")) {
			t.Errorf("%q is no sample of %s", line, name)
			continue
		}
		if _, twice := samples[m[1]+m[2]]; twice {
			t.Errorf("%q is there twice", line)
		}
		samples[m[1]+m[2]] = m[3]
	}
	return samples
}

func TestMetrics(t *testing.T) {
	s := &workbench.Status{
		Version: "v1.2.3",
		Snapshot: func() workbench.Snapshot {
			return workbench.Snapshot{
				Rooms: 2, Members: 5, Said: 7, Deliveries: 1 << 40, Kept: 3,
				Doors: []workbench.DoorSnapshot{{Address: "tcp://:7788", Sessions: 4, Refused: 9}, {Address: "unix:a\"b\\c\nd\xff", Sessions: 1}},
				Lost:  map[string]int64{"slow": 2, "idle": 1},
			}
		},
	}
	r := get(s, "GET", "/metrics")
	if got := r.Header.Get("Content-Type"); got != "text/plain; version=0.0.4; charset=utf-8" {
		t.Errorf("Content-Type is %s", got)
	}
	got := scrape(t, body(t, r))
	ours := maps.Clone(got)
	maps.DeleteFunc(ours, func(k, _ string) bool { return !strings.HasPrefix(k, "sockeye_") })
	want := map[string]string{
		`sockeye_info{version="v1.2.3"}`: "1",
		"sockeye_rooms":                  "2", "sockeye_members": "5",
		`sockeye_sessions{door="tcp://:7788"}`: "4", `sockeye_sessions{door="unix:a\"b\\c\nd` + "\uFFFD\"}": "1",
		`sockeye_refused_total{door="tcp://:7788"}`: "9", `sockeye_refused_total{door="unix:a\"b\\c\nd` + "\uFFFD\"}": "0",
		"sockeye_messages_said_total": "7", "sockeye_deliveries_total": "1.099511627776e+12",
		`sockeye_members_lost_total{reason="slow"}`: "2", `sockeye_members_lost_total{reason="idle"}`: "1",
		"sockeye_bus_down": "0", "sockeye_history_messages": "3",
	}
	if d := cmp.Diff(want, ours); d != "" {
		t.Errorf("(-want +got)\n%s", d)
	}
	usual := []string{"go_goroutines", "go_memstats_heap_alloc_bytes", "go_gc_duration_seconds_count"}
	if runtime.GOOS == "linux" {
		usual = append(usual, "process_cpu_seconds_total", "process_resident_memory_bytes", "process_virtual_memory_bytes",
			"process_start_time_seconds", "process_open_fds", "process_max_fds")
	}
	for _, name := range usual {
		if got[name] == "" || got[name] == "0" && !strings.Contains(name, "_count") && !strings.Contains(name, "cpu") {
			t.Errorf("%s is %q", name, got[name])
		}
	}
	if _, known := scrape(t, body(t, get(&workbench.Status{}, "GET", "/metrics")))["sockeye_history_messages"]; known {
		t.Errorf("a history that is not known is shown; %v", slices.Sorted(maps.Keys(got)))
	}
}

func TestStatusServe(t *testing.T) {
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error)
	go func() { done <- (&workbench.Status{}).Serve(ctx, ln) }()
	client := &http.Client{Transport: &http.Transport{}}
	defer client.CloseIdleConnections()
	r, err := client.Get("http://" + ln.Addr().String() + "/healthz")
	if err != nil {
		t.Fatal(err)
	}
	if got := body(t, r); got != "ok\n" {
		t.Errorf("/healthz is %q", got)
	}
	_ = r.Body.Close()
	cancel()
	if err := <-done; !errors.Is(err, http.ErrServerClosed) {
		t.Errorf("Serve ended with %v", err)
	}
	bad, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	_ = bad.Close()
	if err := (&workbench.Status{}).Serve(t.Context(), bad); !errors.Is(err, net.ErrClosed) {
		t.Errorf("Serve of a closed listener: %v", err)
	}
}
