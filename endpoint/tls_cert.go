package endpoint

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/hex"
	"fmt"
	"math/big"
	"net"
	"os"
	"strings"
	"time"
)

// A Fingerprinter is a listener that shows a certificate. Who has compared the
// fingerprint may trust it with the option pin, whoever signed it.
type Fingerprinter interface {
	// Fingerprint returns "sha256:" and 64 hexadecimal digits.
	Fingerprint() string
}

// A Renewer is a listener whose certificate, key and authorities are files,
// which may have been replaced.
type Renewer interface {
	// Renew reads the files anew, for the handshakes from then on; conversations
	// stay. When one cannot be read all is as it was. A certificate that the
	// listener has made up is kept.
	Renew() error
}

// Fingerprint returns a certificate's fingerprint, the SHA-256 of its DER form,
// as the option pin takes it. It is the one that `openssl x509 -fingerprint
// -sha256` shows.
func Fingerprint(der []byte) string {
	sum := sha256.Sum256(der)
	return "sha256:" + hex.EncodeToString(sum[:])
}

const wantPin = "a SHA-256 fingerprint: 64 hexadecimal digits, colons allowed"

// readPin reads the option pin.
func readPin(s *settings, v string) (want string) {
	pin, ok := parsePin(v)
	if !ok {
		return wantPin
	}
	s.secure.pin = pin
	return ""
}

// parsePin reads a fingerprint as Fingerprint and openssl write it, and returns
// it as Fingerprint does.
func parsePin(v string) (string, bool) {
	v = strings.ToLower(strings.TrimSpace(v))
	for _, prefix := range []string{"sha256:", "sha256 fingerprint="} {
		v = strings.TrimPrefix(v, prefix)
	}
	sum, err := hex.DecodeString(strings.ReplaceAll(v, ":", ""))
	if err != nil || len(sum) != sha256.Size {
		return "", false
	}
	return "sha256:" + hex.EncodeToString(sum), true
}

// selfSigned makes a certificate up for a listener at host, "" being every
// address. It lasts as long as the process, so its dates matter to nobody.
func selfSigned(host string) (tls.Certificate, error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return tls.Certificate{}, err
	}
	serial, err := rand.Int(rand.Reader, new(big.Int).Lsh(big.NewInt(1), 127))
	if err != nil {
		return tls.Certificate{}, err
	}
	own := &x509.Certificate{
		SerialNumber: serial,
		Subject:      pkix.Name{CommonName: "localhost", Organization: []string{"sockeye, self-signed"}},
		NotBefore:    time.Now().Add(-time.Hour), // clocks differ
		NotAfter:     time.Now().AddDate(10, 0, 0),
		KeyUsage:     x509.KeyUsageDigitalSignature,
		ExtKeyUsage:  []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth},
		DNSNames:     []string{"localhost"},
		IPAddresses:  []net.IP{net.IPv4(127, 0, 0, 1), net.IPv6loopback},

		BasicConstraintsValid: true,
	}
	machine, _ := os.Hostname()
	for _, name := range []string{machine, host} {
		name, _, _ = strings.Cut(name, "%") // a zone
		switch ip := net.ParseIP(name); {
		case ip != nil && !ip.IsLoopback() && !ip.IsUnspecified():
			own.IPAddresses = append(own.IPAddresses, ip)
		case ip == nil && name != "" && name != "localhost" && isHostName(name):
			own.DNSNames = append(own.DNSNames, name)
		}
	}
	der, err := x509.CreateCertificate(rand.Reader, own, own, key.Public(), key)
	if err != nil {
		return tls.Certificate{}, err
	}
	return tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key}, nil
}

// isHostName reports whether a certificate can carry name.
func isHostName(name string) bool {
	return strings.Trim(strings.ToLower(name), "abcdefghijklmnopqrstuvwxyz0123456789-._") == ""
}

// readPair reads a certificate with its key, which may be in the same file.
func readPair(certFile, keyFile string) (tls.Certificate, error) {
	if keyFile == "" {
		keyFile = certFile
	}
	cert, err := os.ReadFile(certFile)
	if err != nil {
		return tls.Certificate{}, err
	}
	key, err := os.ReadFile(keyFile)
	if err != nil {
		return tls.Certificate{}, err
	}
	if bytes.Contains(key, []byte("ENCRYPTED")) {
		return tls.Certificate{}, fmt.Errorf("the key in %s is encrypted", keyFile)
	}
	return tls.X509KeyPair(cert, key)
}

// readPool reads the certificates of authorities.
func readPool(file string) (*x509.CertPool, error) {
	pem, err := os.ReadFile(file)
	if err != nil {
		return nil, err
	}
	pool := x509.NewCertPool()
	if !pool.AppendCertsFromPEM(pem) {
		return nil, fmt.Errorf("%s has no certificate in PEM form", file)
	}
	return pool, nil
}
