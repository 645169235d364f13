package lab

import (
	"regexp"
	"strings"
	"testing"
	"time"
)

const craftUnit = time.Millisecond

// craftRun is a run of hosts in which just that happens.
func craftRun(hosts int, flow string, packets []*Packet, states ...StateChange) *Run {
	f, err := ParseFlow(flow)
	if err != nil {
		panic(err)
	}
	r := &Run{Setup: Setup{Hosts: hosts, Flows: []Flow{f}}, Flows: []FlowRun{{Flow: f}}, Packets: packets, States: states}
	for i, p := range packets {
		p.ID = i + 1
		p.Start = p.Sent
		r.Virtual = max(r.Virtual, p.Sent, p.Arrived)
	}
	return r
}

func craftSegment(from, to int, sent, arrived time.Duration, flags string, seq, ack uint32, length int, change ...func(*Packet)) *Packet {
	p := &Packet{From: from, To: to, Sent: sent, Arrived: arrived,
		Header: Header{Proto: "TCP", Flags: flags, Seq: seq, Ack: ack, Len: length, Window: 5000}}
	for _, f := range change {
		f(p)
	}
	return p
}

func drawn(r *Run, o LadderOptions) string {
	var b strings.Builder
	if err := r.Ladder(&b, o); err != nil {
		panic(err)
	}
	return b.String()
}

func expectLadder(t *testing.T, got, want string) {
	t.Helper()
	if want = strings.TrimPrefix(want, "\n"); got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
}

// lossy is a segment that is lost, and comes twice when it is sent again.
func lossy() *Run {
	return craftRun(2, "tcp A>B bytes 100", []*Packet{
		craftSegment(0, 1, 0, 20*craftUnit, "SYN", 0, 0, 0, func(p *Packet) { p.Verdict.Kind = OpensConnection }),
		craftSegment(1, 0, 20*craftUnit, 40*craftUnit, "SYN ACK", 0, 1, 0, func(p *Packet) { p.Verdict.Kind = Accepted; p.Cause = Cause{"packet", 1} }),
		craftSegment(0, 1, 40*craftUnit, Never, "ACK", 1, 1, 100, func(p *Packet) { p.Fate = Lost; p.Cause = Cause{"packet", 2} }),
		craftSegment(0, 1, 300*craftUnit, 320*craftUnit, "ACK", 1, 1, 100, func(p *Packet) { p.Why = WhyRTO; p.Verdict = Verdict{Kind: InOrder, Bytes: 100} }),
		craftSegment(0, 1, 300*craftUnit, 322*craftUnit, "ACK", 1, 1, 100, func(p *Packet) { p.CopyOf = 4; p.Fate = Duplicate; p.Verdict.Kind = DuplicateData }),
		craftSegment(1, 0, 320*craftUnit, 340*craftUnit, "ACK", 1, 101, 0, func(p *Packet) {
			p.Cause = Cause{"packet", 4}
			p.Verdict = Verdict{Kind: Acknowledges, Bytes: 100}
		}),
	}, StateChange{At: 0, State: "SYN-SENT"}, StateChange{At: 40 * craftUnit, State: "ESTABLISHED"}, StateChange{At: 400 * craftUnit, Host: 1, State: "CLOSED"})
}

func TestLadder(t *testing.T) {
	expectLadder(t, drawn(lossy(), LadderOptions{Width: 80}), `
                                    tcp A>B bytes 100
                         10.0.0.1 A                   B 10.0.0.2
    0 ms     SYN-SENT · SYN seq=0 ●───╲               │
                                  │    ───╲           │
                                  │        ───╲       │
                                  │            ───╲   │
   20 ms                          │                ──►│ opens a connection
                                  │               ╱───│ SYN ACK seq=0 ack=1
                                  │           ╱───    │
                                  │       ╱───        │
                                  │   ╱───            │
   40 ms              ESTABLISHED ●◄──                │
                    seq=1 len=100 │───╲               │
                                  │    ──╲            │
                                  │       ──✗         │ ✗ seq=1 lost
                                  │                   │
                                  ⋮ 260 ms of silence ⋮
                                  │                   │
  300 ms      seq=1 len=100 [RTO] │·──╲               │
                                  │   ·───╲           │
                                  │      · ───╲       │
                                  │         ·  ───╲   │
  320 ms                          │           ·    ──►│ 100 B in order
                                  │              ·╱───│ ACK ack=101 win=5000
  322 ms                          │            ╱──  ·►│ seq=1 duplicate: dropped
                                  │         ╱──       │
                                  │      ╱──          │
                                  │   ╱──             │
  340 ms       acknowledges 100 B │◄──                │
                                  │                   │
                                  ⋮ 60 ms of silence  ⋮
                                  │                   │
  400 ms                          │                   ● CLOSED
         ·· copied by the line
`)
}

