//go:build linux

package main

import (
	"bytes"
	"fmt"
	"io"
	"strings"
	"time"

	"golang.org/x/sys/unix"

	"sockeye.dev/bench/internal/measure"
)

// A slow is one hub with one member that does not read.
type slow struct {
	p50, p99, most float64
	without        float64 // p99 of the same process, before
	grown          int     // KiB
	dropped        string
	words          string
	failed         error
}

// measureSlow runs one hub once with one member too many, who does not read.
func (h *hub) measureSlow(dir string, s settings) (r slow) {
	const size = 400 // an IRC line has 512
	p := h.start(dir)
	defer p.stop()
	c := newCrowd(h.proto, p.port, s.window)
	defer c.close()
	if h.most > 0 {
		s.members = min(s.members, h.most-1)
	}
	if r.failed = c.join(s.members); r.failed != nil {
		return r
	}
	until := time.Now().Add(s.last / 10)
	if _, _, r.failed = c.flood(s.window/8, size, func(uint64) bool { return time.Now().Before(until) }); r.failed != nil {
		return r
	}
	rate := min(s.rate, 100_000/s.members)
	paced := func() ([]uint32, error) {
		delays, _, err := c.pace(rate, int(s.slowPaced.Seconds()*float64(rate)))
		return delays, err
	}
	delays, err := paced()
	if r.failed = err; err != nil {
		return r
	}
	_, r.without, _ = quantiles(delays)
	laggard, err := c.laggard()
	defer unix.Close(laggard)
	if r.failed = err; err != nil {
		return r
	}
	files, before := p.Files(), p.Anon()
	r.dropped = "kept"
	messages := uint64(s.slowKiB) << 10 / size
	droppedAt := uint64(0)
	_, took, err := c.flood(s.window/8, size, func(sent uint64) bool {
		if droppedAt == 0 && sent%16 == 0 && p.Files() < files {
			droppedAt = sent
		}
		return sent < messages
	})
	r.grown = p.Anon() - before
	if r.failed = err; err != nil {
		r.dropped = "kept: it stops everybody"
		return r
	}
	began := time.Now()
	delays, err = paced()
	r.failed = err
	r.p50, r.p99, r.most = quantiles(delays)
	r.grown = max(r.grown, p.Anon()-before)
	switch {
	case droppedAt > 0:
		r.dropped = fmt.Sprintf("closed after %d KiB", droppedAt*size>>10)
	case p.Files() < files:
		r.dropped = fmt.Sprintf("closed within %.0f s", (took + time.Since(began)).Seconds())
	}
	words, total, ended := lastWords(laggard)
	if words == "" {
		words = "nothing"
	}
	if r.dropped == "kept" && ended != unix.EAGAIN {
		r.dropped = "let go once it read" // its descriptor was open until then
	}
	if ended == unix.EAGAIN {
		r.words = fmt.Sprintf("still there, %d KiB to read", total>>10)
	} else {
		r.words = fmt.Sprintf("%.80q, then %v", strings.ReplaceAll(words, "|", "/"), ended)
	}
	if lost := c.lost + c.twice; lost > 0 {
		r.words += fmt.Sprintf("; others lost %d", lost)
	}
	return r
}

// A laggard is a member that does not read, far away: its segments are small,
// so that the kernel keeps little for it and the hub has to.
func (c *crowd) laggard() (fd int, err error) {
	if fd, err = unix.Socket(unix.AF_INET, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, 0); err != nil {
		return -1, err
	}
	measure.Check(unix.SetsockoptInt(fd, unix.IPPROTO_TCP, unix.TCP_MAXSEG, 536))
	measure.Check(unix.SetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_RCVBUF, 4096))
	if err := unix.Connect(fd, c.addr); err != nil {
		return fd, err
	}
	if c.proto.hello != nil {
		if _, err := unix.Write(fd, c.proto.hello(len(c.members))); err != nil {
			return fd, err
		}
	}
	measure.Check(unix.SetsockoptTimeval(fd, unix.SOL_SOCKET, unix.SO_RCVTIMEO, &unix.Timeval{Sec: 1}))
	want, has := []byte(mark), []byte(nil)
	for began := time.Now(); !bytes.Contains(has, want); { // a probe reaches it: it is in
		if time.Since(began) > patience {
			return fd, errStalled
		}
		c.say(probeSeq, shortest)
		if err := c.flush(); err != nil {
			return fd, err
		}
		var b [4096]byte
		if n, err := unix.Read(fd, b[:]); err == nil && n == 0 {
			return fd, io.EOF
		} else if n > 0 {
			has = append(has, b[:n]...)
		}
	}
	return fd, nil
}

// lastWords reads what is there for a laggard until it ends, or until nothing
// comes, and returns what stands behind the last message.
func lastWords(fd int) (line string, total int, ended error) {
	var tail []byte
	b := make([]byte, 64<<10)
	for {
		n, err := unix.Read(fd, b)
		switch {
		case err == unix.EINTR:
			continue
		case err != nil:
			ended = err
		case n == 0:
			ended = io.EOF
		}
		if ended != nil {
			break
		}
		total += n
		tail = append(tail, b[:n]...)
		tail = tail[max(0, len(tail)-2000):]
	}
	if i := bytes.LastIndex(tail, []byte("xxxx")); i >= 0 {
		tail = tail[i+4:] // what stands behind the last message, or what was cut of it
	}
	line = string(bytes.TrimSpace(tail))
	return line, total, ended
}
