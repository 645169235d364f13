package workbench

import (
	"errors"
	"fmt"
	"reflect"
	"slices"
	"strings"

	"go.yaml.in/yaml/v4"

	"sockeye.dev/endpoint"
)

// Parse reads a file's content; name is what the errors call it. Relative paths stay as they are. The error is a
// *FileError with every fault of the file.
//
// The file is one YAML document, a mapping. Every key is known and is there once, every value has its key's type;
// anchors and aliases may be used, tags and merge keys not.
func Parse(name string, data []byte) (*File, error) {
	return newBinder(name).parse(data)
}

func newBinder(name string) *binder {
	return &binder{name: name, given: make(map[string]*yaml.Node)}
}

func (b *binder) parse(data []byte) (*File, error) {
	f := new(File)
	setDefaults(reflect.ValueOf(f).Elem())
	if len(data) > maxFile {
		b.faults = append(b.faults, &Fault{File: b.name, Reason: fmt.Sprintf("the file is longer than %v", Size(maxFile))})
	} else if root := b.load(data); root != nil {
		b.section("", root, reflect.ValueOf(f).Elem())
		if !b.broken {
			b.check(f)
		}
	}
	if len(b.faults) > 0 {
		err := &FileError{Faults: b.faults}
		err.sort()
		if more := len(b.faults) - maxFaults; more > 0 { // it is another program's file
			err.Faults = append(err.Faults[:maxFaults:maxFaults], &Fault{File: b.name, Reason: fmt.Sprintf("and %d faults more", more)})
		}
		return nil, err
	}
	return f, nil
}

// maxFaults is how many faults an error tells.
const maxFaults = 100

// binder sets a File to what the nodes of a document say, and collects what is wrong with them.
type binder struct {
	name   string
	faults []*Fault
	broken bool                  // a list or a section has the wrong shape: what is in it is not known
	given  map[string]*yaml.Node // the keys by their paths, as listen[1].room; the words they have by listen[1].room=
}

func (b *binder) fault(at *yaml.Node, path, hint, format string, args ...any) {
	f := &Fault{File: b.name, Key: keyOf(path), Reason: fmt.Sprintf(format, args...), Hint: hint}
	if at != nil {
		f.Line, f.Column = at.Line, at.Column
	}
	b.faults = append(b.faults, f)
}

// keyOf is a path without the places in lists, which line and column tell.
func keyOf(path string) string {
	var s strings.Builder
	for path != "" {
		before, after, _ := strings.Cut(path, "[")
		s.WriteString(before)
		_, path, _ = strings.Cut(after, "]")
	}
	return s.String()
}

func join(path, key string) string {
	if path == "" {
		return key
	}
	return path + "." + key
}

// plain follows an alias and refuses a tag.
func (b *binder) plain(path string, n *yaml.Node) (*yaml.Node, bool) {
	if n.Style&yaml.TaggedStyle != 0 {
		b.fault(n, path, "", "tags like %s are not understood", n.ShortTag())
		return n, false
	}
	if n.Kind == yaml.AliasNode {
		n = n.Alias
	}
	return n, true
}

// section sets the fields of the struct v to a mapping.
func (b *binder) section(path string, n *yaml.Node, v reflect.Value) {
	m, ok := b.plain(path, n)
	if !ok || isNull(m) { // a section whose keys are all commented out
		return
	}
	if m.Kind != yaml.MappingNode {
		b.broken = true
		b.fault(n, path, "", "it wants keys and values, not %s", describe(m))
		return
	}
	fields := fieldsOf(v.Type())
	seen := make(map[string]*yaml.Node)
	for i := 0; i+1 < len(m.Content); i += 2 {
		key, value := m.Content[i], m.Content[i+1]
		where := join(path, key.Value)
		index := slices.Index(fields, key.Value)
		switch first := seen[key.Value]; {
		case key.Kind != yaml.ScalarNode:
			b.fault(key, path, "", "a key is a word, not %s", describe(key))
			continue
		case index < 0:
			b.unknown(key, path, fields)
			continue
		case first != nil:
			b.fault(key, where, "", "it is there twice; the first is in line %d", first.Line)
			continue
		}
		seen[key.Value] = key
		b.given[where] = key
		field, tag := v.Field(index), v.Type().Field(index).Tag
		switch {
		case section(field.Type()):
			b.section(where, value, field)
		case field.Kind() == reflect.Slice:
			b.list(where, value, field)
		default:
			b.scalar(where, value, field, tag)
		}
	}
	if _, tag := shortField(v); tag != "" && seen[tag.Get("yaml")] == nil {
		b.fault(n, join(path, tag.Get("yaml")), "", "it is missing")
	}
	b.relations(path, seen, v)
}

