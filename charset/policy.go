package charset

import "fmt"

// A Policy says what happens to bytes that are not text in an encoding, and to
// text that an encoding has no bytes for. The policies are those of Python's
// codecs; the zero value is Strict.
type Policy uint8

const (
	// Strict stops with a *DecodeError or an *EncodeError.
	Strict Policy = iota
	// Ignore drops what cannot be converted.
	Ignore
	// Replace writes U+FFFD when decoding and '?' when encoding.
	Replace
	// BackslashReplace writes \xNN for each byte when decoding and \xNN,
	// \uNNNN or \UNNNNNNNN for each character when encoding.
	BackslashReplace
	// XMLCharRefReplace writes &#NNNN; when encoding. Decoders refuse it.
	XMLCharRefReplace
	// SurrogateEscape keeps each undecodable byte from 0x80 as a lone
	// surrogate, U+DC80 to U+DCFF, from which the encoder restores it. A byte
	// below 0x80 is never kept that way: there it is as strict as Strict.
	SurrogateEscape
)

var policyNames = [...]string{"strict", "ignore", "replace", "backslashreplace", "xmlcharrefreplace", "surrogateescape"}

// String returns the policy's name as Python spells it.
func (p Policy) String() string {
	if int(p) < len(policyNames) {
		return policyNames[p]
	}
	return fmt.Sprintf("Policy(%d)", uint8(p))
}

// ParsePolicy returns the policy of that name. The error for an unknown name
// lists the names there are.
func ParsePolicy(name string) (Policy, error) {
	for i, n := range policyNames {
		if n == name {
			return Policy(i), nil
		}
	}
	return 0, fmt.Errorf("unknown error policy %q (one of strict, ignore, replace, backslashreplace, xmlcharrefreplace, surrogateescape)", name)
}

// A DecodeError is a sequence of bytes that is not text in the encoding.
type DecodeError struct {
	Encoding *Encoding
	Offset   int64  // of Bytes, from the start of the stream or the last Reset
	Bytes    []byte // what could not be decoded; belongs to the error
	Reason   string // "invalid sequence", "incomplete character", ...
}

func (e *DecodeError) Error() string {
	return fmt.Sprintf("%s: cannot decode %s at byte %d: %s", e.Encoding.Name(), hexBytes(e.Bytes), e.Offset, e.Reason)
}

// An EncodeError is a character that the encoding has no bytes for.
type EncodeError struct {
	Encoding *Encoding
	Offset   int64  // of the character, in bytes of text from the start of the stream or the last Reset
	Rune     rune   // a lone surrogate stands for itself; -1 where the text was not UTF-8
	Bytes    []byte // the character as it stood in the text; belongs to the error
	Reason   string // "not in this encoding", ...
}

func (e *EncodeError) Error() string {
	what := hexBytes(e.Bytes)
	switch {
	case e.Rune >= 0 && (e.Rune < ' ' || isSurrogate(e.Rune)):
		what = fmt.Sprintf("%U", e.Rune)
	case e.Rune >= 0:
		what = fmt.Sprintf("%#U", e.Rune)
	}
	return fmt.Sprintf("%s: cannot encode %s at byte %d: %s", e.Encoding.Name(), what, e.Offset, e.Reason)
}

// hexBytes spells at most eight bytes, so that an error line stays a line.
func hexBytes(b []byte) string {
	if len(b) > 8 {
		return fmt.Sprintf("% x...", b[:8])
	}
	return fmt.Sprintf("% x", b)
}

func isSurrogate(r rune) bool { return 0xD800 <= r && r < 0xE000 }
