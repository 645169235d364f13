//go:build linux

package main

import (
	"bytes"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
)

// ncListeners are what peers of one case accept from.
type ncListeners struct {
	stream []net.Listener
	packet net.PacketConn
}

// open opens KIND [PORT]: tcp, tcp6, tls, udp, udp6, unix, unixgram.
func (l *ncListeners) open(r *ncRun, w []string) error {
	kind, at := w[0], "127.0.0.1:"+r.vars["PORT"]
	if len(w) > 1 {
		at = "127.0.0.1:" + r.vars[w[1]]
	}
	if strings.HasSuffix(kind, "6") {
		kind, at = strings.TrimSuffix(kind, "6"), "[::1]:"+r.vars["PORT"]
	}
	if strings.HasPrefix(kind, "unix") {
		at = r.vars["SOCK"]
	}
	if kind == "udp" || kind == "unixgram" {
		var err error
		l.packet, err = net.ListenPacket(kind, at)
		return err
	}
	network := kind
	if kind == "tls" || kind == "mtls" {
		network = "tcp"
	}
	ln, err := net.Listen(network, at)
	if err != nil {
		return err
	}
	if network != kind {
		cert, err := tls.LoadX509KeyPair(r.vars["CERT"], r.vars["KEY"])
		if err != nil {
			return err
		}
		cfg := &tls.Config{Certificates: []tls.Certificate{cert}, NextProtos: []string{"h2", "http/1.1"}}
		if kind == "mtls" {
			cfg.ClientAuth = tls.RequireAnyClientCert
		}
		ln = tls.NewListener(ln, cfg)
	}
	l.stream = append(l.stream, ln)
	return nil
}

func (l *ncListeners) close() {
	for _, ln := range l.stream {
		_ = ln.Close()
	}
	if l.packet != nil {
		_ = l.packet.Close()
	}
}

// ncPeer is one peer of the program.
type ncPeer struct {
	run  *ncRun
	conn net.Conn
	from net.Addr // of the last datagram, where there is no conn
	rest []byte   // read, not yet expected
}

func (p *ncPeer) close() {
	if p.conn != nil {
		_ = p.conn.Close()
	}
}

// do does one step: accept [NEXT], reject (its TLS
// handshake fails), dial [KIND] [from ADDRESS], refused [KIND],
// send "x", recv "x" (as much, or one datagram) or recv /re/ (until it
// matches), eof, gone (eof or reset), silent (nothing comes for 100 ms), pause
// (100 ms), shut (our side), close, reset, sni NAME, alpn NAME, peerport PORT, peeraddr
// ADDRESS.
func (p *ncPeer) do(w []string) error {
	if p.conn != nil {
		_ = p.conn.SetDeadline(time.Now().Add(ncPatience))
	}
	switch w[0] {
	case "accept":
		return p.accept(w[1:])
	case "reject":
		if err := p.accept(nil); err == nil {
			return errors.New("it was accepted")
		}
		return nil
	case "dial":
		return p.dial(w[1:], false)
	case "refused":
		return p.dial(w[1:], true)
	case "send":
		text, err := ncText(p.run.vars, w[1])
		if err != nil {
			return err
		}
		return p.send([]byte(text))
	case "recv":
		if strings.HasPrefix(w[1], "/") {
			return p.match(w[1])
		}
		return p.recv(w[1])
	case "eof", "gone", "silent":
		return p.ending(w[0])
	case "pause":
		<-time.After(100 * time.Millisecond)
		return nil
	case "shut":
		return p.conn.(interface{ CloseWrite() error }).CloseWrite()
	case "close":
		return p.conn.Close()
	case "reset":
		_ = p.conn.(*net.TCPConn).SetLinger(0)
		return p.conn.Close()
	}
	return p.look(w)
}

// look checks what is known of the connection.
func (p *ncPeer) look(w []string) error {
	got := ""
	switch w[0] {
	case "sni":
		got = p.conn.(*tls.Conn).ConnectionState().ServerName
	case "alpn":
		got = p.conn.(*tls.Conn).ConnectionState().NegotiatedProtocol
	case "certs":
		got = fmt.Sprint(len(p.conn.(*tls.Conn).ConnectionState().PeerCertificates))
	case "peeraddr", "peerport", "peername":
		at := p.from
		if p.conn != nil {
			at = p.conn.RemoteAddr()
		}
		host, port, err := net.SplitHostPort(at.String())
		if got = host; err != nil {
			got = at.String()
		} else if w[0] == "peerport" {
			got = port
		}
	default:
		return errors.New("there is no such step")
	}
	return ncMatches(p.run.vars, w[1], got)
}

func (p *ncPeer) accept(w []string) error {
	ln := p.run.listeners.stream[0]
	if len(w) > 0 {
		ln = p.run.listeners.stream[1]
	}
	type deadliner interface{ SetDeadline(time.Time) error }
	if d, ok := ln.(deadliner); ok {
		_ = d.SetDeadline(time.Now().Add(ncPatience))
	}
	conn, err := ln.Accept()
	if err != nil {
		return err
	}
	p.conn = conn
	if c, ok := conn.(*tls.Conn); ok {
		_ = c.SetDeadline(time.Now().Add(ncPatience))
		return c.Handshake()
	}
	return nil
}

