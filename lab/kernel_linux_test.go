package lab

import (
	"cmp"
	"context"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"
	"gvisor.dev/gvisor/pkg/tcpip/checksum"
	"gvisor.dev/gvisor/pkg/tcpip/header"

	"sockeye.dev/internal/peertest"
)

// kernelSetup is a setup as a share string, with its blanks and percent signs as
// they are.
func kernelSetup(t *testing.T, share string) Setup {
	t.Helper()
	s, err := Find(strings.NewReplacer("%", "%25", " ", "+").Replace(share))
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// runOnKernel is Kernel, but skips if the system does not let it.
func runOnKernel(ctx context.Context, t *testing.T, s Setup) (*KernelRun, error) {
	t.Helper()
	r, err := Kernel(ctx, s)
	var refused *KernelError
	if errors.As(err, &refused) && (errors.Is(err, fs.ErrPermission) || errors.Is(err, fs.ErrNotExist)) && !peertest.Required() {
		t.Skipf("Linux's own TCP is not to be had: %v; %s", err, refused.Hint)
	}
	if r != nil && r.Dropped > 0 {
		t.Errorf("%d packets never came to the line", r.Dropped)
	}
	return r, err
}

func mustKernel(t *testing.T, s Setup) *KernelRun {
	t.Helper()
	r, err := runOnKernel(t.Context(), t, s)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// intact reports flows whose receivers did not get all, in order and undamaged.
func intact(t *testing.T, r *KernelRun) {
	t.Helper()
	for _, f := range r.Flows {
		if !f.Complete || f.ClientError != "" || f.ServerError != "" {
			t.Errorf("%v: %+v", f.Flow, f)
		}
		for _, c := range f.Receipts {
			if c.OutOfOrder+c.Repeated+c.Damaged > 0 {
				t.Errorf("%v: %+v", f.Flow, c)
			}
		}
	}
}

func (r *KernelRun) which(yes func(p *Packet) bool) (list []*Packet) {
	for _, p := range r.Packets {
		if yes(p) {
			list = append(list, p)
		}
	}
	return list
}

// span is what a segment takes of its stream's numbers; nothing if from is to.
func span(p *Packet) (from, to uint32) {
	from, to = p.Header.Seq, p.Header.Seq+uint32(p.Header.Len)
	if p.Header.flags&(header.TCPFlagSyn|header.TCPFlagFin) != 0 {
		to++
	}
	if p.Header.Proto != "TCP" || p.Header.flags&header.TCPFlagRst != 0 {
		to = from
	}
	return from, to
}

func takesNumbers(p *Packet) bool {
	from, to := span(p)
	return from != to
}

// arrivedTwice is how many segments of A brought B nothing that it had not.
func (r *KernelRun) arrivedTwice() (n int) {
	list := r.which(func(p *Packet) bool { return p.From == 0 && takesNumbers(p) && p.Delivered() })
	slices.SortStableFunc(list, func(a, b *Packet) int { return cmp.Compare(a.Arrived, b.Arrived) })
	var st stream
	for _, p := range list {
		if st.hold(span(p)) {
			n++
		}
	}
	return n
}

// The line knows what it has lost, the log what was sent again, and the kernels
// count what they send again and what comes to them again.
func TestKernelLoss(t *testing.T) {
	for _, cc := range []string{"reno", "cubic", "bbr"} {
		t.Run(cc, func(t *testing.T) {
			t.Parallel()
			if has, err := os.ReadFile("/proc/sys/net/ipv4/tcp_available_congestion_control"); err == nil && !slices.Contains(strings.Fields(string(has)), cc) {
				t.Skipf("this kernel has no %s: it has %s", cc, has)
			}
			s := kernelSetup(t, "?seed=3&flow=tcp A>B bytes 3000000&link=delay 5ms loss 1%")
			s.Stack.Congestion = cc
			r := mustKernel(t, s)
			intact(t, r)

			again := r.which(func(p *Packet) bool { return p.From == 0 && p.Retransmission() })
			if n := r.Counters[0]["TcpRetransSegs"]; n != int64(len(again)) {
				t.Errorf("the kernel has sent %d segments again, the log has %d", n, len(again))
			}
			lost := r.which(func(p *Packet) bool { return p.From == 0 && takesNumbers(p) && p.Fate.Has(Lost) })
			if len(lost) == 0 {
				t.Error("nothing was lost")
			}
			// Each loss is answered by a later segment of the same numbers. One that
			// answers none is spurious: it comes for the second time, or is lost itself
			// and needs no answer.
			answered, spurious := make(map[*Packet]bool), make(map[*Packet]bool)
			for _, p := range again {
				from, to := span(p)
				spurious[p] = true
				for _, l := range lost {
					if a, b := span(l); l.ID < p.ID && !answered[l] && !spurious[l] && a < to && from < b {
						answered[l] = true
						delete(spurious, p)
					}
				}
			}
			for _, l := range lost {
				if !answered[l] && !spurious[l] {
					t.Errorf("packet %d was lost, and never sent again: %s", l.ID, l.Summary())
				}
			}
			twice, came := r.arrivedTwice(), 0
			for p := range spurious {
				if p.Delivered() {
					came++
				}
			}
			if twice != came {
				t.Errorf("%d segments came twice, but %d needless ones", twice, came)
			}
			// The receiver tells of them (RFC 2883), perhaps of several at once.
			if n := int(r.Counters[1]["TcpExtTCPDSACKOldSent"] + r.Counters[1]["TcpExtTCPDSACKOfoSent"]); n > twice || n == 0 && twice > 0 {
				t.Errorf("the receiver has told of %d segments that came twice, the log has %d", n, twice)
			}
			told := 0
			for _, i := range r.Info {
				if i.Host == 0 {
					told = i.TotalRetrans
				}
			}
			if told != len(again) || len(r.Samples) < 10 {
				t.Errorf("TCP_INFO tells of %d segments sent again, not of %d; %d samples", told, len(again), len(r.Samples))
			}
			for _, row := range r.Score() {
				if row.TCP.Outcome == Refuted {
					t.Errorf("%s: %s", row.Claim.En, row.TCP.Numbers.En)
				}
			}
			t.Logf("%d lost, %d sent again, of these %d spurious, %d came twice", len(lost), len(again), len(spurious), twice)
		})
	}
}

// The kernel counts the segments that came with a wrong sum. Those whose header
// has no length that it can have it drops before it looks at the sum.
func TestKernelCorrupt(t *testing.T) {
	t.Parallel()
	r := mustKernel(t, kernelSetup(t, "?seed=5&flow=tcp A>B bytes 1000000&link=delay 2ms corrupt 2%"))
	intact(t, r)
	wrong := make([]int, 2)
	for _, p := range r.which(func(p *Packet) bool { return p.Delivered() && p.Header.Proto == "TCP" }) {
		ip := header.IPv4(p.received())
		sum := header.PseudoHeaderChecksum(header.TCPProtocolNumber, ip.SourceAddress(), ip.DestinationAddress(), uint16(len(ip.Payload())))
		bad := checksum.Checksum(ip.Payload(), sum) != 0xffff
		if bad != p.Fate.Has(Corrupt) {
			t.Errorf("packet %d: %v, but its sum is wrong: %v", p.ID, p.Fate, bad)
		}
		if bad && wellFormed(p.received()) {
			wrong[p.To]++
		}
		if p.Verdict.Kind == BadChecksum != (bad && wellFormed(p.received())) {
			t.Errorf("packet %d: %v", p.ID, p.Verdict)
		}
	}
	for i, n := range wrong {
		if got := r.Counters[i]["TcpInCsumErrors"]; got != int64(n) {
			t.Errorf("host %s has counted %d wrong sums, the log has %d", Host(i), got, n)
		}
	}
	if wrong[1] == 0 {
		t.Error("nothing was damaged")
	}
}

func TestKernelFlows(t *testing.T) {
	for _, test := range []struct {
		name, share string
		errors      bool // some are to be told of
		check       func(t *testing.T, r *KernelRun)
	}{
		{"reply", "?flow=tcp A>B bytes 30000 reply 50000&link=delay 2ms", false, nil},
		{"requests", "?flow=tcp A>B bytes 500 requests 8 reply 3000&link=delay 2ms", false, nil},
		{"echo", "?flow=tcp A>B bytes 200000 echo&link=delay 2ms loss 2%&seed=1", false, nil},
		{"two", "?flow=tcp A>B bytes 100000&flow=tcp B>A at 5ms bytes 100000&link=delay 2ms rate 50mbit", false, nil},
		{"three hosts", "?hosts=3&flow=tcp C>B bytes 100000&flow=udp A>* count 5 size 100 every 1ms&link=delay 1ms", false, nil},
		{"stack", "?sack=off&nagle=on&mtu=600&rack=on&flow=tcp A>B bytes 100000&link=delay 1ms", false, func(t *testing.T, r *KernelRun) {
			if p := r.which(func(p *Packet) bool { return len(p.Raw) > 600 || len(p.Header.Sack) > 0 }); len(p) > 0 {
				t.Errorf("%s", p[0].Summary())
			}
		}},
		{"zero window", "?flow=tcp A>B bytes 100000 buffer 8192 pause 600ms&link=delay 1ms", false, func(t *testing.T, r *KernelRun) {
			for _, why := range []Why{WhyProbe, WhyWindow} {
				if len(r.which(func(p *Packet) bool { return p.Why == why })) == 0 {
					t.Errorf("no %s", why)
				}
			}
		}},
		{"drain", "?flow=tcp A>B bytes 100000 drain 400000 buffer 20000&link=delay 1ms", false, nil},
		{"closed", "?flow=tcp A>B bytes 1000 closed&link=delay 1ms", true, func(t *testing.T, r *KernelRun) {
			if f := r.Flows[0]; f.ClientError != unix.ECONNREFUSED.Error() || f.Established != Never {
				t.Errorf("%+v", f)
			}
		}},
		{"abort", "?flow=tcp A>B bytes 10000000 abort 20000&link=delay 1ms", true, func(t *testing.T, r *KernelRun) {
			if f := r.Flows[0]; f.ClientError != unix.ECONNRESET.Error() || f.Receipts[0].Bytes < 20000 {
				t.Errorf("%+v", f)
			}
		}},
		// B's RST is lost when A has nothing in flight: A would wait for an answer for ever.
		{"no farewell", "?flow=tcp A>B bytes 1000 requests 2 reply 100 abort 1000 pause 150ms&fault=drop B>A rst 1-&link=delay 1ms", true, func(t *testing.T, r *KernelRun) {
			if f := r.Flows[0]; f.ClientError != "" || len(r.which(func(p *Packet) bool { return p.Why == WhyReset && p.Fate.Has(Lost) })) != 1 {
				t.Errorf("%+v", f)
			}
		}},
		{"both close", "?flow=tcp A>B bytes 3000 closeat 20ms&link=delay 5ms", false, func(t *testing.T, r *KernelRun) {
			var states []string
			for _, s := range r.States {
				states = append(states, Host(s.Host)+" "+s.State)
			}
			for _, want := range []string{"A SYN-SENT", "B SYN-RECEIVED", "A ESTABLISHED", "B ESTABLISHED", "A FIN-WAIT-1", "B FIN-WAIT-1", "A TIME-WAIT", "B TIME-WAIT"} {
				if !slices.Contains(states, want) {
					t.Errorf("no %s in %q", want, states)
				}
			}
		}},
		{"tcp to everyone", "?flow=tcp A>* bytes 10", true, func(t *testing.T, r *KernelRun) {
			if r.Flows[0].ClientError == "" {
				t.Error("it has connected to everyone")
			}
		}},
		{"flood", "?flow=udp A>B count 400 size 1000&link=delay 1ms rate 20mbit limit 30kB", true, func(t *testing.T, r *KernelRun) {
			dropped := len(r.which(func(p *Packet) bool { return p.Fate.Has(QueueDrop) }))
			overrun := int(r.Counters[1]["UdpRcvbufErrors"])
			if c := r.Flows[0].Receipts[0]; dropped == 0 || c.Received()+dropped+overrun != 400 || c.Damaged > 0 {
				t.Errorf("%d dropped by the line, %d at the socket: %+v", dropped, overrun, c)
			}
		}},
		{"slow reader", "?flow=udp A>B count 100 size 1000 buffer 5000 readevery 1ms", true, func(t *testing.T, r *KernelRun) {
			overrun := int(r.Counters[1]["UdpRcvbufErrors"])
			if c := r.Flows[0].Receipts[0]; overrun == 0 || c.Received()+overrun != 100 {
				t.Errorf("%d dropped at the socket: %+v", overrun, c)
			}
		}},
		{"sums", "?seed=2&flow=udp A>B count 200 size 1000 every 100us&link=delay 1ms corrupt 20%", true, func(t *testing.T, r *KernelRun) {
			if c := r.Flows[0].Receipts[0]; c.Damaged > 0 || r.Counters[1]["UdpInCsumErrors"] == 0 {
				t.Errorf("%+v", c)
			}
		}},
		{"no sums", "?seed=2&flow=udp A>B count 200 size 1000 every 100us nosum&link=delay 1ms corrupt 20%", true, func(t *testing.T, r *KernelRun) {
			if c := r.Flows[0].Receipts[0]; c.Damaged == 0 {
				t.Errorf("%+v", c)
			}
		}},
		{"blackhole", "?until=100ms&flow=tcp A>B bytes 1000&link=loss 100%", true, func(t *testing.T, r *KernelRun) {
			if len(r.Packets) == 0 || r.Flows[0].Established != Never {
				t.Errorf("%+v", r.Flows)
			}
		}},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			r := mustKernel(t, kernelSetup(t, test.share))
			if !test.errors {
				intact(t, r)
			}
			if test.check != nil {
				test.check(t, r)
			}
		})
	}
}

