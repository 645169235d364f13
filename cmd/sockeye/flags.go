package main

import (
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/pflag"

	"sockeye.dev/charset"
	"sockeye.dev/endpoint"
	"sockeye.dev/frame"
	"sockeye.dev/handler"
	"sockeye.dev/session"
)

// talk are the flags of every command that holds a conversation. An address
// may carry its own: tcp://host:7788?encoding=gbk&frame=line.
type talk struct {
	encoding, sendEncoding, legacy, errors, frame string
	hex, escapes                                  bool
	bind                                          string
	timeout, idle                                 duration
	record                                        string
	recordDrop                                    bool
	tap                                           *tap // for /record; nil: there is no such command
}

func (t *talk) register(fs *pflag.FlagSet) {
	fs.StringVar(&t.encoding, "encoding", "", "text encoding of the peer, by `name` (default auto; see sockeye text list)")
	fs.StringVar(&t.sendEncoding, "send-encoding", "", "encoding of what is sent, by `name`, if another")
	fs.StringVar(&t.legacy, "legacy", "", "what auto takes text for that is not UTF-8, by `name` (default: the locale's)")
	fs.StringVar(&t.errors, "errors", "", "`policy` for text that does not fit: strict, ignore, replace, backslashreplace,\nxmlcharrefreplace, surrogateescape (default: replace reading, strict writing)")
	fs.StringVar(&t.frame, "frame", "", "`framing`, where a message ends: raw, line, crlf, nul, delim:TEXT, delim:hex:XX,\nfixed:N, len8, len16, len16le, len32, len32le (each with :at=N,self,plus=N as in\nlen16:at=4 for MODBUS TCP), slip, cobs, quiet:20ms, line+quiet:50ms, datagram")
	fs.Var(&t.idle, "idle", "end a conversation after this `time` in which nothing comes\n(default: never; datagram peers of a listener 60s)")
	fs.StringVar(&t.record, "record", "", "write what is said to `file` (.jsonl or .txt)")
	fs.BoolVar(&t.recordDrop, "record-drop", false, "rather lose records than slow the traffic")
}

// registerInput adds the flags that say how what is typed is read.
func (t *talk) registerInput(fs *pflag.FlagSet) {
	fs.BoolVar(&t.hex, "hex", false, "type and show bytes as hexadecimal digits")
	fs.BoolVar(&t.escapes, "escapes", false, `understand \r \n \x00 \u4f60 in what is sent`)
}

// duration is a flag like 500ms, 2s, 1m; a bare number is seconds.
type duration time.Duration

func (d *duration) String() string {
	if *d == 0 {
		return ""
	}
	return time.Duration(*d).String()
}
func (d *duration) Type() string { return "duration" }

func (d *duration) Set(s string) error {
	if n, err := strconv.ParseFloat(s, 64); err == nil {
		s = strconv.FormatFloat(n, 'f', -1, 64) + "s"
	}
	v, err := time.ParseDuration(s)
	if err != nil || v < 0 {
		return fmt.Errorf("%q is no duration: write 500ms, 2s, 1m; a bare number is seconds", s)
	}
	*d = duration(v)
	return nil
}

// address parses an address argument.
func address(arg string) (endpoint.Addr, error) {
	a, err := endpoint.Parse(arg)
	if err != nil {
		return a, usageError{err}
	}
	return a, nil
}

// plan is what the flags and one address say about its conversations.
type plan struct {
	addr    endpoint.Addr // without our options
	config  session.Config
	decoded bool // what comes is to be shown as text: its encoding was asked for
	textual bool // what is sent is text: some encoding was asked for
	framed  bool // a framing was asked for
	many    bool // who is dialed is many: a broadcast or multicast address
	hex     bool
	escapes bool
}

// plan settles the flags for one address; def is the framing of streams.
func (a *app) plan(t *talk, addr endpoint.Addr, def frame.Framer) (plan, error) {
	own := *t // the address's options win
	for key, to := range map[string]*string{
		"encoding": &own.encoding, "send-encoding": &own.sendEncoding, "legacy": &own.legacy,
		"errors": &own.errors, "frame": &own.frame,
	} {
		if v, ok := addr.Options.Take(key); ok {
			*to = v
		}
	}
	if v, ok := addr.Options.Take("idle"); ok {
		if err := own.idle.Set(v); err != nil {
			return plan{}, usage("idle of %v: %w", addr, err)
		}
	}
	p := plan{addr: addr, decoded: own.encoding != "", textual: own.encoding != "" || own.sendEncoding != "", hex: t.hex, escapes: t.escapes}
	f, err := a.format(&own)
	if err != nil {
		return p, err
	}
	f.Framing = def
	if !addr.Stream() {
		f.Framing = frame.Datagram{}
	}
	if own.frame != "" {
		p.framed = true
		if f.Framing, err = frame.Parse(own.frame); err != nil {
			return p, usageError{err}
		}
	}
	p.config = session.Config{Format: f, Idle: time.Duration(own.idle)}
	if !p.addr.Options.Has("type") && p.webSocket() && (p.hex || !speaksUTF8(&f)) {
		p.addr.Options.Set("type", "binary")
	}
	return p, nil
}

