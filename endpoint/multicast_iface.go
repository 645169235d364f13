package endpoint

import (
	"errors"
	"net"
	"net/netip"
	"strings"
)

// interfaces returns those the option iface, or the zone of ip, asks for; none
// when the system is to choose.
func (s settings) interfaces(op string, a Addr, ip netip.Addr) ([]*net.Interface, error) {
	name := s.many.iface
	if name == "" {
		name = ip.Zone()
	}
	if name == "" && (op == "dial" || !needsZone(ip)) {
		return nil, nil
	}
	all, err := net.Interfaces()
	if err != nil {
		return nil, opError(op, a, err)
	}
	flag := net.FlagBroadcast
	if ip.IsMulticast() {
		flag = net.FlagMulticast
	}
	want, _ := netip.ParseAddr(name)
	var names []string
	var found []*net.Interface
	for i, ifi := range all {
		names = append(names, ifi.Name)
		able := ifi.Flags&net.FlagUp != 0 && ifi.Flags&flag != 0
		switch name {
		case ifi.Name:
			return []*net.Interface{&all[i]}, nil
		case "all", "":
			if able && hasFamily(ifi, ip) {
				found = append(found, &all[i])
			}
		default:
			if want.IsValid() && hasAddr(ifi, want) {
				return []*net.Interface{&all[i]}, nil
			}
		}
	}
	e := &OptionError{Op: op, Addr: a, Option: "iface", Value: s.many.iface, Hint: "the interfaces are " + strings.Join(names, ", ")}
	switch {
	case name == "all" && len(found) > 0, name == "" && len(found) == 1:
		return found, nil
	case name == "all":
		e.Reason = "no interface that is up can do it"
	case name == "":
		e.Reason = "a group of that scope is another one on each interface, so it has to be given"
	default:
		e.Reason = "there is no such interface"
	}
	return nil, e
}

func hasAddr(ifi net.Interface, want netip.Addr) bool {
	addrs, _ := ifi.Addrs()
	for _, a := range addrs {
		if n, ok := a.(*net.IPNet); ok && n.IP.Equal(want.AsSlice()) {
			return true
		}
	}
	return false
}

// hasFamily reports whether ifi has an address of ip's family.
func hasFamily(ifi net.Interface, ip netip.Addr) bool {
	addrs, _ := ifi.Addrs()
	for _, a := range addrs {
		if n, ok := a.(*net.IPNet); ok && (n.IP.To4() != nil) == ip.Is4() {
			return true
		}
	}
	return false
}

// ipv4Of returns ifi's first IPv4 address.
func ipv4Of(ifi *net.Interface) (netip.Addr, error) {
	addrs, err := ifi.Addrs()
	for _, a := range addrs {
		if n, ok := a.(*net.IPNet); ok && n.IP.To4() != nil {
			ip, _ := netip.AddrFromSlice(n.IP.To4())
			return ip, nil
		}
	}
	if err == nil {
		err = errors.New("the interface " + ifi.Name + " has no IPv4 address")
	}
	return netip.Addr{}, err
}

// isSubnetBroadcast reports whether ip is the highest address of one of this
// machine's IPv4 networks.
func isSubnetBroadcast(ip netip.Addr) bool {
	b := ip.As4()
	if b[3]&3 != 3 {
		return false // no network of four addresses or more ends there
	}
	addrs, _ := net.InterfaceAddrs()
	for _, a := range addrs {
		n, ok := a.(*net.IPNet)
		if !ok || n.IP.To4() == nil {
			continue
		}
		own, _ := netip.AddrFromSlice(n.IP.To4())
		ones, _ := n.Mask.Size()
		network, err := own.Prefix(ones)
		if err != nil || ones > 30 || !network.Contains(ip) {
			continue
		}
		host := ^uint32(0) >> ones
		if (uint32(b[0])<<24|uint32(b[1])<<16|uint32(b[2])<<8|uint32(b[3]))&host == host {
			return true
		}
	}
	return false
}

// isOwn reports whether ip is one of this machine's addresses.
func isOwn(ip netip.Addr) bool {
	addrs, _ := net.InterfaceAddrs()
	for _, a := range addrs {
		if n, ok := a.(*net.IPNet); ok {
			if own, _ := netip.AddrFromSlice(n.IP); own.Unmap() == ip.WithZone("") {
				return true
			}
		}
	}
	return false
}