// fieldsOf returns the keys of a section in the order of its fields.
func fieldsOf(t reflect.Type) []string {
	keys := make([]string, t.NumField())
	for i := range keys {
		keys[i] = t.Field(i).Tag.Get("yaml")
	}
	return keys
}

// unknown says that there is no such key, and which may have been meant.
func (b *binder) unknown(key *yaml.Node, path string, fields []string) {
	var hint string
	if key.Value == "<<" {
		hint = "merge keys are not understood; an alias of a whole value is"
	} else if near := nearest(key.Value, fields); near != "" {
		hint = "did you mean " + near + "?"
	} else if homes := homesOf(reflect.TypeFor[File](), "", key.Value); homes != nil {
		hint = "it belongs " + strings.Join(homes, " or ")
	} else {
		hint = "known here are " + strings.Join(fields, ", ")
	}
	b.fault(key, join(path, shorten(key.Value)), hint, "unknown key")
}

// homesOf says where from t on a key is known, nil if nowhere.
func homesOf(t reflect.Type, path, key string) (homes []string) {
	fields := fieldsOf(t)
	if slices.Contains(fields, key) {
		if path == "" {
			homes = append(homes, "at the left margin")
		} else {
			homes = append(homes, "under "+path)
		}
	}
	for i, name := range fields {
		field := t.Field(i).Type
		if field.Kind() == reflect.Slice {
			field = field.Elem()
		}
		if section(field) {
			homes = append(homes, homesOf(field, join(path, name), key)...)
		}
	}
	return homes
}

// relations checks which keys of a section need or exclude each other.
func (b *binder) relations(path string, seen map[string]*yaml.Node, v reflect.Value) {
	t := v.Type()
	fields := fieldsOf(t)
	for i, key := range fields {
		at := seen[key]
		if at == nil {
			continue
		}
		for _, other := range split(t.Field(i).Tag.Get("excludes")) {
			if second := seen[other]; second != nil && b.on(path, key) && b.on(path, other) {
				later := at
				if second.Line > at.Line || second.Line == at.Line && second.Column > at.Column {
					later = second
				}
				b.fault(later, join(path, later.Value), "", "%s and %s exclude each other", key, other)
			}
		}
		for _, other := range split(t.Field(i).Tag.Get("needs")) {
			if v.Field(slices.Index(fields, other)).IsZero() { // servers: [] is none
				b.fault(at, join(path, key), "", "it needs %s beside it", other)
			}
		}
	}
}

// on reports whether a key has a value other than false: broker: false excludes nothing.
func (b *binder) on(path, key string) bool {
	n := b.given[join(path, key)+"="]
	if n != nil && n.Kind == yaml.AliasNode {
		n = n.Alias
	}
	return n == nil || n.Value != "false"
}

func split(list string) []string {
	if list == "" {
		return nil
	}
	return strings.Split(list, ",")
}

