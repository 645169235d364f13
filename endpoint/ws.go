package endpoint

import (
	"fmt"
	"net/url"
	"slices"
	"strconv"
	"strings"
)

// wsSettings are the options of ws and wss.
type wsSettings struct {
	kind      wsType
	max       int // bytes of a message that is received; 0: defaultWSMax
	protocols []string
	origins   []string // listening: who may; dialing: who we are
	hosts     []string
	auth      string // user:password
	headers   wsFields
}

// defaultWSMax is what a session takes as one message, too.
const defaultWSMax = 1 << 20

func (w wsSettings) limit() int {
	if w.max > 0 {
		return w.max
	}
	return defaultWSMax
}

// A wsField is a header of the user's.
type wsField struct{ name, value string }

type wsFields []wsField

func (f wsFields) has(name string) bool {
	return slices.ContainsFunc(f, func(f wsField) bool { return strings.EqualFold(f.name, name) })
}

// wsPorts are the schemes' own: RFC 6455, section 3.
var wsPorts = map[string]uint16{"ws": 80, "wss": 443}

func isWS(scheme string) bool { return wsPorts[scheme] != 0 }

// check refuses what the options allow each by itself.
func (w wsSettings) check(op string, a Addr) error {
	e := &OptionError{Op: op, Addr: a}
	switch {
	case op == "dial" && len(w.origins) > 1:
		e.Option, e.Value, e.Reason = "origin", a.Options.Get("origin"), "want one site, whose page we seem to be"
	case op == "dial" && slices.Contains(w.origins, "*"):
		e.Option, e.Value, e.Reason = "origin", "*", "want a site, whose page we seem to be"
	case op == "dial" && slices.Contains(w.protocols, "*"):
		e.Option, e.Value, e.Reason = "protocol", "*", "want names to offer"
	case w.auth != "" && w.headers.has("authorization"):
		e.Option, e.Value, e.Reason = "header", "Authorization", "there is a user and a password already"
	case len(w.origins) > 0 && w.headers.has("origin"):
		e.Option, e.Value, e.Reason = "header", "Origin", "there is the option origin already"
	default:
		return nil
	}
	return e
}

// readWSType reads the option type.
func readWSType(s *settings, v string) (want string) {
	kind, ok := map[string]wsType{"auto": wsTypeAuto, "text": wsTypeText, "binary": wsTypeBinary}[strings.ToLower(v)]
	if !ok {
		return "text, binary or auto"
	}
	s.ws.kind = kind
	return ""
}

// readSubprotocols reads the option protocol: RFC 6455, section 11.3.4.
func readSubprotocols(s *settings, v string) (want string) {
	for name := range strings.SplitSeq(v, ",") {
		if !isToken(name) || slices.Contains(s.ws.protocols, name) {
			return "the names of subprotocols with commas between them: chat,mqtt"
		}
		s.ws.protocols = append(s.ws.protocols, name)
	}
	return ""
}

// readOrigins reads the option origin: RFC 6454, section 6.2.
func readOrigins(s *settings, v string) (want string) {
	for o := range strings.SplitSeq(strings.ToLower(v), ",") {
		o = strings.TrimSuffix(o, "/")
		u, err := url.Parse(o)
		if o != "*" && o != "null" && (err != nil || u.Scheme == "" || u.Host == "" || o != u.Scheme+"://"+u.Host) {
			return "sites with commas between them: https://a.example,http://localhost:8080; or *"
		}
		s.ws.origins = append(s.ws.origins, o)
	}
	return ""
}

// readHosts reads the option hosts.
func readHosts(s *settings, v string) (want string) {
	for name := range strings.SplitSeq(v, ",") {
		host, err := parser{input: v}.host(name)
		if err != nil || host == "" {
			return "the names this server has, with commas between them: chat.example,pc7.lan"
		}
		s.ws.hosts = append(s.ws.hosts, host)
	}
	return ""
}

