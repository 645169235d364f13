package main

import (
	"net"
	"slices"
	"strconv"
	"strings"
	"time"
)

// netcatDialect is Debian's nc: OpenBSD's netcat 1.219 with Debian's -q, -C
// and lists of ports.
func netcatDialect() *ncDialect {
	return &ncDialect{name: "nc", usageCode: 1, setup: netcatSetup, misuse: netcatUsage, options: []ncOption{
		{short: '4', set: netcatFamily("4")},
		{short: '6', set: netcatFamily("6")},
		{short: 'b', set: func(p *ncPlan, _ string) error { p.socketOptions.Set("broadcast", "on"); return nil }},
		{short: 'C', set: setFlag(func(p *ncPlan) *bool { return &p.crlf })},
		{short: 'D', set: func(*ncPlan, string) error { return nil }}, // SO_DEBUG: the kernel's own business
		{short: 'd', set: setFlag(func(p *ncPlan) *bool { return &p.noInput })},
		{short: 'F', set: setRefused("-F")},
		{short: 'h', set: func(p *ncPlan, _ string) error { return ncatPrints(p, netcatHelp, true) }},
		{short: 'I', arg: true, set: netcatBuffer("TCP receive window", "rcvbuf")},
		{short: 'i', arg: true, set: netcatSeconds("interval", func(p *ncPlan) *time.Duration { return &p.lineDelay })},
		{short: 'k', set: setFlag(func(p *ncPlan) *bool { return &p.keep })},
		{short: 'l', set: setFlag(func(p *ncPlan) *bool { return &p.listen })},
		{short: 'M', arg: true, set: netcatTTL},
		{short: 'm', arg: true, set: func(p *ncPlan, v string) error {
			if _, wrong := netcatNumber(v, 0, 255); wrong != "" {
				return p.d.wrong("minttl is %s", wrong)
			}
			return p.d.unsupported("-m")
		}},
		{short: 'N', set: setFlag(func(p *ncPlan) *bool { return &p.shutdown })},
		{short: 'n', set: setFlag(func(p *ncPlan) *bool { return &p.noDNS })},
		{short: 'O', arg: true, set: netcatBuffer("TCP send window", "sndbuf")},
		{short: 'P', arg: true, set: setText(func(p *ncPlan) *string { return &p.proxyAuth })},
		{short: 'p', arg: true, set: setText(func(p *ncPlan) *string { return &p.sourcePort })},
		{short: 'q', arg: true, set: netcatQuit},
		{short: 'r', set: setFlag(func(p *ncPlan) *bool { return &p.random })},
		{short: 'S', set: setRefused("-S")},
		{short: 's', arg: true, set: setText(func(p *ncPlan) *string { return &p.source })},
		{short: 'T', arg: true, set: netcatTOS},
		{short: 't', set: setFlag(func(p *ncPlan) *bool { return &p.telnet })},
		{short: 'U', set: setFlag(func(p *ncPlan) *bool { return &p.unix })},
		{short: 'u', set: setFlag(func(p *ncPlan) *bool { return &p.udp })},
		{short: 'V', arg: true, set: setRefused("no alternate routing table: -V")},
		{short: 'v', set: func(p *ncPlan, _ string) error { p.verbose++; return nil }},
		{short: 'W', arg: true, set: func(p *ncPlan, v string) error {
			n, wrong := netcatNumber(v, 1, 1<<31-1)
			if wrong != "" {
				return p.d.wrong("receive limit %s: %s", wrong, v)
			}
			p.recvLimit = n
			return nil
		}},
		{short: 'w', arg: true, set: netcatTimeout},
		{short: 'X', arg: true, set: func(p *ncPlan, v string) error {
			kind, ok := map[string]string{"connect": "http", "4": "socks4", "5": "socks5"}[strings.ToLower(v)]
			if !ok {
				return p.d.wrong("unsupported proxy protocol")
			}
			_, at, _ := strings.Cut(p.proxy, "://")
			p.proxy = kind + "://" + at
			return nil
		}},
		{short: 'x', arg: true, set: func(p *ncPlan, v string) error {
			kind, _, ok := strings.Cut(p.proxy, "://")
			if !ok {
				kind = "socks5"
			}
			p.proxy = kind + "://" + v
			return nil
		}},
		{short: 'Z', set: setRefused("-Z")},
		{short: 'z', set: setFlag(func(p *ncPlan) *bool { return &p.scan })},
	}}
}

