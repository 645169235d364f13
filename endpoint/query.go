package endpoint

import (
	"iter"
	"strings"
)

// Options are an address's key=value pairs, in the order they were written.
// Keys are lower case and occur once; a key without "=" has the value "".
//
// Options is a value: copies are independent, and Options are comparable.
// The zero Options are none.
type Options struct {
	// query is the canonical, escaped form "k=v&k=v". A string keeps Addr
	// comparable and copies independent; addresses are read once, not per byte.
	query string
}

// String returns the options as they are written after a question mark.
func (o Options) String() string { return o.query }

// Len returns how many options there are.
func (o Options) Len() int {
	if o.query == "" {
		return 0
	}
	return strings.Count(o.query, "&") + 1
}

// Keys returns the keys in their order, nil when there are none.
func (o Options) Keys() []string {
	var keys []string
	for k := range o.All() {
		keys = append(keys, k)
	}
	return keys
}

// All ranges over keys and values in their order.
func (o Options) All() iter.Seq2[string, string] {
	return func(yield func(string, string) bool) {
		for rest := o.query; rest != ""; {
			var pair string
			pair, rest, _ = strings.Cut(rest, "&")
			k, v, _ := strings.Cut(pair, "=")
			if !yield(unescape(k), unescape(v)) {
				return
			}
		}
	}
}

// Has reports whether key was given, with a value or without.
func (o Options) Has(key string) bool {
	_, ok := o.lookup(key)
	return ok
}

// Get returns key's value, "" when it is not given.
func (o Options) Get(key string) string {
	v, _ := o.lookup(key)
	return v
}

// Take removes key and returns what its value was, and whether it was given.
// Layers above endpoint take their options before they dial or listen.
func (o *Options) Take(key string) (value string, ok bool) {
	var left Options
	for k, v := range o.All() {
		if k == key {
			value, ok = v, true
			continue
		}
		left.add(k, v)
	}
	*o = left
	return value, ok
}

// Set gives key the value, in its old place if it was given already.
func (o *Options) Set(key, value string) {
	var next Options
	found := false
	for k, v := range o.All() {
		if k == key {
			v, found = value, true
		}
		next.add(k, v)
	}
	if !found {
		next.add(key, value)
	}
	*o = next
}

func (o Options) lookup(key string) (string, bool) {
	for k, v := range o.All() {
		if k == key {
			return v, true
		}
	}
	return "", false
}

// add appends without looking for key first.
func (o *Options) add(key, value string) {
	if o.query != "" {
		o.query += "&"
	}
	o.query += escapeOption(key)
	if value != "" {
		o.query += "=" + escapeOption(value)
	}
}

// escape replaces what would end or be mistaken in a path: percent signs,
// question marks, white space and control characters. Everything else, beyond
// ASCII too, stays readable.
func escape(s string) string { return escapeSet(s, "%?") }

// escapeOption is escape for a value. A plus sign is itself, never a space:
// "line+quiet:50ms" is an option's value.
func escapeOption(s string) string { return escapeSet(s, "%&") }

func escapeSet(s, special string) string {
	const hex = "0123456789ABCDEF"
	var b strings.Builder
	for i := range len(s) {
		c := s[i]
		if c <= ' ' || c == 0x7f || strings.IndexByte(special, c) >= 0 {
			b.WriteByte('%')
			b.WriteByte(hex[c>>4])
			b.WriteByte(hex[c&15])
			continue
		}
		b.WriteByte(c)
	}
	return b.String()
}

// unescape undoes %XX; a percent sign that begins no escape stands for itself,
// so that "100%" needs no thought.
func unescape(s string) string {
	if !strings.Contains(s, "%") {
		return s
	}
	var b strings.Builder
	for i := 0; i < len(s); i++ {
		if s[i] == '%' && i+2 < len(s) {
			hi, lo := unhex(s[i+1]), unhex(s[i+2])
			if hi >= 0 && lo >= 0 {
				b.WriteByte(byte(hi<<4 | lo))
				i += 2
				continue
			}
		}
		b.WriteByte(s[i])
	}
	return b.String()
}

func unhex(c byte) int {
	switch {
	case '0' <= c && c <= '9':
		return int(c - '0')
	case 'a' <= c && c <= 'f':
		return int(c-'a') + 10
	case 'A' <= c && c <= 'F':
		return int(c-'A') + 10
	}
	return -1
}
