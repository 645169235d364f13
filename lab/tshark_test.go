package lab

import (
	"bytes"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"testing"

	"gvisor.dev/gvisor/pkg/tcpip/header"

	"sockeye.dev/internal/peertest"
	"sockeye.dev/observe"
)

// bad is a line that does everything.
const bad = "&link=delay+20ms+4ms+loss+5%25+duplicate+3%25+corrupt+3%25+reorder+5%25+8ms"

// tsharkShares are runs that between them do all that lines and stacks do, and
// bring about each of the differences below.
var tsharkShares = []string{
	"?flow=tcp+A>B+bytes+12000",
	"?flow=tcp+A>B+bytes+12000&link=delay+20ms&mtu=576",
	"?flow=tcp+A>B+closeat+1s&link=delay+20ms",
	// openings
	"?flow=tcp+A>B+bytes+12000&link=delay+20ms&fault=drop+A>B+syn+1-3",
	"?flow=tcp+A>B+bytes+12000&link=delay+20ms&fault=drop+B>A+synack+1",
	"?flow=tcp+A>B+bytes+12000&link=delay+20ms&fault=duplicate+A>B+syn+1",
	"?flow=tcp+A>B+bytes+12000&link=delay+20ms&fault=duplicate+B>A+synack+1",
	"?flow=tcp+A>B+bytes+12000&link=delay+20ms&fault=delay+B>A+synack+1+by+1500ms",
	"?flow=tcp+A>B+bytes+12000&link=delay+20ms+loss+100%25",
	"?flow=tcp+A>B+bytes+12000+closed&link=delay+20ms",
	// losses
	"?flow=tcp+A>B+bytes+12000&link=delay+20ms&fault=drop+A>B+data+3",
	"?flow=tcp+A>B+bytes+12000&link=delay+20ms&fault=drop+A>B+data+9",
	"?flow=tcp+A>B+bytes+12000&link=delay+20ms&fault=drop+A>B+data+9&minrto=1s",
	"?flow=tcp+A>B+bytes+12000&link=delay+20ms&fault=drop+A>B+data+1-9",
	"?flow=tcp+A>B+bytes+60000&link=delay+20ms&fault=drop+A>B+data+3-12",
	"?flow=tcp+A>B+bytes+60000&link=delay+20ms&fault=drop+A>B+data+3&fault=drop+A>B+data+11&fault=drop+A>B+data+14",
	"?flow=tcp+A>B+bytes+60000&link=delay+20ms&fault=drop+A>B+data+3&sack=off",
	"?flow=tcp+A>B+bytes+60000&link=delay+20ms&fault=drop+A>B+data+3&rack=on",
	"?flow=tcp+A>B+bytes+60000&link=delay+20ms&fault=drop+B>A+ack+1-3",
	"?flow=tcp+A>B+bytes+60000&link=delay+20ms&fault=drop+B>A+ack+2-",
	"?flow=tcp+A>B+bytes+1+requests+3+reply+1&link=delay+20ms&fault=drop+A>B+data+2",
	"?seed=10&flow=tcp+A>B+bytes+100000&link=delay+20ms+loss+10%25",
	// copies, delays, damage
	"?flow=tcp+A>B+bytes+12000&link=delay+20ms&fault=duplicate+A>B+data+2-4",
	"?flow=tcp+A>B+bytes+12000&link=delay+20ms&fault=delay+A>B+data+2+by+5ms",
	"?flow=tcp+A>B+bytes+60000&link=delay+20ms&fault=delay+A>B+data+2+by+500ms",
	"?flow=tcp+A>B+bytes+12000&link=delay+20ms&fault=corrupt+A>B+data+3",
	"?flow=tcp+A>B+bytes+12000&link=delay+20ms&fault=corrupt+A>B+any+1",
	"?flow=tcp+A>B+bytes+12000&link=delay+20ms&fault=corrupt+B>A+ack+2-4",
	"?flow=tcp+A>B+bytes+12000&link=delay+20ms&fault=swap+A>B+data+2",
	"?seed=7&flow=tcp+A>B+bytes+100000&link=delay+20ms+corrupt+20%25",
	"?seed=28&flow=tcp+A>B+bytes+10+requests+30+reply+10&link=delay+20ms+corrupt+30%25", // header lengths and options, too
	"?seed=8&flow=tcp+A>B+bytes+100000&link=delay+20ms+8ms+reorder+10%25+15ms",
	"?seed=9&flow=tcp+A>B+bytes+100000&link=delay+20ms+duplicate+20%25",
	// flow control
	"?flow=tcp+A>B+bytes+60000+buffer+16384+pause+1.5s&link=delay+20ms",
	"?flow=tcp+A>B+bytes+60000+buffer+8192+drain+20000&link=delay+20ms",
	"?flow=tcp+A>B+bytes+60000+buffer+8192+pause+3s&link=delay+20ms&fault=drop+B>A+ack+8-12",
	"?flow=tcp+A>B+bytes+40000+buffer+4096+pause+1s&link=delay+20ms&fault=duplicate+A>B+syn+1",
	"?seed=8&flow=tcp+A>B+bytes+60000+buffer+8192+drain+50000" + bad,
	"?flow=tcp+A>B+bytes+40000+buffer+2000+pause+5s&link=delay+20ms&fault=duplicate+A>B+syn+1",
	// congestion
	"?flow=tcp+A>B+bytes+300000&link=delay+20ms+rate+2mbit+limit+30kB",
	"?flow=tcp+A>B+bytes+300000&link=delay+20ms+rate+2mbit+limit+10&sack=off",
	"?flow=tcp+A>B+bytes+300000&flow=tcp+B>A+bytes+100000&flow=udp+A>B+count+50+size+800+every+10ms&link=delay+20ms+rate+2mbit+limit+30kB",
	// conversations and ends
	"?flow=tcp+A>B+bytes+12000+reply+8000&link=delay+20ms",
	"?flow=tcp+A>B+bytes+12000+echo&link=delay+20ms",
	"?flow=tcp+A>B+bytes+200+requests+10+reply+3000&link=delay+20ms&nagle=on",
	"?flow=tcp+A>B+bytes+60000+abort+20000&link=delay+20ms",
	"?flow=tcp+A>B+bytes+12000&link=delay+20ms&fault=drop+A>B+fin+1",
	"?flow=tcp+A>B+bytes+12000&link=delay+20ms&fault=drop+B>A+fin+1",
	"?flow=tcp+A>B+bytes+100+closeat+1s&link=delay+20ms&fault=drop+A>B+fin+1",
	"?flow=tcp+A>B+bytes+12000&link=delay+20ms&fault=drop+A>B+lastack+1",
	// datagrams
	"?seed=1&flow=udp+A>B+count+100+size+500+every+5ms&link=delay+20ms+corrupt+30%25",
	"?seed=2&flow=udp+A>B+count+100+size+500+every+5ms+nosum&link=delay+20ms+corrupt+30%25",
	"?seed=4&flow=udp+A>B+count+100+size+50+every+5ms&flow=udp+B>A+count+100+size+50+every+5ms+nosum&link=delay+20ms+corrupt+30%25", // lengths and ports, too
	"?flow=udp+A>B+count+3+size+500+every+5ms+closed&link=delay+20ms&fault=corrupt+B>A+any+2",
	"?flow=udp+A>B+count+5+size+500+every+5ms&flow=udp+B>A+count+5+size+3000&link=delay+20ms&fault=swap+A>B+udp+2&fault=corrupt+A>B+udp+3",
	"?seed=3&flow=udp+A>*+count+5+size+500+every+5ms&hosts=4&link=delay+20ms+loss+20%25",
	"?flow=udp+A>B+count+200+size+1000+buffer+20000+readevery+50ms&link=delay+20ms",
	// all at once
	"?seed=1&flow=tcp+A>B+bytes+300000&flow=udp+A>B+count+200+size+500+every+10ms" + bad,
	"?seed=2&flow=tcp+A>B+bytes+300000&flow=udp+A>B+count+200+size+500+every+10ms" + bad,
	"?seed=3&flow=tcp+A>B+bytes+300000&flow=tcp+B>A+bytes+200000" + bad,
	"?seed=4&flow=tcp+A>B+bytes+100000+echo" + bad,
	"?seed=5&flow=tcp+A>B+bytes+500+requests+100+reply+3000" + bad,
	"?seed=6&flow=tcp+A>B+bytes+300000&sack=off" + bad,
	"?seed=7&flow=tcp+A>B+bytes+300000&rack=on" + bad,
}

