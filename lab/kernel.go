package lab

import (
	"context"
	"time"
)

// Kernel runs a setup under the TCP and UDP of this machine's own Linux: the
// same lines, faults, flows and numbered payload as [Do], but each host is a
// network namespace with a TUN device, and time is real. It is the referee:
// what both show is TCP's, what one shows is that stack's.
//
// It is not deterministic. The line's chances are drawn as in Do, but how many
// packets there are, and when, is the kernel's affair.
//
// A setup's knobs apply as far as Linux has them: cc is any that this kernel has
// (bbr too); sack, mtu, minrto and nagle are what they say; rack is Linux's
// default and stays on, whatever the knob says; offload is refused. A flow's
// Buffer is SO_RCVBUF, of which Linux counts its own bookkeeping apart.
//
// It returns when all flows are over, every connection is closed or in
// TIME-WAIT, and nothing is on the line; or when ctx or the setup's time is
// over. The run is returned with ctx's error, too: what there was until then.
// After it has returned there is nothing left of it, neither goroutine, thread,
// descriptor nor namespace. Runs may go on at the same time.
//
// Errors are *SetupError for what cannot be run, and *KernelError for what this
// system refuses: it needs Linux, /dev/net/tun and CAP_NET_ADMIN and
// CAP_SYS_ADMIN, as root has.
func Kernel(ctx context.Context, s Setup) (*KernelRun, error) { return runKernel(ctx, s) }

// A KernelRun is what happened in a setup under Linux. Of a packet's reason it
// has what is seen from outside: whether it was sent before, not why. Verdicts
// are inferred from what had arrived, all of them; which datagrams found a full
// socket cannot be. Samples are from Info.
type KernelRun struct {
	Run
	Info     []KernelInfo
	Counters []Counters // of hosts
	Dropped  int        // packets that a kernel sent and that never came to the line, because the run was too slow to take them: then the log lacks them
}

// Counters are a host's, named as by nstat(8): TcpRetransSegs, TcpInCsumErrors,
// UdpRcvbufErrors, TcpExtTCPTimeouts. They are all that the kernel has counted
// since the host came to be.
type Counters map[string]int64

// A KernelInfo is how one end of a connection stands, by Linux's TCP_INFO. There
// is one every 5 ms in which anything has changed, for each end.
type KernelInfo struct {
	At       time.Duration
	Flow     int
	Host     int
	State    string // as in RFC 9293
	Recovery string // the congestion control's: open, disorder, cwr, recovery, loss

	Cwnd, Ssthresh        int // segments; Ssthresh 0: not set yet
	MSS                   int // bytes
	Unacked, Sacked, Lost int // segments in flight; of these, held by the receiver; of these, taken for lost
	Retrans               int // segments in flight for another time
	TotalRetrans          int // segments sent again, since the beginning
	Unsent                int // bytes that the application has written and the kernel has not sent
	Window                int // bytes that the receiver has room for; -1: an older kernel, which does not tell
	RTO, SRTT, RTTVar     time.Duration
	MinRTT                time.Duration
	Pacing                int64 // bytes a second; 0: unpaced
	Delivered             int64 // bytes acknowledged
}

// A KernelError is what the system refused to do for [Kernel].
type KernelError struct {
	What string // what was attempted, and for which host
	Err  error
	Hint string // what would help; may be empty
}

func (e *KernelError) Error() string { return e.What + ": " + e.Err.Error() }
func (e *KernelError) Unwrap() error { return e.Err }
