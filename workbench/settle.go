package workbench

import (
	"cmp"
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"time"

	"sockeye.dev/charset"
	"sockeye.dev/endpoint"
	"sockeye.dev/frame"
	"sockeye.dev/handler"
	"sockeye.dev/session"
)

// settle is what a door says about its conversations, and the address without what is not the endpoint's.
func (w *Workbench) settle(d Door) (endpoint.Addr, session.Config, error) {
	a := d.Address
	for option, to := range map[string]*string{
		"encoding": &d.Encoding, "send-encoding": &d.SendEncoding, "legacy": &d.Legacy, "errors": &d.Errors, "frame": &d.Frame,
	} {
		if v, ok := a.Options.Take(option); ok {
			*to = v
		}
	}
	if _, err := d.json(); err != nil {
		return a, session.Config{}, err
	}
	a.Options.Take("json")
	if d.Broker && a.Scheme == "udp" && !loopbackHost(a) {
		return a, session.Config{}, fmt.Errorf("listen on %v: a broker cannot ask for cookies, and so takes datagrams from this host only", a)
	}
	if !d.Cookies && a.Scheme == "udp" && !loopbackHost(a) {
		return a, session.Config{}, fmt.Errorf("listen on %v: a room for datagrams from elsewhere needs cookies: anybody could have us speak to a source that is not theirs", a)
	}
	for option, value := range map[string]string{"cert": d.Certificate, "key": d.Key, "clientca": d.ClientCA} {
		if value != "" {
			a.Options.Set(option, value)
		}
	}
	if d.ProxyProtocol {
		a.Options.Set("proxyproto", "on")
	}
	config := session.Config{MaxMessage: 16 << 10, Amplify: 1, Observer: w.o.Observer}
	if !d.Broker { // which hands on what it gets
		config.Oversize = frame.Skip // a member that says too much stays
	}
	if idleOfSocket(a) {
		if d.Idle > 0 {
			a.Options.Set("idle", d.Idle.String())
		}
	} else {
		config.Idle = d.Idle
		if v, ok := a.Options.Take("idle"); ok {
			idle, err := ParseDuration(v)
			if err != nil {
				return a, config, fmt.Errorf("idle of %v: %w", d.Address.Redacted(), err)
			}
			config.Idle = cmp.Or(config.Idle, idle)
		}
	}
	var err error
	if config.Format, err = w.format(d); err != nil {
		return a, config, fmt.Errorf("%v: %w", d.Address, err)
	}
	messages := slices.Contains([]string{"udp", "unixgram", "ws", "wss"}, a.Scheme)
	if why := handler.Unfit(config.Format.Framing, messages, w.o.Texts); why != "" && !d.Broker {
		return a, config, fmt.Errorf("listen on %v: %s", d.Address.Redacted(), why)
	}
	if f := config.Format; (a.Scheme == "ws" || a.Scheme == "wss") && !a.Options.Has("type") {
		if e := cmp.Or(f.Send, f.Encoding); e != charset.UTF8 && !e.IsAuto() {
			a.Options.Set("type", "binary") // a text message is UTF-8 by definition (RFC 6455, section 5.6)
		}
	}
	return a, config, nil
}

// json reports whether members speak JSON, as the door says or its address.
func (d *Door) json() (bool, error) {
	v := d.Address.Options.Get("json")
	if !d.Address.Options.Has("json") {
		return d.JSON, nil
	}
	on, ok := endpoint.ParseSwitch(v)
	if !ok {
		return false, &endpoint.OptionError{Op: "listen", Addr: d.Address, Option: "json", Value: v, Reason: "want on or off"}
	}
	return on, nil
}

func loopbackHost(a endpoint.Addr) bool {
	ip, err := netip.ParseAddr(a.Host)
	return a.Host == "localhost" || err == nil && ip.IsLoopback()
}

func isAuto(encoding string) bool { return encoding == "" || strings.EqualFold(encoding, "auto") }

// format is the encodings and the framing of a door. No member loses a line for one character.
func (w *Workbench) format(d Door) (f session.Format, err error) {
	f.Decode, f.Encode = charset.Replace, charset.Replace
	legacy := w.o.Legacy
	if d.Legacy != "" {
		if legacy, err = charset.Lookup(d.Legacy); err != nil {
			return f, err
		}
	}
	f.Encoding = charset.Auto(legacy)
	if !isAuto(d.Encoding) {
		if f.Encoding, err = charset.Lookup(d.Encoding); err != nil {
			return f, err
		}
	} else if legacy == nil {
		f.Decode = charset.BackslashReplace
	}
	if !isAuto(d.SendEncoding) {
		if f.Send, err = charset.Lookup(d.SendEncoding); err != nil {
			return f, err
		}
	}
	if d.Errors != "" {
		policy, err := charset.ParsePolicy(d.Errors)
		if err != nil {
			return f, err
		}
		f.Encode = policy
		if policy != charset.XMLCharRefReplace { // which is for encoding only
			f.Decode = policy
		}
	}
	f.Framing = handler.ByMessage // a line to a datagram member, too
	switch {
	case d.Broker:
		f.Framing = nil
	case f.Encoding == charset.Hex: // whose bytes may well be those of a newline
		f.Framing = frame.Quiet{Gap: 50 * time.Millisecond}
	}
	if d.Frame != "" {
		f.Framing, err = frame.Parse(d.Frame)
	}
	return f, err
}
