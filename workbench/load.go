package workbench

import (
	"bytes"
	"errors"
	"io"
	"strings"
	"unicode"
	"unicode/utf8"

	"go.yaml.in/yaml/v4"
)

// load returns the mapping that data is, nil if it is empty or faulty.
func (b *binder) load(data []byte) *yaml.Node {
	loader, err := yaml.NewLoader(bytes.NewReader(data))
	var documents [2]yaml.Node
	n := 0
	for err == nil && n < len(documents) {
		if err = loader.Load(&documents[n]); err == nil {
			n++
		}
	}
	if err != nil && !errors.Is(err, io.EOF) {
		b.faults = append(b.faults, b.syntax(err, data))
		return nil
	}
	if n > 1 {
		b.fault(&documents[1], "", "remove the line ---", "a second document begins here; the file is one")
		return nil
	}
	if n == 0 || len(documents[0].Content) == 0 {
		return nil
	}
	return documents[0].Content[0]
}

// syntax is the fault of what is no YAML. Where bytes are that may not be in YAML at all the library does not tell.
func (b *binder) syntax(err error, data []byte) *Fault {
	f := &Fault{File: b.name, Reason: strings.TrimPrefix(err.Error(), "yaml: ")}
	var at *yaml.LoadError
	if errors.As(err, &at) {
		f.Line, f.Column, f.Reason = at.Mark.Line, at.Mark.Column, at.Message
	}
	if f.Line == 0 {
		if i := bytes.IndexFunc(data, forbidden); i >= 0 {
			line := data[bytes.LastIndexByte(data[:i], '\n')+1 : i]
			f.Line, f.Column = bytes.Count(data[:i], []byte("\n"))+1, utf8.RuneCount(line)+1
		}
	}
	f.Reason = "this is not YAML: " + f.Reason
	return f
}

// forbidden is true for control characters, and for bytes that are no UTF-8.
func forbidden(r rune) bool {
	return r == utf8.RuneError || unicode.IsControl(r) && r != '\t' && r != '\n' && r != '\r'
}
