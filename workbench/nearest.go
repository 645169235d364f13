package workbench

import "sockeye.dev/internal/typo"

// nearest returns the candidate closest to word, "" when none is close enough to have been meant.
func nearest(word string, candidates []string) string {
	if len(word) > 64 {
		return "" // it is not a slip of the finger
	}
	limit := len(word)/3 + 2
	if len(word) <= 4 {
		limit = 2 // foo is not log
	}
	return typo.Nearest(word, candidates, limit)
}
