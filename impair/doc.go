// Package impair is what a bad network does to what travels over it: it loses,
// delays, duplicates, damages, reorders, and lets wait what comes faster than
// the line can carry.
//
// A [Rule] decides and never waits: it is given a unit and says when, and how
// often, that unit arrives. A [Spec] names the rules in netem's words, a [Line]
// applies them in the order of a real line, and a [Queue] holds what is due
// later. Who waits for the time to come, on a real clock or on a virtual one, is
// the caller's business.
//
//	spec, err := impair.Parse("delay 20ms 2ms loss 5% rate 2mbit limit 30kB")
//	line := impair.NewLine(spec, seed)
//	units, dropped := line.Send(now, packet)
//
// All chances come from the seed, the rule and the ordinal number of the unit:
// equal seeds give equal lines, and turning one knob moves no chance of
// another.
package impair