func TestLadderChinese(t *testing.T) {
	expectLadder(t, drawn(lossy(), LadderOptions{Width: 60, Lang: "zh", From: 30 * craftUnit, To: 310 * craftUnit}), `
                          tcp A>B bytes 100
                  10.0.0.1 A             B 10.0.0.2
                           │     ╱       │
                           │   ╱         │
   40 ms       ESTABLISHED ●◄─           │
             seq=1 len=100 │╲            │
                           │   ╲         │
                           │     ─✗      │ ✗ seq=1 丢失
                           │             │
         ⋮ 260 毫秒无事    ⋮             ⋮
                           │             │
  300 ms  seq=1 [超时重传] │·            │
                           │  ·╲         │
                           │   · ─…      │ … seq=1 在途
                           │     …       │ … seq=1 在途
         ·· 线路复制
`)
}

func TestLadderColor(t *testing.T) {
	got := drawn(lossy(), LadderOptions{Width: 60, Color: true, Max: 3})
	expectLadder(t, strings.ReplaceAll(got, "\x1b", "^"), `
                          ^[90mtcp A>B bytes 100^[m
                  ^[90m10.0.0.1 ^[m^[1mA             B ^[m^[90m10.0.0.2^[m
    ^[90m0 ms    ^[m^[1mSYN-SENT ^[m^[90m· ^[m^[32mSYN ^[m^[1m●^[m^[32m╲            ^[m│
                           │   ^[32m╲         ^[m│
                           │      ^[32m╲      ^[m│
                           │        ^[32m╲    ^[m│
   ^[90m20 ms                   ^[m│           ^[32m─►^[m│ ^[90mopens a connecti…^[m
                           │            ^[32m╱^[m│ ^[32mSYN ACK seq=0^[m
                           │         ^[32m╱   ^[m│
                           │      ^[32m╱      ^[m│
                           │    ^[32m╱        ^[m│
   ^[90m40 ms       ^[m^[1mESTABLISHED ●^[m^[32m◄─           ^[m│
             ^[94mseq=1 len=100 ^[m│^[91m╲            ^[m│
                           │   ^[91m╲         ^[m│
                           │     ^[91m─✗      ^[m│ ^[91m✗ seq=1 lost^[m
^[90m… 3 more packets^[m
         ^[32m── SYN, FIN   ^[m^[91m── lost, reset^[m
`)
}

// One sending, an arrow to each host; what is the same of all is said once.
func TestLadderBroadcast(t *testing.T) {
	datagram := func(to, copyOf int, arrived time.Duration) *Packet {
		p := craftSegment(0, to, 0, arrived, "", 0, 0, 500)
		p.Header.Proto, p.CopyOf, p.Verdict.Kind = "UDP", copyOf, ToSocket
		return p
	}
	r := craftRun(4, "udp A>* count 1 size 500", []*Packet{datagram(1, 0, 8*craftUnit), datagram(2, 1, Never), datagram(3, 1, 8*craftUnit)})
	r.Packets[1].Fate = Lost
	expectLadder(t, drawn(r, LadderOptions{}), `
                                          udp A>* count 1 size 500
                        10.0.0.1 A             B 10.0.0.2    C 10.0.0.3    D 10.0.0.4
    0 ms         A>* UDP len=500 │╲─────╲─╲    │             │             │
                                 │   ╲   ──────╲──╲          │             │
                                 │      ╲      │──────✗───╲  │             │ A>C ✗ UDP lost
                                 │        ╲    │           ──┼────╲        │
    8 ms                         │           ─►│             │     ───────►│ B,D delivered
`)
}

// Without delay, what a packet causes is below it; what a full queue drops goes
// nowhere; and at the end there may be a packet on its way.
func TestLadderAtOnce(t *testing.T) {
	r := craftRun(2, "tcp A>B bytes 100", []*Packet{
		craftSegment(0, 1, 0, 0, "ACK", 1, 1, 100, func(p *Packet) { p.Verdict = Verdict{Kind: Held, Seq: 7, Inferred: true} }),
		craftSegment(0, 1, 0, 0, "ACK", 101, 1, 100, func(p *Packet) {
			p.Verdict = Verdict{Kind: InOrder, Bytes: 100}
			p.Fate = Corrupt
		}),
		craftSegment(0, 1, 0, Never, "ACK", 201, 1, 100, func(p *Packet) { p.Fate = QueueDrop }),
		craftSegment(1, 0, 0, 0, "ACK", 1, 101, 0, func(p *Packet) { p.Cause = Cause{"packet", 1}; p.Header.Window = 0 }),
		craftSegment(1, 0, 0, Never, "RST", 1, 0, 0, func(p *Packet) { p.Cause = Cause{"packet", 2}; p.Why = WhyReset }),
	})
	expectLadder(t, drawn(r, LadderOptions{}), `
                                              tcp A>B bytes 100
                                10.0.0.1 A                        B 10.0.0.2
    0 ms                   seq=1 len=100 │───────────────────────►│ 1 held: waiting for 7
                         seq=101 len=100 │───────────╲            │ ACK ack=101 win=0
            seq=201 len=100 [queue full] │✗       ╱──────────────►│ DAMAGED, yet 100 B in order
                                         │◄───────            ╱───│ RST seq=1 [reset]
                                         │                ╱───    │
                        … RST on its way │            …───        │
`)
}