// list sets the slice v to a sequence.
func (b *binder) list(path string, n *yaml.Node, v reflect.Value) {
	s, ok := b.plain(path, n)
	if !ok {
		return
	}
	if s.Kind != yaml.SequenceNode {
		b.broken = true
		b.fault(n, path, "", "it wants a list, not %s", describe(s))
		return
	}
	if len(s.Content) == 0 {
		if v.Len() > 0 { // by default
			b.fault(n, path, "leave the key out for the default", "the list is empty")
		}
		return
	}
	v.Set(reflect.MakeSlice(v.Type(), len(s.Content), len(s.Content)))
	for i, item := range s.Content {
		where, element := fmt.Sprintf("%s[%d]", path, i), v.Index(i)
		if !section(element.Type()) {
			b.scalar(where, item, element, "")
			continue
		}
		setDefaults(element)
		if target, ok := b.plain(where, item); ok && target.Kind == yaml.ScalarNode {
			field, tag := shortField(element)
			b.scalar(where, item, field, tag)
			b.given[where+"."+tag.Get("yaml")] = item
		} else if ok {
			b.section(where, item, element)
		}
		b.given[where] = item
	}
}

// scalar sets v, which is one word in the file.
func (b *binder) scalar(path string, n *yaml.Node, v reflect.Value, tag reflect.StructTag) {
	s, ok := b.plain(path, n)
	if !ok {
		return
	}
	wants, tags := wanted(v.Type())
	hint := ""
	switch {
	case isNull(s):
		b.fault(n, path, "leave the key out for the default", "it has no value")
		return
	case s.Kind != yaml.ScalarNode || tags != nil && !slices.Contains(tags, s.ShortTag()):
		if v.Kind() == reflect.Bool && s.Kind == yaml.ScalarNode {
			hint = oldBools[strings.ToLower(s.Value)]
		}
		if v.Type() == secretType {
			b.fault(n, path, "", "it wants %s", wants)
		} else {
			b.fault(n, path, hint, "it wants %s, not %s", wants, describe(s))
		}
		return
	}
	b.given[path+"="] = n
	if err := setText(v, s.Value, tag); err != nil {
		reason := err.Error()
		var address *endpoint.AddrError
		if errors.As(err, &address) {
			reason, hint = fmt.Sprintf("%q is no address: %s", address.Input, address.Reason), address.Hint
		} else if values := split(tag.Get("enum")); values != nil {
			if near := nearest(s.Value, values); near != "" {
				hint = "did you mean " + near + "?"
			}
		}
		b.fault(n, path, hint, "%s", reason)
	}
}

// oldBools says what to write for words that were booleans before YAML 1.2.
var oldBools = map[string]string{"yes": "write true", "on": "write true", "no": "write false", "off": "write false"}

// wanted says what a value of type t looks like, and which of YAML's types it may have; nil is any.
func wanted(t reflect.Type) (string, []string) {
	switch {
	case t == durationType:
		return wantDuration, []string{"!!str", "!!int", "!!float"}
	case t == sizeType:
		return wantSize, []string{"!!str", "!!int"}
	case t == addrType:
		return "an address: tcp://HOST:PORT", nil
	case t == prefixType:
		return "an IP address or a network", nil
	case t.Kind() == reflect.Bool:
		return "true or false", []string{"!!bool"}
	case t.Kind() == reflect.Int:
		return "a whole number", []string{"!!int"}
	}
	return "text", nil
}

func isNull(n *yaml.Node) bool { return n.Kind == yaml.ScalarNode && n.ShortTag() == "!!null" }

// describe says what a node is, shortly.
func describe(n *yaml.Node) string {
	switch n.Kind {
	case yaml.MappingNode:
		return "keys and values"
	case yaml.SequenceNode:
		return "a list"
	case yaml.AliasNode:
		return "an alias"
	}
	if isNull(n) {
		return "nothing"
	}
	if n.Style&(yaml.DoubleQuotedStyle|yaml.SingleQuotedStyle) != 0 {
		return fmt.Sprintf("the text %q", shorten(n.Value))
	}
	return fmt.Sprintf("%q", shorten(n.Value))
}

// shorten keeps what an error quotes to a line's length.
func shorten(s string) string {
	if r := []rune(s); len(r) > 40 {
		return string(r[:39]) + "…"
	}
	return s
}
