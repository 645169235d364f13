package lab

import (
	"encoding/binary"
	"fmt"
	"strings"

	"gvisor.dev/gvisor/pkg/tcpip/checksum"
	"gvisor.dev/gvisor/pkg/tcpip/header"
)

// detail is all there is to say about a packet, for people: a line that sums it
// up, what became of it, and its headers field by field.
func (p *Packet) detail(lang string) string {
	var b strings.Builder
	line := func(en, zh string, args ...any) { fmt.Fprintf(&b, Text{en, zh}.In(lang)+"\n", args...) }
	line("#%d  %s → %s  %s", "#%d  %s → %s  %s", p.ID, Host(p.From), Host(p.To), p.Summary())
	when := Text{"sent ", "发出 "}.In(lang) + clockText(p.Sent)
	if p.Start > p.Sent {
		when += Text{", in the queue for ", "，排队 "}.In(lang) + clockText(p.Start-p.Sent)
	}
	if p.Delivered() {
		when += Text{", arrived ", "，到达 "}.In(lang) + clockText(p.Arrived)
	}
	line("%s", "%s", when)
	switch {
	case p.Fate.Has(Duplicate):
		line("why: a copy of #%d that the line made", "原因：线路复制了 #%d", p.CopyOf)
	case p.CopyOf != 0:
		line("why: %s (a broadcast, see #%d)", "原因：%s（广播，见 #%d）", p.Why.In(lang), p.CopyOf)
	case p.Cause.Kind == "packet":
		line("why: %s, in answer to #%d", "原因：%s，应答 #%d", p.Why.In(lang), p.Cause.Packet)
	case p.Cause.Kind == "timer":
		line("why: %s, a timer ran out", "原因：%s，定时器到期", p.Why.In(lang))
	default:
		line("why: %s, the application's doing", "原因：%s，由应用程序发起", p.Why.In(lang))
	}
	line("fate: %s", "遭遇：%s", p.Fate.In(lang))
	if v := p.Verdict.In(lang); v != "" {
		line("%s: %s", "%s：%s", Host(p.To), v)
	}
	b.WriteByte('\n')
	p.headers(&b, lang)
	return strings.TrimRight(b.String(), "\n")
}

var fateTexts = []struct {
	fate Fate
	text Text
}{{Lost, Text{"lost on the line", "在线路上丢失"}}, {QueueDrop, Text{"dropped: the queue was full", "队列已满，被丢弃"}}, {Duplicate, Text{"a copy made by the line", "线路复制出的副本"}},
	{Corrupt, Text{"a bit was changed", "有比特被改变"}}, {Swapped, Text{"two words changed places", "两个 16 位字交换了位置"}},
	{Reordered, Text{"overtaken by a later one", "被后发的包超过"}}, {Scripted, Text{"by the script", "由脚本指定"}}}

// In is what the line did, in a language.
func (f Fate) In(lang string) string {
	if f == 0 {
		return Text{"carried as it is", "原样送达"}.In(lang)
	}
	var out []string
	for _, t := range fateTexts {
		if f.Has(t.fate) {
			out = append(out, t.text.In(lang))
		}
	}
	return strings.Join(out, Text{", ", "，"}.In(lang))
}

