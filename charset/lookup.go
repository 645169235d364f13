package charset

import (
	"fmt"
	"strings"
	"sync"
	"sync/atomic"

	"sockeye.dev/internal/typo"
)

// An Encoding is one way to write text as bytes. There is one value per
// encoding: compare pointers. It is safe for concurrent use.
type Encoding struct {
	name   string
	labels string       // what else it is called, blank-separated
	load   func() codec // builds the tables; called once
	unit   uint8        // bytes of a code unit; 0 is 1
	trail  byte         // the lowest byte that can continue a character and be another one; 0: none can
	modes  bool         // escape sequences switch between tables, or else the end of a message matters
	bom    string       // what the encoder writes first

	once sync.Once
	impl codec

	auto   atomic.Pointer[Encoding] // Auto(this)
	isAuto bool
	legacy *Encoding // what Auto was given
}

// UTF8 is the encoding "utf-8".
var UTF8 = &registry[0]

// An UnknownError says that no encoding has a label.
type UnknownError struct {
	Label   string
	Nearest string // the most similar label there is; empty where none is similar
}

func (e *UnknownError) Error() string {
	if e.Nearest == "" {
		return fmt.Sprintf("unknown encoding %q", e.Label)
	}
	return fmt.Sprintf("unknown encoding %q (is it %s?)", e.Label, e.Nearest)
}

var (
	byLabelOnce sync.Once
	byLabel     map[string]*Encoding
)

// Lookup returns the encoding of that label: a label of the WHATWG Encoding
// Standard or a name or alias of Python's. Case, spaces, '-' and '_' do not
// matter. Labels mean what the standard says, except three names that mean
// Python's codec: latin-1 and its aliases are true ISO-8859-1, ascii and its
// aliases true ASCII, and utf-16 lets a byte order mark decide. "hex" is [Hex].
// The error is an *UnknownError.
func Lookup(label string) (*Encoding, error) {
	byLabelOnce.Do(func() {
		byLabel = make(map[string]*Encoding, 512)
		for i := range registry {
			e := &registry[i]
			byLabel[fold(e.name)] = e
			for l := range strings.FieldsSeq(e.labels) {
				byLabel[fold(l)] = e
			}
		}
	})
	key := fold(label)
	if e := byLabel[key]; e != nil {
		return e, nil
	}
	return nil, &UnknownError{Label: label, Nearest: nearest(key)}
}

// fold brings the spellings of one label together. Python collapses runs of
// punctuation into one '_' and lists the aliases it knows with and without;
// dropping them altogether accepts all of these.
func fold(label string) string {
	return strings.Map(func(r rune) rune {
		switch {
		case 'A' <= r && r <= 'Z':
			return r + 'a' - 'A'
		case r == '-' || r == '_' || r == ':' || r == ' ' || '\t' <= r && r <= '\r':
			return -1
		}
		return r
	}, label)
}

// nearest returns the label with the fewest edits from key, when they are few
// for its length; the first in the registry's order among equals.
func nearest(key string) string {
	if len(key) > 40 { // longer than any label: a mistake of another kind
		return ""
	}
	best, name := 1+len(key)/3, ""
	for i := range registry {
		e := &registry[i]
		for l := range strings.FieldsSeq(e.name + " " + e.labels) {
			if n := typo.Distance(key, fold(l), 2); n < best {
				best, name = n, l
			}
		}
	}
	return name
}

// All returns every encoding Lookup knows, the Unicode ones first. The slice
// is the caller's.
func All() []*Encoding {
	all := make([]*Encoding, len(registry))
	for i := range registry {
		all[i] = &registry[i]
	}
	return all
}

// Name returns the name the encoding is shown by. Lookup finds it again,
// except "auto", which Auto makes.
func (e *Encoding) Name() string { return e.name }

// String is Name.
func (e *Encoding) String() string { return e.name }

// Labels returns the other labels that Lookup takes for the encoding.
func (e *Encoding) Labels() []string { return strings.Fields(e.labels) }

// Unit returns the size of a code unit in bytes: 1, 2 (UTF-16) or 4 (UTF-32).
func (e *Encoding) Unit() int { return max(int(e.unit), 1) }

// Legacy returns what Auto falls back to; nil for every other encoding.
func (e *Encoding) Legacy() *Encoding { return e.legacy }

// codec returns the encoding's tables and builds them the first time.
func (e *Encoding) codec() codec {
	e.once.Do(func() { e.impl = e.load() })
	return e.impl
}

// asciiAlone reports whether text that is only ASCII can do without the tables,
// which take a millisecond or two the first time.
func (e *Encoding) asciiAlone() bool { return e.trail > 0 && !e.modes }

// LegacyFor returns the encoding that was usual, before UTF-8, where people
// speak the language of a locale such as "zh_CN.UTF-8", "ja_JP" or "de-AT". It
// is nil for C, POSIX, the empty string and languages without one. The
// locale's own charset does not matter: it is UTF-8 nearly everywhere, and the
// peer is what is old.
func LegacyFor(locale string) *Encoding {
	locale, modifier, _ := strings.Cut(strings.ToLower(locale), "@")
	locale, _, _ = strings.Cut(locale, ".")
	parts := strings.FieldsFunc(locale, func(r rune) bool { return r == '_' || r == '-' })
	if len(parts) == 0 {
		return nil
	}
	label := ""
	switch parts[0] {
	case "zh":
		label = "gb18030"
		for _, p := range parts[1:] {
			if p == "tw" || p == "hk" || p == "mo" || p == "hant" {
				label = "big5"
			}
			if p == "hans" {
				break
			}
		}
	case "ja":
		label = "shift_jis"
	case "ko":
		label = "euc-kr"
	case "ru", "uk", "be", "bg", "mk", "kk", "ky", "tg", "tt", "ba", "sah":
		label = "windows-1251"
	case "sr", "uz", "az", "bs":
		label = "windows-1251"
		if modifier == "latin" || modifier == "" && parts[0] != "sr" {
			label = "windows-1250"
		}
	case "cs", "sk", "pl", "hu", "sl", "hr", "ro", "sq":
		label = "windows-1250"
	case "el":
		label = "windows-1253"
	case "tr", "ku":
		label = "windows-1254"
	case "he", "iw", "yi":
		label = "windows-1255"
	case "ar", "fa", "ur":
		label = "windows-1256"
	case "et", "lt", "lv":
		label = "windows-1257"
	case "vi":
		label = "windows-1258"
	case "th":
		label = "windows-874"
	case "en", "de", "fr", "es", "it", "pt", "nl", "da", "sv", "nb", "nn", "no", "fi", "is", "fo", "ca",
		"gl", "eu", "ga", "gd", "cy", "af", "lb", "br", "oc", "sw", "id", "ms":
		label = "windows-1252"
	default:
		return nil
	}
	e, _ := Lookup(label)
	return e
}
