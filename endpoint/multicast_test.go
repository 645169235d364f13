package endpoint_test

import (
	"context"
	"errors"
	"fmt"
	"net"
	"runtime"
	"strings"
	"testing"

	"sockeye.dev/endpoint"
)

// A group is a multicast group on an interface where this machine hears itself;
// ttl=0 keeps what is sent there from leaving the machine.
type group struct{ name, host, options string }

func (g group) addr(t testing.TB, port uint16, options string) endpoint.Addr {
	return parse(t, fmt.Sprintf("udp://%s:%d?ttl=0%s", g.host, port, g.options+options))
}

func (g group) listen(t testing.TB, n endpoint.Network, port uint16, options string) (l endpoint.DatagramListener, at uint16) {
	t.Helper()
	nl, err := n.Listen(context.Background(), g.addr(t, port, options))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { nl.Close() })
	return nl.(endpoint.DatagramListener), endpoint.AddrOf("", nl.Addr()).Port
}

// loopbackGroup is on the loopback interface, which takes IPv4 multicasts on
// Linux and macOS even where it lacks the flag for it.
func loopbackGroup(t *testing.T) group {
	t.Helper()
	g := group{"IPv4", "239.255.77.88", "&iface=127.0.0.1"}
	l, err := endpoint.Host{}.Listen(context.Background(), g.addr(t, 0, ""))
	if err != nil {
		t.Skipf("this machine does not multicast on loopback: %v", err)
	}
	l.Close()
	return g
}

// ipv6Group is on some interface with IPv6, of interface-local scope.
func ipv6Group(t *testing.T) group {
	t.Helper()
	ifis, err := net.Interfaces()
	if err != nil {
		t.Fatal(err)
	}
	for _, ifi := range ifis {
		g := group{"IPv6", "[ff11::7788]", "&iface=" + ifi.Name}
		if able(t, g) == nil {
			return g
		}
	}
	t.Skip("no interface of this machine multicasts IPv6")
	return group{}
}

// able says why this machine cannot listen and speak to g, nil if it can.
func able(t *testing.T, g group) error {
	l, err := endpoint.Host{}.Listen(context.Background(), g.addr(t, 0, ""))
	if err != nil {
		return err
	}
	defer l.Close()
	c, err := endpoint.Host{}.Dial(context.Background(), g.addr(t, endpoint.AddrOf("", l.Addr()).Port, ""))
	if err != nil {
		return err
	}
	defer c.Close()
	_, err = c.Write([]byte("anyone?"))
	return err
}

// onGroups runs a test over the machine's groups and over Mem's.
func onGroups(t *testing.T, test func(t *testing.T, n endpoint.Network, g group)) {
	t.Run("IPv4", func(t *testing.T) { test(t, endpoint.Host{}, loopbackGroup(t)) })
	t.Run("IPv6", func(t *testing.T) { test(t, endpoint.Host{}, ipv6Group(t)) })
	t.Run("mem", func(t *testing.T) { test(t, new(endpoint.Mem), group{"mem", "239.1.2.3", ""}) })
	t.Run("mem6", func(t *testing.T) { test(t, new(endpoint.Mem), group{"mem", "[ff02::1]", ""}) })
}

// receiveFrom reads one message and returns who sent it.
func receiveFrom(t testing.TB, c net.Conn) (message, from string) {
	t.Helper()
	m, err := c.(endpoint.MessageConn).ReadMessage(nil)
	if err != nil {
		t.Fatal(err)
	}
	return string(m), c.(endpoint.Fromer).From().String()
}

