//go:build linux

package main

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"strconv"
	"time"
	"unsafe"

	"golang.org/x/sys/unix"

	"sockeye.dev/bench/internal/measure"
)

// A message is a mark, its number and the time it was sent, both as 16
// hexadecimal digits, and as many x as make it as long as asked.
const (
	mark      = "#fanout#"
	shortest  = 64
	ring      = 1 << 14                    // how many messages can be under way
	filling   = "xxxxxxxxxxxxxxxxxxxxxxxx" // of the shortest
	patience  = 20 * time.Second
	probeSeq  = 0 // sent until everybody has been reached, and counted nowhere
	timerSlot = -1
)

var errStalled = fmt.Errorf("nothing came for %v", patience)

// A crowd is one speaker and many members, held by one thread over one epoll:
// what the clients cost is the same for all hubs.
type crowd struct {
	proto   proto
	addr    *unix.SockaddrInet4
	window  int
	ep      int
	members []member // the first is the speaker
	heard   int      // members that are counted on: all but the speaker
	waiting int      // of them, those whose hello is not answered
	probed  int

	sent, done uint64 // the last message sent, and the last that all have
	counts     [ring]int32
	digits     [ring][16]byte // the number of a message as it is written
	stride     int            // between the beginnings of messages, as seen last
	out        []byte         // of the speaker, not written yet
	polled     bool           // the epoll says when the speaker can write
	payload    []byte

	lost, twice uint64
	record      bool
	delays      []uint32 // in microseconds

	timer  int
	ticks  uint64
	events []unix.EpollEvent
	buf    []byte
}

type member struct {
	fd      int
	next    uint64
	ready   bool
	probed  bool
	tail    [shortest]byte // the beginning of a message whose end has not come
	tailLen int
}

func newCrowd(p proto, port string, window int) *crowd {
	n, err := strconv.Atoi(port)
	measure.Check(err)
	ep, err := unix.EpollCreate1(unix.EPOLL_CLOEXEC)
	measure.Check(err)
	timer, err := unix.TimerfdCreate(unix.CLOCK_MONOTONIC, unix.TFD_CLOEXEC|unix.TFD_NONBLOCK)
	measure.Check(err)
	c := &crowd{proto: p, addr: &unix.SockaddrInet4{Port: n, Addr: [4]byte{127, 0, 0, 1}}, window: window,
		ep: ep, timer: timer, events: make([]unix.EpollEvent, 256), buf: make([]byte, shortest+256<<10)}
	measure.Check(unix.EpollCtl(ep, unix.EPOLL_CTL_ADD, timer, &unix.EpollEvent{Events: unix.EPOLLIN, Fd: timerSlot}))
	return c
}

func (c *crowd) close() {
	for i := range c.members {
		unix.Close(c.members[i].fd)
	}
	unix.Close(c.timer)
	unix.Close(c.ep)
}

// join brings in a speaker and n members, and returns once a message has
// reached each of them.
func (c *crowd) join(n int) error {
	c.members = make([]member, 0, n+1)
	for i := range n + 1 {
		if err := c.enter(i); err != nil {
			return fmt.Errorf("member %d: %w", i, err)
		}
		for c.waiting >= c.proto.atOnce || i == 0 && c.waiting > 0 {
			if err := c.step(patience); err != nil {
				return fmt.Errorf("after %d members: %w", i, err)
			}
		}
		if c.proto.ready == nil && i%c.proto.atOnce == 0 || i == n {
			for c.waiting > 0 {
				if err := c.step(patience); err != nil {
					return fmt.Errorf("after %d members: %w", i, err)
				}
			}
			if err := c.probe(); err != nil {
				return fmt.Errorf("after %d members: %w", i, err)
			}
		}
	}
	return nil
}

func (c *crowd) enter(i int) error {
	fd, err := unix.Socket(unix.AF_INET, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return err
	}
	if err := unix.Connect(fd, c.addr); err != nil {
		unix.Close(fd)
		return err
	}
	measure.Check(unix.SetsockoptInt(fd, unix.IPPROTO_TCP, unix.TCP_NODELAY, 1))
	c.members = append(c.members, member{fd: fd, next: 1, ready: c.proto.ready == nil})
	if i > 0 {
		c.heard++
	}
	if c.proto.hello != nil {
		if _, err := unix.Write(fd, c.proto.hello(i)); err != nil {
			return err
		}
	}
	if c.proto.ready != nil {
		c.waiting++
	}
	measure.Check(unix.SetNonblock(fd, true))
	return unix.EpollCtl(c.ep, unix.EPOLL_CTL_ADD, fd, &unix.EpollEvent{Events: unix.EPOLLIN, Fd: int32(i)})
}

// probe speaks until everybody has heard it: a hub may take somebody in later
// than it says so.
func (c *crowd) probe() error {
	for began := time.Now(); c.probed < c.heard; {
		if time.Since(began) > patience {
			return fmt.Errorf("%d of %d hear nothing", c.heard-c.probed, c.heard)
		}
		c.say(probeSeq, shortest)
		if err := c.flush(); err != nil {
			return err
		}
		for next := time.Now().Add(50 * time.Millisecond); c.probed < c.heard && time.Now().Before(next); {
			if err := c.step(time.Until(next)); err != nil && !errors.Is(err, errStalled) {
				return err
			}
		}
	}
	return nil
}

