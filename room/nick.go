package room

import (
	"fmt"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"
)

// MaxNick is the longest nick, in characters.
const MaxNick = 32

// checkNick returns the nick that was wished for without the spaces around it, or why it cannot be one. It looks at the
// nick alone; whether it is free is for claim to say.
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

// claim makes nick m's unless it is another's. A member may hold several while a rename is under way, and the same one
// twice after going there and back; each claim has its release. r.mu is held.
func (r *Room) claim(m *Member, nick string) bool {
	key := foldNick(nick)
	if holder := r.nicks[key]; holder != nil && holder != m {
		return false
	}
	r.nicks[key] = m
	m.keys = append(m.keys, key)
	return true
}

// release undoes one claim. r.mu is held.
func (r *Room) release(m *Member, nick string) {
	key := foldNick(nick)
	held := 0
	at := -1
	for i, k := range m.keys {
		if k == key {
			held++
			at = i
		}
	}
	if at < 0 {
		return
	}
	m.keys = append(m.keys[:at], m.keys[at+1:]...)
	if held == 1 {
		delete(r.nicks, key)
	}
}

// claimGuest gives m the next free guest name. The numbers only grow, so that looking for a free one stays cheap however
// many have been given, and nobody is mistaken for the guest before. r.mu is held.
func (r *Room) claimGuest(m *Member) string {
	for {
		r.guests++
		nick := fmt.Sprintf("guest-%d", r.guests)
		if r.claim(m, nick) {
			return nick
		}
	}
}

// nicksWith returns the first limit nicks that contain the folded key, in the order of joining, and how many do. It
// compares with the keys the members hold anyway: asking must not cost the room more than saying something does.
func (r *Room) nicksWith(key string, limit int) (nicks []string, total int) {
	r.mu.Lock()
	defer r.mu.Unlock()
	contains := func(k string) bool { return strings.Contains(k, key) }
	for _, m := range r.members {
		if !slices.ContainsFunc(m.keys, contains) {
			continue
		}
		if total++; total <= limit {
			nicks = append(nicks, m.nick)
		}
	}
	return nicks, total
}
