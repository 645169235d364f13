package lab

import (
	"errors"
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"
	"time"

	"sockeye.dev/impair"
)

// A Setup is all that decides a run. The zero Setup is two hosts on a perfect
// line that have nothing to say.
type Setup struct {
	Name  string // of the scenario it is, or began as
	Title Text
	Text  Text // what there is to see

	Seed   uint64
	Hosts  int         // A, B, C and so on; default 2, at most 8
	AB     impair.Spec // the line from A to each other host
	BA     impair.Spec // the lines to A, and among the others
	Faults []Fault
	Flows  []Flow
	Stack  Stack
	Until  time.Duration // the end in virtual time; default 10 minutes
}

// A Text is in both languages.
type Text struct{ En, Zh string }

// In is the text in a language: zh, or else English.
func (t Text) In(lang string) string {
	if lang == "zh" && t.Zh != "" {
		return t.Zh
	}
	return t.En
}

// Stack is what can be set on the hosts' TCP. What gVisor really does under
// these names is told in docs/lab.md.
type Stack struct {
	Congestion string        // cubic (default); reno, which in gVisor never leaves exponential growth; bbr, which only Kernel may have
	NoSACK     bool          // without selective acknowledgements (RFC 2018)
	RACK       bool          // loss detection by time (RFC 8985), which in gVisor resends too much
	Nagle      bool          // small segments wait for acknowledgements (RFC 1122, 4.2.3.4)
	MinRTO     time.Duration // the least retransmission timeout; default gVisor's 200 ms
	MTU        int           // bytes of a packet; default 1500
	Offload    string        // pretend that a network card does checksums: rx, tx; default none
}

const (
	maxHosts     = 8
	defaultUntil = 10 * time.Minute
	defaultMTU   = 1500
)

func (s Setup) hosts() int           { return max(s.Hosts, 2) }
func (s Setup) until() time.Duration { return orDefault(s.Until, defaultUntil) }
func (s Stack) mtu() int             { return orDefault(s.MTU, defaultMTU) }
func (s Stack) congestion() string   { return orDefault(s.Congestion, "cubic") }

func orDefault[T comparable](v, or T) T {
	if v == *new(T) {
		return or
	}
	return v
}

// A Knob is one thing of a Setup that can be set by name: in scenario files, in
// share strings, on the command line and in the page.
type Knob struct {
	Name    string
	Help    Text
	Choices []string // what it may be, if those are few
	Many    bool     // each Set adds one; an empty value takes all away
	get     func(*Setup) []string
	set     func(*Setup, string) error
}

// Get is the knob's value, or values; none if it stands at its default.
func (k Knob) Get(s Setup) []string { return k.get(&s) }

// Knobs are all there are, in the order to show them.
func Knobs() []Knob { return slices.Clone(knobs) }

