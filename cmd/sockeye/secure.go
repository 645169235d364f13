package main

import (
	"net"

	"github.com/spf13/cobra"

	"sockeye.dev/endpoint"
)

// secure are the flags of encrypted and mediated connections: options of the
// address, by the same names, which the endpoint reads. (--client-ca is
// clientca there.)
type secure struct {
	values map[string]*string // by option
	on     map[string]*bool
}

// tlsOptions mean something to TLS only.
var tlsOptions = map[string]bool{
	"cert": true, "key": true, "alpn": true, "keylog": true, "ca": true, "pin": true, "sni": true, "clientca": true, "insecure": true,
}

func (s *secure) value(cmd *cobra.Command, flag, option, usage string) {
	if s.values == nil {
		s.values, s.on = make(map[string]*string), make(map[string]*bool)
	}
	s.values[option] = cmd.Flags().String(flag, "", usage)
}

func (s *secure) choice(cmd *cobra.Command, flag, option, usage string) {
	s.on[option] = cmd.Flags().Bool(flag, false, usage)
}

// registerDial adds the flags of commands that dial.
func (s *secure) registerDial(cmd *cobra.Command) {
	s.value(cmd, "ca", "ca", "tls: trust the certificates of a PEM `file` instead of the system's")
	s.value(cmd, "pin", "pin", "tls: trust the certificate with this SHA-256 `fingerprint` and no other")
	s.choice(cmd, "insecure", "insecure", "tls: trust any certificate")
	s.value(cmd, "sni", "sni", "tls: ask for this `name`, and expect it in the certificate (default: the host)")
	s.value(cmd, "alpn", "alpn", "tls: offer these application `protocols`, as h2,http/1.1")
	s.value(cmd, "cert", "cert", "tls: our certificate, from a PEM `file`")
	s.value(cmd, "key", "key", "tls: its key, if that is in another PEM `file`")
	s.value(cmd, "keylog", "keylog", "tls: append the session's secrets to `file`, for Wireshark")
	s.value(cmd, "proxy", "proxy", "connect through `URL`: socks5://[user:pass@]host:port, http://, socks4a://")
}

// registerListen adds the flags of commands that listen.
func (s *secure) registerListen(cmd *cobra.Command) {
	s.value(cmd, "cert", "cert", "tls: certificate and chain, from a PEM `file` (default: a new self-signed one)")
	s.value(cmd, "key", "key", "tls: its key, if that is in another PEM `file`")
	s.value(cmd, "client-ca", "clientca", "tls: demand certificates of clients that one of a PEM `file` has signed")
	s.value(cmd, "alpn", "alpn", "tls: accept these application `protocols`, as h2,http/1.1")
	s.value(cmd, "keylog", "keylog", "tls: append the sessions' secrets to `file`, for Wireshark")
	s.choice(cmd, "proxy-protocol", "proxyproto", "expect the PROXY protocol's header, which says who the client is")
}

// apply sets the options on those of addrs that they are for. One that is for
// none of them is wrong usage.
func (s *secure) apply(a *app, addrs ...*endpoint.Addr) error {
	given := make(map[string]string)
	for option, v := range s.values {
		if *v != "" {
			given[option] = *v
		}
	}
	for option, v := range s.on {
		if *v {
			given[option] = "on"
		}
	}
	if file := a.getenv("SSLKEYLOGFILE"); file != "" && given["keylog"] == "" {
		for _, addr := range addrs {
			if encrypted(addr) && !addr.Options.Has("keylog") {
				addr.Options.Set("keylog", file)
			}
		}
	}
	for option, value := range given {
		used := false
		for _, addr := range addrs {
			if (!tlsOptions[option] || encrypted(addr)) && !addr.Options.Has(option) {
				addr.Options.Set(option, value)
				used = true
			}
		}
		if !used {
			return usage("%s is for tls:// and wss:// addresses", option)
		}
	}
	return nil
}

func encrypted(a *endpoint.Addr) bool { return a.Scheme == "tls" || a.Scheme == "wss" }

// announce says where we listen, and by what a client knows our certificate.
func (a *app) announce(addr endpoint.Addr, ln net.Listener) {
	at := endpoint.AddrOf(addr.Scheme, ln.Addr())
	if addr.Scheme == "ws" || addr.Scheme == "wss" {
		at.Path = addr.Path
	}
	a.note("listening on %v", at)
	if f, ok := ln.(endpoint.Fingerprinter); ok {
		a.note("certificate %s: clients may trust it with --pin", f.Fingerprint())
	}
}