// TestMulticastAsk: a question to a group reaches every member, and the answers
// of all reach who asked, each from an address of its own that can be answered.
func TestMulticastAsk(t *testing.T) {
	onGroups(t, func(t *testing.T, n endpoint.Network, g group) {
		a, port := g.listen(t, n, 0, "")
		b, _ := g.listen(t, n, port, "")
		c := dialAddr(t, n, g.addr(t, port, ""))
		send(t, c, "who is there?")
		for name, l := range map[string]net.Listener{"a": a, "b": b} {
			s := accept(t, l)
			receive(t, s, "who is there?")
			send(t, s, name)
		}
		answers := make(map[string]string)
		for range 2 {
			m, from := receiveFrom(t, c)
			answers[m] = from
			if ap := c.(endpoint.Fromer).From().(*net.UDPAddr).AddrPort(); ap.Addr().IsMulticast() || ap.Port() == port {
				t.Errorf("answered from %v", ap)
			}
		}
		if len(answers) != 2 || answers["a"] == answers["b"] {
			t.Errorf("answers: %v", answers)
		}
		if got := endpoint.AddrOf("udp", c.RemoteAddr()).Port; got != port {
			t.Errorf("remote address %v", c.RemoteAddr())
		}
		// Who answered can be spoken to.
		to := parse(t, "udp://"+answers["a"])
		direct := dialAddr(t, n, to)
		send(t, direct, "only you")
		receive(t, accept(t, a), "only you")
	})
}

// TestMulticastChat: members speak to the group from their own sockets and do
// not hear themselves.
func TestMulticastChat(t *testing.T) {
	onGroups(t, func(t *testing.T, n endpoint.Network, g group) {
		a, port := g.listen(t, n, 0, "")
		b, _ := g.listen(t, n, port, "")
		to := g.addr(t, port, "")
		to.Options = endpoint.Options{}
		aGroup := dialAddr(t, a, to)
		bGroup := dialAddr(t, b, to)
		send(t, aGroup, "hello from a")
		ba := accept(t, b)
		receive(t, ba, "hello from a")
		send(t, bGroup, "hello from b")
		ab := accept(t, a) // the first that a hears: not its own words
		receive(t, ab, "hello from b")
		// Unicast and group words of a member are one conversation.
		send(t, ba, "just between us")
		receive(t, ab, "just between us")
		send(t, aGroup, "to all")
		receive(t, ba, "to all")
		if a.Stats().Peers != 2 { // the group and b
			t.Errorf("%+v", a.Stats())
		}
		if _, err := a.Dial(context.Background(), to); !errors.Is(err, endpoint.ErrPeerExists) {
			t.Errorf("second dial of the group: %v", err)
		}
	})
}

func TestMulticastLoopOff(t *testing.T) {
	// Not on the loopback interface, which returns what it is given all the same.
	for _, g := range []group{{"IPv4", "239.255.77.88", "&iface=all"}, {"IPv6", "[ff12::7788]", "&iface=all"}} {
		t.Run(g.name, func(t *testing.T) {
			if err := able(t, g); err != nil {
				t.Skip(err)
			}
			l, port := g.listen(t, endpoint.Host{}, 0, "")
			send(t, dialAddr(t, endpoint.Host{}, g.addr(t, port, "&loop=off")), "unheard")
			send(t, dialAddr(t, endpoint.Host{}, g.addr(t, port, "")), "heard")
			receive(t, accept(t, l), "heard")
		})
	}
}

func TestMulticastSource(t *testing.T) {
	g := loopbackGroup(t)
	if runtime.GOOS != "linux" {
		t.Skip("needs all of 127.0.0.0/8")
	}
	l, port := g.listen(t, endpoint.Host{}, 0, "&source=127.0.0.2")
	send(t, dialAddr(t, endpoint.Host{}, g.addr(t, port, "&bind=127.0.0.1")), "from another")
	send(t, dialAddr(t, endpoint.Host{}, g.addr(t, port, "&bind=127.0.0.2")), "from the source")
	receive(t, accept(t, l), "from the source")
}

// TestMulticastOnlyItsOwn: a socket hears the group it joined on the interface
// it joined on, whatever else the machine has joined on that port.
func TestMulticastOnlyItsOwn(t *testing.T) {
	g := loopbackGroup(t)
	l, port := g.listen(t, endpoint.Host{}, 0, "")
	other := group{"", "239.255.77.89", g.options}
	other.listen(t, endpoint.Host{}, port, "")
	send(t, dialAddr(t, endpoint.Host{}, other.addr(t, port, "")), "to another group")
	send(t, dialAddr(t, endpoint.Host{}, g.addr(t, port, "")), "to this one")
	receive(t, accept(t, l), "to this one")
}

