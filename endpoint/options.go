package endpoint

import (
	"fmt"
	"net"
	"slices"
	"strconv"
	"strings"
	"time"
)

// What a datagram listener allows when its address does not say.
const (
	// defaultIdle ends a conversation in which neither side has spoken.
	defaultIdle = 60 * time.Second

	// defaultPeers bounds conversations per socket. A source address costs a
	// stranger nothing, and a conversation with its session about 5 KiB: 10,000
	// are 50 MiB at the worst, and 166 new peers a second at 60 s each.
	defaultPeers = 10_000

	// defaultQueue bounds the bytes that wait for one conversation's reader:
	// four datagrams of the largest size, or what Linux gives a socket.
	defaultQueue = 256 << 10

	// maxQueued bounds the datagrams that wait for one conversation's reader.
	maxQueued = 1024

	// maxQueuedBytes bounds the memory of all that waits behind one socket,
	// for 10,000 peers with full queues would take 2.5 GB.
	maxQueuedBytes = 64 << 20

	// defaultBacklog is how many conversations wait for Accept on a socket
	// whose system does not decide it: datagrams and Mem.
	defaultBacklog = 1024
)

// settings are an Addr's options, read for one purpose.
type settings struct {
	ip                   string // "", "4" or "6"
	bind                 string
	nodelay              choice
	keepalive            choice
	keepaliveEvery       time.Duration // 0: the default of package net
	reuseaddr, reuseport choice
	backlog              int
	rcvbuf, sndbuf       int
	timeout, idle        time.Duration
	peers, queue         int
}

// choice is on, off, or left to the default.
type choice uint8

const (
	unset choice = iota
	on
	off
)

// purpose is a set of uses of an address an option makes sense for.
type purpose uint16

const (
	dialTCP purpose = 1 << iota
	dialUDP
	dialUnix
	dialMem
	listenTCP
	listenUDP
	listenUnix
	listenMem
	dialFromSocket // a datagram listener's Dial
)

const (
	anyDial   = dialTCP | dialUDP | dialUnix | dialMem
	anyListen = listenTCP | listenUDP | listenUnix | listenMem
)

func purposeOf(op, scheme string) purpose {
	p := map[string]purpose{"tcp": dialTCP, "udp": dialUDP, "unix": dialUnix, "mem": dialMem}[scheme]
	if op == "listen" {
		p *= listenTCP
	}
	return p
}

// An option is one key: where it applies and how its value is read. read
// returns what it wants instead of a value that is none, or "".
type option struct {
	where purpose
	read  func(s *settings, value string) (want string)
}

// options are all there are, by name:
//
//	ip=4|6          insist on a family
//	timeout=2s      give up connecting
//	bind=HOST:PORT  dial from this address; either part may be missing
//	nodelay=off     let small writes wait for company (Nagle)
//	keepalive=30s   probe a silent TCP peer that often; off: never
//	reuseaddr=on    take a port in TIME_WAIT (on for TCP listeners), share a UDP port
//	reuseport=on    several listeners share the port's load
//	rcvbuf=1M       the system's buffers; k and M are powers of 1024
//	backlog=4096    how many conversations may wait to be accepted
//	idle=60s        end a UDP conversation in which nobody speaks; 0: never
//	peers=10000     refuse further UDP peers
//	queue=256k      bytes that wait for a UDP conversation's reader
var options = map[string]option{
	"ip": {dialTCP | dialUDP | listenTCP | listenUDP | dialFromSocket, func(s *settings, v string) string {
		if v != "4" && v != "6" {
			return "4 or 6"
		}
		s.ip = v
		return ""
	}},
	"timeout": {anyDial | dialFromSocket, readDuration(func(s *settings) *time.Duration { return &s.timeout })},
	"bind": {dialTCP | dialUDP | dialUnix, func(s *settings, v string) string {
		if v == "" || isDigits(v) {
			return "an address: host, host:port or :port"
		}
		s.bind = v
		return ""
	}},
	"nodelay": {dialTCP | listenTCP, readChoice(func(s *settings) *choice { return &s.nodelay })},
	"keepalive": {dialTCP | listenTCP, func(s *settings, v string) string {
		if c, ok := parseChoice(v); ok {
			s.keepalive = c
			return ""
		}
		d, ok := parseDuration(v)
		if !ok || d < time.Second {
			return "off or a duration of at least 1s"
		}
		s.keepalive, s.keepaliveEvery = on, d
		return ""
	}},
	"reuseaddr": {dialTCP | dialUDP | listenTCP | listenUDP, readChoice(func(s *settings) *choice { return &s.reuseaddr })},
	"reuseport": {dialTCP | dialUDP | listenTCP | listenUDP, readChoice(func(s *settings) *choice { return &s.reuseport })},
	"rcvbuf":    {anyDial | anyListen, readSize(func(s *settings) *int { return &s.rcvbuf })},
	"sndbuf":    {anyDial | anyListen, readSize(func(s *settings) *int { return &s.sndbuf })},
	"backlog":   {anyListen, readCount(func(s *settings) *int { return &s.backlog })},
	"idle":      {listenUDP, readDuration(func(s *settings) *time.Duration { return &s.idle })},
	"peers":     {listenUDP, readCount(func(s *settings) *int { return &s.peers })},
	"queue":     {listenUDP, readSize(func(s *settings) *int { return &s.queue })},
	"iface":     {}, // nowhere yet
}

