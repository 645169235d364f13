package impair_test

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"sockeye.dev/impair"
)

const ms = time.Millisecond

func TestParse(t *testing.T) {
	for _, tt := range []struct {
		in   string
		want impair.Spec
		out  string // String, if it is something else
	}{
		{"", impair.Spec{}, ""},
		{"  ", impair.Spec{}, ""},
		{"delay 20ms", impair.Spec{Delay: 20 * ms}, ""},
		{"delay 0.02", impair.Spec{Delay: 20 * ms}, "delay 20ms"},
		{"delay 2", impair.Spec{Delay: 2 * time.Second}, "delay 2s"},
		{"delay 0", impair.Spec{}, ""},
		{"delay 24h", impair.Spec{Delay: 24 * time.Hour}, "delay 24h0m0s"},
		{"delay 20ms 2ms", impair.Spec{Delay: 20 * ms, Jitter: 2 * ms}, ""},
		{"delay 20ms .002", impair.Spec{Delay: 20 * ms, Jitter: 2 * ms}, "delay 20ms 2ms"},
		{"loss 5%", impair.Spec{Loss: 0.05}, ""},
		{"loss 5", impair.Spec{Loss: 0.05}, "loss 5%"},
		{"loss 0.001%", impair.Spec{Loss: 0.00001}, ""},
		{"loss 100%", impair.Spec{Loss: 1}, ""},
		{"loss 0%", impair.Spec{}, ""},
		{"loss 33.333333333333%", impair.Spec{Loss: 0.3333333333}, "loss 33.33333333%"},
		{"duplicate 1% corrupt 2%", impair.Spec{Duplicate: 0.01, Corrupt: 0.02}, ""},
		{"corrupt 2% duplicate 1%", impair.Spec{Duplicate: 0.01, Corrupt: 0.02}, "duplicate 1% corrupt 2%"},
		{"delay 20ms reorder 25%", impair.Spec{Delay: 20 * ms, Reorder: 0.25}, ""},
		{"reorder 25% 5ms delay 20ms", impair.Spec{Delay: 20 * ms, Reorder: 0.25, ReorderBy: 5 * ms}, "delay 20ms reorder 25% 5ms"},
		{"delay 20ms reorder 0% 5ms", impair.Spec{Delay: 20 * ms}, "delay 20ms"},
		{"rate 9600", impair.Spec{Rate: 9600}, "rate 9600bit"},
		{"rate 2mbit", impair.Spec{Rate: 2e6}, ""},
		{"rate 1.5Gbit", impair.Spec{Rate: 1.5e9}, "rate 1500mbit"},
		{"rate 1.001kbit", impair.Spec{Rate: 1001}, "rate 1001bit"},
		{"rate 1kbit limit 10", impair.Spec{Rate: 1000, Limit: 10}, ""},
		{"rate 1kbit limit 30kB", impair.Spec{Rate: 1000, LimitBytes: 30000}, "rate 1kbit limit 30kB"},
		{"rate 1kbit limit 64KiB", impair.Spec{Rate: 1000, LimitBytes: 65536}, "rate 1kbit limit 65536B"},
	} {
		got, err := impair.Parse(tt.in)
		if err != nil || got != tt.want {
			t.Errorf("%q: %+v, %v, want %+v", tt.in, got, err, tt.want)
			continue
		}
		out := tt.out
		if out == "" && tt.want != (impair.Spec{}) {
			out = tt.in
		}
		if got.String() != out {
			t.Errorf("%q: String is %q, want %q", tt.in, got, out)
		}
	}
}

