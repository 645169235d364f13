package lab

import (
	"fmt"
	"strconv"
	"strings"
	"time"

	"sockeye.dev/impair"
)

// Everyone is the receiver of a broadcast.
const Everyone = -1

// A Flow is one conversation of a run: who says what to whom, and how the other
// side takes it. What it sends is numbered, so that each receiver can tell what
// is in order, repeated, damaged and missing.
type Flow struct {
	Proto    string // tcp or udp
	From, To int    // hosts, from 0; To may be Everyone
	At       time.Duration

	// TCP
	Bytes    int           // From sends them; with Requests, each time
	Reply    int           // To answers with them: to all of it, or to each request
	Requests int           // so many requests, one after the reply to another
	Echo     bool          // To sends back what it reads
	Abort    int           // To aborts after reading so many bytes
	CloseAt  time.Duration // both sides close at this time after At
	Drain    int           // To reads so many bytes a second; default all there is

	// UDP
	Count, Size int           // datagrams, and the bytes of each
	Every       time.Duration // between two of them
	NoSum       bool          // without checksums (RFC 768 permits that)
	ReadEvery   time.Duration // To reads one datagram so often; default all there are

	// Both
	Closed bool          // nobody listens at To
	Buffer int           // To's receive buffer in bytes; default the stack's own
	Pause  time.Duration // To reads nothing for so long
}

// Host is a host's name: A, B, C.
func Host(i int) string {
	if i == Everyone {
		return "*"
	}
	return string(rune('A' + i))
}

// direction is "A>B".
func direction(from, to int) string { return Host(from) + ">" + Host(to) }

func parseDirection(v string) (from, to int, err error) {
	if len(v) == 3 && v[1] == '>' && v[0] >= 'A' && v[0] < 'A'+maxHosts && v[0] != v[2] {
		if v[2] == '*' {
			return int(v[0] - 'A'), Everyone, nil
		}
		if v[2] >= 'A' && v[2] < 'A'+maxHosts {
			return int(v[0] - 'A'), int(v[2] - 'A'), nil
		}
	}
	return 0, 0, fmt.Errorf("%q is no direction such as A>B or A>*", v)
}

// A flowWord is one thing that the text of a flow may say.
type flowWord struct {
	name, proto string // proto: for which; empty: both
	get         func(*Flow) string
	set         func(*Flow, string) error // nil: it has no value
	on          func(*Flow) *bool
}

func number(name, proto string, low, high int, field func(*Flow) *int) flowWord {
	return flowWord{name: name, proto: proto,
		get: func(f *Flow) string {
			if *field(f) == 0 {
				return ""
			}
			return strconv.Itoa(*field(f))
		},
		set: func(f *Flow, v string) error {
			n, err := impair.ParseSize(v)
			if err != nil || n < low || n > high {
				return fmt.Errorf("%q is no number from %d to %d", v, low, high)
			}
			*field(f) = n
			return nil
		}}
}

func moment(name, proto string, field func(*Flow) *time.Duration) flowWord {
	return flowWord{name: name, proto: proto,
		get: func(f *Flow) string {
			if *field(f) == 0 {
				return ""
			}
			return field(f).String()
		},
		set: func(f *Flow, v string) (err error) { *field(f), err = impair.ParseDuration(v); return err }}
}

var flowWords = []flowWord{
	moment("at", "", func(f *Flow) *time.Duration { return &f.At }),
	number("bytes", "tcp", 1, 1<<30, func(f *Flow) *int { return &f.Bytes }),
	number("requests", "tcp", 1, 1e6, func(f *Flow) *int { return &f.Requests }),
	number("reply", "tcp", 1, 1<<30, func(f *Flow) *int { return &f.Reply }),
	{name: "echo", proto: "tcp", on: func(f *Flow) *bool { return &f.Echo }},
	{name: "closed", on: func(f *Flow) *bool { return &f.Closed }},
	number("abort", "tcp", 1, 1<<30, func(f *Flow) *int { return &f.Abort }),
	moment("closeat", "tcp", func(f *Flow) *time.Duration { return &f.CloseAt }),
	number("drain", "tcp", 100, 1<<30, func(f *Flow) *int { return &f.Drain }),
	number("count", "udp", 1, 1e6, func(f *Flow) *int { return &f.Count }),
	number("size", "udp", minDatagram, 65507, func(f *Flow) *int { return &f.Size }),
	moment("every", "udp", func(f *Flow) *time.Duration { return &f.Every }),
	{name: "nosum", proto: "udp", on: func(f *Flow) *bool { return &f.NoSum }},
	moment("readevery", "udp", func(f *Flow) *time.Duration { return &f.ReadEvery }),
	number("buffer", "", 1, 1<<26, func(f *Flow) *int { return &f.Buffer }),
	moment("pause", "", func(f *Flow) *time.Duration { return &f.Pause }),
}