// What an application sends at an instant comes after what has reached it then.
func TestLadderOrder(t *testing.T) {
	l := newLadder(craftRun(2, "tcp A>B bytes 100", []*Packet{
		craftSegment(0, 1, 0, 20*craftUnit, "FIN ACK", 1, 1, 0),
		craftSegment(1, 0, 20*craftUnit, 40*craftUnit, "FIN ACK", 1, 2, 0, func(p *Packet) { p.Cause.Kind = "app" }),
	}), LadderOptions{})
	if l.paths[0].to.row >= l.paths[1].from.row {
		t.Errorf("it arrives in row %d and is answered in %d", l.paths[0].to.row, l.paths[1].from.row)
	}
}

var escapes = regexp.MustCompile("\x1b\\[[0-9;]*m")

// Of real runs: nothing is too wide, time goes down, each packet leaves and
// arrives or vanishes once, and lines cross where packets overtake.
func TestLadderRuns(t *testing.T) {
	for _, share := range []string{
		"?flow=tcp+A>B+bytes+4000&link=delay+20ms",
		"?flow=tcp+A>B+bytes+12000&link=delay+30ms+rate+2mbit&fault=drop+A>B+data+3",
		"?flow=tcp+A>B+bytes+60000+buffer+16384+pause+1.5s&link=delay+20ms",
		"?seed=3&flow=tcp+A>B+bytes+30000&link=delay+20ms+2ms+loss+5%25+corrupt+3%25+duplicate+3%25+reorder+5%25+8ms",
		"?flow=tcp+A>B+bytes+30000+echo&link=delay+20ms+rate+1mbit+limit+5&flow=tcp+B>A+bytes+5000",
		"?hosts=4&flow=udp+A>*+count+5+size+500+every+10ms&link=delay+20ms+loss+10%25",
		"?hosts=8&flow=udp+C>*+count+5+size+500+every+1ms&link=delay+20ms+duplicate+10%25&flow=tcp+A>H+bytes+3000",
		"?flow=tcp+A>B+bytes+3000",
		"?flow=tcp+A>B+bytes+3000+closed",
		"?flow=udp+A>B+count+6+size+500+every+1ms&until=6ms&link=delay+4ms+rate+10mbit",
		"?flow=tcp+A>B+bytes+300&ab=delay+1ms&ba=delay+3s&until=20s",
	} {
		setup, err := Find(share)
		if err != nil {
			t.Fatal(err)
		}
		run, err := Do(t.Context(), setup)
		if err != nil {
			t.Fatal(err)
		}
		for _, o := range []LadderOptions{{}, {Width: 60}, {Width: 80, Lang: "zh", Color: true}, {Width: 137, Max: 20}, {From: 30 * craftUnit, To: 70 * craftUnit}, {Width: 300, Flow: 1}} {
			checkLadder(t, run, o)
		}
	}
}

func checkLadder(t *testing.T, run *Run, o LadderOptions) {
	t.Helper()
	l := newLadder(run, o)
	labels, arrivals := make(map[int]int), 0
	for _, line := range l.rows {
		for _, m := range line.sides {
			if m != nil && m.kind == ladderLeaves {
				labels[m.packet.ID]++
			}
		}
	}
	for i, p := range l.paths {
		if p.from.kind == ladderLeaves && labels[p.from.packet.ID] != 1 {
			t.Errorf("%s %+v: packet %d has %d labels", run.Setup.Share(), o, p.ID, labels[p.from.packet.ID])
		}
		if p.to.row < p.from.row {
			t.Errorf("%s %+v: packet %d goes up", run.Setup.Share(), o, p.ID)
		}
		if p.to.kind == ladderArrives {
			arrivals++
		}
		for _, q := range l.paths[:i] {
			if p.to.host == q.to.host && p.to.kind == ladderArrives && q.to.kind == ladderArrives && p.Arrived < q.Arrived && p.to.row >= q.to.row {
				t.Errorf("%s %+v: packet %d does not overtake %d", run.Setup.Share(), o, p.ID, q.ID)
			}
		}
	}
	last, heads := o.From, 0
	for row := range run.LadderRows(o) {
		plain := escapes.ReplaceAllString(row.Text, "")
		if w := displayWidth(plain); w > max(orDefault(o.Width, 100), 60) {
			t.Errorf("%s %+v: %d columns: %s", run.Setup.Share(), o, w, plain)
		}
		if row.At < last {
			t.Errorf("%s %+v: %v after %v", run.Setup.Share(), o, row.At, last)
		}
		last = row.At
		heads += strings.Count(plain, "►") + strings.Count(plain, "◄")
	}
	if heads != arrivals {
		t.Errorf("%s %+v: %d arrows of %d", run.Setup.Share(), o, heads, arrivals)
	}
	for range run.LadderRows(o) {
		break // as step mode does
	}
}
