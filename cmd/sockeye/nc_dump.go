package main

import (
	"errors"
	"fmt"
	"os"

	"sockeye.dev/observe"
)

// observers are what -o and -x ask for; close ends them and says what was lost.
func (n *ncProgram) observers() (o observe.Observer, close func() error, err error) {
	var all []observe.Observer
	var ends []func() error
	for _, dump := range []struct {
		name string
		f    observe.Formatter
	}{{n.plan.textDump, ncPlain{}}, {n.plan.hexDump, ncHex{}}} {
		if dump.name == "" {
			continue
		}
		how := os.O_CREATE | os.O_WRONLY | os.O_TRUNC
		if n.plan.appendDump {
			how = os.O_CREATE | os.O_WRONLY | os.O_APPEND
		}
		file, err := os.OpenFile(dump.name, how, 0o644)
		if err != nil {
			return nil, nil, n.plan.d.wrong("Unable to open logfile %s: %s", dump.name, ncReason(err))
		}
		log := observe.NewLog(file, dump.f, observe.LogOptions{Block: true})
		all = append(all, log)
		ends = append(ends, log.Close, file.Close)
	}
	return observe.Multi(all...), func() error {
		var errs []error
		for _, end := range ends {
			errs = append(errs, end())
		}
		return errors.Join(errs...)
	}, nil
}

// ncPlain is a recording of the bytes alone, whoever said them.
type ncPlain struct{}

var _ observe.Formatter = ncPlain{}

// AppendEvent appends the data of e.
func (ncPlain) AppendEvent(dst []byte, e *observe.Event) []byte {
	if e.Kind != observe.Data {
		return dst
	}
	return append(dst, e.Data...)
}

// ncHex is ncat's hex dump: sixteen bytes a line, each event from 0000.
type ncHex struct{}

var _ observe.Formatter = ncHex{}

// AppendEvent appends the data of e in hex and as text.
func (ncHex) AppendEvent(dst []byte, e *observe.Event) []byte {
	if e.Kind != observe.Data {
		return dst
	}
	for at := 0; at < len(e.Data); at += 16 {
		line := e.Data[at:min(at+16, len(e.Data))]
		dst = fmt.Appendf(dst, "%04x  ", at)
		for i := range 16 {
			if i == 8 {
				dst = append(dst, ' ')
			}
			if i < len(line) {
				dst = fmt.Appendf(dst, " %02x", line[i])
			} else {
				dst = append(dst, "   "...)
			}
		}
		dst = append(dst, ' ', ' ')
		for i := range 16 {
			c := byte(' ')
			if i < len(line) {
				if c = line[i]; c <= ' ' || c > '~' {
					c = '.'
				}
			}
			dst = append(dst, c)
		}
		dst = append(dst, '\n')
	}
	return dst
}
