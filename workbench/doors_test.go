package workbench

import (
	"cmp"
	"context"
	"fmt"
	"log/slog"
	"net"
	"slices"
	"strings"
	"testing"
	"time"

	"sockeye.dev/endpoint"
	"sockeye.dev/handler"
	"sockeye.dev/observe"
	"sockeye.dev/session"
)

// noted is a network that notes what it was to open, and opens something else.
type noted struct {
	endpoint.Mem
	at []string
}

func (n *noted) Listen(ctx context.Context, a endpoint.Addr) (net.Listener, error) {
	options := a.Options.Keys()
	slices.Sort(options) // they are set in no order
	for i, key := range options {
		options[i] += "=" + a.Options.Get(key)
	}
	a.Options = endpoint.Options{}
	n.at = append(n.at, strings.Join(append([]string{a.String()}, options...), " "))
	return n.Mem.Listen(ctx, endpoint.Addr{Scheme: "mem", Path: fmt.Sprint(len(n.at))})
}

// kind says what a door does with who comes, and what it does not lack that every such door has.
func (w *Workbench) kind(h session.Handler) string {
	switch h := h.(type) {
	case *handler.Broker:
		if h.Admit == nil || !h.Wary {
			return "broker for everybody"
		}
		return "broker"
	case *handler.Chat:
		kind := "chat"
		if h.Room != "" {
			kind += " in " + h.Room
		}
		if h.JSON {
			kind += " in JSON"
		}
		if h.Cookies != &w.cookies { // which only datagrams need
			kind += " without cookies"
		}
		if h.Throttle != &w.throttle || h.House != w.house || h.Operator == nil {
			kind += " without throttle, house or operators"
		}
		return kind
	}
	return fmt.Sprintf("%T", h)
}

// spoken says in what a door's members speak.
func spoken(f session.Format) string {
	encoding, send, framing := f.Encoding.String(), "the same", "raw"
	if f.Encoding.IsAuto() && f.Encoding.Legacy() != nil {
		encoding += " or " + f.Encoding.Legacy().String()
	}
	if f.Send != nil {
		send = f.Send.String()
	}
	if f.Framing == handler.ByMessage {
		framing = "by message"
	} else if f.Framing != nil {
		framing = fmt.Sprint(f.Framing)
	}
	return fmt.Sprintf("%s, replied to in %s, %v/%v, %s", encoding, send, f.Decode, f.Encode, framing)
}

// TestDoors opens doors of every kind, and looks at what their conversations are like and which of them has what protects us.
func TestDoors(t *testing.T) {
	const (
		auto   = "auto, replied to in the same, backslashreplace/replace, by message"
		byName = "%s, replied to in the same, replace/replace, by message"
	)
	for _, c := range []struct {
		door, at, handler, format string
		idle                      time.Duration
		members                   int
	}{
		{door: "tcp://:1", at: "tcp://:1", format: auto},
		{door: "udp://:1", at: "udp://:1", format: auto},
		{door: "udp://192.0.2.1:1", at: "udp://192.0.2.1:1", format: auto},
		{door: "udp://127.0.0.1:1", at: "udp://127.0.0.1:1", format: auto},
		{door: "{address: udp://127.0.0.1:1, cookies: false}", at: "udp://127.0.0.1:1", handler: "chat without cookies", format: auto},
		{door: "{address: tcp://:1, room: ops}", at: "tcp://:1", handler: "chat in ops", format: auto},
		{door: "{address: tcp://:1, json: true}", at: "tcp://:1", handler: "chat in JSON", format: auto},
		{door: "{address: tcp://:1, broker: true}", at: "tcp://:1", handler: "broker",
			format: "auto, replied to in the same, backslashreplace/replace, raw"},
		{door: "{address: tcp://:1, members: 7}", at: "tcp://:1", format: auto, members: 7},
		{door: "{address: tcp://:1, idle: 90s}", at: "tcp://:1", format: auto, idle: 90 * time.Second},
		{door: "tcp://:1?idle=90s", at: "tcp://:1", format: auto, idle: 90 * time.Second},
		{door: "{address: udp://:1, idle: 90s}", at: "udp://:1 idle=1m30s", format: auto},
		{door: "udp://:1?idle=90s", at: "udp://:1 idle=90s", format: auto},
		{door: "{address: unixgram:/s, idle: 90s}", at: "unixgram:///s idle=1m30s", format: auto},
		{door: "{address: tls://:1, certificate: /c, key: /k, client-ca: /a, proxy-protocol: true}",
			at: "tls://:1 cert=/c clientca=/a key=/k proxyproto=on", format: auto},
		{door: "{address: tcp://:1, encoding: gbk}", at: "tcp://:1", format: fmt.Sprintf(byName, "gbk")},
		{door: "{address: tcp://:1, encoding: gbk, send-encoding: big5, errors: strict, frame: crlf}", at: "tcp://:1",
			format: "gbk, replied to in big5, strict/strict, crlf"},
		{door: "{address: tcp://:1, errors: xmlcharrefreplace}", at: "tcp://:1",
			format: "auto, replied to in the same, backslashreplace/xmlcharrefreplace, by message"},
		{door: "{address: tcp://:1, legacy: gbk}", at: "tcp://:1", format: fmt.Sprintf(byName, "auto or gbk")},
		{door: "tcp://:1?encoding=gbk&frame=nul", at: "tcp://:1", format: "gbk, replied to in the same, replace/replace, nul"},
		// A text message of WebSocket is UTF-8, and what is not goes as bytes.
		{door: "ws://:1", at: "ws://:1", format: auto},
		{door: "{address: ws://:1, encoding: utf-8}", at: "ws://:1", format: fmt.Sprintf(byName, "utf-8")},
		{door: "{address: ws://:1, encoding: gbk}", at: "ws://:1 type=binary", format: fmt.Sprintf(byName, "gbk")},
		{door: "{address: wss://:1, encoding: gbk}", at: "wss://:1 type=binary", format: fmt.Sprintf(byName, "gbk")},
		{door: "{address: ws://:1, send-encoding: gbk}", at: "ws://:1 type=binary",
			format: "auto, replied to in gbk, backslashreplace/replace, by message"},
	} {
		t.Run(c.door, func(t *testing.T) {
			network, log := new(noted), slog.New(slog.DiscardHandler)
			observer := observe.ObserverFunc(func(observe.Event) {})
			w, err := New(t.Context(), Options{Network: network, Log: log, Observer: observer},
				parse(t, "rooms: [lobby, ops]\nlisten: ["+c.door+"]"))
			if err != nil {
				t.Fatal(err)
			}
			defer w.abandon()
			d := w.doors[0]
			if got := strings.Join(network.at, " "); got != c.at {
				t.Errorf("it listens at %s, want %s", got, c.at)
			}
			if got, want := w.kind(d.srv.Handler), cmp.Or(c.handler, "chat"); got != want {
				t.Errorf("it is a %s, want a %s", got, want)
			}
			config := d.srv.Config
			if got := spoken(config.Format); got != c.format {
				t.Errorf("it speaks %s\n     want %s", got, c.format)
			}
			if config.Idle != c.idle {
				t.Errorf("silence ends it after %v, want %v", config.Idle, c.idle)
			}
			if config.Amplify != 1 || config.MaxMessage != 16<<10 || config.Observer == nil {
				t.Errorf("its conversations are %+v", config)
			}
			if d.srv.MaxSessions != c.members || d.srv.Quota != &w.quota || d.srv.Log != log {
				t.Errorf("it holds %d conversations, the quota is %p and not %p", d.srv.MaxSessions, d.srv.Quota, &w.quota)
			}
		})
	}
}
