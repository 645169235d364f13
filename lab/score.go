package lab

// An Outcome is what a run says of a claim.
type Outcome string

const (
	Proven       Outcome = "PROVEN"        // it was put to the test, and held
	NotExercised Outcome = "NOT EXERCISED" // nothing happened that would have shown it
	Refuted      Outcome = "REFUTED"       // it was put to the test, and did not hold
)

// A Row is one claim, judged for TCP and UDP from what this run has counted.
type Row struct {
	Claim    Text
	TCP, UDP Cell
}

// A Cell is an outcome with its numbers. Without an outcome the run has no such
// flow.
type Cell struct {
	Outcome Outcome
	Numbers Text
}

// Score judges the seven claims, in the order of the tutorial (section 3.1).
func (r *Run) Score() []Row { return nil }
