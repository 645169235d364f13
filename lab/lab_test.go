package lab

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"runtime"
	"slices"
	"strings"
	"testing"

	"go.uber.org/goleak"
)

var update = flag.Bool("update", false, "write testdata/digests.txt anew")

// oneRun is how a test calls itself in a process of its own: with a share
// string, it prints the digest.
const oneRun = "SOCKEYE_LAB_RUN"

func TestMain(m *testing.M) {
	if share := os.Getenv(oneRun); share != "" {
		r, err := do(context.Background(), share)
		if err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		fmt.Println(r.Digest())
		os.Exit(0)
	}
	goleak.VerifyTestMain(m)
}

func do(ctx context.Context, share string) (*Run, error) {
	s, err := Find(share)
	if err != nil {
		return nil, err
	}
	return Do(ctx, s)
}

func mustDo(t testing.TB, share string) *Run {
	t.Helper()
	r, err := do(t.Context(), share)
	if err != nil {
		t.Fatalf("%s: %v", share, err)
	}
	return r
}

// gVisor is the version that the digests hold for.
func gVisor(t *testing.T) string {
	out, err := exec.Command("go", "list", "-m", "-f", "{{.Version}}", "gvisor.dev/gvisor").Output()
	if err != nil {
		t.Fatalf("go list: %v", err)
	}
	return strings.TrimSpace(string(out))
}

const digests = "testdata/digests.txt"

// golden reads the digests: the version of gVisor, then name and digest.
func golden(t *testing.T) (version string, of map[string]string) {
	b, err := os.ReadFile(digests)
	if err != nil {
		t.Fatal(err)
	}
	of = make(map[string]string)
	lines := bufio.NewScanner(bytes.NewReader(b))
	for lines.Scan() {
		f := strings.Fields(lines.Text())
		switch {
		case len(f) != 2:
			t.Fatalf("%s: %q", digests, lines.Text())
		case f[0] == "gvisor":
			version = f[1]
		default:
			of[f[0]] = f[1]
		}
	}
	return version, of
}

