package endpoint

import (
	"strconv"
	"strings"
	"time"
)

// The kinds of values an option can have. What reads one puts it into its field
// of settings, and returns what is wanted instead of a value that is none, or "".

func readChoice(field func(*settings) *choice) func(*settings, string) string {
	return func(s *settings, v string) string {
		c, ok := parseChoice(v)
		if !ok {
			return "on or off"
		}
		*field(s) = c
		return ""
	}
}

func readDuration(field func(*settings) *time.Duration) func(*settings, string) string {
	return func(s *settings, v string) string {
		d, ok := parseDuration(v)
		if !ok {
			return "a duration: 500ms, 2s, 1m, or seconds"
		}
		*field(s) = d
		return ""
	}
}

func readCount(field func(*settings) *int) func(*settings, string) string {
	return func(s *settings, v string) string {
		n, err := strconv.ParseInt(v, 10, 32)
		if err != nil || n < 1 {
			return "a number from 1"
		}
		*field(s) = int(n)
		return ""
	}
}

func readSize(field func(*settings) *int) func(*settings, string) string {
	return func(s *settings, v string) string {
		digits := strings.TrimRight(v, "kKmMiIbB")
		n, err := strconv.ParseInt(digits, 10, 31)
		shift, ok := map[string]int{"": 0, "b": 0, "k": 10, "kb": 10, "kib": 10, "m": 20, "mb": 20, "mib": 20}[strings.ToLower(v[len(digits):])]
		if err != nil || !ok || n < 1 || n<<shift > 1<<30 {
			return "a size up to 1024M: 65536, 64k, 1M"
		}
		*field(s) = int(n << shift)
		return ""
	}
}

// ParseSwitch reads the value of an option that is on or off; without a value
// it is on. It is for the options of layers above.
func ParseSwitch(value string) (isOn, ok bool) {
	c, ok := parseChoice(value)
	return c == on, ok
}

func parseChoice(v string) (choice, bool) {
	switch strings.ToLower(v) {
	case "", "on", "true", "yes", "1":
		return on, true
	case "off", "false", "no", "0":
		return off, true
	}
	return unset, false
}

// parseDuration takes Go's durations and bare seconds.
func parseDuration(v string) (time.Duration, bool) {
	if secs, err := strconv.ParseFloat(v, 64); err == nil && secs >= 0 && secs < 1e9 {
		return time.Duration(secs * float64(time.Second)), true
	}
	d, err := time.ParseDuration(v)
	return d, err == nil && d >= 0
}
