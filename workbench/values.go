package workbench

import (
	"errors"
	"fmt"
	"math"
	"net/netip"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"time"

	"sockeye.dev/endpoint"
)

// Size is a number of bytes. In a file it is written 64MiB, 10MB or as a bare number.
type Size int64

// units of sizes, the largest first. k and M alone are not among them: nobody knows which they are.
var units = []struct {
	name  string
	bytes int64
}{
	{"TiB", 1 << 40}, {"TB", 1e12}, {"GiB", 1 << 30}, {"GB", 1e9}, {"MiB", 1 << 20}, {"MB", 1e6}, {"KiB", 1 << 10}, {"kB", 1e3}, {"B", 1},
}

// String returns the size in the largest unit that it is a whole number of: 64MiB, 10MB, 1000001.
func (s Size) String() string {
	for _, u := range units {
		if n := int64(s) / u.bytes; u.bytes > 1 && n > 0 && int64(s)%u.bytes == 0 {
			return strconv.FormatInt(n, 10) + u.name
		}
	}
	return strconv.FormatInt(int64(s), 10)
}

const wantSize = "a size: 64MiB, 10MB, or a bare number of bytes"

// ParseSize reads a size as a file has it.
func ParseSize(s string) (Size, error) {
	digits := strings.TrimRight(s, "kKmMgGtTiIbB ")
	n, err := strconv.ParseUint(digits, 10, 63)
	if err != nil {
		return 0, fmt.Errorf("%q is not %s", s, wantSize)
	}
	name, by := strings.TrimSpace(s[len(digits):]), int64(1)
	if name != "" {
		i := slices.IndexFunc(units, func(u struct {
			name  string
			bytes int64
		}) bool {
			return strings.EqualFold(u.name, name)
		})
		if i < 0 {
			return 0, fmt.Errorf("%q is not %s; MiB is 1024×1024, MB a million", s, wantSize)
		}
		by = units[i].bytes
	}
	if n > uint64(math.MaxInt64/by) {
		return 0, fmt.Errorf("%q is too large", s)
	}
	return Size(int64(n) * by), nil
}

const (
	day          = 24 * time.Hour
	wantDuration = "a duration: 500ms, 2s, 1h30m, 30d, or a bare number of seconds"
)

// ParseDuration reads a duration as a file has it: Go's, days, or seconds; never negative.
func ParseDuration(s string) (time.Duration, error) {
	wrong := func() error { return fmt.Errorf("%q is not %s", s, wantDuration) }
	if strings.HasPrefix(s, "-") || strings.HasPrefix(s, "+") || s == "" {
		return 0, wrong()
	}
	var total time.Duration
	rest := s
	if strings.Trim(s, "0123456789.") == "" {
		rest += "s"
	}
	if days, after, ok := strings.Cut(rest, "d"); ok {
		n, err := strconv.ParseUint(days, 10, 32)
		if err != nil {
			return 0, wrong()
		}
		if n > uint64(math.MaxInt64/day) {
			return 0, fmt.Errorf("%q is longer than 106751d, the longest there is", s)
		}
		total, rest = time.Duration(n)*day, after
		if rest == "" {
			return total, nil
		}
	}
	d, err := time.ParseDuration(rest)
	if err != nil || d < 0 || strings.HasPrefix(rest, "-") {
		return 0, wrong()
	}
	if total > math.MaxInt64-d {
		return 0, fmt.Errorf("%q is longer than 106751d, the longest there is", s)
	}
	return total + d, nil
}

// formatDuration writes d so that ParseDuration reads it.
func formatDuration(d time.Duration) string {
	if d == 0 {
		return "0"
	}
	var s string
	if d >= day {
		s = strconv.FormatInt(int64(d/day), 10) + "d"
		d %= day
	}
	if d == 0 {
		return s
	}
	last := d.String()
	if strings.HasSuffix(last, "m0s") {
		last = strings.TrimSuffix(last, "0s")
	}
	if strings.HasSuffix(last, "h0m") {
		last = strings.TrimSuffix(last, "0m")
	}
	return s + last
}