// The digest of each scenario is the same in every run, on any number of
// processors, and the one that is written down for this version of gVisor.
func TestDigests(t *testing.T) {
	if *update {
		var b strings.Builder
		fmt.Fprintf(&b, "gvisor %s\n", gVisor(t))
		for _, s := range Scenarios() {
			fmt.Fprintf(&b, "%s %s\n", s.Name, mustDo(t, s.Name).Digest())
		}
		if err := os.WriteFile(digests, []byte(b.String()), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	version, want := golden(t)
	if have := gVisor(t); have != version {
		t.Fatalf("%s is of gVisor %s, this is %s: look at what has changed, then run go test ./lab -run TestDigests -update", digests, version, have)
	}
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(0))
	runs := 20
	if testing.Short() || raceDetector {
		runs = 4
	}
	for _, s := range Scenarios() {
		for i := range runs {
			runtime.GOMAXPROCS(1 + i%4)
			r, err := Do(t.Context(), s)
			if err != nil {
				t.Fatalf("%s: %v", s.Name, err)
			}
			if got := r.Digest(); got != want[s.Name] {
				t.Errorf("%s, run %d on %d processors: digest %s, want %s", s.Name, i, 1+i%4, got, want[s.Name])
				break
			}
		}
		delete(want, s.Name)
	}
	if len(want) > 0 {
		t.Errorf("%s has digests of no scenario: %v", digests, want)
	}
}

// Another process comes to the same digest, and another seed to another one.
func TestProcesses(t *testing.T) {
	exe, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	shares := []string{"bad-link?seed=2", "broadcast?link=delay+10ms+3ms+loss+20%25"}
	for _, s := range Scenarios() {
		if !testing.Short() || slices.Contains([]string{"bad-link", "zero-window"}, s.Name) {
			shares = append(shares, s.Name)
		}
	}
	for _, share := range shares {
		t.Run(share, func(t *testing.T) {
			cmd := exec.CommandContext(t.Context(), exe)
			cmd.Env = append(os.Environ(), oneRun+"="+share)
			out, err := cmd.Output()
			if err != nil {
				t.Fatal(err)
			}
			if got, want := strings.TrimSpace(string(out)), mustDo(t, share).Digest(); got != want {
				t.Errorf("another process says %s, this one %s", got, want)
			}
		})
	}
	if mustDo(t, "bad-link").Digest() == mustDo(t, "bad-link?seed=2").Digest() {
		t.Error("two seeds, one digest")
	}
}

// What the log says agrees with what the stacks have counted.
func TestCounters(t *testing.T) {
	for _, s := range append(Scenarios(), others(t)...) {
		r, err := Do(t.Context(), s)
		if err != nil {
			t.Fatal(err)
		}
		resent, bad, full := make([]int, s.hosts()), make([]int, s.hosts()), make([]int, s.hosts())
		for _, p := range r.Packets {
			if p.Retransmission() && p.Why != WhySYN {
				resent[p.From]++
			}
			if p.Verdict.Kind == BadChecksum {
				bad[p.To]++
			}
			if p.Verdict.Kind == BufferFull {
				full[p.To]++
			}
			switch {
			case p.Why == "":
				t.Errorf("%s: #%d %s: nobody knows why it was sent", s.Share(), p.ID, p.Summary())
			case p.Delivered() && p.Verdict.Kind == NoVerdict:
				t.Errorf("%s: #%d %s arrived, and has no verdict", s.Share(), p.ID, p.Summary())
			case !p.Delivered() && p.Verdict.Kind != NoVerdict:
				t.Errorf("%s: #%d %s did not arrive, and has the verdict %s", s.Share(), p.ID, p.Summary(), p.Verdict)
			case p.Fate.Has(Corrupt) && p.Verdict.Kind != BadChecksum && p.Verdict.Kind != Malformed && p.Header.Proto == "TCP":
				t.Errorf("%s: #%d %s was damaged, and the verdict is %s", s.Share(), p.ID, p.Summary(), p.Verdict)
			}
		}
		for i, c := range r.counters {
			if int(c.retransmits) != resent[i] {
				t.Errorf("%s: host %s has counted %d retransmissions, the log %d", s.Share(), Host(i), c.retransmits, resent[i])
			}
			if n := int(c.tcpChecksum + c.udpChecksum + c.icmpInvalid + c.l4Malformed); n < bad[i] {
				t.Errorf("%s: host %s has counted %d bad checksums, the log %d", s.Share(), Host(i), n, bad[i])
			}
			if int(c.udpBuffer) != full[i] {
				t.Errorf("%s: host %s has counted %d full buffers, the log %d", s.Share(), Host(i), c.udpBuffer, full[i])
			}
		}
	}
}

// others are setups that no scenario is.
func others(t *testing.T) (all []Setup) {
	for _, share := range []string{
		"?flow=tcp+A>B+bytes+20000+echo&link=delay+5ms+1ms+loss+3%25",
		"?flow=tcp+A>B+bytes+300000&link=delay+20ms+2ms+loss+5%25+duplicate+3%25+corrupt+3%25+reorder+5%25+8ms&seed=7",
		"?flow=tcp+A>B+bytes+300000&link=delay+20ms+2ms+loss+5%25+duplicate+3%25+corrupt+3%25+reorder+5%25+8ms&seed=8&sack=off",
		"?flow=tcp+A>B+bytes+300000&link=delay+20ms+2ms+loss+5%25&seed=9&rack=on",
		"?flow=tcp+A>B+bytes+300000&link=delay+20ms+2ms+loss+5%25&seed=9&cc=reno&nagle=on&minrto=1s&mtu=576",
		"?flow=tcp+A>B+bytes+3000&flow=tcp+B>A+bytes+4000&flow=tcp+C>B+bytes+2000+echo&hosts=3&link=delay+3ms",
		"?flow=tcp+A>B+requests+50+bytes+100+reply+300&link=delay+3ms+loss+10%25",
		"?flow=udp+A>*+count+50+size+100+every+1ms&hosts=8&link=delay+3ms+loss+10%25+duplicate+10%25",
		"?flow=tcp+A>B+bytes+100",
		"?flow=tcp+A>B+bytes+10+closeat+5ms&link=delay+20ms",                             // closed before it was accepted
		"?flow=udp+A>B+count+3+size+3000+every+1ms&link=delay+20ms&fault=drop+A>B+any+2", // a fragment is lost
		"?flow=udp+A>B+count+1+size+100+closed&link=delay+20ms&fault=corrupt+B>A+any+1",  // an ICMP error is damaged
	} {
		s, err := Find(share)
		if err != nil {
			t.Fatalf("%s: %v", share, err)
		}
		all = append(all, s)
	}
	return all
}

// Streams arrive whole, whatever the line does, unless the flow is ended early
// or the line is dead.
func TestStreams(t *testing.T) {
	for _, s := range append(Scenarios(), others(t)...) {
		r, err := Do(t.Context(), s)
		if err != nil {
			t.Fatal(err)
		}
		for _, f := range r.Flows {
			whole := f.Flow.Proto == "tcp" && f.Flow.To != Everyone && !f.Flow.Closed && f.Flow.Abort == 0
			whole = whole && !slices.Contains([]string{"handshake", "blackhole", "blind-spot"}, s.Name)
			if whole && (!f.Complete || f.ClientError != "" || f.ServerError != "") {
				t.Errorf("%s: %s: %+v", s.Share(), f.Flow, f)
			}
		}
	}
}

// What the stack tells applications.
func TestErrors(t *testing.T) {
	for share, want := range map[string]string{
		"refused": "connection was refused", "blackhole": "operation timed out", "abort": "connection reset by peer", "broadcast": "operation timed out",
	} {
		r := mustDo(t, share)
		i := slices.IndexFunc(r.Flows, func(f FlowRun) bool { return f.Flow.Proto == "tcp" })
		if got := r.Flows[i].ClientError; got != want {
			t.Errorf("%s: the client was told %q, want %q", share, got, want)
		}
	}
}

// Only what has come to rest is stalled: not what arrived damaged, nor what the
// end of the run has interrupted.
func TestStalled(t *testing.T) {
	for share, want := range map[string]bool{
		"?link=delay 20ms&fault=duplicate A>B syn 1&flow=tcp A>B bytes 40000 buffer 2000 pause 5s": true,
		"clean": false, "clean?until=100ms": false, "blind-spot": false, "corrupt?offload=rx": false, "abort": false, "blackhole": false,
	} {
		if f := mustDo(t, share).Flows[0]; f.Stalled != want {
			t.Errorf("%s: stalled is %t: %+v", share, f.Stalled, f)
		}
	}
}

// A timer that sets itself for now must not hang the run.
func TestStuck(t *testing.T) {
	c := new(clock)
	var again func()
	again = func() { c.at(0, event{"timer", -1, again}) }
	again()
	if err := c.run(t.Context(), 1, func(e event) { e.run() }); !errors.Is(err, errStuck) {
		t.Errorf("the run ends with %v, want %v", err, errStuck)
	}
}

// A run that is called off ends, and there is none.
func TestCalledOff(t *testing.T) {
	ctx, cancel := context.WithCancelCause(t.Context())
	why := errors.New("enough")
	cancel(why)
	if r, err := do(ctx, "sawtooth"); r != nil || !errors.Is(err, why) {
		t.Errorf("%v, %v", r, err)
	}
}

func BenchmarkScenarios(b *testing.B) {
	for _, s := range Scenarios() {
		b.Run(s.Name, func(b *testing.B) {
			for b.Loop() {
				r, err := Do(b.Context(), s)
				if err != nil {
					b.Fatal(err)
				}
				b.ReportMetric(r.Virtual.Seconds(), "virtual-s")
			}
		})
	}
}

// Bulk is 100 MB over a fast line, with every packet kept.
func BenchmarkBulk(b *testing.B) {
	const size = 100 << 20
	b.SetBytes(size)
	for b.Loop() {
		r := mustDo(b, fmt.Sprintf("?flow=tcp+A>B+bytes+%d&link=delay+1ms+rate+1gbit", size))
		if !r.Flows[0].Complete {
			b.Fatalf("%+v", r.Flows[0])
		}
	}
}
