package main

import (
	"context"
	"net"
	"net/netip"
	"strconv"
	"strings"
)

// ncat's default ports.
const (
	ncatPort      = 31337
	ncatHTTPPort  = 3128
	ncatSOCKSPort = 1080
)

// ncatSetup settles what the options and operands mean together.
func ncatSetup(p *ncPlan, operands []string) error {
	p.shutdown = !p.noShutdown
	p.wait = 0 // Stdio's default: a second
	if p.listen || p.recvOnly {
		p.wait = forever
	}
	for _, check := range []func() error{p.ncatUnix, p.ncatProxy, p.ncatScan, p.ncatTLS,
		func() error { return p.ncatOperands(operands) }, p.ncatMode, p.ncatResolve} {
		if err := check(); err != nil {
			return err
		}
	}
	if p.max == 0 {
		p.max = 100
	}
	for _, hosts := range []*ncHosts{&p.allow, &p.deny} {
		if err := hosts.resolve(p); err != nil {
			return err
		}
	}
	return nil
}

func (p *ncPlan) ncatUnix() error {
	switch {
	case !p.unix:
		return nil
	case p.proxy != "" || p.proxyType != "":
		return p.d.wrong("Proxy option not supported when using Unix domain sockets")
	case p.tls:
		return p.d.wrong("SSL option not supported when using Unix domain sockets")
	case p.broker:
		return p.d.wrong("Connection brokering not supported when using Unix domain sockets")
	case p.sourcePort != "":
		return p.d.wrong("Specifying source port when using Unix domain sockets doesn't make sense")
	}
	return nil
}

// ncatProxy makes a URL of --proxy and --proxy-type.
func (p *ncPlan) ncatProxy() error {
	kind := p.proxyType
	if n, ok := map[string]string{"": "http", "4": "socks4", "5": "socks5"}[kind]; ok {
		kind = n
	}
	port := map[string]int{"http": ncatHTTPPort, "socks4": ncatSOCKSPort, "socks5": ncatSOCKSPort}[kind]
	switch {
	case p.proxy != "" && port == 0:
		return p.d.wrong("Invalid proxy type %q", p.proxyType)
	case p.proxy == "" && p.proxyType != "" && !p.listen:
		return p.d.wrong("Proxy type (--proxy-type) specified without proxy address (--proxy)")
	case p.proxy == "" && p.proxyType != "" && kind != "http":
		return p.d.wrong("Invalid proxy type %q", p.proxyType)
	case p.proxyType != "" && p.listen && p.telnet:
		return p.d.wrong("Invalid option combination: --telnet has no effect with --proxy-type")
	}
	if p.proxy != "" || p.proxyType != "" {
		p.environ(&p.proxyAuth, "NCAT_PROXY_AUTH")
	}
	p.proxyServer = p.proxy == "" && p.proxyType != ""
	if p.proxy == "" {
		return nil
	}
	host, portText, err := ncProxyAddress(p, p.proxy, port)
	if err != nil {
		return err
	}
	if p.listen {
		return p.d.wrong("Invalid option combination: --proxy and -l")
	}
	p.proxy = kind + "://" + net.JoinHostPort(host, portText)
	return nil
}

// ncProxyAddress reads host[:port], an IPv6 address in brackets.
func ncProxyAddress(p *ncPlan, s string, port int) (host, portText string, err error) {
	host, portText = s, strconv.Itoa(port)
	rest := ""
	if strings.HasPrefix(s, "[") {
		var ok bool
		if host, rest, ok = strings.Cut(s[1:], "]"); !ok {
			return "", "", p.d.wrong("Invalid proxy IPv6 address %q", s)
		}
	} else if strings.Count(s, ":") == 1 {
		host, rest, _ = strings.Cut(s, ":")
		rest = ":" + rest
	}
	if rest != "" {
		portText = rest[1:]
		if n, err := strconv.Atoi(portText); err != nil || n < 1 || n > 65535 {
			return "", "", p.d.wrong("Invalid proxy port number %q", portText)
		}
	}
	return host, portText, nil
}

func (p *ncPlan) ncatScan() error {
	switch {
	case !p.scan:
		return nil
	case p.listen:
		return p.d.wrong("Services designed for LISTENING can't be used with -z")
	case p.telnet:
		return p.d.wrong("Invalid option combination: -z and -t")
	case p.exec != nil:
		return p.d.wrong("Command execution can't be done along with option -z")
	}
	return nil
}

