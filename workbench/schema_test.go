package workbench_test

import (
	"bytes"
	"encoding/json"
	"flag"
	"go/ast"
	"go/parser"
	"go/token"
	"net/netip"
	"os"
	"reflect"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/jsonschema-go/jsonschema"
	"go.yaml.in/yaml/v4"

	"sockeye.dev/endpoint"
	"sockeye.dev/workbench"
)

var update = flag.Bool("update", false, "write schema.json anew")

// TestSchema checks that schema.json is what the types and their comments say.
func TestSchema(t *testing.T) {
	g := generator{comments: comments(t)}
	s := g.object(t, reflect.TypeFor[workbench.File]())
	s.Schema, s.Title = "https://json-schema.org/draft/2020-12/schema", "sockeye serve"
	s.Description = "What sockeye serve reads: doors, rooms, and what is kept of what is said."
	text, err := json.Marshal(s)
	if err != nil {
		t.Fatal(err)
	}
	var want bytes.Buffer
	if err := json.Indent(&want, text, "", "  "); err != nil {
		t.Fatal(err)
	}
	want.WriteByte('\n')
	if *update {
		if err := os.WriteFile("schema.json", want.Bytes(), 0o644); err != nil {
			t.Fatal(err)
		}
	} else if !bytes.Equal(workbench.Schema(), want.Bytes()) {
		t.Error("schema.json is stale: go generate ./workbench")
	}
}

// comments are those of the fields in file.go, by Type.Field, in one line.
func comments(t *testing.T) map[string]string {
	t.Helper()
	file, err := parser.ParseFile(token.NewFileSet(), "file.go", nil, parser.ParseComments)
	if err != nil {
		t.Fatal(err)
	}
	all := make(map[string]string)
	ast.Inspect(file, func(n ast.Node) bool {
		spec, ok := n.(*ast.TypeSpec)
		if !ok {
			return true
		}
		if s, ok := spec.Type.(*ast.StructType); ok {
			for _, field := range s.Fields.List {
				for _, name := range field.Names {
					all[spec.Name.Name+"."+name.Name] = strings.Join(strings.Fields(field.Doc.Text()), " ")
				}
			}
		}
		return false
	})
	return all
}

// generator makes schemas of types.
type generator struct{ comments map[string]string }

func (g generator) object(t *testing.T, of reflect.Type) *jsonschema.Schema {
	s := &jsonschema.Schema{
		Type:                 "object",
		Properties:           make(map[string]*jsonschema.Schema),
		AdditionalProperties: &jsonschema.Schema{Not: &jsonschema.Schema{}},
	}
	for i := range of.NumField() {
		field := of.Field(i)
		tag := field.Tag
		key := tag.Get("yaml")
		p := g.field(t, field)
		comment, ok := strings.CutPrefix(g.comments[of.Name()+"."+field.Name], field.Name)
		if !ok || comment == "" {
			t.Errorf("%s.%s has no comment that begins with its name", of.Name(), field.Name)
		}
		p.Description = key + comment
		s.Properties[key], s.PropertyOrder = p, append(s.PropertyOrder, key)
		if tag.Get("short") != "" {
			s.Required = append(s.Required, key)
		}
		for _, other := range words(tag.Get("excludes")) {
			both := &jsonschema.Schema{Required: []string{key, other}, Properties: make(map[string]*jsonschema.Schema)}
			for _, name := range both.Required {
				if f, ok := byKey(of, name); !ok {
					t.Errorf("%s excludes %s, which is no key", key, name)
				} else if f.Type.Kind() == reflect.Bool {
					both.Properties[name] = &jsonschema.Schema{Const: jsonschema.Ptr[any](true)}
				}
			}
			s.AllOf = append(s.AllOf, &jsonschema.Schema{Not: both})
		}
		if needs := words(tag.Get("needs")); needs != nil {
			if s.DependentRequired == nil {
				s.DependentRequired = make(map[string][]string)
			}
			s.DependentRequired[key] = needs
			for _, name := range needs {
				if _, ok := byKey(of, name); !ok {
					t.Errorf("%s needs %s, which is no key", key, name)
				}
			}
		}
	}
	return s
}

func byKey(of reflect.Type, key string) (reflect.StructField, bool) {
	return of.FieldByNameFunc(func(name string) bool {
		f, _ := of.FieldByName(name)
		return f.Tag.Get("yaml") == key
	})
}

func words(list string) []string {
	if list == "" {
		return nil
	}
	return strings.Split(list, ",")
}

const (
	durationPattern = `^([0-9]+(\.[0-9]+)?|[0-9]+d([0-9]+(\.[0-9]+)?(ns|us|µs|ms|s|m|h))*|([0-9]+(\.[0-9]+)?(ns|us|µs|ms|s|m|h))+)$`
	sizePattern     = `^[0-9]+( *([kKmMgGtT][iI]?)?[bB])?$`
)

