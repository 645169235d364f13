//go:build linux

package main

import (
	"slices"
	"time"

	"golang.org/x/sys/unix"

	"sockeye.dev/bench/internal/measure"
)

// flood speaks as fast as the hub passes it on, never more than the window
// ahead of the slowest member, until more says no. It returns once everybody
// has everything.
func (c *crowd) flood(window, size int, more func(sent uint64) bool) (messages uint64, took time.Duration, err error) {
	began, first := time.Now(), c.sent
	for going := true; going || c.done < c.sent; {
		for going && c.sent < c.done+uint64(window) {
			if going = more(c.sent - first); going {
				c.sent++
				c.say(c.sent, size)
			}
		}
		if err := c.flush(); err != nil {
			return 0, 0, err
		}
		if c.done == c.sent {
			break
		}
		if err := c.step(patience); err != nil {
			return c.done - first, time.Since(began), err
		}
		c.settle()
	}
	return c.sent - first, time.Since(began), nil
}

// pace speaks at a steady rate and returns how long each message took to each
// member, sorted. A message that would be sent too far ahead is left out.
func (c *crowd) pace(rate, messages int) (delays []uint32, leftOut int, err error) {
	every := unix.NsecToTimespec(int64(time.Second) / int64(rate))
	measure.Check(unix.TimerfdSettime(c.timer, 0, &unix.ItimerSpec{Interval: every, Value: every}, nil))
	defer unix.TimerfdSettime(c.timer, 0, &unix.ItimerSpec{}, nil)
	c.ticks, c.record, c.delays = 0, true, make([]uint32, 0, messages*c.heard)
	defer func() { c.record = false }()
	quiet := time.Now() // since when nothing has come but the timer's ticks
	for said := 0; said < messages || c.done < c.sent; {
		for ; c.ticks > 0 && said < messages; c.ticks-- {
			said++
			if c.sent-c.done > ring/4 {
				leftOut++
				continue
			}
			c.sent++
			c.say(c.sent, shortest)
		}
		if err := c.flush(); err != nil {
			return nil, leftOut, err
		}
		had := len(c.delays)
		if err := c.step(patience); err != nil {
			return nil, leftOut, err
		}
		if len(c.delays) > had {
			quiet = time.Now()
		} else if time.Since(quiet) > patience {
			return nil, leftOut, errStalled
		}
		c.settle()
	}
	slices.Sort(c.delays)
	return c.delays, leftOut, nil
}
