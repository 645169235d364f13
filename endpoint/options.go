package endpoint

import (
	"fmt"
	"net"
	"slices"
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
	many                 manySettings
	secure               tlsSettings
	ws                   wsSettings
	proxy                *proxyURL  // nil: none
	header               headerSpec // the PROXY header to send or to ask for
}

// choice is on, off, or left to the default.
type choice uint8

const (
	unset choice = iota
	on
	off
)

// purpose is a set of uses of an address an option makes sense for.
type purpose uint32

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
	dialTLS        // beside dialTCP: tls has all of tcp's options
	listenTLS      // beside listenTCP
	dialUnixgram
	listenUnixgram
	listenGated // listening with something to wait for before a conversation begins
	dialWS      // beside dialTCP, and for wss dialTLS
	listenWS    // beside listenTCP, and for wss listenTLS
)

const (
	anyDial   = dialTCP | dialUDP | dialUnix | dialMem | dialTLS | dialUnixgram | dialWS
	anyListen = listenTCP | listenUDP | listenUnix | listenMem | listenTLS | listenUnixgram | listenWS
)

func purposeOf(op, scheme string) purpose {
	if scheme == "tls" {
		return map[string]purpose{"dial": dialTCP | dialTLS, "listen": listenTCP | listenTLS | listenGated}[op]
	}
	if scheme == "ws" {
		return map[string]purpose{"dial": dialTCP | dialWS, "listen": listenTCP | listenWS | listenGated}[op]
	}
	if scheme == "wss" {
		return purposeOf(op, "ws") | purposeOf(op, "tls")
	}
	if scheme == "unixgram" {
		return map[string]purpose{"dial": dialUnixgram, "listen": listenUnixgram}[op]
	}
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
//	bind=HOST:PORT  dial from this address; either part may be missing; unix: from this path
//	nodelay=off     let small writes wait for company (Nagle)
//	keepalive=30s   probe a silent TCP peer that often; off: never
//	reuseaddr=on    take a port in TIME_WAIT (on for TCP listeners), share a UDP port
//	reuseport=on    several listeners share the port's load
//	rcvbuf=1M       the system's buffers; k and M are powers of 1024
//	backlog=4096    how many conversations may wait to be accepted
//	idle=60s        end a UDP or unixgram conversation in which nobody speaks; 0: never
//	peers=10000     refuse further UDP peers
//	queue=256k      bytes that wait for a UDP conversation's reader
//
// Of udp, for speaking to many at once ([manySettings]):
//
//	broadcast=on    dial: the address is a broadcast, which only some can be seen to be
//	iface=eth0      the interface to join on and to send by, by name or address; or all
//	ttl=1           how many networks a multicast may pass; 0: this machine only
//	loop=off        others on this machine do not hear our multicasts
//	source=ADDR     listen: only what this address says to the group (IGMPv3, MLDv2)
//
// Of tcp, and what is spoken over it:
//
//	proxy=URL       dial through socks5:// socks4:// socks4a:// or http://[user:pass@]host:port
//	proxyproto=1|2  dial: begin with a PROXY header of that version; listen (on): ask for one
//
// Of tls and wss; files are PEM:
//
//	cert=FILE       our certificate, with its chain; a listener without one makes one up
//	key=FILE        its key, if that is not in the same file
//	ca=FILE         dial: trust these authorities, not the system's
//	pin=SHA256      dial: trust this certificate and no other, whoever signed it
//	insecure=on     dial: trust anyone
//	sni=NAME        dial: the name to ask for and to find in the certificate
//	clientca=FILE   listen: want a certificate from the client, of these authorities
//	alpn=h2,...     the protocols to agree on one of
//	minver=1.2      the lowest version, 1.0 to 1.3
//	keylog=FILE     append the session's secrets, for Wireshark
//	closenotify=on  a stream that ends without close_notify ends in an error
//	timeout=10s     give up the handshake; dialing: the connecting too
//
// Of ws and wss:
//
//	type=text       what we send: text, binary, or auto: text if it is UTF-8
//	max=1M          the longest message to take
//	protocol=a,b    dial: offer these subprotocols, and want one; listen: want one, the first that is offered; *: any
//	origin=SITE     dial: seem to be a page of SITE; listen: let pages of SITE,SITE,... in, or * (default: our own)
//	hosts=NAME,...  listen: names of ours, whose pages are our own; addresses and localhost are
//	auth=USER:PASS  dial: as in ws://user:pass@host
//	header=N:V      dial: a header; %0A before another
var options = map[string]option{
	"ip": {dialTCP | dialUDP | listenTCP | listenUDP | dialFromSocket, func(s *settings, v string) string {
		if v != "4" && v != "6" {
			return "4 or 6"
		}
		s.ip = v
		return ""
	}},
	"timeout": {anyDial | dialFromSocket | listenGated, readDuration(func(s *settings) *time.Duration { return &s.timeout })},
	"bind": {dialTCP | dialUDP | dialUnix | dialUnixgram, func(s *settings, v string) string {
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
	"idle":      {listenUDP | listenUnixgram, readDuration(func(s *settings) *time.Duration { return &s.idle })},
	"peers":     {listenUDP | listenUnixgram, readCount(func(s *settings) *int { return &s.peers })},
	"queue":     {listenUDP | listenUnixgram, readSize(func(s *settings) *int { return &s.queue })},

	"broadcast": {dialUDP | dialFromSocket, readChoice(func(s *settings) *choice { return &s.many.broadcast })},
	"iface":     {dialUDP | listenUDP, readInterface},
	"ttl":       {dialUDP | listenUDP, readTTL},
	"loop":      {dialUDP | listenUDP, readChoice(func(s *settings) *choice { return &s.many.loop })},
	"source":    {listenUDP, readSource},

	"proxy":       {dialTCP, readProxy},
	"proxyproto":  {dialTCP | listenTCP, readHeaderSpec},
	"cert":        {dialTLS | listenTLS, readFile(func(s *settings) *string { return &s.secure.cert })},
	"key":         {dialTLS | listenTLS, readFile(func(s *settings) *string { return &s.secure.key })},
	"ca":          {dialTLS, readFile(func(s *settings) *string { return &s.secure.ca })},
	"clientca":    {listenTLS, readFile(func(s *settings) *string { return &s.secure.ca })},
	"keylog":      {dialTLS | listenTLS, readFile(func(s *settings) *string { return &s.secure.keylog })},
	"insecure":    {dialTLS, readChoice(func(s *settings) *choice { return &s.secure.insecure })},
	"closenotify": {dialTLS | listenTLS, readChoice(func(s *settings) *choice { return &s.secure.closeNotify })},
	"pin":         {dialTLS, readPin},
	"sni":         {dialTLS, readServerName},
	"alpn":        {dialTLS | listenTLS, readProtocols},
	"minver":      {dialTLS | listenTLS, readVersion},

	"type":     {dialWS | listenWS, readWSType},
	"max":      {dialWS | listenWS, readSize(func(s *settings) *int { return &s.ws.max })},
	"protocol": {dialWS | listenWS, readSubprotocols},
	"origin":   {dialWS | listenWS, readOrigins},
	"hosts":    {listenWS, readHosts},
	"auth":     {dialWS, readAuth},
	"header":   {dialWS, readHeaders},
}

// readSettings reads a's options for op, "dial" or "listen".
func readSettings(op string, a Addr) (settings, error) {
	p := purposeOf(op, a.Scheme)
	if p&listenTCP != 0 && a.Options.Has("proxyproto") {
		p |= listenGated
	}
	s, err := readSettingsFor(op, a, p)
	if err == nil {
		err = s.ws.check(op, a)
	}
	if err == nil {
		err = s.secure.check(op, a)
	}
	return s, err
}

func readSettingsFor(op string, a Addr, p purpose) (settings, error) {
	s := settings{idle: defaultIdle, peers: defaultPeers, queue: defaultQueue, many: manySettings{ttl: 1}}
	for key, value := range a.Options.All() {
		e := &OptionError{Op: op, Addr: a, Option: key, Value: value}
		switch key {
		case "proxy":
			e.Value = redactProxy(value)
		case "auth", "header":
			e.Value = ""
		}
		o, ok := options[key]
		switch {
		case !ok:
			e.Reason, e.Hint, e.here = "unknown", unknownHint(key, p, nil), p
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
	if o.where&^(dialTLS|listenTLS) == 0 && p&(dialTLS|listenTLS) == 0 {
		hint = "it is for tls"
	} else if o.where&^(dialWS|listenWS) == 0 && !isWS(a.Scheme) {
		hint = "it is for ws"
	} else if key == "ca" {
		hint = "clientca=FILE is whom the clients' certificates have to be signed by"
	} else if key == "bind" {
		hint = "the address itself says where to listen"
	} else if o.where&anyListen == 0 {
		hint = "it is for dialing"
	} else if o.where&anyDial == 0 && op == "dial" {
		hint = "it is for listening"
	}
	return fmt.Sprintf("it means nothing when %sing %s", strings.TrimSuffix(op, "e"), a.Scheme), hint
}

// unknownHint tells of the options that there are; others are of layers above.
func unknownHint(key string, p purpose, others []string) string {
	names := slices.Clone(others)
	for name, o := range options {
		if o.where&p != 0 {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	names = slices.Compact(names) // idle may be both
	if p&(dialWS|listenWS) != 0 {
		return fmt.Sprintf("the options here are %s; a query of the server's own is written with %%3F: /path%%3F%s=...", strings.Join(names, ", "), key)
	}
	if near := nearest(key, names); near != "" {
		return fmt.Sprintf("did you mean %s?", near)
	}
	return "the options here are " + strings.Join(names, ", ")
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