func (p *ncPlan) ncatTLS() error {
	switch {
	case !p.tls:
		return nil
	case p.udp:
		return p.d.unsupported("--ssl with --udp (DTLS)")
	case p.tlsOptions.Has("cert") != p.tlsOptions.Has("key"):
		return p.d.wrong("The --ssl-key and --ssl-cert options must be used together")
	}
	for _, key := range []string{"cert", "key", "ca"} {
		if name := p.tlsOptions.Get(key); name != "" {
			if _, err := ncReadFile(p.d, name); err != nil {
				return err
			}
		}
	}
	if p.listen { // which only a dialer does
		p.tlsOptions.Take("ca")
		p.tlsOptions.Take("sni")
	} else if !p.tlsVerify {
		p.tlsOptions.Set("insecure", "on")
		p.tlsOptions.Take("ca")
	}
	return nil
}

// ncatOperands reads the host, which is what is not all digits, and the port.
func (p *ncPlan) ncatOperands(operands []string) error {
	port := ncatPort
	if p.proxyServer {
		port = ncatHTTPPort
	}
	switch {
	case p.listen && p.source != "":
		return p.d.wrong("-l and -s are incompatible.  Specify the address and port to bind to like you would a host to connect to")
	case p.unix && len(operands) == 0:
		return p.d.wrong("You have to specify a path to a socket to connect to or to listen on")
	case p.unix && len(operands) > 1:
		return p.d.wrong("Using Unix domain sockets and specifying port doesn't make sense")
	case p.unix:
		p.path = operands[0]
		return nil
	case len(operands) > 0 && strings.Trim(operands[0], "0123456789") != "":
		p.host, operands = operands[0], operands[1:]
	case !p.listen:
		return p.d.wrong("You must specify a host to connect to")
	}
	if p.listen && p.sourcePort != "" {
		operands = append([]string{p.sourcePort}, operands...)
		p.sourcePort = ""
	}
	switch len(operands) {
	case 0:
	case 1:
		n, err := strconv.Atoi(operands[0])
		if err != nil || n < 0 || n > 65535 {
			return p.d.wrong("Invalid port number %q", operands[0])
		}
		port = n
	default:
		return p.d.wrong("Got more than one port specification: %s", strings.Join(operands, " "))
	}
	p.ports = []uint16{uint16(port)}
	return nil
}

// ncatMode refuses what the mode cannot do.
func (p *ncPlan) ncatMode() error {
	switch {
	case p.udp && p.listen && p.keep && p.exec == nil:
		return p.d.wrong("UDP mode does not support the -k or --keep-open options, except with --exec or --sh-exec")
	case p.udp && p.broker:
		return p.d.wrong("UDP mode does not support connection brokering")
	case p.broker && p.exec != nil:
		return p.d.wrong("Invalid option combination: --broker and -e")
	case p.listen:
		p.idleCode = 2 // as any end of its listener but the network's
		if p.max > 0 && !p.keep && !p.broker {
			p.say("Warning: Maximum connections ignored, since it does not take effect without -k or --broker.")
		}
		return nil
	case p.allow.given || p.deny.given:
		return p.d.wrong("Invalid option combination: allow/deny with connect")
	case p.max > 0:
		return p.d.wrong("Invalid option combination: `--max-conns' with connect")
	case p.keep:
		return p.d.wrong("Invalid option combination: `--keep-open' with connect")
	}
	return nil
}

// ncatResolve finds out whether names can be resolved, which is no network
// error.
func (p *ncPlan) ncatResolve() error {
	if p.source != "" && !p.unix {
		if _, err := p.lookup(context.Background(), p.source); err != nil {
			return p.d.wrong("Could not resolve source address %q: %s", p.source, ncReason(err))
		}
	}
	if p.host == "" || p.unix {
		return nil
	}
	if p.proxy != "" {
		return p.resolveForProxy()
	}
	if _, err := p.lookup(context.Background(), p.host); err != nil {
		return p.d.wrong("Could not resolve hostname %q: %s", p.host, ncReason(err))
	}
	return nil
}

// resolveForProxy does what --proxy-dns wants done here.
func (p *ncPlan) resolveForProxy() error {
	_, numeric := netip.ParseAddr(p.host)
	if numeric == nil || p.proxyDNS == "" || p.proxyDNS == "remote" {
		return nil
	}
	if p.proxyDNS != "none" {
		if ips, err := p.lookup(context.Background(), p.host); err == nil {
			p.host = ips[0].String()
			return nil
		} else if p.proxyDNS == "both" {
			return nil
		}
	}
	return p.d.failure("Failed to resolve host %s locally", p.host)
}