func TestKernelErrors(t *testing.T) {
	s := kernelSetup(t, "?flow=tcp A>B bytes 1000&link=loss 100%")
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := Kernel(ctx, s); !errors.Is(err, context.Canceled) {
		t.Errorf("canceled before: %v", err)
	}
	ctx, cancel = context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	r, err := runOnKernel(ctx, t, s) // otherwise it would try for ten minutes
	if !errors.Is(err, context.DeadlineExceeded) || r == nil || len(r.Packets) == 0 {
		t.Errorf("canceled while it ran: %v, %v", r, err)
	}
	for what, change := range map[string]func(*Setup){
		`cc: this kernel has no "vogon": it has `:       func(s *Setup) { s.Stack.Congestion = "vogon" },
		"offload: the kernel cannot be made to pretend": func(s *Setup) { s.Stack.Offload = "rx" },
		"flow tcp A>D bytes 1: there are only 2 hosts":  func(s *Setup) { s.Flows = []Flow{{Proto: "tcp", To: 3, Bytes: 1}} },
	} {
		bad := s
		change(&bad)
		_, err := Kernel(t.Context(), bad)
		if e := new(SetupError); !errors.As(err, &e) || !strings.HasPrefix(err.Error(), what) {
			t.Errorf("%v is not %s", err, what)
		}
	}
}

