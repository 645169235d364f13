package room

import (
	"fmt"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"
)

// MaxNick is the longest nick, in characters.
const MaxNick = 32

// checkNick returns the nick that was wished for without the spaces around it, or why it cannot be one. Whether it is free
// is for the roster to say.
func (t *Texts) checkNick(wish string) (nick, why string) {
	nick = strings.TrimSpace(wish)
	if nick == "" {
		return "", t.NickEmpty
	}
	if utf8.RuneCountInString(nick) > MaxNick {
		return "", fmt.Sprintf(t.NickLong, MaxNick)
	}
	for i, c := range nick {
		switch {
		case c == utf8.RuneError:
			return "", fmt.Sprintf(t.NickHidden, "U+FFFD")
		case unicode.IsSpace(c) || unicode.Is(unicode.Zs, c):
			return "", t.NickSpace
		case strings.ContainsRune("<>,/*@#", c):
			// What lines, lists and commands are written with, now or later.
			return "", fmt.Sprintf(t.NickChar, string(c))
		case invisible(c):
			return "", fmt.Sprintf(t.NickHidden, fmt.Sprintf("U+%04X", c))
		case i == 0 && unicode.IsMark(c):
			return "", t.NickMark
		}
	}
	return nick, ""
}

// invisible reports whether c could make two nicks look the same, or is not meant to be seen: controls, bidi and other
// format characters, unassigned and private ones, fillers, variation selectors.
func invisible(c rune) bool {
	return !unicode.IsGraphic(c) ||
		unicode.In(c, unicode.Cf, unicode.Other_Default_Ignorable_Code_Point, unicode.Variation_Selector) ||
		c == 0x2800 // BRAILLE PATTERN BLANK is a symbol to Unicode and nothing to the eye
}

// foldNick returns what two nicks that differ only in case have in common.
func foldNick(nick string) string {
	return strings.Map(func(c rune) rune {
		least := c
		for f := unicode.SimpleFold(c); f != c; f = unicode.SimpleFold(f) {
			least = min(least, f)
		}
		return least
	}, nick)
}

func guestName(n int) string { return "guest-" + strconv.Itoa(n) }

// isGuest reports whether nick is one that a room may have given.
func isGuest(nick string) bool {
	n, ok := strings.CutPrefix(nick, "guest-")
	_, err := strconv.ParseUint(n, 10, 64)
	return ok && err == nil
}

// nicksWith returns the first limit nicks that contain the folded key, in the order in which they came, and how many do. An
// operator's has an @ before it. With addresses, those who are on this Room have theirs behind it.
func (r *Room) nicksWith(key string, limit int, addresses bool) (nicks []string, total int) {
	for p := range r.roster.all {
		if !strings.Contains(p.key, key) {
			continue
		}
		if total++; total > limit {
			continue
		}
		nick := p.nick
		if p.operator {
			nick = "@" + nick
		}
		if m := r.find(p.id); addresses && m != nil {
			if v, ok := m.screen.(Visitor); ok && v.Source().IsValid() {
				nick += " (" + v.Source().String() + ")"
			}
		}
		nicks = append(nicks, nick)
	}
	return nicks, total
}
