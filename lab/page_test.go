package lab

import (
	"bytes"
	"encoding/json"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"sockeye.dev/internal/peertest"
)

// runShare runs what a share string says.
func runShare(t *testing.T, share string) *Run {
	t.Helper()
	s, err := Find(share)
	if err != nil {
		t.Fatal(err)
	}
	r, err := Do(t.Context(), s)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func pageOf(t *testing.T, r *Run, o PageOptions) string {
	t.Helper()
	var b bytes.Buffer
	if err := r.HTML(&b, o); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

const (
	shareLoss = "?seed=3&flow=tcp+A>B+bytes+30000&link=delay+20ms+2ms+loss+15%25+corrupt+3%25+duplicate+3%25+reorder+5%25+8ms"
	shareFew  = "?flow=tcp+A>B+bytes+4000&link=delay+20ms"
)

// TestPages draws every scenario in both languages. With SOCKEYE_PAGES naming a
// directory, they are left there for people to look at.
func TestPages(t *testing.T) {
	shares := map[string]string{"loss": shareLoss, "few": shareFew, "no-time": "?flow=tcp+A>B+bytes+4000",
		"nothing": "?until=1s", "queue": "?flow=tcp+A>B+bytes+12000&link=delay+30ms+rate+2mbit&fault=drop+A>B+data+3", "hosts": "?hosts=8&flow=udp+A>*+count+3+size+100&link=delay+5ms"}
	for _, s := range Scenarios() {
		shares[s.Name] = s.Share()
	}
	for name, share := range shares {
		r := runShare(t, share)
		for _, lang := range []string{"en", "zh"} {
			page := pageOf(t, r, PageOptions{Lang: lang})
			if dir := os.Getenv("SOCKEYE_PAGES"); dir != "" {
				if err := os.WriteFile(filepath.Join(dir, name+"."+lang+".html"), []byte(page), 0o644); err != nil {
					t.Fatal(err)
				}
			}
			p := r.Parts(PageOptions{Lang: lang})
			wellFormedXML(t, name, p.Ladder)
			wellFormedXML(t, name, "<div>"+p.Plots+p.Score+p.Counts+"</div>")
			if strings.Contains(page, "NaN") || strings.Contains(page, "Inf") || strings.Contains(page, "%!") {
				t.Errorf("%s, %s: the page has a number that is none, or a bad format", name, lang)
			}
			if !strings.Contains(page, r.Digest()) {
				t.Errorf("%s: the page lacks the digest", name)
			}
			if n := strings.Count(p.Ladder, "data-id="); n != min(len(r.Packets), defaultMaxPackets) {
				t.Errorf("%s: the ladder has %d of %d packets", name, n, len(r.Packets))
			}
			if len(page) > 1<<20 {
				t.Errorf("%s: the page has %d bytes", name, len(page))
			}
		}
	}
}

func wellFormedXML(t *testing.T, name, s string) {
	t.Helper()
	d := xml.NewDecoder(strings.NewReader(s))
	for {
		if _, err := d.Token(); errors.Is(err, io.EOF) {
			return
		} else if err != nil {
			t.Errorf("%s: not well-formed: %v", name, err)
			return
		}
	}
}

// Texts of a scenario file are a stranger's.
func TestPageEscapes(t *testing.T) {
	s, err := Find(shareFew)
	if err != nil {
		t.Fatal(err)
	}
	const evil = `</title><script>alert(1)</script>'"&`
	s.Name, s.Title, s.Text = evil, Text{evil, evil}, Text{evil, evil}
	r, err := Do(t.Context(), s)
	if err != nil {
		t.Fatal(err)
	}
	p := r.Parts(PageOptions{})
	for _, html := range []string{pageOf(t, r, PageOptions{}), p.Ladder, p.Plots, p.Score, p.Counts} {
		if strings.Contains(html, "<script>alert") {
			t.Error("a script of the scenario's is in the page")
		}
	}
}

// The ladder leaves out what does not fit, and says so; and silences.
func TestLadderLimits(t *testing.T) {
	r := runShare(t, shareLoss)
	p := r.Parts(PageOptions{MaxPackets: 10}).Ladder
	if n := strings.Count(p, "data-id="); n != 10 || !strings.Contains(p, "more packets are not drawn") {
		t.Errorf("of at most 10 packets %d are drawn, or nothing says that more are not", n)
	}
	height := 0.0
	if _, err := fmt.Sscanf(regexp.MustCompile(`viewBox="0 0 1200 [0-9.]+"`).FindString(r.Parts(PageOptions{}).Ladder), `viewBox="0 0 1200 %g"`, &height); err != nil || height > 6000 {
		t.Errorf("the ladder of a run with silences is %v pixels high, %v", height, err)
	}
	from, to := r.Packets[10].Sent, r.Packets[20].Sent
	want := 0
	for _, p := range r.Packets {
		if p.Sent >= from && p.Sent <= to {
			want++
		}
	}
	if n := strings.Count(r.Parts(PageOptions{From: from, To: to}).Ladder, "data-id="); n != want {
		t.Errorf("from %v to %v %d packets are drawn, not %d", from, to, n, want)
	}
}

// A timeline has one scale, apart from silences.
func TestTimeline(t *testing.T) {
	ms := time.Millisecond
	l := newTimeline([]period{{0, 20 * ms}, {20 * ms, 40 * ms}, {60000 * ms, 60020 * ms}}, 20*ms, 0, nil, 100)
	if len(l.breaks) != 1 {
		t.Fatalf("%d silences, not 1", len(l.breaks))
	}
	if a, b := l.y(20*ms)-l.y(0), l.y(60020*ms)-l.y(60000*ms); a-b > 1e-6 || b-a > 1e-6 || a <= 0 {
		t.Errorf("20 ms are %v pixels before the silence and %v after it", a, b)
	}
	if h := l.bottom() - 100; h > 4*usualSlope+breakHeight {
		t.Errorf("a minute of silence makes the ladder %v pixels high", h)
	}
}

// What a packet's mark says of faults is what a fault with that number does.
func TestScriptMarks(t *testing.T) {
	r := runShare(t, shareLoss)
	for i, m := range r.replay() {
		if p := r.Packets[i]; m.nth > 0 && i%9 == 0 {
			s := r.Setup
			f := Fault{Action: "drop", From: p.From, To: p.To, Kind: "any", First: m.nth, Last: m.nth}
			s.Faults = []Fault{f}
			dropped, err := Do(t.Context(), s)
			if err != nil {
				t.Fatal(err)
			}
			q := dropped.Packets[i]
			if !q.Fate.Has(Scripted) || q.Delivered() || dropped.replay()[i].fault != 0 {
				t.Errorf("%v does not drop #%d: %v", f, p.ID, q.Fate)
			}
		}
	}
}

func TestHandler(t *testing.T) {
	h := Handler()
	get := func(path, accept, etag string) *httptest.ResponseRecorder {
		r := httptest.NewRequest("GET", path, nil)
		r.Header.Set("Accept-Encoding", accept)
		r.Header.Set("If-None-Match", etag)
		w := httptest.NewRecorder()
		h.ServeHTTP(w, r)
		return w
	}
	page := get("/", "", "")
	if page.Code != 200 || !strings.Contains(page.Body.String(), "lab.js") || !strings.Contains(page.Header().Get("Content-Security-Policy"), "'wasm-unsafe-eval'") {
		t.Errorf("the page: %d %v", page.Code, page.Header())
	}
	if w := get("/", "", page.Header().Get("ETag")); w.Code != 304 {
		t.Errorf("the page again: %d", w.Code)
	}
	zipped, plain := get("/lab.wasm", "br, gzip", ""), get("/lab.wasm", "gzip;q=0", "")
	if zipped.Header().Get("Content-Encoding") != "gzip" || zipped.Header().Get("Content-Type") != "application/wasm" {
		t.Errorf("the program: %v", zipped.Header())
	}
	if plain.Header().Get("Content-Encoding") != "" || !bytes.HasPrefix(plain.Body.Bytes(), []byte("\x00asm")) || plain.Header().Get("ETag") == zipped.Header().Get("ETag") {
		t.Errorf("the program, not zipped: %v", plain.Header())
	}
	for path, code := range map[string]int{"/lab.js": 200, "/run.css": 200, "/worker.js": 200, "/wasm_exec.js": 200, "/build.sh": 404, "/../serve.go": 404} {
		if w := get(path, "", ""); w.Code != code {
			t.Errorf("%s: %d", path, w.Code)
		}
	}
}

// nodeScript runs share strings in the program that it is given, and prints the
// answers' digests or errors.
const nodeScript = `
const fs = require("fs");
globalThis.require = require;
require(process.argv[1]);
const go = new Go();
WebAssembly.instantiate(fs.readFileSync(process.argv[2]), go.importObject).then(async ({ instance }) => {
	go.run(instance);
	const out = {};
	for (const share of process.argv.slice(3)) {
		const answer = await sockeyeLab({ share, lang: "en" });
		out[share] = answer.digest || answer.error;
		if (answer.digest && !answer.ladder.startsWith("<svg")) throw new Error("no ladder");
	}
	fs.writeSync(1, JSON.stringify(out));
	process.exit(0);
});`

// The program for browsers, in node, has the digests that we have.
func TestWasm(t *testing.T) {
	node := peertest.Path(t, "node")
	if testing.Short() {
		t.Skip("builds a program for another system")
	}
	root, err := exec.CommandContext(t.Context(), "go", "env", "GOROOT").Output()
	if err != nil {
		t.Fatal(err)
	}
	program := filepath.Join(t.TempDir(), "lab.wasm")
	build := exec.CommandContext(t.Context(), "go", "build", "-o", program, "./wasm")
	build.Env = append(os.Environ(), "GOOS=js", "GOARCH=wasm", "CGO_ENABLED=0", "GOFLAGS=")
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	shares := []string{shareLoss, shareFew, "?flow=tcp+A>B+bytes+60000+buffer+16384+pause+1.5s&link=delay+20ms", "?link=nonsense"}
	for _, s := range Scenarios() {
		shares = append(shares, s.Share())
	}
	args := append([]string{"-e", nodeScript, filepath.Join(strings.TrimSpace(string(root)), "lib", "wasm", "wasm_exec.js"), program}, shares...)
	out, err := exec.CommandContext(t.Context(), node, args...).Output()
	if err != nil {
		var exit *exec.ExitError
		if errors.As(err, &exit) {
			t.Fatalf("%v\n%s", err, exit.Stderr)
		}
		t.Fatal(err)
	}
	got := make(map[string]string)
	if err := json.Unmarshal(out, &got); err != nil {
		t.Fatalf("%v in %q", err, out)
	}
	for _, share := range shares {
		s, err := Find(share)
		want := ""
		if err != nil {
			want = err.Error()
		} else if r, err := Do(t.Context(), s); err != nil {
			want = err.Error()
		} else {
			want = r.Digest()
		}
		if got[share] != want {
			t.Errorf("%s: in node %s, here %s", share, got[share], want)
		}
	}
}
