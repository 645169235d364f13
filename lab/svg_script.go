package lab

// A scriptMark tells how a fault would name a packet, and which one has dropped
// it: its ordinal number of all that came to the script on its line (0: it did
// not), and the fault's index (-1: none).
type scriptMark struct{ nth, fault int }

// replay lets the packets pass the script once more. It knows what became of
// them, so it only counts.
func (r *Run) replay() []scriptMark {
	seen, counts, known := make(map[[2]int]int), make([]int, len(r.Setup.Faults)), make(streams)
	marks := make([]scriptMark, len(r.Packets))
	for i, p := range r.Packets {
		marks[i].fault = -1
		if p.Fate.Has(Duplicate) && p.CopyOf != 0 {
			continue
		}
		again := Packet{From: p.From, To: p.To, Raw: p.Raw}
		known.decode(&again)
		if p.Fate.Has(QueueDrop) {
			continue
		}
		line := [2]int{p.From, p.To}
		seen[line]++
		marks[i].nth = seen[line]
		for j, f := range r.Setup.Faults {
			if f.From != p.From || f.To != p.To || !known.is(&again, f.Kind) {
				continue
			}
			if counts[j]++; f.hits(counts[j]) && f.Action == "drop" {
				marks[i].fault = j
			}
		}
	}
	return marks
}
