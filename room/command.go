package room

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"unicode"

	"sockeye.dev/internal/typo"
)

// A Command is something a member can type after a slash.
type Command struct {
	// Name is what is typed, without the slash, in lower case.
	Name string

	// Args names the arguments in the help: "NAME", "[REASON]". A command whose Args are not empty and not in brackets
	// is not run without any: the member is told the usage.
	Args string

	// Help is what the command does, in a few words.
	Help string

	// Operators says that only operators may run it, and see it in the help.
	Operators bool

	// Run does it for m. args is what follows the name, without the spaces around it. What m has done wrong is said
	// with m.Tell; an error is what Member.Line returns, and io.EOF means that m has left.
	Run func(ctx context.Context, m *Member, args string) error
}

// commandTable returns the built-in commands and then more, which replace those of the same name.
func commandTable(t *Texts, more []Command) []Command {
	table := []Command{
		{"nick", "NAME", t.HelpNick, false, func(ctx context.Context, m *Member, args string) error { return m.rename(ctx, args) }},
		{"who", "[PART]", t.HelpWho, false, who},
		{"msg", "NICK TEXT", t.HelpMsg, false, about(Whisper)},
		{"me", "TEXT", t.HelpMe, false, func(ctx context.Context, m *Member, args string) error { return m.say(ctx, Emote, args) }},
		{"topic", "[TEXT]", t.HelpTopic, false, showTopic},
		{"history", "[N]", t.HelpHistory, false, history},
		{"op", "SECRET|NICK", t.HelpOp, false, op},
		{"deop", "NICK", t.HelpDeop, true, about(Demote)},
		{"kick", "NICK [REASON]", t.HelpKick, true, about(Kick)},
		{"ban", "[NICK [REASON]|ADDRESS]", t.HelpBan, true, ban},
		{"unban", "ADDRESS", t.HelpUnban, true, unban},
		{"mute", "NICK", t.HelpMute, true, about(Mute)},
		{"unmute", "NICK", t.HelpUnmute, true, about(Unmute)},
		{"help", "[COMMAND]", t.HelpHelp, false, help},
		{"quit", "[REASON]", t.HelpQuit, false, func(ctx context.Context, m *Member, args string) error { return m.quit(ctx, args) }},
	}
	for _, c := range more {
		if old := lookup(table, c.Name); old != nil {
			*old = c
		} else {
			table = slices.Insert(table, len(table)-2, c) // /help and /quit stay last
		}
	}
	return table
}

// parse takes a line apart. For a command, name is what follows the slash and rest are its arguments; otherwise rest is
// what is said.
func parse(line string) (name, rest string, isCommand bool) {
	after, ok := strings.CutPrefix(line, "/")
	if !ok {
		return "", line, false
	}
	if strings.HasPrefix(after, "/") {
		return "", after, false
	}
	name = after
	if i := strings.IndexFunc(after, unicode.IsSpace); i >= 0 {
		name, rest = after[:i], strings.TrimSpace(after[i:])
	}
	return strings.ToLower(name), rest, true
}

func lookup(table []Command, name string) *Command {
	for i := range table {
		if table[i].Name == name {
			return &table[i]
		}
	}
	return nil
}

// command runs a command.
func (m *Member) command(ctx context.Context, name, args string) error {
	t := m.room.texts
	c := lookup(m.room.commands, name)
	switch {
	case c == nil:
		return m.noSuch(ctx, name)
	case c.Operators && !m.isOperator():
		return m.Tell(ctx, fmt.Sprintf(t.Operators, name))
	case args == "" && c.Args != "" && !strings.HasPrefix(c.Args, "["):
		return m.Tell(ctx, fmt.Sprintf(t.Usage, c.usage()))
	}
	return c.Run(ctx, m, args)
}

func (m *Member) noSuch(ctx context.Context, name string) error {
	t := m.room.texts
	if c := nearest(m.room.commands, name); c != nil {
		return m.Tell(ctx, fmt.Sprintf(t.NoSuchDo, "/"+name, c.usage()))
	}
	return m.Tell(ctx, fmt.Sprintf(t.NoSuch, "/"+name))
}

func (c *Command) usage() string {
	if c.Args == "" {
		return "/" + c.Name
	}
	return "/" + c.Name + " " + c.Args
}

func help(ctx context.Context, m *Member, args string) error {
	table, t := m.room.commands, m.room.texts
	name := strings.ToLower(strings.TrimPrefix(args, "/"))
	if name != "" {
		c := lookup(table, name)
		if c == nil {
			return m.noSuch(ctx, name)
		}
		return m.Tell(ctx, c.usage()+"  "+c.Help)
	}
	width := 0
	if !m.isOperator() {
		table = slices.DeleteFunc(slices.Clone(table), func(c Command) bool { return c.Operators })
	}
	for i := range table {
		width = max(width, len(table[i].usage()))
	}
	return m.room.between(ctx, func() {
		b := new(Block)
		for i := range table {
			b.Lines = append(b.Lines, m.room.out.notice(fmt.Sprintf("%-*s  %s", width, table[i].usage(), table[i].Help)))
		}
		b.Lines = append(b.Lines, m.room.out.notice(t.HelpSlash))
		m.room.showBlock(m, b)
	})
}

// who answers between two messages, so that the list agrees with the arrivals and departures the member has seen.
func who(ctx context.Context, m *Member, part string) error {
	r, t := m.room, m.room.texts
	key, addresses := foldNick(part), m.isOperator()
	return r.between(ctx, func() {
		nicks, total := r.nicksWith(key, namesAsked, addresses)
		answer := fmt.Sprintf(t.WhoNobody, part)
		if total > 0 {
			answer = fmt.Sprintf(t.Who, total, t.names(nicks, total, namesAsked))
		}
		r.showOne(m, r.out.notice(answer))
	})
}

// nearest returns the command that was probably meant: one that begins with name, or is at most two typing errors
// away from it, and no more than every other letter. Nil if there is none.
func nearest(table []Command, name string) *Command {
	if name == "" {
		return nil
	}
	var best *Command
	least := 3
	for i := range table {
		c := &table[i]
		if strings.HasPrefix(c.Name, name) {
			return c
		}
		if d := distance(c.Name, name); d < least && 2*d <= len(c.Name) {
			best, least = c, d
		}
	}
	return best
}

// distance returns how many letters have to be put in, taken out, replaced or swapped with the next to make b of a.
func distance(a, b string) int {
	if len(b) > 2*len(a)+2 {
		return len(b) // far away; and what strangers type must not cost more than it is worth
	}
	return typo.Distance(a, b, 1)
}
