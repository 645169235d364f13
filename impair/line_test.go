package impair_test

import (
	"bytes"
	"math"
	"math/bits"
	"strings"
	"testing"
	"time"

	"sockeye.dev/impair"
)

func line(t testing.TB, spec string, seed uint64, faults ...impair.Rule) *impair.Line {
	t.Helper()
	s, err := impair.Parse(spec)
	if err != nil {
		t.Fatal(err)
	}
	return impair.NewLine(s, seed, faults...)
}

// one sends a unit and wants exactly one to arrive.
func one(t testing.TB, l *impair.Line, now time.Duration, data []byte) impair.Unit {
	t.Helper()
	units, dropped := l.Send(now, data)
	if len(units) != 1 || dropped != 0 {
		t.Fatalf("at %v: %d units, %v, want one", now, len(units), dropped)
	}
	return units[0]
}

func TestPerfectLine(t *testing.T) {
	l := line(t, "", 1)
	data := []byte("data")
	for n := range 3 {
		now := time.Duration(n) * ms
		u := one(t, l, now, data)
		if u.N != uint64(n) || u.Sent != now || u.Start != now || u.At != now || u.Fate != 0 || &u.Data[0] != &data[0] {
			t.Errorf("unit %d is %+v", n, u)
		}
	}
	if n, b := l.Waiting(3 * ms); n != 0 || b != 0 {
		t.Errorf("%d units, %d bytes wait", n, b)
	}
}

// A unit takes its bits over the rate, and waits for those before it.
func TestRate(t *testing.T) {
	l := line(t, "delay 20ms rate 2mbit", 1)
	for _, tt := range []struct {
		now       time.Duration
		bytes     int
		start, at time.Duration
		waiting   int // after it
	}{
		{0, 1500, 0, 26 * ms, 1},
		{0, 1500, 6 * ms, 32 * ms, 2},
		{1 * ms, 65, 12 * ms, 32*ms + 260*time.Microsecond, 3}, // in float64 a nanosecond is missing
		{6 * ms, 1, 12*ms + 260*time.Microsecond, 32*ms + 264*time.Microsecond, 3},
		{20 * ms, 250, 20 * ms, 41 * ms, 1},
		{20 * ms, 0, 21 * ms, 41 * ms, 2},
	} {
		u := one(t, l, tt.now, make([]byte, tt.bytes))
		if u.Start != tt.start || u.At != tt.at {
			t.Errorf("%d bytes at %v: from %v to %v, want %v to %v", tt.bytes, tt.now, u.Start, u.At, tt.start, tt.at)
		}
		if n, _ := l.Waiting(tt.now); n != tt.waiting {
			t.Errorf("%d bytes at %v: %d wait, want %d", tt.bytes, tt.now, n, tt.waiting)
		}
	}
	for _, rate := range []string{"9600", "64kbit", "2mbit", "3mbit", "1gbit"} {
		bps, _ := impair.ParseRate(rate)
		l := line(t, "rate "+rate, 1)
		for n, now := 1, time.Duration(0); n <= 1500; n++ {
			want := time.Duration(int64(n) * 8 * 1e9 / bps)
			u := one(t, l, now, make([]byte, n))
			if u.At-now != want {
				t.Fatalf("%d bytes at %s take %v, want %v", n, rate, u.At-now, want)
			}
			now = u.At
		}
	}
}