var knobs = []Knob{
	{Name: "seed", Help: Text{"where all chance comes from", "一切随机的来源"},
		get: func(s *Setup) []string { return some(s.Seed != 0, strconv.FormatUint(s.Seed, 10)) },
		set: func(s *Setup, v string) (err error) {
			if s.Seed, err = strconv.ParseUint(v, 10, 64); err != nil {
				err = fmt.Errorf("%q is no number from 0 to %d", v, uint64(math.MaxUint64))
			}
			return err
		}},
	{Name: "link", Help: Text{"the lines both ways, in netem's words: delay 20ms loss 5% rate 2mbit limit 30kB", "双向线路，用 netem 的词：delay 20ms loss 5% rate 2mbit limit 30kB"},
		get: func(s *Setup) []string { return some(s.AB == s.BA && s.AB != impair.Spec{}, s.AB.String()) },
		set: func(s *Setup, v string) (err error) {
			s.AB, err = impair.Parse(v)
			s.BA = s.AB
			return err
		}},
	{Name: "ab", Help: Text{"the line from A alone", "仅从 A 出发的线路"},
		get: func(s *Setup) []string { return some(s.AB != s.BA, s.AB.String()) },
		set: func(s *Setup, v string) (err error) { s.AB, err = impair.Parse(v); return err }},
	{Name: "ba", Help: Text{"the lines to A alone", "仅通向 A 的线路"},
		get: func(s *Setup) []string { return some(s.AB != s.BA, s.BA.String()) },
		set: func(s *Setup, v string) (err error) { s.BA, err = impair.Parse(v); return err }},
	{Name: "fault", Many: true, Help: Text{"what happens to one packet: drop A>B data 3", "对某个包做什么：drop A>B data 3"},
		get: func(s *Setup) []string { return texts(s.Faults) },
		set: func(s *Setup, v string) error {
			f, err := ParseFault(v)
			s.Faults = append(slices.Clip(s.Faults), f)
			return err
		}},
	{Name: "flow", Many: true, Help: Text{"who says what to whom: tcp A>B bytes 12000", "谁对谁说什么：tcp A>B bytes 12000"},
		get: func(s *Setup) []string { return texts(s.Flows) },
		set: func(s *Setup, v string) error {
			f, err := ParseFlow(v)
			s.Flows = append(slices.Clip(s.Flows), f)
			return err
		}},
	{Name: "hosts", Help: Text{"how many hosts there are, 2 to 8", "主机数，2 到 8"},
		get: func(s *Setup) []string { return some(s.hosts() != 2, strconv.Itoa(s.Hosts)) },
		set: func(s *Setup, v string) (err error) { s.Hosts, err = between(v, 2, maxHosts); return err }},
	{Name: "cc", Choices: congestions, Help: Text{"congestion control: cubic, reno, and for the kernel alone bbr", "拥塞控制：cubic、reno，以及仅用于内核的 bbr"},
		get: func(s *Setup) []string { return some(s.Stack.congestion() != "cubic", s.Stack.Congestion) },
		set: func(s *Setup, v string) error { return oneOf(&s.Stack.Congestion, v, congestions...) }},
	{Name: "sack", Choices: onOff, Help: Text{"selective acknowledgements: on, off", "选择确认：on、off"},
		get: func(s *Setup) []string { return some(s.Stack.NoSACK, "off") },
		set: func(s *Setup, v string) error { return onOrOff(&s.Stack.NoSACK, v, "off") }},
	{Name: "rack", Choices: onOff, Help: Text{"loss detection by time, which in gVisor resends too much: on, off", "按时间判断丢包（gVisor 的实现重传过多）：on、off"},
		get: func(s *Setup) []string { return some(s.Stack.RACK, "on") },
		set: func(s *Setup, v string) error { return onOrOff(&s.Stack.RACK, v, "on") }},
	{Name: "nagle", Choices: onOff, Help: Text{"small segments wait for acknowledgements: on, off", "小段等确认后再发：on、off"},
		get: func(s *Setup) []string { return some(s.Stack.Nagle, "on") },
		set: func(s *Setup, v string) error { return onOrOff(&s.Stack.Nagle, v, "on") }},
	{Name: "minrto", Help: Text{"the least retransmission timeout, such as 200ms", "最小重传超时，如 200ms"},
		get: func(s *Setup) []string { return some(s.Stack.MinRTO != 0, s.Stack.MinRTO.String()) },
		set: func(s *Setup, v string) (err error) {
			s.Stack.MinRTO, err = impair.ParseDuration(v)
			if d := s.Stack.MinRTO; err == nil && d != 0 && (d < time.Millisecond || d > 2*time.Minute) { // gVisor's own bounds
				err = fmt.Errorf("%v is no time from 1ms to 2m", d)
			}
			return err
		}},
	{Name: "mtu", Help: Text{"bytes of a packet, 576 to 65535", "一个包的字节数，576 到 65535"},
		get: func(s *Setup) []string { return some(s.Stack.mtu() != defaultMTU, strconv.Itoa(s.Stack.MTU)) },
		set: func(s *Setup, v string) (err error) { s.Stack.MTU, err = between(v, 576, 65535); return err }},
	{Name: "offload", Choices: []string{"none", "rx", "tx"}, Help: Text{"leave checksums to a network card that is not there: none, rx, tx", "把校验和交给并不存在的网卡：none、rx、tx"},
		get: func(s *Setup) []string { return some(s.Stack.Offload != "", s.Stack.Offload) },
		set: func(s *Setup, v string) error {
			err := oneOf(&s.Stack.Offload, v, "none", "rx", "tx")
			s.Stack.Offload = strings.TrimPrefix(s.Stack.Offload, "none")
			return err
		}},
	{Name: "until", Help: Text{"when the run ends in virtual time, if it has not before", "虚拟时间到此为止"},
		get: func(s *Setup) []string { return some(s.until() != defaultUntil, s.Until.String()) },
		set: func(s *Setup, v string) (err error) {
			if s.Until, err = impair.ParseDuration(v); err == nil && s.Until == 0 {
				err = errors.New("a run needs some time")
			}
			return err
		}},
}

