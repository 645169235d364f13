package main

import (
	"fmt"
	"math"
	"regexp"
	"strconv"
	"strings"
	"time"

	"sockeye.dev/handler"
)

// ncatDialect is Nmap's ncat, 7.93.
func ncatDialect() *ncDialect {
	return &ncDialect{name: "Ncat", long: true, usageCode: 2, setup: ncatSetup,
		misuse:  "Ncat: Try `--help' or man(1) ncat for more information, usage options and help. QUITTING.\n",
		options: append(ncatOptions, ncatLongOptions...)}
}

var ncatOptions = []ncOption{
	{short: '4', long: "4", set: netcatFamily("4")},
	{short: '6', long: "6", set: netcatFamily("6")},
	{short: 'U', long: "unixsock", set: setFlag(func(p *ncPlan) *bool { return &p.unix })},
	{short: 'C', long: "crlf", set: setFlag(func(p *ncPlan) *bool { return &p.crlf })},
	{short: 'c', long: "sh-exec", arg: true, set: ncatExec(handler.Shell)},
	{short: 'e', long: "exec", arg: true, set: ncatExec(ncWords)},
	{short: 'g', long: "g", arg: true, set: setRefused("-g")},
	{short: 'G', long: "G", arg: true, set: func(p *ncPlan, v string) error {
		if n, err := strconv.Atoi(v); err != nil || n < 4 || n > 28 || n%4 != 0 {
			return p.d.wrong("Invalid source-route hop pointer %s", v)
		}
		return p.d.unsupported("-G")
	}},
	{short: 'k', long: "keep-open", set: setFlag(func(p *ncPlan) *bool { return &p.keep })},
	{short: 'm', long: "max-conns", arg: true, set: func(p *ncPlan, v string) error {
		n, err := strconv.Atoi(v)
		if err != nil || n < 1 {
			return p.d.wrong("Invalid number of connections %q", v)
		}
		p.max = n
		return nil
	}},
	{short: 'h', long: "help", set: func(p *ncPlan, _ string) error { return ncatPrints(p, ncatHelp, false) }},
	{short: 'd', long: "delay", arg: true, set: ncatTime("-d delay", func(p *ncPlan) *time.Duration { return &p.lineDelay })},
	{short: 'l', long: "listen", set: setFlag(func(p *ncPlan) *bool { return &p.listen })},
	{short: 'o', long: "output", arg: true, set: setText(func(p *ncPlan) *string { return &p.textDump })},
	{short: 'x', long: "hex-dump", arg: true, set: setText(func(p *ncPlan) *string { return &p.hexDump })},
	{short: 'i', long: "idle-timeout", arg: true, set: ncatTime("-i timeout", func(p *ncPlan) *time.Duration { return &p.idle })},
	{short: 'p', long: "source-port", arg: true, set: func(p *ncPlan, v string) error {
		if n, err := strconv.Atoi(v); err != nil || n < 0 || n > 65535 {
			return p.d.wrong("Invalid source port %s", v)
		}
		p.sourcePort = v
		return nil
	}},
	{short: 's', long: "source", arg: true, set: setText(func(p *ncPlan) *string { return &p.source })},
	{short: 't', long: "telnet", set: setFlag(func(p *ncPlan) *bool { return &p.telnet })},
	{short: 'u', long: "udp", set: setFlag(func(p *ncPlan) *bool { return &p.udp })},
	{short: 'v', long: "verbose", set: func(p *ncPlan, _ string) error { p.verbose++; return nil }},
	{short: 'w', long: "wait", arg: true, set: ncatTime("-w timeout", func(p *ncPlan) *time.Duration { return &p.connectTimeout })},
	{short: 'n', long: "nodns", set: setFlag(func(p *ncPlan) *bool { return &p.noDNS })},
	{short: 'z', set: setFlag(func(p *ncPlan) *bool { return &p.scan })},
}

