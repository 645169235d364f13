package workbench

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"slices"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"time"

	"sockeye.dev/endpoint"
)

// firstDescriptor is where the sockets begin that systemd hands over (sd_listen_fds(3), SD_LISTEN_FDS_START).
const firstDescriptor = 3

// Sockets are the sockets that systemd has opened for us. They are kept until Close, as systemd keeps them itself: who
// takes one has it from a descriptor of its own, and may close it and, after a reload, take it again. Until then who
// connects waits. One of datagrams is one's alone until it is closed: two readers would each hear half of a
// conversation. Its methods may be called by any number of goroutines at once.
//
//	sockets, err := workbench.Inherit(os.LookupEnv, os.Getpid())
//	...
//	defer sockets.Close()
//	network := endpoint.Host{Inherited: sockets.Take}
type Sockets struct {
	mu  sync.Mutex
	all []inherited
}

// An inherited socket has the name that the socket unit's FileDescriptorName= gives it; "unknown" when nobody gave one.
type inherited struct {
	endpoint.Socket
	name  string
	taken bool
	held  net.PacketConn // who has it now, or had it
}

// Inherit takes over the sockets of systemd's socket activation, as sd_listen_fds(3) says: lookup is os.LookupEnv, and
// LISTEN_FDS counts only if LISTEN_PID is pid, which is os.Getpid(). Without activation there are none, which is no
// error. It is for one call, early: it takes the descriptors from 3 on for systemd's. A socket that is of no use here, a
// SOCK_SEQPACKET for example, is an error; all are closed then.
func Inherit(lookup func(key string) (string, bool), pid int) (*Sockets, error) {
	return inherit(lookup, pid, firstDescriptor)
}

func inherit(lookup func(string) (string, bool), pid, first int) (*Sockets, error) {
	get := func(key string) string { v, _ := lookup(key); return v }
	if get("LISTEN_PID") != strconv.Itoa(pid) {
		return &Sockets{}, nil
	}
	n, err := strconv.Atoi(get("LISTEN_FDS"))
	if err != nil || n < 0 || n > 1024 {
		return nil, fmt.Errorf("LISTEN_FDS=%q is no number of sockets", get("LISTEN_FDS"))
	}
	var names []string
	if v, ok := lookup("LISTEN_FDNAMES"); ok && v != "" {
		names = strings.Split(v, ":")
	}
	var s Sockets
	var errs []error
	for i := range n {
		name := "unknown"
		if i < len(names) {
			name = cmp.Or(names[i], name)
		}
		one, err := inheritOne(uintptr(first+i), name)
		if err != nil {
			errs = append(errs, fmt.Errorf("the socket %s, descriptor %d, that systemd has opened: %w", name, first+i, err))
			continue
		}
		s.all = append(s.all, inherited{Socket: one, name: name})
	}
	if len(errs) > 0 {
		return nil, errors.Join(append(errs, s.Close())...)
	}
	return &s, nil
}

// Take returns a socket that was bound to where a listens, for endpoint.Host; the zero Socket when there is none. The
// scheme says whether it is one of streams or of datagrams; what is spoken over it does not matter. Of a host's name it
// cannot be told what it is bound to: write the IP address. Of several, those that nobody has taken come first.
func (s *Sockets) Take(a endpoint.Addr) (endpoint.Socket, error) {
	if a.Host == "" && a.Options.Get("ip") == "4" {
		a.Host = "0.0.0.0"
	}
	a.Options = endpoint.Options{}
	want := socketOf(a)
	return s.take(func(one inherited) bool {
		return want != "" && socketOf(endpoint.AddrOf(one.Addr().Network(), one.Addr())) == want
	})
}

// TakeNamed is Take of a socket with a name.
func (s *Sockets) TakeNamed(name string) (endpoint.Socket, error) {
	return s.take(func(one inherited) bool { return one.name == name })
}

func (s *Sockets) take(is func(inherited) bool) (endpoint.Socket, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	i := slices.IndexFunc(s.all, func(one inherited) bool { return !one.taken && is(one) })
	if i < 0 {
		i = slices.IndexFunc(s.all, is)
	}
	if i < 0 {
		return endpoint.Socket{}, nil
	}
	one := &s.all[i]
	fail := func(err error) (endpoint.Socket, error) {
		return endpoint.Socket{}, fmt.Errorf("the socket %s that systemd has opened: %w", one.name, err)
	}
	if one.held != nil && isOpen(one.held) {
		return fail(errHeld)
	}
	socket, err := duplicate(one.Socket)
	if err != nil {
		return fail(err)
	}
	one.taken, one.held = true, socket.Packet
	return socket, nil
}

var errHeld = errors.New("it is in use until the conversations over it have ended")

// isOpen reports whether a packet conn of ours was not closed yet.
func isOpen(pc net.PacketConn) bool {
	sc, ok := pc.(syscall.Conn)
	if !ok {
		return false
	}
	raw, err := sc.SyscallConn()
	return err == nil && raw.Control(func(uintptr) {}) == nil
}

