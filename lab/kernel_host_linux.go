package lab

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"
)

// A kernelHost is one machine: a network namespace whose one way out is a TUN
// device. A socket belongs for good to the namespace that its thread was in when
// it was made, so only making them needs enter.
type kernelHost struct {
	index int
	ns    int // descriptor of the namespace
	tun   int
}

const (
	tunName   = "lab0"
	needsRoot = "it needs root, or CAP_NET_ADMIN and CAP_SYS_ADMIN; without --kernel the lab needs nothing"
	needsTUN  = "it needs a TUN device (modprobe tun; in a container: --device /dev/net/tun); without --kernel the lab needs nothing"

	// Nothing is dropped on the way from the kernel to the line: a device's usual
	// queue of 500 packets is less than a window.
	tunQueue = 20000
)

// newKernelHost makes a host and leaves the calling thread in its namespace. What
// it returns is to be closed even with an error.
func newKernelHost(i int, s *Setup) (*kernelHost, error) {
	h := &kernelHost{index: i, ns: -1, tun: -1}
	fail := func(what string, err error, hint string) (*kernelHost, error) {
		return h, &KernelError{fmt.Sprintf("host %s: %s", Host(i), what), err, hint}
	}
	err := unix.Unshare(unix.CLONE_NEWNET)
	if err != nil {
		return fail("network namespace", err, needsRoot)
	}
	if h.ns, err = openNamespace(); err != nil {
		return fail("network namespace", err, "")
	}
	if h.tun, err = unix.Open("/dev/net/tun", unix.O_RDWR|unix.O_CLOEXEC|unix.O_NONBLOCK, 0); err != nil {
		return fail("/dev/net/tun", err, needsTUN)
	}
	// No offload is asked for, so the kernel computes and checks every sum itself,
	// and cuts its segments itself.
	ifr, _ := unix.NewIfreq(tunName)
	ifr.SetUint16(unix.IFF_TUN | unix.IFF_NO_PI)
	if err := unix.IoctlIfreq(h.tun, unix.TUNSETIFF, ifr); err != nil {
		return fail("TUN device", err, needsRoot)
	}
	ctl, err := unix.Socket(unix.AF_INET, unix.SOCK_DGRAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return fail("socket", err, "")
	}
	defer unix.Close(ctl)
	set := func(device string, req uint, set func(*unix.Ifreq)) {
		ifr, _ := unix.NewIfreq(device)
		set(ifr)
		if e := unix.IoctlIfreq(ctl, req, ifr); e != nil && err == nil {
			err = e
		}
	}
	addr := addressOf(i).As4()
	set(tunName, unix.SIOCSIFADDR, func(r *unix.Ifreq) { r.SetInet4Addr(addr[:]) })
	set(tunName, unix.SIOCSIFNETMASK, func(r *unix.Ifreq) { r.SetInet4Addr([]byte{255, 255, 255, 0}) })
	set(tunName, unix.SIOCSIFMTU, func(r *unix.Ifreq) { r.SetUint32(uint32(s.Stack.mtu())) })
	set(tunName, unix.SIOCSIFTXQLEN, func(r *unix.Ifreq) { r.SetUint32(tunQueue) })
	set(tunName, unix.SIOCSIFFLAGS, func(r *unix.Ifreq) { r.SetUint16(unix.IFF_UP | unix.IFF_RUNNING) })
	set("lo", unix.SIOCSIFFLAGS, func(r *unix.Ifreq) { r.SetUint16(unix.IFF_UP | unix.IFF_RUNNING) })
	if err != nil {
		return fail("address and line", err, "")
	}
	return h, h.tune(s)
}

// tune sets what of the setup's stack is the host's and not a socket's.
func (h *kernelHost) tune(s *Setup) error {
	sysctl := func(knob, name, value string) error {
		if err := os.WriteFile("/proc/sys/net/ipv4/"+name, []byte(value), 0); err != nil {
			if errors.Is(err, os.ErrNotExist) {
				err = fmt.Errorf("this kernel has no %s", name)
			}
			return &SetupError{knob, err}
		}
		return nil
	}
	if s.Stack.NoSACK {
		if err := sysctl("sack", "tcp_sack", "0"); err != nil {
			return err
		}
	}
	if s.Stack.RACK {
		if err := sysctl("rack", "tcp_recovery", "1"); err != nil {
			return err
		}
	}
	if s.Stack.MinRTO > 0 { // since Linux 6.11
		if err := sysctl("minrto", "tcp_rto_min_us", strconv.FormatInt(s.Stack.MinRTO.Microseconds(), 10)); err != nil {
			return err
		}
	}
	return nil
}