var ncatLongOptions = []ncOption{
	{long: "sctp", set: setRefused("--sctp")},
	{long: "vsock", set: setRefused("--vsock")},
	{long: "lua-exec", arg: true, set: setRefused("--lua-exec")},
	{long: "nsock-engine", arg: true, set: func(*ncPlan, string) error { return nil }}, // ours is Go's
	{long: "append-output", set: setFlag(func(p *ncPlan) *bool { return &p.appendDump })},
	{long: "recv-only", set: setFlag(func(p *ncPlan) *bool { return &p.recvOnly })},
	{long: "send-only", set: setFlag(func(p *ncPlan) *bool { return &p.sendOnly })},
	{long: "no-shutdown", set: setFlag(func(p *ncPlan) *bool { return &p.noShutdown })},
	{long: "broker", set: ncatBroker(false)},
	{long: "chat", set: ncatBroker(true)},
	{long: "talk", set: ncatBroker(true)},
	{long: "allow", arg: true, set: func(p *ncPlan, v string) error { return p.allow.add(v) }},
	{long: "allowfile", arg: true, set: func(p *ncPlan, v string) error { return p.allow.addFile(v) }},
	{long: "deny", arg: true, set: func(p *ncPlan, v string) error { return p.deny.add(v) }},
	{long: "denyfile", arg: true, set: func(p *ncPlan, v string) error { return p.deny.addFile(v) }},
	{long: "version", set: func(p *ncPlan, _ string) error { return ncatPrints(p, ncatBanner(), true) }},
	{long: "proxy", arg: true, set: ncatOnce("--proxy", func(p *ncPlan) *string { return &p.proxy })},
	{long: "proxy-type", arg: true, set: ncatOnce("--proxy-type", func(p *ncPlan) *string { return &p.proxyType })},
	{long: "proxy-auth", arg: true, set: ncatOnce("--proxy-auth", func(p *ncPlan) *string { return &p.proxyAuth })},
	{long: "proxy-dns", arg: true, set: func(p *ncPlan, v string) error {
		if v != "local" && v != "remote" && v != "both" && v != "none" {
			return p.d.wrong("Invalid proxy DNS type")
		}
		p.proxyDNS = v
		return nil
	}},
	{long: "ssl", set: setFlag(func(p *ncPlan) *bool { return &p.tls })},
	{long: "ssl-cert", arg: true, set: ncatTLS("cert")},
	{long: "ssl-key", arg: true, set: ncatTLS("key")},
	{long: "ssl-verify", set: func(p *ncPlan, _ string) error { p.tls, p.tlsVerify = true, true; return nil }},
	{long: "ssl-trustfile", arg: true, set: func(p *ncPlan, v string) error {
		if p.tlsOptions.Has("ca") {
			return p.d.wrong("The --ssl-trustfile option may be given only once")
		}
		p.tlsVerify = true
		return ncatTLS("ca")(p, v)
	}},
	{long: "ssl-ciphers", arg: true, set: setRefused("--ssl-ciphers")},
	{long: "ssl-servername", arg: true, set: ncatTLS("sni")},
	{long: "ssl-alpn", arg: true, set: ncatTLS("alpn")},
}

func ncatPrints(p *ncPlan, text string, toStderr bool) error {
	p.help, p.helpToStderr = text, toStderr
	return errNCPrint
}

func ncatExec(words func(string) []string) func(*ncPlan, string) error {
	return func(p *ncPlan, v string) error {
		if p.exec != nil {
			return p.d.wrong("Only one of --exec, --sh-exec, and --lua-exec is allowed")
		}
		if !handler.HasExec {
			return p.d.unsupported("Running programs (build with -tags sockeye_exec to have it)")
		}
		if p.exec = words(v); len(p.exec) == 0 {
			return p.d.wrong("There is no command to execute")
		}
		return nil
	}
}

func ncatOnce(name string, field func(*ncPlan) *string) func(*ncPlan, string) error {
	return func(p *ncPlan, v string) error {
		if *field(p) != "" {
			return p.d.wrong("You can't specify more than one %s", name)
		}
		*field(p) = v
		return nil
	}
}

func ncatBroker(chat bool) func(*ncPlan, string) error {
	return func(p *ncPlan, _ string) error {
		p.broker, p.listen = true, true
		p.chat = p.chat || chat
		return nil
	}
}

func ncatTLS(option string) func(*ncPlan, string) error {
	return func(p *ncPlan, v string) error {
		p.tls = true
		p.tlsOptions.Set(option, v)
		return nil
	}
}

var ncatTimeSpec = regexp.MustCompile(`(?i)^(\d+\.?\d*|\.\d+)(ms|s|m|h)?$`)

