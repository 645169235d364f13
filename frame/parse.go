package frame

import (
	"encoding/hex"
	"fmt"
	"math"
	"strconv"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"
)

// maxFixed bounds fixed:N, whose messages no Max of a Reader bounds.
const maxFixed = 1 << 30

// SpecError says why a framing could not be understood.
type SpecError struct {
	Spec   string
	Reason string
	Hint   string // what to write instead, or ""
}

func (e *SpecError) Error() string { return fmt.Sprintf("framing %q: %s", e.Spec, e.Reason) }

// names are what can be written in front of the first ':', in the order of the
// manual.
var names = []string{
	"raw", "line", "crlf", "nul", "delim", "fixed", "len8", "len16", "len16le", "len32", "len32le",
	"slip", "cobs", "quiet", "datagram",
}

// Parse returns the framing that spec names:
//
//	raw              what arrives together
//	line             a line, ended by LF or CR LF; LF is sent
//	crlf             a line, ended by CR LF both ways
//	nul              text, ended by a zero
//	delim:TEXT       text, ended by TEXT; \r \n \t \0 \\ \x1f \u3002 are understood
//	delim:hex:0d0a   bytes, ended by these bytes
//	fixed:N          N bytes
//	len16            what follows its length, of 2 bytes; so with len8 and
//	                 len32, and with len16le and len32le in little endian
//	len16:OPTION,... a length that counts something else; see below
//	slip             bytes, ended by C0 (RFC 1055)
//	cobs             bytes, ended by a zero (Consistent Overhead Byte Stuffing)
//	quiet:20ms       what arrives without a pause of that length
//	datagram         the connection's own messages
//	line+quiet:50ms  a line, or what is there of one after a pause; so with
//	                 all but raw, datagram and quiet
//
// The options of lengths are
//
//	at=N    N bytes stand before the length; messages are then whole frames,
//	        with these and the length
//	self    the length counts the whole frame, not what follows it
//	plus=N  the frame is N bytes longer than the length says (a checksum that
//	        it does not count) or, for N < 0, shorter
//
// as in len16:at=4 for MODBUS TCP and len16:at=2,self for TPKT; [Length] has
// more. A duration without a unit is in seconds. The error is a *[SpecError].
func Parse(spec string) (Framer, error) {
	inner, gap, both := cutQuiet(spec)
	if !both {
		return parseOne(spec, spec)
	}
	q, err := parseQuiet(spec, gap)
	if err != nil {
		return nil, err
	}
	f, err := parseOne(spec, inner)
	if err != nil {
		return nil, err
	}
	switch f.(type) {
	case Raw, Datagram, Quiet:
		return nil, &SpecError{spec, inner + " does not go with a pause", "write quiet:" + gap}
	}
	q.Inner = f
	return q, nil
}

// cutQuiet takes "INNER+quiet:GAP" apart. The last "+quiet:" counts, for a
// delimiter may hold one.
func cutQuiet(spec string) (inner, gap string, ok bool) {
	for _, sep := range []string{"+quiet:", "+quiet"} {
		if i := strings.LastIndex(spec, sep); i >= 0 && (sep == "+quiet:" || i+len(sep) == len(spec)) {
			return spec[:i], spec[i+len(sep):], true
		}
	}
	return "", "", false
}

// parseOne parses part, which is all of spec or what stands before "+quiet:".
func parseOne(spec, part string) (Framer, error) {
	kind, arg, hasArg := strings.Cut(part, ":")
	var f Framer
	switch kind {
	case "raw":
		f = Raw{}
	case "line":
		f = Line{}
	case "crlf":
		f = CRLF{}
	case "nul":
		f = NUL{}
	case "datagram":
		f = Datagram{}
	case "slip":
		f = SLIP{}
	case "cobs":
		f = COBS{}
	case "delim":
		return parseDelim(spec, arg)
	case "fixed":
		return parseFixed(spec, arg)
	case "quiet":
		q, err := parseQuiet(spec, arg)
		if err != nil {
			return nil, err
		}
		return q, nil
	default:
		length, ok := lengths[kind]
		switch {
		case !ok:
			return nil, unknown(spec, kind)
		case hasArg:
			return parseLength(spec, kind, length, arg)
		}
		f = length
	}
	if hasArg {
		return nil, &SpecError{spec, kind + " takes nothing after it", "write " + kind}
	}
	return f, nil
}

func parseFixed(spec, arg string) (Framer, error) {
	n, err := strconv.Atoi(arg)
	const hint = "write the size of a message in bytes, as in fixed:16"
	switch {
	case arg == "":
		return nil, &SpecError{spec, "fixed needs a size", hint}
	case err != nil && n == 0:
		return nil, &SpecError{spec, fmt.Sprintf("%q is not a whole number", arg), hint}
	case n <= 0:
		return nil, &SpecError{spec, fmt.Sprintf("a message of %s bytes cannot be", arg), hint}
	case n > maxFixed:
		return nil, &SpecError{spec, fmt.Sprintf("a message may be %d bytes at most", maxFixed), ""}
	}
	return Fixed{n}, nil
}