// headers writes the packet's headers, as they were sent.
func (p *Packet) headers(b *strings.Builder, lang string) {
	ip := header.IPv4(p.Raw)
	if len(p.Raw) < header.IPv4MinimumSize || !ip.IsValid(len(p.Raw)) {
		return
	}
	fmt.Fprintf(b, "IP   %s → %s  id %d  ttl %d  %s %d", ip.SourceAddress(), ip.DestinationAddress(), ip.ID(), ip.TTL(), Text{"length", "总长"}.In(lang), ip.TotalLength())
	if off := ip.FragmentOffset(); off > 0 || ip.More() {
		fmt.Fprintf(b, "  %s %d", Text{"fragment at", "分片偏移"}.In(lang), off)
	}
	b.WriteByte('\n')
	body := ip.Payload()
	h := &p.Header
	if ip.FragmentOffset() > 0 || ip.More() { // the header is in the first, and its sum is over all of them
		fmt.Fprintf(b, "%s  %s %d B", h.Proto, Text{"a part of", "的一部分，"}.In(lang), h.Len)
		return
	}
	switch h.Proto {
	case "TCP":
		t := header.TCP(body)
		fmt.Fprintf(b, "TCP  %d → %d  %s\n", h.SrcPort, h.DstPort, h.Flags)
		fmt.Fprintf(b, "     seq %d = %d", h.Seq, t.SequenceNumber())
		if h.flags&header.TCPFlagAck != 0 {
			fmt.Fprintf(b, "  ack %d = %d", h.Ack, t.AckNumber())
		}
		fmt.Fprintf(b, "\n     %s %d = %d B\n", Text{"window", "窗口"}.In(lang), t.WindowSize(), h.Window)
		if o := optionsText(t.Options()); o != "" {
			fmt.Fprintf(b, "     %s %s\n", Text{"options", "选项"}.In(lang), o)
		}
		fmt.Fprintf(b, "     %s\n     %s %d B", p.sumText(lang, t.Checksum()), Text{"payload", "数据"}.In(lang), h.Len)
	case "UDP":
		u := header.UDP(body)
		fmt.Fprintf(b, "UDP  %d → %d  %s %d\n     %s\n     %s %d B", h.SrcPort, h.DstPort, Text{"length", "长度"}.In(lang), u.Length(),
			p.sumText(lang, u.Checksum()), Text{"payload", "数据"}.In(lang), h.Len)
	case "ICMP":
		if len(body) >= header.ICMPv4MinimumSize {
			i := header.ICMPv4(body)
			fmt.Fprintf(b, "ICMP type %d code %d", i.Type(), i.Code())
		}
	}
}

// sumText is the checksum, and whether it is right: as sent, and as it arrived.
func (p *Packet) sumText(lang string, sum uint16) string {
	right, wrong := Text{"right", "正确"}.In(lang), Text{"wrong", "错误"}.In(lang)
	s := fmt.Sprintf("%s 0x%04x ", Text{"checksum", "校验和"}.In(lang), sum)
	if p.Header.Proto == "UDP" && sum == 0 {
		return s + Text{"(none)", "（无）"}.In(lang)
	}
	if sumIsRight(p.Raw) {
		s += right
	} else {
		s += wrong
	}
	if p.Got != nil && p.Delivered() {
		s += Text{", as it arrived ", "，到达时"}.In(lang)
		if sumIsRight(p.Got) {
			return s + right
		}
		s += wrong
	}
	return s
}

// sumIsRight reports whether the sum over pseudo-header and segment, which
// includes the checksum itself, is what it has to be. What arrives may be
// damaged anywhere, so this looks at no length but IP's.
func sumIsRight(raw []byte) bool {
	ip := header.IPv4(raw)
	if len(raw) < header.IPv4MinimumSize || !ip.IsValid(len(raw)) {
		return false
	}
	body := ip.Payload()
	pseudo := header.PseudoHeaderChecksum(ip.TransportProtocol(), ip.SourceAddress(), ip.DestinationAddress(), uint16(len(body)))
	return checksum.Checksum(body, pseudo) == 0xffff
}

// optionsText is TCP's options in words.
func optionsText(o []byte) string {
	var out []string
	for len(o) > 0 && o[0] != header.TCPOptionEOL {
		if o[0] == header.TCPOptionNOP {
			o = o[1:]
			continue
		}
		if len(o) < 2 || int(o[1]) < 2 || int(o[1]) > len(o) {
			break
		}
		v := o[2:o[1]]
		switch kind := o[0]; {
		case kind == header.TCPOptionMSS && len(v) == 2:
			out = append(out, fmt.Sprintf("MSS %d", binary.BigEndian.Uint16(v)))
		case kind == header.TCPOptionWS && len(v) == 1:
			out = append(out, fmt.Sprintf("window scale %d (×%d)", v[0], 1<<min(v[0], 14)))
		case kind == header.TCPOptionSACKPermitted:
			out = append(out, "SACK permitted")
		case kind == header.TCPOptionTS && len(v) == 8:
			out = append(out, fmt.Sprintf("timestamps %d %d", binary.BigEndian.Uint32(v), binary.BigEndian.Uint32(v[4:])))
		case kind == header.TCPOptionSACK:
			out = append(out, fmt.Sprintf("SACK ×%d", len(v)/8))
		default:
			out = append(out, fmt.Sprintf("%d?", kind))
		}
		o = o[o[1]:]
	}
	return strings.Join(out, ", ")
}
