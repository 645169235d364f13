package main

import (
	"bufio"
	"context"
	"fmt"
	"net"
	"os"
	"strconv"
	"strings"
	"time"
)

// sayConnected tells of a connection we have made.
func (n *ncProgram) sayConnected(conn net.Conn, port uint16) {
	p := n.plan
	switch {
	case p.verbose == 0:
	case p.unix && p.d.long:
		p.say("Connected to %s.", p.path)
	case p.unix:
		p.say("Connection to %s succeeded!", p.path)
	case p.proxy != "" && p.d.long:
		p.say("Connected to %s through a proxy.", net.JoinHostPort(p.host, strconv.Itoa(int(port))))
	case p.tls:
		p.say("SSL connection to %s:%d.", ncHost(conn.RemoteAddr()), port)
	case p.d.long:
		p.say("Connected to %s:%d.", ncHost(conn.RemoteAddr()), port)
	default:
		host := p.host
		if p.proxy == "" {
			host = p.named(ncHost(conn.RemoteAddr()))
		}
		p.say("Connection to %s %d port [%s/%s] succeeded!", host, port, p.network(), p.service(port))
	}
}

// sayListening tells where we listen.
func (n *ncProgram) sayListening(at net.Addr) {
	p := n.plan
	host, port, err := net.SplitHostPort(at.String())
	switch {
	case p.verbose == 0:
	case err != nil && p.d.long:
		p.say("Listening on %s", at)
	case err != nil:
		p.say("Bound on %s\nListening on %s", at, at)
	case p.d.long && p.host == "" && p.family == "":
		p.say("Listening on :::%s", port)
		p.say("Listening on 0.0.0.0:%s", port)
	case p.d.long:
		p.say("Listening on %s:%s", host, port)
	case p.udp:
		p.say("Bound on %s %s", p.called(host), port)
	default:
		p.say("Listening on %s %s", p.called(host), port)
	}
}

// sayAccepted tells who has come.
func (n *ncProgram) sayAccepted(conn net.Conn, id int) {
	p := n.plan
	host, port, err := net.SplitHostPort(conn.RemoteAddr().String())
	switch {
	case p.verbose == 0:
	case p.d.long && err != nil:
		p.say("Connection from a client on Unix domain socket.")
	case p.d.long:
		if p.chat {
			p.say("Connection from %s on file descriptor %d.", host, id)
		} else {
			p.say("Connection from %s.", host)
		}
		p.say("Connection from %s:%s.", host, port)
	case err != nil:
		p.say("Connection received on %s", p.path)
	default:
		p.say("Connection received on %s %s", p.called(host), port)
	}
}

func ncHost(a net.Addr) string {
	host, _, err := net.SplitHostPort(a.String())
	if err != nil {
		return a.String()
	}
	return host
}

// called is the name of an address, if it has one and names are wanted.
func (p *ncPlan) called(ip string) string {
	if p.noDNS || ip == "0.0.0.0" || ip == "::" {
		return ip
	}
	ctx, cancel := context.WithTimeout(context.Background(), time.Second)
	defer cancel()
	names, err := net.DefaultResolver.LookupAddr(ctx, ip)
	if err != nil || len(names) == 0 {
		return ip
	}
	return strings.TrimSuffix(names[0], ".")
}

// service is the name of a port, "*" for one that has none.
func (p *ncPlan) service(port uint16) string {
	file, err := os.Open("/etc/services")
	if err != nil || p.noDNS {
		return "*"
	}
	defer file.Close()
	want := fmt.Sprintf("%d/%s", port, p.network())
	for lines := bufio.NewScanner(file); lines.Scan(); {
		line, _, _ := strings.Cut(lines.Text(), "#")
		if f := strings.Fields(line); len(f) > 1 && f[1] == want {
			return f[0]
		}
	}
	return "*"
}
