package frame

import (
	"fmt"
	"math"
	"strconv"
	"strings"
)

// maxHeader bounds what may stand before a length, and what may follow
// uncounted.
const maxHeader = 4 << 10

// Length says in front of each message how long it is. A frame is
//
//	   At       Size     length + Plus
//	┌────────┬────────┬────────────────┐
//	│ header │ length │ ...            │
//	└────────┴────────┴────────────────┘
//
// and so Plus is how many bytes follow that the length does not count (a
// checksum), or, less than zero, how many it counts that do not follow (itself,
// the header).
//
// Without At the message is what follows the length. With At the bytes before
// the length say something too (an address, a type, a number that the answer
// repeats), and the message is the whole frame. Append takes the same: a whole
// frame, whose length must be right, or zero, and is then filled in.
//
// A frame that is not complete at the end of the stream, or when a pause ends
// it, is a message as it came, with its length: see [Message].Bare. A length
// that makes a frame shorter than its own header is an *[Error] and one that
// makes a message longer than [Reader].Max at once a *[TooLongError]: where
// the next frame begins cannot be known then. (See [Skip] for who believes the
// length.)
//
//	len16               DNS over TCP (RFC 1035, section 4.2.2)
//	len32le             what many a program writes that sends structures
//	len16:at=4          MODBUS TCP: two numbers, the length of what follows
//	len16:at=2,self     TPKT (RFC 1006, section 6): a version, a reserved
//	                    byte, the length of the whole
//	len32:at=1,plus=-4  PostgreSQL: a type, the length of itself and the rest
//	                    (but len32:self for the client's first message)
//	len8:at=1,plus=2    a start byte, the length of the data, data, a CRC-16
type Length struct {
	Size   int  // of the length: 1, 2 or 4
	Little bool // the length's first byte is the least
	At     int  // bytes before the length
	Plus   int  // bytes behind it that it does not count
}

var _ finder = Length{}

// lengths are the names that Parse knows.
var lengths = map[string]Length{
	"len8": {Size: 1}, "len16": {Size: 2}, "len16le": {Size: 2, Little: true}, "len32": {Size: 4}, "len32le": {Size: 4, Little: true},
}

// Split implements [Framer]. At the end the rest may be shorter than its
// length says.
func (f Length) Split(data []byte, atEOF bool) (int, []byte, error) {
	return splitBinary(f, data, atEOF)
}

func (f Length) find(data []byte, _ int) (advance int, message []byte, resume int, err error) {
	if err := f.check(); err != nil {
		return 0, nil, 0, err
	}
	header := f.At + f.Size
	if len(data) < header {
		return 0, nil, 0, nil
	}
	size := int64(header) + f.value(data[f.At:]) + int64(f.Plus)
	if size < int64(header) {
		return 0, nil, 0, f.tooShort(data[f.At:header], size)
	}
	begin := int64(0)
	if f.At == 0 {
		begin = int64(f.Size)
	}
	resume = int(min(size-begin, math.MaxInt)) // an int may have 32 bits
	if size > int64(len(data)) {
		return 0, nil, resume, nil
	}
	return int(size), data[begin:size], resume, nil
}

//go:noinline
func (f Length) tooShort(field []byte, size int64) error {
	return fail(f, "the length % x makes a frame of %d bytes, less than its header of %d", field, size, f.At+f.Size)
}

// Append appends a frame that holds payload or, with At, is payload.
func (f Length) Append(dst, payload []byte) ([]byte, error) {
	if err := f.check(); err != nil {
		return dst, err
	}
	header := 0 // in payload
	if f.At > 0 {
		header = f.At + f.Size
	}
	value := int64(len(payload)-header) - int64(f.Plus)
	if least := header + max(f.Plus, 0); len(payload) < least {
		return dst, fail(f, "the message is %d bytes long, less than %d", len(payload), least)
	}
	if value > f.most() {
		return dst, fail(f, "the message is %d bytes long, more than %d", len(payload), f.most()+int64(f.Plus)+int64(header))
	}
	if header > 0 {
		if has := f.value(payload[f.At:]); has != 0 && has != value {
			return dst, fail(f, "the message says that its length is %d, not %d (write zeros, and it will be filled in)", has, value)
		}
		dst, payload = append(dst, payload[:f.At]...), payload[header:]
	}
	for i := range f.Size {
		if !f.Little {
			i = f.Size - 1 - i
		}
		dst = append(dst, byte(value>>(8*i)))
	}
	return append(dst, payload...), nil
}

// value is the length that data begins with.
func (f Length) value(data []byte) (n int64) {
	for i := range f.Size {
		if f.Little {
			i = f.Size - 1 - i
		}
		n = n<<8 | int64(data[i])
	}
	return n
}

// most is the largest length.
func (f Length) most() int64 { return 1<<(8*f.Size) - 1 }

// check says whether there can be such frames.
func (f Length) check() error {
	if reason := f.wrong(); reason != "" {
		return fail(f, "%s", reason)
	}
	return nil
}

func (f Length) wrong() string {
	switch {
	case f.Size != 1 && f.Size != 2 && f.Size != 4:
		return fmt.Sprintf("a length of %d bytes cannot be", f.Size)
	case f.At < 0:
		return "the length cannot stand before the frame"
	case f.At > maxHeader:
		return fmt.Sprintf("the length cannot stand behind more than %d bytes", maxHeader)
	case f.Plus > maxHeader:
		return fmt.Sprintf("the length cannot leave out more than %d bytes", maxHeader)
	case f.Plus < -f.At-f.Size:
		return "the length cannot count more than the whole frame"
	case int64(f.Plus) < -f.most():
		return fmt.Sprintf("the length reaches %d, and the header alone is longer", f.most())
	}
	return ""
}

// String returns "len8" to "len32le" with the options that are needed.
func (f Length) String() string {
	s := "len" + strconv.Itoa(8*f.Size)
	if f.Little && f.Size != 1 {
		s += "le"
	}
	sep := ":"
	if f.At != 0 {
		s += sep + "at=" + strconv.Itoa(f.At)
		sep = ","
	}
	switch f.Plus {
	case 0:
	case -f.At - f.Size:
		s += sep + "self"
	default:
		s += sep + "plus=" + strconv.Itoa(f.Plus)
	}
	return s
}

// parseLength reads the options of f, which kind names.
func parseLength(spec, kind string, f Length, arg string) (Framer, error) {
	hint := fmt.Sprintf("write at=N (bytes before it), self (it counts the whole), plus=N (bytes it does not count), as in %s:at=2,self", kind)
	seen := make(map[string]bool)
	for option := range strings.SplitSeq(arg, ",") {
		key, value, given := strings.Cut(option, "=")
		var to *int
		switch {
		case key == "self" && !given:
		case key == "at" && given:
			to = &f.At
		case key == "plus" && given:
			to = &f.Plus
		default:
			return nil, &SpecError{spec, fmt.Sprintf("%q is no option of %s", option, kind), hint}
		}
		if seen[key] {
			return nil, &SpecError{spec, key + " is there twice", ""}
		}
		seen[key] = true
		if to == nil {
			continue
		}
		n, err := strconv.Atoi(value)
		if err != nil && n == 0 {
			return nil, &SpecError{spec, fmt.Sprintf("%q is not a whole number", value), hint}
		}
		*to = min(max(n, -maxFixed), maxFixed)
	}
	if seen["self"] {
		f.Plus -= f.At + f.Size
	}
	if reason := f.wrong(); reason != "" {
		return nil, &SpecError{spec, reason, hint}
	}
	return f, nil
}
