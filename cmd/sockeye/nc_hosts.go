package main

import (
	"bufio"
	"context"
	"net"
	"net/netip"
	"strconv"
	"strings"
)

// ncHosts is a set of addresses as Nmap writes them: addresses, names, networks
// (10.0.0.0/8), and IPv4 addresses of which each part is a number, a range
// (1-9, 5-, -9), "*", or several with commas.
type ncHosts struct {
	given bool
	specs []ncHostSpec
	rules []func(netip.Addr) bool
}

type ncHostSpec struct{ text, file string }

// add adds a list with commas. Names are resolved later, when it is known how.
func (h *ncHosts) add(list string) error {
	h.given = true
	// A comma inside a part begins with a digit and has no dot before the next
	// one; as ncat does, it separates hosts all the same.
	for spec := range strings.SplitSeq(list, ",") {
		if spec != "" {
			h.specs = append(h.specs, ncHostSpec{text: spec})
		}
	}
	return nil
}

// addFile adds what a file has.
func (h *ncHosts) addFile(name string) error {
	h.given = true
	h.specs = append(h.specs, ncHostSpec{file: name})
	return nil
}

// resolve makes rules of what was added.
func (h *ncHosts) resolve(p *ncPlan) error {
	for _, spec := range h.specs {
		if spec.file == "" {
			if err := h.rule(p, spec.text); err != nil {
				return p.d.wrong("error in host specification %q", spec.text)
			}
			continue
		}
		text, err := ncReadFile(p.d, spec.file)
		if err != nil {
			return err
		}
		words := bufio.NewScanner(strings.NewReader(text))
		words.Split(bufio.ScanWords)
		for words.Scan() {
			if err := h.rule(p, words.Text()); err != nil {
				return p.d.wrong("error in hosts file %s", spec.file)
			}
		}
	}
	return nil
}

func (h *ncHosts) rule(p *ncPlan, spec string) error {
	if prefix, err := netip.ParsePrefix(spec); err == nil {
		h.rules = append(h.rules, prefix.Contains)
		return nil
	}
	if parts, ok := ncOctets(spec); ok {
		h.rules = append(h.rules, func(a netip.Addr) bool { return a.Is4() && parts.contain(a.As4()) })
		return nil
	}
	host, bits, network := strings.Cut(spec, "/")
	ips, err := p.lookup(context.Background(), host)
	if err != nil {
		return err
	}
	for _, ip := range ips {
		n := ip.BitLen()
		if network {
			if n, err = strconv.Atoi(bits); err != nil {
				return err
			}
		}
		prefix, err := ip.Prefix(n)
		if err != nil {
			return err
		}
		h.rules = append(h.rules, prefix.Contains)
	}
	return nil
}

// contain reports whether the set has addr. Unix sockets and what else has no
// address are in no set.
func (h *ncHosts) contain(addr net.Addr) bool {
	host, _, err := net.SplitHostPort(addr.String())
	if err != nil {
		return false
	}
	ip, err := netip.ParseAddr(host)
	if err != nil {
		return false
	}
	ip = ip.Unmap().WithZone("")
	for _, in := range h.rules {
		if in(ip) {
			return true
		}
	}
	return false
}

// ncParts says of each part of an IPv4 address which numbers it may be.
type ncParts [4][256]bool

func (p *ncParts) contain(ip [4]byte) bool {
	return p[0][ip[0]] && p[1][ip[1]] && p[2][ip[2]] && p[3][ip[3]]
}

// ncOctets reads an IPv4 address with ranges and stars.
func ncOctets(spec string) (*ncParts, bool) {
	words := strings.Split(spec, ".")
	if len(words) != 4 {
		return nil, false
	}
	parts := new(ncParts)
	for i, word := range words {
		low, high, ranged := strings.Cut(word, "-")
		if word == "*" {
			low, high, ranged = "", "", true
		}
		if !ranged {
			high = low
			if low == "" {
				return nil, false
			}
		}
		from, to := 0, 255
		var err error
		if low != "" {
			if from, err = strconv.Atoi(low); err != nil {
				return nil, false
			}
		}
		if high != "" {
			if to, err = strconv.Atoi(high); err != nil {
				return nil, false
			}
		}
		if from < 0 || to > 255 || from > to {
			return nil, false
		}
		for n := from; n <= to; n++ {
			parts[i][n] = true
		}
	}
	return parts, true
}
