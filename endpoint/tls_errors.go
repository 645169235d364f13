package endpoint

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"strings"
	"time"
)

// A PeerError says in words what was wrong with how a conversation began, or
// ended: with the peer's certificate, with its TLS, with a PROXY header, with
// what a proxy on the way answered.
type PeerError struct {
	Reason string // the whole sentence, in lower case
	Hint   string // may be empty
	Err    error  // what it was made of; may be nil
}

// Error returns the reason, without the hint.
func (e *PeerError) Error() string { return e.Reason }

// Unwrap returns Err.
func (e *PeerError) Unwrap() error { return e.Err }

// Timeout reports whether the peer was too slow.
func (e *PeerError) Timeout() bool { return errors.Is(e.Err, os.ErrDeadlineExceeded) }

// A pinError is a certificate that is not the one we were told of.
type pinError struct{ got, want string }

func (e *pinError) Error() string {
	return fmt.Sprintf("the certificate's fingerprint is %s, not the pinned %s", e.got, e.want)
}

// handshakeReason explains why a handshake failed. name is the one the server
// was asked for.
func handshakeReason(ctx context.Context, err error, name string, client bool) error {
	peer := "the client"
	if client {
		peer = "the server"
	}
	say := func(hint, format string, args ...any) error {
		return &PeerError{Reason: fmt.Sprintf(format, args...), Hint: hint, Err: err}
	}
	if cause := context.Cause(ctx); cause != nil {
		if !errors.Is(cause, context.DeadlineExceeded) {
			return cause
		}
		err = os.ErrDeadlineExceeded
		return say("it may not speak TLS; timeout=DURATION waits longer", "%s did not finish the TLS handshake in time", peer)
	}
	if pe := certificateReason(err, name, peer); pe != nil {
		return pe
	}
	if pe := alertReason(err, client); pe != nil {
		return pe
	}
	var record tls.RecordHeaderError
	switch {
	case errors.As(err, &record) && strings.HasPrefix(record.Msg, "first record"):
		hint := "try tcp:// instead of tls://"
		if !client {
			hint = "it has to speak TLS here; tcp:// listens for those that don't"
		}
		return say(hint, "%s does not speak TLS: it sent %q", peer, record.RecordHeader[:])
	case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF):
		return say("it may not speak TLS, or not this version, or want a client certificate (cert=FILE)",
			"%s closed the connection during the TLS handshake", peer)
	case !client && strings.Contains(err.Error(), "didn't provide a certificate"):
		return say("clientca=FILE asks every client for one", "the client has no certificate to show")
	case !client && strings.Contains(err.Error(), "unsupported application protocols"):
		return say("alpn=NAMES has to name one of the client's", "no protocol in common: %s", withoutPrefix(err))
	case strings.Contains(err.Error(), "unsupported protocol version"), strings.Contains(err.Error(), "only unsupported versions"):
		return say("minver=1.0 allows old ones", "no TLS version in common: %s", withoutPrefix(err))
	}
	return say("", "the TLS handshake failed: %s", withoutPrefix(err))
}

func withoutPrefix(err error) string { return strings.TrimPrefix(err.Error(), "tls: ") }