// duplicate returns s by another descriptor.
func duplicate(s endpoint.Socket) (d endpoint.Socket, err error) {
	var file *os.File
	if s.Listener != nil {
		file, err = s.Listener.(filer).File()
	} else {
		file, err = s.Packet.(filer).File()
	}
	if err != nil {
		return d, err
	}
	defer file.Close()
	if s.Listener != nil {
		d.Listener, err = net.FileListener(file)
	} else {
		d.Packet, err = net.FilePacketConn(file)
	}
	return d, err
}

// A filer is every socket that inheritOne returns.
type filer interface{ File() (*os.File, error) }

// Left says which sockets nobody has taken, as "name address": a unit that has more than the file has doors, or others.
func (s *Sockets) Left() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	var left []string
	for _, one := range s.all {
		if !one.taken {
			left = append(left, fmt.Sprintf("%s %v", one.name, endpoint.AddrOf("", one.Addr())))
		}
	}
	return left
}

// Close closes what is kept; what was taken is its taker's. Nothing can be taken afterwards.
func (s *Sockets) Close() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	var errs []error
	for _, one := range s.all {
		errs = append(errs, one.Close())
	}
	s.all = nil
	return errors.Join(errs...)
}

// Notifier tells systemd how we are, as sd_notify(3) says. Its methods may be called by any goroutine; of a nil
// Notifier they do nothing, so that nobody needs to ask whether systemd listens.
type Notifier struct {
	to       *net.UnixAddr
	watchdog time.Duration
}

// NewNotifier returns nil, and no error, when systemd does not listen. lookup is os.LookupEnv, pid os.Getpid().
func NewNotifier(lookup func(key string) (string, bool), pid int) (*Notifier, error) {
	socket, ok := lookup("NOTIFY_SOCKET")
	if !ok || socket == "" {
		return nil, nil
	}
	if socket[0] != '/' && socket[0] != '@' {
		return nil, fmt.Errorf("NOTIFY_SOCKET=%q is no Unix socket, and no other is understood", socket)
	}
	n := &Notifier{to: &net.UnixAddr{Name: socket, Net: "unixgram"}}
	if v, ok := lookup("WATCHDOG_USEC"); ok {
		if who, ok := lookup("WATCHDOG_PID"); ok && who != "" && who != strconv.Itoa(pid) {
			return n, nil
		}
		usec, err := strconv.ParseInt(v, 10, 64)
		if err != nil || usec <= 0 || usec > int64(106751*day/time.Microsecond) {
			return nil, fmt.Errorf("WATCHDOG_USEC=%q is no interval", v)
		}
		n.watchdog = time.Duration(usec) * time.Microsecond
	}
	return n, nil
}

// Ready says that the service is up, or, after Reloading, that it has reloaded.
func (n *Notifier) Ready() error { return n.send("READY=1") }

// Reloading says that the service begins to reload its settings; Ready ends it.
func (n *Notifier) Reloading() error {
	now, err := monotonic()
	if err != nil {
		return err
	}
	return n.send("RELOADING=1\nMONOTONIC_USEC=" + strconv.FormatInt(now.Microseconds(), 10))
}

// Stopping says that the service begins to end.
func (n *Notifier) Stopping() error { return n.send("STOPPING=1") }

// Status shows text, one line, in systemctl status.
func (n *Notifier) Status(text string) error {
	return n.send("STATUS=" + strings.NewReplacer("\r", " ", "\n", " ").Replace(text))
}

// Watchdog returns how often systemd wants to hear from us, 0 if it does not.
func (n *Notifier) Watchdog() time.Duration {
	if n == nil {
		return 0
	}
	return n.watchdog
}

// Run keeps the watchdog quiet, twice in its interval while healthy returns nil, until ctx ends; it returns the
// context's cause. A nil healthy is always well. Without a watchdog Run only waits.
func (n *Notifier) Run(ctx context.Context, healthy func() error) error {
	if n.Watchdog() == 0 {
		<-ctx.Done()
		return context.Cause(ctx)
	}
	tick := time.NewTicker(max(n.watchdog/2, time.Millisecond))
	defer tick.Stop()
	for {
		var err error
		if healthy != nil {
			err = healthy()
		}
		if err == nil {
			_ = n.send("WATCHDOG=1") // one that is lost is followed by another in time
		} else {
			_ = n.Status(err.Error())
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			return context.Cause(ctx)
		}
	}
}

// send sends one datagram. A socket per datagram costs nothing where there is one in seconds, and holds none.
func (n *Notifier) send(state string) error {
	if n == nil {
		return nil
	}
	conn, err := net.DialUnix("unixgram", nil, n.to)
	if err != nil {
		return fmt.Errorf("notify systemd: %w", err)
	}
	defer conn.Close()
	if err := conn.SetWriteDeadline(time.Now().Add(5 * time.Second)); err != nil {
		return fmt.Errorf("notify systemd: %w", err)
	}
	if _, err := conn.Write([]byte(state)); err != nil && !errors.Is(err, os.ErrDeadlineExceeded) {
		return fmt.Errorf("notify systemd: %w", err)
	} else if err != nil {
		return fmt.Errorf("notify systemd: it does not read: %w", err)
	}
	return nil
}
