package endpoint

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"strings"
	"time"
)

// defaultPatience bounds what has to be said before a conversation can begin,
// a handshake or a proxy's answer, where no timeout is given.
const defaultPatience = 10 * time.Second

// A proxyURL is a proxy that connects for us.
type proxyURL struct {
	scheme     string // "socks5", "socks4", "socks4a" or "http"
	host       string
	port       uint16
	user, pass string
}

// String leaves the user and the password out.
func (p *proxyURL) String() string { return p.scheme + "://" + joinHostPort(p.host, p.port) }

const wantProxy = "a proxy: socks5://, socks4://, socks4a:// or http://[user:pass@]host:port"

// readProxy reads the option proxy.
func readProxy(s *settings, v string) (want string) {
	s.proxy, want = parseProxy(v)
	return want
}

// parseProxy reads a proxy's URL, or says what it wants instead. User and
// password may be %-escaped; the last @ ends them, so that one in a password
// needs no escape.
func parseProxy(v string) (_ *proxyURL, want string) {
	scheme, rest, ok := strings.Cut(v, "://")
	p := &proxyURL{scheme: strings.ToLower(scheme)}
	switch p.scheme {
	case "socks5h": // curl's word for what we always do: the proxy resolves names
		p.scheme = "socks5"
	case "socks5", "socks4", "socks4a", "http":
	default:
		return nil, wantProxy
	}
	rest = strings.TrimSuffix(rest, "/")
	if i := strings.LastIndexByte(rest, '@'); i >= 0 {
		user, pass, _ := strings.Cut(rest[:i], ":")
		p.user, p.pass, rest = unescape(user), unescape(pass), rest[i+1:]
		switch {
		case p.user == "":
			return nil, "a proxy with a user's name before the password"
		case len(p.user) > 255 || len(p.pass) > 255:
			return nil, "a user and a password of up to 255 bytes each"
		case p.pass != "" && strings.HasPrefix(p.scheme, "socks4"):
			return nil, "a user alone: " + p.scheme + " knows no passwords"
		case p.scheme != "http" && strings.ContainsRune(p.user, 0), p.scheme == "http" && strings.Contains(p.user, ":"):
			return nil, "a user's name the proxy can understand"
		}
	}
	var err error
	p.host, p.port, err = parser{input: v}.hostPort("tcp", rest)
	if !ok || err != nil || p.port == 0 || p.host == "" {
		return nil, wantProxy
	}
	return p, ""
}

// Redacted is a without the passwords that its options may have, proxy's, auth's
// and headers: for logs and people's screens.
func (a Addr) Redacted() Addr {
	if v := a.Options.Get("proxy"); v != "" {
		a.Options.Set("proxy", redactProxy(v))
	}
	a.redactWS()
	return a
}

// redactProxy replaces a password as net/url does.
func redactProxy(v string) string {
	scheme, rest, ok := strings.Cut(v, "://")
	if !ok {
		scheme, rest = "", v
	}
	at := strings.LastIndexByte(rest, '@')
	if at < 0 {
		return v
	}
	user, _, hasPass := strings.Cut(rest[:at], ":")
	if !hasPass {
		return v
	}
	if ok {
		scheme += "://"
	}
	return scheme + user + ":xxxxx" + rest[at:]
}

// dialStream dials a, tcp or what is spoken over it, through the proxy and with
// the PROXY header the options ask for. Without either it is dialTCP.
func (s settings) dialStream(ctx context.Context, a Addr) (net.Conn, error) {
	if s.proxy == nil && s.header == 0 {
		return s.dialTCP(ctx, a)
	}
	ctx, cancel := s.bounded(ctx)
	defer cancel()
	to := a
	if s.proxy != nil {
		to = Addr{Scheme: "tcp", Host: s.proxy.host, Port: s.proxy.port}
	}
	conn, err := s.dialTCP(ctx, to)
	if err != nil {
		return nil, s.unreachable(a, err)
	}
	if err := s.introduce(ctx, conn, a); err != nil {
		conn.Close()
		return nil, opError("dial", a, err)
	}
	return conn, nil
}

// withoutProxies refuses what a network in memory does not have.
func (s settings) withoutProxies(op string, a Addr) error {
	for _, key := range []string{"proxy", "proxyproto"} {
		if a.Options.Has(key) {
			return &OptionError{Op: op, Addr: a, Option: key, Reason: "a network in memory has no proxies"}
		}
	}
	return nil
}

// unreachable says that it was the proxy that could not be reached, if there is one.
func (s settings) unreachable(a Addr, err error) error {
	var oe *OptionError
	if s.proxy == nil || errors.As(err, &oe) {
		return err
	}
	return opError("dial", a, &PeerError{Reason: fmt.Sprintf("the proxy %s cannot be reached: %v", s.proxy, err),
		Hint: "check the proxy's address, and that it runs", Err: err})
}

// introduce says what has to be said on conn before the conversation with a.
func (s settings) introduce(ctx context.Context, conn net.Conn, a Addr) error {
	ctx, cancel := s.patient(ctx)
	defer cancel()
	err := within(ctx, conn, func() error {
		if s.proxy != nil {
			if err := s.proxy.connect(ctx, conn, a); err != nil {
				return err
			}
		}
		if s.header != 0 {
			return s.header.send(conn)
		}
		return nil
	})
	if errors.Is(err, context.DeadlineExceeded) && s.proxy != nil {
		return &PeerError{Reason: fmt.Sprintf("the proxy %s did not answer in time", s.proxy),
			Hint: "is it a proxy of that kind? timeout=DURATION waits longer", Err: os.ErrDeadlineExceeded}
	}
	return err
}

// bounded is ctx with the option timeout, which bounds a whole dial.
func (s settings) bounded(ctx context.Context) (context.Context, context.CancelFunc) {
	if s.timeout > 0 {
		return context.WithTimeout(ctx, s.timeout)
	}
	return context.WithCancel(ctx)
}

// patient is ctx for one exchange with a peer: the option timeout bounds it
// already, or else defaultPatience does.
func (s settings) patient(ctx context.Context) (context.Context, context.CancelFunc) {
	if s.timeout > 0 {
		return context.WithCancel(ctx)
	}
	return context.WithTimeout(ctx, defaultPatience)
}

// patience is how long a listener waits for a handshake.
func (s settings) patience() time.Duration {
	if s.timeout > 0 {
		return s.timeout
	}
	return defaultPatience
}

// past is long gone: a deadline that ends a call at once.
var past = time.Unix(1, 0)

// within calls talk, which reads and writes conn, and ends it with ctx. After
// an error conn is of no more use.
func within(ctx context.Context, conn net.Conn, talk func() error) error {
	stop := context.AfterFunc(ctx, func() { _ = conn.SetDeadline(past) })
	err := talk()
	if !stop() {
		return context.Cause(ctx)
	}
	return err
}
