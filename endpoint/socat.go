package endpoint

import (
	"fmt"
	"strings"
)

// A socatKeyword is one of socat's address types, as ours.
type socatKeyword struct {
	scheme   string // ours
	ip       string // "4", "6" or either
	listen   bool   // tcp and udp: only a port follows
	abstract bool
}

var socatKeywords = map[string]socatKeyword{
	"tcp": {scheme: "tcp"}, "tcp4": {scheme: "tcp", ip: "4"}, "tcp6": {scheme: "tcp", ip: "6"},
	"tcp-connect": {scheme: "tcp"}, "tcp4-connect": {scheme: "tcp", ip: "4"}, "tcp6-connect": {scheme: "tcp", ip: "6"},
	"tcp-listen": {scheme: "tcp", listen: true}, "tcp4-listen": {scheme: "tcp", ip: "4", listen: true},
	"tcp6-listen": {scheme: "tcp", ip: "6", listen: true}, "tcp-l": {scheme: "tcp", listen: true},
	"tcp4-l": {scheme: "tcp", ip: "4", listen: true}, "tcp6-l": {scheme: "tcp", ip: "6", listen: true},

	"udp": {scheme: "udp"}, "udp4": {scheme: "udp", ip: "4"}, "udp6": {scheme: "udp", ip: "6"},
	"udp-connect": {scheme: "udp"}, "udp4-connect": {scheme: "udp", ip: "4"}, "udp6-connect": {scheme: "udp", ip: "6"},
	"udp-sendto": {scheme: "udp"}, "udp4-sendto": {scheme: "udp", ip: "4"}, "udp6-sendto": {scheme: "udp", ip: "6"},
	"udp-listen": {scheme: "udp", listen: true}, "udp4-listen": {scheme: "udp", ip: "4", listen: true},
	"udp6-listen": {scheme: "udp", ip: "6", listen: true}, "udp-l": {scheme: "udp", listen: true},
	"udp4-l": {scheme: "udp", ip: "4", listen: true}, "udp6-l": {scheme: "udp", ip: "6", listen: true},

	"openssl": {scheme: "tls"}, "openssl-connect": {scheme: "tls"}, "ssl": {scheme: "tls"}, "ssl-connect": {scheme: "tls"},
	"openssl-listen": {scheme: "tls", listen: true}, "openssl-l": {scheme: "tls", listen: true},
	"ssl-listen": {scheme: "tls", listen: true}, "ssl-l": {scheme: "tls", listen: true},

	"unix-connect": {scheme: "unix"}, "unix-client": {scheme: "unix"},
	"unix-listen": {scheme: "unix", listen: true}, "unix-l": {scheme: "unix", listen: true},
	"abstract-connect": {scheme: "unix", abstract: true}, "abstract-client": {scheme: "unix", abstract: true},
	"abstract-listen": {scheme: "unix", abstract: true, listen: true}, "abstract-l": {scheme: "unix", abstract: true, listen: true},

	"udp-datagram": {scheme: "udp"}, "udp4-datagram": {scheme: "udp", ip: "4"}, "udp6-datagram": {scheme: "udp", ip: "6"},
	"udp-recv": {scheme: "udp", listen: true}, "udp4-recv": {scheme: "udp", ip: "4", listen: true},
	"udp6-recv": {scheme: "udp", ip: "6", listen: true}, "udp-recvfrom": {scheme: "udp", listen: true},
	"udp4-recvfrom": {scheme: "udp", ip: "4", listen: true}, "udp6-recvfrom": {scheme: "udp", ip: "6", listen: true},

	"unix-sendto": {scheme: "unixgram"}, "unix-recv": {scheme: "unixgram", listen: true},
	"unix-recvfrom":   {scheme: "unixgram", listen: true},
	"abstract-sendto": {scheme: "unixgram", abstract: true}, "abstract-recv": {scheme: "unixgram", abstract: true, listen: true},
	"abstract-recvfrom": {scheme: "unixgram", abstract: true, listen: true},
}