// ncatTime reads seconds, or a number with its unit: ms, s, m or h.
func ncatTime(what string, field func(*ncPlan) *time.Duration) func(*ncPlan, string) error {
	units := map[string]float64{"ms": 1, "": 1000, "s": 1000, "m": 60_000, "h": 3600_000}
	return func(p *ncPlan, v string) error {
		var ms float64
		var unit string
		if m := ncatTimeSpec.FindStringSubmatch(v); m != nil {
			n, _ := strconv.ParseFloat(m[1], 64)
			unit = strings.ToLower(m[2])
			ms = math.Floor(n * units[unit])
		}
		switch {
		case ms <= 0 || ms > math.MaxInt32:
			return p.d.wrong("Invalid %s %q (must be greater than 0 and less than %ds)", what, v, math.MaxInt32/1000)
		case ms >= 100_000 && unit == "":
			return p.d.wrong("Since April 2010, the default unit for %s is seconds, so your time of %q is %.1f minutes. Use \"%sms\" for %s milliseconds",
				what, v, ms/60_000, v, v)
		}
		*field(p) = time.Duration(ms) * time.Millisecond
		return nil
	}
}

// ncWords splits a command as ncat does, at spaces; quotes and backslashes
// keep them.
func ncWords(line string) (words []string) {
	var word strings.Builder
	in, quote := false, rune(0)
	runes := []rune(line)
	for i := 0; i < len(runes); i++ {
		switch c := runes[i]; {
		case c == '\\' && i+1 < len(runes) && quote != '\'':
			i++
			word.WriteRune(runes[i])
			in = true
		case c == quote:
			quote = 0
		case quote == 0 && (c == '"' || c == '\''):
			quote, in = c, true
		case quote == 0 && c == ' ':
			if in {
				words = append(words, word.String())
			}
			word.Reset()
			in = false
		default:
			word.WriteRune(c)
			in = true
		}
	}
	if in {
		words = append(words, word.String())
	}
	return words
}

// ncatBanner says which ncat this is.
func ncatBanner() string {
	v, _ := buildVersion()
	return fmt.Sprintf("Ncat: Version 7.93 ( as sockeye %s speaks it )\n", v)
}

// environ is a variable that stands for an option that was not given.
func (p *ncPlan) environ(value *string, name string) {
	if *value == "" {
		*value = p.app.getenv(name)
	}
}

const ncatHelp = `sockeye in the dialect of Ncat 7.93
Usage: ncat [options] [hostname] [port]

Times are seconds, or have a unit: 500ms, 2s, 1m, 1h.
  -4, -6                     IPv4 only, IPv6 only
  -U, --unixsock             Unix domain sockets
  -C, --crlf                 Send CRLF for each LF
  -c, --sh-exec <command>    Run a command by /bin/sh for each conversation
  -e, --exec <command>       Run a program for each conversation
  -m, --max-conns <n>        At most <n> conversations at once (default 100)
  -h, --help                 This help
  -d, --delay <time>         Pause before each line sent
  -o, --output <file>        Write what is said to a file
  -x, --hex-dump <file>      Write what is said to a file, in hex
  -i, --idle-timeout <time>  End after so much silence
  -p, --source-port <port>   Source port
  -s, --source <addr>        Source address
  -l, --listen               Listen
  -k, --keep-open            Serve many
  -n, --nodns                Numbers only, no names
  -t, --telnet               Answer Telnet negotiation
  -u, --udp                  UDP
  -v, --verbose              Say what happens
  -w, --wait <time>          Give up connecting
  -z                         Connect only
      --append-output        Append to the files of -o and -x
      --send-only            Ignore what is received; end with the input
      --recv-only            Send nothing
      --no-shutdown          The input's end does not end our side
      --allow, --deny <hosts>          Let only these in; let these not in
      --allowfile, --denyfile <file>   The same, from a file
      --broker               Pass on what each client says to the others
      --chat                 The same, with names
      --proxy <addr[:port]>  Connect through a proxy
      --proxy-type <type>    http, socks4, socks5; with -l, be a proxy: http
      --proxy-auth <auth>    user:password (or NCAT_PROXY_AUTH)
      --proxy-dns <type>     Who resolves the name: local, remote, both, none
      --ssl                  TLS
      --ssl-cert, --ssl-key <file>     Our certificate and its key, PEM
      --ssl-verify           Insist on a certificate that can be trusted
      --ssl-trustfile <file> Whom to trust
      --ssl-servername <name>, --ssl-alpn <list>
      --version              Print the version
Not supported here: --sctp, --vsock, --lua-exec, -g, -G, --ssl-ciphers, DTLS
`
