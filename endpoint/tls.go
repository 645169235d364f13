package endpoint

import (
	"context"
	"crypto/tls"
	"net"
	"os"
	"strings"
	"sync/atomic"
)

// tlsSettings are the options of tls.
type tlsSettings struct {
	cert, key, ca string // files; ca is clientca when listening
	keylog        string // a file
	pin           string // as Fingerprint writes it
	sni           string
	insecure      choice
	closeNotify   choice
	alpn          []string
	minVersion    uint16 // 0: crypto/tls's
}

func readFile(field func(*settings) *string) func(*settings, string) string {
	return func(s *settings, v string) string {
		if v == "" {
			return "a file"
		}
		*field(s) = v
		return ""
	}
}

// readServerName reads the option sni.
func readServerName(s *settings, v string) (want string) {
	host, err := parser{input: v}.host(v)
	if err != nil || host == "" {
		return "a host's name"
	}
	s.secure.sni = host
	return ""
}

// readProtocols reads the option alpn: RFC 7301's names, of up to 255 bytes.
func readProtocols(s *settings, v string) (want string) {
	s.secure.alpn = strings.Split(v, ",")
	for _, name := range s.secure.alpn {
		if name == "" || len(name) > 255 {
			return "the names of protocols with commas between them: h2,http/1.1"
		}
	}
	return ""
}

// readVersion reads the option minver.
func readVersion(s *settings, v string) (want string) {
	v = strings.TrimPrefix(strings.TrimPrefix(strings.ToLower(v), "tls"), "v")
	version, ok := map[string]uint16{"1": tls.VersionTLS10, "1.0": tls.VersionTLS10, "1.1": tls.VersionTLS11,
		"1.2": tls.VersionTLS12, "1.3": tls.VersionTLS13}[v]
	if !ok {
		return "1.0, 1.1, 1.2 or 1.3"
	}
	s.secure.minVersion = version
	return ""
}

// dialTLS connects with dial, for a, and shakes hands.
func (s settings) dialTLS(ctx context.Context, a Addr, dial func(context.Context, Addr) (net.Conn, error)) (net.Conn, error) {
	cfg, err := s.secure.client(a)
	if err != nil {
		return nil, err
	}
	keylog, err := s.secure.openKeyLog("dial", a, cfg)
	if err != nil {
		return nil, err
	}
	defer keylog.Close()
	ctx, cancel := s.bounded(ctx)
	defer cancel()
	socket, err := dial(ctx, a)
	if err != nil {
		return nil, err
	}
	ctx, cancel = s.patient(ctx)
	defer cancel()
	conn := newTLSConn(socket, cfg, true, s.secure.closeNotify == on)
	if err := conn.HandshakeContext(ctx); err != nil {
		socket.Close()
		return nil, opError("dial", a, handshakeReason(ctx, err, cfg.ServerName, true))
	}
	if len(cfg.NextProtos) > 0 && conn.ConnectionState().NegotiatedProtocol == "" {
		conn.Close()
		return nil, opError("dial", a, &PeerError{Reason: "the server agreed to none of the protocols " + strings.Join(cfg.NextProtos, ", "),
			Hint: "leave alpn out, or name one it speaks"})
	}
	return conn, nil
}

// client is how to shake hands with a.
func (t tlsSettings) client(a Addr) (*tls.Config, error) {
	cfg := &tls.Config{ServerName: t.sni, NextProtos: t.alpn, MinVersion: t.minVersion}
	if cfg.ServerName == "" {
		cfg.ServerName, _, _ = strings.Cut(a.Host, "%") // a zone is no part of a name
	}
	if cfg.ServerName == "" {
		cfg.ServerName = "localhost"
	}
	if t.ca != "" {
		pool, err := readPool(t.ca)
		if err != nil {
			return nil, fileError("dial", a, "ca", t.ca, err)
		}
		cfg.RootCAs = pool
	}
	if t.pin != "" {
		cfg.VerifyConnection = func(cs tls.ConnectionState) error {
			if got := Fingerprint(cs.PeerCertificates[0].Raw); got != t.pin {
				return &pinError{got: got, want: t.pin}
			}
			return nil
		}
	}
	// A pin alone suffices, as with ssh: it says more than any authority.
	cfg.InsecureSkipVerify = t.insecure == on || t.pin != "" && t.ca == ""
	if err := t.loadCert("dial", a, cfg); err != nil {
		return nil, err
	}
	if len(cfg.Certificates) > 0 {
		// crypto/tls would keep it back from a server that asks for other authorities.
		own := cfg.Certificates[0]
		cfg.GetClientCertificate = func(*tls.CertificateRequestInfo) (*tls.Certificate, error) { return &own, nil }
	}
	return cfg, nil
}

