package lab

import (
	"bufio"
	"fmt"
	"io"
	"strings"
)

// Scorecard writes the claims and their outcomes as a table, with the numbers
// below those that were put to the test, in lines of at most width columns.
func (r *Run) Scorecard(w io.Writer, width int, lang string, color bool) error {
	b := bufio.NewWriter(w)
	rows := r.Score()
	claim, outcome := 0, 0
	for _, row := range rows {
		claim = max(claim, displayWidth(row.Claim.In(lang)))
		outcome = max(outcome, displayWidth(row.TCP.Outcome.In(lang)), displayWidth(row.UDP.Outcome.In(lang)))
	}
	paint := func(o Outcome, s string) string {
		sgr := map[Outcome]string{Proven: "32", Refuted: "31", NotExercised: "2"}[o]
		if !color || sgr == "" {
			return s
		}
		return "\x1b[" + sgr + "m" + s + "\x1b[m"
	}
	pad := func(s string, to int) string { return s + strings.Repeat(" ", max(to-displayWidth(s), 0)) }
	for _, row := range rows {
		b.WriteString(pad(row.Claim.In(lang), claim))
		for _, c := range []struct {
			name string
			Cell
		}{{"TCP", row.TCP}, {"UDP", row.UDP}} {
			if c.Outcome != "" {
				fmt.Fprintf(b, "   %s %s", c.name, paint(c.Outcome, pad(c.Outcome.In(lang), outcome)))
			}
		}
		b.WriteByte('\n')
		for _, c := range []struct {
			name string
			Cell
		}{{"TCP", row.TCP}, {"UDP", row.UDP}} {
			if c.Outcome == Proven || c.Outcome == Refuted {
				fmt.Fprintf(b, "    %s: %s\n", c.name, strings.ReplaceAll(Wrap(c.Numbers.In(lang), max(width-9, 40)), "\n", "\n         "))
			}
		}
	}
	return b.Flush()
}

// Wrap breaks text into lines of at most width columns. Chinese has no blanks,
// and breaks anywhere but before a mark of punctuation.
func Wrap(s string, width int) string {
	var b strings.Builder
	column := 0
	for i, word := range words(s) {
		n := displayWidth(word)
		switch {
		case i > 0 && column+n > width:
			b.WriteByte('\n')
			word = strings.TrimPrefix(word, " ")
			column = displayWidth(word)
		default:
			column += n
		}
		b.WriteString(word)
	}
	return b.String()
}

// words splits text where a line may break; a blank belongs to the word behind
// it, a mark of punctuation to the one before.
func words(s string) (out []string) {
	const clinging = "，。；：、）”！？"
	var word strings.Builder
	wide := false
	flush := func() {
		if word.Len() > 0 {
			out = append(out, word.String())
			word.Reset()
		}
	}
	for _, r := range s {
		isWide := displayWidth(string(r)) > 1
		if r == ' ' || (isWide || wide) && !strings.ContainsRune(clinging, r) {
			flush()
		}
		word.WriteRune(r)
		wide = isWide && r != '（' && r != '“'
	}
	flush()
	return out
}
