package typo_test

import (
	"testing"

	"sockeye.dev/internal/typo"
)

func TestDistance(t *testing.T) {
	for _, tt := range []struct {
		a, b        string
		edits, typo int // a swap being two, or one
	}{
		{"", "", 0, 0}, {"who", "", 3, 3}, {"", "who", 3, 3}, {"tcp", "tcp", 0, 0}, {"tcp", "tpc", 2, 1},
		{"quit", "qit", 1, 1}, {"quit", "exit", 2, 2}, {"nick", "nicks", 1, 1}, {"abcd", "badc", 3, 2},
	} {
		if edits, one := typo.Distance(tt.a, tt.b, 2), typo.Distance(tt.a, tt.b, 1); edits != tt.edits || one != tt.typo {
			t.Errorf("%q, %q: %d and %d, want %d and %d", tt.a, tt.b, edits, one, tt.edits, tt.typo)
		}
	}
}

func TestNearest(t *testing.T) {
	for _, tt := range []struct {
		word  string
		limit int
		want  string
	}{{"tpc", 2, "tcp"}, {"tpc", 1, ""}, {"usp", 2, "udp"}, {"x", 3, ""}, {"tdp", 2, "tcp"}} {
		if got := typo.Nearest(tt.word, []string{"tcp", "udp", "y"}, tt.limit); got != tt.want {
			t.Errorf("%q within %d is %q, want %q", tt.word, tt.limit, got, tt.want)
		}
	}
}
