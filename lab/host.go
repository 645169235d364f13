package lab

import (
	"fmt"

	"gvisor.dev/gvisor/pkg/buffer"
	"gvisor.dev/gvisor/pkg/tcpip"
	"gvisor.dev/gvisor/pkg/tcpip/header"
	"gvisor.dev/gvisor/pkg/tcpip/network/ipv4"
	"gvisor.dev/gvisor/pkg/tcpip/stack"
	"gvisor.dev/gvisor/pkg/tcpip/transport/icmp"
	"gvisor.dev/gvisor/pkg/tcpip/transport/tcp"
	"gvisor.dev/gvisor/pkg/tcpip/transport/udp"
)

// host is one machine: a stack with one network interface, which is the wire.
type host struct {
	index int
	stack *stack.Stack
	wire  *wire
	nic   *nic
	ends  []*end            // of TCP, whose states are watched
	conns map[connKey]*conn // what the probe has told
	last  *conn             // the one it told last in this event
	stats counters          // before the event
}

// addressOf is a host's: 10.0.0.1 for A.
func addressOf(i int) tcpip.Address {
	if i == Everyone {
		return tcpip.AddrFrom4([4]byte{10, 0, 0, 255})
	}
	return tcpip.AddrFrom4([4]byte{10, 0, 0, byte(i + 1)})
}

// Address is a host's IPv4 address.
func Address(i int) string { return addressOf(i).String() }

func newHost(i int, s *Setup, c *clock, w *wire) (*host, error) {
	h := &host{index: i, wire: w, conns: make(map[connKey]*conn)}
	src := newSource(s.Seed, i)
	h.stack = stack.New(stack.Options{
		NetworkProtocols:   []stack.NetworkProtocolFactory{ipv4.NewProtocol},
		TransportProtocols: []stack.TransportProtocolFactory{tcp.NewProtocolProbe(h.probe), udp.NewProtocol, icmp.NewProtocol4},
		Clock:              hostClock{c, i}, RandSource: src, SecureRNG: src,
	})
	set := func(o tcpip.SettableTransportProtocolOption) error {
		if err := h.stack.SetTransportProtocolOption(tcp.ProtocolNumber, o); err != nil {
			return fmt.Errorf("host %s: %T: %s", Host(i), o, err)
		}
		return nil
	}
	cc := tcpip.CongestionControlOption(s.Stack.congestion())
	sack := tcpip.TCPSACKEnabled(!s.Stack.NoSACK)
	recovery := tcpip.TCPRecovery(0)
	if s.Stack.RACK {
		recovery = tcpip.TCPRACKLossDetection
	}
	options := []tcpip.SettableTransportProtocolOption{&cc, &sack, &recovery}
	if s.Stack.MinRTO > 0 {
		o := tcpip.TCPMinRTOOption(s.Stack.MinRTO)
		options = append(options, &o)
	}
	for _, o := range options {
		if err := set(o); err != nil {
			return nil, err
		}
	}
	h.nic = &nic{host: h, mtu: uint32(s.Stack.mtu())}
	switch s.Stack.Offload { // to show what becomes of the claims without checksums
	case "rx":
		h.nic.offload = stack.CapabilityRXChecksumOffload
	case "tx":
		h.nic.offload = stack.CapabilityTXChecksumOffload
	}
	if err := h.stack.CreateNIC(1, h.nic); err != nil {
		return nil, fmt.Errorf("host %s: interface: %s", Host(i), err)
	}
	addr := tcpip.ProtocolAddress{Protocol: ipv4.ProtocolNumber, AddressWithPrefix: tcpip.AddressWithPrefix{Address: addressOf(i), PrefixLen: 24}}
	if err := h.stack.AddProtocolAddress(1, addr, stack.AddressProperties{}); err != nil {
		return nil, fmt.Errorf("host %s: address: %s", Host(i), err)
	}
	h.stack.SetRouteTable([]tcpip.Route{{Destination: header.IPv4EmptySubnet, NIC: 1}})
	return h, nil
}

// rest waits until the stack has nothing left to do at this instant. Pause
// returns when each of TCP's goroutines has found its queue empty.
func (h *host) rest() {
	h.stack.Pause()
	h.stack.Resume()
}

// receive hands a packet to the stack.
func (h *host) receive(raw []byte) {
	pb := stack.NewPacketBuffer(stack.PacketBufferOptions{Payload: buffer.MakeWithData(raw)})
	h.nic.up.DeliverNetworkPacket(header.IPv4ProtocolNumber, pb)
	pb.DecRef()
}

// nic is a host's end of the wire. It implements stack.LinkEndpoint. It has no
// checksum offload unless asked to pretend: sums are real.
type nic struct {
	host    *host
	mtu     uint32
	offload stack.LinkEndpointCapabilities
	up      stack.NetworkDispatcher
}

var _ stack.LinkEndpoint = (*nic)(nil)

func (n *nic) MTU() uint32                                  { return n.mtu }
func (n *nic) SetMTU(mtu uint32)                            { n.mtu = mtu }
func (n *nic) MaxHeaderLength() uint16                      { return 0 }
func (n *nic) LinkAddress() tcpip.LinkAddress               { return "" }
func (n *nic) SetLinkAddress(tcpip.LinkAddress)             {}
func (n *nic) Capabilities() stack.LinkEndpointCapabilities { return n.offload }
func (n *nic) Attach(d stack.NetworkDispatcher)             { n.up = d }
func (n *nic) IsAttached() bool                             { return n.up != nil }
func (n *nic) Wait()                                        {}
func (n *nic) ARPHardwareType() header.ARPHardwareType      { return header.ARPHardwareNone }
func (n *nic) AddHeader(*stack.PacketBuffer)                {}
func (n *nic) ParseHeader(*stack.PacketBuffer) bool         { return true }
func (n *nic) Close()                                       {}
func (n *nic) SetOnCloseAction(func())                      {}

func (n *nic) WritePackets(list stack.PacketBufferList) (int, tcpip.Error) {
	for _, p := range list.AsSlice() {
		b := p.ToBuffer()
		raw := b.Flatten()
		b.Release()
		if to, ok := receiver(raw, n.host.wire.setup.hosts()); ok && to != n.host.index {
			n.host.wire.transmit(n.host.index, to, raw)
		}
	}
	return list.Len(), nil
}

// receiver is the host, or Everyone, that a packet is for.
func receiver(raw []byte, hosts int) (to int, ok bool) {
	last := int(raw[19])
	if last == 255 {
		return Everyone, true
	}
	return last - 1, last >= 1 && last <= hosts
}