func (p *plan) webSocket() bool { return p.addr.Scheme == "ws" || p.addr.Scheme == "wss" }

// speaksUTF8 reports whether what we say may be UTF-8, which a WebSocket's text
// messages are by definition (RFC 6455, section 5.6). GBK's 目录 looks like it,
// and must not be taken for it.
func speaksUTF8(f *session.Format) bool {
	e := f.Send
	if e == nil {
		e = f.Encoding
	}
	return e == charset.UTF8 || e.IsAuto()
}

// hosting is plan for an address that is listened on. There the endpoint ends
// silent datagram conversations: it knows when a peer was last spoken to, too.
func (a *app) hosting(t *talk, addr endpoint.Addr, def frame.Framer) (plan, error) {
	idle, own := addr.Options.Take("idle")
	udp := addr.Scheme == "udp" || addr.Scheme == "unixgram"
	if own && !udp {
		addr.Options.Set("idle", idle)
	}
	p, err := a.plan(t, addr, def)
	if !udp {
		return p, err
	}
	p.config.Idle = 0
	switch {
	case own:
		p.addr.Options.Set("idle", idle)
	case t.idle > 0:
		p.addr.Options.Set("idle", time.Duration(t.idle).String())
	}
	return p, err
}

// format is the encodings and policies that the flags ask for.
func (a *app) format(t *talk) (session.Format, error) {
	var f session.Format
	legacy := charset.LegacyFor(a.locale())
	if t.legacy != "" {
		var err error
		if legacy, err = charset.Lookup(t.legacy); err != nil {
			return f, usageError{err}
		}
	}
	f.Encoding = charset.Auto(legacy)
	f.Decode = charset.Replace
	if t.encoding == "" || strings.EqualFold(t.encoding, "auto") {
		if legacy == nil {
			f.Decode = charset.BackslashReplace
		}
	} else {
		var err error
		if f.Encoding, err = charset.Lookup(t.encoding); err != nil {
			return f, usageError{err}
		}
	}
	if t.sendEncoding != "" && !strings.EqualFold(t.sendEncoding, "auto") {
		var err error
		if f.Send, err = charset.Lookup(t.sendEncoding); err != nil {
			return f, usageError{err}
		}
	}
	if t.errors != "" {
		policy, err := charset.ParsePolicy(t.errors)
		if err != nil {
			return f, usageError{err}
		}
		f.Encode = policy
		if policy != charset.XMLCharRefReplace { // which is for encoding only
			f.Decode = policy
		}
	}
	if t.escapes && f.Encode == charset.Strict {
		f.Encode = charset.SurrogateEscape // strict but for \xNN
	}
	return f, nil
}

// locale is the one that says how text is encoded (POSIX, section 8.2).
func (a *app) locale() string {
	for _, key := range []string{"LC_ALL", "LC_CTYPE", "LANG"} {
		if v := a.getenv(key); v != "" {
			return v
		}
	}
	return ""
}

// printer shows what is received: bytes to a file or pipe unless an encoding
// was asked for, harmless text to a terminal.
func (a *app) printer(p *plan) *handler.Printer {
	out := &handler.Printer{W: a.stdout}
	switch {
	case a.json:
		out.Style = handler.JSON
	case p.hex:
		out.Style = handler.Hex
	case isTerminal(a.stdout):
		out.Style = handler.Safe
	case p.decoded:
		out.Style = handler.Text
	}
	out.Undecodable = func(s *session.Session) {
		if e := s.Format().Encoding; e.IsAuto() && e.Legacy() == nil {
			a.note("hint: %v sent bytes that are not UTF-8 text; name its --encoding (or --legacy gb18030, big5, shift_jis ...)", s.Peer())
		}
	}
	return out
}

// reader reads a line that a person has typed.
func (p *plan) reader() func(line []byte) (session.Message, error) {
	switch {
	case p.hex:
		return handler.HexLine
	case p.escapes:
		return handler.EscapedLine
	}
	return handler.TextLine
}

// reading says how input lines become messages: not at all where bytes go out
// as they come.
func (p *plan) reading(in *handler.Input) {
	if p.webSocket() && !p.framed && !p.textual && !p.hex && !p.escapes && in.Source != handler.Typed {
		p.config.Format.Framing = frame.Raw{} // what a pipe brings, not its lines
	}
	_, raw := p.config.Format.Framing.(frame.Raw)
	switch {
	case p.hex, p.escapes:
		in.Read = p.reader()
	case p.textual, in.Source == handler.Typed:
		in.Read, in.KeepEnd = handler.TextLine, raw
	case !raw:
		in.Read = handler.BytesLine
	}
}
