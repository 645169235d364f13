package workbench

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
)

// FileError is what is wrong with a file: all of it, or the first hundred faults and a last one that counts the rest.
type FileError struct {
	// Faults are in the order of the file; there is at least one.
	Faults []*Fault
}

// Error returns one line for each fault.
func (e *FileError) Error() string {
	lines := make([]string, len(e.Faults))
	for i, f := range e.Faults {
		lines[i] = f.Error()
	}
	return strings.Join(lines, "\n")
}

// Unwrap returns the faults.
func (e *FileError) Unwrap() []error {
	errs := make([]error, len(e.Faults))
	for i, f := range e.Faults {
		errs[i] = f
	}
	return errs
}

func (e *FileError) sort() {
	slices.SortStableFunc(e.Faults, func(a, b *Fault) int {
		return cmp.Or(cmp.Compare(a.Line, b.Line), cmp.Compare(a.Column, b.Column))
	})
}

// Fault is one thing wrong with a file.
type Fault struct {
	// File is the file's name, "" when it has none. Line and Column count from 1; 0 is not known.
	File         string
	Line, Column int

	// Key is the key it is about, with those it stands under: listen.room. "" when the file is no YAML.
	Key string

	// Reason says what is wrong; Hint what to do about it, "" when that is not known.
	Reason, Hint string
}

// Error returns file:line:column: key: reason (hint).
func (f *Fault) Error() string {
	var b strings.Builder
	if f.File != "" {
		b.WriteString(f.File + ":")
	}
	if f.Line > 0 {
		fmt.Fprintf(&b, "%d:", f.Line)
		if f.Column > 0 {
			fmt.Fprintf(&b, "%d:", f.Column)
		}
	}
	if b.Len() > 0 {
		b.WriteByte(' ')
	}
	if f.Key != "" {
		b.WriteString(f.Key + ": ")
	}
	b.WriteString(f.Reason)
	if f.Hint != "" {
		b.WriteString(" (" + f.Hint + ")")
	}
	return b.String()
}
