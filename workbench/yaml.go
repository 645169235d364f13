package workbench

import (
	"net/netip"
	"reflect"
	"strconv"
	"time"

	"go.yaml.in/yaml/v4"

	"sockeye.dev/endpoint"
)

// YAML returns the file that says what f says, secrets included: Parse of it returns an equal File. What is at its
// default is left out.
func (f *File) YAML() ([]byte, error) {
	return yaml.Dump(mapping(reflect.ValueOf(f).Elem()))
}

// mapping is a section's node: the fields that differ from their defaults.
func mapping(v reflect.Value) *yaml.Node {
	def := reflect.New(v.Type()).Elem()
	setDefaults(def)
	m := &yaml.Node{Kind: yaml.MappingNode}
	for i, key := range fieldsOf(v.Type()) {
		field := v.Field(i)
		if reflect.DeepEqual(field.Interface(), def.Field(i).Interface()) {
			continue
		}
		m.Content = append(m.Content, &yaml.Node{Kind: yaml.ScalarNode, Value: key}, value(field))
	}
	return m
}

func value(v reflect.Value) *yaml.Node {
	switch {
	case section(v.Type()):
		m := mapping(v)
		if short, tag := shortField(v); short.IsValid() && len(m.Content) == 2 && m.Content[0].Value == tag.Get("yaml") {
			return m.Content[1]
		}
		return m
	case v.Kind() == reflect.Slice:
		s := &yaml.Node{Kind: yaml.SequenceNode}
		for i := range v.Len() {
			s.Content = append(s.Content, value(v.Index(i)))
		}
		return s
	}
	text, tag := formatScalar(v)
	return &yaml.Node{Kind: yaml.ScalarNode, Tag: tag, Value: text}
}

// formatScalar writes v so that setText reads it.
func formatScalar(v reflect.Value) (text, tag string) {
	switch x := v.Interface().(type) {
	case time.Duration:
		if x == 0 {
			return "0", "!!int"
		}
		return formatDuration(x), "!!str"
	case Size:
		text = x.String()
		if _, err := strconv.Atoi(text); err == nil {
			return text, "!!int"
		}
		return text, "!!str"
	case endpoint.Addr:
		return x.String(), "!!str"
	case netip.Prefix:
		return formatPrefix(x), "!!str"
	case bool:
		return strconv.FormatBool(x), "!!bool"
	case int:
		return strconv.Itoa(x), "!!int"
	}
	return v.String(), "!!str"
}
