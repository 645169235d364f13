// Package browsertest runs the browser lab in a browser. It is a module of its
// own so that nothing else needs chromedp.
package browsertest

import (
	"context"
	"encoding/json"
	"net/http/httptest"
	"os"
	"os/exec"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/chromedp/cdproto/log"
	"github.com/chromedp/cdproto/network"
	"github.com/chromedp/cdproto/runtime"
	"github.com/chromedp/chromedp"

	"sockeye.dev/internal/peertest"
	"sockeye.dev/lab"
)

// chromium is a browser's path. Without one the test is skipped; with
// SOCKEYE_REQUIRE_PEERS=1 it fails.
func chromium(t *testing.T) string {
	for _, name := range []string{"chromium", "chromium-headless-shell", "google-chrome"} {
		if path, err := exec.LookPath(name); err == nil {
			return path
		}
	}
	if peertest.Required() {
		t.Fatal("there is no Chromium, and SOCKEYE_REQUIRE_PEERS=1")
	}
	t.Skip("there is no Chromium: looked for chromium, chromium-headless-shell and google-chrome")
	return ""
}

// A tab is a browser with the lab's page open, and what it has complained of.
type tab struct {
	t   *testing.T
	ctx context.Context
	url string

	mu         sync.Mutex
	complaints []string
}

func open(t *testing.T) *tab {
	path := chromium(t)
	server := httptest.NewServer(lab.Handler())
	t.Cleanup(server.Close)
	options := append(chromedp.DefaultExecAllocatorOptions[:], chromedp.ExecPath(path), chromedp.WindowSize(1280, 1600))
	if os.Geteuid() == 0 {
		options = append(options, chromedp.NoSandbox)
	}
	ctx, cancel := context.WithTimeout(context.Background(), 2*time.Minute)
	t.Cleanup(cancel)
	ctx, cancel = chromedp.NewExecAllocator(ctx, options...)
	t.Cleanup(cancel)
	ctx, cancel = chromedp.NewContext(ctx)
	t.Cleanup(cancel)
	t.Cleanup(func() { chromedp.Cancel(ctx) })
	b := &tab{t: t, ctx: ctx, url: server.URL}
	if err := chromedp.Listen(ctx, b.hear); err != nil {
		t.Fatal(err)
	}
	return b
}

// hear notes what nobody wants to see in a console, and requests to anywhere
// but the lab.
func (b *tab) hear(e any) {
	complaint := ""
	switch e := e.(type) {
	case *runtime.EventExceptionThrown:
		complaint = "exception: " + e.ExceptionDetails.Text
		if e.ExceptionDetails.Exception != nil {
			complaint += " " + e.ExceptionDetails.Exception.Description
		}
	case *runtime.EventConsoleAPICalled:
		complaint = "console." + string(e.Type)
	case *log.EventEntryAdded:
		complaint = string(e.Entry.Level) + ": " + e.Entry.Text
	case *network.EventRequestWillBeSent:
		if u := e.Request.URL; !strings.HasPrefix(u, b.url) && u != "about:blank" && !strings.HasPrefix(u, "data:") && !strings.HasPrefix(u, "blob:") {
			complaint = "a request elsewhere: " + u
		}
	}
	if complaint != "" {
		b.mu.Lock()
		defer b.mu.Unlock()
		b.complaints = append(b.complaints, complaint)
	}
}

func (b *tab) do(steps ...chromedp.Action[chromedp.Void]) {
	b.t.Helper()
	if err := chromedp.Do(b.ctx, steps...); err != nil {
		b.t.Fatal(err)
	}
}

// eval evaluates a script whose value does not matter.
func eval(script string) chromedp.Action[chromedp.Void] {
	return chromedp.Func(func(ctx context.Context, t *chromedp.Target) error {
		_, err := chromedp.Evaluate[bool]("(() => {"+script+"; return true })()")(ctx, t)
		return err
	})
}

// shown is what the page says of the run that it shows.
type shown struct{ State, Share, Digest, Status, Faults string }

// compare waits for the page to show the run of s, and compares its digest with
// that of the same run without a browser.
func (b *tab) compare(what string, s lab.Setup) shown {
	b.t.Helper()
	r, err := lab.Do(b.t.Context(), s)
	if err != nil {
		b.t.Fatal(err)
	}
	share, _ := json.Marshal(s.Share())
	_, err = chromedp.Run(b.ctx, chromedp.Poll[bool](`document.body.dataset.state === "error" || document.body.dataset.state === "done" && document.body.dataset.share === `+string(share), chromedp.WithPollingTimeout(60*time.Second)))
	page, readErr := chromedp.Run(b.ctx, chromedp.Evaluate[shown](`({State: document.body.dataset.state || "", Share: document.body.dataset.share || "",
		Digest: document.getElementById("digest").textContent, Status: document.getElementById("status").textContent, Faults: document.getElementById("faults").textContent})`))
	if err != nil || readErr != nil {
		b.t.Fatalf("%s: %v, %v; the page says %+v; complaints: %q", what, err, readErr, page, b.complaints)
	}
	if page.Digest != r.Digest() {
		b.t.Errorf("%s: the digest is %s, not %s: if lab/web/lab.wasm.gz is older than the sources, run lab/web/build.sh; the page says %+v", what, page.Digest, r.Digest(), page)
	}
	return page
}

