package endpoint

import "sockeye.dev/internal/typo"

// nearest returns the candidate closest to word, "" when none is close enough to
// have been meant.
func nearest(word string, candidates []string) string {
	return typo.Nearest(word, candidates, len(word)/3+2)
}
