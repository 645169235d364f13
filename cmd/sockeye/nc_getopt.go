package main

import (
	"fmt"
	"strings"
)

// An ncOption is one option of a netcat.
type ncOption struct {
	short byte   // its letter; 0: it has none
	long  string // its name; "": it has none
	arg   bool   // it takes an argument
	set   func(p *ncPlan, value string) error
}

// ncParse reads arguments as GNU's getopt_long does, and tells p of each
// option in turn: letters in clusters, the argument in the same word or the
// next, names cut short as long as they are plain, operands anywhere, "--"
// before those that begin with a dash. It returns the operands.
func ncParse(d *ncDialect, p *ncPlan, args []string) (operands []string, err error) {
	for len(args) > 0 {
		arg := args[0]
		args = args[1:]
		switch {
		case arg == "--":
			return append(operands, args...), nil
		case strings.HasPrefix(arg, "--") && d.long:
			args, err = ncLong(d, p, arg[2:], args)
		case strings.HasPrefix(arg, "-") && arg != "-":
			args, err = ncCluster(d, p, arg[1:], args)
		default:
			operands = append(operands, arg)
		}
		if err != nil {
			return nil, err
		}
	}
	return operands, nil
}

// ncCluster reads letters, of which the last may have an argument.
func ncCluster(d *ncDialect, p *ncPlan, letters string, rest []string) ([]string, error) {
	for letters != "" {
		letter := letters[0]
		letters = letters[1:]
		o := d.letter(letter)
		switch {
		case o == nil:
			return nil, d.misread("invalid option -- '%c'", letter)
		case !o.arg:
			if err := o.set(p, ""); err != nil {
				return nil, err
			}
			continue
		case letters == "" && len(rest) == 0:
			return nil, d.misread("option requires an argument -- '%c'", letter)
		case letters == "":
			letters, rest = rest[0], rest[1:]
		}
		return rest, o.set(p, letters)
	}
	return rest, nil
}

// ncLong reads a name, which may be cut short, with its argument behind "=" or
// in the next word.
func ncLong(d *ncDialect, p *ncPlan, word string, rest []string) ([]string, error) {
	name, value, has := strings.Cut(word, "=")
	o, others := d.named(name)
	switch {
	case o == nil:
		return nil, d.misread("unrecognized option '--%s'", word)
	case len(others) > 0:
		return nil, d.misread("option '--%s' is ambiguous; possibilities: '--%s'", name, strings.Join(others, "' '--"))
	case has && !o.arg:
		return nil, d.misread("option '--%s' doesn't allow an argument", o.long)
	case o.arg && !has && len(rest) == 0:
		return nil, d.misread("option '--%s' requires an argument", o.long)
	case o.arg && !has:
		value, rest = rest[0], rest[1:]
	}
	return rest, o.set(p, value)
}

func (d *ncDialect) letter(c byte) *ncOption {
	for i := range d.options {
		if d.options[i].short == c {
			return &d.options[i]
		}
	}
	return nil
}

// named finds the option a name begins. If that begins several, others are
// their names.
func (d *ncDialect) named(name string) (o *ncOption, others []string) {
	for i := range d.options {
		it := &d.options[i]
		switch {
		case it.long == "" || !strings.HasPrefix(it.long, name):
			continue
		case it.long == name:
			return it, nil
		}
		o = it
		others = append(others, it.long)
	}
	if len(others) == 1 {
		others = nil
	}
	return o, others
}

// misread is an argument that cannot be understood.
func (d *ncDialect) misread(format string, args ...any) error {
	return &ncError{code: d.usageCode, text: fmt.Sprintf(format, args...), misread: true}
}
