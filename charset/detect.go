package charset

import (
	"bytes"
	"slices"
	"unicode"

	"github.com/wlynxg/chardet"
)

// A Guess is an encoding that data may be in.
type Guess struct {
	Encoding   *Encoding
	Confidence int    // in percent; 100 only for a byte order mark
	Language   string // where the encoding is used for one; may be empty
}

// detectMost bounds what is looked at: more does not make a guess better.
const detectMost = 64 << 10

// Detect returns what data may be encoded in, the best guess first, always the
// same for the same data. A byte order mark, valid UTF-8, and zeros and
// characters where UTF-16 and UTF-32 have them decide; else the statistics of
// a detector do. Guesses about a few characters are weak. nil is no idea.
func Detect(data []byte) []Guess {
	if len(data) == 0 {
		return nil
	}
	if e := byMark(data); e != nil {
		return []Guess{{Encoding: e, Confidence: 100}}
	}
	data = data[:min(len(data), detectMost)]
	var guesses []Guess
	// add leaves out what the data cannot be: the detector judges frequencies.
	add := func(label string, confidence int, language string) {
		e, err := Lookup(label)
		if err != nil || confidence <= 0 || !valid(e, data) || slices.ContainsFunc(guesses, func(g Guess) bool { return g.Encoding == e }) {
			return
		}
		guesses = append(guesses, Guess{e, confidence, language})
	}
	n, bad := utf8Prefix(data)
	isUTF8 := bad == 0 && len(data)-n < 4
	zeros := bytes.IndexByte(data, 0) >= 0
	switch {
	case isUTF8 && !zeros && asciiLen(data) == len(data):
		if bytes.IndexByte(data, esc) < 0 && bytes.Index(data, []byte("~{")) < 0 {
			add("ascii", 99, "")
			return guesses
		}
	case isUTF8 && !zeros:
		// Each character more makes it less likely to be an accident.
		add("utf-8", min(99, 80+n-asciiLen(data)), "")
	}
	if !isUTF8 || zeros {
		add(wideUnits(data))
	}
	for _, r := range chardet.DetectAll(data) {
		// Where it says ISO-8859-1 it means what the web does.
		if r.Encoding == "ISO-8859-1" {
			r.Encoding = "windows-1252"
		}
		add(r.Encoding, min(98, int(r.Confidence*100)), r.Language)
	}
	slices.SortStableFunc(guesses, func(a, b Guess) int { return b.Confidence - a.Confidence })
	return guesses
}

// byMark returns the encoding of the byte order mark data begins with.
func byMark(data []byte) *Encoding {
	label := ""
	switch {
	case bytes.HasPrefix(data, []byte(utf8BOM)):
		label = "utf-8-sig"
	case bytes.HasPrefix(data, []byte("\xff\xfe\x00\x00")), bytes.HasPrefix(data, []byte("\x00\x00\xfe\xff")):
		label = "utf-32"
	case bytes.HasPrefix(data, []byte("\xff\xfe")), bytes.HasPrefix(data, []byte("\xfe\xff")):
		label = "utf-16"
	default:
		return nil
	}
	e, _ := Lookup(label)
	return e
}

// valid reports whether data, up to its last few bytes, is text in e.
func valid(e *Encoding, data []byte) bool {
	_, err := e.NewDecoder(Strict).Decode(make([]byte, 0, 2*len(data)), data, false)
	return err == nil
}

// wideUnits tells UTF-16 and UTF-32 without a mark by how many of their
// characters are common ones. Bytes that are something else make characters
// from everywhere in the first planes: of the ideographs among these only one
// in six is common.
func wideUnits(data []byte) (label string, confidence int, language string) {
	for _, name := range [...]string{"utf-32le", "utf-32be", "utf-16le", "utf-16be"} {
		e, _ := Lookup(name)
		text, err := e.NewDecoder(Strict).Decode(nil, data, false)
		if err != nil {
			continue
		}
		total, good := 0, 0
		for _, r := range string(text) {
			total++
			if common(r) {
				good++
			}
		}
		if total < 2 || good*5 < total*4 {
			continue
		}
		if c := min(95, 70+5*total) * good / total; c > confidence {
			label, confidence = name, c
		}
	}
	return label, confidence, ""
}

// common reports whether a character is one that much text consists of.
func common(r rune) bool {
	switch {
	case r < 0x80:
		return r >= ' ' && r < 0x7F || r == '\t' || r == '\n' || r == '\r'
	case r < 0x530: // Latin, Greek, Cyrillic
		return unicode.IsLetter(r) || unicode.IsPunct(r)
	case r < 0x2000:
		return unicode.Is(unicode.Thai, r) || unicode.Is(unicode.Arabic, r) || unicode.Is(unicode.Hebrew, r)
	case r < 0x3000:
		return unicode.IsPunct(r) && r < 0x2030
	case r < 0x3100:
		return unicode.IsPunct(r) || unicode.IsLetter(r)
	case r >= 0xFF00 && r < 0xFFEF:
		return unicode.IsPunct(r) || unicode.IsLetter(r)
	}
	// The common ideographs are those of the first level of GB 2312, Big5 and
	// JIS X 0208, the common syllables those of KS X 1001.
	return inRange(r, "gbk", 0xB0A1, 0xD7F9) || inRange(r, "big5", 0xA440, 0xC67E) ||
		inRange(r, "euc-jp", 0xB0A1, 0xCFD3) || inRange(r, "euc-kr", 0xB0A1, 0xC8FE)
}

// inRange reports whether r has a two-byte code of GB 2312's shape between lo
// and hi. In Big5 trail bytes go from 0x40.
func inRange(r rune, label string, lo, hi uint16) bool {
	e, _ := Lookup(label)
	code := e.codec().(*doubleByte).enc.get(r)
	return code >= lo && code <= hi && (label == "big5" || code&0xFF >= 0xA1)
}