// parsePrefix reads an address or a network.
func parsePrefix(s string) (netip.Prefix, error) {
	if a, err := netip.ParseAddr(s); err == nil && a.Zone() == "" {
		a = a.Unmap()
		return netip.PrefixFrom(a, a.BitLen()), nil
	}
	p, err := netip.ParsePrefix(s)
	if err != nil || p.Addr().Is4In6() {
		return p, fmt.Errorf("%q is neither an IP address nor a network like 198.51.100.0/24", s)
	}
	if p != p.Masked() {
		return p, fmt.Errorf("%q has bits beyond its length: the network is %v", s, p.Masked())
	}
	return p, nil
}

func formatPrefix(p netip.Prefix) string {
	if p.IsSingleIP() {
		return p.Addr().String()
	}
	return p.String()
}

// The types that are one word in the file, although Go sees more or less in them.
var (
	durationType = reflect.TypeFor[time.Duration]()
	sizeType     = reflect.TypeFor[Size]()
	addrType     = reflect.TypeFor[endpoint.Addr]()
	prefixType   = reflect.TypeFor[netip.Prefix]()
	secretType   = reflect.TypeFor[Secret]()
)

// section reports whether t is a mapping in the file.
func section(t reflect.Type) bool {
	return t.Kind() == reflect.Struct && t != addrType && t != prefixType
}

// setText sets v to what text says, within the bounds that tag has.
func setText(v reflect.Value, text string, tag reflect.StructTag) error {
	if values := tag.Get("enum"); values != "" && !slices.Contains(strings.Split(values, ","), text) {
		return fmt.Errorf("%q is not one of %s", text, strings.ReplaceAll(values, ",", ", "))
	}
	switch v.Type() {
	case durationType:
		d, err := ParseDuration(text)
		v.SetInt(int64(d))
		return err
	case sizeType:
		n, err := ParseSize(text)
		v.SetInt(int64(n))
		return err
	case addrType:
		a, err := endpoint.Parse(text)
		if err != nil {
			return err
		}
		v.Set(reflect.ValueOf(a))
		return nil
	case prefixType:
		p, err := parsePrefix(text)
		v.Set(reflect.ValueOf(p))
		return err
	}
	switch v.Kind() {
	case reflect.Bool:
		b, err := strconv.ParseBool(text)
		v.SetBool(b)
		return err
	case reflect.Int:
		n, err := strconv.ParseInt(text, 10, 64)
		if err != nil || strings.HasPrefix(text, "+") {
			return fmt.Errorf("%q is not a whole number", text)
		}
		return setInt(v, n, tag)
	}
	if text == "" {
		return errors.New("it is empty; leave the key out for the default")
	}
	v.SetString(text)
	return nil
}

func setInt(v reflect.Value, n int64, tag reflect.StructTag) error {
	lowest, _ := strconv.ParseInt(tag.Get("min"), 10, 64) // none: 0
	highest := int64(math.MaxInt32)
	if s := tag.Get("max"); s != "" {
		highest, _ = strconv.ParseInt(s, 10, 64)
	}
	if n < lowest || n > highest {
		return fmt.Errorf("%d is not from %d to %d", n, lowest, highest)
	}
	v.SetInt(n)
	return nil
}

// setDefaults gives every field below v its default.
func setDefaults(v reflect.Value) {
	for i := range v.NumField() {
		field, info := v.Field(i), v.Type().Field(i)
		text, ok := info.Tag.Lookup("default")
		switch {
		case section(field.Type()):
			setDefaults(field)
		case !ok:
		case field.Kind() == reflect.Slice:
			for _, word := range strings.Split(text, ",") {
				field.Grow(1)
				field.SetLen(field.Len() + 1)
				setShort(field.Index(field.Len()-1), word, info.Tag)
			}
		default:
			if err := setText(field, text, info.Tag); err != nil {
				panic(err) // TestDefault
			}
		}
	}
}

// setShort sets an element of a list to what a bare word stands for.
func setShort(v reflect.Value, word string, tag reflect.StructTag) {
	if section(v.Type()) {
		setDefaults(v)
		v, tag = shortField(v)
	}
	if err := setText(v, word, tag); err != nil {
		panic(err) // TestDefault
	}
}

// shortField returns the field that a bare value stands for, invalid when there is none.
func shortField(v reflect.Value) (reflect.Value, reflect.StructTag) {
	for i := range v.NumField() {
		if tag := v.Type().Field(i).Tag; tag.Get("short") != "" {
			return v.Field(i), tag
		}
	}
	return reflect.Value{}, ""
}
