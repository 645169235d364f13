package main

import (
	"context"
	"errors"
	"fmt"
	"math"
	"net"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/pflag"

	"sockeye.dev/charset"
	"sockeye.dev/endpoint"
	"sockeye.dev/frame"
	"sockeye.dev/handler"
	"sockeye.dev/observe"
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
}

func (t *talk) register(fs *pflag.FlagSet) {
	fs.StringVar(&t.encoding, "encoding", "auto", "text `encoding` of the peer (see sockeye text list)")
	fs.StringVar(&t.sendEncoding, "send-encoding", "", "`encoding` of what is sent, if another")
	fs.StringVar(&t.legacy, "legacy", "", "what auto takes text for that is not UTF-8 (default: the locale's)")
	fs.StringVar(&t.errors, "errors", "", "text that does not fit: strict, ignore, replace, backslashreplace,\nxmlcharrefreplace, surrogateescape (default: replace reading, strict writing)")
	fs.StringVar(&t.frame, "frame", "", "where a message ends: raw, line, crlf, nul, delim:TEXT, delim:hex:XX,\nfixed:N, quiet:20ms, line+quiet:50ms, datagram")
	fs.BoolVar(&t.hex, "hex", false, "type and show bytes as hexadecimal digits")
	fs.BoolVar(&t.escapes, "escapes", false, `understand \r \n \x00 \u4f60 in what is sent`)
	fs.Var(&t.idle, "idle", "end a conversation in which nothing comes for so `long` (datagrams: 60s)")
	fs.StringVar(&t.record, "record", "", "write what is said to `FILE` (.jsonl or .txt)")
	fs.BoolVar(&t.recordDrop, "record-drop", false, "rather lose records than slow the traffic")
}

// registerDial adds the flags of commands that dial.
func (t *talk) registerDial(fs *pflag.FlagSet) {
	fs.StringVar(&t.bind, "bind", "", "our own `address` (host, host:port or :port)")
	fs.Var(&t.timeout, "timeout", "give up connecting after so `long` (default: the system's)")
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
	textual bool // an encoding was asked for
	framed  bool // a framing was asked for
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
	p := plan{addr: addr, textual: own.encoding != "auto" || own.sendEncoding != "", hex: t.hex, escapes: t.escapes}
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
	p.config = session.Config{Format: f, Idle: time.Duration(t.idle)}
	return p, nil
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
	if strings.EqualFold(t.encoding, "auto") {
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
	case p.textual:
		out.Style = handler.Text
	}
	out.Undecodable = func(s *session.Session) {
		if e := s.Format().Encoding; e.IsAuto() && e.Legacy() == nil {
			a.note("hint: %v sent bytes that are not UTF-8 text; name its --encoding (or --legacy gb18030, big5, shift_jis ...)", s.Peer())
		}
	}
	return out
}

// reading says how input lines become messages: not at all where bytes go out
// as they come.
func (p *plan) reading(in *handler.Input) {
	_, raw := p.config.Format.Framing.(frame.Raw)
	switch {
	case p.hex:
		in.Read = handler.HexLine
	case p.escapes:
		in.Read = handler.EscapedLine
	case p.textual, in.Source == handler.Typed:
		in.Read, in.KeepEnd = handler.TextLine, raw
	case !raw:
		in.Read = handler.BytesLine
	}
}

// dialOptions puts --bind and --timeout where the endpoint reads them.
func (t *talk) dialOptions(addr *endpoint.Addr) {
	if t.bind != "" {
		addr.Options.Set("bind", t.bind)
	}
	if t.timeout > 0 {
		addr.Options.Set("timeout", time.Duration(t.timeout).String())
	}
}

// dial connects, again and again with growing pauses if told so.
func (a *app) dial(ctx context.Context, t *talk, addr endpoint.Addr, again retries) (net.Conn, error) {
	t.dialOptions(&addr)
	for n := 0; ; n++ {
		conn, err := a.network.Dial(ctx, addr)
		switch {
		case err == nil:
			a.log().Info("connected", "to", addr.String(), "from", conn.LocalAddr().String())
			return conn, nil
		case ctx.Err() != nil:
			return nil, context.Cause(ctx)
		case n >= int(again):
			return nil, fmt.Errorf("connect to %v: %w", addr, err)
		}
		pause := min(100*time.Millisecond<<min(n, 8), 10*time.Second)
		a.log().Info("connecting failed; trying again", "in", pause, "reason", err)
		select {
		case <-time.After(pause):
		case <-ctx.Done():
			return nil, context.Cause(ctx)
		}
	}
}

// retries is the flag --retry N|forever.
type retries int

func (r *retries) String() string { return strconv.Itoa(int(*r)) }
func (r *retries) Type() string   { return "N|forever" }

func (r *retries) Set(s string) error {
	if s == "forever" {
		*r = math.MaxInt
		return nil
	}
	n, err := strconv.Atoi(s)
	if err != nil || n < 0 {
		return fmt.Errorf("%q is neither a number nor forever", s)
	}
	*r = retries(n)
	return nil
}

// observers are what --record and -vv ask for; close ends them and says what
// was lost.
func (a *app) observers(t *talk) (o observe.Observer, close func() error, err error) {
	var all []observe.Observer
	var logs []*observe.Log
	var file *os.File
	if t.record != "" {
		var f observe.Formatter
		switch filepath.Ext(t.record) {
		case ".jsonl":
			f = new(observe.JSONL)
		case ".txt":
			f = new(observe.Transcript)
		default:
			return nil, nil, usage("record to %s: this version writes .jsonl and .txt", t.record)
		}
		if file, err = os.Create(t.record); err != nil {
			return nil, nil, err
		}
		logs = append(logs, observe.NewLog(file, f, observe.LogOptions{Block: !t.recordDrop}))
	}
	if a.verbose > 1 {
		var f observe.Formatter = new(observe.Transcript)
		if a.json {
			f = new(observe.JSONL)
		}
		logs = append(logs, observe.NewLog(a.stderr, f, observe.LogOptions{}))
	}
	for _, l := range logs {
		all = append(all, l)
	}
	return observe.Multi(all...), func() error {
		var errs []error
		for _, l := range logs {
			errs = append(errs, l.Close())
		}
		if file != nil {
			errs = append(errs, file.Close())
		}
		return errors.Join(errs...)
	}, nil
}
