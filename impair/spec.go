package impair

import (
	"errors"
	"fmt"
	"math"
	"strconv"
	"strings"
	"time"
)

// A Spec says how bad one direction of a network is. The zero Spec is perfect:
// no delay, no loss, no limit. The words are tc-netem(8)'s.
type Spec struct {
	Delay     time.Duration // each unit is on its way for so long
	Jitter    time.Duration // give or take, evenly spread
	Loss      float64       // the share that is lost, 0 to 1
	Duplicate float64       // the share that arrives twice
	Corrupt   float64       // the share in which one bit turns over
	Reorder   float64       // the share that overtakes what was sent before it
	ReorderBy time.Duration // by how much; 0: by the whole delay, as netem does

	Rate       int64 // bit/s that the line carries; 0: any
	Limit      int   // units that may wait for the line to be free; 0: any number
	LimitBytes int   // bytes that may wait; 0: any number

	Spare int // so many first bytes of a unit Corrupt lets alone; has no word
}

// A SpecError is a specification that says nothing sensible.
type SpecError struct {
	Spec, Word string // all of it, and where it went wrong
	Err        error  // why
}

func (e *SpecError) Error() string {
	return fmt.Sprintf("impairment %q: %s: %v", e.Spec, e.Word, e.Err)
}

func (e *SpecError) Unwrap() error { return e.Err }

// Parse reads a specification, words in any order:
//
//	delay TIME [JITTER]  loss P%  duplicate P%  corrupt P%  reorder P% [TIME]
//	rate RATE  limit UNITS|BYTES
//
// Times are as Go writes them (20ms), or bare seconds. Rates are in bit, kbit,
// mbit or gbit a second. A limit is a number of units, or bytes if it has a unit
// (30kB, 64KiB); what is on its way out counts. Shares are rounded to eight
// decimals of a percent. Errors are *SpecError.
func Parse(spec string) (Spec, error) {
	var s Spec
	words := strings.Fields(spec)
	bad := func(word string, err error) (Spec, error) { return Spec{}, &SpecError{spec, word, err} }
	seen := make(map[string]bool)
	for len(words) > 0 {
		word := words[0]
		if seen[word] {
			return bad(word, errors.New("said twice"))
		}
		seen[word] = true
		if len(words) < 2 {
			return bad(word, errors.New("a value is missing"))
		}
		value := words[1]
		words = words[2:]
		more := func(d *time.Duration) error { // an optional second time
			if len(words) > 0 && words[0] != "" && (words[0][0] >= '0' && words[0][0] <= '9' || words[0][0] == '.') {
				var err error
				if *d, err = ParseDuration(words[0]); err != nil {
					return err
				}
				words = words[1:]
			}
			return nil
		}
		var err error
		switch word {
		case "delay":
			if s.Delay, err = ParseDuration(value); err == nil {
				err = more(&s.Jitter)
			}
		case "loss":
			s.Loss, err = parseShare(value)
		case "duplicate":
			s.Duplicate, err = parseShare(value)
		case "corrupt":
			s.Corrupt, err = parseShare(value)
		case "reorder":
			if s.Reorder, err = parseShare(value); err == nil {
				err = more(&s.ReorderBy)
			}
			if s.Reorder == 0 {
				s.ReorderBy = 0 // nothing is said by it
			}
		case "rate":
			s.Rate, err = ParseRate(value)
		case "limit":
			if strings.Trim(value, "0123456789") != "" {
				s.LimitBytes, err = parseBytes(value)
			} else if s.Limit, err = strconv.Atoi(value); err != nil || s.Limit < 1 {
				err = fmt.Errorf("%s is no number of units", value)
			}
		default:
			return bad(word, errors.New("no such word: write delay, loss, duplicate, corrupt, reorder, rate or limit"))
		}
		if err != nil {
			return bad(word, err)
		}
	}
	switch {
	case s.Reorder > 0 && s.Delay == 0:
		return bad("reorder", errors.New("needs a delay: what overtakes is spared it"))
	case s.Jitter > s.Delay:
		return bad("delay", fmt.Errorf("a jitter of %v is more than the delay", s.Jitter))
	case (s.Limit > 0 || s.LimitBytes > 0) && s.Rate == 0:
		return bad("limit", errors.New("needs a rate: nothing waits for a line that is never busy"))
	}
	return s, nil
}