// A limit counts what has not left yet, with what is leaving.
func TestLimit(t *testing.T) {
	for _, tt := range []struct {
		spec  string
		sizes []int
		want  string // o: carried, x: dropped, all at once
	}{
		{"rate 1mbit limit 3", []int{100, 100, 1, 100, 1}, "oooxx"},
		{"rate 1mbit limit 300B", []int{100, 100, 100, 1}, "ooox"},
		{"rate 1mbit limit 300B", []int{299, 2, 1, 1}, "oxox"},
		{"rate 1mbit limit 300B", []int{301, 300}, "xo"},
	} {
		l := line(t, tt.spec, 1)
		got := ""
		for _, n := range tt.sizes {
			if units, dropped := l.Send(0, make([]byte, n)); len(units) == 1 && dropped == 0 {
				got += "o"
			} else if len(units) == 0 && dropped == impair.Overflowed {
				got += "x"
			} else {
				t.Errorf("%s: %d units, %v", tt.spec, len(units), dropped)
			}
		}
		if got != tt.want {
			t.Errorf("%s: %v: %s, want %s", tt.spec, tt.sizes, got, tt.want)
		}
	}
	// There is room again in the moment when one has left.
	l := line(t, "rate 1mbit limit 2", 1)
	one(t, l, 0, make([]byte, 125)) // 1ms
	one(t, l, 0, make([]byte, 125))
	if _, dropped := l.Send(ms-1, make([]byte, 125)); dropped != impair.Overflowed {
		t.Errorf("a nanosecond too early: %v", dropped)
	}
	if u := one(t, l, ms, make([]byte, 125)); u.Start != 2*ms || u.At != 3*ms {
		t.Errorf("after a drop: %v to %v: what was dropped must take no time", u.Start, u.At)
	}
}

// hits tells of n units for which of them is holds.
func hits(t *testing.T, spec string, seed uint64, n int, is func(units []impair.Unit, dropped impair.Fate) bool) []bool {
	t.Helper()
	l := line(t, spec, seed)
	out := make([]bool, n)
	data := make([]byte, 100)
	for i := range out {
		units, dropped := l.Send(time.Duration(i)*time.Microsecond, data)
		out[i] = is(units, dropped)
	}
	return out
}

var shared = map[string]func([]impair.Unit, impair.Fate) bool{
	"loss":                 func(u []impair.Unit, d impair.Fate) bool { return len(u) == 0 && d == impair.Lost },
	"duplicate":            func(u []impair.Unit, _ impair.Fate) bool { return len(u) == 2 },
	"corrupt":              func(u []impair.Unit, _ impair.Fate) bool { return u[0].Fate == impair.Corrupted },
	"delay 20ms reorder":   func(u []impair.Unit, _ impair.Fate) bool { return u[0].Fate == impair.Hurried },
	"delay 1ms 0.1ms loss": func(u []impair.Unit, d impair.Fate) bool { return d == impair.Lost },
}

// The shares are what they say, within five standard deviations, and what
// happens to one unit says nothing of the next.
func TestShares(t *testing.T) {
	const n = 100000
	for word, is := range shared {
		for _, p := range []float64{0, 0.001, 0.05, 0.5, 1} {
			for seed := range uint64(3) {
				hit := hits(t, word+" "+map[float64]string{0: "0%", 0.001: "0.1%", 0.05: "5%", 0.5: "50%", 1: "100%"}[p], seed, n, is)
				once, twice := 0, 0
				for i, h := range hit {
					if h {
						once++
						if i > 0 && hit[i-1] {
							twice++
						}
					}
				}
				if math.Abs(float64(once)-n*p) > 5*math.Sqrt(n*p*(1-p)) {
					t.Errorf("%s %v, seed %d: %d of %d", word, p, seed, once, n)
				}
				if q := p * p; math.Abs(float64(twice)-(n-1)*q) > 6*math.Sqrt(n*q*(1-q)*(1+2*p)) {
					t.Errorf("%s %v, seed %d: %d of %d twice in a row, want %.0f", word, p, seed, twice, n, n*q)
				}
			}
		}
	}
}