// socatElsewhere are keywords of socat's that are no socket addresses, or mean
// something this package does otherwise.
var socatElsewhere = map[string]bool{
	"exec": true, "system": true, "shell": true, "stdio": true, "stdin": true, "stdout": true, "stderr": true,
	"open": true, "gopen": true, "create": true, "file": true, "fd": true, "pty": true, "pipe": true, "readline": true,
	"openssl-dtls-connect": true, "openssl-dtls-listen": true, "dtls": true, "dtls-l": true,
	"socks4": true, "socks4a": true, "proxy": true,
	"proxy-connect": true, "socketpair": true, "sctp": true, "vsock": true, "vsock-connect": true, "vsock-listen": true,
	"tun": true, "ip-sendto": true, "interface": true,
}

func (p parser) isSocat(keyword string) bool {
	_, ok := socatKeywords[keyword]
	return ok
}

// socat reads what follows a keyword of socat's.
func (p parser) socat(keyword, rest string) (Addr, error) {
	kw := socatKeywords[keyword]
	parts := splitEscaped(rest, ',')
	where := parts[0]
	var a Addr
	var err error
	switch {
	case kw.scheme == "unix" || kw.scheme == "unixgram":
		if kw.abstract && where != "" {
			where = "@" + where
		}
		a, err = p.path(kw.scheme, where)
	case kw.listen && !strings.Contains(where, ":"):
		a.Scheme = kw.scheme
		a.Port, err = p.port(kw.scheme, "", where)
	case !kw.listen && !strings.Contains(where, ":"):
		err = p.errorf(fmt.Sprintf("write %s:host:port, or %s://:%s", keyword, kw.scheme, where), "missing port")
	default:
		a.Scheme = kw.scheme
		a.Host, a.Port, err = p.hostPort(kw.scheme, where)
	}
	if err != nil {
		return Addr{}, err
	}
	if kw.ip != "" {
		a.Options.add("ip", kw.ip)
	}
	opts := parts[1:]
	if kw.scheme == "tls" {
		opts = socatTLS(kw.listen, opts)
	}
	for _, opt := range opts {
		key, value, hasValue := strings.Cut(opt, "=")
		if err := p.socatOption(&a, kw, strings.ToLower(key), value, hasValue); err != nil {
			return Addr{}, err
		}
	}
	return a, nil
}

// socatSame are socat's options that are ours under another name.
var socatSame = map[string]string{
	"tcp-nodelay": "nodelay", "so-keepalive": "keepalive", "so-reuseaddr": "reuseaddr", "so-reuseport": "reuseport",
	"so-rcvbuf": "rcvbuf", "so-sndbuf": "sndbuf", "connect-timeout": "timeout",
	"so-broadcast": "broadcast", "ip-multicast-if": "iface", "ip-multicast-ttl": "ttl", "ip-multicast-loop": "loop",
	"multicast-if": "iface", "multicast-ttl": "ttl", "multicast-loop": "loop", "ipv6-multicast-hops": "ttl",
	"add-membership": "ip-add-membership", "membership": "ip-add-membership",
	"join-group": "ip-add-membership", "ipv6-add-membership": "ip-add-membership", "ipv6-join-group": "ip-add-membership",
	"if": "iface", "interface": "iface", "so-bindtodevice": "iface", "bindtodevice": "iface",
}