// tsharkSetups are the runs whose captures tshark is asked about.
func tsharkSetups(t *testing.T) []Setup {
	t.Helper()
	out := Scenarios()
	for _, share := range tsharkShares {
		s, err := Find(share)
		if err != nil {
			t.Fatalf("%s: %v", share, err)
		}
		out = append(out, s)
	}
	return out
}

// A finding is what can be said of a packet from two sides, by the lab and by
// tshark. A probe is a zero-window probe, again a repetition.
type finding struct{ again, probe, badSum, malformed bool }

// knows is what the lab says of a packet at a tap.
func (s sight) knows() finding {
	if s.dir == observe.Out {
		return finding{again: s.p.Retransmission(), probe: s.p.Why == WhyProbe}
	}
	return finding{badSum: s.p.Verdict.Kind == BadChecksum, malformed: s.p.Verdict.Kind == Malformed}
}

// A difference is one that is known, with its reason. Each is as narrow as can
// be: which packets, what the lab says and what tshark says.
type difference struct {
	name     string
	is       func(*Packet) bool
	lab, tsh finding
}

var differences = []difference{
	// The one byte before SND.NXT is what a keep-alive sends (RFC 9293, 3.8.4).
	// From outside, a segment of one byte that is sent again cannot be told from
	// it, nor a zero-window probe: gVisor's is the byte acknowledged last.
	{"a single byte again looks like a keep-alive",
		func(p *Packet) bool { return p.Header.Len == 1 && p.Header.flags&header.TCPFlagFin == 0 },
		finding{again: true}, finding{probe: true}},
	// If data is in flight beyond the window that closed, the byte that gVisor
	// probes with is not the one before SND.NXT, and so for tshark no keep-alive
	// but what it also is: a byte that was acknowledged, sent again.
	{"a probe below data in flight is a spurious retransmission",
		func(p *Packet) bool { return p.Header.Len == 1 },
		finding{probe: true}, finding{again: true}},
	// gVisor looks at the length of the TCP header first and drops it as
	// malformed; tshark says that and tells of the sum besides.
	{"a header whose length was damaged has a bad checksum, too",
		func(p *Packet) bool { return p.Fate.Has(Corrupt) && p.Header.Proto == "TCP" },
		finding{malformed: true}, finding{malformed: true, badSum: true}},
	// gVisor looks at the sum before it looks at options; tshark looks at both.
	{"options that were damaged are malformed, too",
		func(p *Packet) bool { return p.Fate.Has(Corrupt) && p.Header.Proto == "TCP" },
		finding{badSum: true}, finding{badSum: true, malformed: true}},
}

