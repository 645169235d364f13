package endpoint

import (
	"fmt"
	"net"
	"net/netip"
	"slices"
	"strconv"
	"strings"
)

// Parse reads an address in any of three spellings. Schemes, keywords and
// option keys are case-insensitive.
//
// URL form, which is also what String writes:
//
//	tcp://localhost:7788              a name and a port
//	tcp://192.0.2.7:http              a service name; it becomes its number
//	tcp://[fe80::1%eth0]:7788         IPv6 in brackets, with a zone
//	tcp://:7788                       listening: every address; dialing: this machine
//	tcp://localhost:0                 listening: the system chooses the port
//	tcp6://host:7788                  IPv6 or nothing; also tcp4, udp4, udp6: ?ip=6
//	tls://host:443                    TLS over TCP; also tls4 and tls6
//	ws://host:8080/path               WebSocket; also wss, ws4, ws6, wss4, wss6; the
//	ws://user:pass@host/path          port is 80, or 443 for wss, unless it is given
//	ws://host/path%3Fa=1&b=2?max=4M   a query of the server's own begins with %3F
//	udp://host:7890?idle=10s&peers=50 options; values may be %-escaped
//	unix:///run/app.sock              everything after unix: or unix:// is a path,
//	unix:./app.sock                   so unix://app.sock is the relative app.sock
//	unix:@name                        Linux's abstract namespace; a file: unix:./@name
//	unixgram:///run/app.sock          datagrams; otherwise as unix
//	mem://name                        within one endpoint.Mem; also mem:name
//
// Bare form, which is tcp:
//
//	localhost:7788   :7788   [::1]:7788
//
// socat's form, whose options follow commas. Whether it connects or listens is
// decided by what is done with the address, not by the keyword:
//
//	TCP:host:port,nodelay             TCP4: TCP6: TCP-CONNECT:
//	TCP-LISTEN:port,bind=localhost    TCP4-LISTEN: TCP6-LISTEN: TCP-L:
//	UDP:host:port                     UDP4: UDP6: UDP-CONNECT: UDP-SENDTO:
//	UDP-LISTEN:port                   UDP4-LISTEN: UDP6-LISTEN: UDP-L:
//	UDP-RECVFROM:port                 UDP-RECV:, and both with 4 or 6
//	UDP-DATAGRAM:host:port,broadcast  UDP4-DATAGRAM: UDP6-DATAGRAM:
//	OPENSSL:host:port,verify=0        OPENSSL-CONNECT: OPENSSL-LISTEN: SSL: SSL-L:
//	UNIX-CONNECT:path                 UNIX-CLIENT:
//	UNIX-LISTEN:path                  UNIX-L:
//	UNIX-SENDTO:path                  UNIX-RECVFROM: UNIX-RECV:
//	ABSTRACT-CONNECT:name             ABSTRACT-LISTEN: ABSTRACT-CLIENT:
//	ABSTRACT-SENDTO:name              ABSTRACT-RECVFROM: ABSTRACT-RECV:
//
// The error is an *AddrError. Parse resolves service names (from the machine's
// list of them) and nothing else; it opens nothing.
func Parse(s string) (Addr, error) {
	p := parser{input: s}
	a, err := p.parse()
	if err != nil {
		return Addr{}, err
	}
	return a, nil
}

// parser keeps the input, which every error names.
type parser struct{ input string }

func (p parser) errorf(hint, format string, args ...any) error {
	return &AddrError{Input: p.input, Reason: fmt.Sprintf(format, args...), Hint: hint}
}

func (p parser) parse() (Addr, error) {
	if p.input == "" {
		return Addr{}, p.errorf("write tcp://host:port, udp://host:port or unix:/path", "it is empty")
	}
	if p.input == "-" {
		return Addr{}, p.errorf("standard input and output are always the other side here: leave it out", "- is not an address")
	}
	rest, query, _ := strings.Cut(p.input, "?")
	word, after, isURL := strings.Cut(rest, "://")
	if !isURL {
		word, after, _ = strings.Cut(rest, ":")
	}
	keyword := strings.ToLower(word)
	var a Addr
	var err error
	switch {
	case isURL || keyword == "unix" || keyword == "unixgram" || keyword == "mem":
		a, err = p.url(keyword, after)
	case p.isSocat(keyword) && rest != word:
		a, err = p.socat(keyword, after)
	default:
		a, err = p.bare(rest)
	}
	if err != nil {
		return Addr{}, err
	}
	if err := p.options(&a.Options, query); err != nil {
		return Addr{}, err
	}
	return a, nil
}

// schemes are what this version speaks.
var schemes = []string{"tcp", "udp", "tls", "unix", "unixgram", "mem", "ws", "wss",
	"tcp4", "tcp6", "udp4", "udp6", "tls4", "tls6", "ws4", "ws6", "wss4", "wss6"}

// spoken are the schemes in words.
const spoken = "tcp, tls, ws, wss, udp, unix, unixgram and mem"

// laterSchemes are the product's, not this version's.
var laterSchemes = []string{"quic"}

