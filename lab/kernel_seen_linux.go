package lab

import (
	"time"

	"golang.org/x/sys/unix"
	"gvisor.dev/gvisor/pkg/tcpip/header"
)

// What can be seen of Linux's TCP: packets from outside, and TCP_INFO.

// kernelStates are Linux's numbers.
var kernelStates = [...]string{1: "ESTABLISHED", 2: "SYN-SENT", 3: "SYN-RECEIVED", 4: "FIN-WAIT-1", 5: "FIN-WAIT-2", 6: "TIME-WAIT", 7: "CLOSED",
	8: "CLOSE-WAIT", 9: "LAST-ACK", 10: "LISTEN", 11: "CLOSING", 12: "SYN-RECEIVED"}

const (
	stateEstablished = "ESTABLISHED"
	stateClosed      = "CLOSED"
)

// kernelRecoveries are enum tcp_ca_state.
var kernelRecoveries = [...]string{"open", "disorder", "cwr", "recovery", "loss"}

func nth(names []string, n uint8) string {
	if int(n) < len(names) {
		return names[n]
	}
	return ""
}

// announced is the last that a sender has said of what it receives.
type announced struct {
	ack    uint32
	window int
}

// sent says why a packet was sent, as far as that is seen from outside.
func (k *kernel) sent(p *Packet, again bool) {
	p.Why = k.why(p, again)
	k.watch(p, p.From)
	if h := &p.Header; h.Proto == "TCP" && h.flags&(header.TCPFlagSyn|header.TCPFlagAck) == header.TCPFlagSyn|header.TCPFlagAck && !again && p.Flow >= 0 {
		// Until it is established a server's connection is no socket.
		k.run.States = append(k.run.States, StateChange{At: p.Sent, Host: p.From, Flow: p.Flow, State: "SYN-RECEIVED", Inferred: true})
	}
}

func (k *kernel) why(p *Packet, again bool) Why {
	h := &p.Header
	switch h.Proto {
	case "UDP":
		return WhyDatagram
	case "ICMP":
		return WhyICMP
	case "TCP":
	default:
		return ""
	}
	said := k.seen[p.key()]
	k.seen[p.key()] = announced{h.Ack, h.Window}
	me, peer := k.wire.streams.get(p.key()), k.wire.streams.get(p.key().reverse())
	syn, ack := h.flags&header.TCPFlagSyn != 0, h.flags&header.TCPFlagAck != 0
	switch {
	case h.flags&header.TCPFlagRst != 0:
		return WhyReset
	case syn && again:
		return WhySYN
	case syn && ack:
		return WhyAccept
	case syn:
		return WhyConnect
	case again:
		return WhyRetransmit
	case h.Len > 0 && h.flags&header.TCPFlagFin == 0:
		return WhyNew
	case h.flags&header.TCPFlagFin != 0:
		return WhyClose
	case peer.toldWin == 0 && h.Seq+1 == me.acked: // Linux's has no data, and an old number
		return WhyProbe
	case h.Ack == said.ack && h.Window > said.window && len(h.Sack) == 0:
		return WhyWindow
	}
	return WhyAck
}

// watch looks at the state of a flow's end at a host when a packet may have
// changed it: one that opens or closes, and any while it is not established.
func (k *kernel) watch(p *Packet, host int) {
	h := &p.Header
	if h.Proto != "TCP" || p.Flow < 0 || p.Flow >= len(k.flows) {
		return
	}
	opens := h.flags&(header.TCPFlagSyn|header.TCPFlagFin|header.TCPFlagRst) != 0
	for _, d := range k.flows[p.Flow].ends() {
		if d.host != host || d.fd < 0 {
			continue
		}
		if p.To == host && !p.Fate.Has(Corrupt) {
			d.reset = d.reset || h.flags&header.TCPFlagRst != 0
			d.finCame = d.finCame || h.flags&header.TCPFlagFin != 0
		}
		if opens || d.state != stateEstablished {
			d.look()
		}
	}
}

// look notes the end's state if it has changed.
func (d *kernelEnd) look() {
	if d.fd < 0 {
		return
	}
	if t, err := unix.GetsockoptTCPInfo(d.fd, unix.IPPROTO_TCP, unix.TCP_INFO); err == nil {
		d.becomes(nth(kernelStates[:], t.State))
	}
}

// becomes notes a state. Linux lets a socket that has closed first end, and
// keeps TIME-WAIT apart from it.
func (d *kernelEnd) becomes(state string) {
	was := d.state
	if state == was {
		return
	}
	d.state = state
	change := StateChange{At: d.k.elapsed(), Host: d.host, Flow: d.flow, State: state}
	if state == stateClosed && !d.reset && (was == "FIN-WAIT-1" || was == "FIN-WAIT-2" || was == "CLOSING") && d.finCame {
		change.State, change.Inferred = "TIME-WAIT", true
	}
	d.k.run.States = append(d.k.run.States, change)
}

// ask asks TCP_INFO of each end.
func (k *kernel) ask() {
	for _, f := range k.flows {
		for _, d := range f.ends() {
			if d.fd < 0 {
				continue
			}
			t, err := unix.GetsockoptTCPInfo(d.fd, unix.IPPROTO_TCP, unix.TCP_INFO)
			if err != nil {
				continue
			}
			d.becomes(nth(kernelStates[:], t.State))
			info := d.info(t)
			same := d.told
			same.At = info.At
			if same == info {
				continue
			}
			d.told = info
			k.run.Info = append(k.run.Info, info)
			if d.state != stateClosed && d.state != "SYN-SENT" {
				k.run.Samples = append(k.run.Samples, info.sample())
			}
		}
	}
}

func (d *kernelEnd) info(t *unix.TCPInfo) KernelInfo {
	micros := func(n uint32) time.Duration { return time.Duration(n) * time.Microsecond }
	i := KernelInfo{
		At: d.k.elapsed(), Flow: d.flow, Host: d.host, State: d.state, Recovery: nth(kernelRecoveries[:], t.Ca_state),
		Cwnd: int(t.Snd_cwnd), Ssthresh: int(t.Snd_ssthresh), MSS: int(t.Snd_mss),
		Unacked: int(t.Unacked), Sacked: int(t.Sacked), Lost: int(t.Lost), Retrans: int(t.Retrans), TotalRetrans: int(t.Total_retrans),
		Unsent: int(t.Notsent_bytes), Window: int(t.Snd_wnd), RTO: micros(t.Rto), SRTT: micros(t.Rtt), RTTVar: micros(t.Rttvar),
		MinRTT: micros(t.Min_rtt), Delivered: int64(t.Bytes_acked),
	}
	if t.Snd_ssthresh >= 0x7fffffff { // TCP_INFINITE_SSTHRESH
		i.Ssthresh = 0
	}
	if t.Min_rtt == ^uint32(0) {
		i.MinRTT = 0
	}
	if t.Pacing_rate != ^uint64(0) {
		i.Pacing = int64(t.Pacing_rate)
	}
	// Before Linux 6.2 there is no such field, and it reads 0.
	if d.tellsWindow = d.tellsWindow || t.Snd_wnd > 0; !d.tellsWindow {
		i.Window = -1
	}
	return i
}

func (i KernelInfo) sample() Sample {
	return Sample{At: i.At, Flow: i.Flow, Host: i.Host, Cwnd: i.Cwnd, Ssthresh: i.Ssthresh, Outstanding: i.Unacked, MSS: i.MSS,
		SndWnd: i.Window, SRTT: i.SRTT, RTO: i.RTO, Recovering: i.Recovery == "recovery"}
}
