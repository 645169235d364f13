package lab

import (
	"io"
	"strings"
	"testing"
)

// A fragment has no header of UDP's, and its last may have but a byte: there is
// nothing to read in it, and no sum to call wrong.
func TestFragmentDetail(t *testing.T) {
	r := mustDo(t, "?flow=udp A>B count 1 size 1473")
	if err := r.HTML(io.Discard, PageOptions{}); err != nil {
		t.Fatal(err)
	}
	for _, p := range r.Packets {
		if d := p.detail("en"); p.Header.Proto == "UDP" && strings.Contains(d, "wrong") {
			t.Errorf("a whole datagram, and yet:\n%s", d)
		}
	}
}

// What is not TCP's doing refutes nothing: a damaged SYN that is dropped for its
// address, a loss whose timer was running when the time was up, a cut amid many
// events of one instant.
func TestScoreFair(t *testing.T) {
	for share, row := range map[string]int{
		"?flow=tcp B>*&fault=corrupt B>A syn 2":             rowErrors,
		"?link=delay 1ms loss 50%&until=1s&flow=tcp B>A":    rowRetransmits,
		"?flow=tcp B>A&fault=corrupt B>A fin 1-":            rowRetransmits,
		"?link=loss 50%&flow=tcp A>B bytes 200000":          rowRetransmits,
		"?flow=tcp A>B bytes 200000 drain 100 buffer 16384": rowFlow,
		"?link=delay 1ms loss 1%&flow=tcp A>B bytes 60000":  rowCongestion,
		"?ba=delay 500ms loss 5%&flow=tcp B>A bytes 200000": rowCongestion,
	} {
		if c := mustDo(t, share).Score()[row].TCP; c.Outcome == Refuted {
			t.Errorf("%s: row %d is %s: %s", share, row, c.Outcome, c.Numbers.En)
		}
	}
}

// A bit that is turned over twice is as it was.
func TestDamagedTwice(t *testing.T) {
	r := mustDo(t, "?flow=tcp A>B bytes 100&fault=corrupt A>B data 1&fault=corrupt A>B data 1")
	for _, p := range r.Packets {
		if p.Fate.Has(Corrupt) {
			t.Errorf("#%d is %v, and %v", p.ID, p.Fate, p.Verdict)
		}
	}
}

// Texts go to terminals.
func TestReadControl(t *testing.T) {
	for _, text := range []string{"[x]\ntitle \x1b[2J\n", "[x]\ntext \u009b2J\n", "[x]\ntext \xff\n", "[x\x07]\n", "[x]\n[x]\n"} {
		if _, err := Read(strings.NewReader(text)); err == nil {
			t.Errorf("%q was read", text)
		}
	}
	if _, err := Read(strings.NewReader("\ufeff[x]\r\ntitle\tT\r\nflow tcp A>B bytes 1\r\n")); err != nil {
		t.Error(err)
	}
}
