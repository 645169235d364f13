package lab

import (
	"fmt"
	"strings"
	"time"

	"gvisor.dev/gvisor/pkg/tcpip/header"

	"sockeye.dev/impair"
)

// Never is the arrival of what did not arrive.
const Never = time.Duration(-1)

// A Packet is one packet on one line, with the whole truth about it. Raw, Got
// and the times are what the two taps saw; Fate is the line's doing; Why is the
// sender's reason and Verdict what the receiving stack made of it, both from the
// stacks' counters and probes unless they are marked as inferred.
type Packet struct {
	ID       int // from 1, in the order of sending
	From, To int // hosts
	CopyOf   int // the packet this one is a copy of, made by the line or by a broadcast; 0: the sender sent it
	Flow     int // index of Run.Flows; -1: of none

	Sent    time.Duration // at the sender's tap
	Start   time.Duration // its first bit left the queue
	Arrived time.Duration // at the receiver's tap; Never
	Nth     int           // its arrival's ordinal number in the run, from 1; 0: never

	Raw []byte // as sent, from the IPv4 header on
	Got []byte // as it arrived, if that is something else

	Fate    Fate
	Why     Why
	Cause   Cause
	Verdict Verdict
	Header  Header // what Raw says
}

// A Fate is what the line did to a packet, as a set. Zero: it was carried as it
// is, unless the run ended first.
type Fate uint8

const (
	Lost        Fate = 1 << iota // by chance or script, on the line
	QueueDrop                    // the queue before the line was full
	Duplicate                    // this is the copy that the line made
	Corrupt                      // a bit is not as it was sent
	Swapped                      // two 16-bit words changed places
	Reordered                    // one that was sent later arrived before it
	Scripted                     // a fault of the script had a hand in it
	carriedName = "carried"
)

var fateNames = []string{"lost", "queue-drop", "duplicate", "corrupt", "swapped", "reordered", "scripted"}

func (f Fate) Has(g Fate) bool { return f&g == g }

// String is the names of f's members, joined by "+".
func (f Fate) String() string {
	if f == 0 {
		return carriedName
	}
	var names []string
	for i, name := range fateNames {
		if f.Has(1 << i) {
			names = append(names, name)
		}
	}
	return strings.Join(names, "+")
}

// MarshalText is String.
func (f Fate) MarshalText() ([]byte, error) { return []byte(f.String()), nil }

func fateOf(f impair.Fate) Fate {
	var out Fate
	for _, m := range []struct {
		is impair.Fate
		as Fate
	}{{impair.Lost, Lost}, {impair.Overflowed, QueueDrop}, {impair.Duplicated, Duplicate}, {impair.Corrupted, Corrupt}} {
		if f.Has(m.is) {
			out |= m.as
		}
	}
	return out
}

// Why says why a sender sent a packet.
type Why string

const (
	WhyConnect    Why = "connect"           // a SYN, the application's doing
	WhyAccept     Why = "accept"            // a SYN-ACK, in answer to a SYN
	WhyNew        Why = "new data"          // not sent before
	WhyClose      Why = "close"             // a FIN, the application's doing
	WhyAck        Why = "ack"               // in answer to a packet
	WhyWindow     Why = "window update"     // the application has read
	WhyRTO        Why = "RTO"               // the retransmission timer ran out (RFC 6298)
	WhySYN        Why = "SYN timeout"       // a SYN or SYN-ACK again, its timer ran out
	WhyFast       Why = "fast retransmit"   // duplicate acknowledgements told (RFC 5681)
	WhyRecovery   Why = "recovery"          // more of what was lost, during fast recovery
	WhyAfterRTO   Why = "after the timeout" // more of what was lost, after an RTO
	WhyTimer      Why = "RACK or TLP timer" // inferred: a timer, a retransmission, but no RTO
	WhyRetransmit Why = "retransmit"        // sent before; that is all one can see
	WhyProbe      Why = "zero-window probe"
	WhyReset      Why = "reset" // a RST
	WhyDatagram   Why = "datagram"
	WhyICMP       Why = "icmp error"
)

// Retransmission reports whether the packet repeats what was sent before.
func (w Why) Retransmission() bool {
	switch w {
	case WhyRTO, WhySYN, WhyFast, WhyRecovery, WhyAfterRTO, WhyTimer, WhyRetransmit:
		return true
	}
	return false
}

// A Cause is the event in which a packet was sent: the application, a timer, or
// the arrival of a packet.
type Cause struct {
	Kind   string // app, timer, packet
	Packet int    `json:",omitempty"` // its ID
}

// A VerdictKind is what a receiver did with a packet.
type VerdictKind string

