package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"os"
	"strings"
	"time"

	"sockeye.dev/endpoint"
)

// dial connects to the plan's host at port: to each of its addresses in turn.
func (n *ncProgram) dial(ctx context.Context, port uint16) (net.Conn, error) {
	p := n.plan
	if p.unix || p.proxy != "" || p.tls {
		conn, err := n.dialAt(ctx, p.host, port)
		if err != nil {
			return nil, n.undialed(err, p.host, port)
		}
		return conn, nil
	}
	ips, err := p.lookup(ctx, p.host)
	if err != nil {
		return nil, n.undialed(err, "", port)
	}
	var last error
	for _, ip := range ips {
		conn, err := n.dialAt(ctx, ip.String(), port)
		if err == nil {
			return conn, nil
		}
		if last = n.undialed(err, ip.String(), port); ctx.Err() != nil {
			break
		}
	}
	return nil, last
}

// dialAt dials one address with the options of dialing.
func (n *ncProgram) dialAt(ctx context.Context, host string, port uint16) (net.Conn, error) {
	p := n.plan
	a := p.addr(host, port)
	if p.connectTimeout > 0 {
		a.Options.Set("timeout", p.connectTimeout.String())
	}
	if p.proxy != "" {
		a.Options.Set("proxy", p.proxyURL())
	}
	if err := n.bind(ctx, &a); err != nil {
		return nil, err
	}
	return n.app.network.Dial(ctx, a)
}

// proxyURL is the proxy with its user.
func (p *ncPlan) proxyURL() string {
	kind, at, _ := strings.Cut(p.proxy, "://")
	if !p.d.long { // as nc writes it: addr[:port]
		port := ncatSOCKSPort
		if kind == "http" {
			port = ncatHTTPPort
		}
		if host, portText, err := ncProxyAddress(p, at, port); err == nil {
			at = net.JoinHostPort(host, portText)
		}
	}
	if p.proxyAuth != "" {
		user, pass, ok := strings.Cut(p.proxyAuth, ":")
		escape := strings.NewReplacer("%", "%25", "@", "%40", ":", "%3A")
		if user = escape.Replace(user); ok {
			user += ":" + escape.Replace(pass)
		}
		at = user + "@" + at
	}
	if kind == "socks4" { // it is the proxy that resolves names
		if _, err := netip.ParseAddr(p.host); err != nil {
			kind = "socks4a"
		}
	}
	return kind + "://" + at
}

// bind sets the source address and port.
func (n *ncProgram) bind(ctx context.Context, a *endpoint.Addr) error {
	p := n.plan
	switch {
	case p.unix && p.udp && p.source != "":
		a.Options.Set("bind", p.source)
		return nil
	case p.unix || p.source == "" && p.sourcePort == "":
		return nil
	}
	host := ""
	if p.source != "" {
		ips, err := p.lookup(ctx, p.source)
		if err != nil {
			return err
		}
		if target, err := netip.ParseAddr(a.Host); err == nil && target.Is4() != ips[0].Is4() {
			return errNCSource
		}
		host = ips[0].String()
	}
	port := p.sourcePort
	if port == "" {
		port = "0"
	}
	a.Options.Set("bind", net.JoinHostPort(host, port))
	a.Options.Set("reuseaddr", "on")
	return nil
}

var errNCSource = errors.New("the source address is of another family than the destination")

// undialed says, as the dialect does, that host could not be reached.
func (n *ncProgram) undialed(err error, host string, port uint16) error {
	p := n.plan
	var step *os.SyscallError
	binding := errors.As(err, &step) && step.Syscall == "bind" || err == errNCSource
	var dns *net.DNSError
	switch {
	case p.d.long && binding:
		return p.d.wrong("bind to %s: %s", net.JoinHostPort(p.source, p.sourcePort), ncReason(err))
	case p.d.long:
		return p.d.failure("%s", ncReason(err))
	case binding:
		return p.d.failure("bind failed: %s", ncReason(err))
	case errors.As(err, &dns), err == errNCFamily:
		return p.d.failure("getaddrinfo for host %q port %d: %s", p.host, port, ncReason(err))
	case p.unix:
		return p.d.failure("%s: %s", p.path, ncReason(err))
	case p.proxy != "":
		return p.d.failure("%v", err)
	case p.verbose == 0:
		return &ncError{code: exitFailure}
	}
	fmt.Fprintf(n.app.stderr, "nc: connect to %s port %d (%s) failed: %s\n", p.named(host), port, p.network(), ncReason(err))
	return &ncError{code: exitFailure}
}

// named is the host as it was given, with its address if that is another.
func (p *ncPlan) named(ip string) string {
	if ip == "" || ip == p.host {
		return p.host
	}
	return fmt.Sprintf("%s (%s)", p.host, ip)
}

// probe says that a port is open and leaves it. Over UDP only a refusal tells
// anything, and it takes a moment.
func (n *ncProgram) probe(conn net.Conn, port uint16) error {
	p := n.plan
	defer conn.Close()
	if p.udp {
		wait, say := p.idle, []byte("X")
		if p.d.long {
			say = nil
			if wait == 0 {
				wait = 2 * time.Second
			}
		} else if wait == 0 {
			wait = 200 * time.Millisecond
		}
		if _, err := conn.Write(say); err != nil {
			return n.undialed(err, p.host, port)
		}
		_ = conn.SetReadDeadline(time.Now().Add(wait))
		if _, err := conn.Read(make([]byte, 1)); err != nil && !errors.Is(err, os.ErrDeadlineExceeded) {
			return n.undialed(err, p.host, port)
		}
	}
	n.sayConnected(conn, port)
	if p.d.long && p.verbose > 0 {
		p.say("0 bytes sent, 0 bytes received in %.2f seconds.", time.Since(n.began).Seconds())
	}
	return nil
}