// dial connects to the program, once it listens.
func (p *ncPeer) dial(w []string, refused bool) error {
	kind, host := "tcp", "127.0.0.1"
	var d net.Dialer
	if len(w) > 0 && w[0] != "from" {
		kind, w = w[0], w[1:]
	}
	if strings.HasSuffix(kind, "6") {
		kind, host = strings.TrimSuffix(kind, "6"), "::1"
	}
	if len(w) == 2 {
		d.LocalAddr = &net.TCPAddr{IP: net.ParseIP(w[1])}
	}
	network, at := kind, net.JoinHostPort(host, p.run.vars["PORT"])
	switch kind {
	case "tls":
		network = "tcp"
	case "unix", "unixgram":
		at = p.run.vars["SOCK"]
	}
	if kind == "unixgram" {
		d.LocalAddr = &net.UnixAddr{Name: filepath.Join(p.run.vars["DIR"], "peer"), Net: kind}
	}
	ctx, cancel := context.WithTimeout(p.run.t.Context(), ncPatience)
	defer cancel()
	if kind == "udp" {
		if err := ncBound(ctx, p.run.vars["PORT"], host == "127.0.0.1"); err != nil {
			return err
		}
	}
	for {
		conn, err := d.DialContext(ctx, network, at)
		switch {
		case refused && err != nil:
			return nil
		case refused:
			_ = conn.Close()
			return errors.New("it was not refused")
		case err == nil:
			p.conn = conn
			_ = conn.SetDeadline(time.Now().Add(ncPatience))
			if kind == "tls" {
				c := tls.Client(conn, &tls.Config{InsecureSkipVerify: true, NextProtos: []string{"h2", "http/1.1"}})
				p.conn = c
				return c.Handshake()
			}
			return nil
		}
		if kind == "unixgram" {
			_ = os.Remove(d.LocalAddr.String())
		}
		select {
		case <-p.run.done:
			return fmt.Errorf("the program has ended: %w", err)
		case <-ctx.Done():
			return err
		case <-time.After(5 * time.Millisecond):
		}
	}
}

func (p *ncPeer) send(text []byte) error {
	if p.conn == nil {
		_, err := p.run.listeners.packet.WriteTo(text, p.from)
		return err
	}
	_, err := p.conn.Write(text)
	return err
}

// recv expects one datagram, or as many bytes of a stream.
func (p *ncPeer) recv(word string) error {
	want, err := ncText(p.run.vars, word)
	if err != nil {
		return err
	}
	if p.conn == nil || slices.Contains([]string{"udp", "unixgram"}, p.conn.LocalAddr().Network()) {
		return p.datagram(word)
	}
	got := make([]byte, len(want))
	n := copy(got, p.rest)
	p.rest = p.rest[n:]
	m, err := io.ReadFull(p.conn, got[n:])
	if got = got[:n+m]; string(got) != want {
		return fmt.Errorf("got %q (%v)", got, err)
	}
	return nil
}

func (p *ncPeer) datagram(word string) (err error) {
	buf, n := make([]byte, 1<<16), 0
	if p.conn != nil {
		n, err = p.conn.Read(buf)
	} else {
		_ = p.run.listeners.packet.SetDeadline(time.Now().Add(ncPatience))
		n, p.from, err = p.run.listeners.packet.ReadFrom(buf)
	}
	if err != nil {
		return err
	}
	return ncMatches(p.run.vars, word, string(buf[:n]))
}

// match reads until what was read matches.
func (p *ncPeer) match(expr string) error {
	if p.conn == nil {
		return p.datagram(expr)
	}
	for buf := make([]byte, 4096); ; {
		bad := ncMatches(p.run.vars, expr, string(p.rest))
		if bad == nil {
			p.rest = nil
			return nil
		}
		n, err := p.conn.Read(buf)
		if err != nil {
			return fmt.Errorf("%w (%v)", bad, err)
		}
		p.rest = append(p.rest, buf[:n]...)
	}
}

// ending expects the program's end of the conversation, or silence.
func (p *ncPeer) ending(how string) error {
	buf := make([]byte, 4096)
	n, err := copy(buf, p.rest), error(nil)
	if how == "silent" {
		var c interface {
			SetReadDeadline(time.Time) error
		} = p.run.listeners.packet
		if p.conn != nil {
			c = p.conn
		}
		_ = c.SetReadDeadline(time.Now().Add(100 * time.Millisecond))
	}
	if n == 0 && p.conn != nil {
		n, err = p.conn.Read(buf)
	} else if n == 0 {
		n, _, err = p.run.listeners.packet.ReadFrom(buf)
	}
	switch {
	case n > 0:
		return fmt.Errorf("got %q", bytes.TrimSpace(buf[:n]))
	case how == "silent" && errors.Is(err, os.ErrDeadlineExceeded), how != "silent" && err == io.EOF, how == "gone" && errors.Is(err, syscall.ECONNRESET):
		return nil
	}
	return fmt.Errorf("got %v", err)
}

var ncCert struct {
	sync.Once
	cert, key string
	err       error
}

// ncCertificate is a certificate for localhost and 127.0.0.1, signed by itself.
func ncCertificate(t *testing.T) (cert, key string) {
	t.Helper()
	ncCert.Do(func() {
		ncCert.cert, ncCert.key = filepath.Join(testDir, "nc-cert.pem"), filepath.Join(testDir, "nc-key.pem")
		ncCert.err = writeCertificate(ncCert.cert, ncCert.key)
	})
	if ncCert.err != nil {
		t.Fatal(ncCert.err)
	}
	return ncCert.cert, ncCert.key
}
