package workbench

// nearest returns the candidate closest to word in edit distance, "" when none is close enough to have been meant.
func nearest(word string, candidates []string) string {
	if len(word) > 64 {
		return "" // it is not a slip of the finger
	}
	best, bestDistance := "", len(word)/3+2
	if len(word) <= 4 {
		bestDistance = 2 // foo is not log
	}
	for _, c := range candidates {
		if d := distance(word, c); d < bestDistance && d < len(c) {
			best, bestDistance = c, d
		}
	}
	return best
}

// distance counts insertions, deletions, replacements and swaps of neighbours.
func distance(a, b string) int {
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
				current[j] = min(current[j], before[j-2]+1)
			}
		}
		before, previous, current = previous, current, before
	}
	return previous[len(b)]
}
