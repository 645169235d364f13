package endpoint

import (
	"bufio"
	"context"
	"encoding/base64"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net"
	"net/textproto"
	"strings"

	"golang.org/x/net/proxy"
)

// connect asks the proxy at the other end of conn to connect to a, and reads
// its answer to the last byte and no further: what follows is a's.
func (p *proxyURL) connect(ctx context.Context, conn net.Conn, a Addr) error {
	if a.Host == "" {
		a.Host = "localhost" // the proxy's own machine
	}
	switch p.scheme {
	case "socks5":
		return p.socks5(conn, a)
	case "http":
		return p.http(conn, a)
	}
	return p.socks4(ctx, conn, a)
}

// refusedf says what the proxy did instead of connecting.
func (p *proxyURL) refusedf(hint string, err error, format string, args ...any) error {
	return &PeerError{Reason: fmt.Sprintf("the proxy %s %s", p, fmt.Sprintf(format, args...)), Hint: hint, Err: err}
}

// lost says that the proxy went away, or spoke something else.
func (p *proxyURL) lost(err error) error {
	const hint = "is it a proxy of that kind?"
	if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
		return p.refusedf(hint, err, "closed the connection without an answer")
	}
	return p.refusedf(hint, err, "could not be asked: %v", err)
}

const (
	hintUser   = "write proxy=scheme://user:password@host:port"
	hintTarget = "the proxy works; it is the address behind it that it cannot reach, or may not"
)

// socks5 is RFC 1928, with RFC 1929's user and password. Names go to the proxy
// as they are.
func (p *proxyURL) socks5(conn net.Conn, a Addr) error {
	var auth *proxy.Auth
	if p.user != "" {
		auth = &proxy.Auth{User: p.user, Password: p.pass}
	}
	d, err := proxy.SOCKS5("tcp", joinHostPort(p.host, p.port), auth, nil)
	if err != nil {
		return p.lost(err)
	}
	// Its DialContext would wrap the conn; this leaves it what it is.
	over, ok := d.(interface {
		DialWithConn(ctx context.Context, c net.Conn, network, address string) (net.Addr, error)
	})
	if !ok {
		return p.lost(errors.ErrUnsupported)
	}
	// The deadline is our caller's: a context here would clear it.
	_, err = over.DialWithConn(context.Background(), conn, "tcp", a.hostPort())
	var oe *net.OpError
	if !errors.As(err, &oe) {
		return err // nil
	}
	err = oe.Err
	switch why := err.Error(); {
	case strings.HasPrefix(why, "unknown error "):
		return p.refusedf(hintTarget, err, "could not connect: %s", strings.TrimPrefix(why, "unknown error "))
	case strings.HasPrefix(why, "no acceptable authentication"):
		if auth != nil {
			return p.refusedf("", err, "takes neither a password nor its absence")
		}
		return p.refusedf(hintUser, err, "wants a user and a password")
	case strings.HasSuffix(why, "authentication failed"):
		return p.refusedf(hintUser, err, "does not accept the user and the password")
	case strings.HasPrefix(why, "unexpected protocol version"):
		return p.refusedf("is it a proxy of another kind, http or socks4?", err, "does not speak SOCKS5")
	}
	return p.lost(err)
}

// socks4 is the protocol of SOCKS.Protocol (Ying-Da Lee) and, as socks4a, its
// extension by names (an address 0.0.0.x stands for the name that follows).
func (p *proxyURL) socks4(ctx context.Context, conn net.Conn, a Addr) error {
	ip, err := lookupLiteral(a.Host)
	if err != nil && p.scheme == "socks4" {
		if ip, err = lookup4(ctx, a.Host); err != nil {
			return err
		}
	}
	if ip == nil && err == nil {
		return p.refusedf("use socks5", nil, "cannot be asked for an IPv6 address")
	}
	req := binary.BigEndian.AppendUint16([]byte{4, 1}, a.Port)
	if err != nil {
		req = append(req, 0, 0, 0, 1)
	} else {
		req = append(req, ip...)
	}
	req = append(append(req, p.user...), 0)
	if err != nil {
		req = append(append(req, a.Host...), 0)
	}
	if _, err := conn.Write(req); err != nil {
		return p.lost(err)
	}
	var answer [8]byte
	if _, err := io.ReadFull(conn, answer[:]); err != nil {
		return p.lost(err)
	}
	switch code := answer[1]; {
	case answer[0] != 0:
		return p.refusedf("is it a proxy of another kind, http or socks5?", nil, "does not speak SOCKS4")
	case code == 90:
		return nil
	case code == 91:
		return p.refusedf(hintTarget, nil, "could not connect, or may not")
	case code == 92 || code == 93:
		return p.refusedf(hintUser, nil, "does not accept the user %q", p.user)
	default:
		return p.refusedf("", nil, "refused with code %d", code)
	}
}

// http is CONNECT: RFC 9110, section 9.3.6.
func (p *proxyURL) http(conn net.Conn, a Addr) error {
	req := fmt.Sprintf("CONNECT %s HTTP/1.1\r\nHost: %[1]s\r\n", a.hostPort())
	if p.user != "" {
		req += "Proxy-Authorization: Basic " + base64.StdEncoding.EncodeToString([]byte(p.user+":"+p.pass)) + "\r\n"
	}
	if _, err := io.WriteString(conn, req+"\r\n"); err != nil {
		return p.lost(err)
	}
	in := textproto.NewReader(bufio.NewReader(byteReader{io.LimitReader(conn, maxProxyAnswer)}))
	for {
		line, err := in.ReadLine()
		if err != nil {
			return p.lost(err)
		}
		version, status, _ := strings.Cut(line, " ")
		if !strings.HasPrefix(version, "HTTP/1.") || len(status) < 3 || !isDigits(status[:3]) {
			return p.refusedf("is it a proxy of another kind, socks5?", nil, "does not speak HTTP: it sent %.40q", line)
		}
		for h := "-"; h != ""; {
			if h, err = in.ReadLine(); err != nil {
				return p.lost(err)
			}
		}
		switch {
		case status[0] == '1': // an interim answer
		case status[0] == '2':
			return nil
		case status[:3] == "407" && p.user == "":
			return p.refusedf(hintUser, nil, "wants a user and a password: %.80q", status)
		case status[:3] == "407":
			return p.refusedf(hintUser, nil, "does not accept the user and the password: %.80q", status)
		default:
			return p.refusedf(hintTarget, nil, "refused to connect: %.80q", status)
		}
	}
}

// maxProxyAnswer is the most that a proxy may say before it connects.
const maxProxyAnswer = 64 << 10

// byteReader reads one byte at a time, so that a buffered reader over it takes
// nothing that belongs to whom the proxy connects us with.
type byteReader struct{ r io.Reader }

func (r byteReader) Read(p []byte) (int, error) { return r.r.Read(p[:min(1, len(p))]) }

// lookupLiteral returns the IPv4 address that host is; none and nil when it is
// an IPv6 address, an error when it is a name.
func lookupLiteral(host string) (net.IP, error) {
	ip := net.ParseIP(host)
	if ip == nil {
		return nil, errors.New("a name")
	}
	return ip.To4(), nil
}

func lookup4(ctx context.Context, host string) (net.IP, error) {
	ip, err := lookup(ctx, "4", host)
	if err != nil {
		return nil, err
	}
	return ip.AsSlice(), nil
}