// Without a capability the error says what was attempted and what would help.
func TestKernelNotPermitted(t *testing.T) {
	if os.Geteuid() != 0 {
		t.Skip("it needs root to do without root")
	}
	done := make(chan error)
	go func() {
		runtime.LockOSThread() // for good: the thread has lost its capabilities
		head := unix.CapUserHeader{Version: unix.LINUX_CAPABILITY_VERSION_3}
		var none [2]unix.CapUserData
		if err := unix.Capset(&head, &none[0]); err != nil {
			done <- err
			return
		}
		_, err := onOwnThread(func() (*KernelRun, error) { return newKernel(Setup{}, -1).do(context.Background()) })
		done <- err
	}()
	err := <-done
	var refused *KernelError
	if !errors.As(err, &refused) || err.Error() != "host A: network namespace: operation not permitted" || refused.Hint != needsRoot || !errors.Is(err, fs.ErrPermission) {
		t.Errorf("%v", err)
	}
}

// Nothing is left of a run: neither descriptors nor a thread in its namespaces.
func TestKernelLeaves(t *testing.T) {
	s := kernelSetup(t, "?flow=tcp A>B bytes 1000&flow=udp A>B count 3 size 100")
	blackhole := kernelSetup(t, "?until=20ms&flow=tcp A>B bytes 1000&flow=tcp A>B closed bytes 100&link=loss 50%")
	count := func() (n int) {
		list, err := os.ReadDir("/proc/self/fd")
		if err != nil {
			t.Fatal(err)
		}
		return len(list)
	}
	mustKernel(t, s)
	before := count()
	for range 5 {
		mustKernel(t, s)
		mustKernel(t, blackhole)
	}
	if after := count(); after != before {
		t.Errorf("%d descriptors, before there were %d", after, before)
	}
	home, err := os.Readlink("/proc/self/ns/net")
	if err != nil {
		t.Fatal(err)
	}
	threads, _ := filepath.Glob("/proc/self/task/*/ns/net")
	for _, thread := range threads {
		if ns, err := os.Readlink(thread); err == nil && ns != home {
			t.Errorf("%s is %s, home is %s", thread, ns, home)
		}
	}
}
