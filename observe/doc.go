// Package observe watches conversations: what happens in them is an [Event],
// and an [Observer] is told of each.
//
// A [Log] writes events to a file or a terminal without holding up the
// traffic, in a form that a [Formatter] gives them: [Transcript] for people,
// [JSONL] for programs. [Counters] only counts.
//
//	log := observe.NewLog(file, &observe.JSONL{}, observe.LogOptions{Block: true})
//	defer log.Close()
//	server.Observer = observe.Multi(log, &counters)
//
// Nothing here knows what a session is, or opens a file.
package observe