// tsharkFields are what tshark is asked for, by what they find.
var tsharkFields = []struct {
	name string
	find func(f *finding, value string)
}{
	{"tcp.analysis.retransmission", (*finding).repeats},
	{"tcp.analysis.fast_retransmission", (*finding).repeats},
	{"tcp.analysis.spurious_retransmission", (*finding).repeats},
	{"tcp.analysis.out_of_order", (*finding).repeats}, // soon after others: at the sender's tap it is one
	{"tcp.analysis.keep_alive", (*finding).probes},
	{"tcp.analysis.zero_window_probe", (*finding).probes},
	{"ip.checksum.status", (*finding).sum},
	{"tcp.checksum.status", (*finding).sum},
	{"udp.checksum.status", (*finding).sum},
	{"icmp.checksum.status", (*finding).sum},
	{"tcp.hdr_len", func(f *finding, v string) { // "bogus, must be at least 20" is only a remark
		n, err := strconv.Atoi(v)
		f.malformed = f.malformed || err == nil && n < header.TCPMinimumSize
	}},
	{"_ws.malformed", func(f *finding, v string) { f.malformed = f.malformed || v != "" }},
	{"_ws.expert.group", func(f *finding, v string) { f.malformed = f.malformed || strings.Contains(v, fmt.Sprint(0x07000000)) }},
}

func (f *finding) repeats(v string) { f.again = f.again || v != "" }
func (f *finding) probes(v string)  { f.probe = f.probe || v != "" }

// sum has the states of the sums of the packet, and of those that an ICMP error
// quotes; 0 is bad. What is quoted is cut short and has none.
func (f *finding) sum(v string) { f.badSum = f.badSum || strings.HasPrefix(v, "0") }

// A frame is what tshark says of one packet of a capture.
type frame struct {
	finding
	out  bool
	info string
}

// tsharkReads has tshark read a capture and check all checksums. It is not to
// guess at what is in the payload: some of it looks like Thrift.
func tsharkReads(t *testing.T, tshark, file string) (frames []frame) {
	t.Helper()
	args := []string{"-n", "-r", file, "-T", "fields", "-E", "separator=/t", "-e", "frame.packet_flags_direction", "-e", "_ws.col.Info",
		"-o", "ip.check_checksum:TRUE", "-o", "tcp.check_checksum:TRUE", "-o", "udp.check_checksum:TRUE",
		"-d", "tcp.port==7788-7851,data", "-d", "udp.port==7890-7953,data"}
	for _, f := range tsharkFields {
		args = append(args, "-e", f.name)
	}
	var stderr bytes.Buffer
	cmd := exec.Command(tshark, args...)
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("tshark: %v\n%s", err, &stderr)
	}
	for line := range strings.Lines(string(out)) {
		values := strings.Split(strings.TrimSuffix(line, "\n"), "\t")
		f := frame{out: values[0] == "0x00000002", info: values[1]}
		for i, field := range tsharkFields {
			field.find(&f.finding, values[2+i])
		}
		if !f.out { // what comes to a tap looks again what it is not: only the sender's tap tells
			f.again, f.probe = false, false
		}
		frames = append(frames, f)
	}
	return frames
}

