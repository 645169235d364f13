package charset

import (
	"fmt"
	"math"
	"slices"
)

// A Decoder turns the bytes of one direction of one conversation into text.
// It is not for concurrent use. An idle one holds less than 100 bytes.
type Decoder struct {
	e      *Encoding
	c      codec // of the encoding, or of Auto's verdict; nil before the first byte
	state  state
	trial  state // Auto's, while it tries a candidate
	policy Policy
	auto   verdict
	nheld  uint8
	bad    uint32
	off    int64    // of the first held byte, from the start of the stream
	held   [24]byte // a character that is not whole, and room to complete it
}

// NewDecoder returns a decoder at the start of a stream. It costs no tables
// until there is something to decode.
func (e *Encoding) NewDecoder(p Policy) *Decoder { return &Decoder{e: e, policy: p} }

// Decode appends the text of src to dst and returns the extended slice. It
// keeps neither. A character that src does not complete is kept for the next
// call, unless final says that src ends a message: then it is an error, which
// the policy treats, and the encoding's modes end. A byte order mark is looked
// for at the start of the stream only.
//
// The error is a *DecodeError. dst then has the text before it, what stands
// behind it in src is lost, and the decoder must be Reset.
func (d *Decoder) Decode(dst, src []byte, final bool) ([]byte, error) {
	switch {
	case d.policy == XMLCharRefReplace:
		return dst, d.misused()
	case d.e.isAuto:
		return d.decodeAuto(dst, src, final)
	}
	return d.decodeKnown(dst, src, final)
}

//go:noinline
func (d *Decoder) misused() error {
	return fmt.Errorf("%s: the error policy xmlcharrefreplace is for encoding only", d.e.name)
}

// decodeKnown is Decode for all but Auto.
func (d *Decoder) decodeKnown(dst, src []byte, final bool) ([]byte, error) {
	if d.c == nil {
		if a := asciiLen(src); a == len(src) && (a == 0 || d.e.asciiAlone()) {
			d.off += int64(a)
			return append(dst, src...), nil
		}
		d.c = d.e.codec()
	}
	var err error
	for d.nheld > 0 && (len(src) > 0 || final) {
		// Complete the held character in its own buffer. What follows it there
		// may be decoded with it; src goes on behind.
		t := append(d.held[:d.nheld], src[:min(len(src), len(d.held)-int(d.nheld))]...)
		all := len(t)-int(d.nheld) == len(src)
		var n int
		if dst, n, err = d.run(dst, t, final && all); err != nil {
			return dst, err
		}
		if n >= int(d.nheld) {
			src = src[n-int(d.nheld):]
			d.nheld = 0
			break
		}
		if n == 0 { // all of src, and still not whole
			d.nheld = uint8(len(t))
			return dst, nil
		}
		d.nheld = uint8(copy(d.held[:], d.held[n:d.nheld]))
	}
	dst, n, err := d.run(dst, src, final)
	if err != nil {
		return dst, err
	}
	d.nheld += uint8(copy(d.held[d.nheld:], src[n:]))
	if final && d.e.modes {
		d.state = 0
	}
	return dst, nil
}

// run decodes src up to a character that is not whole, treats errors, and
// returns how much of src that was.
func (d *Decoder) run(dst, src []byte, final bool) (_ []byte, n int, err error) {
	for n < len(src) {
		var k, bad int
		dst, k, bad = d.c.decode(dst, src[n:], &d.state)
		n += k
		d.off += int64(k)
		reason := "invalid sequence"
		if bad == 0 {
			if bad = len(src) - n; bad == 0 || !final {
				break
			}
			reason = "incomplete character"
		}
		dst, k, err = d.treat(dst, src[n:n+bad], reason)
		if err != nil {
			return dst, n, err
		}
		n += k
		d.off += int64(k)
	}
	return dst, n, nil
}

// treat does what the policy says with bytes that are not text and returns
// how many of them that settles.
func (d *Decoder) treat(dst, bad []byte, reason string) ([]byte, int, error) {
	k := len(bad)
	switch d.policy {
	case Ignore:
	case Replace:
		dst = append(dst, "\uFFFD"...)
	case BackslashReplace:
		for _, b := range bad {
			dst = appendHex(append(dst, `\x`...), uint32(b), 2)
		}
	case SurrogateEscape:
		// As CPython: never a byte below 0x80, at most four at a time.
		for k = 0; k < min(len(bad), 4) && bad[k] >= 0x80; k++ {
			dst = appendSurrogate(dst, 0xDC00+rune(bad[k]))
		}
		if k > 0 {
			break
		}
		fallthrough
	default:
		return dst, 0, &DecodeError{Encoding: d.Encoding(), Offset: d.off, Bytes: slices.Clone(bad), Reason: reason}
	}
	if d.bad < math.MaxUint32 {
		d.bad++
	}
	return dst, k, nil
}

// appendHex appends the lowest digits of x.
func appendHex(dst []byte, x uint32, digits int) []byte {
	for digits--; digits >= 0; digits-- {
		dst = append(dst, "0123456789abcdef"[x>>(4*digits)&0xF])
	}
	return dst
}

// Encoding returns the encoding the decoder decodes. For Auto that is what it
// has decided so far: UTF8, or the legacy encoding.
func (d *Decoder) Encoding() *Encoding {
	switch {
	case !d.e.isAuto:
		return d.e
	case d.auto == isLegacy:
		return d.e.legacy
	}
	return UTF8
}

// Bad returns how many undecodable sequences the policy has replaced, escaped
// or dropped so far.
func (d *Decoder) Bad() int { return int(d.bad) }

// Pending returns how many bytes are kept because they begin a character that
// is not whole.
func (d *Decoder) Pending() int { return int(d.nheld) }

// Reset takes the decoder back to the start of a stream. Auto forgets what it
// decided.
func (d *Decoder) Reset() { *d = Decoder{e: d.e, policy: d.policy} }

// DecodeString decodes a whole text.
func (e *Encoding) DecodeString(src []byte, p Policy) (string, error) {
	text, err := e.NewDecoder(p).Decode(make([]byte, 0, len(src)+room), src, true)
	return string(text), err
}
