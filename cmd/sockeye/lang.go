package main

import (
	"bytes"
	"cmp"
	_ "embed"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"sync"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"sockeye.dev/room"
)

// English stands in the code and is the key, as with gettext. What is said in
// another language stands in one catalogue, which is read if that language is
// chosen. TestCatalogue says what a catalogue lacks.

//go:embed lang/zh.po
var zhPO string

// languages are what --lang may be, with their catalogues.
var languages = map[string]string{"en": "", "zh": zhPO}

// language is the flag --lang. [app.speak] has obeyed it before flags are read.
type language string

func (l *language) String() string { return string(*l) }
func (l *language) Type() string   { return "language" }

func (l *language) Set(s string) error {
	if _, ok := languages[s]; !ok {
		return fmt.Errorf("%q is no language spoken here: write en or zh", s)
	}
	*l = language(s)
	return nil
}

// speak chooses the language: the last --lang of args, which --help and wrong
// flags are told in too, or else the locale's.
func (a *app) speak(args []string) {
	chosen := ""
	for i, arg := range args {
		if arg == "--" {
			break
		}
		v, ok := strings.CutPrefix(arg, "--lang=")
		if arg == "--lang" && i+1 < len(args) {
			v, ok = args[i+1], true
		}
		if _, known := languages[v]; ok && known {
			chosen = v
		}
	}
	if chosen == "" {
		chosen = a.messages()
	}
	if po := languages[chosen]; po != "" {
		if texts, err := parsePO(po); err == nil { // which a test makes sure of
			a.lang = &catalogue{lang: chosen, texts: texts}
		}
	}
}

// messages is the language of the locale (POSIX, section 8.2), or without one
// the system's. What we write is UTF-8: where the locale says that the terminal
// reads something else, English can be read and Chinese cannot.
func (a *app) messages() string {
	for _, key := range []string{"LC_ALL", "LC_MESSAGES", "LANG"} {
		v := a.getenv(key)
		if v == "" {
			continue
		}
		v, _, _ = strings.Cut(v, "@")
		name, codeset, _ := strings.Cut(v, ".")
		codeset = strings.ReplaceAll(strings.ToLower(codeset), "-", "")
		if isChinese(name) && (codeset == "" || codeset == "utf8") {
			return "zh"
		}
		return "en"
	}
	if isChinese(systemLanguage()) {
		return "zh"
	}
	return "en"
}

// isChinese reports whether a locale is zh, zh_CN or zh-Hans-CN.
func isChinese(name string) bool {
	name = strings.ReplaceAll(strings.ToLower(name), "-", "_")
	return name == "zh" || strings.HasPrefix(name, "zh_")
}

// A catalogue is one language's texts by the English ones. All are formats for
// fmt, those without arguments too; a translation may take its arguments in
// another order with %[2]s. Nil speaks English.
type catalogue struct {
	lang  string
	texts map[string]string

	once     sync.Once
	patterns []pattern // by [catalogue.sorted]
}

// name is the language's name, as --lang has it.
func (c *catalogue) name() string {
	if c == nil {
		return "en"
	}
	return c.lang
}

// format is a format in the catalogue's language.
func (c *catalogue) format(english string) string {
	if c == nil {
		return english
	}
	if t, ok := c.texts[english]; ok {
		return t
	}
	return english
}

// text is a finished text in the catalogue's language. Errors come from
// everywhere, in English: if none is the same, the format is looked for that
// has made it.
func (c *catalogue) text(english string) string { return c.made(english, enoughLetters) }

// advice is text for hints and help, all of which are in the catalogue: a short
// format that other people's errors might look like means one of ours there.
func (c *catalogue) advice(english string) string { return c.made(english, 1) }

// enoughLetters is how many letters a format has besides its arguments if hardly
// another one makes the same text.
const enoughLetters = 8

func (c *catalogue) made(english string, least int) string {
	if c == nil {
		return english
	}
	if t, ok := c.texts[plainText(english)]; ok {
		return strings.ReplaceAll(t, "%%", "%")
	}
	for _, p := range c.sorted() {
		if p.letters < least {
			break
		}
		if args, ok := p.match(english); ok {
			return p.fill(args, c)
		}
	}
	return english
}

// plainText is the format that makes text.
func plainText(text string) string { return strings.ReplaceAll(text, "%", "%%") }

// sorted are the patterns, those with the most letters first.
func (c *catalogue) sorted() []pattern {
	c.once.Do(func() {
		for id, str := range c.texts {
			p := pattern{id: id}
			if p.literals, p.verbs = splitFormat(id); len(p.verbs) == 0 {
				continue
			}
			p.letters = letters(p.literals)
			p.translated, p.order = splitFormat(str)
			c.patterns = append(c.patterns, p)
		}
		slices.SortFunc(c.patterns, func(a, b pattern) int {
			return cmp.Or(cmp.Compare(b.letters, a.letters), cmp.Compare(a.id, b.id))
		})
	})
	return c.patterns
}

