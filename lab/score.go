package lab

import "fmt"

// An Outcome is what a run says of a claim.
type Outcome string

const (
	Proven       Outcome = "PROVEN"        // it was put to the test, and held
	NotExercised Outcome = "NOT EXERCISED" // nothing happened that would have shown it
	Refuted      Outcome = "REFUTED"       // it was put to the test, and did not hold
)

// In is the outcome in a language.
func (o Outcome) In(lang string) string {
	return map[Outcome]Text{Proven: {string(Proven), "证实"}, NotExercised: {string(NotExercised), "未触及"}, Refuted: {string(Refuted), "被推翻"}}[o].In(lang)
}

// A Row is one claim, judged for TCP and UDP from what this run has counted.
type Row struct {
	Claim    Text
	TCP, UDP Cell
}

// A Cell is an outcome with its numbers. Without an outcome the run has no such
// flow.
type Cell struct {
	Outcome Outcome
	Numbers Text
}

// judge is the outcome of a claim that was put to the test tests times and
// failed fails times.
func judge(tests, fails int) Outcome {
	switch {
	case fails > 0:
		return Refuted
	case tests > 0:
		return Proven
	}
	return NotExercised
}

func (o Outcome) with(en, zh string, args ...any) Cell {
	return Cell{o, Text{fmt.Sprintf(en, args...), fmt.Sprintf(zh, args...)}}
}

// Score judges the seven claims, in the order of the tutorial (section 3.1),
// from the log of packets and from what applications have received.
func (r *Run) Score() []Row {
	t, u := r.tally("TCP"), r.tally("UDP")
	rows := []Row{
		{Claim: Text{"connection-oriented", "面向连接"},
			TCP: judge(t.opened+t.toldOff, t.early).with("%d SYN and SYN-ACK to open, %d FIN and RST to end; %d data segments before the connection stood",
				"%d 个 SYN 和 SYN-ACK 建立，%d 个 FIN 和 RST 结束；连接建立前发出 %d 个数据段", t.opening, t.closing, t.early),
			UDP: judge(0, u.early).with("%d packets before the first datagram; it left at %v", "首个数据报之前有 %d 个包；发出时刻 %v", u.opening, u.first)},
		{Claim: Text{"ordered", "有序"},
			TCP: judge(t.held, t.overtaken+t.outOfOrder).with("%d segments held for a gap; handed up out of order: %d segments, %d 8-byte units of %d",
				"%d 个段等待缺口而暂存；乱序交付 %d 个段、%d 个 8 字节单元（共 %d）", t.held, t.overtaken, t.outOfOrder, t.units),
			UDP: judge(u.late, u.outOfOrder).with("%d datagrams arrived late; handed up out of order: %d of %d", "%d 个数据报迟到；乱序交付 %d 个（共 %d）", u.late, u.outOfOrder, u.units)},
		{Claim: Text{"retransmits the lost", "重发丢失的包"},
			TCP: judge(t.lost-t.pending, t.unrepaired).with("%d lost or rejected, %d resent (%d RTO, %d fast and recovery, %d after these, %d SYN); %d not made good with nobody told",
				"%d 个丢失或被拒，重传 %d 个（超时 %d，快速与恢复 %d，其后补发 %d，SYN %d）；既未补救又无人得知 %d 个", t.lost, t.resent, t.rto, t.fast, t.after, t.syn, t.unrepaired),
			UDP: judge(u.lost, u.unrepaired).with("%d lost or rejected, %d resent; %d of %d never came", "%d 个丢失或被拒，重传 %d 个；%d 个从未到达（共 %d）", u.lost, u.resent, u.missing, u.units)},
		{Claim: Text{"drops duplicates", "舍弃重复的包"},
			TCP: judge(t.duplicates, t.twice+t.repeated).with("%d segments came again; handed up twice: %d segments, %d units", "%d 个段重复到达；重复交付 %d 个段、%d 个单元", t.duplicates, t.twice, t.repeated),
			UDP: judge(u.duplicates, u.repeated).with("%d datagrams came again, %d handed up twice", "%d 个数据报重复到达，重复交付 %d 个", u.duplicates, u.repeated)},
		{Claim: Text{"error-free", "无差错"},
			TCP: judge(t.rejected, t.swallowed+t.damaged).with("%d arrived damaged, %d rejected by checksum, %d taken for good; %d damaged units handed up",
				"%d 个带差错到达，校验和拒收 %d 个，误收 %d 个；交付受损单元 %d 个", t.corrupt, t.rejected, t.swallowed, t.damaged),
			UDP: judge(u.rejected, u.swallowed+u.damaged).with("%d arrived damaged, %d rejected by checksum, %d taken for good; %d damaged datagrams handed up",
				"%d 个带差错到达，校验和拒收 %d 个，误收 %d 个；交付受损数据报 %d 个", u.corrupt, u.rejected, u.swallowed, u.damaged)},
		{Claim: Text{"flow control", "流量控制"},
			TCP: judge(t.zeroWindows, t.beyond+t.noRoom).with("closings of the window: %d, probes: %d; segments beyond the window: %d, without room: %d", "窗口关闭 %d 次，探测 %d 次；超窗 %d 段，无处存放 %d 段",
				t.zeroWindows, t.probes, t.beyond, t.noRoom),
			UDP: judge(0, u.bufferFull).with("%d datagrams dropped at a full socket", "%d 个数据报因套接字缓冲区满被丢弃", u.bufferFull)},
		{Claim: Text{"congestion control", "拥塞控制"},
			TCP: judge(t.cuts, t.uncut).with("losses noticed with a window to cut: %d, cuts: %d; cwnd %d to %d segments, %d queue drops", "发现丢包且有窗口可减 %d 次，减窗 %d 次；cwnd %d 到 %d 段，队列丢弃 %d",
				t.cuts+t.uncut, t.cuts, t.cwndLow, t.cwndHigh, t.queueDrops),
			UDP: judge(u.slowed, u.unslowed).with("%d queue drops; datagrams a second before the first %.0f, after %.0f", "队列丢弃 %d；首次丢弃前每秒 %.0f 个数据报，之后 %.0f 个", u.queueDrops, u.rateBefore, u.rateAfter)},
	}
	for i := range rows {
		if t.packets == 0 {
			rows[i].TCP = Cell{}
		}
		if u.packets == 0 {
			rows[i].UDP = Cell{}
		}
	}
	return rows
}