// server is how to shake hands with who connects to a.
func (t tlsSettings) server(a Addr) (*tls.Config, error) {
	// A client that only sends and then closes has not read its session ticket,
	// and its system would reset the connection for that: there are none.
	cfg := &tls.Config{NextProtos: t.alpn, MinVersion: t.minVersion, SessionTicketsDisabled: true}
	if err := t.readServer(a, cfg); err != nil {
		return nil, err
	}
	if len(cfg.Certificates) == 0 {
		own, err := selfSigned(a.Host)
		if err != nil {
			return nil, opError("listen", a, err)
		}
		cfg.Certificates = []tls.Certificate{own}
	}
	return cfg, nil
}

// readServer reads a listener's files. What no file says it leaves as it is.
func (t tlsSettings) readServer(a Addr, cfg *tls.Config) error {
	if err := t.loadCert("listen", a, cfg); err != nil {
		return err
	}
	if t.ca != "" {
		pool, err := readPool(t.ca)
		if err != nil {
			return fileError("listen", a, "clientca", t.ca, err)
		}
		cfg.ClientCAs, cfg.ClientAuth = pool, tls.RequireAndVerifyClientCert
	}
	return nil
}

// check refuses what the options allow each by itself.
func (t tlsSettings) check(op string, a Addr) error {
	if t.key != "" && t.cert == "" {
		return &OptionError{Op: op, Addr: a, Option: "key", Value: t.key, Reason: "a key without its certificate", Hint: "cert=FILE names it"}
	}
	return nil
}

// loadCert reads the options cert and key.
func (t tlsSettings) loadCert(op string, a Addr, cfg *tls.Config) error {
	if t.cert == "" {
		return nil
	}
	cert, err := readPair(t.cert, t.key)
	if err != nil {
		return fileError(op, a, "cert", t.cert, err)
	}
	cfg.Certificates = []tls.Certificate{cert}
	return nil
}

// openKeyLog opens the option keylog's file for cfg, for as long as there are
// handshakes: crypto/tls writes secrets (NSS key log format) in them only.
func (t tlsSettings) openKeyLog(op string, a Addr, cfg *tls.Config) (*os.File, error) {
	if t.keylog == "" {
		return nil, nil // whose Close does nothing
	}
	f, err := os.OpenFile(t.keylog, os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o600)
	if err != nil {
		return nil, fileError(op, a, "keylog", t.keylog, err)
	}
	cfg.KeyLogWriter = f
	return f, nil
}

func fileError(op string, a Addr, option, file string, err error) error {
	return &OptionError{Op: op, Addr: a, Option: option, Value: file, Reason: strings.TrimPrefix(err.Error(), "tls: "),
		Hint: "it takes a file in PEM form, which openssl makes"}
}

// listenTLS listens with listen, at a. Who connects is accepted once its
// handshake is done.
func (s settings) listenTLS(ctx context.Context, a Addr, listen func(context.Context, Addr) (net.Listener, error)) (net.Listener, error) {
	cfg, err := s.secure.server(a)
	if err != nil {
		return nil, err
	}
	ln, err := listen(ctx, a)
	if err != nil {
		return nil, err
	}
	keylog, err := s.secure.openKeyLog("listen", a, cfg)
	if err != nil {
		ln.Close()
		return nil, err
	}
	l := &tlsListener{addr: a, secure: s.secure, keylog: keylog}
	l.current.Store(cfg)
	prepare := func(ctx context.Context, socket net.Conn) (net.Conn, error) {
		if s.header != noHeader {
			var err error
			if socket, err = unwrapHeader(ctx, socket); err != nil {
				return nil, err
			}
		}
		conn := newTLSConn(socket, l.current.Load(), false, s.secure.closeNotify == on)
		if err := conn.HandshakeContext(ctx); err != nil {
			return nil, handshakeReason(ctx, err, "", false)
		}
		return conn, nil
	}
	l.gate = newGate(ln, s.patience(), prepare)
	return l, nil
}

// A tlsListener is a gate with a certificate.
type tlsListener struct {
	*gate
	addr    Addr
	secure  tlsSettings
	current atomic.Pointer[tls.Config] // what the next handshake goes by
	keylog  *os.File
}

var (
	_ Fingerprinter = (*tlsListener)(nil)
	_ Renewer       = (*tlsListener)(nil)
)

// Fingerprint implements Fingerprinter.
func (l *tlsListener) Fingerprint() string {
	return Fingerprint(l.current.Load().Certificates[0].Certificate[0])
}

// Renew implements Renewer. There are no session tickets by which an old
// client could evade new authorities.
func (l *tlsListener) Renew() error {
	cfg := l.current.Load().Clone()
	if err := l.secure.readServer(l.addr, cfg); err != nil {
		return err
	}
	l.current.Store(cfg)
	return nil
}

// Close ends the listener and the handshakes.
func (l *tlsListener) Close() error {
	err := l.gate.Close()
	_ = l.keylog.Close() // once is enough
	return err
}