// readAuth reads the option auth: RFC 7617.
func readAuth(s *settings, v string) (want string) {
	if user, _, ok := strings.Cut(v, ":"); !ok || user == "" {
		return "user:password"
	}
	s.ws.auth = v
	return ""
}

// readHeaders reads the option header: one a line.
func readHeaders(s *settings, v string) (want string) {
	for line := range strings.SplitSeq(v, "\n") {
		name, value, ok := strings.Cut(strings.TrimSuffix(line, "\r"), ":")
		value = strings.Trim(value, " \t")
		lower := strings.ToLower(name)
		if !ok || !isToken(name) || strings.ContainsFunc(value, func(r rune) bool { return r < ' ' && r != '\t' || r == 0x7f }) {
			return "Name:value, with %0A before another"
		}
		if strings.HasPrefix(lower, "sec-websocket-") || slices.Contains([]string{"upgrade", "connection", "content-length", "transfer-encoding"}, lower) {
			return "a header that is no part of the handshake; protocol= names subprotocols"
		}
		s.ws.headers = append(s.ws.headers, wsField{name, value})
	}
	return ""
}

// ws reads what comes after ws:// and wss://. A user and a password before the
// host become the option auth, a missing port is the scheme's own.
func (p parser) ws(scheme, rest string) (Addr, error) {
	at, path := rest, ""
	if i := strings.IndexByte(rest, '/'); i >= 0 {
		at, path = rest[:i], rest[i:]
	}
	var a Addr
	if i := strings.LastIndexByte(at, '@'); i >= 0 {
		user, pass, _ := strings.Cut(at[:i], ":")
		user, pass, at = unescape(user), unescape(pass), at[i+1:]
		if user == "" || strings.Contains(user, ":") {
			return Addr{}, p.errorf("write "+scheme+"://user:password@host", "the user has no name that can be sent")
		}
		a.Options.add("auth", user+":"+pass)
	}
	if at != "" && strings.LastIndexByte(at, ':') <= strings.LastIndexByte(at, ']') {
		at += ":" + strconv.Itoa(int(wsPorts[scheme]))
	}
	var err error
	a.Scheme = scheme
	if a.Host, a.Port, err = p.hostPort(scheme, at); err != nil {
		return Addr{}, err
	}
	a.Path, err = p.wsPath(path)
	if err != nil {
		return Addr{}, err
	}
	return a, nil
}

// wsPath reads a URL's path as it is asked for: with what may not stand there
// escaped, and the server's own query behind what was written as %3F.
func (p parser) wsPath(raw string) (string, error) {
	var b strings.Builder
	for i := 0; i < len(raw); i++ {
		c := raw[i]
		switch {
		case c == '#':
			return "", p.errorf("write it as %23 if it belongs to the path", "a WebSocket address has no fragment") // section 3
		case c == '%' && i+2 < len(raw) && unhex(raw[i+1]) >= 0 && unhex(raw[i+2]) >= 0:
			if code := strings.ToUpper(raw[i : i+3]); code == "%3F" {
				b.WriteByte('?')
			} else {
				b.WriteString(code)
			}
			i += 2
		case c == '%':
			b.WriteString("%25")
		case c <= ' ' || c >= 0x7f || strings.IndexByte("\"<>\\^`{|}", c) >= 0:
			fmt.Fprintf(&b, "%%%02X", c)
		default:
			b.WriteByte(c)
		}
	}
	if b.String() == "/" {
		return "", nil // it asks for the same
	}
	return b.String(), nil
}

// redactWS replaces what the options auth and header keep secret.
func (a *Addr) redactWS() {
	if user, _, ok := strings.Cut(a.Options.Get("auth"), ":"); ok {
		a.Options.Set("auth", user+":xxxxx")
	}
	if v := a.Options.Get("header"); v != "" {
		name, _, _ := strings.Cut(v, ":")
		a.Options.Set("header", name+":xxxxx")
	}
}

// wsString is the canonical form of a's place.
func (a Addr) wsString() string {
	return a.Scheme + "://" + joinHostPort(a.Host, a.Port) + strings.ReplaceAll(a.Path, "?", "%3F")
}