// TestTshark compares what the lab says of each packet with what tshark finds in
// the capture, frame by frame.
func TestTshark(t *testing.T) {
	if raceDetector {
		t.Skip("tshark finds no races")
	}
	tshark := peertest.Path(t, "tshark")
	var mu sync.Mutex
	seen := make(map[string]int)
	var total [3]int // frames, repetitions, bad checksums
	t.Run("runs", func(t *testing.T) {
		for _, s := range tsharkSetups(t) {
			t.Run(strings.ReplaceAll(s.Share(), "/", "%2F"), func(t *testing.T) {
				t.Parallel()
				r, err := Do(t.Context(), s)
				if err != nil {
					t.Fatal(err)
				}
				for host := range 2 {
					got := tsharkReads(t, tshark, capture(t, r, host))
					sights := r.sights(host)
					if len(got) != len(sights) {
						t.Fatalf("tap %s: tshark has %d frames, the lab %d", Host(host), len(got), len(sights))
					}
					var n [3]int
					mu.Lock()
					for i, s := range sights {
						f, want := got[i], s.knows()
						if f.out != (s.dir == observe.Out) {
							t.Errorf("tap %s, frame %d: direction", Host(host), i+1)
						}
						for i, is := range []bool{true, f.again, f.badSum} {
							if is {
								n[i]++
								total[i]++
							}
						}
						if f.finding == want {
							continue
						}
						name := differs(s.p, want, f.finding)
						if name == "" {
							t.Errorf("tap %s, frame %d: %s; %s\nthe lab: %+v\ntshark:  %+v, %s", Host(host), i+1, s.p.truth(), s.p.Summary(), want, f.finding, f.info)
						}
						seen[name]++
					}
					mu.Unlock()
					t.Logf("tap %s: %d frames, %d repetitions, %d bad checksums", Host(host), n[0], n[1], n[2])
				}
			})
		}
	})
	t.Logf("%d frames, of them %d repetitions and %d bad checksums by tshark; known differences: %v", total[0], total[1], total[2], seen)
	for _, d := range differences {
		if seen[d.name] == 0 {
			t.Errorf("no run shows that %s", d.name)
		}
	}
}

// TestSights holds the order of a capture to what the packets themselves tell.
func TestSights(t *testing.T) {
	for _, s := range tsharkSetups(t) {
		r, err := Do(t.Context(), s)
		if err != nil {
			t.Fatal(err)
		}
		for host := range s.hosts() {
			var last sight
			lastSent := 0
			arrived := make(map[int]bool)
			for i, s := range r.sights(host) {
				switch p := s.p; {
				case s.at < last.at:
					t.Errorf("%s: tap %s: %d is in the past", r.Setup.Share(), Host(host), i)
				case s.dir == observe.Out && p.ID < lastSent:
					t.Errorf("%s: tap %s: #%d is sent after #%d", r.Setup.Share(), Host(host), p.ID, lastSent)
				case s.dir == observe.Out && p.Cause.Kind == "packet" && !arrived[p.Cause.Packet]:
					t.Errorf("%s: tap %s: #%d is sent before its cause, #%d", r.Setup.Share(), Host(host), p.ID, p.Cause.Packet)
				case s.dir == observe.Out && p.Cause.Kind == "packet" && last.dir == observe.In && last.p.ID != p.Cause.Packet:
					t.Errorf("%s: tap %s: #%d comes between #%d and its cause, #%d", r.Setup.Share(), Host(host), last.p.ID, p.ID, p.Cause.Packet)
				}
				if s.dir == observe.Out {
					lastSent = s.p.ID
				} else {
					arrived[s.p.ID] = true
				}
				last = s
			}
		}
	}
	r, err := Do(t.Context(), Setup{})
	if err != nil {
		t.Fatal(err)
	}
	for _, host := range []int{-1, 2, Everyone} {
		if err := r.Pcapng(io.Discard, host); err == nil {
			t.Errorf("there is a capture of host %d of two", host)
		}
	}
}

// differs is the name of the known difference that this is.
func differs(p *Packet, lab, tsh finding) string {
	for _, d := range differences {
		if d.lab == lab && d.tsh == tsh && d.is(p) {
			return d.name
		}
	}
	return ""
}

// capture writes what the tap of a host saw to a file.
func capture(t *testing.T, r *Run, host int) string {
	t.Helper()
	file := filepath.Join(t.TempDir(), Host(host)+".pcapng")
	var b bytes.Buffer
	if err := r.Pcapng(&b, host); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(file, b.Bytes(), 0o600); err != nil {
		t.Fatal(err)
	}
	return file
}