const (
	NoVerdict       VerdictKind = ""                   // it did not arrive
	Accepted        VerdictKind = "accepted"           // processed; there is nothing more to say
	InOrder         VerdictKind = "in order"           // its data went to the application, Bytes
	FillsGap        VerdictKind = "fills the gap"      // and what was held behind it, Bytes
	Held            VerdictKind = "held"               // kept until Seq has come
	DuplicateData   VerdictKind = "duplicate"          // all of it was delivered before: dropped
	DuplicateHeld   VerdictKind = "duplicate of held"  // inferred: all of it was held already
	OutOfWindow     VerdictKind = "out of window"      // beyond what the receiver had room for
	NoRoom          VerdictKind = "no room"            // neither delivered nor held
	Acknowledges    VerdictKind = "acknowledges"       // Bytes that were in flight
	DuplicateAck    VerdictKind = "duplicate ack"      // the sender's counter stands at N; 0: it does not count now
	Selective       VerdictKind = "selective ack"      // it tells what came out of order (RFC 2018), and acknowledges no more
	WindowOpens     VerdictKind = "window opens"       // from less to Bytes
	BadChecksum     VerdictKind = "bad checksum"       // dropped
	Malformed       VerdictKind = "malformed"          // dropped
	ToMany          VerdictKind = "to many"            // a segment for a broadcast address: dropped (RFC 9293, 3.9.2.3)
	Fragment        VerdictKind = "fragment"           // kept until the rest of its datagram has come
	BufferFull      VerdictKind = "buffer full"        // a datagram dropped at its socket
	NoPort          VerdictKind = "no such port"       // nobody listens there
	ToSocket        VerdictKind = "delivered"          // a datagram, to its socket
	ResetsIt        VerdictKind = "resets"             // the connection is no more
	ProbeAnswered   VerdictKind = "old byte"           // a probe: dropped, and answered
	ProbeDropped    VerdictKind = "probe dropped"      // and not answered
	NoConnection    VerdictKind = "no such connection" // there is none, or none any more
	OldAck          VerdictKind = "nothing new"        // an acknowledgement of what was acknowledged
	OpensConnection VerdictKind = "opens a connection" // a SYN that is answered
)

// A Verdict is what the receiving stack did with a packet.
type Verdict struct {
	Kind     VerdictKind
	Bytes    int    `json:",omitempty"` // delivered, acknowledged, of the window
	Fin      bool   `json:",omitempty"` // and the end of the stream, which Bytes does not count
	Seq      uint32 `json:",omitempty"` // the relative number that is waited for
	N        int    `json:",omitempty"` // of the duplicate acknowledgement
	Inferred bool   `json:",omitempty"` // from the log, not from the stack
}

// A Header is what a packet's own headers say. Numbers of TCP are relative to
// the initial ones, where those were seen.
type Header struct {
	Proto            string // TCP, UDP, ICMP
	SrcPort, DstPort uint16
	Flags            string `json:",omitempty"` // of TCP: SYN ACK
	Seq, Ack         uint32
	Window           int         // bytes, scaled
	Len              int         // bytes of payload
	Number           int         `json:",omitempty"` // of a datagram of a flow, from 1
	Sack             []SackBlock `json:",omitempty"`
	flags            header.TCPFlags
}

// SackBlock is a range of a stream that was received out of order, [From, To).
type SackBlock struct{ From, To uint32 }

// Retransmission reports whether the packet repeats what its sender has sent
// before.
func (p *Packet) Retransmission() bool { return p.CopyOf == 0 && p.Why.Retransmission() }

// Delivered reports whether the packet arrived.
func (p *Packet) Delivered() bool { return p.Arrived != Never }

// received is the bytes at the receiver's tap.
func (p *Packet) received() []byte {
	if p.Got != nil {
		return p.Got
	}
	return p.Raw
}

// Summary is the packet's headers in a line: SYN ACK seq=0 ack=1 win=65535.
func (p *Packet) Summary() string {
	h := &p.Header
	switch {
	case h.Number > 0:
		return fmt.Sprintf("UDP %d len=%d", h.Number, h.Len)
	case h.Proto != "TCP":
		return fmt.Sprintf("%s len=%d", h.Proto, h.Len)
	}
	var b strings.Builder
	fmt.Fprintf(&b, "%s seq=%d", h.Flags, h.Seq)
	if h.flags&header.TCPFlagAck != 0 {
		fmt.Fprintf(&b, " ack=%d", h.Ack)
	}
	if h.flags&header.TCPFlagRst == 0 {
		fmt.Fprintf(&b, " win=%d", h.Window)
	}
	if h.Len > 0 {
		fmt.Fprintf(&b, " len=%d", h.Len)
	}
	for i, s := range h.Sack {
		if i == 0 {
			b.WriteString(" sack=")
		} else {
			b.WriteByte(',')
		}
		fmt.Fprintf(&b, "%d-%d", s.From, s.To)
	}
	return b.String()
}

