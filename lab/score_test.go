package lab

import (
	"slices"
	"testing"
)

// rows of the scorecard, by number.
const (
	rowConnection = iota
	rowOrdered
	rowRetransmits
	rowDuplicates
	rowErrors
	rowFlow
	rowCongestion
)

// Each claim has a scenario that proves it for TCP, and, but for the checksum's,
// one that refutes it for UDP.
func TestScoreProven(t *testing.T) {
	for row, in := range map[int]struct{ tcp, udp string }{
		rowConnection:  {"handshake", "bad-link"},
		rowOrdered:     {"reorder", "reorder"},
		rowRetransmits: {"fast-retransmit", "udp-flood"},
		rowDuplicates:  {"duplicate", "duplicate"},
		rowErrors:      {"corrupt", "udp-no-checksum"},
		rowFlow:        {"zero-window", "udp-slow-reader"},
		rowCongestion:  {"sawtooth", "udp-flood"},
	} {
		if c := mustDo(t, in.tcp).Score()[row].TCP; c.Outcome != Proven {
			t.Errorf("%s, TCP: row %d is %s: %s", in.tcp, row, c.Outcome, c.Numbers.En)
		}
		if c := mustDo(t, in.udp).Score()[row].UDP; c.Outcome != Refuted {
			t.Errorf("%s, UDP: row %d is %s: %s", in.udp, row, c.Outcome, c.Numbers.En)
		}
	}
}

// A quiet line shows little, and a run without a protocol says nothing of it.
func TestScoreNotExercised(t *testing.T) {
	for row, r := range mustDo(t, "clean").Score() {
		if want := NotExercised; row != rowConnection && r.TCP.Outcome != want {
			t.Errorf("clean: row %d is %s, want %s: %s", row, r.TCP.Outcome, want, r.TCP.Numbers.En)
		}
		if r.UDP.Outcome != "" || r.UDP.Numbers.En != "" {
			t.Errorf("clean: row %d speaks of UDP: %+v", row, r.UDP)
		}
	}
}

// pick is the first packet that is so.
func pick(t *testing.T, r *Run, is func(p *Packet) bool) *Packet {
	t.Helper()
	i := slices.IndexFunc(r.Packets, is)
	if i < 0 {
		t.Fatal("there is no such packet")
	}
	return r.Packets[i]
}