// certificateReason explains what is wrong with the peer's certificate, or is nil.
func certificateReason(err error, name, peer string) error {
	var pin *pinError
	if errors.As(err, &pin) {
		return &PeerError{Reason: pin.Error(), Err: err,
			Hint: "unless the server has a new certificate, somebody stands in between: ask for its fingerprint by another way"}
	}
	client := peer == "the server" // we are
	trust := "clientca=FILE names the authorities that clients' certificates have to be signed by"
	var verify *tls.CertificateVerificationError
	if errors.As(err, &verify) && len(verify.UnverifiedCertificates) > 0 && client {
		trust = fmt.Sprintf("ca=FILE names its authority; if its fingerprint is right, pin=%s trusts it",
			Fingerprint(verify.UnverifiedCertificates[0].Raw))
	}
	var unknown x509.UnknownAuthorityError
	var wrong x509.HostnameError
	var invalid x509.CertificateInvalidError
	var roots x509.SystemRootsError
	switch {
	case errors.As(err, &unknown):
		return &PeerError{Reason: peer + "'s certificate is signed by an authority that is not known here", Hint: trust, Err: err}
	case errors.As(err, &wrong):
		return &PeerError{Reason: fmt.Sprintf("the certificate is for %s, not for %s", namesOf(wrong.Certificate), name),
			Hint: "sni=NAME asks for one of its names; " + trust, Err: err}
	case errors.As(err, &invalid) && invalid.Reason == x509.Expired:
		cert, reason := invalid.Cert, ""
		if time.Now().Before(cert.NotBefore) {
			reason = fmt.Sprintf("%s's certificate is not valid before %s", peer, cert.NotBefore.UTC().Format(time.DateTime))
		} else {
			reason = fmt.Sprintf("%s's certificate has expired on %s", peer, cert.NotAfter.UTC().Format(time.DateTime))
		}
		return &PeerError{Reason: reason + " UTC", Hint: "it needs a new one, unless this machine's clock is wrong", Err: err}
	case errors.As(err, &invalid):
		return &PeerError{Reason: fmt.Sprintf("%s's certificate is not acceptable: %s", peer, strings.TrimPrefix(invalid.Error(), "x509: ")), Hint: trust, Err: err}
	case errors.As(err, &roots):
		return &PeerError{Reason: "this machine has no list of authorities: " + strings.TrimPrefix(roots.Error(), "x509: "), Hint: trust, Err: err}
	}
	return nil
}

// namesOf lists what a certificate is for.
func namesOf(cert *x509.Certificate) string {
	names := cert.DNSNames
	for _, ip := range cert.IPAddresses {
		names = append(names[:len(names):len(names)], ip.String())
	}
	switch {
	case len(names) == 0:
		return "no host by name"
	case len(names) > 4:
		return fmt.Sprintf("%s and %d more", strings.Join(names[:4], ", "), len(names)-4)
	}
	return strings.Join(names, ", ")
}

// alerts are what a peer may have against us (RFC 8446, section 6.2), by
// crypto/tls's names.
var alerts = map[string]struct{ reason, hint string }{
	"handshake failure":              {"it found nothing in common", "it may want other versions (minver=1.0) or a client certificate (cert=FILE)"},
	"bad certificate":                {"it does not accept our certificate", hintTrustUs},
	"unsupported certificate":        {"it does not take certificates like ours", ""},
	"revoked certificate":            {"it says our certificate is revoked", ""},
	"expired certificate":            {"it says our certificate has expired", "it needs a new one, unless the peer's clock is wrong"},
	"unknown certificate":            {"it does not accept our certificate", hintTrustUs},
	"unknown certificate authority":  {"it does not know who signed our certificate", hintTrustUs},
	"access denied":                  {"it denies us access", ""},
	"protocol version not supported": {"it does not speak our versions of TLS", "minver=1.0 allows old ones"},
	"unrecognized name":              {"it is not the host that was asked for", "sni=NAME asks for another name"},
	"certificate required":           {"it wants a client certificate", "cert=FILE and key=FILE are ours"},
	"no application protocol":        {"it speaks none of the protocols offered", "alpn=NAMES has to name one of its own, or leave alpn out"},
}

const hintTrustUs = "the peer has to trust it: by its authority, or by its fingerprint"

// alertReason explains an alert from the peer, or is nil. crypto/tls keeps the
// alert's type to itself; its *net.OpError and its words are all there is.
func alertReason(err error, client bool) error {
	var oe *net.OpError
	if !errors.As(err, &oe) || oe.Op != "remote error" {
		return nil
	}
	peer := "the client"
	if client {
		peer = "the server"
	}
	name := withoutPrefix(oe.Err)
	a, ok := alerts[name]
	if !ok {
		return &PeerError{Reason: fmt.Sprintf("%s ended the TLS conversation: %s", peer, name), Err: err}
	}
	return &PeerError{Reason: fmt.Sprintf("%s refused: %s (%s)", peer, a.reason, name), Hint: a.hint, Err: err}
}
