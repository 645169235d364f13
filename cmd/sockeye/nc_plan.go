package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"strings"
	"syscall"
	"time"
	"unicode"
	"unicode/utf8"

	"sockeye.dev/endpoint"
)

// An ncPlan is what a netcat was asked to do, whichever dialect it was said in.
type ncPlan struct {
	d   *ncDialect
	app *app

	help         string // to be printed instead
	helpToStderr bool

	listen, keep, udp, unix, scan bool
	noDNS                         bool
	verbose                       int
	family                        string // "4", "6" or either
	host                          string // "": none was given
	ports                         []uint16
	random                        bool // ports in any order
	path                          string
	source                        string
	sourcePort                    string

	connectTimeout time.Duration // 0: the system's
	idle           time.Duration // 0: never
	idleCode       int           // the exit code of an idle end
	quit           time.Duration // after the input's end; negative: not
	lineDelay      time.Duration

	shutdown           bool          // the input's end ends our side
	noShutdown         bool          // --no-shutdown
	wait               time.Duration // for datagrams after the input's end
	noInput            bool
	sendOnly, recvOnly bool
	recvLimit          int // so many datagrams; 0: any number
	crlf, telnet       bool

	exec         []string
	max          int // conversations at once; 0: any number
	allow, deny  ncHosts
	broker, chat bool

	textDump, hexDump string // files
	appendDump        bool

	tls, tlsVerify bool
	tlsOptions     endpoint.Options
	proxy          string // scheme://host:port
	proxyType      string // as it was said
	proxyAuth      string
	proxyDNS       string // local, both, none; else the proxy resolves
	proxyServer    bool

	socketOptions endpoint.Options // rcvbuf, sndbuf
	ttl, tos      int              // -1: the system's
}

// forever is longer than any conversation.
const forever = 100 * 365 * 24 * time.Hour

func newNCPlan(d *ncDialect, a *app) *ncPlan {
	return &ncPlan{d: d, app: a, quit: -1, wait: forever, ttl: -1, tos: -1, idleCode: exitFailure}
}

// datagrams reports whether there is no stream.
func (p *ncPlan) datagrams() bool { return p.udp }

func (p *ncPlan) scheme() string {
	switch {
	case p.unix && p.udp:
		return "unixgram"
	case p.unix:
		return "unix"
	case p.udp:
		return "udp"
	case p.tls:
		return "tls"
	}
	return "tcp"
}

// addr is where to dial or listen, without the options of either.
func (p *ncPlan) addr(host string, port uint16) endpoint.Addr {
	a := endpoint.Addr{Scheme: p.scheme()}
	if p.unix {
		a.Path = p.path
		return a
	}
	a.Host, a.Port = host, port
	if p.family != "" {
		a.Options.Set("ip", p.family)
	}
	for key, value := range p.socketOptions.All() {
		a.Options.Set(key, value)
	}
	if p.tls {
		for key, value := range p.tlsOptions.All() {
			a.Options.Set(key, value)
		}
	}
	return a
}

// say tells a person something that is no error.
func (p *ncPlan) say(format string, args ...any) {
	if text := fmt.Sprintf(format, args...); p.d.long {
		fmt.Fprintf(p.app.stderr, "%s: %s\n", p.d.name, text)
	} else {
		fmt.Fprintln(p.app.stderr, text)
	}
}

// lookup resolves a host, in the family asked for and without names if so told.
func (p *ncPlan) lookup(ctx context.Context, host string) ([]netip.Addr, error) {
	unknown := &net.DNSError{Err: "no such host", Name: host, IsNotFound: true}
	ip, err := netip.ParseAddr(host)
	switch {
	case err == nil && (p.family == "4" && !ip.Unmap().Is4() || p.family == "6" && ip.Is4()):
		return nil, errNCFamily
	case err == nil:
		return []netip.Addr{ip}, nil
	case p.noDNS:
		return nil, unknown
	}
	ips, err := net.DefaultResolver.LookupNetIP(ctx, "ip"+p.family, host)
	if err != nil {
		return nil, err
	}
	for i, ip := range ips {
		ips[i] = ip.Unmap()
	}
	return ips, nil
}

var errNCFamily = errors.New("address family for hostname not supported")

// setFlag returns a setter for a choice.
func setFlag(field func(*ncPlan) *bool) func(*ncPlan, string) error {
	return func(p *ncPlan, _ string) error { *field(p) = true; return nil }
}

// setText returns a setter for a text.
func setText(field func(*ncPlan) *string) func(*ncPlan, string) error {
	return func(p *ncPlan, v string) error { *field(p) = v; return nil }
}

// setRefused returns a setter for an option that is not supported.
func setRefused(what string) func(*ncPlan, string) error {
	return func(p *ncPlan, _ string) error { return p.d.unsupported(what) }
}

// ncReason is why err came about, in the system's words if they are its.
func ncReason(err error) string {
	var errno syscall.Errno
	var dns *net.DNSError
	var late interface{ Timeout() bool }
	switch {
	case errors.As(err, &dns):
		return "Name or service not known"
	case err == errNCFamily:
		return sentenceCase(err.Error())
	case strings.Contains(err.Error(), "not everything"):
	case errors.As(err, &errno):
		return sentenceCase(errno.Error())
	case errors.As(err, &late) && late.Timeout():
		return "Connection timed out"
	}
	return err.Error()
}

func sentenceCase(s string) string {
	r, n := utf8.DecodeRuneInString(s)
	return string(unicode.ToUpper(r)) + s[n:]
}
