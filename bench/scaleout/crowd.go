//go:build linux

package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"net/netip"
	"os"
	"time"

	"golang.org/x/sys/unix"

	"sockeye.dev/bench/internal/measure"
)

// A message is a mark, its number and the time it was sent, in hexadecimal, and as many x as make it 64 bytes.
const (
	mark     = "#scaleout#"
	size     = 64
	sentAt   = len(mark) + 8
	filledAt = sentAt + 16
)

// hint is the end of what a newcomer is greeted with.
const hint = "/nick NAME"

// quiet is how long nothing must come after the joining.
const quiet = time.Second

// A crowd is the members of one node, held by one thread over one epoll.
type crowd struct {
	task
	to, from unix.SockaddrInet4
	ep       int
	members  []member
	in       int // of them, those who have been greeted
	orders   chan order
	out      *json.Encoder
	events   []unix.EpollEvent
	buf      []byte

	heard   time.Time // when something was last read
	told    time.Time // when main was last told how far we are
	started bool
	next    int      // the next message to say
	order   []int32  // the messages as they came to the first member who is no speaker
	place   []uint32 // of each message in order, from 1
	delays  histogram
	answer  answer
}

type member struct {
	id    int
	fd    int
	ready bool
	gone  bool
	rest  []byte   // the beginning of a line whose end has not come
	got   []uint64 // a bit for each message
	at    uint32   // the place of the last
	out   []byte   // a speaker's, not written yet
	read  []int32  // by a speaker
}

// crowdMain is what a crowd does until main ends it: who left earlier would be announced to the others.
func crowdMain() {
	in := json.NewDecoder(os.Stdin)
	c := &crowd{orders: make(chan order, 1), out: json.NewEncoder(os.Stdout), events: make([]unix.EpollEvent, 512), buf: make([]byte, 256<<10)}
	measure.Check(in.Decode(&c.task))
	go func() {
		for {
			var o order
			if in.Decode(&o) != nil {
				os.Exit(0) // main has ended
			}
			c.orders <- o
		}
	}()
	if err := c.run(); err != nil {
		_ = c.out.Encode(answer{Error: err.Error()})
	}
	select {}
}

func (c *crowd) run() (err error) {
	at, err := netip.ParseAddrPort(c.Addr)
	if err != nil {
		return err
	}
	source, err := netip.ParseAddr(c.Source)
	if err != nil {
		return err
	}
	c.to, c.from = unix.SockaddrInet4{Port: int(at.Port()), Addr: at.Addr().As4()}, unix.SockaddrInet4{Addr: source.As4()}
	if c.ep, err = unix.EpollCreate1(unix.EPOLL_CLOEXEC); err != nil {
		return err
	}
	c.place, c.answer.Slowest = make([]uint32, c.Messages), make([]int64, c.Messages)
	if err := c.join(); err != nil {
		return err
	}
	if err := c.settle(); err != nil {
		return err
	}
	return c.listen()
}

// join brings the members in and returns once each has been greeted.
func (c *crowd) join() error {
	c.heard = time.Now()
	c.members = make([]member, 0, c.Members)
	words := (c.Messages + 63) / 64
	got := make([]uint64, c.Members*words)
	for i := range c.Members {
		if err := c.enter(i, got[i*words:(i+1)*words]); err != nil {
			return fmt.Errorf("member %d: %w", i, err)
		}
		for len(c.members)-c.in >= c.AtOnce || i == c.Members-1 && c.in < c.Members {
			if err := c.step(time.Second); err != nil {
				return fmt.Errorf("after %d members: %w", c.in, err)
			}
			if time.Since(c.heard) > c.Patience {
				return fmt.Errorf("after %d members: nothing came for %v", c.in, c.Patience)
			}
			if c.answer.Gone > 0 {
				return fmt.Errorf("after %d members: %s", c.in, c.answer.Word)
			}
			c.tell(c.in)
		}
	}
	return c.out.Encode(answer{Joined: true, In: c.in})
}

// tell says from time to time how far we are.
func (c *crowd) tell(n int) {
	if time.Since(c.told) > time.Second {
		c.told = time.Now()
		_ = c.out.Encode(answer{In: n})
	}
}

func (c *crowd) enter(i int, got []uint64) error {
	fd, err := unix.Socket(unix.AF_INET, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return err
	}
	if err := errors.Join(
		unix.SetsockoptInt(fd, unix.IPPROTO_IP, unix.IP_BIND_ADDRESS_NO_PORT, 1), // connect chooses it: per peer, not once for all
		unix.Bind(fd, &c.from),
		unix.SetsockoptInt(fd, unix.IPPROTO_TCP, unix.TCP_NODELAY, 1),
		unix.Connect(fd, &c.to),
		unix.SetNonblock(fd, true),
	); err != nil {
		unix.Close(fd)
		return err
	}
	c.members = append(c.members, member{id: i, fd: fd, got: got})
	return unix.EpollCtl(c.ep, unix.EPOLL_CTL_ADD, fd, &unix.EpollEvent{Events: unix.EPOLLIN, Fd: int32(i)})
}

