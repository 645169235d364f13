package session_test

import (
	"testing"

	"sockeye.dev/charset"
	"sockeye.dev/frame"
	"sockeye.dev/session"
)

// A message to many stands in the middle of each stream: only the first of a stream begins with a byte order mark.
func TestAppendTextHasNoMark(t *testing.T) {
	for name, want := range map[string]string{
		"utf-8": "a\n", "utf-8-sig": "a\n", "utf-16": "a\x00\n\x00", "utf-32": "a\x00\x00\x00\n\x00\x00\x00", "utf-16be": "\x00a\x00\n", "gbk": "a\n",
	} {
		e, err := charset.Lookup(name)
		if err != nil {
			t.Fatal(err)
		}
		if got, err := (session.Format{Encoding: e, Framing: frame.Line{}}).AppendText(nil, "a"); string(got) != want || err != nil {
			t.Errorf("%s: %q, %v, want %q", name, got, err, want)
		}
	}
}
