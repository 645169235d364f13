package endpoint

import (
	"crypto/tls"
	"net"
	"net/netip"
)

// Check says why Dial or Listen (op is "dial" or "listen") would refuse a
// without opening, reading or looking up anything: an unknown scheme, an option
// that is unknown, misplaced, wrong or at odds with another, a path that is too
// long. It is what a configuration can be checked by on another machine. Nil is
// no promise: whether there are the files, names, interfaces and a free port
// only Dial and Listen can tell.
//
// Like them it takes every option for one of this package's: layers above take
// theirs first.
func (a Addr) Check(op string) error {
	_, err := readChecked(op, a)
	return err
}

// CheckFiles is Check for this machine: a listener's certificate, key and
// authorities are read, too.
func (a Addr) CheckFiles() error {
	s, err := readChecked("listen", a)
	if err == nil {
		err = s.secure.readServer(a, new(tls.Config))
	}
	return err
}

// readChecked reads a's options for op, and checks that they fit a.
func readChecked(op string, a Addr) (settings, error) {
	s, err := readSettings(op, a)
	if err == nil {
		err = s.checkPlace(op, a)
	}
	return s, err
}

// checkPlace refuses a place that no machine can open.
func (s settings) checkPlace(op string, a Addr) error {
	switch a.Scheme {
	case "tcp", "tls", "ws", "wss", "udp":
		if op == "dial" && a.Port == 0 {
			return opError(op, a, errPortZero)
		}
		if op == "listen" && a.Scheme == "udp" {
			if ip, err := netip.ParseAddr(a.Host); err == nil && ip.IsMulticast() {
				return s.checkGroup(a, ip)
			}
			return s.refuseMany(op, a)
		}
	case "unix", "unixgram":
		if err := checkUnixPath(a.Path); err != nil {
			return opError(op, a, err)
		}
	case "mem":
	default:
		return opError(op, a, net.UnknownNetworkError(a.Scheme))
	}
	return nil
}