// settle reads until main wants quiet and there is.
func (c *crowd) settle() error {
	for wanted := false; !wanted || time.Since(c.heard) < quiet; {
		select {
		case o := <-c.orders:
			wanted = o.Settle
		default:
		}
		if err := c.step(50 * time.Millisecond); err != nil {
			return err
		}
	}
	return c.out.Encode(answer{Settled: true, Notices: c.answer.Notices, Bytes: c.answer.Bytes})
}

// speaker is the member that says message n if it is one of ours, or nil. The speakers sit on the nodes in turns.
func (c *crowd) speaker(n int) *member {
	s := n % c.Speakers
	if s%c.Nodes != c.Node {
		return nil
	}
	return &c.members[s/c.Nodes]
}

func (c *crowd) due(n int) time.Time {
	at := time.Unix(0, c.answer.Start)
	if c.Rate > 0 {
		at = at.Add(time.Duration(n) * time.Second / time.Duration(c.Rate))
	}
	return at
}

// listen says what we have to say when its time has come, and returns when everything has been heard, or nothing more
// comes.
func (c *crowd) listen() error {
	for c.answer.Start == 0 {
		select {
		case o := <-c.orders:
			c.answer.Start = o.Start
		default:
		}
		if err := c.step(50 * time.Millisecond); err != nil {
			return err
		}
	}
	c.started = true
	said := 0
	for n := range c.Messages {
		if c.speaker(n) != nil {
			said++
		}
	}
	all := uint64(c.Members*c.Messages - said)
	end := c.due(c.Messages - 1)
	for {
		wait := 100 * time.Millisecond
		for ; c.next < c.Messages; c.next++ {
			m := c.speaker(c.next)
			if m == nil {
				continue
			}
			if until := time.Until(c.due(c.next)); until > 0 {
				wait = min(wait, until)
				break
			}
			c.say(m, c.next)
		}
		if err := c.step(wait); err != nil {
			return err
		}
		c.tell(int(c.answer.Deliveries))
		since := c.heard
		if since.Before(end) {
			since = end
		}
		switch silence := time.Since(since); {
		case c.answer.Deliveries == all && silence > quiet: // which would be a doubled one's
			return c.finish(all)
		case silence > c.Patience:
			return c.finish(all)
		}
	}
}

func (c *crowd) finish(all uint64) error {
	for i := range c.members[:c.speaking()] {
		for _, n := range c.members[i].read {
			c.follows(&c.members[i], int(n))
		}
	}
	a := &c.answer
	a.Done, a.In, a.Order, a.Delays = true, int(a.Deliveries), c.order, c.delays[:]
	a.Lost = all - a.Deliveries
	return c.out.Encode(a)
}

func (c *crowd) say(m *member, n int) {
	m.out = fmt.Appendf(m.out, "%s%08x%016x", mark, n, time.Now().UnixNano())
	m.out = append(append(m.out, bytes.Repeat([]byte{'x'}, size-filledAt)...), '\n')
	c.flush(m)
}

// flush writes what the node takes now; step tries again.
func (c *crowd) flush(m *member) {
	for len(m.out) > 0 && !m.gone {
		n, err := unix.Write(m.fd, m.out)
		switch {
		case err == unix.EINTR:
		case err == unix.EAGAIN:
			return
		case err != nil:
			c.lose(m, err)
		default:
			m.out = append(m.out[:0], m.out[n:]...)
		}
	}
}

func (c *crowd) amiss(count *uint64, m *member, format string, args ...any) {
	*count++
	if c.answer.Word == "" {
		c.answer.Word = fmt.Sprintf("member %d: ", m.id) + fmt.Sprintf(format, args...)
	}
}

func (c *crowd) lose(m *member, err error) {
	c.amiss(&c.answer.Gone, m, "gone: %v, after %q", err, m.rest)
	m.gone = true
	unix.Close(m.fd)
}

// step waits for something to happen and reads all of it.
func (c *crowd) step(wait time.Duration) error {
	for i := range min(len(c.members), c.speaking()) {
		c.flush(&c.members[i])
	}
	ready, err := unix.EpollWait(c.ep, c.events, int((wait+time.Millisecond-1)/time.Millisecond))
	if err != nil && err != unix.EINTR {
		return err
	}
	for _, e := range c.events[:max(ready, 0)] {
		c.read(&c.members[e.Fd])
	}
	if ready > 0 {
		c.heard = time.Now()
	}
	return nil
}

func (c *crowd) read(m *member) {
	n, err := unix.Read(m.fd, c.buf)
	switch {
	case err == unix.EAGAIN || err == unix.EINTR:
		return
	case err != nil:
		c.lose(m, err)
		return
	case n == 0:
		c.lose(m, errors.New("closed by the node"))
		return
	}
	if !c.started {
		c.answer.Bytes += uint64(n)
	}
	c.lines(m, c.buf[:n], time.Now().UnixNano())
}

// speaking is how many of our members are speakers; they are the first.
func (c *crowd) speaking() int { return (c.Speakers - c.Node + c.Nodes - 1) / c.Nodes }
