package observe

// Decoders is how many conversations t has decoders for.
func Decoders(t *Transcript) int { return len(t.dec) }