// readSettings reads a's options for op, "dial" or "listen".
func readSettings(op string, a Addr) (settings, error) {
	return readSettingsFor(op, a, purposeOf(op, a.Scheme))
}

func readSettingsFor(op string, a Addr, p purpose) (settings, error) {
	s := settings{idle: defaultIdle, peers: defaultPeers, queue: defaultQueue}
	for key, value := range a.Options.All() {
		e := &OptionError{Op: op, Addr: a, Option: key, Value: value}
		o, ok := options[key]
		switch {
		case !ok:
			e.Reason, e.Hint = "unknown", unknownHint(key, p)
			return s, e
		case key == "iface":
			e.Reason = "this version does not choose interfaces yet"
			return s, e
		case o.where&p == 0:
			e.Reason, e.Hint = misplaced(key, op, a, o, p)
			return s, e
		}
		if want := o.read(&s, value); want != "" {
			e.Reason = "want " + want
			return s, e
		}
	}
	return s, nil
}

// misplaced explains an option that exists, but not for this.
func misplaced(key, op string, a Addr, o option, p purpose) (reason, hint string) {
	if p == dialFromSocket {
		return "it belongs to the socket, which is open already", "give it to the address listened on"
	}
	if key == "bind" {
		hint = "the address itself says where to listen"
	} else if o.where&anyListen == 0 {
		hint = "it is for dialing"
	} else if o.where&anyDial == 0 && op == "dial" {
		hint = "it is for listening"
	}
	return fmt.Sprintf("it means nothing when %sing %s", strings.TrimSuffix(op, "e"), a.Scheme), hint
}

func unknownHint(key string, p purpose) string {
	var names []string
	for name, o := range options {
		if o.where&p != 0 {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	if near := nearest(key, names); near != "" {
		return fmt.Sprintf("did you mean %s?", near)
	}
	return "the options here are " + strings.Join(names, ", ")
}

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

// network returns scheme as package net names it with the family insisted on.
func (s settings) network(scheme string) string {
	if scheme == "tcp" || scheme == "udp" {
		return scheme + s.ip
	}
	return scheme
}

func (s settings) keepAliveConfig() net.KeepAliveConfig {
	if s.keepalive != on || s.keepaliveEvery == 0 {
		return net.KeepAliveConfig{} // Dialer and ListenConfig then look at KeepAlive
	}
	return net.KeepAliveConfig{Enable: true, Idle: s.keepaliveEvery, Interval: s.keepaliveEvery}
}

// keepAlive is the field of Dialer and ListenConfig: negative is off.
func (s settings) keepAlive() time.Duration {
	if s.keepalive == off {
		return -1
	}
	return 0
}