func netcatFamily(f string) func(*ncPlan, string) error {
	return func(p *ncPlan, _ string) error { p.family = f; return nil }
}

// netcatNumber reads a number as strtonum(3) does.
func netcatNumber(v string, least, most int) (n int, wrong string) {
	n, err := strconv.Atoi(v)
	switch {
	case err != nil && strings.Contains(err.Error(), "range") && !strings.HasPrefix(v, "-"):
		return 0, "too large"
	case err != nil:
		return 0, "invalid"
	case n < least:
		return 0, "too small"
	case n > most:
		return 0, "too large"
	}
	return n, ""
}

func netcatSeconds(what string, field func(*ncPlan) *time.Duration) func(*ncPlan, string) error {
	return func(p *ncPlan, v string) error {
		n, wrong := netcatNumber(v, 0, 1<<32-1)
		if wrong != "" {
			return p.d.wrong("%s %s: %s", what, wrong, v)
		}
		*field(p) = time.Duration(n) * time.Second
		return nil
	}
}

// netcatTimeout is -w: for connecting and for silence, which ends well.
func netcatTimeout(p *ncPlan, v string) error {
	n, wrong := netcatNumber(v, 0, 1<<31/1000)
	if wrong != "" {
		return p.d.wrong("timeout %s: %s", wrong, v)
	}
	p.idle = time.Duration(n) * time.Second
	p.connectTimeout, p.idleCode = p.idle, exitOK
	return nil
}

func netcatQuit(p *ncPlan, v string) error {
	n, wrong := netcatNumber(v, -1<<31, 1<<31-1)
	if wrong != "" {
		return p.d.wrong("quit timer %s: %s", wrong, v)
	}
	if p.quit = time.Duration(n) * time.Second; n >= 0 {
		p.shutdown = true
	}
	return nil
}

func netcatTTL(p *ncPlan, v string) error {
	n, wrong := netcatNumber(v, 0, 255)
	if wrong != "" {
		return p.d.wrong("ttl is %s", wrong)
	}
	p.ttl = n
	return nil
}

func netcatBuffer(what, option string) func(*ncPlan, string) error {
	return func(p *ncPlan, v string) error {
		n, wrong := netcatNumber(v, 1, 65536<<14)
		if wrong != "" {
			return p.d.wrong("%s %s: %s", what, wrong, v)
		}
		p.socketOptions.Set(option, strconv.Itoa(n))
		return nil
	}
}

// netcatServices are the names of -T (RFC 1349, RFC 2474).
var netcatServices = map[string]int{"critical": 0xa0, "inetcontrol": 0xc0, "lowcost": 0x02, "lowdelay": 0x10,
	"netcontrol": 0xe0, "reliability": 0x04, "throughput": 0x08, "ef": 0xb8,
	"af11": 0x28, "af12": 0x30, "af13": 0x38, "af21": 0x48, "af22": 0x50, "af23": 0x58,
	"af31": 0x68, "af32": 0x70, "af33": 0x78, "af41": 0x88, "af42": 0x90, "af43": 0x98,
	"cs0": 0x00, "cs1": 0x20, "cs2": 0x40, "cs3": 0x60, "cs4": 0x80, "cs5": 0xa0, "cs6": 0xc0, "cs7": 0xe0}

func netcatTOS(p *ncPlan, v string) error {
	tos, ok := netcatServices[v]
	if !ok {
		n, err := strconv.ParseUint(v, 0, 8)
		if err != nil {
			return p.d.wrong("illegal tos value %s", v)
		}
		tos = int(n)
	}
	p.tos = tos
	return nil
}

// netcatSetup settles what the options and operands mean together.
func netcatSetup(p *ncPlan, operands []string) error {
	switch {
	case p.unix && p.proxy != "":
		return p.d.wrong("no proxy support for unix sockets")
	case p.unix && len(operands) > 1:
		return p.d.misread("a unix socket has no port")
	case p.unix && len(operands) == 0:
		if p.listen || p.udp {
			return p.d.wrong("missing socket pathname")
		}
		return p.d.bare()
	case p.unix:
		p.path, operands = operands[0], nil
	case len(operands) == 0 && !p.listen:
		return p.d.bare()
	case len(operands) == 1 && p.listen && p.sourcePort != "":
		p.host, operands = operands[0], []string{p.sourcePort}
	case len(operands) == 1 && p.listen:
	case len(operands) == 0:
		if p.sourcePort == "" {
			return p.d.wrong("missing port number")
		}
		operands = []string{p.sourcePort}
	case len(operands) == 1:
		return p.d.wrong("missing port number")
	default:
		p.host, operands = operands[0], operands[1:]
	}
	if err := netcatConflicts(p); err != nil {
		return err
	}
	if p.listen {
		if p.host == "" {
			p.host = p.source
		}
		p.source, p.sourcePort = "", ""
		if p.family == "" && p.host == "" {
			p.family = "4" // as its getaddrinfo has it
		}
	}
	return netcatPorts(p, operands)
}

