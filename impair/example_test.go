package impair_test

import (
	"fmt"
	"time"

	"sockeye.dev/impair"
)

// A line decides; a queue holds what is due. The clock here is a number.
func Example() {
	spec, err := impair.Parse("delay 20ms rate 1mbit limit 2 duplicate 20%")
	if err != nil {
		fmt.Println(err)
		return
	}
	line := impair.NewLine(spec, 3)
	var due impair.Queue[impair.Unit]
	for i := range 4 {
		now := time.Duration(i) * 500 * time.Microsecond
		units, dropped := line.Send(now, make([]byte, 125))
		for _, u := range units {
			due.Push(u.At, u)
		}
		if len(units) == 0 {
			fmt.Printf("%8v  unit %d: %v\n", now, i, dropped)
		}
	}
	for due.Len() > 0 {
		it := due.Pop()
		fmt.Printf("%8v  unit %d: %v\n", it.At, it.Value.N, it.Value.Fate)
	}
	// Output:
	//    1.5ms  unit 3: overflowed
	//     21ms  unit 0: carried
	//     22ms  unit 1: carried
	//     22ms  unit 1: duplicated
	//     23ms  unit 2: carried
}

func ExampleParse() {
	spec, _ := impair.Parse("loss 5% delay 0.02 rate 2000kbit")
	fmt.Println(spec)
	_, err := impair.Parse("loss 5% reorder 1%")
	fmt.Println(err)
	// Output:
	// delay 20ms loss 5% rate 2mbit
	// impairment "loss 5% reorder 1%": reorder: needs a delay: what overtakes is spared it
}

// A rule of one's own goes between the queue and chance.
func ExampleNewLine() {
	third := func(u impair.Unit) []impair.Unit {
		if u.N == 2 {
			return nil
		}
		return []impair.Unit{u}
	}
	line := impair.NewLine(impair.Spec{Delay: 10 * time.Millisecond}, 1, third)
	for range 4 {
		units, dropped := line.Send(0, []byte("data"))
		fmt.Println(len(units), dropped)
	}
	// Output:
	// 1 carried
	// 1 carried
	// 0 lost
	// 1 carried
}