func parseQuiet(spec, arg string) (Quiet, error) {
	const hint = "write how long the pause is, as in quiet:20ms"
	if arg == "" {
		return Quiet{}, &SpecError{spec, "quiet needs a duration", hint}
	}
	gap, err := time.ParseDuration(arg)
	if s, notSeconds := strconv.ParseFloat(arg, 64); notSeconds == nil && !math.IsNaN(s) {
		gap, err = time.Duration(min(s*float64(time.Second), math.MaxInt64/2)), nil
	}
	if err != nil {
		return Quiet{}, &SpecError{spec, fmt.Sprintf("%q is not a duration", arg), hint}
	}
	if gap <= 0 {
		return Quiet{}, &SpecError{spec, "a pause of " + arg + " ends nothing", hint}
	}
	return Quiet{Gap: gap}, nil
}

func parseDelim(spec, arg string) (Framer, error) {
	if digits, ok := strings.CutPrefix(arg, "hex:"); ok {
		b, err := hex.DecodeString(digits)
		switch {
		case err != nil:
			return nil, &SpecError{spec, fmt.Sprintf("%q is not hexadecimal", digits), "write two digits for each byte, as in delim:hex:0d0a"}
		case len(b) == 0:
			return nil, &SpecError{spec, "the delimiter is empty", "write its bytes, as in delim:hex:0d0a"}
		case len(b) > maxDelim:
			return nil, tooLongDelim(spec)
		}
		return Delim{Hex: hex.EncodeToString(b)}, nil
	}
	text, err := unescape(spec, arg)
	switch {
	case err != nil:
		return nil, err
	case text == "":
		return nil, &SpecError{spec, "the delimiter is empty", "write it, as in delim:|"}
	case len(text) > maxDelim:
		return nil, tooLongDelim(spec)
	}
	return Delim{Text: text}, nil
}

func tooLongDelim(spec string) error {
	return &SpecError{spec, fmt.Sprintf("a delimiter may be %d bytes at most", maxDelim), ""}
}

// unescape undoes what escape does.
func unescape(spec, s string) (string, error) {
	var b strings.Builder
	for len(s) > 0 {
		if s[0] != '\\' {
			r, n := utf8.DecodeRuneInString(s)
			if r == utf8.RuneError && n == 1 {
				return "", &SpecError{spec, "the delimiter is not text", "write bytes as in delim:hex:ff"}
			}
			b.WriteString(s[:n])
			s = s[n:]
			continue
		}
		if plain, ok := unescapes[s[:min(2, len(s))]]; ok {
			b.WriteByte(plain)
			s = s[2:]
			continue
		}
		r, n := hexEscape(s)
		if n == 0 {
			return "", &SpecError{spec, fmt.Sprintf("%q is no escape", s[:min(2, len(s))]), `write \r \n \t \0 \x1f \u3002, or \\ for a backslash`}
		}
		if s[1] == 'x' && r >= utf8.RuneSelf || !utf8.ValidRune(r) {
			return "", &SpecError{spec, fmt.Sprintf("%q is no character", s[:n]), "write bytes as in delim:hex:ff"}
		}
		b.WriteRune(r)
		s = s[n:]
	}
	return b.String(), nil
}

var unescapes = map[string]byte{`\r`: '\r', `\n`: '\n', `\t`: '\t', `\0`: 0, `\\`: '\\'}

// hexEscape reads \xHH, \uHHHH or \UHHHHHHHH; n is 0 if s begins with neither.
func hexEscape(s string) (r rune, n int) {
	if len(s) < 2 {
		return 0, 0
	}
	switch s[1] {
	case 'x':
		n = 4
	case 'u':
		n = 6
	case 'U':
		n = 10
	}
	if n == 0 || len(s) < n {
		return 0, 0
	}
	v, err := strconv.ParseUint(s[2:n], 16, 32)
	if err != nil {
		return 0, 0
	}
	return rune(min(v, unicode.MaxRune+1)), n
}

// String returns "delim:TEXT" or "delim:hex:XX", with escapes for what would
// be read as something else or cannot be seen.
func (f Delim) String() string {
	if f.Text == "" {
		return "delim:hex:" + f.Hex
	}
	b := []byte("delim:")
	for i, r := range f.Text {
		switch {
		case r == '\\':
			b = append(b, `\\`...)
		case r == '\r':
			b = append(b, `\r`...)
		case r == '\n':
			b = append(b, `\n`...)
		case r == '\t':
			b = append(b, `\t`...)
		case i == 0 && strings.HasPrefix(f.Text, "hex:"), strings.HasPrefix(f.Text[i:], "+quiet"), r < ' ', r == 0x7f:
			b = fmt.Appendf(b, `\x%02x`, r)
		case unicode.IsPrint(r):
			b = utf8.AppendRune(b, r)
		default:
			b = fmt.Appendf(b, `\U%08x`, r)
		}
	}
	return string(b)
}
