package charset

import "bytes"

var autoNone = Encoding{name: "auto", isAuto: true}

// Auto returns the encoding that finds out, for each Decoder by itself,
// whether a peer writes UTF-8 or the legacy encoding; the same pointer for the
// same legacy. ASCII decides nothing. The first text beyond ASCII that is
// valid UTF-8 makes it UTF-8. Text that is not, but is valid in the legacy
// encoding, makes it that, also later: a few words of GBK happen to be valid
// UTF-8. Text that is only valid UTF-8 brings it back. Text valid in neither
// changes nothing, and the policy applies. A text is what one call of Decode
// brings; a line, where the whole is valid in neither.
//
// A single-byte encoding has few invalid texts or none, and nearly none that
// are also UTF-8 beyond ASCII: with one of these, valid UTF-8 is always taken
// for UTF-8.
//
// What ends within a character of one candidate is held until it is decided.
// A UTF-8 byte order mark at the start is dropped and decides. The legacy
// encoding must contain ASCII. nil is none: UTF-8, and the policy.
func Auto(legacy *Encoding) *Encoding {
	switch {
	case legacy == nil || legacy == UTF8:
		return &autoNone
	case legacy.isAuto:
		return legacy
	}
	if a := legacy.auto.Load(); a != nil {
		return a
	}
	legacy.auto.CompareAndSwap(nil, &Encoding{name: "auto", isAuto: true, legacy: legacy, trail: legacy.trail})
	return legacy.auto.Load()
}

// verdict is what Auto has decided.
type verdict uint8

const (
	undecided verdict = iota
	isUTF8
	isLegacy
)

// decodeAuto is Decode for Auto.
func (d *Decoder) decodeAuto(dst, src []byte, final bool) ([]byte, error) {
	t := src
	if d.nheld > 0 {
		if len(src) == 0 && !final {
			return dst, nil
		}
		dst, t = d.join(dst, src)
	}
	dst, n, err := d.judge(dst, t, final)
	if err != nil {
		return dst, err
	}
	d.nheld = uint8(copy(d.held[:], t[n:]))
	if final {
		d.state = 0
	}
	return dst, nil
}

// join returns what is held with src behind it. Usually the verdict stands and
// completes the held character; then the rest can be judged where it lies.
// Else the whole, in one piece.
//
//go:noinline
func (d *Decoder) join(dst, src []byte) (out, t []byte) {
	held := int(d.nheld)
	t = append(d.held[:held], src[:min(len(src), len(d.held)-held)]...)
	if len(t) < held+len(src) {
		if out, n := d.settle(dst, t); n >= held {
			dst, t = out, src[n-held:]
		} else {
			t = append(bytes.Clone(d.held[:held]), src...)
		}
	}
	d.nheld = 0
	return dst, t
}

// settle decodes t by the verdict there is, if that completes the held
// character and goes without an error; else n is 0 and nothing is done.
func (d *Decoder) settle(dst, t []byte) (out []byte, n int) {
	if d.auto == undecided {
		return dst, 0
	}
	d.trial = d.state
	out, n, bad := d.Encoding().codec().decode(dst, t, &d.trial)
	if bad > 0 || n < int(d.nheld) {
		return dst, 0
	}
	d.state = d.trial
	d.off += int64(n)
	return out, n
}

// judge decides what t is, appends its text, and returns how much of t that
// was: the rest, a few bytes, is not whole.
func (d *Decoder) judge(dst, t []byte, final bool) (_ []byte, n int, err error) {
	if d.off == 0 && d.auto == undecided && bytes.HasPrefix(t, []byte(utf8BOM)) {
		return d.marked(dst, t, final)
	}
	if out, n, ok := d.decide(dst, t, final); ok {
		return out, n, nil
	}
	return d.byLine(dst, t, final)
}

// marked is judge for t that begins with UTF-8's byte order mark.
//
//go:noinline
func (d *Decoder) marked(dst, t []byte, final bool) (_ []byte, n int, err error) {
	d.auto, d.off = isUTF8, int64(len(utf8BOM))
	dst, n, err = d.judge(dst, t[len(utf8BOM):], final)
	return dst, n + len(utf8BOM), err
}

// byLine is judge for t that is valid in neither: one bad line must not spoil
// the others.
func (d *Decoder) byLine(dst, t []byte, final bool) (_ []byte, n int, err error) {
	rest := t
	for len(rest) > 0 {
		i := bytes.IndexByte(rest, '\n') + 1
		if i == 0 || i == len(t) {
			break
		}
		last := final && i == len(rest)
		out, k, ok := d.decide(dst, rest[:i], last)
		if !ok {
			out, k, err = d.byVerdict(dst, rest[:i], last)
			if err != nil {
				return out, 0, err
			}
		}
		if dst = out; k == 0 {
			break
		}
		rest = rest[k:]
	}
	if len(rest) < len(t) {
		if out, k, ok := d.decide(dst, rest, final); ok {
			return out, len(t) - len(rest) + k, nil
		}
	}
	dst, k, err := d.byVerdict(dst, rest, final)
	return dst, len(t) - len(rest) + k, err
}

// byVerdict decodes t by the verdict there is and the policy.
func (d *Decoder) byVerdict(dst, t []byte, final bool) ([]byte, int, error) {
	d.c = d.Encoding().codec()
	return d.run(dst, t, final)
}

// decide decodes t when it is valid in a candidate and changes the verdict
// accordingly. What it does not decode is kept for more. ok is false, and
// nothing done, when t is valid in neither.
func (d *Decoder) decide(dst, t []byte, final bool) (out []byte, n int, ok bool) {
	a := asciiLen(t) // decides nothing
	k, bad := utf8Prefix(t[a:])
	n = a + k
	isU := bad == 0 && (n == len(t) || !final)
	if legacy := d.e.legacy; legacy != nil && a < len(t) &&
		(!isU || d.auto == isLegacy && (k == 0 || legacy.trail > 0 || legacy.Unit() > 1)) {
		if out, n, ok := d.decideLegacy(dst, t, a, final); ok {
			return out, n, true
		}
	}
	if !isU {
		return dst, 0, false
	}
	if k > 0 {
		d.auto = isUTF8
	}
	d.off += int64(n)
	return append(dst, t[:n]...), n, true
}

// decideLegacy is decide for the legacy encoding alone. The first bytes are
// known to be ASCII.
func (d *Decoder) decideLegacy(dst, t []byte, ascii int, final bool) (out []byte, n int, ok bool) {
	d.trial = d.state
	out, n, bad := d.e.legacy.codec().decode(append(dst, t[:ascii]...), t[ascii:], &d.trial)
	if bad > 0 || ascii+n < len(t) && final {
		return dst, 0, false
	}
	if n > 0 {
		d.auto, d.state = isLegacy, d.trial
	}
	d.off += int64(ascii + n)
	return out, ascii + n, true
}

// IsAuto reports whether e was made by Auto: which encoding it stands for is
// each Decoder's to find out.
func (e *Encoding) IsAuto() bool { return e.isAuto }