// bare is the usage alone.
func (d *ncDialect) bare() error {
	return &ncError{code: d.usageCode, text: strings.TrimSuffix(d.misuse, "\n")}
}

func netcatConflicts(p *ncPlan) error {
	switch {
	case p.listen && p.scan:
		return p.d.wrong("cannot use -z and -l")
	case p.keep && !p.listen:
		return p.d.wrong("must use -l with -k")
	case p.proxy == "":
	case p.listen:
		return p.d.wrong("no proxy support for listen")
	case p.udp:
		return p.d.wrong("no proxy support for UDP mode")
	case p.source != "":
		return p.d.wrong("no proxy support for local source address")
	}
	if p.sourcePort != "" && !p.listen {
		if n, err := strconv.Atoi(p.sourcePort); err != nil {
			return p.d.wrong("getaddrinfo: Servname not supported for ai_socktype")
		} else if n > 65535 {
			return p.d.wrong("port number too large: %s", p.sourcePort)
		}
	}
	return nil
}

// netcatPorts reads ports: numbers, names and ranges.
func netcatPorts(p *ncPlan, words []string) error {
	for _, word := range words {
		if n, err := net.LookupPort(p.network(), word); err == nil && n > 0 && !isNumber(word) {
			p.ports = append(p.ports, uint16(n))
			continue
		}
		low, high, ranged := strings.Cut(word, "-")
		if !ranged {
			high = low
		}
		var ends [2]int
		for i, end := range []string{low, high} {
			n, wrong := netcatNumber(end, 1, 65535)
			if wrong != "" {
				return p.d.wrong("port number %s: %s", wrong, end)
			}
			ends[i] = n
		}
		for n := min(ends[0], ends[1]); n <= max(ends[0], ends[1]); n++ {
			p.ports = append(p.ports, uint16(n))
		}
	}
	if p.listen && len(p.ports) > 1 {
		return p.d.bare()
	}
	if p.listen {
		p.ports = slices.Clip(p.ports)
	}
	return nil
}

// network is what ports are looked up for.
func (p *ncPlan) network() string {
	if p.udp {
		return "udp"
	}
	return "tcp"
}

func isNumber(s string) bool {
	_, err := strconv.Atoi(s)
	return err == nil
}

const netcatUsage = `usage: nc [-46CDdFhklNnrStUuvZz] [-I length] [-i interval] [-M ttl]
	  [-m minttl] [-O length] [-P proxy_username] [-p source_port]
	  [-q seconds] [-s sourceaddr] [-T keyword] [-V rtable] [-W recvlimit]
	  [-w timeout] [-X proxy_protocol] [-x proxy_address[:port]]
	  [destination] [port]
`

const netcatHelp = `sockeye in the dialect of Debian's nc
` + netcatUsage + `	Command Summary:
		-4		IPv4 only
		-6		IPv6 only
		-b		may send to a broadcast address
		-C		send CRLF for each LF
		-d		do not read standard input
		-h		this help
		-I length	receive buffer of the socket
		-i interval	pause before each line sent and each port scanned
		-k		with -l: serve more than one, one after another
		-l		listen
		-M ttl		hop limit of what is sent
		-N		the input's end ends our side
		-n		numbers only, no names
		-O length	send buffer of the socket
		-P user		user for an HTTP proxy, user:password too
		-p port		source port; with -l the port
		-q secs		end so many seconds after the input's end; implies -N
		-r		ports in any order
		-s addr		source address; with -l the address
		-T keyword	type of service
		-t		answer Telnet negotiation
		-U		Unix domain socket
		-u		UDP
		-v		say what happens
		-W count	end after so many datagrams received
		-w timeout	seconds to connect, and of silence to end after
		-X proto	proxy protocol: 4, 5 (SOCKS) or connect
		-x addr[:port]	proxy
		-z		connect only, to scan
	Not supported here: -F, -m, -S, -V, -Z
	Ports are numbers, names, or ranges lo-hi, and may be several
`