// The scorecard can fail: each row does so on a log that was doctored to tell of
// a TCP that breaks that claim.
func TestScoreRefuted(t *testing.T) {
	tests := []struct {
		name, of string
		row      int
		doctor   func(t *testing.T, r *Run)
	}{
		{"data before the answer to the SYN", "clean", rowConnection, func(t *testing.T, r *Run) {
			pick(t, r, func(p *Packet) bool { return p.Header.Len > 0 }).Sent = 0
		}},
		{"the answer to the SYN never came", "clean", rowConnection, func(t *testing.T, r *Run) {
			p := pick(t, r, func(p *Packet) bool { return p.Why == WhyAccept })
			p.Arrived, p.Nth, p.Verdict = Never, 0, Verdict{}
		}},
		{"what was held was handed up", "reorder", rowOrdered, func(t *testing.T, r *Run) {
			p := pick(t, r, func(p *Packet) bool { return p.Verdict.Kind == Held })
			p.Verdict = Verdict{Kind: InOrder, Bytes: p.Header.Len}
		}},
		{"the application saw it out of order", "reorder", rowOrdered, func(t *testing.T, r *Run) { r.Flows[0].Receipts[0].OutOfOrder = 1 }},
		{"the lost was never sent again", "fast-retransmit", rowRetransmits, func(t *testing.T, r *Run) {
			r.Packets = slices.DeleteFunc(r.Packets, func(p *Packet) bool { return p.Why.Retransmission() })
		}},
		{"the lost was sent again, and never arrived", "fast-retransmit", rowRetransmits, func(t *testing.T, r *Run) {
			at := pick(t, r, func(p *Packet) bool { return p.Why == WhyFast }).ID
			for _, p := range r.Packets[at-1:] {
				p.Fate, p.Arrived, p.Nth, p.Verdict = Lost, Never, 0, Verdict{}
			}
		}},
		{"a copy was handed up", "duplicate", rowDuplicates, func(t *testing.T, r *Run) {
			p := pick(t, r, func(p *Packet) bool { return p.Verdict.Kind == DuplicateData })
			p.Verdict = Verdict{Kind: InOrder, Bytes: p.Header.Len}
		}},
		{"the application saw it twice", "duplicate", rowDuplicates, func(t *testing.T, r *Run) { r.Flows[0].Receipts[0].Repeated = 3 }},
		{"a damaged segment was taken", "corrupt", rowErrors, func(t *testing.T, r *Run) {
			p := pick(t, r, func(p *Packet) bool { return p.Fate.Has(Corrupt) && p.Header.Proto == "TCP" })
			p.Verdict = Verdict{Kind: InOrder, Bytes: p.Header.Len}
		}},
		{"the application saw it damaged", "corrupt", rowErrors, func(t *testing.T, r *Run) { r.Flows[0].Receipts[0].Damaged = 1 }},
		{"sent beyond the window", "zero-window", rowFlow, func(t *testing.T, r *Run) {
			closed := pick(t, r, func(p *Packet) bool { return p.Header.Window == 0 && p.From == 1 })
			p := pick(t, r, func(p *Packet) bool { return p.Header.Len > 1 && p.Sent > closed.Arrived })
			p.Sent = closed.Arrived
			slices.SortStableFunc(r.Packets, func(a, b *Packet) int { return int(a.Sent - b.Sent) })
		}},
		{"the receiver had no room", "zero-window", rowFlow, func(t *testing.T, r *Run) {
			pick(t, r, func(p *Packet) bool { return p.Verdict.Kind == InOrder }).Verdict = Verdict{Kind: NoRoom}
		}},
		{"the window was not cut", "fast-retransmit", rowCongestion, func(t *testing.T, r *Run) {
			for i := range r.Samples {
				r.Samples[i].Cwnd, r.Samples[i].Ssthresh, r.Samples[i].Recovering = 20+i, 0, false
			}
		}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			r := mustDo(t, test.of)
			if c := r.Score()[test.row].TCP; c.Outcome != Proven {
				t.Fatalf("before doctoring it is %s: %s", c.Outcome, c.Numbers.En)
			}
			test.doctor(t, r)
			if c := r.Score()[test.row].TCP; c.Outcome != Refuted {
				t.Errorf("after doctoring it is %s: %s", c.Outcome, c.Numbers.En)
			}
		})
	}
}

// Without checksums TCP is not error-free: a stack that leaves them to a card
// that does not do them either hands damage up, or gets nothing through.
func TestScoreOffload(t *testing.T) {
	r := mustDo(t, "corrupt?offload=rx")
	if c := r.Score()[rowErrors].TCP; c.Outcome != Refuted {
		t.Errorf("nobody checks sums: %s: %s", c.Outcome, c.Numbers.En)
	}
	if r.Flows[0].Receipts[0].Damaged == 0 {
		t.Error("nobody checks sums, and nothing damaged was handed up")
	}
	r = mustDo(t, "corrupt?offload=tx")
	if f := r.Flows[0]; f.Receipts[0].Bytes > 0 || f.ClientError == "" {
		t.Errorf("nobody makes sums: %+v", f)
	}
}

// The blind spot is shown as what it is.
func TestBlindSpot(t *testing.T) {
	r := mustDo(t, "blind-spot")
	if c := r.Score()[rowErrors].TCP; c.Outcome != Refuted {
		t.Errorf("%s: %s", c.Outcome, c.Numbers.En)
	}
	p := pick(t, r, func(p *Packet) bool { return p.Fate.Has(Swapped) })
	if p.Verdict.Kind != InOrder || !r.Flows[0].Receipts[0].damagedOnce() {
		t.Errorf("the verdict is %s, the receipt %+v", p.Verdict, r.Flows[0].Receipts[0])
	}
}

func (r Receipt) damagedOnce() bool {
	return r.Damaged >= 1 && r.Damaged <= 2 && r.Missing() == r.Damaged
}

// A connection that is refused, or not answered, is no failure of the claim: the
// application learns of it.
func TestScoreToldOff(t *testing.T) {
	for _, name := range []string{"refused", "blackhole"} {
		if c := mustDo(t, name).Score()[rowConnection].TCP; c.Outcome != Proven {
			t.Errorf("%s: %s: %s", name, c.Outcome, c.Numbers.En)
		}
	}
	if c := mustDo(t, "blackhole").Score()[rowRetransmits].TCP; c.Outcome != Proven {
		t.Errorf("blackhole: %s: %s", c.Outcome, c.Numbers.En)
	}
}