func (p parser) url(scheme, rest string) (Addr, error) {
	switch scheme {
	case "unix", "unixgram", "mem":
		return p.path(scheme, unescape(strings.TrimPrefix(rest, "//")))
	case "tcp", "udp", "tls":
		host, port, err := p.hostPort(scheme, strings.TrimSuffix(rest, "/"))
		return Addr{Scheme: scheme, Host: host, Port: port}, err
	case "ws", "wss":
		return p.ws(scheme, rest)
	case "tcp4", "tcp6", "udp4", "udp6", "tls4", "tls6", "ws4", "ws6", "wss4", "wss6":
		end := len(scheme) - 1
		a, err := p.url(scheme[:end], rest)
		a.Options.add("ip", scheme[end:])
		return a, err
	}
	return Addr{}, p.unknownScheme(scheme)
}

func (p parser) unknownScheme(scheme string) error {
	if isLater(scheme) {
		return p.errorf("it speaks "+spoken, "this version does not speak %s yet", scheme)
	}
	if kw, ok := socatKeywords[scheme]; ok {
		return p.errorf(fmt.Sprintf("write %s://: what is done with the address decides whether it listens", kw.scheme),
			"unknown scheme %q", scheme)
	}
	if slices.Contains(schemes, scheme) {
		return p.errorf(fmt.Sprintf("write %s:// in front", scheme), "%s addresses are URLs", scheme)
	}
	hint := "the schemes are " + spoken
	if near := nearest(scheme, slices.Concat(schemes, laterSchemes)); near != "" {
		hint = fmt.Sprintf("did you mean %s?", near)
	}
	return p.errorf(hint, "unknown scheme %q", scheme)
}

// path checks what comes after unix: and mem:.
func (p parser) path(scheme, path string) (Addr, error) {
	if path == "" || path == "@" {
		if scheme == "mem" {
			return Addr{}, p.errorf("write mem://name", "missing name")
		}
		return Addr{}, p.errorf(fmt.Sprintf("write %s:/absolute/path, %[1]s:./relative or %[1]s:@abstract", scheme), "missing path")
	}
	if strings.ContainsRune(path, 0) {
		return Addr{}, p.errorf("", "the path contains a zero byte")
	}
	return Addr{Scheme: scheme, Path: path}, nil
}

func (p parser) bare(rest string) (Addr, error) {
	word, after, hasColon := strings.Cut(rest, ":")
	keyword := strings.ToLower(word)
	switch {
	case strings.HasPrefix(rest, "/") || strings.HasPrefix(rest, "./") || strings.HasPrefix(rest, "../"):
		return Addr{}, p.errorf("write unix:"+rest, "a path needs its scheme")
	case !hasColon && isDigits(rest):
		return Addr{}, p.errorf("write :"+rest, "a port alone needs its colon")
	case hasColon && !isDigits(after) && (socatElsewhere[keyword] || isLater(keyword)):
		// "exec:80" may be a host of that name; "exec:cat" is socat's.
		if isLater(keyword) {
			return Addr{}, p.unknownScheme(keyword)
		}
		return Addr{}, p.errorf("the socket addresses are "+spoken,
			"socat's %s is not an address here", strings.ToUpper(word))
	case strings.Count(rest, ":") >= 2 && !strings.HasPrefix(rest, "[") && !looksLikeIPv6(rest):
		return Addr{}, p.unknownScheme(keyword)
	}
	host, port, err := p.hostPort("tcp", rest)
	return Addr{Scheme: "tcp", Host: host, Port: port}, err
}

func isLater(scheme string) bool { return slices.Contains(laterSchemes, scheme) }

// looksLikeIPv6 reports whether s is an IPv6 address, alone or before a port.
func looksLikeIPv6(s string) bool {
	_, err := netip.ParseAddr(s)
	_, err2 := netip.ParseAddr(s[:strings.LastIndexByte(s, ':')])
	return err == nil || err2 == nil
}

// hostPort splits and checks host:port; network is for service names.
func (p parser) hostPort(network, s string) (host string, port uint16, err error) {
	var portText string
	if strings.HasPrefix(s, "[") {
		end := strings.IndexByte(s, ']')
		if end < 0 {
			return "", 0, p.errorf("write [address]:port", "missing ]")
		}
		var after string
		host, after = s[1:end], s[end+1:]
		if host, err = p.ipv6(host); err != nil {
			return "", 0, err
		}
		if after == "" {
			return "", 0, p.errorf(fmt.Sprintf("write %s://[%s]:port", network, host), "missing port")
		}
		if after[0] != ':' {
			return "", 0, p.errorf("write [address]:port", "%q follows ] where a colon belongs", after)
		}
		portText = after[1:]
	} else {
		i := strings.LastIndexByte(s, ':')
		switch {
		case i < 0 && s == "":
			return "", 0, p.errorf(fmt.Sprintf("write %s://host:port", network), "missing host and port")
		case i < 0:
			return "", 0, p.errorf(fmt.Sprintf("write %s://%s:port", network, s), "missing port")
		case strings.IndexByte(s, ':') != i:
			return "", 0, p.colons(s, i)
		}
		host, portText = s[:i], s[i+1:]
		if host, err = p.host(host); err != nil {
			return "", 0, err
		}
	}
	port, err = p.port(network, host, portText)
	return host, port, err
}