func (h *kernelHost) close() {
	for _, fd := range []int{h.tun, h.ns} {
		if fd >= 0 {
			unix.Close(fd)
		}
	}
}

// enter brings the calling thread, which must be locked, to the host.
func (h *kernelHost) enter() error { return unix.Setns(h.ns, unix.CLONE_NEWNET) }

// openNamespace is the calling thread's network namespace.
func openNamespace() (int, error) {
	return unix.Open("/proc/thread-self/ns/net", unix.O_RDONLY|unix.O_CLOEXEC, 0)
}

// socket makes a socket of the host that never blocks.
func (h *kernelHost) socket(kind int) (int, error) {
	if err := h.enter(); err != nil {
		return -1, err
	}
	return unix.Socket(unix.AF_INET, kind|unix.SOCK_NONBLOCK|unix.SOCK_CLOEXEC, 0)
}

// tcpSocket makes one with the setup's congestion control, which must be set
// before the connection is: afterwards bbr's pacing would stay.
func (h *kernelHost) tcpSocket(s *Setup) (int, error) {
	fd, err := h.socket(unix.SOCK_STREAM)
	if err != nil {
		return -1, err
	}
	if err = unix.SetsockoptString(fd, unix.IPPROTO_TCP, unix.TCP_CONGESTION, s.Stack.congestion()); err == nil && !s.Stack.Nagle {
		err = unix.SetsockoptInt(fd, unix.IPPROTO_TCP, unix.TCP_NODELAY, 1)
	}
	if err != nil {
		unix.Close(fd)
		return -1, err
	}
	return fd, nil
}

// checkCongestion reports whether this kernel has the setup's congestion control.
// To ask for it may load it, which to read the list would not.
func (h *kernelHost) checkCongestion(s *Setup) error {
	fd, err := h.tcpSocket(s)
	if err == nil {
		return unix.Close(fd)
	}
	name := s.Stack.congestion()
	switch {
	case errors.Is(err, unix.ENOENT):
		has, _ := os.ReadFile("/proc/sys/net/ipv4/tcp_available_congestion_control")
		return &SetupError{"cc", fmt.Errorf("this kernel has no %q: it has %s", name, strings.Join(strings.Fields(string(has)), ", "))}
	case errors.Is(err, unix.EPERM):
		return &KernelError{"congestion control " + name, err, needsRoot}
	}
	return &KernelError{fmt.Sprintf("host %s: socket", Host(h.index)), err, ""}
}

// setBuffer sets how much a socket may hold for its reader, beyond the system's
// limit if need be.
func setBuffer(fd, bytes int) error {
	if bytes == 0 {
		return nil
	}
	return unix.SetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_RCVBUFFORCE, bytes)
}

func sockaddr(host int, port uint16) *unix.SockaddrInet4 {
	return &unix.SockaddrInet4{Addr: addressOf(host).As4(), Port: int(port)}
}

// counters reads the host's, and how many packets its device has dropped.
func (h *kernelHost) counters() (c Counters, dropped int, err error) {
	fail := func(err error) (Counters, int, error) {
		return nil, 0, &KernelError{fmt.Sprintf("host %s: counters", Host(h.index)), err, ""}
	}
	if err := h.enter(); err != nil {
		return fail(err)
	}
	c = make(Counters)
	for _, file := range []string{"snmp", "netstat"} {
		text, err := os.ReadFile("/proc/thread-self/net/" + file)
		if err != nil {
			return fail(err)
		}
		c.parse(text)
	}
	text, err := os.ReadFile("/proc/thread-self/net/dev")
	if err != nil {
		return fail(err)
	}
	for line := range bytes.Lines(text) {
		// Eight numbers of receiving, then bytes, packets, errs, drop of sending.
		if f := strings.Fields(strings.Replace(string(line), ":", " ", 1)); len(f) > 12 && f[0] == tunName {
			dropped, _ = strconv.Atoi(f[12])
		}
	}
	return c, dropped, nil
}

// parse adds what is in pairs of lines, the first of names and the second of
// numbers: "Tcp: RtoAlgorithm ..." and "Tcp: 1 ...".
func (c Counters) parse(text []byte) {
	var names []string
	for line := range strings.Lines(string(text)) {
		f := strings.Fields(line)
		if len(f) == 0 {
			continue
		}
		if len(names) != len(f) || names[0] != f[0] {
			names = f
			continue
		}
		for i := 1; i < len(f); i++ {
			if n, err := strconv.ParseInt(f[i], 10, 64); err == nil {
				c[strings.TrimSuffix(f[0], ":")+names[i]] = n
			}
		}
		names = nil
	}
}