// letters counts the letters of literals.
func letters(literals []string) (n int) {
	for _, r := range strings.Join(literals, "") {
		if 'a' <= r|0x20 && r|0x20 <= 'z' {
			n++
		}
	}
	return n
}

// A pattern is a format by which texts are known that were made with it.
type pattern struct {
	id         string
	letters    int      // in its literals
	literals   []string // one more than verbs: each of those stands between two
	verbs      []verb
	translated []string
	order      []verb
}

// A verb is one place of a format for an argument.
type verb struct {
	letter byte // 0: the format ends before it
	arg    int  // which argument, from 0
}

// match is what stands at the verbs of text, by argument.
func (p *pattern) match(text string) (args map[int]string, ok bool) {
	rest, ok := strings.CutPrefix(text, p.literals[0])
	args = make(map[int]string)
	for i, v := range p.verbs {
		if !ok {
			return nil, false
		}
		var arg string
		literal := p.literals[i+1]
		switch last := i == len(p.verbs)-1; {
		case v.letter == 'q' || v.letter == 'd':
			arg = rest[:len(rest)-len(strings.TrimLeft(rest, "-0123456789"))]
			if v.letter == 'q' {
				arg, _ = strconv.QuotedPrefix(rest)
			}
			rest, ok = strings.CutPrefix(rest[len(arg):], literal)
			ok = ok && arg != "" && (rest == "" || !last)
		case last:
			arg, ok = strings.CutSuffix(rest, literal)
		default:
			arg, rest, ok = strings.Cut(rest, literal)
		}
		if _, had := args[v.arg]; !had {
			args[v.arg] = arg
		}
	}
	return args, ok
}

// fill puts the arguments where the translation wants them. One that is itself
// a sentence of ours is translated; a single word may be anything.
func (p *pattern) fill(args map[int]string, c *catalogue) string {
	b := []byte(p.translated[0])
	for i, v := range p.order {
		arg := args[v.arg]
		if strings.Contains(arg, " ") {
			arg = c.text(arg)
		}
		b = append(append(b, arg...), p.translated[i+1]...)
	}
	return string(b)
}

// splitFormat takes a format apart at its verbs.
func splitFormat(format string) (literals []string, verbs []verb) {
	literal, next := "", 0
	for {
		before, after, found := strings.Cut(format, "%")
		literal += before
		if !found {
			return append(literals, literal), verbs
		}
		if format, found = strings.CutPrefix(after, "%"); found {
			literal += "%"
			continue
		}
		if index, rest, ok := strings.Cut(after, "]"); ok && strings.HasPrefix(index, "[") {
			if n, err := strconv.Atoi(index[1:]); err == nil && n > 0 {
				next, after = n-1, rest
			}
		}
		after = strings.TrimLeft(after, "+-# 0123456789.")
		v := verb{arg: next}
		if after != "" {
			v.letter, after = after[0], after[1:]
		}
		literals, verbs = append(literals, literal), append(verbs, v)
		format, literal, next = after, "", next+1
	}
}

// cobraWords are the words of cobra's usage and of pflag's flags, longer ones
// before what they contain.
var cobraWords = []string{
	"Usage:", "Aliases:", "Examples:", "Available Commands:", "Additional Commands:", "Global Flags:", "Flags:", "Additional help topics:",
	`Use "{{.CommandPath}} [command] --help" for more information about a command.`,
}

// pflagDefault stands before a flag's default.
const pflagDefault = " (default "

// translate puts root's help into the catalogue's language.
func (c *catalogue) translate(root *cobra.Command) {
	if c == nil {
		return
	}
	root.InitDefaultHelpCmd() // which cobra would add in English later
	c.translateCommand(root)
	var words []string
	for _, w := range cobraWords {
		words = append(words, w, c.format(w))
	}
	root.SetUsageTemplate(strings.NewReplacer(words...).Replace(root.UsageTemplate()))
	usual := root.UsageFunc()
	root.SetUsageFunc(func(cmd *cobra.Command) error {
		out := cmd.OutOrStderr()
		var b bytes.Buffer
		cmd.SetOut(&b)
		err := usual(cmd)
		cmd.SetOut(out)
		_, errWrite := out.Write(bytes.ReplaceAll(b.Bytes(), []byte(pflagDefault), []byte(c.format(pflagDefault))))
		return errors.Join(err, errWrite)
	})
}

func (c *catalogue) translateCommand(cmd *cobra.Command) {
	cmd.InitDefaultHelpFlag()
	for _, text := range []*string{&cmd.Short, &cmd.Long, &cmd.Example} {
		*text = c.advice(*text)
	}
	usage := func(f *pflag.Flag) { f.Usage = c.advice(f.Usage) }
	cmd.LocalNonPersistentFlags().VisitAll(usage)
	cmd.PersistentFlags().VisitAll(usage)
	for _, sub := range cmd.Commands() {
		c.translateCommand(sub)
	}
}

// roomTexts is what a room says whose language is en, zh or, by default, ours.
func (c *catalogue) roomTexts(language string) *room.Texts {
	if language == "zh" || language == "" && c != nil {
		return &room.Chinese
	}
	return &room.English
}