// Turning one knob moves no chance of another.
func TestIndependence(t *testing.T) {
	const n = 20000
	fates := func(spec string) (lost, twice, corrupt, hurried []bool, at []time.Duration) {
		l := line(t, spec, 42)
		for i := range n {
			now := time.Duration(i) * time.Microsecond
			units, dropped := l.Send(now, make([]byte, 50))
			lost = append(lost, dropped.Has(impair.Lost))
			var u impair.Unit
			if len(units) > 0 {
				u = units[0]
			}
			twice = append(twice, len(units) == 2)
			corrupt = append(corrupt, u.Fate.Has(impair.Corrupted))
			hurried = append(hurried, u.Fate.Has(impair.Hurried))
			at = append(at, u.At-now)
		}
		return
	}
	const all = "delay 20ms 2ms loss 10% duplicate 10% corrupt 10% reorder 10% 1ms"
	lost, twice, corrupt, hurried, at := fates(all)
	for _, tt := range []struct{ spec, moves string }{
		{"delay 20ms 2ms loss 30% duplicate 10% corrupt 10% reorder 10% 1ms", ""},
		{"delay 20ms 2ms loss 10% duplicate 50% corrupt 10% reorder 10% 1ms", "duplicate"},
		{"delay 20ms 2ms loss 10% duplicate 10% corrupt 70% reorder 10% 1ms", "corrupt"},
		{"delay 20ms 2ms loss 10% duplicate 10% corrupt 10% reorder 0%", "reorder, time if hurried"},
		{"delay 20ms loss 10% duplicate 10% corrupt 10% reorder 10% 1ms", "time"},
		{"delay 20ms 2ms loss 10% duplicate 10% corrupt 10% reorder 10% 1ms rate 100gbit", "time"},
	} {
		l2, d2, c2, h2, a2 := fates(tt.spec)
		for i := range n {
			if lost[i] || l2[i] { // what is lost has no further fate
				continue
			}
			for what, moved := range map[string]bool{"duplicate": twice[i] != d2[i], "corrupt": corrupt[i] != c2[i], "reorder": hurried[i] != h2[i],
				"time": at[i] != a2[i] && !(hurried[i] && strings.Contains(tt.moves, "if hurried"))} {
				if moved && !strings.Contains(tt.moves, what) || moved && what == "time" && strings.Contains(tt.moves, "if hurried") {
					t.Fatalf("%q moves %s of unit %d", tt.spec, what, i)
				}
			}
		}
	}
	// Less is a part of more: 10% loses what 30% loses, and fewer.
	more, _, _, _, _ := fates("delay 20ms 2ms loss 30%")
	for i := range n {
		if lost[i] && !more[i] {
			t.Fatalf("unit %d is lost at 10%% and not at 30%%", i)
		}
	}
	// Two rules of one seed are not in step.
	both := 0
	for i := range n {
		if twice[i] && corrupt[i] {
			both++
		}
	}
	if want := 0.9 * n * 0.01; math.Abs(float64(both)-want) > 5*math.Sqrt(want) {
		t.Errorf("%d units both, want about %.0f", both, want)
	}
}

func TestSeeds(t *testing.T) {
	is := shared["loss"]
	a, b, c := hits(t, "loss 50%", 1, 1000, is), hits(t, "loss 50%", 1, 1000, is), hits(t, "loss 50%", 2, 1000, is)
	same := 0
	for i := range a {
		if a[i] != b[i] {
			t.Fatalf("equal seeds differ at unit %d", i)
		}
		if a[i] == c[i] {
			same++
		}
	}
	if same < 400 || same > 600 {
		t.Errorf("seeds 1 and 2 agree on %d of 1000", same)
	}
}

// Corruption turns one bit, each as likely as another, leaves the sender's bytes
// alone, and the spared ones.
func TestCorrupt(t *testing.T) {
	const size, spare, n = 24, 20, 32000
	spec, err := impair.Parse("corrupt 100% duplicate 100%")
	if err != nil {
		t.Fatal(err)
	}
	spec.Spare = spare
	l := impair.NewLine(spec, 3)
	data := bytes.Repeat([]byte{0xa5}, size)
	var turns [size * 8]int
	for range n {
		units, _ := l.Send(0, data)
		if len(units) != 2 || !bytes.Equal(units[0].Data, units[1].Data) {
			t.Fatalf("%d units; copies made after the damage have it both", len(units))
		}
		turned := 0
		for i, b := range units[0].Data {
			if diff := b ^ 0xa5; diff != 0 {
				turned += bits.OnesCount8(diff)
				turns[i*8+bits.TrailingZeros8(diff)]++
			}
		}
		if turned != 1 {
			t.Fatalf("%d bits turned", turned)
		}
	}
	if !bytes.Equal(data, bytes.Repeat([]byte{0xa5}, size)) {
		t.Error("the sender's bytes changed")
	}
	for bit, got := range turns {
		want := 0.0
		if bit >= spare*8 {
			want = n / ((size - spare) * 8)
		}
		if math.Abs(float64(got)-want) > 5*math.Sqrt(want) {
			t.Errorf("bit %d of byte %d: %d times, want about %.0f", bit%8, bit/8, got, want)
		}
	}
	if u, _ := l.Send(0, data[:spare]); u[0].Fate != 0 || !bytes.Equal(u[0].Data, data[:spare]) {
		t.Errorf("there was nothing to damage: %+v", u[0])
	}
}

