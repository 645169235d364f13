// Package typo finds what somebody probably meant who wrote something else.
package typo

// Nearest returns the candidate that is fewest typing errors away from word: a
// swap of neighbours is one ("tpc" is one from "tcp"). They must be fewer than
// limit, and fewer than the candidate has bytes. Of equals it is the first; ""
// if there is none.
func Nearest(word string, candidates []string, limit int) string {
	best := ""
	for _, c := range candidates {
		if d := Distance(word, c, 1); d < limit && d < len(c) {
			best, limit = c, d
		}
	}
	return best
}

// Distance returns how many bytes have to be put in, taken out or replaced to
// make b of a; a swap of neighbours counts as much as swap says, and 2 is what
// it costs anyway. The time it takes grows with len(a) times len(b).
func Distance(a, b string, swap int) int {
	before, previous, current := make([]int, len(b)+1), make([]int, len(b)+1), make([]int, len(b)+1)
	for j := range previous {
		previous[j] = j
	}
	for i := 1; i <= len(a); i++ {
		current[0] = i
		for j := 1; j <= len(b); j++ {
			cost := 1
			if a[i-1] == b[j-1] {
				cost = 0
			}
			current[j] = min(previous[j]+1, current[j-1]+1, previous[j-1]+cost)
			if i > 1 && j > 1 && a[i-1] == b[j-2] && a[i-2] == b[j-1] {
				current[j] = min(current[j], before[j-2]+swap)
			}
		}
		before, previous, current = previous, current, before
	}
	return previous[len(b)]
}