// ParseFlow reads a flow: its protocol, its direction, and words with values.
//
//	tcp A>B [at TIME] bytes N [requests N] [reply N] [echo] [abort N]
//	        [closeat TIME] [drain N] [closed] [buffer N] [pause TIME]
//	udp A>B|A>* [at TIME] count N size N [every TIME] [nosum] [readevery TIME]
//	        [closed] [buffer N] [pause TIME]
func ParseFlow(v string) (Flow, error) {
	words := strings.Fields(v)
	if len(words) < 2 {
		return Flow{}, fmt.Errorf("%q is no flow such as tcp A>B bytes 12000", v)
	}
	f := Flow{Proto: words[0]}
	if f.Proto != "tcp" && f.Proto != "udp" {
		return Flow{}, fmt.Errorf("%q is no protocol: write tcp or udp", f.Proto)
	}
	var err error
	if f.From, f.To, err = parseDirection(words[1]); err != nil {
		return Flow{}, err
	}
	seen := make(map[string]bool)
	for words = words[2:]; len(words) > 0; {
		name := words[0]
		words = words[1:]
		w, ok := findFlowWord(name, f.Proto)
		switch {
		case !ok:
			return Flow{}, fmt.Errorf("a flow over %s has no word %q", f.Proto, name)
		case seen[name]:
			return Flow{}, fmt.Errorf("%s is said twice", name)
		case w.on != nil:
			*w.on(&f) = true
		case len(words) == 0:
			return Flow{}, fmt.Errorf("%s lacks its value", name)
		default:
			if err := w.set(&f, words[0]); err != nil {
				return Flow{}, fmt.Errorf("%s: %w", name, err)
			}
			words = words[1:]
		}
		seen[name] = true
	}
	switch {
	case f.Proto == "udp" && (f.Count == 0 || f.Size == 0):
		return Flow{}, fmt.Errorf("a flow over udp needs count and size")
	case f.Echo && (f.Reply > 0 || f.Requests > 0):
		return Flow{}, fmt.Errorf("echo is a reply already: it goes with neither reply nor requests")
	case f.Requests > 0 && (f.Reply == 0 || f.Bytes == 0):
		return Flow{}, fmt.Errorf("requests need bytes and reply: how long each is")
	}
	return f, nil
}

func findFlowWord(name, proto string) (flowWord, bool) {
	for _, w := range flowWords {
		if w.name == name && (w.proto == "" || w.proto == proto) {
			return w, true
		}
	}
	return flowWord{}, false
}

// String is the flow as ParseFlow reads it.
func (f Flow) String() string {
	out := []string{f.Proto, direction(f.From, f.To)}
	for _, w := range flowWords {
		if w.on != nil {
			if *w.on(&f) {
				out = append(out, w.name)
			}
		} else if v := w.get(&f); v != "" {
			out = append(out, w.name, v)
		}
	}
	return strings.Join(out, " ")
}

// A Fault is what the script does to packets of one kind in one direction.
type Fault struct {
	Action      string // drop, duplicate, corrupt, swap, delay
	From, To    int
	Kind        string        // any, syn, synack, data, ack, fin, lastack, rst, udp
	First, Last int           // which of them, from 1; Last 0: all from First on
	By          time.Duration // of a delay
}

var (
	faultActions = []string{"drop", "duplicate", "corrupt", "swap", "delay"}
	faultKinds   = []string{"any", "syn", "synack", "data", "ack", "fin", "lastack", "rst", "udp"}
)

// ParseFault reads a fault: "drop A>B data 3", "drop A>B data 3-5", "drop B>A
// ack 2-" (and all after it), "delay A>B data 2 by 5ms", "swap A>B data 2" (two
// 16-bit words change places). Kinds are any, syn, synack, data, ack (nothing
// else in it), fin, lastack (of the peer's FIN), rst and udp.
func ParseFault(v string) (Fault, error) {
	words := strings.Fields(v)
	if len(words) < 4 {
		return Fault{}, fmt.Errorf("%q is no fault such as drop A>B data 3", v)
	}
	var f Fault
	err := oneOf(&f.Action, words[0], faultActions...)
	if err == nil {
		f.From, f.To, err = parseDirection(words[1])
	}
	if err == nil && f.To == Everyone {
		err = fmt.Errorf("a fault is on one line: not on %s", words[1])
	}
	if err == nil {
		err = oneOf(&f.Kind, words[2], faultKinds...)
	}
	if err != nil {
		return Fault{}, err
	}
	first, last, isRange := strings.Cut(words[3], "-")
	if f.First, err = between(first, 1, 1e9); err != nil {
		return Fault{}, err
	}
	f.Last = f.First
	if isRange {
		if f.Last = 0; last != "" {
			if f.Last, err = between(last, f.First, 1e9); err != nil {
				return Fault{}, err
			}
		}
	}
	switch words = words[4:]; {
	case f.Action == "delay" && len(words) == 2 && words[0] == "by":
		f.By, err = impair.ParseDuration(words[1])
		return f, err
	case f.Action == "delay":
		return Fault{}, fmt.Errorf("a delay says by how much: delay A>B data 2 by 5ms")
	case len(words) > 0:
		return Fault{}, fmt.Errorf("%q is too much", strings.Join(words, " "))
	}
	return f, nil
}

// String is the fault as ParseFault reads it.
func (f Fault) String() string {
	which := strconv.Itoa(f.First)
	if f.Last == 0 {
		which += "-"
	} else if f.Last != f.First {
		which += "-" + strconv.Itoa(f.Last)
	}
	s := fmt.Sprintf("%s %s %s %s", f.Action, direction(f.From, f.To), f.Kind, which)
	if f.Action == "delay" {
		s += " by " + f.By.String()
	}
	return s
}

// hits reports whether the nth packet of its kind is meant.
func (f Fault) hits(n int) bool { return n >= f.First && (f.Last == 0 || n <= f.Last) }
