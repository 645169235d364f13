package main

import (
	"fmt"
	"strconv"
	"strings"
)

// parsePO reads a catalogue of gettext's: msgid and msgstr, and comments. What
// has no translation is left out, as the header is.
func parsePO(po string) (map[string]string, error) {
	texts := make(map[string]string)
	var id, str string
	var to *string
	add := func() error {
		_, twice := texts[id]
		switch {
		case to == nil:
		case to == &id:
			return fmt.Errorf("msgid %q has no msgstr", id)
		case twice:
			return fmt.Errorf("msgid %q is there twice", id)
		case id != "" && str != "":
			texts[id] = str
		}
		return nil
	}
	n := 0
	for line := range strings.Lines(po) {
		n++
		line = strings.TrimSpace(line)
		if line == "" || line[0] == '#' {
			continue
		}
		keyword, quoted, _ := strings.Cut(line, `"`)
		switch keyword = strings.TrimSpace(keyword); {
		case keyword == "msgid":
			if err := add(); err != nil {
				return nil, fmt.Errorf("line %d: %w", n, err)
			}
			id, str, to = "", "", &id
		case keyword == "msgstr" && to == &id:
			to = &str
		case keyword != "" || to == nil:
			return nil, fmt.Errorf("line %d: %q does not belong here", n, keyword)
		}
		text, err := strconv.Unquote(`"` + quoted)
		if err != nil {
			return nil, fmt.Errorf("line %d: text in double quotes ends the line", n)
		}
		*to += text
	}
	if err := add(); err != nil {
		return nil, fmt.Errorf("line %d: %w", n, err)
	}
	return texts, nil
}