// say queues one message.
func (c *crowd) say(seq uint64, size int) {
	c.payload = fmt.Appendf(c.payload[:0], "%s%016x%016x", mark, seq, time.Now().UnixNano())
	copy(c.digits[seq%ring][:], c.payload[len(mark):])
	for len(c.payload) < size {
		c.payload = append(c.payload, 'x')
	}
	c.out = c.proto.frame(c.out, c.payload)
}

// flush writes what the hub takes now.
func (c *crowd) flush() error {
	for len(c.out) > 0 {
		n, err := unix.Write(c.members[0].fd, c.out)
		switch {
		case err == unix.EINTR:
		case err == unix.EAGAIN:
			return c.poll(true)
		case err != nil:
			return fmt.Errorf("the speaker: %w", err)
		default:
			c.out = append(c.out[:0], c.out[n:]...)
		}
	}
	return c.poll(false)
}

func (c *crowd) poll(out bool) error {
	if c.polled == out {
		return nil
	}
	c.polled = out
	e := unix.EpollEvent{Events: unix.EPOLLIN}
	if out {
		e.Events |= unix.EPOLLOUT
	}
	return unix.EpollCtl(c.ep, unix.EPOLL_CTL_MOD, c.members[0].fd, &e)
}

// step waits for something to happen and reads all of it.
func (c *crowd) step(wait time.Duration) error {
	n, err := unix.EpollWait(c.ep, c.events, int(wait.Milliseconds())+1)
	switch {
	case err == unix.EINTR:
		return nil
	case err != nil:
		return err
	case n == 0:
		return errStalled
	}
	for _, e := range c.events[:n] {
		switch {
		case e.Fd == timerSlot:
			var b [8]byte
			if _, err := unix.Read(c.timer, b[:]); err == nil {
				c.ticks += uint64(b[0]) | uint64(b[1])<<8
			}
		case e.Events&^unix.EPOLLOUT != 0:
			if err := c.read(int(e.Fd)); err != nil {
				return err
			}
		}
		if e.Fd == 0 && e.Events&unix.EPOLLOUT != 0 {
			if err := c.flush(); err != nil {
				return err
			}
		}
	}
	return nil
}

func (c *crowd) read(i int) error {
	m := &c.members[i]
	n, err := receive(m.fd, c.buf[shortest:])
	switch {
	case err == unix.EAGAIN || err == unix.EINTR:
		return nil
	case err != 0:
		return fmt.Errorf("member %d: %w", i, err)
	case n == 0:
		return fmt.Errorf("member %d: %w", i, io.EOF)
	}
	data := c.buf[shortest-m.tailLen : shortest+n]
	copy(data, m.tail[:m.tailLen])
	c.consume(m, data)
	if i == 0 && m.next > 1 {
		return errors.New("the speaker hears itself")
	}
	return nil
}

// receive is recv(2) of a socket that does not block. Go's scheduler need not
// know of it: what it does meanwhile would be at the hub's expense.
func receive(fd int, p []byte) (int, unix.Errno) {
	n, _, err := unix.RawSyscall6(unix.SYS_RECVFROM, uintptr(fd), uintptr(unsafe.Pointer(unsafe.SliceData(p))), uintptr(len(p)), 0, 0, 0)
	return int(n), err
}

// consume takes note of the messages in data.
func (c *crowd) consume(m *member, data []byte) {
	keep := len(mark) - 1
	if !m.ready {
		keep = shortest - 1
		if ready := c.proto.ready(m == &c.members[0]); bytes.Contains(data, ready) {
			m.ready = true
			c.waiting--
		}
	}
	now := int64(0)
	for last := -1; ; {
		i := c.stride // what is between two messages has most often the same length
		if last < 0 || len(data) < i+len(mark) || string(data[i:i+len(mark)]) != mark {
			if i = bytes.Index(data, []byte(mark)); last >= 0 && i >= 0 {
				c.stride = i
			}
		}
		last = i
		if i < 0 {
			m.tailLen = copy(m.tail[:], data[max(0, len(data)-keep):])
			return
		}
		data = data[i:]
		if len(data) < shortest {
			m.tailLen = copy(m.tail[:], data)
			return
		}
		seq, at := m.next, data[24:40]
		if [16]byte(data[8:24]) != c.digits[seq%ring] {
			seq = hex(data[8:24])
		}
		if string(data[40:shortest]) != filling {
			measure.Check(fmt.Errorf("damaged: %q", data[:shortest]))
		}
		data = data[shortest:]
		if seq == probeSeq {
			if !m.probed && m != &c.members[0] {
				m.probed = true
				c.probed++
			}
			continue
		}
		if seq < m.next {
			c.twice++
			continue
		}
		c.lost += seq - m.next
		for ; m.next <= seq; m.next++ {
			c.counts[m.next%ring]++
		}
		if c.record {
			if now == 0 {
				now = time.Now().UnixNano()
			}
			c.delays = append(c.delays, uint32(max(0, now-int64(hex(at)))/1000))
		}
	}
}

func hex(p []byte) (n uint64) {
	for _, b := range p {
		if b -= '0'; b > 9 {
			b -= 'a' - '0' - 10
		}
		n = n<<4 | uint64(b)
	}
	return n
}

// settle counts what everybody has.
func (c *crowd) settle() {
	for c.done < c.sent && int(c.counts[(c.done+1)%ring]) >= c.heard {
		c.done++
		c.counts[c.done%ring] = 0
	}
}