func (g generator) field(t *testing.T, field reflect.StructField) *jsonschema.Schema {
	tag := field.Tag
	s := g.value(t, field.Type)
	if values := words(tag.Get("enum")); values != nil {
		for _, v := range values {
			s.Enum = append(s.Enum, plain(field.Type, v))
		}
	}
	def, hasDefault := tag.Lookup("default")
	switch field.Type.Kind() {
	case reflect.Slice:
		if hasDefault {
			s.MinItems = jsonschema.Ptr(1)
			s.Default = encode(t, words(def))
		}
		return s
	case reflect.Int:
		if s.Enum == nil {
			low, _ := strconv.ParseFloat(tag.Get("min"), 64)
			high, err := strconv.ParseFloat(tag.Get("max"), 64)
			if err != nil {
				high = 1<<31 - 1
			}
			s.Minimum, s.Maximum = &low, &high
		}
	}
	if hasDefault {
		s.Default = encode(t, plain(field.Type, def))
	}
	return s
}

// plain is a default or an allowed value as JSON has it.
func plain(of reflect.Type, text string) any {
	if n, err := strconv.Atoi(text); err == nil {
		return n
	}
	if b, err := strconv.ParseBool(text); err == nil && of.Kind() == reflect.Bool {
		return b
	}
	return text
}

func encode(t *testing.T, v any) json.RawMessage {
	b, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func (g generator) value(t *testing.T, of reflect.Type) *jsonschema.Schema {
	text := func(pattern string) *jsonschema.Schema { return &jsonschema.Schema{Type: "string", Pattern: pattern} }
	zero := 0.0
	switch of {
	case reflect.TypeFor[time.Duration]():
		return &jsonschema.Schema{AnyOf: []*jsonschema.Schema{text(durationPattern), {Type: "number", Minimum: &zero}}}
	case reflect.TypeFor[workbench.Size]():
		return &jsonschema.Schema{AnyOf: []*jsonschema.Schema{text(sizePattern), {Type: "integer", Minimum: &zero}}}
	case reflect.TypeFor[endpoint.Addr](), reflect.TypeFor[netip.Prefix]():
		return &jsonschema.Schema{Type: "string", MinLength: jsonschema.Ptr(1)}
	}
	switch of.Kind() {
	case reflect.Bool:
		return &jsonschema.Schema{Type: "boolean"}
	case reflect.Int:
		return &jsonschema.Schema{Type: "integer"}
	case reflect.String:
		return &jsonschema.Schema{Type: "string", MinLength: jsonschema.Ptr(1)}
	case reflect.Slice:
		item := g.value(t, of.Elem())
		if of.Elem().Kind() == reflect.Struct && item.Type != "string" { // the short form, or all of it
			item.Types, item.Type = nil, "object"
			item = &jsonschema.Schema{AnyOf: []*jsonschema.Schema{{Type: "string", MinLength: jsonschema.Ptr(1)}, item}}
		}
		return &jsonschema.Schema{Type: "array", Items: item}
	case reflect.Struct:
		s := g.object(t, of)
		s.Type, s.Types = "", []string{"object", "null"}
		return s
	}
	t.Fatalf("%v is no type of the file", of)
	return nil
}

// TestSchemaValidates has another reader of schemas judge files.
func TestSchemaValidates(t *testing.T) {
	var s jsonschema.Schema
	if err := json.Unmarshal(workbench.Schema(), &s); err != nil {
		t.Fatal(err)
	}
	resolved, err := s.Resolve(nil)
	if err != nil {
		t.Fatal(err)
	}
	validate := func(text string) error {
		var v any
		if err := yaml.Unmarshal([]byte(text), &v); err != nil {
			t.Fatal(err)
		}
		if v == nil {
			v = map[string]any{}
		}
		data, err := json.Marshal(v) // numbers and keys as JSON has them
		if err != nil {
			t.Fatal(err)
		}
		if err := json.Unmarshal(data, &v); err != nil {
			t.Fatal(err)
		}
		return resolved.Validate(v)
	}
	example, err := os.ReadFile(examplePath)
	if err != nil {
		t.Fatal(err)
	}
	for _, good := range []string{"", "{}", everything, string(example), "history:\n", "drain: 0.5", "drain: 1d12h0.5s", "drain: '7'", "listen: [{address: ':1', broker: false, room: lobby}]"} {
		if _, err := workbench.Parse("x", []byte(good)); err != nil {
			t.Errorf("%.60q: the parser refuses it: %v", good, err)
		}
		if err := validate(good); err != nil {
			t.Errorf("%.60q: the schema refuses it: %v", good, err)
		}
	}
	for _, bad := range []string{"lisen: []", "listen: []", "listen: [1]", "listen: [{room: lobby}]", "listen: [{address: ':1', x: 1}]", "drain: soon", "drain: -1", "drain: ''", "drain: 1h1d", "history: {bytes: 64M}",
		"history: {bytes: 1.5}", "limits: {members: 0}", "limits: {message: 70000}", "limits: {rooms: '3'}", "log: {level: loud}", "nats: {servers: [a], replicas: 2}", "nats: {token: a}",
		"nats: {servers: [a], token: a, credentials: b}", "operators: {secret: long enough, secret-file: a}", "listen: [{address: ':1', broker: true, room: lobby}]",
		"listen: [{address: 'tls://:1', key: a}]", "members-open-rooms: yes", "ban: 192.0.2.1", "status: 1"} {
		if _, err := workbench.Parse("x", []byte(bad)); err == nil {
			t.Errorf("%q: the parser takes it", bad)
		}
		if err := validate(bad); err == nil {
			t.Errorf("%q: the schema takes it", bad)
		}
	}
}