var congestions = []string{"cubic", "reno", "bbr"}

var onOff = []string{"on", "off"}

func some(is bool, v string) []string {
	if !is {
		return nil
	}
	return []string{v}
}

func texts[T fmt.Stringer](list []T) (out []string) {
	for _, v := range list {
		out = append(out, v.String())
	}
	return out
}

func between(v string, low, high int) (int, error) {
	n, err := strconv.Atoi(v)
	if err != nil || n < low || n > high {
		return 0, fmt.Errorf("%q is no number from %d to %d", v, low, high)
	}
	return n, nil
}

func oneOf(to *string, v string, choices ...string) error {
	if !slices.Contains(choices, v) {
		return fmt.Errorf("%q is none of %s", v, strings.Join(choices, ", "))
	}
	*to = v
	return nil
}

func onOrOff(to *bool, v, yes string) error {
	var is string
	err := oneOf(&is, v, onOff...)
	*to = is == yes
	return err
}

// A SetupError is a setup that cannot be run: a word, a value, a combination.
type SetupError struct {
	What string // the knob, the flow, the line of the file
	Err  error
}

func (e *SetupError) Error() string { return e.What + ": " + e.Err.Error() }
func (e *SetupError) Unwrap() error { return e.Err }

// Set turns a knob. Faults and flows are added to those there are; an empty
// value takes them all away. Errors are *SetupError.
func (s *Setup) Set(knob, value string) error {
	i := slices.IndexFunc(knobs, func(k Knob) bool { return k.Name == knob })
	if i < 0 {
		var names []string
		for _, k := range knobs {
			names = append(names, k.Name)
		}
		return &SetupError{knob, fmt.Errorf("there is no such knob: there are %s", strings.Join(names, ", "))}
	}
	value = strings.TrimSpace(value)
	if knobs[i].Many && value == "" {
		if knob == "fault" {
			s.Faults = nil
		} else {
			s.Flows = nil
		}
		return nil
	}
	next := *s
	if err := knobs[i].set(&next, value); err != nil {
		return &SetupError{knob, err}
	}
	*s = next.plain()
	return nil
}

// plain says nothing of what is as it is by default, so that equal setups are
// equal.
func (s Setup) plain() Setup {
	unset(&s.Hosts, 2)
	unset(&s.Until, defaultUntil)
	unset(&s.Stack.MTU, defaultMTU)
	unset(&s.Stack.Congestion, "cubic")
	return s
}

func unset[T comparable](v *T, by T) {
	if *v == by {
		*v = *new(T)
	}
}

// Check reports what makes a setup impossible to run, as a *SetupError. [Do]
// checks, too.
func (s Setup) Check() error {
	for _, f := range s.Flows {
		if f.From >= s.hosts() || f.To >= s.hosts() {
			return &SetupError{"flow " + f.String(), fmt.Errorf("there are only %d hosts", s.hosts())}
		}
	}
	for _, f := range s.Faults {
		if f.From >= s.hosts() || f.To >= s.hosts() {
			return &SetupError{"fault " + f.String(), fmt.Errorf("there are only %d hosts", s.hosts())}
		}
	}
	if len(s.Flows) > 64 || len(s.Faults) > 1024 {
		return &SetupError{"setup", errors.New("more than 64 flows or 1024 faults")}
	}
	total := 0
	for _, f := range s.Flows {
		total += f.Bytes*max(f.Requests, 1) + f.Reply*max(f.Requests, 1) + f.Count*f.Size
	}
	if total > 1<<30 {
		return &SetupError{"setup", errors.New("more than 1 GiB to send")}
	}
	return nil
}

