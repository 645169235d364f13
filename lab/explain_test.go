package lab

import "testing"

// What comes when there is no place for it: the buffer is full of what nobody
// reads, or the part of it for what is held for a gap; or it lies beyond all
// that was ever announced. Each refutes flow control, and is no mystery. The
// SYN that comes twice has A told a window 128 times too large: see docs/lab.md.
func TestNoRoom(t *testing.T) {
	for share, want := range map[string]struct {
		seq     uint32 // of the first such segment
		verdict Verdict
		text    string
	}{
		"?link=delay 20ms&fault=duplicate A>B syn 1&flow=tcp A>B bytes 40000 buffer 2000 pause 5s": {
			1421, Verdict{Kind: NoRoom}, "no room: dropped"},
		"?link=delay 20ms&mtu=576&fault=drop A>B data 1&flow=tcp A>B bytes 20000 buffer 8000": {
			2977, Verdict{Kind: NoRoom, Seq: 1}, "no room: dropped"},
		"?link=delay 20ms&fault=duplicate A>B syn 1&fault=drop A>B data 1&flow=tcp A>B bytes 20000 buffer 8000": {
			4261, Verdict{Kind: OutOfWindow}, "out of window: dropped"},
	} {
		r := mustDo(t, share)
		p := pick(t, r, func(p *Packet) bool { return p.Verdict.Kind == NoRoom || p.Verdict.Kind == OutOfWindow })
		if p.Header.Seq != want.seq || p.Verdict != want.verdict || p.Verdict.String() != want.text {
			t.Errorf("%s: #%d %s: %+v, %s; want %d, %+v, %s", share, p.ID, p.Summary(), p.Verdict, p.Verdict, want.seq, want.verdict, want.text)
		}
		if c := r.Score()[rowFlow].TCP; c.Outcome != Refuted {
			t.Errorf("%s: flow control is %s: %s", share, c.Outcome, c.Numbers.En)
		}
	}
}