// String is the verdict in English.
func (v Verdict) String() string { return v.In("en") }

// In is the verdict in a language.
func (v Verdict) In(lang string) string {
	t, ok := verdictTexts[v.Kind]
	if !ok {
		return string(v.Kind)
	}
	switch {
	case v.Fin && v.Bytes == 0:
		t = finTexts[v.Kind]
	case v.Kind == DuplicateAck && v.N == 0:
		t = Text{"duplicate ACK", "重复确认"}
	}
	s := t.In(lang)
	if v.Fin && v.Bytes > 0 {
		s += Text{", and the end", "，以及结束"}.In(lang)
	}
	s = strings.NewReplacer("{bytes}", fmt.Sprint(v.Bytes), "{seq}", fmt.Sprint(v.Seq), "{n}", fmt.Sprint(v.N)).Replace(s)
	if v.Inferred {
		s += Text{" (inferred)", "（推断）"}.In(lang)
	}
	return s
}

var verdictTexts = map[VerdictKind]Text{
	Accepted:        {"accepted", "接受"},
	InOrder:         {"{bytes} B in order", "{bytes} 字节按序交付"},
	FillsGap:        {"fills the gap: {bytes} B in order", "补上缺口：{bytes} 字节按序交付"},
	Held:            {"held: waiting for {seq}", "暂存：等待 {seq}"},
	DuplicateData:   {"duplicate: dropped", "重复：丢弃"},
	DuplicateHeld:   {"duplicate of what is held", "与暂存的重复"},
	OutOfWindow:     {"out of window: dropped", "超出窗口：丢弃"},
	NoRoom:          {"no room: dropped", "无处存放：丢弃"},
	Acknowledges:    {"acknowledges {bytes} B", "确认 {bytes} 字节"},
	DuplicateAck:    {"duplicate ACK {n}", "第 {n} 个重复确认"},
	WindowOpens:     {"window opens: {bytes} B", "窗口打开：{bytes} 字节"},
	BadChecksum:     {"bad checksum: dropped", "校验和错误：丢弃"},
	Malformed:       {"malformed: dropped", "格式错误：丢弃"},
	ToMany:          {"TCP to a broadcast address: dropped", "发往广播地址的 TCP：丢弃"},
	Fragment:        {"fragment: kept", "分片：暂存"},
	BufferFull:      {"socket buffer full: dropped", "套接字缓冲区满：丢弃"},
	NoPort:          {"no such port: dropped", "无此端口：丢弃"},
	ToSocket:        {"delivered", "交付"},
	ResetsIt:        {"connection reset", "连接被复位"},
	ProbeAnswered:   {"old byte: dropped, answered", "旧字节：丢弃并应答"},
	ProbeDropped:    {"old byte: dropped, not answered", "旧字节：丢弃，未应答"},
	NoConnection:    {"no such connection", "无此连接"},
	Selective:       {"tells what came out of order", "告知乱序到达的部分"},
	OldAck:          {"nothing new", "没有新内容"},
	OpensConnection: {"opens a connection", "建立连接"},
}

// finTexts are verdicts on nothing but the end of a stream.
var finTexts = map[VerdictKind]Text{
	InOrder:      {"end of stream", "流结束"},
	FillsGap:     {"end of stream", "流结束"},
	Acknowledges: {"acknowledges the FIN", "确认 FIN"},

	DuplicateData: {"FIN again: acknowledged again", "FIN 重复到达：再次确认"},
}

var whyTexts = map[Why]Text{
	WhyConnect: {"connect", "连接"}, WhyAccept: {"accept", "应答连接"}, WhyNew: {"new data", "新数据"}, WhyClose: {"close", "关闭"},
	WhyAck: {"ack", "确认"}, WhyWindow: {"window update", "窗口更新"}, WhyRTO: {"RTO", "超时重传"}, WhySYN: {"SYN timeout", "SYN 超时重传"},
	WhyFast: {"fast retransmit", "快速重传"}, WhyRecovery: {"recovery", "恢复期重传"}, WhyAfterRTO: {"after the timeout", "超时后的重传"},
	WhyTimer: {"RACK or TLP timer (inferred)", "RACK 或 TLP 定时器（推断）"}, WhyRetransmit: {"retransmit", "重传"},
	WhyProbe: {"zero-window probe", "零窗口探测"}, WhyReset: {"reset", "复位"}, WhyDatagram: {"datagram", "数据报"}, WhyICMP: {"ICMP error", "ICMP 差错"},
}

// In is the reason in a language.
func (w Why) In(lang string) string {
	if t, ok := whyTexts[w]; ok {
		return t.In(lang)
	}
	return string(w)
}