// A copy has the time and the bytes of what it is a copy of.
func TestDuplicate(t *testing.T) {
	units, dropped := line(t, "delay 20ms 5ms duplicate 100%", 1).Send(ms, []byte("x"))
	if len(units) != 2 || dropped != 0 || units[0].Fate != 0 || units[1].Fate != impair.Duplicated || units[0].At != units[1].At || &units[0].Data[0] != &units[1].Data[0] {
		t.Errorf("%+v, %v", units, dropped)
	}
}

func TestJitter(t *testing.T) {
	l := line(t, "delay 20ms 2ms", 1)
	low, high, sum := time.Hour, time.Duration(0), time.Duration(0)
	const n = 10000
	for range n {
		d := one(t, l, 0, nil).At
		low, high, sum = min(low, d), max(high, d), sum+d
	}
	if low < 18*ms || low > 18*ms+20*time.Microsecond || high > 22*ms || high < 22*ms-20*time.Microsecond {
		t.Errorf("from %v to %v, want 18ms to 22ms", low, high)
	}
	if mean := sum / n; mean < 20*ms-60*time.Microsecond || mean > 20*ms+60*time.Microsecond { // five standard deviations
		t.Errorf("on average %v", mean)
	}
}

func TestReorder(t *testing.T) {
	for _, tt := range []struct {
		spec string
		at   time.Duration
	}{
		{"delay 20ms reorder 100%", 0}, {"delay 20ms reorder 100% 8ms", 12 * ms}, {"delay 20ms reorder 100% 30ms", 0}, // not before it was sent
		{"delay 20ms reorder 0%", 20 * ms},
	} {
		if u := one(t, line(t, tt.spec, 1), ms, nil); u.At != ms+tt.at || u.Fate.Has(impair.Hurried) != (tt.at != 20*ms) {
			t.Errorf("%s: after %v, %v, want %v", tt.spec, u.At-ms, u.Fate, tt.at)
		}
	}
}

// Faults come behind the queue, in their order, and before chance.
func TestFaults(t *testing.T) {
	var seen []uint64
	drop := func(u impair.Unit) []impair.Unit {
		seen = append(seen, u.N)
		if u.N == 1 {
			return nil
		}
		return []impair.Unit{u}
	}
	twice := func(u impair.Unit) []impair.Unit { return []impair.Unit{u, u} }
	l := line(t, "rate 1mbit limit 2 delay 20ms", 1, drop, twice)
	units, _ := l.Send(0, make([]byte, 125))
	if len(units) != 2 || units[0].At != 21*ms || units[1].At != 21*ms {
		t.Errorf("copied: %+v", units)
	}
	if units, dropped := l.Send(0, make([]byte, 125)); len(units) != 0 || dropped != impair.Lost {
		t.Errorf("dropped: %+v, %v", units, dropped)
	}
	if n, b := l.Waiting(0); n != 2 || b != 250 {
		t.Errorf("%d units of %d bytes wait: what is lost on the line was on the line", n, b)
	}
	if _, dropped := l.Send(0, make([]byte, 125)); dropped != impair.Overflowed {
		t.Errorf("overflowed: %v", dropped)
	}
	if len(seen) != 2 {
		t.Errorf("faults saw the units %v: what found no room was never on the line", seen)
	}
}

// What is lost has taken its turn before.
func TestBegan(t *testing.T) {
	l := impair.NewLine(impair.Spec{Rate: 8000, Loss: 1}, 1)
	for i := range 3 {
		if _, dropped := l.Send(0, make([]byte, 10)); dropped != impair.Lost || l.Began() != time.Duration(i)*10*time.Millisecond {
			t.Errorf("unit %d: %s, began at %v", i, dropped, l.Began())
		}
	}
}