func TestPage(t *testing.T) {
	b := open(t)
	scenarios := lab.Scenarios()
	if len(scenarios) < 3 {
		t.Fatalf("there are %d scenarios", len(scenarios))
	}
	lossy := scenarios[0]
	for knob, value := range map[string]string{"seed": "7", "link": "delay 20ms loss 20%"} {
		if err := lossy.Set(knob, value); err != nil {
			t.Fatal(err)
		}
	}
	b.do(chromedp.Navigate(b.url + "/?lang=en#" + lossy.Share()))
	b.compare("by its address", lossy)
	for _, s := range scenarios[1:3] {
		name, _ := json.Marshal(s.Name)
		b.do(eval(`const s = document.getElementById("scenario"); s.value = ` + string(name) + `; s.dispatchEvent(new Event("change"))`))
		b.compare("chosen: "+s.Name, s)
	}

	s := scenarios[2]
	dropped := s
	if err := dropped.Set("fault", "drop A>B any 1"); err != nil {
		t.Fatal(err)
	}
	const first = `#ladder .p[data-line="A>B"][data-nth="1"]`
	b.do(click(first))
	if page := b.compare("a packet dropped by a click", dropped); !strings.Contains(page.Faults, "drop A>B any 1") {
		t.Errorf("the page shows the faults %q", page.Faults)
	}
	b.do(click(first))
	b.compare("and let through by another", s)

	b.do(eval(`const c = document.getElementById("cursor"); c.value = c.max / 2; c.dispatchEvent(new Event("input"))`))
	height, err := chromedp.Run(b.ctx, chromedp.Evaluate[float64](`+document.querySelector("#ladder .curtain").getAttribute("height")`))
	if err != nil || height <= 0 {
		t.Errorf("half-way through time nothing is hidden: %v, %v", height, err)
	}
	b.do(eval(`document.getElementById("lang").click()`))
	if _, err := chromedp.Run(b.ctx, chromedp.Poll[bool](`document.documentElement.lang === "zh-CN" && document.body.dataset.state === "done"`)); err != nil {
		t.Errorf("in Chinese: %v", err)
	}
	b.compare("in Chinese", s)
	if to := os.Getenv("SOCKEYE_SCREENSHOT"); to != "" {
		b.screenshot(to, "fast-retransmit")
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	for _, c := range b.complaints {
		t.Errorf("the browser complains: %s", c)
	}
}

// click clicks a packet as a mouse does, somewhere on its line where no other
// packet covers it.
func click(packet string) chromedp.Action[chromedp.Void] {
	return chromedp.Func(func(ctx context.Context, t *chromedp.Target) error {
		quoted, _ := json.Marshal(packet)
		at, err := chromedp.Evaluate[struct{ X, Y float64 }](`(() => {
	const p = document.querySelector(`+string(quoted)+`), line = p.querySelector(".hit");
	p.scrollIntoView({ block: "center" });
	for (let part = 0.1; part < 1; part += 0.05) {
		const at = line.getPointAtLength(line.getTotalLength() * part).matrixTransform(line.getScreenCTM());
		if (document.elementFromPoint(at.x, at.y)?.closest(".p") === p) return { X: at.x, Y: at.y };
	}
	throw new Error("the packet is covered all over");
})()`)(ctx, t)
		if err != nil {
			return err
		}
		_, err = chromedp.MouseClickXY(at.X, at.Y)(ctx, t)
		return err
	})
}

// screenshot saves the page with a scenario, pointing at a packet, for the
// documentation: SOCKEYE_SCREENSHOT=../../docs/lab-page.png go test
func (b *tab) screenshot(to, scenario string) {
	s, err := lab.Find(scenario)
	if err != nil {
		b.t.Fatal(err)
	}
	b.do(chromedp.Navigate("about:blank"), chromedp.Navigate(b.url+"/?lang=en#"+s.Share()))
	b.compare("for the screenshot", s)
	b.do(eval(`document.querySelector('#ladder .p.again .hit').dispatchEvent(new PointerEvent("pointerover", {bubbles: true}))`))
	png, err := chromedp.Run(b.ctx, chromedp.CaptureScreenshot())
	if err == nil {
		err = os.WriteFile(to, png, 0o644)
	}
	if err != nil {
		b.t.Error(err)
	}
}