// colons explains a host with a colon in it; i is the last one.
func (p parser) colons(s string, i int) error {
	const reason = "an IPv6 address needs brackets"
	// "::1:80" is itself an address, but hardly what was meant.
	if ip, err := netip.ParseAddr(s[:i]); err == nil && isDigits(s[i+1:]) {
		return p.errorf(fmt.Sprintf("write [%s]:%s", ip, s[i+1:]), reason)
	}
	if ip, err := netip.ParseAddr(s); err == nil {
		return p.errorf(fmt.Sprintf("write [%s]:port", ip), reason)
	}
	return p.errorf("write host:port, an IPv6 address in brackets", "too many colons in %q", s)
}

func (p parser) ipv6(s string) (string, error) {
	// RFC 6874 writes a zone's percent sign escaped in a URL; people don't.
	if ip, zone, ok := strings.Cut(s, "%25"); ok && zone != "" {
		s = ip + "%" + zone
	}
	ip, err := netip.ParseAddr(s)
	if err != nil || !ip.Is6() {
		return "", p.errorf("brackets are for IPv6 addresses: [::1]", "%q is not an IPv6 address", s)
	}
	if bad := strings.IndexFunc(ip.Zone(), badHostRune); bad >= 0 {
		return "", p.errorf("", "the zone %q is no interface name", ip.Zone())
	}
	return ip.String(), nil
}

// host checks a name or an IPv4 address. What is a good name is the resolver's
// business; here only what cannot have been meant is refused.
func (p parser) host(s string) (string, error) {
	if s == "*" {
		return "", p.errorf("leave the host empty to listen on every address", "* is not a host")
	}
	if i := strings.IndexByte(s, '@'); i >= 0 {
		return "", p.errorf("leave out "+s[:i+1], "an address has no user")
	}
	if i := strings.IndexByte(s, '/'); i >= 0 {
		return "", p.errorf("", "%q is not a host: it contains a slash", s)
	}
	if i := strings.IndexFunc(s, badHostRune); i >= 0 {
		return "", p.errorf("", "%q is not a host", s)
	}
	if ip, err := netip.ParseAddr(s); err == nil {
		return ip.String(), nil
	}
	if s != "" && strings.Trim(s, "0123456789.") == "" {
		return "", p.errorf("an IPv4 address has four numbers up to 255", "%q is not an IPv4 address", s)
	}
	return strings.ToLower(s), nil
}

func badHostRune(r rune) bool {
	return r <= ' ' || r == 0x7f || r == '\ufffd' || strings.ContainsRune("%/\\?#[]@\"<>,;=&{}|^`*:", r)
}

func (p parser) port(network, host, s string) (uint16, error) {
	if s == "" {
		return 0, p.errorf(fmt.Sprintf("write %s://%s", network, net.JoinHostPort(host, "port")), "missing port")
	}
	if isDigits(strings.TrimPrefix(s, "-")) {
		n, err := strconv.ParseUint(s, 10, 16)
		if err != nil {
			return 0, p.errorf("ports are 0 to 65535", "port %s is out of range", s)
		}
		return uint16(n), nil
	}
	if strings.IndexFunc(s, func(r rune) bool { return r > 0x7e || badHostRune(r) }) >= 0 {
		hint := "write a number from 0 to 65535"
		if strings.Contains(s, "/") {
			hint = fmt.Sprintf("%s addresses end after the port", network)
		}
		return 0, p.errorf(hint, "%q is not a port", s)
	}
	if network == "tls" || isWS(network) {
		network = "tcp"
	}
	n, err := net.LookupPort(network, s)
	if err != nil || n < 0 || n > 65535 {
		return 0, p.errorf("write the port as a number", "unknown service %q", s)
	}
	return uint16(n), nil
}

func isDigits(s string) bool {
	return s != "" && strings.Trim(s, "0123456789") == ""
}

// options reads a query into o, which may have options from the spelling already.
func (p parser) options(o *Options, query string) error {
	if query == "" {
		return nil
	}
	for pair := range strings.SplitSeq(query, "&") {
		key, value, _ := strings.Cut(pair, "=")
		if err := p.option(o, unescape(key), unescape(value)); err != nil {
			return err
		}
	}
	return nil
}

func (p parser) option(o *Options, key, value string) error {
	key = strings.ToLower(key)
	if key == "" {
		return p.errorf("options are key=value, with & between them", "an option has no name")
	}
	if strings.Trim(key, "abcdefghijklmnopqrstuvwxyz0123456789-_.") != "" {
		return p.errorf("options are key=value, with & between them", "%q is not an option's name", key)
	}
	if o.Has(key) {
		return p.errorf("", "option %q is given twice", key)
	}
	o.add(key, value)
	return nil
}
