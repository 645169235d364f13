//go:build linux

package main

import (
	"bytes"
	"strconv"
)

// lines takes note of what m has read.
func (c *crowd) lines(m *member, data []byte, now int64) {
	for {
		i := bytes.IndexByte(data, '\n')
		if i < 0 {
			m.rest = append(m.rest, data...)
			return
		}
		line := data[:i]
		if len(m.rest) > 0 {
			line = append(m.rest, line...)
			m.rest = nil
		}
		data = data[i+1:]
		c.line(m, line, now)
	}
}

// line takes note of one line.
func (c *crowd) line(m *member, line []byte, now int64) {
	if bytes.HasPrefix(line, []byte("* ")) {
		c.answer.Notices++
		if !m.ready && bytes.Contains(line, []byte(hint)) {
			m.ready = true
			c.in++
		}
		return
	}
	i := bytes.Index(line, []byte("> "+mark))
	if i < 1 || line[0] != '<' || len(line)-i-2 != size {
		c.amiss(&c.answer.Strange, m, "strange: %q", line)
		return
	}
	msg := line[i+2:]
	number, err := strconv.ParseUint(string(msg[len(mark):sentAt]), 16, 31)
	at, err2 := strconv.ParseInt(string(msg[sentAt:filledAt]), 16, 64)
	n := int(number)
	if err != nil || err2 != nil || n >= c.Messages || len(bytes.Trim(msg[filledAt:], "x")) > 0 {
		c.amiss(&c.answer.Strange, m, "damaged: %q", line)
		return
	}
	bit := uint64(1) << (n % 64)
	if m == c.speaker(n) || m.got[n/64]&bit != 0 {
		c.amiss(&c.answer.Doubled, m, "again: %q", line)
		return
	}
	m.got[n/64] |= bit
	c.answer.Deliveries++
	c.answer.Last = now
	c.delays.add(uint64(max(0, now-at)) / 1000)
	c.answer.Slowest[n] = max(c.answer.Slowest[n], (now-at)/1000)
	c.inOrder(m, n)
}

// inOrder notes where message n stands, and whether it comes to m in the place where it came to the others. A speaker,
// who does not see its own messages, does not know their places: it is compared in the end.
func (c *crowd) inOrder(m *member, n int) {
	if m.id < c.speaking() {
		m.read = append(m.read, int32(n))
		return
	}
	if c.place[n] == 0 {
		c.order = append(c.order, int32(n))
		c.place[n] = uint32(len(c.order))
	}
	c.follows(m, n)
}

func (c *crowd) follows(m *member, n int) {
	if c.place[n] < m.at {
		c.amiss(&c.answer.Disordered, m, "message %d comes after %d, and before it to others", n, c.order[m.at-1])
	}
	m.at = c.place[n]
}