// Share is the run in one string: the scenario's name, its knobs as far as they
// are turned otherwise, and the seed. [Find] reads it.
func (s Setup) Share() string {
	base, err := scenario(s.Name)
	var b strings.Builder
	b.WriteString(s.Name)
	if err != nil {
		base = Setup{}
		b.Reset()
	}
	sep := byte('?')
	for _, k := range knobs {
		now := k.Get(s)
		if slices.Equal(now, k.Get(base)) {
			continue
		}
		switch {
		case k.Many && len(k.Get(base)) > 0:
			now = append([]string{""}, now...) // the scenario's own go first
		case len(now) == 0:
			now = []string{defaults[k.Name]}
		}
		for _, v := range now {
			b.WriteByte(sep)
			b.WriteString(k.Name + "=" + escape.Replace(v))
			sep = '&'
		}
	}
	return b.String()
}

// escape leaves a value readable: what it escapes would end it, or be read as
// something else.
var escape = strings.NewReplacer(" ", "+", "%", "%25", "&", "%26", "+", "%2B", "#", "%23")

// unescape is what a browser or escape made of a value, undone. People write
// "loss 5%" and mean it: a sign that begins no escape is itself.
func unescape(v string) string {
	var b strings.Builder
	for i := 0; i < len(v); i++ {
		switch c := v[i]; {
		case c == '+':
			b.WriteByte(' ')
		case c == '%' && i+2 < len(v):
			n, err := strconv.ParseUint(v[i+1:i+3], 16, 8)
			if err != nil {
				b.WriteByte(c)
				break
			}
			b.WriteByte(byte(n))
			i += 2
		default:
			b.WriteByte(c)
		}
	}
	return b.String()
}

// defaults are what knobs are set to in order to say that they are not set.
var defaults = map[string]string{"seed": "0", "link": "", "ab": "", "ba": "", "hosts": "2", "cc": "cubic", "sack": "on", "rack": "off",
	"nagle": "off", "minrto": "0", "mtu": "1500", "offload": "none", "until": "10m0s"}

// Find is the scenario of that name, with the knobs turned that follow a "?" as
// in the query of an address: "corrupt?seed=7&link=delay+30ms". Without a name
// all is in the knobs. Errors are *SetupError.
func Find(share string) (Setup, error) {
	if share == "" || share[0] == '?' {
		return FindIn([]Setup{{}}, share)
	}
	return FindIn(Scenarios(), share)
}

// FindIn is Find among scenarios of one's own. Without a name it is the first.
func FindIn(all []Setup, share string) (Setup, error) {
	name, query, _ := strings.Cut(share, "?")
	s := all[0]
	if name != "" {
		var err error
		if s, err = named(all, name); err != nil {
			return Setup{}, err
		}
	}
	q := make(map[string][]string)
	for pair := range strings.SplitSeq(query, "&") {
		if pair == "" {
			continue
		}
		key, value, turned := strings.Cut(pair, "=")
		key = unescape(key)
		if !slices.ContainsFunc(knobs, func(k Knob) bool { return k.Name == key }) {
			return Setup{}, s.Set(key, "")
		}
		if !turned {
			return Setup{}, &SetupError{key, errors.New("a knob is turned by knob=value, such as seed=7")}
		}
		q[key] = append(q[key], unescape(value))
	}
	for _, k := range knobs { // in one order, whatever the string's: link before ab
		for _, v := range q[k.Name] {
			if err := s.Set(k.Name, v); err != nil {
				return Setup{}, err
			}
		}
	}
	return s, s.Check()
}
