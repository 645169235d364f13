package observe_test

import (
	"bytes"
	"encoding/hex"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"sockeye.dev/internal/peertest"
	"sockeye.dev/observe"
)

// datagram is an IPv4 packet with a UDP datagram, "hi!", from 10.0.0.1:5000 to
// 10.0.0.2:7789, without a checksum.
var datagram, _ = hex.DecodeString("4500001f0000000040110000" + "0a000001" + "0a000002" + "13881e6d000b0000" + "686921")

// The bytes below were derived from draft-ietf-opsawg-pcapng, sections 4.1, 4.2
// and 4.3, by hand.
func TestPcapngBytes(t *testing.T) {
	var b bytes.Buffer
	p, err := observe.NewPcapng(&b, observe.PcapngSection{Comment: "hello", Application: "sockeye", Interface: "A"})
	if err != nil {
		t.Fatal(err)
	}
	if err := p.WritePacket(time.Unix(1, 5).UTC(), observe.Out, datagram, "bye"); err != nil {
		t.Fatal(err)
	}
	want := "0a0d0d0a" + "38000000" + "4d3c2b1a" + "01000000" + "ffffffffffffffff" + // section header
		"01000500" + "68656c6c6f000000" + // comment, filled up
		"04000700" + "736f636b65796500" + // application
		"00000000" + "38000000" +
		"01000000" + "28000000" + "65000000" + "00000000" + // interface: LINKTYPE_RAW
		"02000100" + "41000000" + "09000100" + "09000000" + // name, nanoseconds
		"00000000" + "28000000" +
		"06000000" + "54000000" + "00000000" + "00000000" + "05ca9a3b" + // packet: 1,000,000,005 ns
		"1f000000" + "1f000000" + hex.EncodeToString(datagram) + "00" +
		"01000300" + "62796500" + "02000400" + "02000000" + // comment, outbound
		"00000000" + "54000000"
	if got := hex.EncodeToString(b.Bytes()); got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
}

// Every block says its length at both ends, and is a multiple of four long,
// whatever is in it.
func TestPcapngBlocks(t *testing.T) {
	for n := range 9 {
		var b bytes.Buffer
		p, err := observe.NewPcapng(&b, observe.PcapngSection{Comment: strings.Repeat("c", n)})
		if err != nil {
			t.Fatal(err)
		}
		for m := range 9 {
			if err := p.WritePacket(start, observe.In, make([]byte, m), strings.Repeat("é", n)); err != nil {
				t.Fatal(err)
			}
		}
		blocks := 0
		for rest := b.Bytes(); len(rest) > 0; blocks++ {
			size := int(rest[4]) | int(rest[5])<<8
			if size%4 != 0 || size > len(rest) || !bytes.Equal(rest[4:8], rest[size-4:size]) {
				t.Fatalf("comment of %d bytes: block %d: % x", n, blocks, rest)
			}
			rest = rest[size:]
		}
		if blocks != 2+9 {
			t.Errorf("comment of %d bytes: %d blocks, want 11", n, blocks)
		}
	}
}

func TestPcapngCutsComments(t *testing.T) {
	var b bytes.Buffer
	p, err := observe.NewPcapng(&b, observe.PcapngSection{})
	if err != nil {
		t.Fatal(err)
	}
	b.Reset()
	if err := p.WritePacket(start, observe.In, nil, strings.Repeat("€", 30000)); err != nil {
		t.Fatal(err)
	}
	if got := b.Len(); got != 28+4+65535+1+8+4+4 { // 65535 is 21845 characters
		t.Errorf("a block of %d bytes", got)
	}
}

func TestPcapngTimes(t *testing.T) {
	var b bytes.Buffer
	p, err := observe.NewPcapng(&b, observe.PcapngSection{})
	if err != nil {
		t.Fatal(err)
	}
	n := b.Len()
	for _, year := range []int{1, 1969, 2263, 9999} {
		if err := p.WritePacket(time.Date(year, 6, 1, 0, 0, 0, 0, time.UTC), observe.In, datagram, ""); err == nil || b.Len() != n {
			t.Errorf("year %d: %v, %d bytes written", year, err, b.Len()-n)
		}
	}
	if err := p.WritePacket(start, observe.In, datagram, ""); err != nil {
		t.Errorf("after times that cannot be: %v", err)
	}
}

// failing fails after so many writes.
type failing int

var errFull = errors.New("no space left")

func (f *failing) Write(p []byte) (int, error) {
	if *f--; *f < 0 {
		return 0, errFull
	}
	return len(p), nil
}

func TestPcapngErrors(t *testing.T) {
	for writes := range 3 {
		w := failing(writes)
		p, err := observe.NewPcapng(&w, observe.PcapngSection{})
		if writes < 2 {
			if !errors.Is(err, errFull) {
				t.Errorf("after %d writes: %v", writes, err)
			}
			continue
		}
		for range 2 {
			if err := p.WritePacket(start, observe.In, datagram, ""); !errors.Is(err, errFull) {
				t.Errorf("a packet: %v", err)
			}
			w = 10 // there is room again, but a part is missing
		}
	}
}

// What tshark reads is what was written.
func TestPcapngIsWhatTsharkReads(t *testing.T) {
	tshark := peertest.Path(t, "tshark")
	file := filepath.Join(t.TempDir(), "test.pcapng")
	var b bytes.Buffer
	p, err := observe.NewPcapng(&b, observe.PcapngSection{Comment: "a test", Application: "sockeye", Interface: "host A"})
	for i, dir := range []observe.Direction{observe.Out, observe.In} {
		err = errors.Join(err, p.WritePacket(time.Unix(1767225600, 123456789+int64(i)), dir, datagram, []string{"首条", ""}[i]))
	}
	if err := errors.Join(err, os.WriteFile(file, b.Bytes(), 0o600)); err != nil {
		t.Fatal(err)
	}
	out, err := exec.Command(tshark, "-r", file, "-T", "fields", "-E", "separator=|", "-e", "frame.time_epoch", "-e", "frame.interface_name",
		"-e", "frame.packet_flags_direction", "-e", "frame.comment", "-e", "udp.dstport", "-e", "data.data").Output()
	want := "1767225600.123456789|host A|0x00000002|首条|7789|686921\n" +
		"1767225600.123456790|host A|0x00000001||7789|686921\n"
	if err != nil || string(out) != want {
		t.Errorf("tshark: %v\n%s\nwant\n%s", err, out, want)
	}
}