func TestParseErrors(t *testing.T) {
	for _, tt := range []struct{ in, want string }{
		{"lost 5%", `impairment "lost 5%": lost: no such word: write delay, loss, duplicate, corrupt, reorder, rate or limit`},
		{"5ms", `impairment "5ms": 5ms: a value is missing`},
		{"loss", `impairment "loss": loss: a value is missing`},
		{"loss 5% loss 6%", `impairment "loss 5% loss 6%": loss: said twice`},
		{"loss 101%", `impairment "loss 101%": loss: "101%" is no percentage from 0% to 100%`},
		{"loss -1%", `impairment "loss -1%": loss: "-1%" is no percentage from 0% to 100%`},
		{"loss NaN", `impairment "loss NaN": loss: "NaN" is no percentage from 0% to 100%`},
		{"duplicate x", `impairment "duplicate x": duplicate: "x" is no percentage from 0% to 100%`},
		{"corrupt 5%%", `impairment "corrupt 5%%": corrupt: "5%%" is no percentage from 0% to 100%`},
		{"delay x", `impairment "delay x": delay: "x" is no time such as 20ms`},
		{"delay NaN", `impairment "delay NaN": delay: "NaN" is no time such as 20ms`},
		{"delay -20ms", `impairment "delay -20ms": delay: -20ms is not between 0 and a day`},
		{"delay 25h", `impairment "delay 25h": delay: 25h is not between 0 and a day`},
		{"delay 20ms 2x", `impairment "delay 20ms 2x": delay: "2x" is no time such as 20ms`},
		{"delay 2ms 3ms", `impairment "delay 2ms 3ms": delay: a jitter of 3ms is more than the delay`},
		{"delay 20ms 2ms 1ms", `impairment "delay 20ms 2ms 1ms": 1ms: a value is missing`},
		{"reorder 5%", `impairment "reorder 5%": reorder: needs a delay: what overtakes is spared it`},
		{"reorder 5% 1x delay 2ms", `impairment "reorder 5% 1x delay 2ms": reorder: "1x" is no time such as 20ms`},
		{"rate 0", `impairment "rate 0": rate: "0" is no rate such as 2mbit, 64kbit or 1gbit (from 1 bit/s to 1000 gbit/s)`},
		{"rate 2MB", `impairment "rate 2MB": rate: "2MB" is no rate such as 2mbit, 64kbit or 1gbit (from 1 bit/s to 1000 gbit/s)`},
		{"rate 2000gbit", `impairment "rate 2000gbit": rate: "2000gbit" is no rate such as 2mbit, 64kbit or 1gbit (from 1 bit/s to 1000 gbit/s)`},
		{"limit 10", `impairment "limit 10": limit: needs a rate: nothing waits for a line that is never busy`},
		{"rate 1kbit limit 0", `impairment "rate 1kbit limit 0": limit: 0 is no number of units`},
		{"rate 1kbit limit 99999999999999999999", `impairment "rate 1kbit limit 99999999999999999999": limit: 99999999999999999999 is no number of units`},
		{"rate 1kbit limit 1.5", `impairment "rate 1kbit limit 1.5": limit: "1.5" is neither a number of units nor a size such as 30kB`},
		{"rate 1kbit limit -5", `impairment "rate 1kbit limit -5": limit: "-5" is neither a number of units nor a size such as 30kB`},
		{"rate 1kbit limit 2GiB", `impairment "rate 1kbit limit 2GiB": limit: "2GiB" is no size such as 1500, 30kB or 64KiB`},
		{"rate 1kbit limit 1025MiB", `impairment "rate 1kbit limit 1025MiB": limit: "1025MiB" is no size such as 1500, 30kB or 64KiB`},
	} {
		got, err := impair.Parse(tt.in)
		if err == nil || err.Error() != tt.want {
			t.Errorf("%q:\ngot  %v\nwant %s", tt.in, err, tt.want)
			continue
		}
		var spec *impair.SpecError
		if !errors.As(err, &spec) || spec.Spec != tt.in || spec.Word == "" || spec.Err == nil {
			t.Errorf("%q: the error is %#v", tt.in, err)
		}
		if got != (impair.Spec{}) {
			t.Errorf("%q: besides the error there is %+v", tt.in, got)
		}
	}
}

func TestParseSize(t *testing.T) {
	for in, want := range map[string]int{"1": 1, "1500": 1500, "1500B": 1500, "30kB": 30000, "64KiB": 65536, "2MB": 2e6, "1.1kB": 1100, "1024MiB": 1 << 30} {
		if got, err := impair.ParseSize(in); err != nil || got != want {
			t.Errorf("%s: %d, %v, want %d", in, got, err, want)
		}
	}
}

// What a specification says is what it reads, whatever was typed.
func FuzzParse(f *testing.F) {
	for _, s := range []string{"", "delay 20ms 2ms loss 5% duplicate 3% corrupt 3% reorder 5% 8ms rate 2mbit limit 30kB", "rate 1.3333kbit limit 7",
		"loss 0.00000001%", "loss 7.1234567891%", "delay 1e-9", "delay 1.5us reorder 1% 0", "loss 0x1p-3", "rate 2.3mbit", "delay 20ms reorder 0 5ms", "limit 1_0B rate 1"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, in string) {
		s, err := impair.Parse(in)
		if err != nil {
			var spec *impair.SpecError
			if !errors.As(err, &spec) || !strings.HasPrefix(err.Error(), "impairment ") {
				t.Fatalf("%q: %v", in, err)
			}
			return
		}
		again, err := impair.Parse(s.String())
		if err != nil {
			t.Fatalf("%q is %q, which cannot be read: %v", in, s, err)
		}
		if diff := cmp.Diff(s, again); diff != "" {
			t.Fatalf("%q is %q, which is another:\n%s", in, s, diff)
		}
	})
}

func TestFates(t *testing.T) {
	for f, want := range map[impair.Fate]string{0: "carried", impair.Lost: "lost", impair.Overflowed: "overflowed",
		impair.Duplicated | impair.Corrupted: "duplicated+corrupted", impair.Hurried: "hurried"} {
		if f.String() != want {
			t.Errorf("%d: %q, want %q", f, f, want)
		}
	}
	if f := impair.Duplicated | impair.Hurried; !f.Has(impair.Hurried) || f.Has(impair.Hurried|impair.Lost) || !f.Has(0) {
		t.Error("Has is not about subsets")
	}
}