// String is the specification as Parse reads it.
func (s Spec) String() string {
	var b strings.Builder
	say := func(on bool, format string, args ...any) {
		if on {
			if b.Len() > 0 {
				b.WriteByte(' ')
			}
			fmt.Fprintf(&b, format, args...)
		}
	}
	say(s.Delay > 0, "delay %v", s.Delay)
	say(s.Delay > 0 && s.Jitter > 0, "%v", s.Jitter)
	say(s.Loss > 0, "loss %s", share(s.Loss))
	say(s.Duplicate > 0, "duplicate %s", share(s.Duplicate))
	say(s.Corrupt > 0, "corrupt %s", share(s.Corrupt))
	say(s.Reorder > 0, "reorder %s", share(s.Reorder))
	say(s.Reorder > 0 && s.ReorderBy > 0, "%v", s.ReorderBy)
	say(s.Rate > 0, "rate %s", FormatRate(s.Rate))
	say(s.Limit > 0, "limit %d", s.Limit)
	if s.LimitBytes%1000 == 0 {
		say(s.LimitBytes > 0, "limit %dkB", s.LimitBytes/1000)
	} else {
		say(true, "limit %dB", s.LimitBytes)
	}
	return b.String()
}

// Shares are whole multiples of 1e-10, so that what share writes parseShare
// reads as the same number.
const shares = 1e10

func share(p float64) string {
	return strconv.FormatFloat(math.Round(p*shares)/(shares/100), 'f', -1, 64) + "%"
}

// parseShare reads a percentage; as in netem the sign may be missing.
func parseShare(v string) (float64, error) {
	p, err := strconv.ParseFloat(strings.TrimSuffix(v, "%"), 64)
	if err != nil || !(p >= 0 && p <= 100) {
		return 0, fmt.Errorf("%q is no percentage from 0%% to 100%%", v)
	}
	return math.Round(p*(shares/100)) / shares, nil
}

// ParseDuration reads a time as time.ParseDuration does, and bare numbers as
// seconds. Negative times, and those longer than a day, are refused.
func ParseDuration(v string) (time.Duration, error) {
	d, err := time.ParseDuration(v)
	if err != nil {
		n, e := strconv.ParseFloat(v, 64)
		if e != nil || !(n >= 0 && n <= 86400) {
			return 0, fmt.Errorf("%q is no time such as 20ms", v)
		}
		d = time.Duration(n * float64(time.Second))
	}
	if d < 0 || d > 24*time.Hour {
		return 0, fmt.Errorf("%v is not between 0 and a day", v)
	}
	return d, nil
}

// unit splits "2mbit" into its number and its unit.
func unit(v string) (float64, string, bool) {
	i := strings.LastIndexAny(v, "0123456789.") + 1
	n, err := strconv.ParseFloat(v[:i], 64)
	return n, v[i:], err == nil && n >= 0 && !math.IsInf(n, 0)
}

// ParseRate reads a rate in bit/s: 2mbit, 64kbit, 9600.
func ParseRate(v string) (int64, error) {
	n, u, ok := unit(v)
	scale, known := map[string]float64{"": 1, "bit": 1, "kbit": 1e3, "mbit": 1e6, "gbit": 1e9}[strings.ToLower(u)]
	if !ok || !known || n*scale < 1 || n*scale > 1e12 {
		return 0, fmt.Errorf("%q is no rate such as 2mbit, 64kbit or 1gbit (from 1 bit/s to 1000 gbit/s)", v)
	}
	return int64(math.Round(n * scale)), nil
}

// FormatRate is a rate as ParseRate reads it.
func FormatRate(rate int64) string {
	for _, u := range []struct {
		scale int64
		name  string
	}{{1e9, "gbit"}, {1e6, "mbit"}, {1e3, "kbit"}} {
		if rate%u.scale == 0 {
			return strconv.FormatInt(rate/u.scale, 10) + u.name
		}
	}
	return strconv.FormatInt(rate, 10) + "bit"
}

// ParseSize reads a number of bytes: 1500, 30kB, 64KiB, 2MB. At most 1 GiB.
func ParseSize(v string) (int, error) {
	n, u, ok := unit(v)
	scale, known := map[string]float64{"": 1, "b": 1, "kb": 1e3, "mb": 1e6, "kib": 1 << 10, "mib": 1 << 20}[strings.ToLower(u)]
	if !ok || !known || n*scale < 1 || n*scale > 1<<30 {
		return 0, fmt.Errorf("%q is no size such as 1500, 30kB or 64KiB", v)
	}
	return int(math.Round(n * scale)), nil
}

// parseBytes is ParseSize for what must have a unit.
func parseBytes(v string) (int, error) {
	if _, u, _ := unit(v); u == "" {
		return 0, fmt.Errorf("%q is neither a number of units nor a size such as 30kB", v)
	}
	return ParseSize(v)
}
