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
	"time"

	"sockeye.dev/endpoint"
)

// firstDescriptor is where the sockets begin that systemd hands over (sd_listen_fds(3), SD_LISTEN_FDS_START).
const firstDescriptor = 3

// Inherited is one socket that systemd has opened for us. Exactly one of Listener and Packet is there.
type Inherited struct {
	// Name is the socket unit's FileDescriptorName=; "unknown" when nobody gave one.
	Name string

	// Listener accepts streams: a *net.TCPListener or a *net.UnixListener.
	Listener net.Listener

	// Packet has datagrams: a *net.UDPConn or a *net.UnixConn.
	Packet net.PacketConn
}

// Addr returns the socket's own address.
func (s Inherited) Addr() net.Addr {
	if s.Listener != nil {
		return s.Listener.Addr()
	}
	return s.Packet.LocalAddr()
}

// Close closes the socket. Of a Unix socket the file stays: it is systemd's.
func (s Inherited) Close() error {
	if s.Listener != nil {
		return s.Listener.Close()
	}
	return s.Packet.Close()
}

// Sockets are the sockets that systemd has opened for us and that nobody has taken yet. They belong to whoever takes
// them; Close closes the rest. Not for use by several goroutines at once.
type Sockets struct{ left []Inherited }

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
		s.left = append(s.left, one)
	}
	if len(errs) > 0 {
		return nil, errors.Join(append(errs, s.Close())...)
	}
	return &s, nil
}

// Take returns a socket that was bound to where a listens, and forgets it; false when there is none. The scheme says
// whether it is one of streams or of datagrams; what is spoken over it does not matter. Of a host's name it cannot be
// told what it is bound to: write the IP address.
func (s *Sockets) Take(a endpoint.Addr) (Inherited, bool) {
	want := socketOf(withoutOptions(a))
	return s.take(func(one Inherited) bool {
		scheme := "tcp"
		switch addr := one.Addr().(type) {
		case *net.UDPAddr:
			scheme = "udp"
		case *net.UnixAddr:
			scheme = addr.Net
		}
		return want != "" && socketOf(endpoint.AddrOf(scheme, one.Addr())) == want
	})
}

func withoutOptions(a endpoint.Addr) endpoint.Addr {
	a.Options = endpoint.Options{}
	return a
}

// TakeNamed is Take of the first socket with a name.
func (s *Sockets) TakeNamed(name string) (Inherited, bool) {
	return s.take(func(one Inherited) bool { return one.Name == name })
}

func (s *Sockets) take(is func(Inherited) bool) (Inherited, bool) {
	i := slices.IndexFunc(s.left, is)
	if i < 0 {
		return Inherited{}, false
	}
	one := s.left[i]
	s.left = slices.Delete(s.left, i, i+1)
	return one, true
}

// Left returns the sockets that nobody has taken.
func (s *Sockets) Left() []Inherited { return slices.Clone(s.left) }

// Close closes the sockets that nobody has taken.
func (s *Sockets) Close() error {
	var errs []error
	for _, one := range s.left {
		errs = append(errs, one.Close())
	}
	s.left = nil
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