// socatRefused are socat's options that would be misunderstood, with what to do.
var socatRefused = map[string]string{
	"crnl": "use frame=crlf", "crlf": "use frame=crlf", "cr": "use frame=delim:hex:0d",
	"unlink": "a stale socket file is removed by itself", "unlink-early": "a stale socket file is removed by itself",
	"unlink-close": "the socket file is always removed at the end",
	"ipv6only":     "use ip=6", "ipv6-v6only": "use ip=6",
	"keepidle": "use keepalive=DURATION", "keepintvl": "use keepalive=DURATION", "keepcnt": "use keepalive=DURATION",
	"readbytes": "use frame=fixed:N", "null-eof": "use idle=DURATION", "range": "allow and deny belong to the firewall",
	"cipher": "minver=1.0 allows old ones", "ciphers": "minver=1.0 allows old ones", "method": "use minver=1.2",
	"capath": "use ca=FILE", "compress": "TLS does not compress any more", "dhparams": "keys are agreed on over curves",
	"tcpwrap": "allow and deny belong to the firewall", "lowport": "use bind=:PORT",
	"retry": "retrying belongs to the command", "forever": "retrying belongs to the command",
	"max-children": "limiting conversations belongs to the command",
}

func (p parser) socatOption(a *Addr, kw socatKeyword, key, value string, hasValue bool) error {
	if same, ok := socatSame[key]; ok {
		key = same
	}
	switch key {
	case "":
		return nil // "a,,b": socat ignores it too
	case "fork":
		return nil // our listeners always go on accepting
	case "nodelay", "reuseaddr", "reuseport", "keepalive", "broadcast", "loop":
		value = socatBool(value, hasValue)
	case "bind":
		if kw.listen && kw.scheme != "unix" && kw.scheme != "unixgram" {
			// For a listener it is the address to listen on, which we write in front.
			host, err := p.host(strings.Trim(value, "[]"))
			if strings.HasPrefix(value, "[") {
				host, err = p.ipv6(strings.Trim(value, "[]"))
			}
			a.Host = host
			return err
		}
	case "ip-add-membership":
		return p.membership(a, kw, value)
	case "sourceport", "sp":
		key, value = "bind", ":"+value
	case "pf", "protocol-family":
		ip := map[string]string{"ip4": "4", "ipv4": "4", "inet": "4", "ip6": "6", "ipv6": "6", "inet6": "6"}[strings.ToLower(value)]
		if ip == "" {
			return p.errorf("use pf=ip4 or pf=ip6", "option %q has no meaning here", key+"="+value)
		}
		if a.Options.Get("ip") == ip {
			return nil // TCP4:...,pf=ip4
		}
		key, value = "ip", ip
	}
	if hint, ok := socatRefused[key]; ok {
		return p.errorf(hint, "socat's option %q has no equal here", key)
	}
	return p.option(&a.Options, key, value)
}

// membership reads group:interface, which for us is the address listened on
// and the option iface.
func (p parser) membership(a *Addr, kw socatKeyword, value string) error {
	i := strings.LastIndexByte(value, ':')
	if !kw.listen || a.Host != "" || i < 0 {
		return p.errorf("listen at udp://group:port?iface=eth0", "a group is joined by listening at its address")
	}
	group := value[:i]
	var err error
	if strings.HasPrefix(group, "[") {
		a.Host, err = p.ipv6(strings.Trim(group, "[]"))
	} else {
		a.Host, err = p.host(group)
	}
	if err != nil {
		return err
	}
	return p.option(&a.Options, "iface", value[i+1:])
}

// socatBool translates socat's "opt", "opt=1" and "opt=0".
func socatBool(value string, hasValue bool) string {
	switch {
	case !hasValue || value == "1":
		return "on"
	case value == "0":
		return "off"
	}
	return value
}

// splitEscaped cuts s at sep, which a backslash protects.
func splitEscaped(s string, sep byte) []string {
	var parts []string
	var cur []byte
	for i := 0; i < len(s); i++ {
		switch {
		case s[i] == '\\' && i+1 < len(s) && (s[i+1] == sep || s[i+1] == '\\'):
			i++
			cur = append(cur, s[i])
		case s[i] == sep:
			parts, cur = append(parts, string(cur)), nil
		default:
			cur = append(cur, s[i])
		}
	}
	return append(parts, string(cur))
}
