package charset

import (
	"bytes"
	"math"
	"slices"
)

// A Guess is an encoding that data may be in.
type Guess struct {
	Encoding   *Encoding
	Confidence int    // in percent; 100 only for a byte order mark
	Language   string // what the text would be in; may be empty
}

// detectMost bounds what is looked at: more does not make a guess better.
const detectMost = 8 << 10

// Detect returns what data may be encoded in, the best guess first, always the
// same for the same data. A byte order mark decides, then valid UTF-8, then
// what only UTF-16, UTF-32 and the encodings with escape sequences look like.
// For the rest it weighs how usual the text is that each encoding makes of the
// data. Two or three characters are little to go by; nil is no idea.
func Detect(data []byte) []Guess {
	if len(data) == 0 {
		return nil
	}
	if label := byMark(data); label != "" {
		return []Guess{guess(label, 100, "")}
	}
	whole := len(data) <= detectMost
	data = data[:min(len(data), detectMost)]
	n, bad := utf8Prefix(data)
	beyond := n - asciiLen(data)
	switch isText := !hasControls(data); {
	case isText && len(data) == asciiLen(data):
		if label, language := byEscapes(data); label != "" {
			return []Guess{guess(label, 95, language), guess("ascii", 5, "")}
		}
		return []Guess{guess("ascii", 99, "")}
	case isText && bad == 0 && beyond > 0 && (n == len(data) || !whole):
		// Each byte more makes it less likely to be an accident.
		sure := min(99, 75+4*beyond)
		return append([]Guess{guess("utf-8", sure, "")}, weigh(data, whole, 99-sure)...)
	}
	guesses := byUnits(data)
	rest := 98
	if len(guesses) > 0 {
		rest -= guesses[0].Confidence
	}
	guesses = append(guesses, weigh(data, whole, rest)...)
	slices.SortStableFunc(guesses, func(a, b Guess) int { return b.Confidence - a.Confidence })
	return guesses
}

func guess(label string, confidence int, language string) Guess {
	e, err := Lookup(label)
	if err != nil {
		panic(err)
	}
	return Guess{e, confidence, language}
}

// byMark returns the encoding of the byte order mark data begins with.
func byMark(data []byte) string {
	switch {
	case bytes.HasPrefix(data, []byte(utf8BOM)):
		return "utf-8-sig"
	case bytes.HasPrefix(data, []byte("\xff\xfe\x00\x00")), bytes.HasPrefix(data, []byte("\x00\x00\xfe\xff")):
		return "utf-32"
	case bytes.HasPrefix(data, []byte("\xff\xfe")), bytes.HasPrefix(data, []byte("\xfe\xff")):
		return "utf-16"
	}
	return ""
}

// byEscapes knows the seven-bit encodings by sequences that mean something.
func byEscapes(data []byte) (label, language string) {
	for _, c := range [...]struct{ sequence, label, language string }{
		{"\x1b$B", "iso-2022-jp", "Japanese"}, {"\x1b$@", "iso-2022-jp", "Japanese"}, {"~{", "hz", "Chinese"},
	} {
		i := bytes.Index(data, []byte(c.sequence))
		if i < 0 {
			continue
		}
		text, err := guess(c.label, 0, "").Encoding.DecodeString(data, Strict)
		if err == nil && asciiLen([]byte(text)) < len(text) {
			return c.label, c.language
		}
	}
	return "", ""
}

// byUnits tells UTF-16 and UTF-32 without a mark by how many of their
// characters are usual. Of characters made from other bytes few are: of the
// ideographs, one in six.
func byUnits(data []byte) []Guess {
	best := Guess{}
	for _, label := range [...]string{"utf-32le", "utf-32be", "utf-16le", "utf-16be"} {
		g := guess(label, 0, "")
		text, err := g.Encoding.NewDecoder(Strict).Decode(nil, data, false)
		if err != nil {
			continue
		}
		total, good := 0, 0
		for _, r := range string(text) {
			total++
			if usual(r) {
				good++
			}
		}
		if total < 2 || good*5 < total*4 {
			continue
		}
		if g.Confidence = min(95, 25+10*total) * good / total; g.Confidence > best.Confidence {
			best = g
		}
	}
	if best.Encoding == nil {
		return nil
	}
	return []Guess{best}
}

// usual reports whether a character is one that much text consists of.
func usual(r rune) bool {
	switch {
	case r < 0x80:
		return r >= ' ' && r < 0x7F || r == '\t' || r == '\n' || r == '\r'
	case r < 0x600: // Latin, Greek, Cyrillic, Hebrew
		return r >= 0xC0 && r != 0xD7 && r != 0xF7
	case r >= 0x2010 && r < 0x2027, r >= 0x3001 && r < 0x3100, r >= 0xFF01 && r < 0xFF5F:
		return true
	}
	return firstLevel(r, "gbk", 0xB0A1, 0xD7F9) || firstLevel(r, "big5", 0xA440, 0xC67E) ||
		firstLevel(r, "euc-jp", 0xB0A1, 0xCFD3) || firstLevel(r, "euc-kr", 0xB0A1, 0xC8FE)
}

// firstLevel reports whether r is among the common characters of a national
// standard, which have the codes from lo to hi.
func firstLevel(r rune, label string, lo, hi uint16) bool {
	e, _ := Lookup(label)
	code := e.codec().(*doubleByte).inverse().get(r)
	return code >= lo && code <= hi && (label == "big5" || code&0xFF >= 0xA1)
}

// weigh decodes data in each legacy encoding and shares out so many percent
// by how many bits the text would cost in its language: 1 bit less is twice
// as likely.
func weigh(data []byte, whole bool, percent int) []Guess {
	type candidate struct {
		*language
		bits float64
	}
	var all []candidate
	least := math.Inf(1)
	for i := range languages {
		l := &languages[i]
		text, err := guess(l.label, 0, "").Encoding.NewDecoder(Strict).Decode(make([]byte, 0, 2*len(data)), data, whole)
		if err != nil {
			continue
		}
		if bits, ok := l.cost(string(text)); ok {
			all = append(all, candidate{l, bits})
			least = min(least, bits)
		}
	}
	sum := 0.0
	for _, c := range all {
		sum += math.Exp2(least - c.bits)
	}
	var guesses []Guess
	for _, c := range all {
		share := int(float64(percent)*math.Exp2(least-c.bits)/sum + 0.5)
		seen := slices.ContainsFunc(guesses, func(g Guess) bool { return g.Encoding.name == c.label })
		if share > 0 && !seen {
			guesses = append(guesses, guess(c.label, share, c.name))
		}
	}
	slices.SortStableFunc(guesses, func(a, b Guess) int { return b.Confidence - a.Confidence })
	return guesses
}