func TestMulticastEveryInterface(t *testing.T) {
	g := group{"", "239.255.77.90", "&iface=all"}
	if err := able(t, g); err != nil {
		t.Skip(err)
	}
	l, port := g.listen(t, endpoint.Host{}, 0, "")
	c := dialAddr(t, endpoint.Host{}, g.addr(t, port, ""))
	send(t, c, "hello")
	s := accept(t, l)
	receive(t, s, "hello")
	send(t, s, "answer")
	receive(t, c, "answer")
}

func TestMulticastNoSuchInterface(t *testing.T) {
	_, err := endpoint.Host{}.Listen(context.Background(), parse(t, "udp://239.1.2.3:0?iface=nosuch0"))
	want := `listen udp://239.1.2.3:0: option "iface=nosuch0": there is no such interface`
	if err == nil || err.Error() != want || !strings.HasPrefix(endpoint.Hint(err), "the interfaces are ") {
		t.Errorf("error %v, hint %q; want %s", err, endpoint.Hint(err), want)
	}
}

// TestBroadcast: a broadcast reaches all who listen at its port, and their
// answers reach who sent it.
func TestBroadcast(t *testing.T) {
	for _, tt := range []struct {
		name string
		n    endpoint.Network
		to   string
	}{
		{"seen to be one", endpoint.Host{}, "udp://127.255.255.255:%d"},
		{"said to be one", endpoint.Host{}, "udp://127.255.255.255:%d?broadcast=on"},
		{"limited", endpoint.Host{}, "udp://255.255.255.255:%d?iface=127.0.0.1"},
		{"mem", new(endpoint.Mem), "udp://255.255.255.255:%d"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if tt.name != "mem" && runtime.GOOS != "linux" {
				t.Skip("broadcasts on loopback are Linux's")
			}
			l := listen(t, tt.n, "udp4://:0?reuseaddr=on").(endpoint.DatagramListener)
			port := endpoint.AddrOf("", l.Addr()).Port
			listeners := []net.Listener{l}
			if tt.name != "mem" {
				listeners = append(listeners, listen(t, tt.n, fmt.Sprintf("udp4://:%d?reuseaddr=on", port)))
			}
			c := dial(t, tt.n, fmt.Sprintf(tt.to, port))
			send(t, c, "who is there?")
			for _, l := range listeners {
				s := accept(t, l)
				receive(t, s, "who is there?")
				send(t, s, "me")
				if ip := s.LocalAddr().(*net.UDPAddr).IP; ip.Equal(net.IPv4bcast) {
					t.Errorf("asked at %v, which nothing can be answered from", ip)
				}
			}
			for range listeners {
				if m, from := receiveFrom(t, c); m != "me" || strings.HasPrefix(from, "255.") || strings.Contains(from, ".255:") {
					t.Errorf("%q from %s", m, from)
				}
			}
		})
	}
}

// TestBroadcastFromListener: a listener that broadcasts to its own port does not
// hear itself, and hears others once, however they speak to it.
func TestBroadcastFromListener(t *testing.T) {
	bothNetworks(t, func(t *testing.T, n endpoint.Network) {
		if runtime.GOOS != "linux" {
			t.Skip("needs broadcasts on loopback")
		}
		for _, at := range []string{"udp4://:0", "udp://:0"} {
			l := listen(t, n, at)
			port := endpoint.AddrOf("", l.Addr()).Port
			to := parse(t, fmt.Sprintf("udp://127.255.255.255:%d", port))
			if _, ok := n.(*endpoint.Mem); ok {
				to.Host = "255.255.255.255"
			}
			all := dialAddr(t, l.(endpoint.Dialer), to)
			send(t, all, "my own words")
			other := listen(t, n, "udp4://:0")
			send(t, dialAddr(t, other.(endpoint.Dialer), to), "hello all")
			s := accept(t, l)
			receive(t, s, "hello all")
			to.Host = "127.0.0.1"
			direct := dialAddr(t, other.(endpoint.Dialer), to)
			send(t, direct, "hello you")
			if _, ok := n.(*endpoint.Mem); !ok {
				receive(t, s, "hello you") // the same conversation
			}
		}
	})
}
